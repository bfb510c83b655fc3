"""Class targets as one-hot weights, by which a loss multiplies log-probabilities."""

from __future__ import annotations

from . import arrays, cuda
from .cuda.range_checks import place_for
from .index_range import check_range

ONE_HOT = """long long t = targets[i / classes], c = i % classes;
hot = t == c && t != ignored ? {one} : T(0);
if (c == 0 && (t < 0 || t >= classes) && t != ignored && note[0] == 0) {{
    note[0] = message;
    note[1] = t;
}}"""


def one_hot_source(weighted):
    """Return the kernel of `one_hot` on a device: inputs, outputs, operation, name, preamble."""
    inputs = "raw S targets, raw T weight" if weighted else "raw S targets"
    operation = ONE_HOT.format(one="weight[c]" if weighted else "T(1)")
    name = "minigrad_weighted_one_hot" if weighted else "minigrad_one_hot"
    return f"{inputs}, int64 classes, int64 ignored, int64 message", "T hot, raw int64 note", operation, name, ""


def one_hot(targets, log_probs, weight, ignore_index):
    """Return an (N, C) array with weight[t] (1 without a weight) in the column of each target t, and 0 elsewhere and for ignored targets.

    A target out of range raises IndexError, on a device at the host's next read.
    """
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
    if arrays.device_of(like) != "cpu" or xp.count_nonzero(hit) != len(targets):  # on a device, counting would make the host wait
        check_range(targets, 0, classes, message, ignore_index)
    if 0 <= ignore_index < classes:
        hit &= (targets != ignore_index)[:, None]
    return xp.astype(hit, like.dtype) if weight is None else xp.where(hit, weight, xp.zeros((), like.dtype))


def _check_weight(weight, like):
    """Raise an error if the classes' weights do not fit: they are an option of the loss, and the engine checks operands only."""
    if type(weight) is not type(like):
        devices = f"log_probs on {arrays.device_of(like)}, weight on {arrays.device_of(weight)}"
        raise arrays.DeviceMismatchError(f"nll: tensors on different devices: {devices}; bring them to one with .to(device)")
    if weight.dtype != like.dtype:
        raise RuntimeError(f"nll: expected weight of {like.dtype}, as log_probs, got {weight.dtype}; use .to(dtype)")


def _one_hot_on_device(targets, like, weight, ignore_index, message):
    hot = cuda.library().empty(like.shape, like.dtype)
    number, note = place_for(message)
    kernel = cuda.kernel((one_hot, weight is None), lambda: one_hot_source(weight is not None))
    given = (targets,) if weight is None else (targets, weight)
    kernel(*given, like.shape[1], ignore_index, number, hot, note)
    return hot
