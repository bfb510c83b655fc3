"""Variances, standard deviations and norms over axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import backend, ops
from ..autograd import modes
from .arguments import axes_of, beside, check_floating, check_input, takes_axis
from .reductions import amax, amin, sum
from .types import Dim, DTypeLike, Tensor

__all__ = ["norm", "std", "var"]


@takes_axis
def var(input: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None) -> Tensor:
    """Return the variance of the n elements over `dim` (one axis, several, or all): their squared distances from the mean m, averaged.

    correction is what is taken off n: 1 unless `unbiased` is False, which may also stand in the place of dim: x.var(False).

    y = Σ (input - m)² / (n - correction),  dL/dinput = 2 g (input - m) / (n - correction)
    """
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    correction = int(unbiased) if correction is None else correction
    return ops.var(check_floating(input, "var or std"), axis=axes_of(dim, input) or None, keepdims=keepdim, correction=correction)


@takes_axis
def std(input: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: float | None = None) -> Tensor:
    """Return the standard deviation, the root of the variance, see `var`; where that is 0, the derivative is 0.

    y = √(Σ (input - m)² / (n - correction)),  dL/dinput = g (input - m) / (y (n - correction))
    """
    x = check_floating(input, "var or std")
    if x.dtype == backend.float16:  # where the square of 256 would be infinite
        return std(x.float(), dim, unbiased, keepdim, correction=correction).half()
    return _except_at_zero(ops.sqrt, var(x, dim, unbiased, keepdim, correction=correction))


def norm(input: Tensor, p: Any = "fro", dim: Dim = None, keepdim: bool = False, dtype: DTypeLike = None) -> Tensor:
    """Return the p-norm of the elements over `dim` (one axis, several, or all), a vector's also for two axes; "fro" and None are 2.

    p = ∞ is the largest magnitude, p = -∞ the smallest, p = 0 the count of the elements that are not 0.

    y = (Σ |input|^p)^(1/p),  dL/dinput = g sign(input) |input|^(p-1) y^(1-p), 0 where that is undefined
    """
    return vector_norm(input, 2 if p in ("fro", None) else p, dim, keepdim, dtype=dtype)


def vector_norm(x: Tensor, ord: Any = 2, dim: Dim = None, keepdim: bool = False, *, dtype: DTypeLike = None) -> Tensor:
    """Return the norm of the elements over `dim`, see `norm`, which calls `ord` p.

    y = (Σ |x|^ord)^(1/ord),  dL/dx = g sign(x) |x|^(ord-1) y^(1-ord), 0 where that is undefined
    """
    if isinstance(ord, str):
        raise NotImplementedError(f"norm: there is no norm {ord!r}, which takes singular values; use a number or 'fro'")
    x = check_floating(x if dtype is None else x.to(dtype), "norm")
    if x.dtype == backend.float16:  # where the square of 256 would be infinite
        return vector_norm(x.float(), ord, dim, keepdim).half()
    if abs(ord) == backend.inf:
        return (amax if ord > 0 else amin)(ops.absolute(x), () if dim is None else dim, keepdim)
    if ord == 0:
        if x.requires_grad and modes.recording.get():
            raise NotImplementedError("norm: a count, p=0, has no gradient; pass x.detach()")
        return sum(x != 0, dim, keepdim, dtype=x.dtype)
    if ord == 1:
        return sum(ops.absolute(x), dim, keepdim)
    if ord == 2:
        return _except_at_zero(ops.sqrt, sum(ops.square(x), dim, keepdim))
    at_zero = 0 if ord > 0 else backend.inf
    total = sum(_except_at_zero(lambda a: ops.pow(a, ord), ops.absolute(x), at_zero), dim, keepdim)
    return _except_at_zero(lambda a: ops.pow(a, 1 / ord), total, at_zero)


def norm_of_all(A: Tensor, ord: Any = None, dim: Dim = None, keepdim: bool = False, *, dtype: DTypeLike = None) -> Tensor:
    """Return the norm of vectors along one `dim`, or of all elements over `dim`, see `vector_norm`.

    Raise NotImplementedError for an `ord` of matrices other than "fro".

    y = (Σ |A|^ord)^(1/ord),  dL/dA = g sign(A) |A|^(ord-1) y^(1-ord), 0 where that is undefined
    """
    axes = axes_of(dim, check_input(A, "norm"))
    if ord not in ("fro", None) and len(range(A.array.ndim) if axes is None else axes) > 1:
        raise NotImplementedError(f"norm: there is no ord={ord!r} of matrices; use None or 'fro', or flatten the tensor first")
    return norm(A, ord, dim, keepdim, dtype)


def _except_at_zero(function: Callable[[Any], Tensor], x: Tensor, value: float = 0) -> Tensor:
    """Return function(x), but `value` where x is 0: the derivatives are 0 there, as in PyTorch, where the function's are infinite."""
    zero, one = beside(x, backend.asarray(value, x.dtype, like=x.array)), beside(x, backend.asarray(1, x.dtype, like=x.array))
    return ops.where(x == 0, zero, function(ops.where(x == 0, one, x)))
