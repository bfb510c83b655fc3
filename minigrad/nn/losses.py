"""Losses as modules: their options, and a call of the function that does the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._tensor import Tensor
from . import functional as F
from .functional.losses import Flag, reduction_of
from .module import Module


class Loss(Module):
    """Base of the losses: `reduction` is 'mean', 'sum' or 'none'; PyTorch's two older arguments are understood.

    A subclass names the function that computes it, which gets all options by keyword.
    """

    function: Callable[..., Tensor]

    def __init__(self, size_average: Flag = None, reduce: Flag = None, reduction: str = "mean", **options: Any) -> None:
        super().__init__()
        self.reduction = reduction_of(size_average, reduce, reduction, type(self).__name__)
        self._options = (*options, "reduction")
        for name, value in options.items():
            if name.endswith("weight"):
                self.register_buffer(name, value)
            else:
                setattr(self, name, value)

    def forward(self, *inputs: Any, **named: Any) -> Tensor:
        """Return the function of the inputs with the options."""
        return type(self).function(*inputs, **named, **{name: getattr(self, name) for name in self._options})


class PlainLoss(Loss):
    """Base of the losses without other options."""

    def __init__(self, size_average: Flag = None, reduce: Flag = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)


class MSELoss(PlainLoss):
    """Mean squared error: (input - target)², averaged over all elements unless `reduction` says otherwise."""

    function = F.mse_loss


class L1Loss(PlainLoss):
    """Mean absolute error: |input - target|, averaged over all elements unless `reduction` says otherwise."""

    function = F.l1_loss


class NLLLoss(Loss):
    """Negative log-likelihood: -input[i, target[i]] for log-probabilities (N, C) and classes (N,); see `functional.nll_loss`."""

    function = F.nll_loss

    def __init__(self, weight: Tensor | None = None, size_average: Flag = None, ignore_index: int = -100, reduce: Flag = None,
                 reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction, weight=weight, ignore_index=ignore_index)


class CrossEntropyLoss(Loss):
    """Cross-entropy: NLLLoss of log_softmax(input), for logits (N, C) and classes (N,); see `functional.cross_entropy`."""

    function = F.cross_entropy

    def __init__(self, weight: Tensor | None = None, size_average: Flag = None, ignore_index: int = -100, reduce: Flag = None,
                 reduction: str = "mean", label_smoothing: float = 0.0) -> None:
        super().__init__(size_average, reduce, reduction, weight=weight, ignore_index=ignore_index, label_smoothing=label_smoothing)


class BCELoss(Loss):
    """Binary cross-entropy of probabilities and targets, both in [0, 1]; see `functional.binary_cross_entropy`."""

    function = F.binary_cross_entropy

    def __init__(self, weight: Tensor | None = None, size_average: Flag = None, reduce: Flag = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction, weight=weight)


class BCEWithLogitsLoss(Loss):
    """Binary cross-entropy of sigmoid(input), computed from logits; see `functional.binary_cross_entropy_with_logits`."""

    function = F.binary_cross_entropy_with_logits

    def __init__(self, weight: Tensor | None = None, size_average: Flag = None, reduce: Flag = None, reduction: str = "mean",
                 pos_weight: Tensor | None = None) -> None:
        super().__init__(size_average, reduce, reduction, weight=weight, pos_weight=pos_weight)


class HuberLoss(Loss):
    """Half the squared difference up to `delta`, linear beyond; see `functional.huber_loss`."""

    function = F.huber_loss

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction, delta=delta)


class SmoothL1Loss(Loss):
    """The Huber loss divided by `beta`, so that its slopes are ±1; see `functional.smooth_l1_loss`."""

    function = F.smooth_l1_loss

    def __init__(self, size_average: Flag = None, reduce: Flag = None, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(size_average, reduce, reduction, beta=beta)


class KLDivLoss(Loss):
    """Kullback-Leibler divergence of `target` from log-probabilities; see `functional.kl_div`."""

    function = F.kl_div

    def __init__(self, size_average: Flag = None, reduce: Flag = None, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(size_average, reduce, reduction, log_target=log_target)


class MultiMarginLoss(Loss):
    """How much the scores of other classes come within `margin` of the target's; see `functional.multi_margin_loss`."""

    function = F.multi_margin_loss

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, size_average: Flag = None, reduce: Flag = None,
                 reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction, p=p, margin=margin, weight=weight)


class MarginRankingLoss(Loss):
    """How far input1 is from being larger than input2 by `margin`; see `functional.margin_ranking_loss`."""

    function = F.margin_ranking_loss

    def __init__(self, margin: float = 0.0, size_average: Flag = None, reduce: Flag = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction, margin=margin)
