"""Comparisons, truth, and whole numbers bit by bit. Their results have no gradient."""

from __future__ import annotations

from typing import Any

from .. import backend, ops
from ..autograd import contract
from .arguments import beside, check_array, check_input, check_tensor
from .types import Operand, Tensor

__all__ = ["allclose", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "eq",
           "equal", "ge", "gt", "is_floating_point", "is_tensor", "isclose", "isfinite", "isinf", "isnan", "le", "logical_and",
           "logical_not", "logical_or", "logical_xor", "lt", "ne"]


def eq(input: Tensor, other: Operand) -> Tensor:
    """Return for each element whether input = other."""
    return ops.equal(check_input(input, "eq"), other)


def ne(input: Tensor, other: Operand) -> Tensor:
    """Return for each element whether input ≠ other."""
    return ops.not_equal(check_input(input, "ne"), other)


def lt(input: Tensor, other: Operand) -> Tensor:
    """Return for each element whether input < other."""
    return ops.less(check_input(input, "lt"), other)


def le(input: Tensor, other: Operand) -> Tensor:
    """Return for each element whether input ≤ other."""
    return ops.less_equal(check_input(input, "le"), other)


def gt(input: Tensor, other: Operand) -> Tensor:
    """Return for each element whether input > other."""
    return ops.greater(check_input(input, "gt"), other)


def ge(input: Tensor, other: Operand) -> Tensor:
    """Return for each element whether input ≥ other."""
    return ops.greater_equal(check_input(input, "ge"), other)


def logical_and(input: Tensor, other: Operand) -> Tensor:
    """Return for each element whether input and other are both true, that is not 0."""
    return ops.logical_and(check_input(input, "logical_and"), check_array(other, "logical_and"))


def logical_or(input: Tensor, other: Operand) -> Tensor:
    """Return for each element whether input or other is true, that is not 0."""
    return ops.logical_or(check_input(input, "logical_or"), check_array(other, "logical_or"))


def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """Return for each element whether one of input and other is true, that is not 0, and the other is not."""
    return logical_not(input) != logical_not(other)


def logical_not(input: Tensor) -> Tensor:
    """Return for each element whether it is false, that is 0."""
    return ops.logical_not(check_input(input, "logical_not"))


def isnan(input: Tensor) -> Tensor:
    """Return for each element whether it is NaN."""
    return ops.isnan(check_input(input, "isnan"))


def isfinite(input: Tensor) -> Tensor:
    """Return for each element whether it is neither infinite nor NaN."""
    return beside(input, backend.array_module(check_input(input, "isfinite").array).isfinite(input.array))


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Return for each element whether |input - other| ≤ atol + rtol · |other|; NaN is close to NaN if `equal_nan`."""
    x, y = check_input(input, "isclose").array, check_tensor(other, "isclose").array
    contract.check_one_device("isclose", [x, y])
    return beside(input, backend.array_module(x).isclose(x, y, rtol=rtol, atol=atol, equal_nan=equal_nan))


def isinf(input: Tensor) -> Tensor:
    """Return for each element whether it is ∞ or -∞."""
    return beside(input, backend.array_module(check_input(input, "isinf").array).isinf(input.array))


# ---- two tensors as a whole


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Return whether |input - other| ≤ atol + rtol · |other| everywhere; NaN is close to NaN if `equal_nan`."""
    return bool(isclose(check_input(input, "allclose"), check_tensor(other, "allclose"), rtol, atol, equal_nan).all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have the same shape and elements."""
    return check_input(input, "equal").shape == check_tensor(other, "equal").shape and bool((input == other).all())


def is_floating_point(input: Tensor) -> bool:
    """Return whether the dtype of a tensor is float16, float32 or float64."""
    return bool(check_input(input, "is_floating_point").dtype.kind == "f")


def is_tensor(x: object) -> bool:
    """Return whether `x` is a tensor."""
    return isinstance(x, Tensor)


# ---- bit by bit


def bitwise(name: str, *operands: Any) -> Tensor:
    """Return NumPy's function `name` of whole numbers or bools, bit by bit; raise TypeError for others."""
    arrays = backend.promote([x.array if isinstance(x, Tensor) else x for x in operands], name)
    contract.check_one_device(name, arrays)
    if any([getattr(a, "dtype", backend.float64).kind == "f" for a in arrays]):
        got = ", ".join([str(getattr(x, "dtype", type(x).__name__)) for x in operands])
        raise TypeError(f"{name}: expected whole numbers or bools, got {got}")
    if "shift" in name and all([a.dtype.kind == "b" for a in arrays]):
        raise TypeError(f"{name}: not defined for bools; convert with .long()")
    x = next(x for x in operands if isinstance(x, Tensor))
    return beside(x, getattr(backend.array_module(x.array), name)(*arrays))


def bitwise_and(input: Tensor, other: Operand) -> Tensor:
    """Return the bits that are set in both whole numbers or bools."""
    return bitwise("bitwise_and", input, other)


def bitwise_or(input: Tensor, other: Operand) -> Tensor:
    """Return the bits that are set in at least one of two whole numbers or bools."""
    return bitwise("bitwise_or", input, other)


def bitwise_xor(input: Tensor, other: Operand) -> Tensor:
    """Return the bits that are set in one of two whole numbers or bools and not in the other."""
    return bitwise("bitwise_xor", input, other)


def bitwise_left_shift(input: Tensor, other: Operand) -> Tensor:
    """Return input · 2^other, of whole numbers."""
    return bitwise("left_shift", input, other)


def bitwise_right_shift(input: Tensor, other: Operand) -> Tensor:
    """Return ⌊input / 2^other⌋, of whole numbers."""
    return bitwise("right_shift", input, other)


def bitwise_not(input: Tensor) -> Tensor:
    """Return each whole number with all its bits inverted, -1 - input if it has a sign; of bools, the opposite."""
    return bitwise("invert", check_input(input, "bitwise_not"))
