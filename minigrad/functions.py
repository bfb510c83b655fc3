"""The module-level functions: `minigrad.exp(t)` is `t.exp()`, and those that take several tensors."""

from __future__ import annotations

from typing import Any

from . import backend, ops
from .tensor import Tensor, _axis, _tensor


def _method(name: str) -> Any:
    """The function that calls the method of this name on its first argument."""
    method = getattr(Tensor, name)

    def call(input: Any, *args: Any, **options: Any) -> Any:
        if not isinstance(input, Tensor):
            kind = type(input).__name__
            raise TypeError(f"{name}(): argument 'input' must be Tensor, not {kind}; make one with minigrad.tensor(…)")
        return method(input, *args, **options)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = method.__doc__
    return call


exp, log, sqrt, square, sign = map(_method, ("exp", "log", "sqrt", "square", "sign"))
abs, absolute, neg = map(_method, ("abs", "abs", "neg"))
tanh, sigmoid, relu, softmax, log_softmax = map(_method, ("tanh", "sigmoid", "relu", "softmax", "log_softmax"))
clamp, clip, isnan, isfinite, isinf = map(_method, ("clamp", "clamp", "isnan", "isfinite", "isinf"))
add, sub, mul, div, matmul, mm = map(_method, ("add", "sub", "mul", "div", "matmul", "mm"))
floor_divide, remainder = map(_method, ("floor_divide", "remainder"))
eq, ne, lt, le, gt, ge = map(_method, ("eq", "ne", "lt", "le", "gt", "ge"))
logical_and, logical_or, logical_not = map(_method, ("logical_and", "logical_or", "logical_not"))
sum, mean, max, min, amax, amin = map(_method, ("sum", "mean", "max", "min", "amax", "amin"))
argmax, argmin, all, any = map(_method, ("argmax", "argmin", "all", "any"))
reshape, flatten, squeeze, unsqueeze, t = map(_method, ("reshape", "flatten", "squeeze", "unsqueeze", "t"))
transpose, permute, clone = map(_method, ("transpose", "permute", "clone"))
multiply, divide, subtract = mul, div, sub


def pow(input: Any, exponent: Any) -> Tensor:
    """input ** exponent, of which one may be a number."""
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor):
        raise TypeError(f"pow: expected a Tensor among the two, got {type(input).__name__} and {type(exponent).__name__}; "
                        "make one with minigrad.tensor(…)")
    return input.pow(exponent) if isinstance(input, Tensor) else ops.pow(input, exponent)


def numel(input: Tensor) -> int:
    """The number of elements."""
    return _tensor(input, "numel").numel()


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor."""
    return isinstance(x, Tensor)


def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors one after another along `dim`; empty 1-d tensors are skipped, as in PyTorch."""
    tensors = [_tensor(x, "cat") for x in tensors]
    if not tensors:
        raise ValueError("cat: expected a non-empty list of tensors")
    first = next((x for x in tensors if tuple(x.shape) != (0,)), tensors[0])
    dim = _axis(dim, first.ndim)
    nothing = (*first.shape[:dim], 0, *first.shape[dim + 1:])
    kept = [x if tuple(x.shape) != (0,) else x.reshape(nothing) for x in tensors]
    for x in kept:
        if x.ndim != first.ndim or x.shape[:dim] + x.shape[dim + 1:] != first.shape[:dim] + first.shape[dim + 1:]:
            raise RuntimeError(f"cat: shapes {[tuple(x.shape) for x in tensors]} differ in other axes than {dim}")
    return ops.join(*kept, axis=dim)


concat = cat


def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors of one shape along a new axis."""
    tensors = [_tensor(x, "stack") for x in tensors]
    if not tensors or len({tuple(x.shape) for x in tensors}) > 1:
        raise RuntimeError(f"stack: expected tensors of one shape, got {[tuple(x.shape) for x in tensors]}")
    return cat([x.unsqueeze(_axis(dim, x.ndim + 1)) for x in tensors], _axis(dim, tensors[0].ndim + 1))


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """`input` where the condition holds, else `other`; with the condition alone, the indices where it holds."""
    if input is None and other is None:
        return tuple(Tensor(backend.asarray(i, like=condition.array)) for i in condition.array.nonzero())
    if _tensor(condition, "where").dtype != backend.bool_:
        raise RuntimeError(f"where: expected a condition of bools, got {condition.dtype}; compare it with something")
    raw = [x.array if isinstance(x, Tensor) else backend.operand(x, "where") for x in (input, other)]
    target = backend.result_dtype(raw)
    x, y = (
        v.to(target) if isinstance(v, Tensor) else Tensor(_stored(r, target, condition.array))
        for v, r in zip((input, other), raw)
    )
    return ops.where(condition, x, y)


def _stored(x: Any, dtype: Any, like: Any) -> Any:
    """A number, or an array, as an array beside `like`; a number that does not fit is an error, but beside float16, as in PyTorch."""
    if not backend.is_array(x) and dtype != backend.float16:
        x = backend.fitting(x, dtype, "where")
    return backend.quietly(backend.asarray, x, dtype, like=like)


def maximum(input: Tensor, other: Tensor) -> Tensor:
    """The larger of the two, element by element; a tie shares the gradient."""
    return ops.maximum(input, other)


def minimum(input: Tensor, other: Tensor) -> Tensor:
    """The smaller of the two, element by element; a tie shares the gradient."""
    return ops.minimum(input, other)


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The entries of `input` at `index` (1-d, whole numbers) along `dim`."""
    return input.index_select(dim, index)


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether |input - other| ≤ atol + rtol · |other| everywhere."""
    x, y = input.array, _tensor(other, "allclose").array
    return bool(backend.array_module(x).allclose(x, y, rtol=rtol, atol=atol, equal_nan=equal_nan))


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and elements."""
    return input.shape == _tensor(other, "equal").shape and bool((input == other).all())
