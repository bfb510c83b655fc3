"""Activations as layers: their options, and a call of the function that does the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._tensor import Tensor
from ..functions.creation import empty
from . import functional as F
from . import init as initial
from .module import Module
from .parameter import Parameter


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


class Activation(Module):
    """Base of the layers that call a function: each option is an attribute, and the argument of the same name."""

    function: Callable[..., Tensor]

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self._options = tuple(options)
        for name, value in options.items():
            setattr(self, name, value)

    def forward(self, input: Tensor) -> Tensor:
        """Return the function of `input` with the options."""
        return type(self).function(input, **{name: getattr(self, name) for name in self._options})

    def extra_repr(self) -> str:
        """Return the options, and `inplace` if it is set."""
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in self._options if name != "inplace" or self.inplace)


class Inplace(Activation):
    """Base of the activations whose only option is `inplace`: it writes the result into the input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)


class ReLU(Inplace):
    """The rectifier, max(x, 0); `inplace` writes it into the input."""

    def forward(self, input: Tensor) -> Tensor:
        """Return relu(input)."""
        return F.relu(input, self.inplace)


class LogSigmoid(Activation):
    """The logarithm of the logistic function, -log(1 + e^-x)."""

    function = F.logsigmoid


class SiLU(Inplace):
    """The product x σ(x), where σ is the logistic function."""

    function = F.silu


class SELU(Inplace):
    """The scaled ELU, 1.0507… · elu(x, 1.6733…), which keeps mean 0 and variance 1."""

    function = F.selu


class ReLU6(Inplace):
    """The rectifier with a largest value, min(max(x, 0), 6)."""

    function = F.relu6


class LeakyReLU(Activation):
    """The rectifier with a slope below 0: x where x > 0, else negative_slope · x."""

    function = F.leaky_relu

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(negative_slope=negative_slope, inplace=inplace)


class ELU(Activation):
    """The exponential linear unit: x where x > 0, else alpha (e^x - 1)."""

    function = F.elu

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(alpha=alpha, inplace=inplace)


class GELU(Activation):
    """The Gaussian error linear unit, x Φ(x), exact or with approximate="tanh"."""

    function = F.gelu

    def __init__(self, approximate: str = "none") -> None:
        super().__init__(approximate=approximate)


class Softplus(Activation):
    """The smooth rectifier, log(1 + e^(beta x)) / beta, or x itself where beta x is above the threshold."""

    function = F.softplus

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__(beta=beta, threshold=threshold)


class Hardtanh(Activation):
    """The input limited to [min_val, max_val], min(max(x, min_val), max_val)."""

    function = F.hardtanh

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(min_val=min_val, max_val=max_val, inplace=inplace)


class PReLU(Module):
    """The leaky rectifier whose slope below 0 is a parameter: one number, or one for each channel along the second axis."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Let the weight start again."""
        initial.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """Return prelu(input, weight)."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Return the number of parameters."""
        return f"num_parameters={self.num_parameters}"


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
