"""Comparisons, truth, and whole numbers bit by bit. Their results have no gradient."""

from __future__ import annotations

from typing import Any

from .. import backend, ops
from ..autograd import contract, graph
from .arguments import check_array, check_input
from .elementwise import of_one, of_two
from .types import Operand, Tensor

__all__ = ["allclose", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "eq",
           "equal", "ge", "gt", "is_floating_point", "is_tensor", "isclose", "isfinite", "isinf", "isnan", "le", "logical_and",
           "logical_not", "logical_or", "logical_xor", "lt", "ne"]


eq = of_two(ops.equal, "Return for each element whether it equals that of other.", "eq")
ne = of_two(ops.not_equal, "Return for each element whether it differs from that of other.", "ne")
lt = of_two(ops.less, "Return for each element whether it is less than that of other.", "lt")
le = of_two(ops.less_equal, "Return for each element whether it is at most that of other.", "le")
gt = of_two(ops.greater, "Return for each element whether it is greater than that of other.", "gt")
ge = of_two(ops.greater_equal, "Return for each element whether it is at least that of other.", "ge")
logical_not = of_one(ops.logical_not, "Return for each element whether it is false, that is 0.", accept=check_input)
isnan = of_one(ops.isnan, "Return for each element whether it is NaN.", accept=check_input)


def logical_and(input: Tensor, other: Operand) -> Tensor:
    """Return for each element whether input and other are both true, that is not 0."""
    return ops.logical_and(check_input(input, "logical_and"), check_array(other, "logical_and"))


def logical_or(input: Tensor, other: Operand) -> Tensor:
    """Return for each element whether input or other is true, that is not 0."""
    return ops.logical_or(check_input(input, "logical_or"), check_array(other, "logical_or"))


def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """Return for each element whether one of input and other is true, that is not 0, and the other is not."""
    return logical_not(input) != logical_not(other)


def isfinite(input: Tensor) -> Tensor:
    """Return for each element whether it is neither infinite nor NaN."""
    return of_arrays("isfinite", [check_input(input, "isfinite").array])


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Return for each element whether |input - other| ≤ atol + rtol · |other|; NaN is close to NaN if `equal_nan`."""
    arrays = [check_input(input, "isclose").array, check_input(other, "isclose", "other").array]
    return of_arrays("isclose", arrays, rtol=rtol, atol=atol, equal_nan=equal_nan)


def isinf(input: Tensor) -> Tensor:
    """Return for each element whether it is ∞ or -∞."""
    return of_arrays("isinf", [check_input(input, "isinf").array])


def of_arrays(name: str, arrays: Any, library_name: str = "", **options: Any) -> Tensor:
    """Return what the array library's function `library_name` (or `name`) returns for these arrays.

    Raise an error that names the function `name` if they are on several devices, or their shapes do not fit.
    """
    contract.check_one_device(name, arrays)
    xp = backend.array_module(arrays[0])
    try:
        found = getattr(xp, library_name or name)(*arrays, **options)
    except ValueError as error:
        raise contract.refused(name, error) from None
    return graph.wrap(backend.asarray(found, like=arrays[0]))


# ---- two tensors as a whole


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Return whether |input - other| ≤ atol + rtol · |other| everywhere; NaN is close to NaN if `equal_nan`."""
    return bool(isclose(check_input(input, "allclose"), check_input(other, "allclose", "other"), rtol, atol, equal_nan).all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have the same shape and elements."""
    return check_input(input, "equal").shape == check_input(other, "equal", "other").shape and bool((input == other).all())


def is_floating_point(input: Tensor) -> bool:
    """Return whether the dtype of a tensor is float16, float32 or float64."""
    return bool(check_input(input, "is_floating_point").dtype.kind == "f")


def is_tensor(x: object) -> bool:
    """Return whether `x` is a tensor."""
    return isinstance(x, Tensor)


# ---- bit by bit


def bitwise(name: str, *operands: Any, library_name: str = "") -> Tensor:
    """Return the function `name` of whole numbers or bools, bit by bit; raise TypeError for others."""
    arrays = backend.promote([x.array if isinstance(x, Tensor) else x for x in operands], name)
    if any([getattr(a, "dtype", backend.float64).kind == "f" for a in arrays]):
        got = ", ".join([str(getattr(x, "dtype", type(x).__name__)) for x in operands])
        raise TypeError(f"{name}: expected whole numbers or bools, got {got}")
    if "shift" in name and all([a.dtype.kind == "b" for a in arrays]):
        raise TypeError(f"{name}: not defined for bools; convert with .long()")
    return of_arrays(name, arrays, library_name)


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
    return bitwise("bitwise_left_shift", input, other, library_name="left_shift")


def bitwise_right_shift(input: Tensor, other: Operand) -> Tensor:
    """Return ⌊input / 2^other⌋, of whole numbers."""
    return bitwise("bitwise_right_shift", input, other, library_name="right_shift")


def bitwise_not(input: Tensor) -> Tensor:
    """Return each whole number with all its bits inverted, -1 - input if it has a sign; of bools, the opposite."""
    return bitwise("bitwise_not", check_input(input, "bitwise_not"), library_name="invert")
