"""Adam, in PyTorch's order of operations."""

from __future__ import annotations

import math
from typing import Any

from ..backend import array_module, fuse
from .optimizer import Optimizer
from .sgd import decayed


class Adam(Optimizer):
    """p -= lr · m̂ / (√v̂ + eps),  m = β₁ m + (1-β₁) g,  v = β₂ v + (1-β₂) g²,  m̂ = m / (1-β₁ᵗ),  v̂ = v / (1-β₂ᵗ).

    t counts the updates of each parameter. weight_decay adds weight_decay · p to g; amsgrad takes the largest v so far.
    Source: Kingma and Ba 2015, Reddi et al. 2018, as in PyTorch.
    """

    fused = True

    def __init__(self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, amsgrad: bool = False) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad})

    def check(self, group: dict[str, Any]) -> None:
        """Raise ValueError for options that make no sense."""
        super().check(group)
        if len(group["betas"]) != 2:
            raise ValueError(f"Invalid betas: expected two, got {group['betas']}")
        for i, beta in enumerate(group["betas"]):
            if not 0 <= beta < 1:
                raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
        for name in ("eps", "weight_decay"):
            if not group[name] >= 0:
                raise ValueError(f"Invalid {name} value: {group[name]}")

    def names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Return PyTorch's names of m, v and, with amsgrad, the largest v."""
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    def update(self, group: dict[str, Any], p: Any, g: Any, state: list, count: int, fresh: bool) -> None:
        """Take one step; see `Optimizer.update`."""
        if group["weight_decay"]:
            g = decayed(g, p, p.dtype.type(group["weight_decay"]))
        beta1, beta2 = map(float, group["betas"])
        step_size, root = group["lr"] / (1 - beta1**count), math.sqrt(1 - beta2**count)
        update = amsgrad_update if group["amsgrad"] else adam_update
        eps = p.dtype.type(group["eps"])  # in float16 the default becomes 0, as in PyTorch
        update(p, g, *state, step_size, 1 - beta1, beta2, 1 - beta2, root, eps)


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
