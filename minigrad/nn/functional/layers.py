"""Layers as functions: `linear`, and the penalty that a layer adds to the gradient."""

from __future__ import annotations

from ... import backend, ops
from ..._tensor import Tensor
from ...functions.arguments import check_input
from ...functions.creation import arange
from .checks import check_tensors


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return the output of a layer, (…, out), for input (…, in), weight (out, in) and bias (out,).

    y = input weightᵀ + bias,  dL/dinput = g weight,  dL/dweight = gᵀ input,  dL/dbias = Σ g over the rows
    """
    check_tensors("linear", input=input, weight=weight)
    if bias is not None and not isinstance(bias, Tensor):
        check_input(bias, "linear", "bias")  # type: ignore[unreachable]
    x, w = input.array, weight.array
    if x.ndim == 0 or x.shape[-1] != w.shape[-1]:
        raise RuntimeError(f"linear: the last axis of the input must have {weight.shape[-1]} elements, as the weight; "
                           f"got input {tuple(input.shape)} and weight {tuple(weight.shape)}")
    if w.ndim == 2 and bias is not None:
        return ops.linear(input, weight, bias)
    product = input @ weight.t()
    return product if bias is None else product + bias


def l1_penalty(input: Tensor, weight: float, form: str = "sign") -> Tensor:
    """Return `input`; on the way back add weight · sign(input), the gradient of weight · Σ|input|, to its gradient.

    form="slide" adds weight · input instead, as a slide of the lecture on denoising autoencoders has it.

    y = input,  dL/dinput = g + weight · sign(input), with form="slide" g + weight · input
    """
    check_tensors("l1_penalty", input=input)
    if form not in PENALTIES:
        raise ValueError(f"l1_penalty: expected a form among {', '.join(PENALTIES)}, got {form!r}")
    return PENALTIES[form](input, weight=weight)


PENALTIES = {"sign": ops.l1_penalty, "slide": ops.l1_penalty_slide}


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Return whole numbers (int64) with a new last axis of num_classes: 1 at the place that each class of `tensor` names, else 0.

    num_classes=-1 stands for the largest class and 1. Raise RuntimeError for a class below 0 or of at least num_classes.
    """
    x = check_input(tensor, "one_hot", "tensor")
    if x.dtype != backend.int64:
        raise RuntimeError(f"one_hot: expected classes of int64, got {x.dtype}; use .long()")
    low, high = (int(x.min()), int(x.max())) if x.array.size else (0, -1)
    n = high + 1 if num_classes == -1 else num_classes
    if not 0 <= low <= max(high, 0) < n:
        raise RuntimeError(f"one_hot: classes {low} … {high} do not fit into {n} classes" if x.array.size else
                           "one_hot: an empty tensor says no number of classes; give num_classes")
    return (x.unsqueeze(-1) == arange(n, device=x.device)).long()
