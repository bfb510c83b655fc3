"""Products of matrices and vectors."""

from __future__ import annotations

from typing import Any

from .. import backend, ops
from .arguments import check_input, check_tensor
from .types import Operand, Tensor

__all__ = ["matmul", "mm"]


def matmul(input: Tensor, other: Operand) -> Tensor:
    """Return input @ other: (…, n, k) @ (…, k, m) is (…, n, m), entries Σ_k input[n, k] other[k, m].

    A vector (k,) counts as one row on the left and as one column on the right, and its axis is left out of the product.
    Raise RuntimeError if the shapes or dtypes do not fit.

    y = input @ other,  dL/dinput = g otherᵀ,  dL/dother = inputᵀ g
    """
    return product(check_input(input, "matmul"), other)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """Return the product of two matrices, (n, k) times (k, m). Raise RuntimeError if one is no matrix.

    y = input @ mat2,  dL/dinput = g mat2ᵀ,  dL/dmat2 = inputᵀ g
    """
    if check_tensor(mat2, "mm").ndim != 2 or check_input(input, "mm").array.ndim != 2:
        raise RuntimeError(f"mm: expected two matrices, got shapes {tuple(input.shape)} and {tuple(mat2.shape)}; use @")
    return ops.matmul(input, mat2)


def product(x: Any, y: Any) -> Tensor:
    """Return x @ y, of which one may be an array.

    z = x @ y,  dL/dx = g yᵀ,  dL/dy = xᵀ g
    """
    if not isinstance(x, Tensor):
        x = _factor(x)
    if not isinstance(y, Tensor):
        y = _factor(y)
    if getattr(x, "ndim", 0) == 0 or getattr(y, "ndim", 0) == 0:
        shapes = [tuple(getattr(a, "shape", ())) for a in (x, y)]
        raise RuntimeError(f"matmul: expected at least 1 axis each, got shapes {shapes[0]} and {shapes[1]}; use * with numbers")
    out = ops.matmul(ops.expand_dims(x, 0) if x.ndim == 1 else x, ops.expand_dims(y, 1) if y.ndim == 1 else y)
    single = tuple(axis for axis, a in ((-2, x), (-1, y)) if a.ndim == 1)
    return ops.squeeze(out, axis=single) if single else out


def _factor(x: Any) -> Any:
    """Return an array that is multiplied with a tensor; raise NotAnOperand for anything else."""
    x = backend.plain_array(x, "matmul")
    if not backend.is_array(x):
        raise backend.NotAnOperand(f"matmul: expected tensors, got {type(x).__name__}")
    return x
