"""The types in the signatures of the functions, and `named`, which gives a function its name and docstring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias, TypeVar

from .. import backend

if TYPE_CHECKING:
    from .._tensor import Tensor
else:
    from ..autograd.graph import Tensor  # the base of all tensors

__all__ = ["DTypeLike", "DeviceLike", "Dim", "Function", "Length", "Operand", "Tensor", "named"]

Operand: TypeAlias = Tensor | float | backend.ndarray[Any, Any] | backend.NumPyScalar
Dim: TypeAlias = int | Sequence[int] | None
Length: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
DTypeLike: TypeAlias = backend.dtype[Any] | type[Any] | str | None
DeviceLike: TypeAlias = backend.device | str | None
Function = TypeVar("Function", bound=Callable[..., Any])


def named(function: Function, name: str, description: str) -> Function:
    """Give `function` this name and docstring, and return it."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = description
    return function
