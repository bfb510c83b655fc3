"""Layers and losses as functions, with PyTorch's names, arguments and defaults."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from .. import ops
from .._tensor import Tensor
from ..functions.arguments import check_input
from ..functions.elementwise import sigmoid, tanh

__all__ = ["cross_entropy", "l1_loss", "l1_penalty", "linear", "log_softmax", "mse_loss", "nll_loss", "relu", "sigmoid", "softmax", "tanh"]


def _tensors(name: str, **arguments: Any) -> None:
    """Raise TypeError if an argument is no tensor, as an operation on raw arrays alone would return a raw array."""
    for argument, value in arguments.items():
        if not isinstance(value, Tensor):
            check_input(value, name, argument)


# ---- layers


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return the output of a layer, (…, out), for input (…, in), weight (out, in) and bias (out,).

    y = input weightᵀ + bias,  dL/dinput = g weight,  dL/dweight = gᵀ input,  dL/dbias = Σ g over the rows
    """
    _tensors("linear", input=input, weight=weight)
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


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return each element, or 0 where it is negative; `inplace` writes it into `input`. The derivative at 0 is 0.

    y = max(input, 0),  dL/dinput = g where y > 0, else 0
    """
    _tensors("relu", input=input)
    return input.relu_() if inplace else ops.relu(input)


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Return positive numbers that sum to 1 along `dim`, after conversion to `dtype` if there is one.

    y = e^input / Σ e^input along `dim`,  dL/dinput = y (g - Σ g y)
    """
    _tensors("softmax", input=input)
    return input.softmax(_dim("softmax", input, dim, _stacklevel), dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Return the logarithm of the softmax along `dim`, after conversion to `dtype` if there is one.

    y = input - log Σ e^input along `dim`,  dL/dinput = g - e^y Σ g
    """
    _tensors("log_softmax", input=input)
    return input.log_softmax(_dim("log_softmax", input, dim, _stacklevel), dtype)


def _dim(name: str, input: Tensor, dim: int | None, stacklevel: int) -> int:
    """Return `dim`; if it is None, warn, and return the axis that PyTorch chooses."""
    if dim is not None:
        return dim
    warnings.warn(f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
                  stacklevel=stacklevel)
    return 0 if input.ndim in (0, 1, 3) else 1


def l1_penalty(input: Tensor, weight: float, form: str = "sign") -> Tensor:
    """Return `input`; on the way back add weight · sign(input), the gradient of weight · Σ|input|, to its gradient.

    form="slide" adds weight · input instead, as a slide of the lecture on denoising autoencoders has it.

    y = input,  dL/dinput = g + weight · sign(input), with form="slide" g + weight · input
    """
    _tensors("l1_penalty", input=input)
    if form not in PENALTIES:
        raise ValueError(f"l1_penalty: expected a form among {', '.join(PENALTIES)}, got {form!r}")
    return PENALTIES[form](input, weight=weight)


PENALTIES = {"sign": ops.l1_penalty, "slide": ops.l1_penalty_slide}


# ---- losses


def reduction_of(size_average: bool | None, reduce: bool | None, reduction: str, name: str) -> str:
    """Return 'mean', 'sum' or 'none'. If one of the two old arguments is given, it decides, and PyTorch's warning is given."""
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        warnings.warn(f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.", stacklevel=4)
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{name}: {reduction} is not a valid reduction; use 'mean', 'sum' or 'none'")
    return reduction


def mse_loss(input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
             reduction: str = "mean") -> Tensor:
    """Return the squared differences, averaged, summed, or element by element. Both must have one shape: nothing is broadcast.

    y = Σ (input - target)² / n,  dL/dinput = 2 g (input - target) / n,  dL/dtarget = 2 g (target - input) / n

    The sum is over all n elements; without averaging n counts as 1.
    """
    reduction = reduction_of(size_average, reduce, reduction, "mse_loss")
    _same_shape("mse_loss", input, target)
    if input.array.dtype.kind != "f" and target.array.dtype.kind != "f":
        raise NotImplementedError(f"mse_loss: expected floating-point tensors, got {input.dtype} and {target.dtype}; use .float()")
    if reduction == "mean":
        return ops.mse(input, target)
    return _reduced(ops.square(input - target), reduction)


def l1_loss(input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
            reduction: str = "mean") -> Tensor:
    """Return the absolute differences, averaged, summed, or element by element. Both must have one shape: nothing is broadcast.

    y = Σ |input - target| / n,  dL/dinput = g sign(input - target) / n,  dL/dtarget = g sign(target - input) / n

    It is made of `sub`, `abs` and `mean`. The sum is over all n elements; without averaging n counts as 1.
    """
    reduction = reduction_of(size_average, reduce, reduction, "l1_loss")
    _same_shape("l1_loss", input, target)
    return _reduced(ops.absolute(input - target), reduction)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return -input[i, target[i]], averaged, summed, or for each i.

    input:        log-probabilities (N, C), (N, C, d1, …) or (C,).
    target:       classes (N,), (N, d1, …) or ().
    weight:       one factor for each class; the mean is then a weighted mean.
    ignore_index: targets of this value do not count.

    y = -Σ w_i input[i, target[i]] / Σ w_i,  dL/dinput = -g w_i / Σ w_i at [i, target[i]], else 0,  no gradient for target

    w_i is weight[target[i]], or 1 without weight; without averaging Σ w_i counts as 1.
    """
    reduction = reduction_of(size_average, reduce, reduction, "nll_loss")
    _check_classes("nll_loss", input, target, weight)
    rows, classes = _rows(input), target if target.ndim == 1 else target.reshape(-1)
    if reduction == "mean":
        return ops.nll(rows, classes, weight=weight, ignore_index=ignore_index)
    losses = ops.nll_each(rows, classes, weight=weight, ignore_index=ignore_index)
    return _reduced(losses.reshape(target.shape), reduction)


def _rows(input: Tensor) -> Tensor:
    """Return (N, C, d1, …) or (C,) as rows of C."""
    if input.ndim == 2:
        return input
    if input.ndim == 1:
        return input.reshape(1, -1)
    last = input.permute(0, *range(2, input.ndim), 1)
    return last.reshape(math.prod(last.shape[:-1]), last.shape[-1])


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return nll_loss(log_softmax(input), target) for logits; `target` may also hold a probability for each class.

    label_smoothing: the share of every target that is spread evenly over all C classes.

    y = -Σ_i log p[i, target[i]] / N,  dL/dinput = g (p - t) / N for p = softmax(input),  no gradient for target

    t is 1 at each target, else 0. That holds for N targets without weights; it is made of `log_softmax` and `nll_loss`. Probabilities as
    targets have a gradient too: y = -Σ target · log p / N, which is made of `log_softmax`, `mul` and `sum`.
    """
    reduction = reduction_of(size_average, reduce, reduction, "cross_entropy")
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    _tensors("cross_entropy", input=input, target=target)
    log_probs = ops.log_softmax(input, axis=min(1, input.ndim - 1))
    if target.dtype.kind == "f" and target.ndim == input.ndim:
        return _soft_cross_entropy(log_probs, target, weight, reduction, label_smoothing)
    loss = nll_loss(log_probs, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return loss
    even = _even_loss(log_probs, target, weight, ignore_index, reduction)
    return loss * (1 - label_smoothing) + even * label_smoothing


def _soft_cross_entropy(log_probs: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float) -> Tensor:
    """Return -Σ target · log_probs over the classes."""
    _same_shape("cross_entropy", log_probs, target)
    axis = min(1, log_probs.ndim - 1)
    count = log_probs.shape[axis]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / count
    losses = -(_weighted(log_probs, weight, axis) * target).sum(axis)
    return _reduced(losses, reduction)


def _even_loss(log_probs: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str) -> Tensor:
    """Return the loss against equal probabilities for all classes, over the targets that count."""
    axis = min(1, log_probs.ndim - 1)
    kept = ops.not_equal(target.long(), ignore_index)
    losses = ops.where(kept, -_weighted(log_probs, weight, axis).mean(axis), 0)
    if reduction != "mean":
        return _reduced(losses, reduction)
    counted = ops.astype(kept, log_probs.dtype)
    if weight is not None:
        counted = counted * weight[ops.where(kept, target, 0)]
    return losses.sum() / counted.sum()


def _weighted(log_probs: Tensor, weight: Tensor | None, axis: int) -> Tensor:
    """Return the log-probabilities times the weights of their classes, which are along `axis`."""
    if weight is None:
        return log_probs
    return log_probs * weight.reshape(-1, *[1] * (log_probs.ndim - 1 - axis))


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    """Return the mean or the sum of the losses, or for 'none' the losses."""
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def _same_shape(name: str, input: Tensor, target: Tensor) -> None:
    """Raise unless input and target are tensors of one shape."""
    _tensors(name, input=input, target=target)
    if input.shape != target.shape:
        hint = "; squeeze or unsqueeze one of them" if input.numel() == target.numel() else ""
        raise RuntimeError(f"{name}: input and target must have the same shape, got {tuple(input.shape)} and {tuple(target.shape)}: "
                           f"broadcasting them would compare every element with others than its own{hint}")


def _check_classes(name: str, input: Tensor, target: Tensor, weight: Tensor | None) -> None:
    """Raise unless `target` holds a class for each item of `input`, and `weight`, if given, a number for each class."""
    _tensors(name, input=input, target=target)
    axis = min(1, input.ndim - 1)
    wanted = tuple(n for i, n in enumerate(input.shape) if i != axis)
    if input.ndim == 0 or tuple(target.shape) != wanted:
        raise ValueError(f"{name}: for an input of shape {tuple(input.shape)} the target must have shape {wanted}, "
                         f"one class for each item; got {tuple(target.shape)}")
    if input.dtype.kind != "f":
        raise NotImplementedError(f"{name}: expected floating-point log-probabilities, got {input.dtype}; use .float()")
    if target.dtype.kind not in "iu":
        raise RuntimeError(f"{name}: the target must hold integers, got {target.dtype}; use target.long()")
    if weight is not None and tuple(check_input(weight, name, "weight").shape) != (input.shape[axis],):
        raise RuntimeError(f"{name}: weight must have one element for each of the {input.shape[axis]} classes, "
                           f"got shape {tuple(weight.shape)}")


if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Raise the error that tells the nearest names."""
        from ..unknown_names import unknown

        raise unknown(__name__, name)
