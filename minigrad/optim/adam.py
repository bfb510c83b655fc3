"""Adam and AdamW, in PyTorch's order of operations."""

from __future__ import annotations

import math
from typing import Any

from .._tensor import Tensor
from ..backend import array_module, fuse
from .optimizer import Optimizer
from .options import options_of, plain
from .sgd import descent, scale


class Adam(Optimizer):
    """p -= lr · m̂ / (√v̂ + eps),  m = β₁ m + (1-β₁) g,  v = β₂ v + (1-β₂) g²,  m̂ = m / (1-β₁ᵗ),  v̂ = v / (1-β₂ᵗ).

    t counts the updates of each parameter. weight_decay adds weight_decay · p to g, or, decoupled, first multiplies p by
    1 - lr · weight_decay; amsgrad takes the largest v so far; maximize takes -g for g.
    Source: Kingma and Ba 2015, Reddi et al. 2018, as in PyTorch.
    """

    fused = True
    not_negative = ("eps", "weight_decay")

    def __init__(self, params: Any, lr: float | Tensor = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None, maximize: bool = False,
                 capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
                 decoupled_weight_decay: bool = False) -> None:
        options, tensors = options_of(locals()), [isinstance(value, Tensor) for value in (lr, *betas)]
        if any(tensors[1:]) and not all(tensors[1:]):
            raise ValueError("betas must be either both floats or both Tensors")
        if foreach and any(tensors):
            raise ValueError(f"{'lr' if tensors[0] else 'betas[0]'} as a Tensor is not supported for capturable=False and foreach=True")
        super().__init__(params, {**options, "betas": tuple(map(plain, betas))})

    def check(self, group: dict[str, Any]) -> None:
        """Raise ValueError for options that make no sense."""
        super().check(group)
        if len(group["betas"]) != 2:
            raise ValueError(f"Invalid betas: expected two, got {group['betas']}")
        for i, beta in enumerate(group["betas"]):
            if not 0 <= beta < 1:
                raise ValueError(f"Invalid beta parameter at index {i}: {beta}")

    def names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Return PyTorch's names of m, v and, with amsgrad, the largest v."""
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    def update(self, group: dict[str, Any], p: Any, g: Any, state: list, count: int, fresh: bool) -> None:
        """Take one step; see `Optimizer.update`."""
        decay = group["weight_decay"]
        if decay and group["decoupled_weight_decay"]:
            scale(p, 1 - group["lr"] * decay)
            decay = 0
        g = descent(p, g, group["maximize"], decay)
        beta1, beta2 = map(float, group["betas"])
        step_size, root = group["lr"] / (1 - beta1**count), math.sqrt(1 - beta2**count)
        update = amsgrad_update if group["amsgrad"] else adam_update
        eps = p.dtype.type(group["eps"])  # in float16 the default becomes 0, as in PyTorch
        update(p, g, *state, step_size, 1 - beta1, beta2, 1 - beta2, root, eps)


class AdamW(Adam):
    """Adam whose decay does not pass through the averages: p *= 1 - lr · weight_decay, then Adam's step without decay.

    Source: Loshchilov and Hutter 2019, as in PyTorch.
    """

    def __init__(self, params: Any, lr: float | Tensor = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False, foreach: bool | None = None,
                 capturable: bool = False, differentiable: bool = False, fused: bool | None = None) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, foreach=foreach, capturable=capturable,
                         differentiable=differentiable, fused=fused, decoupled_weight_decay=True)


@fuse
def adam_update(p, g, m, v, step_size, one_minus_beta1, beta2, one_minus_beta2, root, eps):  # type: ignore[no-untyped-def]
    """Change m, v and p by one step; root = √(1 - β₂ᵗ), step_size = lr / (1 - β₁ᵗ)."""
    xp = array_module(p)
    m += one_minus_beta1 * (g - m)
    v *= beta2
    v += one_minus_beta2 * g * g
    p -= step_size * m / (xp.sqrt(v) / root + eps)


@fuse
def amsgrad_update(p, g, m, v, largest, step_size, one_minus_beta1, beta2, one_minus_beta2, root, eps):  # type: ignore[no-untyped-def]
    """Do as `adam_update`, with the largest v so far instead of v."""
    xp = array_module(p)
    m += one_minus_beta1 * (g - m)
    v *= beta2
    v += one_minus_beta2 * g * g
    largest[...] = xp.where(largest > v, largest, v)
    p -= step_size * m / (xp.sqrt(largest) / root + eps)
