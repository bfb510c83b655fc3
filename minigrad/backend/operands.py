"""Operands of operations: tensors' arrays, plain arrays and numbers are checked, and brought to one dtype."""

from __future__ import annotations

import sys

import numpy
from numpy import ndarray

from .arrays import asarray, device_by_type, is_array
from .dtypes import TENSOR_DTYPES, NumPyScalar, check_bools, result_dtype, wrapped

NUMBERS = (bool, int, float)
PYTHON_DATA = {*NUMBERS, list, tuple}


class NotAnOperand(TypeError):
    """An operation was given something that is no tensor, array or number; its type may define the operation with a tensor itself."""


def plain_array(x, name):
    """Return `x` as tensors accept it: an array as a plain one of a dtype that tensors have, anything else unchanged.

    An array of a subclass (a memmap, a matrix) becomes a plain view of its memory, so that its own meaning of * and ** does not apply. An
    array in another byte order is copied into the machine's. Raise TypeError, which begins with `name`, for masked values and for a
    dtype that tensors do not have.
    """
    kind = type(x)
    if kind in PYTHON_DATA or (kind in device_by_type and x.dtype in TENSOR_DTYPES):  # the frequent cases
        return x
    if not isinstance(x, (ndarray, NumPyScalar)) and kind not in device_by_type:
        return x
    if isinstance(x, ndarray) and kind is not ndarray:
        ma = sys.modules.get("numpy.ma")
        if ma is not None and isinstance(x, ma.MaskedArray) and ma.is_masked(x):
            raise TypeError(f"{name}: the mask of a masked array would be lost; fill it first, e.g. array.filled(0)")
        x = numpy.asarray(x)
    if x.dtype in TENSOR_DTYPES:
        return x
    return x.astype(_native_dtype(x.dtype, name))


def _native_dtype(found, name):
    """Return `found` in the machine's byte order; raise TypeError, which says how to convert the data, if tensors do not have it."""
    native = found.newbyteorder("=")
    if native in TENSOR_DTYPES:
        return native
    way = f"make one of each field, e.g. of array[{found.names[0]!r}]" if found.names else CONVERSIONS.get(found.kind)
    raise TypeError(f"{name}: {native} data cannot be made a tensor; expected numbers or bools" + (f"; {way}" if way else ""))


CONVERSIONS = {
    "f": "use array.astype('float64')",  # floats of more than 64 bits
    "c": "make one of array.real and one of array.imag",
    "O": "make it an array of numbers first, e.g. with array.astype('float64')",
    "U": "make numbers of texts first, e.g. with array.astype('float64')",
    "S": "make numbers of texts first, e.g. with array.astype('float64')",
    "M": "count the time in its units with array.astype('int64')",
    "m": "count the time in its units with array.astype('int64')",
}


def operand(a, name):
    """Return `a` if it is a number or an array, a NumPy scalar as a Python number; raise NotAnOperand for anything else."""
    if type(a) in NUMBERS or (type(a) in device_by_type and a.dtype in TENSOR_DTYPES):
        return a
    a = plain_array(a, name)
    if isinstance(a, NumPyScalar):
        return a.item()
    if isinstance(a, NUMBERS) or is_array(a):
        return a
    wrong = TypeError if isinstance(a, complex) else NotAnOperand
    raise wrong(f"{name}: expected a Tensor, an array or a number, got {type(a).__name__}; make it one with minigrad.tensor(…)")


def promote(arrays, name):
    """Return arrays and Python numbers as arrays of PyTorch's result dtype; arrays of one floating-point dtype, and numbers, unchanged."""
    first = None
    for a in arrays:
        t = type(a)
        if t is float or t is int:
            continue
        d = getattr(a, "dtype", None)
        if first is None and d is not None and t in device_by_type:
            first = d
            if d.kind != "f":
                break
        elif d is not first or t not in device_by_type:
            break
    else:
        return arrays
    arrays = [operand(a, name) for a in arrays]
    target = result_dtype(arrays)
    check_bools(target, name)
    first = next((a for a in arrays if is_array(a)), None)
    if len({type(a) for a in arrays if is_array(a)}) > 1:
        return arrays  # the engine reports arrays of several devices
    return [a.astype(target, copy=False) if is_array(a) else asarray(wrapped(a, target, name), target, like=first) for a in arrays]
