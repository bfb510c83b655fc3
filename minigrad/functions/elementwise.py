"""Arithmetic, functions and activations, element by element. Operands are tensors, arrays or numbers, and broadcast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import backend, ops
from ..autograd.formulas import formula_of
from .arguments import axis_of, check_input, check_power, floating, raw, times_alpha
from .types import DTypeLike, Operand, Tensor, named

__all__ = [
    "abs", "add", "addcdiv", "addcmul", "atan", "atan2", "ceil", "clamp", "cos", "cosh", "div", "erf", "exp", "expm1",
    "floor", "floor_divide", "lerp", "log", "log1p", "log2", "log10", "log_softmax", "maximum", "minimum", "mul", "neg", "pow",
    "reciprocal", "relu", "remainder", "round", "rsqrt", "sigmoid", "sign", "sin", "sinh", "softmax", "sqrt", "square", "sub", "tan",
    "tanh", "trunc",
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


def div(input: Tensor, other: Operand, *, rounding_mode: str | None = None) -> Tensor:
    """Return the quotient; whole numbers give floating-point quotients.

    With the rounding mode "floor" or "trunc" it is rounded down or towards 0, its gradients are 0, and whole numbers give whole ones.

    y = input / other,  dL/dinput = g / other,  dL/dother = -g input / other²
    """
    if rounding_mode is None:
        return quotient(check_input(input, "div"), other)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(f"div: expected the rounding mode None, 'floor' or 'trunc', got {rounding_mode!r}")
    x, y = (a.detach() if isinstance(a, Tensor) else a for a in (check_input(input, "div"), other))
    if backend.result_dtype([raw(a, "div") for a in (x, y)]).kind == "f":
        rounded = ops.trunc(quotient(x, y)) if rounding_mode == "trunc" else ops.floor_divide(x, y)
        for operand in (input, other):
            if isinstance(operand, Tensor) and operand.requires_grad:
                rounded = ops.where(True, rounded, operand.to(rounded.dtype))  # in its history, with the gradient 0
        return rounded
    down = ops.floor_divide(x, y)
    return down if rounding_mode == "floor" else ops.where((down < 0) & (down * y != x), down + 1, down)


def quotient(x: Operand, y: Operand) -> Tensor:
    """Return x / y, of which one is a tensor; whole numbers give floating-point quotients.

    z = x / y,  dL/dx = g / y,  dL/dy = -g x / y²
    """
    return ops.div(*quotient_operands(x, y))


def quotient_operands(x: Any, y: Any) -> tuple[Any, Any]:
    """Return the operands of x / y; whole numbers beside whole numbers become floating-point."""
    if ((isinstance(x, Tensor) and x.array.dtype.kind != "f") or (isinstance(y, Tensor) and y.array.dtype.kind != "f")) and \
            backend.result_dtype([raw(a, "div") for a in (x, y)]).kind != "f":
        x, y = (a.to(backend.get_default_dtype()) if isinstance(a, Tensor) else a for a in (x, y))
    return x, y


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


def atan2(input: Tensor, other: Tensor) -> Tensor:
    """Return the angle between -π and π of the point (other, input), seen from the origin; the derivatives there are 0.

    y = the angle of the point (other, input),  dL/dinput = g other / (input² + other²),  dL/dother = -g input / (input² + other²)
    """
    return ops.arctan2(*quotient_operands(check_input(input, "atan2"), check_input(other, "atan2", "other")))


def lerp(input: Tensor, end: Tensor, weight: float | Tensor) -> Tensor:
    """Return the point between input and end: input for the weight 0, end for 1.

    y = input + weight (end - input),  dL/dinput = g (1 - weight),  dL/dend = g weight,  dL/dweight = g (end - input)
    """
    step = check_input(end, "lerp", "end") - check_input(input, "lerp")
    if not isinstance(weight, Tensor):
        return input + step * weight if -0.5 < weight < 0.5 else end - step * (1 - weight)  # each is exact at its end
    w = weight.detach()
    return ops.where((w > -0.5) & (w < 0.5), input + step * weight, end - step * (1 - weight))


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """Return input plus the product of two tensors and the number `value`.

    y = input + value · tensor1 · tensor2,  dL/dinput = g,  dL/dtensor1 = value g tensor2,  dL/dtensor2 = value g tensor1,
    no gradient for value
    """
    return add(input, _of_sum(input, tensor1, tensor2, "addcmul") * tensor2, alpha=value)


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """Return input plus the quotient of two tensors, times the number `value`.

    y = input + value · tensor1 / tensor2,  dL/dinput = g,  dL/dtensor1 = value g / tensor2,
    dL/dtensor2 = -value g tensor1 / tensor2²,  no gradient for value
    """
    return add(input, _of_sum(input, tensor1, tensor2, "addcdiv") / tensor2, alpha=value)


def _of_sum(input: Tensor, tensor1: Tensor, tensor2: Tensor, name: str) -> Tensor:
    """Return tensor1 in the dtype of a sum with all three tensors, so that no term is rounded to a smaller dtype before."""
    arrays = [check_input(x, name, argument).array for x, argument in ((input, "input"), (tensor1, "tensor1"), (tensor2, "tensor2"))]
    return tensor1.to(backend.result_dtype(arrays))


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
    limits = [b.to(target) if isinstance(b, Tensor) else backend.fitting(g, target, "clamp") if isinstance(g, backend.NUMBERS) else g
              for b, g in zip((min, max), given)]
    return ops.clip(input.to(target), *limits)


# ---- operations of one or two variables


def of_one(operation: Any, sentence: str, name: str = "", accept: Any = floating) -> Callable[[Tensor], Tensor]:
    """Return the public function of an operation of one variable; its docstring is the sentence and the operation's formula.

    accept: a function that checks the argument; `floating` also takes whole numbers as floating-point ones.
    """
    name = name or operation.__name__

    def function(input: Tensor) -> Tensor:
        result: Tensor = operation(accept(input, name))
        return result

    return named(function, name, f"{sentence}\n\n{formula_of(operation, x='input')}")


def of_two(operation: Any, sentence: str, name: str = "") -> Callable[[Tensor, Operand], Tensor]:
    """Return the public function of an operation of two variables, with a docstring as that of `of_one`."""
    name = name or operation.__name__

    def function(input: Tensor, other: Operand) -> Tensor:
        result: Tensor = operation(check_input(input, name), other)
        return result

    return named(function, name, f"{sentence}\n\n{formula_of(operation, y='other', z='y', x='input')}")


neg = of_one(ops.neg, "Return the negative of each element.", accept=check_input)
abs = of_one(ops.absolute, "Return the absolute value of each element; its derivative at 0 is 0.", "abs", check_input)
relu = of_one(ops.relu, "Return each element, or 0 where it is negative; the derivative at 0 is 0.", accept=check_input)
floor = of_one(ops.floor, "Return each element rounded down; whole numbers are copied.", accept=check_input)
ceil = of_one(ops.ceil, "Return each element rounded up; whole numbers are copied.", accept=check_input)
trunc = of_one(ops.trunc, "Return each element rounded towards 0; whole numbers are copied.", accept=check_input)
exp = of_one(ops.exp, "Return e to the power of each element.")
expm1 = of_one(ops.expm1, "Return e to the power of each element, minus 1; the digits of a small result are kept.")
log = of_one(ops.log, "Return the natural logarithm of each element: -∞ at 0, NaN below.")
log1p = of_one(ops.log1p, "Return the natural logarithm of 1 plus each element; the digits of a small result are kept.")
log2 = of_one(ops.log2, "Return the logarithm to base 2 of each element: -∞ at 0, NaN below.")
log10 = of_one(ops.log10, "Return the logarithm to base 10 of each element: -∞ at 0, NaN below.")
sqrt = of_one(ops.sqrt, "Return the square root of each element, NaN below 0.")
rsqrt = of_one(ops.rsqrt, "Return 1 divided by the square root of each element: ∞ at 0, NaN below.")
reciprocal = of_one(ops.reciprocal, "Return 1 divided by each element.")
sin = of_one(ops.sin, "Return the sine of each element, an angle in radians.")
cos = of_one(ops.cos, "Return the cosine of each element, an angle in radians.")
tan = of_one(ops.tan, "Return the tangent of each element, an angle in radians.")
atan = of_one(ops.arctan, "Return the angle between -π/2 and π/2 whose tangent is each element.", "atan")
sinh = of_one(ops.sinh, "Return the hyperbolic sine, (e^x - e^-x) / 2, of each element x.")
cosh = of_one(ops.cosh, "Return the hyperbolic cosine, (e^x + e^-x) / 2, of each element x.")
tanh = of_one(ops.tanh, "Return the hyperbolic tangent, (e^x - e^-x) / (e^x + e^-x), of each element x.")
sigmoid = of_one(ops.sigmoid, "Return the logistic function of each element, between 0 and 1.")
erf = of_one(ops.erf, "Return the error function of each element, between -1 and 1.")

mul = of_two(ops.mul, "Return the product, element by element.")
floor_divide = of_two(ops.floor_divide, "Return the quotient rounded down. Raise RuntimeError if a whole number is divided by 0.")
remainder = of_two(ops.remainder, "Return the remainder, of the sign of `other`. Raise RuntimeError if a whole number is divided by 0.")
maximum = of_two(ops.maximum, "Return the larger of the two; each gets half of the gradient where they are equal.")
minimum = of_two(ops.minimum, "Return the smaller of the two; each gets half of the gradient where they are equal.")


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """Return each element rounded to `decimals` digits after the point, halves to the even neighbour; whole numbers are copied.

    y = input rounded to `decimals` digits,  dL/dinput = 0
    """
    options = {"decimals": decimals} if decimals else {}  # without it, grad_fn has another name, as in PyTorch
    return ops.round(check_input(input, "round"), **options)


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
