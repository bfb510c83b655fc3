"""Targets as weights: which class each row points at, checked before an array library can wrap the index."""

from __future__ import annotations

from . import arrays


def one_hot(targets, log_probs, weight, ignore_index):
    """(N, C) with weight[t] (1 without weight) at each target t and 0 elsewhere; rows of ignored targets are 0."""
    targets, like = getattr(targets, "array", targets), getattr(log_probs, "array", log_probs)
    xp = arrays.array_module(like)
    if like.ndim != 2 or targets.ndim != 1 or len(targets) != len(like):
        raise ValueError(f"nll: expected log_probs (N, C) and targets (N,), got {tuple(like.shape)} and {tuple(targets.shape)}")
    if targets.dtype.kind not in "iu":
        raise RuntimeError(f"nll: expected whole numbers as targets, got {targets.dtype}; use .long()")
    classes = like.shape[1]
    check_range(targets, classes, ignore_index)
    hit = xp.expand_dims(xp.where(targets == ignore_index, -1, targets), 1) == xp.arange(classes)
    one = xp.ones((), like.dtype) if weight is None else getattr(weight, "array", weight)
    return xp.where(hit, one, xp.zeros((), like.dtype))


def check_range(targets, classes, ignore_index):
    """IndexError for the first target outside 0 … classes-1."""
    wrong = ((targets < 0) | (targets >= classes)) & (targets != ignore_index)
    if wrong.any():
        raise IndexError(f"nll: target {int(targets[wrong][0])} is out of range: with {classes} classes, targets are 0 … {classes - 1}")
