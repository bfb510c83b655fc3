"""The dtypes of tensors: their names, the default one, PyTorch's rules of promotion, and which numbers each can store."""

from __future__ import annotations

import sys

import numpy

dtype = numpy.dtype
float16, float32, float64 = dtype("float16"), dtype("float32"), dtype("float64")
int8, int16, int32, int64 = (dtype(f"int{bits}") for bits in (8, 16, 32, 64))
uint8, bool_ = dtype("uint8"), dtype("bool")
TENSOR_DTYPES = {float16, float32, float64, int8, int16, int32, int64, bool_, *(dtype(f"uint{bits}") for bits in (8, 16, 32, 64))}

inf, nan = float("inf"), float("nan")
NumPyScalar = numpy.generic


def dtype_of(name, default=None):
    """Return the numpy.dtype, in the machine's byte order, that a dtype, its name, or Python's bool, int or float stands for.

    Return `default` for None. Raise TypeError for anything else, and for a dtype that tensors do not have.
    """
    if name is None:
        return default
    try:
        found = numpy.dtype(name)
    except TypeError as error:
        raise TypeError(f"{name!r} is not a dtype; use minigrad.float32, minigrad.float64, minigrad.int64, …") from error
    if found not in TENSOR_DTYPES:
        found = found.newbyteorder("=")
        if found not in TENSOR_DTYPES:
            raise TypeError(f"{found} is not a dtype of tensors; use minigrad.float32, minigrad.float64, minigrad.int64, …")
    return found


_default = [float32]


def get_default_dtype() -> numpy.dtype:
    """Return the dtype that Python floats become: float32 unless `set_default_dtype` changed it."""
    return _default[0]


def set_default_dtype(new: numpy.dtype | type | str) -> None:
    """Make `new`, a floating-point dtype, the one that Python floats become."""
    found = dtype_of(new)
    if found is None or found.kind != "f":
        raise TypeError(f"the default dtype must be a floating-point dtype, not {found}")
    _default[0] = found


# ---- promotion, by PyTorch's rules


def _promote(a, b):
    """Return the dtype of a + b for arrays of equal rank in PyTorch's lattice, where any float outranks any integer; None is neutral."""
    if a is None or a == b:
        return b
    if b is None:
        return a
    if (a.kind == "f") != (b.kind == "f"):
        return a if a.kind == "f" else b
    return numpy.promote_types(a, b)


def _outrank(higher, lower):
    """Combine the dtypes of two ranks, as PyTorch's `combine_categories` does: a float of the higher rank keeps its width."""
    if higher is None or lower is None:
        return higher if lower is None else lower
    if higher.kind == "f" or (higher.kind in "iu" and lower.kind != "f"):
        return higher
    return _promote(higher, lower)


def result_dtype(inputs):
    """Return PyTorch's result type: arrays with axes outrank 0-d arrays, which outrank Python numbers."""
    dims = zeros = numbers = None
    for x in inputs:
        if isinstance(x, NumPyScalar):
            x = x.item()
        if isinstance(x, bool):
            numbers = _promote(numbers, bool_)
        elif isinstance(x, int):
            numbers = _promote(numbers, int64)
        elif isinstance(x, float):
            numbers = _promote(numbers, _default[0])
        elif not hasattr(x, "ndim"):
            raise TypeError(f"expected a Tensor, an array or a number, got {type(x).__name__}")
        elif x.ndim:
            dims = _promote(dims, x.dtype)
        else:
            zeros = _promote(zeros, x.dtype)
    return _outrank(dims, _outrank(zeros, numbers))


def common_dtype(kinds):
    """Return the dtype for data made of `kinds`, which are dtypes or Python's float, int and bool; the default dtype if there are none."""
    known = {float: _default[0], int: int64, bool: bool_}
    found = None
    for kind in kinds:
        found = _promote(found, known.get(kind, kind))
    return found or _default[0]


def check_bools(dtype, name):
    """Raise NotImplementedError for an operation that bools do not have; NumPy would compute it in int8."""
    if dtype.kind == "b" and name in ("sub", "pow", "floor_divide", "remainder"):
        raise NotImplementedError(f"{name}: not defined for bools; convert one with .long()" + (", or use ^" if name == "sub" else ""))


# ---- numbers


def wrapped(number, dtype, name):
    """Return a Python number as an operand for arrays of `dtype`.

    A whole number keeps the bits that fit into an integer dtype, as in PyTorch: -1 becomes 255 in uint8. Raise OverflowError for one of
    more than 64 bits.
    """
    if not isinstance(number, int) or dtype.kind == "b" or 0 <= number < 128:
        return number
    if dtype.kind == "f":
        return _float(number, name)
    if not -1 << 63 <= number < 1 << 64:
        raise OverflowError(f"{name}: {number} has more than 64 bits; use a float")
    bits = 8 * dtype.itemsize
    number &= (1 << bits) - 1
    return number - (1 << bits) if dtype.kind == "i" and number >> (bits - 1) else number


def _float(number, name):
    try:
        return float(number)
    except OverflowError:
        raise OverflowError(f"{name}: a whole number of {number.bit_length()} bits is too large for a float") from None


LARGEST = {float16: 65504.0, float32: (2 - 2**-23) * 2.0**127, float64: sys.float_info.max}


def fitting(number, dtype, name):
    """Return a Python number as `dtype` stores it, truncated to a whole number for an integer dtype.

    A negative number wraps once in an unsigned dtype: -1 becomes 255 in uint8. Raise RuntimeError for a number that does not fit, as
    PyTorch does, and OverflowError for a whole number of more than 64 bits.
    """
    if type(number) is float and dtype.char in "fd" and -65504 <= number <= 65504:  # the frequent case
        return number
    if dtype.kind == "b":
        return bool(number)
    if dtype.kind == "f":
        value = _float(number, name)
        if -LARGEST[dtype] <= value <= LARGEST[dtype] or value in (inf, -inf) or value != value:
            return value if dtype != float16 else dtype.type(value).item()
    else:
        high = (1 << 8 * dtype.itemsize - (dtype.kind == "i")) - 1
        low = -high - 1 if dtype.kind == "i" else 0
        if low <= number <= high:
            return int(number)
        if low == 0 and isinstance(number, int) and -high <= number < 0:
            return number + high + 1
    wrong = OverflowError if isinstance(number, int) and not -1 << 63 <= number < 1 << 64 else RuntimeError
    raise wrong(f"{name}: {number} does not fit into {dtype}; use another dtype, or limit it first")
