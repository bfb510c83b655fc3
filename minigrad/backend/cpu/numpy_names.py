"""NumPy as the ops see it: the same names, with the heavy ones cut into rows for the worker threads."""

from __future__ import annotations

import itertools
import operator
import types
from typing import Any

import numpy
from numpy import ndarray

from .. import arrays
from . import block_sums, threads
from . import products as blas

FIRST = (0, (0,))  # what names the first axis
SECOND = (1, -1, (1,), (-1,))  # what names the second axis of a matrix
EVERY = slice(None)

cpu: Any = types.ModuleType("minigrad.backend.cpu.numpy_names.numpy", "NumPy's names; large arrays are worked on by our threads.")
cpu.__dict__.update({name: value for name, value in vars(numpy).items() if not name.startswith("__")})
arrays.register(ndarray, cpu, "cpu")


def _rows(ufunc, small=None):
    """`ufunc`; a large array, and with it numbers, arrays that are alike, or a row or column, is shared out. Else `small` is called."""
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
    """`out`, written by function(*inputs, out) on all threads: a part of each array goes to each; numbers and 0-d arrays go to all."""
    flat = [a.reshape(-1) if type(a) is ndarray and a.ndim else a for a in (*inputs, out)]
    threads.share(lambda low, high: function(*[a[low:high] if type(a) is ndarray and a.ndim else a for a in flat]), out.size, 64, out.size)
    return out


def _is_like(a, x):
    """Whether `a` is a number that leaves the dtype of x, or an array like x, element beside element in memory."""
    if type(a) is ndarray:
        return a.dtype == x.dtype and (a.ndim == 0 or (a.shape == x.shape and a.flags.c_contiguous))
    return type(a) is float or type(a) is int


def _is_row_or_column(a, x):
    """Whether `a` is as long as a row, or as a column, of the matrix x, whose dtype it has."""
    return type(a) is ndarray and a.dtype == x.dtype and a.shape in ((x.shape[1],), (1, x.shape[1]), (x.shape[0], 1))


for _ufunc in (numpy.tanh, numpy.exp, numpy.log, numpy.sqrt):
    setattr(cpu, _ufunc.__name__, _rows(_ufunc))

# + - · / of any two operands
plus, minus, times = _rows(numpy.add, operator.add), _rows(numpy.subtract, operator.sub), _rows(numpy.multiply, operator.mul)
over = _rows(numpy.divide, operator.truediv)


def clip(x, min, max):
    """x limited to [min, max]; a large array is shared out by rows."""
    if type(x) is not ndarray or x.size < threads.LARGE or not x.flags.c_contiguous or type(min) is ndarray or type(max) is ndarray:
        return numpy.clip(x, min, max)
    return _in_parts(numpy.clip, numpy.empty_like(x), x, min, max)


def matmul(x, y, products=None):
    """x @ y; a large product of two matrices runs on our threads. It is added to the list `products` instead, if there is one."""
    if type(x) is not ndarray or type(y) is not ndarray or x.ndim != 2 or y.ndim != 2 \
            or (size := x.shape[0] * y.shape[1] * x.shape[1]) <= blas.SMALL or x.dtype != y.dtype or x.shape[1] != y.shape[0]:
        return numpy.matmul(x, y)
    if size < blas.LARGE:
        return blas.with_blas_on_one_thread(numpy.matmul, x, y)
    return _large_product(x, y, products=products)


def linear(x, weight, bias):
    """x weightᵀ + bias; in a large product each thread adds the bias to its own rows."""
    if x.ndim != 2 or x.shape[0] * weight.size < blas.LARGE or x.shape[0] < weight.shape[0]:
        y = matmul(x, weight.T)
        y += bias
        return y
    return _large_product(x, weight.T, bias)


def _large_product(x, y, *bias, products=None):
    """x y (+ bias), cut into rows, or into columns if there are more of them."""
    out, multiply = numpy.empty((x.shape[0], y.shape[1]), x.dtype), blas.multiplier(x, y)
    if out.shape[0] >= out.shape[1]:
        product = blas.Product(lambda low, high: multiply(x[low:high], y, out[low:high], *bias), out.shape[0], multiply)
    else:
        product = blas.Product(lambda low, high: multiply(x, y[:, low:high], out[:, low:high]), out.shape[1], multiply)
    return blas.compute_or_queue(product, out, products)


def getitem(x, *, key):
    """x[key]; the elements that arrays pick lie row by row, as PyTorch's do. Many rows taken by whole numbers are shared out."""
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


