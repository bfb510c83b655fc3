"""PyTorch's functions of layers and losses, and the lecture's L1 penalty."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn.functional import *  # noqa: F403


class L1Penalty(Function):
    """Identity. Its backward adds the gradient of weight · Σ|x|: on purpose not the forward's derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.weight = weight
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return g + ctx.weight * torch.sign(x), None


class L1PenaltySlide(L1Penalty):
    """The penalty as the lecture's slide has it: its backward multiplies by x itself, not by its sign."""

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return g + ctx.weight * x, None


def l1_penalty(input: Tensor, weight: float, form: str = "sign") -> Tensor:
    """Return the input. Its backward adds the gradient of weight · Σ|input|, in the form "sign" or "slide"."""
    return {"sign": L1Penalty, "slide": L1PenaltySlide}[form].apply(input, weight)
