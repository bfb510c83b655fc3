"""Losses with margins as functions, with PyTorch's names, arguments and defaults."""

from __future__ import annotations

from ... import ops
from ..._tensor import Tensor
from ...functions.arguments import check_input
from .checks import check_tensors
from .losses import Flag, check_classes, checked, reduced, reduction_of, times


def multi_margin_loss(input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
                      size_average: Flag = None, reduce: Flag = None, reduction: str = "mean") -> Tensor:
    """Return how much the scores of other classes come within `margin` of the target's, for scores (N, C) or (C,) and classes (N,) or ().

    weight: one factor for each class.

    y = Σ_i Σ_j w_i max(0, margin - input[i, target[i]] + input[i, j])^p / (N C),  no gradient for target,
    dL/dinput = g w_i p max(0, …)^(p-1) / (N C) at [i, j], and minus the sum of these at [i, target[i]]

    j runs over all classes but target[i], w_i is weight[target[i]].
    """
    reduction = reduction_of(size_average, reduce, reduction, "multi_margin_loss")
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: only p == 1 and p == 2 supported, got {p}")
    check_tensors("multi_margin_loss", input=input, target=target)
    rows, classes = (input.reshape(1, -1), target.reshape(-1)) if input.ndim < 2 else (input, target)
    check_classes("multi_margin_loss", rows, classes, weight)
    at = classes.unsqueeze(1)
    over = ops.relu(margin - rows.gather(1, at) + rows)
    losses = (over if p == 1 else ops.square(over)).scatter(1, at, 0.0).mean(1)
    losses = losses if weight is None else losses * weight[classes]
    return reduced(losses if input.ndim > 1 else losses.reshape(target.shape), reduction)


def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: Flag = None,
                        reduce: Flag = None, reduction: str = "mean") -> Tensor:
    """Return how far input1 is from being larger than input2 (for targets 1; smaller for targets -1) by `margin`.

    y = Σ max(0, margin - target (input1 - input2)) / n,  dL/dinput1 = -g target / n where margin ≥ target (input1 - input2), else 0,
    dL/dinput2 = g target / n there,  dL/dtarget = -g (input1 - input2) / n there
    """
    reduction = checked("margin_ranking_loss", input1, input2, size_average, reduce, reduction)
    lead = times("margin_ranking_loss", input1 - input2, check_input(target, "margin_ranking_loss", "target"))
    return reduced(ops.clip(margin - lead, 0, None), reduction)