def sum(x, axis=None, keepdims=False, dtype=None, products=None):
    """Sum over `axis`, in `dtype` if given; float16 is summed in float32. Few numbers are added one after the other: see `adding`.

    A sum over the rows of a large matrix is added to the list `products` instead, if there is one.
    """
    if type(x) is not ndarray or dtype is not None or x.dtype.char not in "fd":
        if dtype is None and x.dtype == arrays.float16:
            return sum(astype(x, arrays.float32), axis, keepdims).astype(x.dtype)
        return numpy.add.reduce(x, axis=axis, dtype=dtype, keepdims=keepdims)
    if x.size <= block_sums.BLOCK or (axis is None and (x.flags.c_contiguous or x.flags.f_contiguous)) \
            or (axis in FIRST and len(x) <= block_sums.BLOCK and x.size < threads.LARGE):
        return numpy.add.reduce(x, axis=axis, keepdims=keepdims)
    if x.ndim == 2 and axis in SECOND:
        if _is_short(x, axis):
            return _over_columns(numpy.add, x, keepdims)
        if block_sums.is_inner(x, 1):
            return _over_rows(numpy.add, x, keepdims) if x.size >= threads.LARGE else numpy.add.reduce(x, axis=1, keepdims=keepdims)
    axes = sorted([a % x.ndim for a in (range(x.ndim) if axis is None else axis if type(axis) is tuple else (axis,))])
    if x.ndim == 2 and axes == [0] and x.size >= threads.LARGE and x.flags.f_contiguous:
        y = _over_rows(numpy.add, x.T, False)[None]
    else:
        y = block_sums.over(x, axes, products)
    return y if keepdims else y.reshape([n for i, n in enumerate(y.shape) if i not in axes])


def largest(x, axis=None, keepdims=False, **others):
    """The largest number over `axis`; NaN where there is one."""
    if type(x) is ndarray and x.ndim == 2 and axis in SECOND and not others:
        if _is_short(x, axis):
            return _over_columns(numpy.maximum, x, keepdims)
        if x.size >= threads.LARGE:
            return _over_rows(numpy.maximum, x, keepdims)
    return numpy.max(x, axis=axis, keepdims=keepdims, **others)


def _is_short(x, axis):
    """Whether `axis` is the second of a long, narrow matrix: NumPy reduces row by row there, at ten times the price of the first."""
    return axis in SECOND and 1 < x.shape[1] <= 32 and x.shape[0] >= 128


def _over_rows(ufunc, x, keepdims):
    """A large matrix reduced over its second axis: each thread takes rows of its own."""
    y = numpy.empty(len(x), x.dtype)
    threads.share(lambda low, high: ufunc.reduce(x[low:high], axis=1, out=y[low:high]), len(x), 1, x.size)
    return y[:, None] if keepdims else y


def _over_columns(ufunc, x, keepdims):
    y = ufunc.reduce(numpy.ascontiguousarray(x.T), axis=0)
    return y[:, None] if keepdims else y


def ones_like(x):
    """Ones of x's shape and dtype, without NumPy's detour."""
    y = numpy.empty_like(x)
    y.fill(1)
    return y


def broadcast_to(x, shape):
    """A read-only view of x with axes of stride 0; the frequent case, a 0-d array, without NumPy's detour."""
    if x.ndim or type(x) is not ndarray:
        return numpy.broadcast_to(x, shape)
    y = ndarray(shape, x.dtype, x, 0, (0,) * len(shape))
    y.flags.writeable = False
    return y


def astype(x, dtype):
    """x in another dtype; x itself where it has it. A large array is shared out."""
    if x.size < threads.LARGE or x.dtype == dtype or not x.flags.c_contiguous:
        return x.astype(dtype, _order(x), copy=False) if x.dtype != dtype else x
    return _in_parts(lambda source, target: numpy.copyto(target, source, "unsafe"), numpy.empty(x.shape, dtype), x)


def where(condition, x, y):
    """x where the condition holds, else y; a large array of conditions is shared out, with numbers or arrays that are alike."""
    first = x if type(x) is ndarray and x.ndim else y
    if type(condition) is not ndarray or condition.size < threads.LARGE or type(first) is not ndarray or first.shape != condition.shape \
            or first.dtype.kind != "f" or not condition.flags.c_contiguous or not _is_like(x, first) or not _is_like(y, first):
        return numpy.where(condition, x, y)
    return _in_parts(lambda c, a, b, out: numpy.copyto(out, numpy.where(c, a, b)), numpy.empty_like(first), condition, x, y)


