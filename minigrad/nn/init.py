"""Filling tensors in place with initial values, unrecorded. Each function returns its tensor."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from .. import backend
from .._tensor import Tensor
from ..autograd import no_grad
from ..autograd.graph import wrap
from ..backend import float64
from ..functions import creation, indexing

__all__ = ["calculate_gain", "constant_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_", "orthogonal_",
           "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_"]

GAINS = {"linear": 1, "sigmoid": 1, "tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor that keeps the variance through `nonlinearity`; `param` is leaky_relu's slope (0.01)."""
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}; known are leaky_relu, {', '.join(GAINS)}")
    return GAINS[nonlinearity]


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Draw uniformly from [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Draw from the Gaussian distribution of this mean and standard deviation."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Set all elements to `val`."""
    with no_grad():
        return tensor.fill_(val)


def zeros_(tensor: Tensor) -> Tensor:
    """Set all elements to 0."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Set all elements to 1."""
    return constant_(tensor, 1.0)


def _fans(tensor: Tensor) -> tuple[int, int]:
    """Return (inputs, outputs) of a weight of shape (out, in, …)."""
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions; "
                         f"got shape {tuple(tensor.shape)}")
    size = math.prod(tensor.shape[2:])
    return tensor.shape[1] * size, tensor.shape[0] * size


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Draw uniformly from ±gain √(6 / (fan_in + fan_out)). Source: Glorot and Bengio, 2010."""
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / sum(_fans(tensor))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Draw from the Gaussian distribution of standard deviation gain √(2 / (fan_in + fan_out)). Source: Glorot and Bengio, 2010."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_fans(tensor))), generator)


def kaiming_uniform_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None) -> Tensor:
    """Draw uniformly from ±gain √(3 / fan); `a` is leaky_relu's slope. Source: He et al., 2015."""
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else uniform_(tensor, -math.sqrt(3.0) * std, math.sqrt(3.0) * std, generator)


def kaiming_normal_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None) -> Tensor:
    """Draw from the Gaussian distribution of standard deviation gain / √fan; `a` is leaky_relu's slope. Source: He et al., 2015."""
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else normal_(tensor, 0.0, std, generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float | None:
    """Return gain / √fan; for a tensor without elements None, with a warning."""
    if tensor.numel() == 0:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return None
    modes = ("fan_in", "fan_out")
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {list(modes)}")
    return calculate_gain(nonlinearity, a) / math.sqrt(_fans(tensor)[modes.index(mode.lower())])


def eye_(tensor: Tensor) -> Tensor:
    """Set a matrix to ones on the diagonal and zeros elsewhere."""
    if tensor.ndim != 2:
        raise ValueError(f"Only tensors with 2 dimensions are supported, got shape {tuple(tensor.shape)}")
    with no_grad():
        return tensor.copy_(creation.eye(*tensor.shape, device=tensor.device))


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Draw a matrix (rows, all other axes as one) with orthonormal rows or columns, whichever are fewer, times `gain`.

    It is Q of the QR decomposition of Gaussian numbers, with the signs that make the diagonal of R positive. Source: Saxe et al., 2013.
    """
    if tensor.ndim < 2:
        raise ValueError(f"Only tensors with 2 or more dimensions are supported, got shape {tuple(tensor.shape)}")
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    drawn = creation.empty(rows, columns, dtype=float64).normal_(generator=generator)
    drawn = (drawn if rows >= columns else drawn.t()).array
    xp = backend.array_module(drawn)
    q, r = xp.linalg.qr(drawn)
    q = wrap(q * xp.sign(r.diagonal()) * gain)
    with no_grad():
        return tensor.copy_((q if rows >= columns else q.t()).reshape(tensor.shape))


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None) -> Tensor:
    """Draw from the Gaussian distribution of this mean and standard deviation within [a, b].

    What falls outside is drawn again. Where most would, the numbers are drawn uniformly and kept with the probability of their density.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn("mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect.",
                      stacklevel=2)
    share = [math.erf((bound - mean) / (std * math.sqrt(2))) / 2 for bound in (a, b)]
    peak = (min(max(mean, a), b) - mean) / std
    if not math.isfinite(peak):  # no number would be kept
        raise ValueError(f"trunc_normal_: expected a finite mean and standard deviation, got {mean} and {std}")
    with no_grad():
        missing = creation.ones_like(tensor) > 0
        while missing.any():
            drawn = creation.empty_like(tensor)
            if share[1] - share[0] > 0.3:
                drawn.normal_(mean, std, generator=generator)
                kept = (drawn >= a) & (drawn <= b)
            else:
                drawn.uniform_(a, b, generator=generator)
                kept = creation.empty_like(tensor).uniform_(generator=generator) <= ((peak**2 - ((drawn - mean) / std) ** 2) / 2).exp()
            tensor.copy_(indexing.where(missing & kept, drawn, tensor))
            missing = missing & ~kept
    return tensor


if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Return the function of an old name, which has no underscore at its end; raise the error that tells the nearest names."""
        if f"{name}_" in __all__:
            return globals()[f"{name}_"]
        from ..unknown_names import unknown

        raise unknown(__name__, name)
