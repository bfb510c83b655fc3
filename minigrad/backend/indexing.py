"""Whole numbers that point at places: are they in range, and targets as weights of classes."""

from __future__ import annotations

from . import arrays, late


def check_range(values, low, high, message, ignored=None):
    """IndexError(message.format(value)) for the first of `values` outside low … high-1 that is not `ignored`.

    Those that live on the device are checked there, and the error is raised at the host's next read.
    """
    if arrays.device_of(values) != "cpu":
        late.check(values, low, high, message, ignored)
        return
    wrong = (values < low) | (values >= high)
    if ignored is not None:
        wrong &= values != ignored
    if wrong.any():
        raise IndexError(message.format(int(values[wrong][0])))


def one_hot(targets, log_probs, weight, ignore_index):
    """(N, C) with weight[t] (1 without weight) at each target t and 0 elsewhere; rows of ignored targets are 0."""
    targets, like = getattr(targets, "array", targets), getattr(log_probs, "array", log_probs)
    xp = arrays.array_module(like)
    if like.ndim != 2 or targets.ndim != 1 or len(targets) != len(like):
        raise ValueError(
            f"nll: expected log_probs (N, C) and targets (N,), got {tuple(like.shape)} and {tuple(targets.shape)}"
        )
    if targets.dtype.kind not in "iu":
        raise RuntimeError(f"nll: expected whole numbers as targets, got {targets.dtype}; use .long()")
    classes = like.shape[1]
    check_range(
        targets,
        0,
        classes,
        f"nll: target {{}} is out of range: with {classes} classes, targets are 0 … {classes - 1}",
        ignore_index,
    )
    hit = (xp.expand_dims(targets, 1) == xp.arange(classes)) & xp.expand_dims(targets != ignore_index, 1)
    one = xp.ones((), like.dtype) if weight is None else getattr(weight, "array", weight)
    return xp.where(hit, one, xp.zeros((), like.dtype))
