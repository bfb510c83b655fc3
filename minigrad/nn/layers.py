"""Layers: their parameters and options, and a call of the function that does the work."""

from __future__ import annotations

import math
from typing import Any, NoReturn, Self

from .._tensor import Tensor
from ..autograd import no_grad
from ..functions.arguments import sizes
from ..functions.creation import empty, ones, tensor, zeros
from . import functional as F
from . import init
from .errors import LayerError
from .functional.layers import PENALTIES
from .module import Module
from .parameter import Parameter


class Linear(Module):
    """A linear layer, y = x · weightᵀ + bias: x (…, in_features), weight (out_features, in_features), bias (out_features,).

    Weight and bias start uniform on ±1/√in_features, as PyTorch's do.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(empty((out_features, in_features), device=device, dtype=dtype))
        start = Parameter(empty(out_features, device=device, dtype=dtype)) if bias else None
        self.register_parameter("bias", start)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        bound = 1 / math.sqrt(self.in_features) if self.in_features else 0
        for param in self.parameters(recurse=False):
            init.uniform_(param, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """Return input · weightᵀ + bias."""
        weight = self.weight
        if isinstance(input, Tensor):
            x, w = input.array, weight.array
            if x.ndim == 0 or x.shape[-1] != w.shape[-1] or x.dtype != w.dtype:
                self._refuse(input, weight)
        return F.linear(input, weight, self.bias)

    def _refuse(self, input: Tensor, weight: Tensor) -> NoReturn:
        """Raise LayerError, which says how the input does not fit the weight."""
        if input.ndim == 0 or input.shape[-1] != weight.shape[-1]:
            got = input.shape[-1] if input.ndim else "a 0-d tensor"
            raise LayerError(self, f"expected in_features {weight.shape[-1]}, got {got}: the input has shape {tuple(input.shape)}, "
                                   f"the weight {tuple(weight.shape)}; reshape the input, e.g. with view(-1, {weight.shape[-1]}), "
                                   f"or build the layer as Linear({got if input.ndim else '…'}, {self.out_features})")
        other = f", or the network with .to(minigrad.{input.dtype})" if input.is_floating_point() else ""
        raise LayerError(self, f"expected an input of {weight.dtype}, the weight's dtype, got {input.dtype}; convert the input with "
                               f".to(minigrad.{weight.dtype}){other}")

    def extra_repr(self) -> str:
        """Return the sizes."""
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"


class Identity(Module):
    """The identity; it takes any arguments and ignores them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """Return the input."""
        return input


class Flatten(Module):
    """A layer that makes one axis of those from start_dim to end_dim."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Return flatten(input)."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Return the axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class L1Penalty(Module):
    """The identity; on the way back it adds weight · sign(x), the gradient of weight · Σ|x|.

    form="slide" adds weight · x instead, as a slide of the lecture on denoising autoencoders has it.
    """

    def __init__(self, weight: float, form: str = "sign") -> None:
        super().__init__()
        if form not in PENALTIES:
            raise ValueError(f"L1Penalty: expected a form among {', '.join(PENALTIES)}, got {form!r}")
        self.weight, self.form = weight, form

    def forward(self, input: Tensor) -> Tensor:
        """Return the input."""
        return F.l1_penalty(input, self.weight, self.form)

    def extra_repr(self) -> str:
        """Return the weight and, if it is not the default, the form."""
        return f"weight={self.weight}" + (f", form={self.form!r}" if self.form != "sign" else "")


class Unflatten(Module):
    """A layer that makes several axes of one: `unflattened_size` are their lengths, one of which may be -1."""

    def __init__(self, dim: int, unflattened_size: tuple[int, ...] | list[int]) -> None:
        super().__init__()
        if not isinstance(unflattened_size, tuple | list) or not all(isinstance(n, int) for n in unflattened_size):
            raise TypeError(f"unflattened_size must be a tuple of ints, but found {unflattened_size!r}")
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        """Return the input in the new shape."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """Return the axis and the lengths."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Dropout(Module):
    """In training mode each element is 0 with probability `p`, else multiplied by 1 / (1 - p); in evaluation mode the identity."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return dropout(input)."""
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"p={self.p}, inplace={self.inplace}"


