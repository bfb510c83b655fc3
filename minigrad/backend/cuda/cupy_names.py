"""CuPy as the operations call it: its names, with NumPy's behaviour where CuPy's differs, and further functions that they need."""

from __future__ import annotations

import functools
import types
from math import inf

from .. import arrays
from ..cpu.numpy_names import FIRST_AXIS, assign, diagonal, put_along_axis, put_diagonal, scatter, stop_gradient
from . import cupy_library, range_checks, rows, sums


def cupy_names(library):
    """Return a module with the names of `library` (CuPy, or its stand-in in tests) and the functions below."""
    xp = types.ModuleType("minigrad.backend.cuda.cupy_names.cupy", "CuPy's names, as the operations call them.")
    xp.__dict__.update({name: value for name, value in vars(library).items() if not name.startswith("_")})
    for function in (sum, where, clip, argmax, argmin, scatter, diagonal, put_along_axis, put_diagonal, take_along_axis,
                     remainder, floor_divide, left_shift, right_shift):
        setattr(xp, function.__name__, functools.partial(function, library))
    for plain in (assign, astype, erf, getitem, linear, matmul, to_device, stop_gradient):
        setattr(xp, plain.__name__, plain)
    return xp


cupy_library.make_names = cupy_names


# ---- functions that do not need the library


def astype(x, dtype):
    """Return x in another dtype, or x itself if it has that dtype."""
    return x.astype(dtype, copy=False)


def erf(x):
    """Return erf x, by a kernel of its own."""
    return cupy_library.kernel("erf", lambda: ("T x", "T y", "y = erf(x)", "minigrad_erf", ""))(x)


def matmul(x, y):
    """Return x @ y; the operator takes the host less time than the function."""
    return x @ y


def linear(x, weight, bias):
    """Return x weightᵀ + bias."""
    y = x @ weight.T
    y += bias
    return y


def getitem(x, *, key):
    """Return x[key]; if the key is a device array of row numbers, one kernel checks these and takes the rows."""
    index = rows.row_index(x, key)
    return x[key] if index is None else rows.take(x, index)


def to_device(x, device):
    """Return the device array x on "cpu" or "cuda"."""
    return x if arrays.device_of(x) == device else range_checks.read(x)


# ---- functions that are given the library first


def sum(library, x, axis=None, keepdims=False, dtype=None):
    """Return the sum over `axis`, in `dtype` if given; over the rows of a matrix, a kernel of many blocks computes it."""
    if axis in FIRST_AXIS and sums.can_sum(x) and dtype is None:
        y = sums.of_columns(x)
        return y[None] if keepdims else y
    return library.sum(x, axis=axis, keepdims=keepdims, dtype=dtype)


def where(library, condition, x, y):
    """Return x where the condition holds, elsewhere y; the condition may be a plain bool."""
    return library.where(library.asarray(condition) if isinstance(condition, bool) else condition, x, y)


def clip(library, x, min, max):
    """Return x limited to [min, max], where None is no bound; NaN where x or a bound is NaN, which CuPy may overlook."""
    low, high = -inf if min is None else min, inf if max is None else max
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low <= high:  # neither is NaN
        return x.clip(min, max)
    x = x if min is None else library.maximum(x, min)
    return x if max is None else library.minimum(x, max)


def argmax(library, x, axis=None):
    """Return the index of the first largest element, or of the first NaN, where CuPy returns that of any NaN."""
    return _first_nan(library, x, axis, library.argmax(x, axis=axis))


def argmin(library, x, axis=None):
    """Return the index of the first smallest element, or of the first NaN."""
    return _first_nan(library, x, axis, library.argmin(x, axis=axis))


def _first_nan(library, x, axis, found):
    """Return the indices `found`, with the index of the first NaN where there is one."""
    if x.dtype.kind != "f":
        return found
    wrong = x != x
    return library.where(library.any(wrong, axis=axis), library.argmax(wrong, axis=axis), found)


def take_along_axis(library, x, indices, axis):
    """Return x[indices] along one axis. An index out of range, which CuPy would wrap, raises IndexError at the host's next read."""
    size = x.shape[axis]
    range_checks.check(indices, -size, size, f"index {{}} is out of bounds for axis {axis} of size {size}")
    return library.take_along_axis(x, indices, axis)


def remainder(library, x, y):
    """Return x - y ⌊x / y⌋ with the sign of y, computed exactly; CuPy subtracts a rounded product."""
    if _are_whole(x, y):
        return library.remainder(x, y)
    rest = library.fmod(x, y)
    return where(library, (rest != 0) & ((y < 0) != (rest < 0)), rest + y, rest)


def floor_divide(library, x, y):
    """Return ⌊x / y⌋ of the exact quotient; CuPy rounds x / y first, and 1 // 0.1 would be 10."""
    if _are_whole(x, y):
        return library.floor_divide(x, y)
    choose, rest = functools.partial(where, library), library.fmod(x, y)
    quotient = (x - rest) / y
    quotient = choose((rest != 0) & ((y < 0) != (rest < 0)), quotient - 1, quotient)
    whole = library.floor(quotient)
    whole = choose(quotient - whole > 0.5, whole + 1, whole)  # the quotient is a whole number except for rounding
    return choose(y == 0, x / y, choose(quotient == 0, 0 * (x / y), whole))  # -0 where x / y is negative


def left_shift(library, x, n):
    """Return x 2ⁿ, and 0 where n is negative or at least the number of bits, which CuPy leaves undefined."""
    inside = (n >= 0) & (n < 8 * x.dtype.itemsize)
    return where(library, inside, library.left_shift(x, n * inside), 0)


def right_shift(library, x, n):
    """Return ⌊x / 2ⁿ⌋; an n that is negative or at least the number of bits counts as the largest n."""
    last = 8 * x.dtype.itemsize - 1
    return library.right_shift(x, where(library, (n >= 0) & (n < last), n, last))


def _are_whole(x, y):
    """Return whether neither of two numbers or arrays is floating-point."""
    return not any(isinstance(v, float) or (hasattr(v, "dtype") and v.dtype.kind == "f") for v in (x, y))
