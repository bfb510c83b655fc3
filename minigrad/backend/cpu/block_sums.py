"""Sums in which few numbers are added one after the other: those of blocks first, then the blocks' sums.

NumPy does so along neighbours in memory only. Added row by row, a million float32 numbers lose their last four digits.
"""

from __future__ import annotations

from math import prod

import numpy

from . import products as blas
from . import threads

BLOCK = 128  # rows that are added one after the other
WIDE = 512  # elements of a row; several rows that are shorter are taken as one
SHARED = 8  # threads.share cuts into multiples of it


def over(x, axes, products=None):
    """Return Σ over these axes, counted from 0 and rising, which stay with length 1."""
    shape = tuple([1 if i in axes else n for i, n in enumerate(x.shape)])
    if axes == list(range(len(axes))) and x.flags.c_contiguous:
        rows = prod(x.shape[:len(axes)])
        return over_rows(x.reshape(rows, x.size // rows), products).reshape(shape)
    for axis in sorted(axes, key=lambda i: abs(x.strides[i])):
        if x.strides[axis] == 0 and x.shape[axis] > 1:  # repeated by broadcasting
            x = x.take((0,), axis) * x.shape[axis]
        elif is_inner(x, axis):
            x = numpy.add.reduce(x, axis=axis, keepdims=True)
        else:
            x = numpy.expand_dims(_first_axis(numpy.moveaxis(x, axis, 0)), axis)
    return x


def is_inner(x, axis):
    """Return whether neighbours along `axis` lie closest in memory: NumPy adds them in pairs then."""
    step = abs(x.strides[axis])
    return step > 0 and all([step <= abs(other) or other == 0 for other, n in zip(x.strides, x.shape) if n > 1])


def over_rows(x, products=None):
    """Return Σ over the rows of a matrix, not empty. Of a large one the threads share the blocks, each as a product of ones with it.

    Such a sum is added to the list `products` instead, if there is one.
    """
    if x.size < threads.LARGE:
        return _first_axis(x)
    size, out = x.shape[1], numpy.empty(x.shape[1:], x.dtype)
    several = _taken_as_one(x)
    wide = x[:len(x) // several * several].reshape(-1, several * size)
    count = -(-len(wide) // BLOCK)
    length = len(wide) // count
    blocks, ones = wide[:count * length].reshape(count, length, -1), numpy.ones(length, x.dtype)
    sums = numpy.empty((count, several * size), x.dtype)

    def part(low, high):
        low, high = low // SHARED, high // SHARED
        numpy.matmul(ones, blocks[low:high], out=sums[low:high])

    def add_up():
        total = _first_axis(_plus_rest(_first_axis(sums), wide[count * length:]).reshape(several, size))
        out[...] = _plus_rest(total, x[len(wide) * several:])

    return blas.compute_or_queue(blas.Product(part, count * SHARED, after=add_up), out, products)


def _first_axis(x):
    """Return Σ over the first axis, not empty, in this thread."""
    if len(x) <= BLOCK:
        return numpy.add.reduce(x, axis=0)
    several = _taken_as_one(x)
    length = several if several > 1 else BLOCK // 4  # as BLAS, which adds four rows at a time to the sum
    whole = len(x) // length * length
    if several > 1:
        total = _first_axis(_first_axis(x[:whole].reshape(whole // several, -1)).reshape(several, *x.shape[1:]))
    else:
        total = _first_axis(numpy.add.reduce(x[:whole].reshape(-1, length, *x.shape[1:]), axis=1))
    return _plus_rest(total, x[whole:])


def _plus_rest(total, rest):
    return total + _first_axis(rest) if len(rest) else total


def _taken_as_one(x):
    """Return how many rows are taken as one, as they lie side by side and are short."""
    return max(1, min(WIDE * len(x) // x.size, len(x) // 2)) if x.flags.c_contiguous else 1