class Normalization(Module):
    """Base of BatchNorm1d and LayerNorm: with `affine` a weight that starts as ones, and with `bias` a bias that starts as zeros."""

    def __init__(self, shape: Any, affine: bool, bias: bool, device: Any, dtype: Any) -> None:
        super().__init__()
        for name, start, there in (("weight", ones, affine), ("bias", zeros, affine and bias)):
            self.register_parameter(name, Parameter(start(shape, device=device, dtype=dtype)) if there else None)

    def reset_parameters(self) -> None:
        """Let weight and bias start again."""
        for param, value in ((self.weight, 1.0), (self.bias, 0.0)):
            if param is not None:
                init.constant_(param, value)


class BatchNorm1d(Normalization):
    """Normalisation of each of C channels to mean 0 and variance 1 over the batch, for (N, C) or (N, C, L); see `functional.batch_norm`.

    In evaluation mode the running mean and variance take the place of the batch's. With momentum=None they are the averages over all
    batches; without track_running_stats there are none.
    """

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
                 track_running_stats: bool = True, device: Any = None, dtype: Any = None, *, bias: bool = True) -> None:
        super().__init__(num_features, affine, bias, device, dtype)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        mean, variance = (start(num_features, device=device, dtype=dtype) for start in (zeros, ones))
        for name, start in (("running_mean", mean), ("running_var", variance), ("num_batches_tracked", tensor(0, device=device))):
            self.register_buffer(name, start if track_running_stats else None)

    def reset_running_stats(self) -> None:
        """Let the running mean and variance start again as 0 and 1."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Let all parameters and running statistics start again."""
        self.reset_running_stats()
        super().reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        """Return batch_norm(input)."""
        if input.ndim not in (2, 3):
            raise ValueError(f"expected 2D or 3D input (got {input.ndim}D input)")
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            momentum = 1 / self.num_batches_tracked.item() if self.momentum is None else momentum
        by_batch = self.training or (self.running_mean is None and self.running_var is None)
        used = not self.training or self.track_running_stats
        mean, variance = (self.running_mean, self.running_var) if used else (None, None)
        return F.batch_norm(input, mean, variance, self.weight, self.bias, by_batch, momentum, self.eps)

    def extra_repr(self) -> str:
        """Return the number of channels and the options."""
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, bias={self.bias is not None}, "
                f"track_running_stats={self.track_running_stats}")


class LayerNorm(Normalization):
    """Normalisation to mean 0 and variance 1 over the last axes, of lengths `normalized_shape`; see `functional.layer_norm`."""

    def __init__(self, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        shape = sizes((normalized_shape,))
        super().__init__(shape, elementwise_affine, bias, device, dtype)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine

    def forward(self, input: Tensor) -> Tensor:
        """Return layer_norm(input)."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the shape and the options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"


class Embedding(Module):
    """A table of vectors, weight (num_embeddings, embedding_dim), looked up by indices; see `functional.embedding`.

    The weight starts Gaussian with mean 0 and standard deviation 1, the row `padding_idx` as zeros.
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, max_norm: float | None = None,
                 norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False, _weight: Tensor | None = None,
                 _freeze: bool = False, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise AssertionError(f"Padding_idx must be within num_embeddings, {num_embeddings}; got {padding_idx}")
        shape = (num_embeddings, embedding_dim)
        self.num_embeddings, self.embedding_dim = shape
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse = max_norm, norm_type, scale_grad_by_freq, sparse
        self.weight = Parameter(empty(shape, device=device, dtype=dtype) if _weight is None else _weight, not _freeze)
        if _weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weight anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0

    def forward(self, input: Tensor) -> Tensor:
        """Return the rows of the weight at the indices `input`."""
        return F.embedding(input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse)

    def extra_repr(self) -> str:
        """Return the sizes, and the options that are not the defaults."""
        defaults = {"padding_idx": None, "max_norm": None, "norm_type": 2, "scale_grad_by_freq": False, "sparse": False}
        given = {name: getattr(self, name) for name, default in defaults.items() if getattr(self, name) != default}
        return ", ".join([f"{self.num_embeddings}, {self.embedding_dim}", *[f"{name}={value}" for name, value in given.items()]])

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None, max_norm: float | None = None,
                        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False) -> Self:
        """Return a layer on this weight of two axes, which with `freeze` is not trained."""
        if embeddings.ndim != 2:
            raise AssertionError(f"Embeddings parameter is expected to be 2-dimensional, got shape {tuple(embeddings.shape)}")
        rows, size = embeddings.shape
        return cls(rows, size, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)


class CosineSimilarity(Module):
    """The cosine of the angle between two tensors along `dim`; norms count as at least `eps`."""

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Return cosine_similarity(x1, x2)."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The norm of order `p` of x1 - x2 + eps along the last axis."""

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Return pairwise_distance(x1, x2)."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
