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


def add(input: Tensor, other: Operand, *last: Any, alpha: float | Tensor = 1) -> Tensor:
    """Return the sum of input and alpha · other. Raise RuntimeError if `alpha` does not fit into the dtype of the sum.

    y = input + alpha · other,  dL/dinput = g,  dL/dother = alpha g
    """
    return ops.add(check_input(input, "add"), times_alpha("add", input, other, alpha, last))


def sub(input: Tensor, other: Operand, *last: Any, alpha: float | Tensor = 1) -> Tensor:
    """Return the difference of input and alpha · other. Raise RuntimeError if `alpha` does not fit into the dtype of the difference.

    y = input - alpha · other,  dL/dinput = g,  dL/dother = -alpha g
    """
    return ops.sub(check_input(input, "sub"), times_alpha("sub", input, other, alpha, last))


def mul(input: Tensor, other: Operand) -> Tensor:
    """Return the product, element by element.

    y = input · other,  dL/dinput = g other,  dL/dother = g input
    """
    return ops.mul(check_input(input, "mul"), other)


def div(input: Tensor, other: Operand) -> Tensor:
    """Return the quotient; whole numbers give floating-point quotients.

    y = input / other,  dL/dinput = g / other,  dL/dother = -g input / other²
    """
    return quotient(check_input(input, "div"), other)


def quotient(x: Operand, y: Operand) -> Tensor:
    """Return x / y, of which one is a tensor; whole numbers give floating-point quotients.

    z = x / y,  dL/dx = g / y,  dL/dy = -g x / y²
    """
    return ops.div(*quotient_operands(x, y))


def floor_divide(input: Tensor, other: Operand) -> Tensor:
    """Return ⌊input / other⌋, through which no gradient passes. Raise RuntimeError if a whole number is divided by 0.

    y = ⌊input / other⌋,  no gradient
    """
    return ops.floor_divide(check_input(input, "floor_divide"), other)


def remainder(input: Tensor, other: Operand) -> Tensor:
    """Return the remainder, which has the sign of `other`. Raise RuntimeError if a whole number is divided by 0.

    y = input - other ⌊input / other⌋,  dL/dinput = g,  dL/dother = -g ⌊input / other⌋
    """
    return ops.remainder(check_input(input, "remainder"), other)


def pow(input: Tensor | float, exponent: Operand) -> Tensor:
    """Return input ^ exponent, of which one may be a number. Raise RuntimeError for a negative whole power of whole numbers.

    y = input^exponent,  dL/dinput = g exponent input^(exponent-1) (0 where exponent = 0),
    dL/dexponent = g y log input (0 where input = 0 ≤ exponent)
    """
    if isinstance(input, Tensor):
        check_power(input, exponent)
    elif not isinstance(exponent, Tensor):
        raise TypeError(f"pow: expected a Tensor among the two, got {type(input).__name__} and {type(exponent).__name__}; "
                        "make one with minigrad.tensor(…)")
    return ops.pow(input, exponent)


def neg(input: Tensor) -> Tensor:
    """Return the negative of each element.

    y = -input,  dL/dinput = -g
    """
    return ops.neg(check_input(input, "neg"))


def abs(input: Tensor) -> Tensor:
    """Return the absolute value of each element; its derivative at 0 is 0.

    y = |input|,  dL/dinput = g sign(input)
    """
    return ops.absolute(check_input(input, "abs"))


def square(input: Tensor) -> Tensor:
    """Return the square of each element; of bools, in int64.

    y = input²,  dL/dinput = 2 g input
    """
    return ops.square(input if check_input(input, "square").array.dtype.kind != "b" else input.long())


def sign(input: Tensor) -> Tensor:
    """Return -1, 0 or 1, the sign of each element; 0 for NaN.

    y = sign(input),  dL/dinput = 0
    """
    return ops.sign(input) if check_input(input, "sign").array.dtype.kind != "b" else input.clone()


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """Return the larger of input and other, element by element; each gets half of the gradient where they are equal.

    y = max(input, other),  dL/dinput = g where input > other, g / 2 where input = other, else 0,
    dL/dother = g where other > input, g / 2 where input = other, else 0
    """
    return ops.maximum(check_input(input, "maximum"), other)


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """Return the smaller of input and other, element by element; each gets half of the gradient where they are equal.

    y = min(input, other),  dL/dinput = g where input < other, g / 2 where input = other, else 0,
    dL/dother = g where other < input, g / 2 where input = other, else 0
    """
    return ops.minimum(check_input(input, "minimum"), other)


def clamp(input: Tensor, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """Return each element limited to [min, max], numbers or tensors, of which one may be missing.

    y = min(max(input, min), max),  dL/dinput = g where min ≤ input ≤ max, else 0,
    dL/dmin = g where input < min < max, else 0,  dL/dmax = g where input > max or max < min, else 0
    """
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
    """Return e to the power of each element.

    y = e^input,  dL/dinput = g y
    """
    return ops.exp(floating(input, "exp"))


def log(input: Tensor) -> Tensor:
    """Return the natural logarithm of each element: -∞ at 0, NaN below.

    y = log input,  dL/dinput = g / input
    """
    return ops.log(floating(input, "log"))


def sqrt(input: Tensor) -> Tensor:
    """Return the square root of each element, NaN below 0.

    y = √input,  dL/dinput = g / (2 y)
    """
    return ops.sqrt(floating(input, "sqrt"))


def tanh(input: Tensor) -> Tensor:
    """Return the hyperbolic tangent, (e^x - e^-x) / (e^x + e^-x), of each element x.

    y = tanh(input),  dL/dinput = g (1 - y²)
    """
    return ops.tanh(floating(input, "tanh"))


def sigmoid(input: Tensor) -> Tensor:
    """Return the logistic function of each element, between 0 and 1.

    y = 1 / (1 + e^-input),  dL/dinput = g y (1 - y)
    """
    return ops.sigmoid(floating(input, "sigmoid"))


def relu(input: Tensor) -> Tensor:
    """Return each element, or 0 where it is negative; the derivative at 0 is 0.

    y = max(input, 0),  dL/dinput = g where y > 0, else 0
    """
    return ops.relu(check_input(input, "relu"))


# ---- along one axis


def softmax(input: Tensor, dim: int, dtype: DTypeLike = None) -> Tensor:
    """Return positive numbers that sum to 1 along `dim`, after conversion to `dtype` if one is given.

    y = e^input / Σ e^input along `dim`,  dL/dinput = y (g - Σ g y)
    """
    return _along(ops.softmax, input, dim, dtype)


def log_softmax(input: Tensor, dim: int, dtype: DTypeLike = None) -> Tensor:
    """Return the logarithm of the softmax along `dim`, after conversion to `dtype` if one is given.

    y = input - log Σ e^input along `dim`,  dL/dinput = g - e^y Σ g
    """
    return _along(ops.log_softmax, input, dim, dtype)


def _along(function: Any, input: Tensor, dim: int, dtype: DTypeLike) -> Tensor:
    """Return function(input, axis=dim), of contiguous numbers in `dtype`; a 0-d tensor counts as one of a single element."""
    check_input(input, function.__name__)
    x, axis = (input.to(dtype) if dtype is not None else input).contiguous(), axis_of(dim, input.array.ndim)
    out: Tensor = function(x, axis=axis) if x.array.ndim else function(x.reshape(1), axis=0).reshape(())
    return out
