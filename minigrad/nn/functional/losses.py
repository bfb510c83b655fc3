"""Losses as functions, with PyTorch's names, arguments and defaults."""

from __future__ import annotations

import math
import warnings
from typing import TypeAlias

from ... import ops
from ..._tensor import Tensor
from ...functions.arguments import check_input
from .checks import check_tensors

Flag: TypeAlias = bool | None  # of PyTorch's two old arguments, which `reduction` replaces


def reduction_of(size_average: Flag, reduce: Flag, reduction: str, name: str) -> str:
    """Return 'mean', 'sum' or 'none', for kl_div also 'batchmean'. An old argument, if given, decides, with PyTorch's warning."""
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        warnings.warn(f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.", stacklevel=4)
    if reduction not in ("mean", "sum", "none") and (reduction != "batchmean" or name not in ("kl_div", "KLDivLoss")):
        raise ValueError(f"{name}: {reduction} is not a valid reduction; use 'mean', 'sum' or 'none'")
    return reduction


def mse_loss(input: Tensor, target: Tensor, size_average: Flag = None, reduce: Flag = None, reduction: str = "mean") -> Tensor:
    """Return the squared differences, averaged, summed, or element by element. Both must have one shape: nothing is broadcast.

    y = Σ (input - target)² / n,  dL/dinput = 2 g (input - target) / n,  dL/dtarget = 2 g (target - input) / n

    The sum is over all n elements; without averaging n counts as 1.
    """
    reduction = checked("mse_loss", input, target, size_average, reduce, reduction)
    if input.array.dtype.kind != "f" and target.array.dtype.kind != "f":
        raise NotImplementedError(f"mse_loss: expected floating-point tensors, got {input.dtype} and {target.dtype}; use .float()")
    if reduction == "mean":
        return ops.mse(input, target)
    return reduced(ops.square(input - target), reduction)


def l1_loss(input: Tensor, target: Tensor, size_average: Flag = None, reduce: Flag = None, reduction: str = "mean") -> Tensor:
    """Return the absolute differences, averaged, summed, or element by element. Both must have one shape: nothing is broadcast.

    y = Σ |input - target| / n,  dL/dinput = g sign(input - target) / n,  dL/dtarget = g sign(target - input) / n

    It is made of `sub`, `abs` and `mean`. The sum is over all n elements; without averaging n counts as 1.
    """
    reduction = checked("l1_loss", input, target, size_average, reduce, reduction)
    return reduced(ops.absolute(input - target), reduction)


def nll_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Flag = None, ignore_index: int = -100,
             reduce: Flag = None, reduction: str = "mean") -> Tensor:
    """Return -input[i, target[i]], averaged, summed, or for each i.

    input:        log-probabilities (N, C), (N, C, d1, …) or (C,).
    target:       classes (N,), (N, d1, …) or ().
    weight:       one factor for each class; the mean is then a weighted mean.
    ignore_index: targets of this value do not count.

    y = -Σ w_i input[i, target[i]] / Σ w_i,  dL/dinput = -g w_i / Σ w_i at [i, target[i]], else 0,  no gradient for target

    w_i is weight[target[i]], or 1 without weight; without averaging Σ w_i counts as 1.
    """
    reduction = reduction_of(size_average, reduce, reduction, "nll_loss")
    check_classes("nll_loss", input, target, weight)
    rows, classes = _rows(input), target if target.ndim == 1 else target.reshape(-1)
    if reduction == "mean":
        return ops.nll(rows, classes, weight=weight, ignore_index=ignore_index)
    losses = ops.nll_each(rows, classes, weight=weight, ignore_index=ignore_index)
    return reduced(losses.reshape(target.shape), reduction)


def _rows(input: Tensor) -> Tensor:
    """Return (N, C, d1, …) or (C,) as rows of C."""
    if input.ndim == 2:
        return input
    if input.ndim == 1:
        return input.reshape(1, -1)
    last = input.permute(0, *range(2, input.ndim), 1)
    return last.reshape(math.prod(last.shape[:-1]), last.shape[-1])


def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Flag = None, ignore_index: int = -100,
                  reduce: Flag = None, reduction: str = "mean", label_smoothing: float = 0.0) -> Tensor:
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
    return reduced(losses, reduction)


def _even_loss(log_probs: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str) -> Tensor:
    """Return the loss against equal probabilities for all classes, over the targets that count."""
    axis = min(1, log_probs.ndim - 1)
    kept = ops.not_equal(target.long(), ignore_index)
    losses = ops.where(kept, -_weighted(log_probs, weight, axis).mean(axis), 0)
    if reduction != "mean":
        return reduced(losses, reduction)
    counted = ops.astype(kept, log_probs.dtype)
    if weight is not None:
        counted = counted * weight[ops.where(kept, target, 0)]
    return losses.sum() / counted.sum()


def _weighted(log_probs: Tensor, weight: Tensor | None, axis: int) -> Tensor:
    """Return the log-probabilities times the weights of their classes, which are along `axis`."""
    if weight is None:
        return log_probs
    return log_probs * weight.reshape(-1, *[1] * (log_probs.ndim - 1 - axis))


# ---- made of binary cross-entropies


def binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Flag = None, reduce: Flag = None,
                         reduction: str = "mean") -> Tensor:
    """Return the cross-entropy of probabilities and targets, both in [0, 1] and of one shape, averaged, summed, or element by element.

    weight: a factor for each loss, which broadcasts.

    y = Σ w (-target log input - (1 - target) log(1 - input)) / n,  dL/dinput = g w (input - target) / (input (1 - input)) / n,
    dL/dtarget = g w (log(1 - input) - log input) / n

    Logarithms count as at least -100. Without averaging n counts as 1.

    Raise RuntimeError for an element outside [0, 1], and for two dtypes.
    """
    reduction = checked("binary_cross_entropy", input, target, size_average, reduce, reduction)
    for name, x in (("input", input), ("target", target)):
        if x.dtype != input.dtype or not bool(((x >= 0) & (x <= 1)).all()):
            raise RuntimeError(f"binary_cross_entropy: all elements of {name} should be between 0 and 1, and of the input's {input.dtype}; "
                               f"got {name} of {x.dtype}; use a sigmoid, or binary_cross_entropy_with_logits, and .to(dtype)")
    return reduced(times("binary_cross_entropy", ops.bce(input, target), weight), reduction)


def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: Flag = None,
                                     reduce: Flag = None, reduction: str = "mean", pos_weight: Tensor | None = None) -> Tensor:
    """Return binary_cross_entropy(sigmoid(input), target), computed so that nothing overflows.

    weight:     a factor for each loss, which broadcasts.
    pos_weight: a factor for target in each loss, e.g. one for each class.

    y = Σ w ((1 - target) input + log(1 + e^-input)) / n,  dL/dinput = g w (sigmoid(input) - target) / n,  dL/dtarget = -g w input / n,
    dL/dpos_weight = g w target log(1 + e^-input) / n

    Without averaging n counts as 1. The formula holds without pos_weight.
    """
    name = "binary_cross_entropy_with_logits"
    reduction = checked(name, input, target, size_average, reduce, reduction)
    if target.dtype.kind != "f":
        raise RuntimeError(f"{name}: expected targets of {input.dtype}, got {target.dtype}; use target.float()")
    if pos_weight is None:
        losses = ops.bce_logits(input, target)
    else:
        losses = (1 - target) * ops.bce_logits(input, 0.0) + times(name, target, pos_weight) * ops.bce_logits(input, 1.0)
    return reduced(times(name, losses, weight), reduction)


# ---- of differences


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """Return d² / 2 of each difference d up to `delta`, else delta (|d| - delta / 2), averaged, summed, or element by element.

    y = Σ c (d - c / 2) / n for d = input - target and c = d limited to ±delta,  dL/dinput = g c / n,  dL/dtarget = -g c / n
    """
    reduction = checked("huber_loss", input, target, None, None, reduction)
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta; got {delta}")
    return reduced(_huber(input - target, delta), reduction)


def smooth_l1_loss(input: Tensor, target: Tensor, size_average: Flag = None, reduce: Flag = None, reduction: str = "mean",
                   beta: float = 1.0) -> Tensor:
    """Return huber_loss(input, target, delta=beta) / beta, which for beta = 0 is the l1_loss.

    y = Σ c (d - c / 2) / (n beta) for d = input - target and c = d limited to ±beta,  dL/dinput = g c / (n beta),
    dL/dtarget = -g c / (n beta)
    """
    reduction = checked("smooth_l1_loss", input, target, size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta; got {beta}")
    difference = input - target
    return reduced(_huber(difference, beta) / beta if beta else ops.absolute(difference), reduction)


def _huber(difference: Tensor, delta: float) -> Tensor:
    """Return c (d - c / 2) for c = d limited to ±delta."""
    limited = ops.clip(difference, -delta, delta)
    return limited * (difference - limited / 2)


# ---- of distributions


def kl_div(input: Tensor, target: Tensor, size_average: Flag = None, reduce: Flag = None, reduction: str = "mean",
           log_target: bool = False) -> Tensor:
    """Return the terms of the divergence of a distribution `target` from log-probabilities `input`, of one shape.

    reduction:  'batchmean' divides the sum by the length of the first axis, as the divergence is defined; 'mean' by all n elements.
    log_target: whether `target` holds logarithms too.

    y = Σ target (log target - input) / n,  dL/dinput = -g target / n,  dL/dtarget = g (1 + log target - input) / n

    The term of a target of 0 is 0. Without averaging n counts as 1.
    """
    reduction = checked("kl_div", input, target, size_average, reduce, reduction)
    if log_target:
        losses = ops.exp(target) * (target - input)
    else:
        losses = target * ops.log(ops.where(ops.equal(target, 0), 1, target)) - target * input
    if reduction == "batchmean":
        return losses.sum() / input.shape[0] if input.ndim else losses.sum()
    return reduced(losses, reduction)


# ---- what they share


def checked(name: str, input: Tensor, target: Tensor, size_average: Flag, reduce: Flag, reduction: str) -> str:
    """Return the reduction, after a check that input and target are tensors of one shape."""
    _same_shape(name, input, target)
    return reduction_of(size_average, reduce, reduction, name)


def times(name: str, x: Tensor, factor: Tensor | None) -> Tensor:
    """Return x times a factor, if there is one, that broadcasts to the shape of x; raise RuntimeError if it would stretch x."""
    if factor is None:
        return x
    product = x * factor
    if product.shape != x.shape:
        raise RuntimeError(f"{name}: a factor of shape {tuple(factor.shape)} does not broadcast to the losses of shape {tuple(x.shape)}")
    return product


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """Return the mean or the sum of the losses, or for 'none' the losses."""
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def _same_shape(name: str, input: Tensor, target: Tensor) -> None:
    """Raise unless input and target are tensors of one shape."""
    check_tensors(name, input=input, target=target)
    if input.shape != target.shape:
        hint = "; squeeze or unsqueeze one of them" if input.numel() == target.numel() else ""
        raise RuntimeError(f"{name}: input and target must have the same shape, got {tuple(input.shape)} and {tuple(target.shape)}: "
                           f"broadcasting them would compare every element with others than its own{hint}")


def check_classes(name: str, input: Tensor, target: Tensor, weight: Tensor | None) -> None:
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
