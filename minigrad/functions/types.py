"""The types in the signatures of the functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias

from .. import backend

if TYPE_CHECKING:
    from .._tensor import Tensor
else:
    from ..autograd.graph import Tensor  # the base of all tensors

__all__ = ["DTypeLike", "DeviceLike", "Dim", "Length", "Operand", "Tensor"]

Operand: TypeAlias = Tensor | float | backend.ndarray[Any, Any] | backend.NumPyScalar
Dim: TypeAlias = int | Sequence[int] | None
Length: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
DTypeLike: TypeAlias = backend.dtype[Any] | type[Any] | str | None
DeviceLike: TypeAlias = backend.device | str | None
