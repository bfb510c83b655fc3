"""NumPy as the operations call it: its names, some of them for functions that use all worker threads, and a few names more."""

from __future__ import annotations

import functools
import math
import types
from typing import Any

import numpy
from numpy import ndarray

from .. import arrays
from ..dtypes import float16, float32
from . import block_sums, products, threads
from .parallel import astype, clip, concatenate, copy, parallel_ufunc, where

FIRST_AXIS = (0, (0,))  # the values of `axis` that name the first axis
SECOND_AXIS = (1, -1, (1,), (-1,))  # those that name the second axis of a matrix
EVERY = slice(None)

numpy_names: Any = types.ModuleType("minigrad.backend.cpu.numpy_names.numpy", "NumPy's names, as the operations call them.")
numpy_names.__dict__.update({name: value for name, value in vars(numpy).items() if not name.startswith("__")})
arrays.register(ndarray, numpy_names, "cpu")


def matmul(x, y, queue=None):
    """Return x @ y, computed on all threads for a large product of two matrices.

    If there is a list `queue`, a large product is appended to it, and the returned array is filled when the products of the list are
    computed.
    """
    if type(x) is not ndarray or type(y) is not ndarray or x.ndim != 2 or y.ndim != 2 \
            or (size := x.shape[0] * y.shape[1] * x.shape[1]) <= products.SMALL or x.dtype != y.dtype or x.shape[1] != y.shape[0]:
        return numpy.matmul(x, y)
    if size < products.LARGE:
        return products.with_blas_on_one_thread(numpy.matmul, x, y)
    return _large_product(x, y, queue=queue)


def linear(x, weight, bias):
    """Return x weightᵀ + bias; in a large product each thread adds the bias to the rows that it computes."""
    if x.ndim != 2 or x.shape[0] * weight.size < products.LARGE or x.shape[0] < weight.shape[0]:
        y = matmul(x, weight.T)
        y += bias
        return y
    return _large_product(x, weight.T, bias)


def _large_product(x, y, *bias, queue=None):
    """Return x y (+ bias), computed in parts of its rows, or of its columns if there are more of them; for `queue` see `matmul`."""
    out, multiply = numpy.empty((x.shape[0], y.shape[1]), x.dtype), products.multiplier(x, y)
    if out.shape[0] >= out.shape[1]:
        product = products.Product(lambda low, high: multiply(x[low:high], y, out[low:high], *bias), out.shape[0], multiply)
    else:
        product = products.Product(lambda low, high: multiply(x, y[:, low:high], out[:, low:high]), out.shape[1], multiply)
    return products.compute_or_queue(product, out, queue)


