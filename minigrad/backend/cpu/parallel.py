"""Element-wise functions, conversions and copies: as NumPy's, but all worker threads share a large array."""

from __future__ import annotations

import itertools
import operator

import numpy
from numpy import ndarray

from . import threads


def parallel_ufunc(ufunc, small=None):
    """Return a function that runs `ufunc` on all threads for a large array with scalars, equal-shaped arrays, a row or a column.

    It calls `small`, by default `ufunc` itself, for all other operands.
    """
    small = small or ufunc

    def call(*inputs):
        x = inputs[0] if type(inputs[0]) is ndarray else inputs[-1]
        if type(x) is not ndarray or x.size < threads.LARGE or x.dtype.kind != "f":
            return small(*inputs)
        if all([_is_like(a, x) for a in inputs]):
            return _in_parts(ufunc, numpy.empty_like(x), *inputs)
        if x is inputs[0] and x.ndim == 2 and x.flags.c_contiguous and _is_row_or_column(inputs[-1], x):
            y, other = numpy.empty_like(x), numpy.broadcast_to(inputs[-1], x.shape)
            threads.share(lambda low, high: ufunc(x[low:high], other[low:high], y[low:high]), len(x), 1, x.size)
            return y
        return small(*inputs)

    call.__name__ = ufunc.__name__
    return call


def _in_parts(function, out, *inputs):
    """Return `out`, written by function(*inputs, out) on all threads, each with a part of every array; numbers and 0-d arrays go to all."""
    flat = [a.reshape(-1) if type(a) is ndarray and a.ndim else a for a in (*inputs, out)]
    threads.share(lambda low, high: function(*[a[low:high] if type(a) is ndarray and a.ndim else a for a in flat]), out.size, 64, out.size)
    return out


def _is_like(a, x):
    """Return whether `a` is a Python number, or an array of x's dtype that is 0-d, or contiguous and of x's shape."""
    if type(a) is ndarray:
        return a.dtype == x.dtype and (a.ndim == 0 or (a.shape == x.shape and a.flags.c_contiguous))
    return type(a) is float or type(a) is int


def _is_row_or_column(a, x):
    """Return whether `a` has the dtype of the matrix x, and the length of a row of x or the shape of a column."""
    return type(a) is ndarray and a.dtype == x.dtype and a.shape in ((x.shape[1],), (1, x.shape[1]), (x.shape[0], 1))


# x + y, x - y, x · y, x / y for any two operands, arrays of other libraries and numbers included
plus, minus = parallel_ufunc(numpy.add, operator.add), parallel_ufunc(numpy.subtract, operator.sub)
times, over = parallel_ufunc(numpy.multiply, operator.mul), parallel_ufunc(numpy.divide, operator.truediv)


def clip(x, min, max):
    """Return x limited to [min, max], computed on all threads for a large array."""
    if type(x) is not ndarray or x.size < threads.LARGE or not x.flags.c_contiguous or type(min) is ndarray or type(max) is ndarray:
        return numpy.clip(x, min, max)
    return _in_parts(numpy.clip, numpy.empty_like(x), x, min, max)


def astype(x, dtype):
    """Return x in another dtype, or x itself if it has that dtype; all threads convert a large array."""
    if x.dtype == dtype:
        return x
    if x.size < threads.LARGE or not x.flags.c_contiguous:
        return x.astype(dtype, _order(x))
    return _in_parts(lambda source, target: numpy.copyto(target, source, "unsafe"), numpy.empty(x.shape, dtype), x)


def where(condition, x, y):
    """Return x where the condition holds, elsewhere y; all threads choose between large arrays of one shape, or an array and a number."""
    first = x if type(x) is ndarray and x.ndim else y
    if type(condition) is not ndarray or condition.size < threads.LARGE or type(first) is not ndarray or first.shape != condition.shape \
            or first.dtype.kind != "f" or not condition.flags.c_contiguous or not _is_like(x, first) or not _is_like(y, first):
        return numpy.where(condition, x, y)
    return _in_parts(lambda c, a, b, out: numpy.copyto(out, numpy.where(c, a, b)), numpy.empty_like(first), condition, x, y)


def copy(x, order="K"):
    """Return a copy of x; all threads copy rows of a large array on the host."""
    if x.size < threads.LARGE or type(x) is not ndarray or not x.ndim or not (x.flags.c_contiguous or not any(x.strides)):
        return x.copy(_order(x) if order == "K" and type(x) is ndarray else order)
    return _copied(numpy.empty(x.shape, x.dtype), x)


def _order(x):
    """Return the order of a copy of x: that of x, but row by row if x is expanded, as in PyTorch."""
    return "C" if 0 in x.strides else "K"


def concatenate(xs, axis=0):
    """Return arrays joined along `axis`; all threads copy large ones of one dtype along the first axis."""
    first = xs[0]
    alike = axis == 0 and first.ndim and all(x.ndim and x.dtype == first.dtype and x.shape[1:] == first.shape[1:] for x in xs)
    if not alike or max(x.size for x in xs) < threads.LARGE:
        return numpy.ascontiguousarray(numpy.concatenate(xs, axis=axis))
    ends = list(itertools.accumulate(map(len, xs)))
    out = numpy.empty((ends[-1], *first.shape[1:]), first.dtype)
    for x, end in zip(xs, ends):
        _copied(out[end - len(x):end], x)
    return out


def _copied(out, x):
    """Return `out` after all threads have copied x into it."""
    def part(low, high):
        out[low:high] = x[low:high]

    threads.share(part, len(x), 1, x.size)
    return out
