"""Losses as modules: their options, and a call of the function that does the work."""

from __future__ import annotations

from .._tensor import Tensor
from . import functional as F
from .functional.losses import reduction_of
from .module import Module


class Loss(Module):
    """Base of the losses: `reduction` is 'mean', 'sum' or 'none'; PyTorch's two older arguments are understood."""

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction_of(size_average, reduce, reduction, type(self).__name__)


class MSELoss(Loss):
    """Mean squared error: (input - target)², averaged over all elements unless `reduction` says otherwise."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return mse_loss(input, target)."""
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(Loss):
    """Mean absolute error: |input - target|, averaged over all elements unless `reduction` says otherwise."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return l1_loss(input, target)."""
        return F.l1_loss(input, target, reduction=self.reduction)


class NLLLoss(Loss):
    """Negative log-likelihood: -input[i, target[i]] for log-probabilities (N, C) and classes (N,); see `functional.nll_loss`."""

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return nll_loss(input, target)."""
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class CrossEntropyLoss(Loss):
    """Cross-entropy: NLLLoss of log_softmax(input), for logits (N, C) and classes (N,); see `functional.cross_entropy`."""

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return cross_entropy(input, target)."""
        return F.cross_entropy(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction,
                               label_smoothing=self.label_smoothing)
