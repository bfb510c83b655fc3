"""Penalties: the identity, with a gradient injected on the way back."""

from __future__ import annotations

from ..autograd import op
from .arithmetic import signs


@op
def l1_penalty(x, *, weight):
    """y = x,  dL/dx = g + weight · sign(x)

    On purpose not the derivative of y: the gradient of weight · Σ|x| is added.
    """
    return x, lambda g: g + weight * signs(x)


@op
def l1_penalty_slide(x, *, weight):
    """y = x,  dL/dx = g + weight · x

    On purpose not the derivative of y: the gradient of weight · Σ x² / 2 is added, as lecture 20's slide has it. That is no L1 penalty.
    """
    return x, lambda g: g + weight * x
