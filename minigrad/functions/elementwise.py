"""Arithmetic, functions and activations, element by element. Operands are tensors, arrays or numbers, and broadcast."""

from __future__ import annotations

from typing import Any

from .. import backend, ops
from .arguments import NUMBERS, axis_of, check_input, check_power, floating, quotient_operands, raw, times_alpha
from .types import DTypeLike, Operand, Tensor

__all__ = [
    "abs", "add", "clamp", "div", "exp", "floor_divide", "log", "log_softmax", "maximum", "minimum", "mul", "neg", "pow", "relu",
    "remainder", "sigmoid", "sign", "softmax", "sqrt", "square", "sub", "tanh",
]  # fmt: skip


# ---- arithmetic


def add(input: Tensor, other: Operand, *, alpha: float | Tensor = 1) -> Tensor:
    """Return input + alpha · other. Raise RuntimeError if `alpha` does not fit into the dtype of the sum."""
    return ops.add(check_input(input, "add"), times_alpha("add", input, other, alpha))


def sub(input: Tensor, other: Operand, *, alpha: float | Tensor = 1) -> Tensor:
    """Return input - alpha · other. Raise RuntimeError if `alpha` does not fit into the dtype of the difference."""
    return ops.sub(check_input(input, "sub"), times_alpha("sub", input, other, alpha))


def mul(input: Tensor, other: Operand) -> Tensor:
    """Return input · other."""
    return ops.mul(check_input(input, "mul"), other)


def div(input: Tensor, other: Operand) -> Tensor:
    """Return input / other; whole numbers give floating-point quotients."""
    return quotient(check_input(input, "div"), other)


def quotient(x: Operand, y: Operand) -> Tensor:
    """Return x / y, of which one is a tensor; whole numbers give floating-point quotients."""
    return ops.div(*quotient_operands(x, y))


def floor_divide(input: Tensor, other: Operand) -> Tensor:
    """Return ⌊input / other⌋, through which no gradient passes. Raise RuntimeError if a whole number is divided by 0."""
    return ops.floor_divide(check_input(input, "floor_divide"), other)


def remainder(input: Tensor, other: Operand) -> Tensor:
    """Return input - other ⌊input / other⌋, which has the sign of `other`. Raise RuntimeError if a whole number is divided by 0."""
    return ops.remainder(check_input(input, "remainder"), other)


def pow(input: Tensor | float, exponent: Operand) -> Tensor:
    """Return input ^ exponent, of which one may be a number. Raise RuntimeError for a negative whole power of whole numbers."""
    if isinstance(input, Tensor):
        check_power(input, exponent)
    elif not isinstance(exponent, Tensor):
        raise TypeError(f"pow: expected a Tensor among the two, got {type(input).__name__} and {type(exponent).__name__}; "
                        "make one with minigrad.tensor(…)")
    return ops.pow(input, exponent)


def neg(input: Tensor) -> Tensor:
    """Return -x, for each element."""
    return ops.neg(check_input(input, "neg"))


def abs(input: Tensor) -> Tensor:
    """Return |x|, whose derivative at 0 is 0."""
    return ops.absolute(check_input(input, "abs"))


def square(input: Tensor) -> Tensor:
    """Return x²; of bools, in int64."""
    return ops.square(input if check_input(input, "square").array.dtype.kind != "b" else input.long())


def sign(input: Tensor) -> Tensor:
    """Return -1, 0 or 1, the sign of x; 0 for NaN. Its derivative is 0."""
    return ops.sign(input) if check_input(input, "sign").array.dtype.kind != "b" else input.clone()


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """Return the larger of input and other; each gets half of the gradient where they are equal."""
    return ops.maximum(check_input(input, "maximum"), other)


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """Return the smaller of input and other; each gets half of the gradient where they are equal."""
    return ops.minimum(check_input(input, "minimum"), other)


def clamp(input: Tensor, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """Return x limited to [min, max], numbers or tensors, of which one may be missing: min(max(x, min), max)."""
    check_input(input, "clamp")
    if min is None and max is None:
        raise RuntimeError("clamp: give min, max or both")
    given = [bound if bound is None else raw(bound, "clamp") for bound in (min, max)]
    target = backend.result_dtype([input.array, *[g for g in given if g is not None]])
    limits = [b.to(target) if isinstance(b, Tensor) else backend.fitting(g, target, "clamp") if isinstance(g, NUMBERS) else g
              for b, g in zip((min, max), given)]
    return ops.clip(input.to(target), *limits)


# ---- functions of one variable: whole numbers are taken as floating-point ones


def exp(input: Tensor) -> Tensor:
    """Return e^x."""
    return ops.exp(floating(input, "exp"))


def log(input: Tensor) -> Tensor:
    """Return the natural logarithm of x: -∞ at 0, NaN below."""
    return ops.log(floating(input, "log"))


def sqrt(input: Tensor) -> Tensor:
    """Return √x, NaN below 0."""
    return ops.sqrt(floating(input, "sqrt"))


def tanh(input: Tensor) -> Tensor:
    """Return the hyperbolic tangent, (e^x - e^-x) / (e^x + e^-x)."""
    return ops.tanh(floating(input, "tanh"))


def sigmoid(input: Tensor) -> Tensor:
    """Return 1 / (1 + e^-x)."""
    return ops.sigmoid(floating(input, "sigmoid"))


def relu(input: Tensor) -> Tensor:
    """Return max(x, 0), whose derivative at 0 is 0."""
    return ops.relu(check_input(input, "relu"))


# ---- along one axis


def softmax(input: Tensor, dim: int, dtype: DTypeLike = None) -> Tensor:
    """Return e^x / Σ e^x, the sum along `dim`, after conversion to `dtype` if one is given."""
    return _along(ops.softmax, input, dim, dtype)


def log_softmax(input: Tensor, dim: int, dtype: DTypeLike = None) -> Tensor:
    """Return x - log Σ e^x, the sum along `dim`, after conversion to `dtype` if one is given."""
    return _along(ops.log_softmax, input, dim, dtype)


def _along(function: Any, input: Tensor, dim: int, dtype: DTypeLike) -> Tensor:
    """Return function(input, axis=dim), of contiguous numbers in `dtype`; a 0-d tensor counts as one of a single element."""
    check_input(input, function.__name__)
    x, axis = (input.to(dtype) if dtype is not None else input).contiguous(), axis_of(dim, input.array.ndim)
    out: Tensor = function(x, axis=axis) if x.array.ndim else function(x.reshape(1), axis=0).reshape(())
    return out
