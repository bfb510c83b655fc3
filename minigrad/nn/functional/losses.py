"""Losses as functions, with PyTorch's names, arguments and defaults."""

from __future__ import annotations

import math
import warnings

from ... import ops
from ..._tensor import Tensor
from ...functions.arguments import check_input
from .checks import check_tensors


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
    check_tensors("cross_entropy", input=input, target=target)
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
    check_tensors(name, input=input, target=target)
    if input.shape != target.shape:
        hint = "; squeeze or unsqueeze one of them" if input.numel() == target.numel() else ""
        raise RuntimeError(f"{name}: input and target must have the same shape, got {tuple(input.shape)} and {tuple(target.shape)}: "
                           f"broadcasting them would compare every element with others than its own{hint}")


def _check_classes(name: str, input: Tensor, target: Tensor, weight: Tensor | None) -> None:
    """Raise unless `target` holds a class for each item of `input`, and `weight`, if given, a number for each class."""
    check_tensors(name, input=input, target=target)
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
