"""Activations as layers: their options, and a call of the function that does the work."""

from __future__ import annotations

from .._tensor import Tensor
from . import functional as F
from .module import Module


class Tanh(Module):
    """The hyperbolic tangent, (e^x - e^-x) / (e^x + e^-x)."""

    def forward(self, input: Tensor) -> Tensor:
        """Return tanh(input)."""
        return F.tanh(input)


class Sigmoid(Module):
    """The logistic function, 1 / (1 + e^-x)."""

    def forward(self, input: Tensor) -> Tensor:
        """Return sigmoid(input)."""
        return F.sigmoid(input)


class ReLU(Module):
    """The rectifier, max(x, 0); `inplace` writes it into the input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return relu(input)."""
        return F.relu(input, self.inplace)

    def extra_repr(self) -> str:
        """Return the option, if it is set."""
        return "inplace=True" if self.inplace else ""


class AlongDim(Module):
    """Base of the layers that compute along one axis."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"dim={self.dim}"


class Softmax(AlongDim):
    """Probabilities, e^x / Σ e^x along `dim`; without `dim` PyTorch's choice, with its warning."""

    def forward(self, input: Tensor) -> Tensor:
        """Return softmax(input)."""
        return F.softmax(input, self.dim, _stacklevel=5)


class LogSoftmax(AlongDim):
    """Log-probabilities, x - log Σ e^x along `dim`; without `dim` PyTorch's choice, with its warning."""

    def forward(self, input: Tensor) -> Tensor:
        """Return log_softmax(input)."""
        return F.log_softmax(input, self.dim, _stacklevel=5)
