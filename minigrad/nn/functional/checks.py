"""What the functions of this folder check of their arguments."""

from __future__ import annotations

from typing import Any

from ..._tensor import Tensor
from ...functions.arguments import check_input


def check_tensors(name: str, **arguments: Any) -> None:
    """Raise TypeError if an argument is no tensor, as an operation on raw arrays alone would return a raw array."""
    for argument, value in arguments.items():
        if not isinstance(value, Tensor):
            check_input(value, name, argument)