def getitem(x, *, key):
    """Return x[key]; elements chosen by arrays are stored row by row, as in PyTorch. All threads copy a large number of rows."""
    places = [i for i, part in enumerate(key) if type(part) is ndarray] if type(key) is tuple else ()
    if not places:
        return x[key]
    axis, index = places[0], key[places[0]]
    alone = len(places) == 1 and len(key) == axis + 2 and key[-1] is Ellipsis and key[:axis] == (EVERY,) * axis
    if not alone or index.dtype.kind not in "iu" or not x.size:
        return numpy.ascontiguousarray(x[key])
    if axis or x.ndim < 2 or index.ndim != 1 or index.size * (x.size // max(len(x), 1)) < threads.LARGE \
            or ((index < -len(x)) | (index >= len(x))).any():
        return x.take(index, axis)
    out = numpy.empty((index.size, *x.shape[1:]), x.dtype)
    threads.share(lambda low, high: numpy.take(x, index[low:high], axis=0, out=out[low:high], mode="wrap"), index.size, 1, out.size)
    return out


def sum(x, axis=None, keepdims=False, dtype=None, queue=None):
    """Return the sum over `axis`, in `dtype` if given; float16 is summed in float32.

    Few numbers are added one after the other: see `block_sums`. If there is a list `queue`, the work for a sum over the rows of a large
    matrix is appended to it, as in `matmul`.
    """
    if type(x) is not ndarray or dtype is not None or x.dtype.char not in "fd":
        if dtype is None and x.dtype == float16:
            return sum(astype(x, float32), axis, keepdims).astype(x.dtype)
        return numpy.add.reduce(x, axis=axis, dtype=dtype, keepdims=keepdims)
    if x.size <= block_sums.BLOCK or (axis is None and (x.flags.c_contiguous or x.flags.f_contiguous)) \
            or (axis in FIRST_AXIS and len(x) <= block_sums.BLOCK and x.size < threads.LARGE):
        return numpy.add.reduce(x, axis=axis, keepdims=keepdims)
    if x.ndim == 2 and axis in SECOND_AXIS:
        if _is_narrow(x):
            return _over_columns(numpy.add, x, keepdims)
        if block_sums.is_inner(x, 1):
            return _over_rows(numpy.add, x, keepdims) if x.size >= threads.LARGE else numpy.add.reduce(x, axis=1, keepdims=keepdims)
    axes = sorted([a % x.ndim for a in (range(x.ndim) if axis is None else axis if type(axis) is tuple else (axis,))])
    if x.ndim == 2 and axes == [0] and x.size >= threads.LARGE and x.flags.f_contiguous:
        y = _over_rows(numpy.add, x.T, False)[None]
    else:
        y = block_sums.sum_over(x, axes, queue)
    return y if keepdims else y.reshape([n for i, n in enumerate(y.shape) if i not in axes])


def largest(x, axis=None, keepdims=False, **others):
    """Return the largest number over `axis`, or NaN if there is one."""
    if type(x) is ndarray and x.ndim == 2 and axis in SECOND_AXIS and not others:
        if _is_narrow(x):
            return _over_columns(numpy.maximum, x, keepdims)
        if x.size >= threads.LARGE:
            return _over_rows(numpy.maximum, x, keepdims)
    return numpy.max(x, axis=axis, keepdims=keepdims, **others)


def _is_narrow(x):
    """Return whether a matrix is long and narrow: NumPy takes ten times as long to reduce the rows of such a matrix as its columns."""
    return 1 < x.shape[1] <= 32 and x.shape[0] >= 128


def _over_rows(ufunc, x, keepdims):
    """Return a large matrix reduced over its second axis; each thread takes some of the rows."""
    y = numpy.empty(len(x), x.dtype)
    threads.share(lambda low, high: ufunc.reduce(x[low:high], axis=1, out=y[low:high]), len(x), 1, x.size)
    return y[:, None] if keepdims else y


def _over_columns(ufunc, x, keepdims):
    """Return a narrow matrix reduced over its second axis, which is the first one of a transposed copy."""
    y = ufunc.reduce(numpy.ascontiguousarray(x.T), axis=0)
    return y[:, None] if keepdims else y


def ones_like(x):
    """Return ones of x's shape and dtype, without the Python code around NumPy's function."""
    y = numpy.empty_like(x)
    y.fill(1)
    return y


def broadcast_to(x, shape):
    """Return a read-only view of x with axes of stride 0; for a 0-d array, the frequent case, without the Python code around NumPy's."""
    if x.ndim or type(x) is not ndarray:
        return numpy.broadcast_to(x, shape)
    y = ndarray(shape, x.dtype, x, 0, (0,) * len(shape))
    y.flags.writeable = False
    return y


def scatter(xp, g, *, key, shape):
    """Return zeros of `shape` with g added at [key]; the values of a repeated index add up, with CuPy in an order that may vary."""
    out = xp.zeros(shape, g.dtype)
    keys = key if isinstance(key, tuple) else (key,)
    if any((isinstance(k, xp.ndarray) and k.dtype != bool) or isinstance(k, list) for k in keys):
        xp.add.at(out, key, g)
    else:
        out[key] = g
    return out


def assign(x, value, *, first, last):
    """Return a copy of x with `value` at [first][last]; on a device, a place that is named more than once gets any one of its values."""
    out = copy(x, "C")
    out[first][last] = value
    return out


def remainder(x, y):
    """Return x - y ⌊x / y⌋ with the sign of y, but that of x for a 0, as in PyTorch."""
    rest = numpy.asarray(numpy.remainder(x, y))
    return numpy.copysign(rest, x, out=rest, where=rest == 0) if rest.dtype.kind == "f" else rest


def put_along_axis(xp, g, indices, axis, shape):
    """Return zeros of `shape` with g added at the indices along one axis; the values of a repeated index add up."""
    places = [xp.reshape(xp.arange(n), [-1 if i == k else 1 for i in range(indices.ndim)]) for k, n in enumerate(indices.shape)]
    places[axis] = indices
    return scatter(xp, g, key=tuple(places), shape=shape)


def erf(x):
    """Return erf x; NumPy has no such function."""
    return numpy.fromiter(map(math.erf, x.reshape(-1).tolist()), x.dtype, x.size).reshape(x.shape)


def diagonal(xp, x, *, offset):
    """Return a diagonal of the last two axes as a view, which can be written to if x can."""
    y = xp.diagonal(x, offset, -2, -1)
    if type(y) is ndarray:
        y.flags.writeable = x.flags.writeable
    return y


def put_diagonal(xp, x, *, offset, shape):
    """Return zeros of `shape` with x on a diagonal of the last two axes."""
    out = xp.zeros(shape, x.dtype)
    diagonal(xp, out, offset=offset)[...] = x
    return out


def stop_gradient(x):
    """Return x; the function of a Tensor returns a constant."""
    return x


numpy_names.max, numpy_names.argsort = largest, functools.partial(numpy.argsort, kind="stable")  # as CuPy sorts
for _function in (diagonal, put_along_axis, put_diagonal, scatter):
    setattr(numpy_names, _function.__name__, functools.partial(_function, numpy))
PARALLEL = (numpy.cos, numpy.exp, numpy.expm1, numpy.log, numpy.log1p, numpy.sin, numpy.sqrt, numpy.tanh)
for _function in (*map(parallel_ufunc, PARALLEL), assign, astype, broadcast_to, clip, concatenate, copy, erf, getitem, linear,
                  matmul, ones_like, remainder, stop_gradient, sum, where):
    setattr(numpy_names, _function.__name__, _function)


def _postponed_matmul(x, y):
    """Return the product of two matrices, at least one of which is a Postponed gradient; a large one is computed later."""
    queue = x.products if type(x) is products.Postponed else y.products
    x, y = [a.array if type(a) is products.Postponed else a for a in (x, y)]
    return matmul(x, y, queue)


def _postponed_sum(g, axis=None, keepdims=False):
    """Return the sum of a Postponed gradient; a large one is computed later."""
    return sum(g.array, axis, keepdims, queue=g.products)


products.postponed.matmul, products.postponed.sum = _postponed_matmul, _postponed_sum
