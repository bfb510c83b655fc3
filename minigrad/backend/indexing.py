"""Whole numbers that point at places: are they in range, and targets as weights of classes."""

from __future__ import annotations

from . import arrays
from .cuda import library as cuda
from .cuda import range_checks

ONE_HOT = """long long t = targets[i / classes], c = i % classes;
hot = t == c && t != ignored ? {one} : T(0);
if (c == 0 && (t < 0 || t >= classes) && t != ignored && note[0] == 0) {{
    note[0] = message;
    note[1] = t;
}}"""


def one_hot_source(weighted):
    """The kernel of `one_hot` on a device: inputs, outputs, operation, name, preamble."""
    inputs = "raw S targets, raw T weight" if weighted else "raw S targets"
    operation = ONE_HOT.format(one="weight[c]" if weighted else "T(1)")
    name = "minigrad_weighted_one_hot" if weighted else "minigrad_one_hot"
    return (
        f"{inputs}, int64 classes, int64 ignored, int64 message",
        "T hot, raw int64 note",
        operation,
        name,
        "",
    )


def check_range(values, low, high, message, ignored=None):
    """IndexError(message.format(value)) for the first of `values` outside low … high-1 that is not `ignored`.

    Those that live on the device are checked there, and the error is raised at the host's next read.
    """
    if arrays.device_of(values) != "cpu":
        range_checks.check(values, low, high, message, ignored)
        return
    wrong = (values < low) | (values >= high)
    if ignored is not None:
        wrong &= values != ignored
    if wrong.any():
        raise IndexError(message.format(int(values[wrong][0])))


def one_hot(targets, log_probs, weight, ignore_index):
    """(N, C) with weight[t] (1 without weight) at each target t; elsewhere, and for ignored targets, 0."""
    targets, like, weight = [getattr(x, "array", x) for x in (targets, log_probs, weight)]
    if like.ndim != 2 or targets.ndim != 1 or len(targets) != len(like):
        shapes = f"{tuple(like.shape)} and {tuple(targets.shape)}"
        raise ValueError(f"nll: expected log_probs (N, C) and targets (N,), got {shapes}")
    if targets.dtype.kind not in "iu":
        raise RuntimeError(f"nll: expected whole numbers as targets, got {targets.dtype}; use .long()")
    if weight is not None:
        _check_weight(weight, like)
    classes, xp = like.shape[1], arrays.array_module(like)
    fit = f"with {classes} classes, targets are 0 … {classes - 1}"
    message = f"nll: target {{}} is out of range: {fit}"
    if arrays.device_of(like) != "cpu" and like.dtype in cuda.FUSED:
        return _one_hot_on_device(targets, like, weight, ignore_index, message)
    hit = targets[:, None] == xp.arange(classes)
    if arrays.device_of(like) != "cpu" or xp.count_nonzero(hit) != len(targets):  # a device does not let the host count without waiting
        check_range(targets, 0, classes, message, ignore_index)
    if 0 <= ignore_index < classes:
        hit &= (targets != ignore_index)[:, None]
    return xp.astype(hit, like.dtype) if weight is None else xp.where(hit, weight, xp.zeros((), like.dtype))


def _check_weight(weight, like):
    """The classes' weights are an option of the loss, so the engine does not see whether they fit."""
    if type(weight) is not type(like):
        devices = f"log_probs on {arrays.device_of(like)}, weight on {arrays.device_of(weight)}"
        raise arrays.DeviceMismatchError(f"nll: tensors on different devices: {devices}; bring them to one with .to(device)")
    if weight.dtype != like.dtype:
        raise RuntimeError(f"nll: expected weight of {like.dtype}, as log_probs, got {weight.dtype}; use .to(dtype)")


def _one_hot_on_device(targets, like, weight, ignore_index, message):
    hot = cuda.library().empty(like.shape, like.dtype)
    number, note = range_checks.place_for(message)
    kernel = cuda.kernel((one_hot, weight is None), lambda: one_hot_source(weight is not None))
    given = (targets,) if weight is None else (targets, weight)
    kernel(*given, like.shape[1], ignore_index, number, hot, note)
    return hot
