"""Sums over axes that add few numbers one after the other: first the sum of each block, then the sum of the blocks' sums.

NumPy does this along neighbours in memory only. A million float32 numbers that are added row by row lose their last four digits.
"""

from __future__ import annotations

from math import prod

import numpy

from . import threads
from .products import Product, compute_or_queue

BLOCK = 128  # rows that are added one after the other
WIDE = 512  # elements of a row; several shorter rows are taken as one row
SHARE = 8  # `threads.share` cuts a Product into multiples of it


def sum_over(x, axes, queue=None):
    """Return the sum of x over `axes`, a rising list of axes counted from 0, which keep length 1 in the result.

    For `queue` see `sum_over_rows`.
    """
    shape = tuple([1 if i in axes else n for i, n in enumerate(x.shape)])
    if axes == list(range(len(axes))) and x.flags.c_contiguous:
        rows = prod(x.shape[:len(axes)])
        return sum_over_rows(x.reshape(rows, x.size // rows), queue).reshape(shape)
    for axis in sorted(axes, key=lambda i: abs(x.strides[i])):
        if x.strides[axis] == 0 and x.shape[axis] > 1:  # broadcasting has repeated one element
            x = x.take((0,), axis) * x.shape[axis]
        elif is_inner(x, axis):
            x = numpy.add.reduce(x, axis=axis, keepdims=True)
        else:
            x = numpy.expand_dims(_first_axis(numpy.moveaxis(x, axis, 0)), axis)
    return x


def is_inner(x, axis):
    """Return whether neighbours along `axis` lie closest in memory, in which case NumPy adds them in pairs."""
    step = abs(x.strides[axis])
    return step > 0 and all([step <= abs(other) or other == 0 for other, n in zip(x.strides, x.shape) if n > 1])


def sum_over_rows(x, queue=None):
    """Return the sum over the rows of a matrix that is not empty.

    For a large matrix the threads share the blocks, and each computes ones @ block. If there is a list `queue`, that work is appended
    to it as a Product, and the returned array is filled when the products of the list are computed.
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
        low, high = low // SHARE, high // SHARE
        numpy.matmul(ones, blocks[low:high], out=sums[low:high])

    def add_up():
        total = _first_axis(_plus_rest(_first_axis(sums), wide[count * length:]).reshape(several, size))
        out[...] = _plus_rest(total, x[len(wide) * several:])

    return compute_or_queue(Product(part, count * SHARE, after=add_up), out, queue)


def _first_axis(x):
    """Return the sum over the first axis, which is not empty, computed in this thread."""
    if len(x) <= BLOCK:
        return numpy.add.reduce(x, axis=0)
    several = _taken_as_one(x)
    length = several if several > 1 else BLOCK // 4  # as many additions one after the other as in BLAS, which adds four rows at a time
    whole = len(x) // length * length
    if several > 1:
        total = _first_axis(_first_axis(x[:whole].reshape(whole // several, -1)).reshape(several, *x.shape[1:]))
    else:
        total = _first_axis(numpy.add.reduce(x[:whole].reshape(-1, length, *x.shape[1:]), axis=1))
    return _plus_rest(total, x[whole:])


def _plus_rest(total, rest):
    """Return the sum `total` plus that over the rows left over, if there are any."""
    return total + _first_axis(rest) if len(rest) else total


def _taken_as_one(x):
    """Return how many rows are taken as one row: more than one if they are short and lie one after another in memory."""
    return max(1, min(WIDE * len(x) // x.size, len(x) // 2)) if x.flags.c_contiguous else 1
