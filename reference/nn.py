"""Layers and losses: PyTorch's own, and the L1 penalty as a layer."""

from torch import Tensor
from torch.nn import *  # noqa: F403
from torch.nn import Module

from reference import functional


class L1Penalty(Module):
    """The identity. Its backward adds the gradient of weight · Σ|x|, in the form "sign" or "slide"."""

    def __init__(self, weight: float, form: str = "sign") -> None:
        super().__init__()
        self.weight, self.form = weight, form

    def forward(self, input: Tensor) -> Tensor:
        """Return the input."""
        return functional.l1_penalty(input, self.weight, self.form)

    def extra_repr(self) -> str:
        """Return the weight and, if it is not the default, the form, as text."""
        return f"weight={self.weight}" + (f", form={self.form!r}" if self.form != "sign" else "")
