"""Layers and losses: PyTorch's own, and the L1 penalty as a layer."""

from torch import Tensor
from torch.nn import *  # noqa: F403
from torch.nn import Module

from reference import functional


class L1Penalty(Module):
    """The identity; on the way back the gradient of weight · Σ|x| is added, in the form "sign" or "slide"."""

    def __init__(self, weight: float, form: str = "sign") -> None:
        super().__init__()
        self.weight, self.form = weight, form

    def forward(self, input: Tensor) -> Tensor:
        """The input."""
        return functional.l1_penalty(input, self.weight, self.form)

    def extra_repr(self) -> str:
        """The weight and, if it is not the default, the form."""
        return f"weight={self.weight}" + (f", form={self.form!r}" if self.form != "sign" else "")
