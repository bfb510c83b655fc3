"""Stochastic gradient descent, with momentum, in PyTorch's order of operations."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor
from ..backend import fuse
from .optimizer import Optimizer
from .options import options_of


class SGD(Optimizer):
    """p -= lr · b, with g' = g + weight_decay · p;  b = g' at first, then momentum · b + (1 - dampening) · g'.

    Without momentum b = g'; with nesterov the step is g' + momentum · b; maximize takes -g for g.
    Source: Sutskever et al. 2013, as in PyTorch.
    """

    fused, counted = True, False
    not_negative = ("momentum", "weight_decay")

    def __init__(self, params: Any, lr: float | Tensor = 1e-3, momentum: float = 0, dampening: float = 0, weight_decay: float = 0,
                 nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None, differentiable: bool = False,
                 fused: bool | None = None) -> None:
        super().__init__(params, options_of(locals()))

    def check(self, group: dict[str, Any]) -> None:
        """Raise ValueError for options that make no sense."""
        super().check(group)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Return ("momentum_buffer",) if there is momentum, else ()."""
        return ("momentum_buffer",) if group["momentum"] else ()

    def update(self, group: dict[str, Any], p: Any, g: Any, state: list, count: int, fresh: bool) -> None:
        """Take one step; see `Optimizer.update`."""
        number = p.dtype.type  # makes a number of the parameters' dtype, to which PyTorch rounds some options
        g = descent(p, g, group["maximize"], group["weight_decay"])
        if not state:
            descend(p, g, number(group["lr"]))
        else:
            if fresh:  # as in PyTorch, a parameter that is twice in its group starts with 0 both times
                state[0][...] = 0
            update = nesterov_update if group["nesterov"] else momentum_update
            update(p, g, *state, number(group["lr"]), group["momentum"], number(1 if fresh else 1 - group["dampening"]))


def descent(p: Any, g: Any, maximize: bool, weight_decay: float) -> Any:
    """Return the gradient of what a step makes smaller: g, or -g to maximize, plus weight_decay · p."""
    if maximize:
        g = negated(g)
    return decayed(g, p, p.dtype.type(weight_decay)) if weight_decay else g


@fuse
def negated(g):  # type: ignore[no-untyped-def]
    """Return -g."""
    return -g


@fuse
def decayed(g, p, weight_decay):  # type: ignore[no-untyped-def]
    """Return g + weight_decay · p, the gradient with that of weight_decay · p² / 2 added."""
    return g + weight_decay * p


@fuse
def momentum_update(p, g, buffer, lr, momentum, share):  # type: ignore[no-untyped-def]
    """Change b and p by one step; share = 1 - dampening, and 1 in the first step, when b = 0."""
    buffer *= momentum
    buffer += share * g
    p -= lr * buffer


@fuse
def nesterov_update(p, g, buffer, lr, momentum, share):  # type: ignore[no-untyped-def]
    """Do as `momentum_update`, with a step of g + momentum · b instead of b."""
    buffer *= momentum
    buffer += share * g
    p -= lr * (g + momentum * buffer)


@fuse
def descend(p, g, lr):  # type: ignore[no-untyped-def]
    """Change p by a step of -lr · g."""
    p -= lr * g


@fuse
def scale(p, factor):  # type: ignore[no-untyped-def]
    """Multiply p by a number."""
    p *= factor
