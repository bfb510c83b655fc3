"""Adagrad, in PyTorch's order of operations."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor
from ..autograd.graph import wrap
from ..backend import array_module, asarray, float32, fuse
from .optimizer import Optimizer
from .options import options_of
from .sgd import descent


class Adagrad(Optimizer):
    """p -= lr / (1 + (t-1) lr_decay) · g / (√s + eps),  s = s + g², which starts with initial_accumulator_value.

    t counts the updates of each parameter; weight_decay adds weight_decay · p to g; maximize takes -g for g.
    Source: Duchi et al. 2011, as in PyTorch.
    """

    fused, buffers = True, ("sum",)
    not_negative = ("lr_decay", "weight_decay", "initial_accumulator_value", "eps")

    def __init__(self, params: Any, lr: float | Tensor = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
                 initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *, maximize: bool = False,
                 differentiable: bool = False, fused: bool | None = None) -> None:
        super().__init__(params, options_of(locals()))
        params = [p for group in self.param_groups for p in group["params"]]
        for p in params:
            self.state[p]["step"] = wrap(asarray(0, float32))
        self._renew("sum", [(p, None) for p in params])

    def _renew(self, name: str, held: list[tuple[Tensor, Any]]) -> None:
        """Do as `Optimizer._renew`, with the initial value instead of zeros."""
        super()._renew(name, held)
        for p, old in held:
            if old is None:
                self.state[p][name].array[...] = self.defaults["initial_accumulator_value"]

    def update(self, group: dict[str, Any], p: Any, g: Any, state: list, count: int, fresh: bool) -> None:
        """Take one step; see `Optimizer.update`."""
        g, rate = descent(p, g, group["maximize"], group["weight_decay"]), group["lr"] / (1 + (count - 1) * group["lr_decay"])
        adagrad_update(p, g, *state, rate, p.dtype.type(group["eps"]))


@fuse
def adagrad_update(p, g, total, lr, eps):  # type: ignore[no-untyped-def]
    """Change the sum of squares and p by one step."""
    xp = array_module(p)
    total += g * g
    p -= lr * g / (xp.sqrt(total) + eps)
