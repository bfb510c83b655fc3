"""Activations as functions, with PyTorch's names, arguments and defaults."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from ... import ops
from ..._tensor import Tensor
from ...backend import float16
from ...functions.arguments import check_input
from ...functions.writing import replace
from .checks import check_tensors


def activated(name: str, input: Tensor, inplace: bool, compute: Callable[[Any], Any]) -> Tensor:
    """Return compute(input), computed in float32 for float16; write it into `input` if `inplace`.

    Raise NotImplementedError unless `input` is a floating-point tensor.
    """
    if check_input(input, name).array.dtype.kind != "f":
        raise NotImplementedError(f"{name}: expected a floating-point tensor, got {input.dtype}; use .float() or .double() first")

    def computed() -> Any:
        return compute(input.float()).half() if input.dtype == float16 else compute(input)

    result: Tensor = replace(input, f"{name}_", computed) if inplace else computed()
    return result


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return each element, or 0 where it is negative; `inplace` writes it into `input`. The derivative at 0 is 0.

    y = max(input, 0),  dL/dinput = g where y > 0, else 0
    """
    check_tensors("relu", input=input)
    return input.relu_() if inplace else ops.relu(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Return each element, times `negative_slope` unless it is above 0; `inplace` writes it into `input`.

    y = input where input > 0, else negative_slope · input,  dL/dinput = g where input > 0, else negative_slope · g
    """
    return activated("leaky_relu", input, inplace, lambda x: ops.leaky_relu(x, slope=negative_slope))


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Return each element, times `weight` unless it is above 0: one number, or one for each channel along the second axis.

    y = input where input > 0, else weight · input,  dL/dinput = g where input > 0, else weight · g,
    dL/dweight = Σ g · input where input ≤ 0
    """
    check_tensors("prelu", input=input, weight=weight)
    if weight.ndim > 1 or weight.dtype != input.dtype or weight.numel() not in (1, *input.shape[1:2]):
        raise RuntimeError(f"prelu: expected a weight of {input.dtype} with one element, or one for each channel, of an input of shape "
                           f"{tuple(input.shape)}; got {weight.dtype} and shape {tuple(weight.shape)}; convert with .to(dtype)")
    weight = weight.reshape([weight.numel(), *[1] * (input.ndim - 2)] if weight.numel() != 1 else [1] * input.ndim)
    return activated("prelu", input, False, lambda x: ops.where(x > 0, x, weight * ops.where(x > 0, 0, x)))


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return each element, or alpha (e^x - 1) where an element x is not above 0; `inplace` writes it into `input`.

    y = input where input > 0, else alpha (e^input - 1),  dL/dinput = g where input > 0, else g alpha e^input
    """
    def bent(x: Any) -> Any:
        above = ops.where(x == 0, x * alpha, x)  # at 0 the slope is alpha and the second derivative 0, as in PyTorch
        return ops.where(x < 0, ops.expm1(ops.where(x < 0, x, 0)) * alpha, above)

    return activated("elu", input, inplace, bent)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return 1.0507… · elu(input, 1.6733…), which keeps mean 0 and variance 1; `inplace` writes it into `input`.

    y = s input where input > 0, else s α (e^input - 1),  dL/dinput = g s where input > 0, else g s α e^input
    """
    return activated("selu", input, inplace, lambda x: elu(x, 1.6732632423543772) * 1.0507009873554805)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Return each element x times Φ(x), the probability that a Gaussian number is below x; "tanh" approximates it.

    y = input Φ(input),  dL/dinput = g (Φ(input) + input φ(input)), where φ is the density

    "none" takes Φ(x) = (1 + erf(x / √2)) / 2, "tanh" (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"gelu: approximate argument must be either none or tanh, got {approximate!r}")

    def bell(x: Any) -> Any:
        if approximate == "none":
            return ops.erf(x * math.sqrt(0.5))
        return ops.tanh((x + x * x * x * 0.044715) * math.sqrt(2 / math.pi))

    return activated("gelu", input, False, lambda x: x * (bell(x) * 0.5 + 0.5))


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return each element x times sigmoid(x); `inplace` writes it into `input`.

    y = input σ(input),  dL/dinput = g σ(input) (1 + input (1 - σ(input)))
    """
    return activated("silu", input, inplace, lambda x: x * ops.sigmoid(x))


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Return log(1 + e^(beta x)) / beta of each element x, or x itself where beta x is above the threshold.

    y = log(1 + e^(beta input)) / beta,  dL/dinput = g σ(beta input)
    """
    def smooth(x: Any) -> Any:
        linear = ops.greater(x * beta, threshold)
        return ops.where(linear, x, ops.log1p(ops.exp(ops.where(linear, 0, x) * beta)) / beta)

    return activated("softplus", input, False, smooth)


def logsigmoid(input: Tensor) -> Tensor:
    """Return the logarithm of the sigmoid of each element.

    y = log σ(input) = -log(1 + e^-input),  dL/dinput = g σ(-input)
    """
    return activated("logsigmoid", input, False, lambda x: -softplus(-x, threshold=40))  # log(1 + e^40) is 40


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Return each element limited to [min_val, max_val]; `inplace` writes it into `input`. At the limits the derivative is 0.

    y = min(max(input, min_val), max_val),  dL/dinput = g where min_val < input < max_val, else 0
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val cannot be greater than max_val, got {min_val} and {max_val}")

    def limited(x: Any) -> Any:
        return ops.where((x <= min_val) | (x >= max_val), ops.clip(x.detach(), min_val, max_val), x)

    return activated("hardtanh", input, inplace, limited)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Return each element limited to [0, 6]; `inplace` writes it into `input`. At the limits the derivative is 0.

    y = min(max(input, 0), 6),  dL/dinput = g where 0 < input < 6, else 0
    """
    return hardtanh(input, 0.0, 6.0, inplace)


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
