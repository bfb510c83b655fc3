"""Layers as functions: `linear`, dropout, normalisations, embeddings, distances, and the penalty that a layer adds to the gradient."""

from __future__ import annotations

from typing import Any

from ... import backend, ops
from ..._tensor import Tensor
from ...autograd import no_grad
from ...functions.arguments import check_axes, check_input, sizes
from ...functions.creation import arange
from ...functions.random import rand
from ...printing import Size
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

    num_classes=-1 stands for the largest class plus 1. Raise RuntimeError for a class below 0 or of at least num_classes.
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


# ---- dropout


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Return the input with each element set to 0 with probability `p` and multiplied by 1 / (1 - p) otherwise; unchanged if not training.

    y = input · mask,  dL/dinput = g · mask

    The mask is drawn from the default generator; `inplace` writes the result into `input`.
    """
    check_tensors("dropout", input=input)
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    if not input.is_floating_point():
        raise RuntimeError(f"dropout: expected a floating-point tensor, got {input.dtype}; use .float()")
    kept = ops.greater_equal(rand(size=input.shape, dtype=backend.float32, device=input.device), p)
    mask = ops.astype(kept, input.dtype) * (1 / (1 - p) if p < 1 else 0.0)
    return input.mul_(mask) if inplace else input * mask


# ---- normalisations


def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
               bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5) -> Tensor:
    """Return each channel of (N, C, …) with mean 0 and variance 1, then times `weight` plus `bias`, which are (C,) like the statistics.

    training: take the mean and the variance of the batch, over all axes but the channels', and move the running ones towards them by
              `momentum`. Raise ValueError if a channel has one value only. Otherwise take the running mean and variance.

    y = weight · n + bias for n = (input - mean) / s and s = √(var + eps),
    dL/dinput = weight (g - mean of g - n · mean of g n) / s, without training weight · g / s,
    dL/dweight = Σ g n,  dL/dbias = Σ g,  no gradient for running_mean,  no gradient for running_var
    """
    check_axes("batch_norm", 2, input, or_more=True)
    channels = input.shape[1]
    _check_parts("batch_norm", input, (channels,), running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    axes, shape = (0, *range(2, input.ndim)), (channels, *[1] * (input.ndim - 2))
    count = input.shape.numel() // max(channels, 1)
    x = input.float() if backend.is_half([input.array]) else input
    if training:
        if count == 1:
            raise ValueError(f"Expected more than 1 value per channel when training, got input size {Size(input.shape)}")
        with no_grad():
            for running, statistic in ((running_mean, ops.mean), (running_var, ops.var)):
                if running is not None and count:
                    running.mul_(1 - momentum).add_(statistic(x, axis=axes), alpha=momentum)
        return _affine(ops.standardize(x, axis=axes, eps=eps), weight, bias, shape).to(input.dtype)
    if running_mean is None or running_var is None:
        raise RuntimeError("batch_norm: expected running_mean and running_var, which are used where training is False")
    with no_grad():
        scale = 1 / ops.sqrt(running_var + eps)
        shift = -running_mean * scale
    scale, shift = (scale, shift) if weight is None else (scale * weight, shift * weight)
    return _affine(x, scale, shift if bias is None else shift + bias, shape).to(input.dtype)


def layer_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None,
               eps: float = 1e-5) -> Tensor:
    """Return the input with mean 0 and variance 1 over its last axes, which have the lengths `normalized_shape`.

    weight, bias: of that shape; the result is multiplied by the one, then the other is added.

    y = weight · n + bias for n = (input - mean) / s and s = √(var + eps),
    dL/dinput = (h - mean of h - n · mean of h n) / s for h = g weight,  dL/dweight = Σ g n,  dL/dbias = Σ g
    """
    shape = sizes((normalized_shape,))
    if not shape or tuple(check_input(input, "layer_norm").shape[-len(shape):]) != shape:
        raise RuntimeError(f"layer_norm: given normalized_shape={list(shape)}, expected an input whose last axes have these lengths, "
                           f"at least one; got shape {tuple(input.shape)}")
    _check_parts("layer_norm", input, shape, weight=weight, bias=bias)
    x = input.float() if backend.is_half([input.array]) else input
    return _affine(ops.standardize(x, axis=tuple(range(-len(shape), 0)), eps=eps), weight, bias, shape).to(input.dtype)


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[Any, ...]) -> Tensor:
    """Return weight · x + bias for a weight and a bias that are seen in the shape `shape`, if they are there."""
    weight, bias = (part if part is None or part.ndim == len(shape) else part.reshape(shape) for part in (weight, bias))
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _check_parts(name: str, input: Tensor, shape: tuple[Any, ...], **parts: Tensor | None) -> None:
    """Raise unless the parts of a normalisation have the shape `shape` and the dtype of `input`; beside float16 they may be wider."""
    if not input.is_floating_point():
        raise NotImplementedError(f"{name}: expected a floating-point input, got {input.dtype}; use .float()")
    for key, part in parts.items():
        if part is not None and (tuple(part.shape) != shape or (part.dtype != input.dtype and not backend.is_half([input.array]))):
            raise RuntimeError(f"{name}: for an input of shape {tuple(input.shape)} and {input.dtype}, {key} should have shape {shape} and "
                               f"the same dtype, got {tuple(part.shape)} and {part.dtype}; a layer is converted with .to(dtype)")


# ---- embeddings


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None, norm_type: float = 2.0,
              scale_grad_by_freq: bool = False, sparse: bool = False) -> Tensor:
    """Return the rows of `weight` (V, D) at the indices `input`: (*, D) for an input (*).

    padding_idx:        the row of this index gets no gradient.
    max_norm:           first shrink, in place, each row that is used to at most this norm of order `norm_type`.
    scale_grad_by_freq: True is a NotImplementedError.
    sparse:             is accepted; the gradient is never sparse.

    y = weight[input],  dL/dweight = zeros with g added at [input],  no gradient for input

    An index outside 0 … V-1 is an IndexError that names it.
    """
    check_tensors("embedding", input=input, weight=weight)
    if scale_grad_by_freq:
        raise NotImplementedError("embedding: scale_grad_by_freq=True is not supported; divide weight.grad by how often each row is used, "
                                  "which bincount(input.flatten()) returns")
    if input.dtype not in (backend.int64, backend.int32) or weight.ndim != 2:
        raise RuntimeError(f"embedding: expected indices of int64 or int32 and a weight of two axes, got {input.dtype} and shape "
                           f"{tuple(weight.shape)}; use input.long()")
    count = weight.shape[0]
    backend.check_range(input.array, 0, count, f"embedding: index {{}} is out of range: there are {count} rows, 0 … {count - 1}")
    if max_norm is not None:
        with no_grad():
            rows = weight[input]
            norms = rows.norm(norm_type, -1, keepdim=True)
            weight[input] = ops.where(ops.greater(norms, max_norm), rows * (max_norm / (norms + 1e-7)), rows)
    rows = weight[input]
    if padding_idx is None:
        return rows
    if not -count <= padding_idx < count:
        raise AssertionError(f"embedding: padding_idx must be within the {count} rows, got {padding_idx}")
    return ops.where(ops.equal(input, padding_idx % count).unsqueeze(-1), rows.detach(), rows)


# ---- distances


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Return the input divided by its norm of order `p` along `dim`, or by `eps` where that is larger.

    y = input / ‖input‖,  dL/dinput = (g - y Σ g y) / ‖input‖ for p = 2
    """
    return input / check_input(input, "normalize").norm(p, dim, keepdim=True).clamp(min=eps)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return the cosine of the angle between two tensors along `dim`; norms count as at least `eps`.

    y = Σ x1 x2 / (‖x1‖ ‖x2‖),  dL/dx1 = g (x2 / ‖x2‖ - y x1 / ‖x1‖) / ‖x1‖,  dL/dx2 = g (x1 / ‖x1‖ - y x2 / ‖x2‖) / ‖x2‖
    """
    check_tensors("cosine_similarity", x1=x1, x2=x2)
    try:
        shape = backend.array_module(None).broadcast_shapes(x1.shape, x2.shape)
    except ValueError as error:
        raise RuntimeError(f"cosine_similarity: shapes {tuple(x1.shape)} and {tuple(x2.shape)} do not broadcast to one") from error
    x1, x2 = (x.expand(*shape) for x in (x1, x2))
    units = [x / at_least(x.norm(2, dim, keepdim=True), eps) for x in (x1, x2)]
    return (units[0] * units[1]).sum(dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """Return the norm of order `p` of x1 - x2 + eps along the last axis.

    y = ‖x1 - x2 + eps‖,  dL/dx1 = g (x1 - x2 + eps) / y,  dL/dx2 = -g (x1 - x2 + eps) / y

    The derivatives are those of p = 2.
    """
    check_tensors("pairwise_distance", x1=x1, x2=x2)
    return (x1 - x2 + eps).norm(p, -1, keepdim)


def at_least(x: Tensor, bound: float) -> Tensor:
    """Return max(x, bound) with the gradient of x itself, as PyTorch limits some divisors."""
    limited = x.clone()
    with no_grad():
        return limited.clamp_(min=bound)