def copy(x, order="K"):
    """A copy; a large one on the host is shared out by rows."""
    if x.size < threads.LARGE or type(x) is not ndarray or not x.ndim or not (x.flags.c_contiguous or not any(x.strides)):
        return x.copy(_order(x) if order == "K" and type(x) is ndarray else order)
    return _copied(numpy.empty(x.shape, x.dtype), x)


def _order(x):
    """How a copy of x lies: as x, but row by row if x is expanded, as in PyTorch."""
    return "C" if 0 in x.strides else "K"


def concatenate(xs, axis=0):
    """Arrays one after another along `axis`; large ones of one dtype along the first are copied by all threads."""
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
    """`out` with x in it."""
    def part(low, high):
        out[low:high] = x[low:high]

    threads.share(part, len(x), 1, x.size)
    return out


def scatter(g, *, key, shape):
    """Zeros of `shape` with g added at [key]; values of a repeated index add up."""
    out = numpy.zeros(shape, g.dtype)
    keys = key if isinstance(key, tuple) else (key,)
    if any((isinstance(k, ndarray) and k.dtype != bool) or isinstance(k, list) for k in keys):
        numpy.add.at(out, key, g)
    else:
        out[key] = g
    return out


def assign(x, value, *, first, last):
    """A copy of x with `value` at [first][last]."""
    out = copy(x, "C")
    out[first][last] = value
    return out


def remainder(x, y):
    """x - y ⌊x / y⌋ with the sign of y; a 0 has that of x, as PyTorch's."""
    rest = numpy.asarray(numpy.remainder(x, y))
    return numpy.copysign(rest, x, out=rest, where=rest == 0) if rest.dtype.kind == "f" else rest


def put_along_axis(g, indices, axis, shape):
    """Zeros of `shape` with g added at the indices along one axis; values of a repeated index add up."""
    grid = list(numpy.ogrid[tuple(slice(n) for n in indices.shape)])
    grid[axis] = indices
    return scatter(g, key=tuple(grid), shape=shape)


def same(x):
    """x: a Tensor would be taken as a constant here."""
    return x


cpu.broadcast_to, cpu.clip, cpu.matmul, cpu.sum, cpu.max, cpu.astype, cpu.stop_gradient = \
    broadcast_to, clip, matmul, sum, largest, astype, same
cpu.where, cpu.copy, cpu.concatenate = where, copy, concatenate
cpu.linear, cpu.getitem, cpu.scatter, cpu.put_along_axis, cpu.ones_like = linear, getitem, scatter, put_along_axis, ones_like
cpu.assign, cpu.remainder = assign, remainder


def _postponed_matmul(x, y):
    """Return the product of two matrices, one of them at least a Postponed gradient."""
    products = x.products if type(x) is blas.Postponed else y.products
    x, y = [a.array if type(a) is blas.Postponed else a for a in (x, y)]
    return matmul(x, y, products)


def _postponed_sum(g, axis=None, keepdims=False):
    return sum(g.array, axis, keepdims, products=g.products)


blas.postponed.matmul, blas.postponed.sum = _postponed_matmul, _postponed_sum


# ---- floating-point warnings: extreme values give what IEEE says, in silence
#
# A block takes `get_warnings()` before it begins, and inside `try` the token of `set_warnings(QUIET)`. In `finally` it gives the token to
# `reset_warnings`, or, where a signal handler came between the call and the assignment, what it took to `set_warnings`.


try:  # what numpy.errstate does, at a seventh of its price; private, hence the fallback
    from numpy._core.umath import _extobj_contextvar as _state
    from numpy._core.umath import _make_extobj

    QUIET = _make_extobj(all="ignore")
    get_warnings, set_warnings, reset_warnings = _state.get, _state.set, _state.reset
except ImportError:  # pragma: no cover

    QUIET = dict.fromkeys(numpy.geterr(), "ignore")  # type: ignore[assignment]
    get_warnings = numpy.geterr  # type: ignore[assignment]

    def set_warnings(state):
        """Set NumPy's floating-point warnings in this thread: QUIET, or what `get_warnings` returned."""
        return numpy.seterr(**state)

    reset_warnings = set_warnings


def quietly(function, *args, **options):
    """Return function(*args, **options), called without floating-point warnings: what is too large for a dtype becomes infinite."""
    before, token = get_warnings(), None
    try:
        token = set_warnings(QUIET)
        return function(*args, **options)
    finally:
        set_warnings(before) if token is None else reset_warnings(token)
