"""RMSprop, in PyTorch's order of operations."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor
from ..backend import array_module, fuse
from .optimizer import Optimizer
from .options import options_of
from .sgd import descend, descent, scale


class RMSprop(Optimizer):
    """p -= lr · g / (√v + eps),  v = alpha · v + (1 - alpha) g².

    centered takes v - m² for v, with m = alpha · m + (1 - alpha) g. With momentum the step is lr · b, b = momentum · b + g / (√v + eps).
    weight_decay adds weight_decay · p to g; maximize takes -g for g.
    Source: Hinton's lectures, 2012, and Graves 2013 (centered), as in PyTorch.
    """

    fused = True
    not_negative = ("eps", "momentum", "weight_decay", "alpha")

    def __init__(self, params: Any, lr: float | Tensor = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
                 momentum: float = 0, centered: bool = False, capturable: bool = False, foreach: bool | None = None,
                 maximize: bool = False, differentiable: bool = False) -> None:
        super().__init__(params, options_of(locals()))

    def names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Return PyTorch's names of v, and of b and m where there are such."""
        return ("square_avg", *["momentum_buffer"] * (group["momentum"] > 0), *["grad_avg"] * bool(group["centered"]))

    def update(self, group: dict[str, Any], p: Any, g: Any, state: list, count: int, fresh: bool) -> None:
        """Take one step; see `Optimizer.update`."""
        g, (v, *others) = descent(p, g, group["maximize"], group["weight_decay"]), state
        changed, lr, alpha, number = p, group["lr"], group["alpha"], p.dtype.type
        if group["momentum"] > 0:  # b takes the step, with the rate -1, and p follows it
            changed, lr = others.pop(0), -1
            scale(changed, group["momentum"])
        update = centered_update if group["centered"] else rmsprop_update
        update(changed, g, v, *others, lr, alpha, 1 - alpha, number(group["eps"]))
        if group["momentum"] > 0:
            descend(p, changed, number(group["lr"]))


@fuse
def rmsprop_update(p, g, v, lr, alpha, one_minus_alpha, eps):  # type: ignore[no-untyped-def]
    """Change v and p by one step."""
    xp = array_module(p)
    v *= alpha
    v += one_minus_alpha * g * g
    p -= lr * g / (xp.sqrt(v) + eps)


@fuse
def centered_update(p, g, square, mean, lr, alpha, one_minus_alpha, eps):  # type: ignore[no-untyped-def]
    """Do as `rmsprop_update`, with v - m² instead of v; `square` is v and `mean` is m."""
    xp = array_module(p)
    square *= alpha
    square += one_minus_alpha * g * g
    mean += one_minus_alpha * (g - mean)
    p -= lr * g / (xp.sqrt(square - mean * mean) + eps)
