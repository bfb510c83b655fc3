"""Activations as functions, with PyTorch's names, arguments and defaults."""

from __future__ import annotations

import warnings
from typing import Any

from ... import ops
from ..._tensor import Tensor
from .checks import check_tensors


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return each element, or 0 where it is negative; `inplace` writes it into `input`. The derivative at 0 is 0.

    y = max(input, 0),  dL/dinput = g where y > 0, else 0
    """
    check_tensors("relu", input=input)
    return input.relu_() if inplace else ops.relu(input)


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Return positive numbers that sum to 1 along `dim`, after conversion to `dtype` if there is one.

    y = e^input / Σ e^input along `dim`,  dL/dinput = y (g - Σ g y)
    """
    check_tensors("softmax", input=input)
    return input.softmax(_dim("softmax", input, dim, _stacklevel), dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Return the logarithm of the softmax along `dim`, after conversion to `dtype` if there is one.

    y = input - log Σ e^input along `dim`,  dL/dinput = g - e^y Σ g
    """
    check_tensors("log_softmax", input=input)
    return input.log_softmax(_dim("log_softmax", input, dim, _stacklevel), dtype)


def _dim(name: str, input: Tensor, dim: int | None, stacklevel: int) -> int:
    """Return `dim`; if it is None, warn, and return the axis that PyTorch chooses."""
    if dim is not None:
        return dim
    warnings.warn(f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
                  stacklevel=stacklevel)
    return 0 if input.ndim in (0, 1, 3) else 1
