"""Layers: their parameters and options, and a call of the function that does the work."""

from __future__ import annotations

import math
from typing import Any, NoReturn

from .._tensor import Tensor
from ..functions.creation import empty
from . import functional as F
from . import init
from .errors import LayerError
from .functional.layers import PENALTIES
from .module import Module
from .parameter import Parameter


class Linear(Module):
    """A linear layer, y = x · weightᵀ + bias: x (…, in_features), weight (out_features, in_features), bias (out_features,).

    Weight and bias start uniform on ±1/√in_features, as PyTorch's do.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(empty((out_features, in_features), device=device, dtype=dtype))
        start = Parameter(empty(out_features, device=device, dtype=dtype)) if bias else None
        self.register_parameter("bias", start)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        bound = 1 / math.sqrt(self.in_features) if self.in_features else 0
        for param in self.parameters(recurse=False):
            init.uniform_(param, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """Return input · weightᵀ + bias."""
        weight = self.weight
        if isinstance(input, Tensor):
            x, w = input.array, weight.array
            if x.ndim == 0 or x.shape[-1] != w.shape[-1] or x.dtype != w.dtype:
                self._refuse(input, weight)
        return F.linear(input, weight, self.bias)

    def _refuse(self, input: Tensor, weight: Tensor) -> NoReturn:
        """Raise LayerError, which says how the input does not fit the weight."""
        if input.ndim == 0 or input.shape[-1] != weight.shape[-1]:
            got = input.shape[-1] if input.ndim else "a 0-d tensor"
            raise LayerError(self, f"expected in_features {weight.shape[-1]}, got {got}: the input has shape {tuple(input.shape)}, "
                                   f"the weight {tuple(weight.shape)}; reshape the input, e.g. with view(-1, {weight.shape[-1]}), "
                                   f"or build the layer as Linear({got if input.ndim else '…'}, {self.out_features})")
        other = f", or the network with .to(minigrad.{input.dtype})" if input.is_floating_point() else ""
        raise LayerError(self, f"expected an input of {weight.dtype}, the weight's dtype, got {input.dtype}; convert the input with "
                               f".to(minigrad.{weight.dtype}){other}")

    def extra_repr(self) -> str:
        """Return the sizes."""
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"


class Identity(Module):
    """The identity; it takes any arguments and ignores them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """Return the input."""
        return input


class Flatten(Module):
    """A layer that makes one axis of those from start_dim to end_dim."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Return flatten(input)."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Return the axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class L1Penalty(Module):
    """The identity; on the way back it adds weight · sign(x), the gradient of weight · Σ|x|.

    form="slide" adds weight · x instead, as a slide of the lecture on denoising autoencoders has it.
    """

    def __init__(self, weight: float, form: str = "sign") -> None:
        super().__init__()
        if form not in PENALTIES:
            raise ValueError(f"L1Penalty: expected a form among {', '.join(PENALTIES)}, got {form!r}")
        self.weight, self.form = weight, form

    def forward(self, input: Tensor) -> Tensor:
        """Return the input."""
        return F.l1_penalty(input, self.weight, self.form)

    def extra_repr(self) -> str:
        """Return the weight and, if it is not the default, the form."""
        return f"weight={self.weight}" + (f", form={self.form!r}" if self.form != "sign" else "")
