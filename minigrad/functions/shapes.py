"""Changes of shape and order, and joined tensors. A result is a view where that is possible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .. import backend, ops
from ..autograd import sharing
from ..printing import Size
from .arguments import axis_of, check_axes, check_input, fill_shape, sizes, takes_axis
from .types import Dim, Tensor

__all__ = ["broadcast_to", "cat", "flatten", "hstack", "movedim", "numel", "permute", "ravel", "reshape", "squeeze", "stack", "t",
           "transpose", "unflatten", "unsqueeze", "vstack"]


def numel(input: Tensor) -> int:
    """Return the number of elements."""
    return int(check_input(input, "numel").array.size)


def reshape(input: Tensor, *lengths: Any, shape: Any = None) -> Tensor:
    """Return the same elements in another shape, of which one length may be -1; a view where possible.

    y = input in the shape `shape`,  dL/dinput = g in the shape of input
    """
    return ops.reshape(check_input(input, "reshape"), fill_shape(input, sizes(lengths, shape), "reshape"))


def view(self: Tensor, *shape: Any, size: Any = None) -> Tensor:
    """Return the same memory in another shape, of which one length may be -1. Raise RuntimeError where that takes a copy.

    y = self in the shape `shape`,  dL/dself = g in the shape of self
    """
    shape = fill_shape(self, sizes(shape, size), "view")
    out = ops.reshape(self, shape)
    if self.array.size and backend.root(out.array) is not backend.root(self.array):
        if self.array.base is None and sharing.is_free(self):  # a result that PyTorch may have put row by row
            self.array = backend.copy(self.array, order="C")
            return ops.reshape(self, shape)
        raise RuntimeError(f"view: shape {tuple(self.array.shape)} with strides {self.array.strides} cannot be seen as {shape} "
                           "without a copy; use .reshape(…)")
    return out


def view_as(self: Tensor, other: Tensor) -> Tensor:
    """Return the `view` of self in the shape of another tensor.

    y = self in the shape of other,  dL/dself = g in the shape of self,  no gradient for other
    """
    return view(self, check_input(other, "view_as", "other").shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return the tensor with the axes from start_dim to end_dim as one.

    y = input with fewer axes,  dL/dinput = g in the shape of input
    """
    n, shape = check_input(input, "flatten").array.ndim, input.array.shape
    first, last = axis_of(start_dim, n), axis_of(end_dim, n)
    if n == 0:
        return input.reshape(1)
    if first > last:
        raise RuntimeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    if first == last:
        return input
    return input.reshape(*shape[:first], Size(shape[first:last + 1]).numel(), *shape[last + 1:])


def squeeze(input: Tensor, dim: Dim = None) -> Tensor:
    """Return the tensor without the axes of length 1, or without those of `dim` that have length 1.

    y = input without axes of length 1,  dL/dinput = g in the shape of input
    """
    n = check_input(input, "squeeze").array.ndim
    asked = dim if isinstance(dim, (tuple, list)) else (dim,)
    named = range(n) if dim is None else [axis_of(d, n) for d in asked]
    return ops.squeeze(input, axis=tuple(d for d in named if n and input.array.shape[d] == 1))


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Return the tensor with a new axis of length 1 at `dim`.

    y = input with a new axis of length 1,  dL/dinput = g without it
    """
    return ops.expand_dims(input, axis_of(dim, check_input(input, "unsqueeze").array.ndim + 1))


def t(input: Tensor) -> Tensor:
    """Return the transpose of a matrix, or a tensor of fewer axes unchanged. Raise RuntimeError for one of more axes.

    y = inputᵀ,  dL/dinput = gᵀ
    """
    if check_input(input, "t").array.ndim > 2:
        raise RuntimeError(f"t() expects at most 2 axes, got shape {tuple(input.array.shape)}; use transpose or permute")
    return ops.transpose(input)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return the tensor with two axes exchanged.

    y = input with two axes exchanged,  dL/dinput = g with them exchanged back
    """
    n = check_input(input, "transpose").array.ndim
    first, second = axis_of(dim0, n), axis_of(dim1, n)
    return ops.swapaxes(input, first, second) if n else ops.reshape(input, ())


def permute(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """Return the tensor with its axes in the order `dims`. Raise RuntimeError if an axis is missing or named twice.

    y = input with its axes in the order `dims`,  dL/dinput = g with its axes put back
    """
    n = check_input(input, "permute").array.ndim
    order = tuple(axis_of(d, n) for d in sizes(order, dims))
    if sorted(order) != list(range(n)):
        raise RuntimeError(f"permute: {order} is not an order of {n} axes")
    return ops.transpose(input, order)


def expand(self: Tensor, *shape: Any, size: Any = None) -> Tensor:
    """Return a view that repeats self along axes of length 1 and along new leading axes; -1 keeps a length.

    y = self, repeated,  dL/dself = Σ g over the axes along which self was repeated
    """
    wanted = sizes(shape, size)
    added = len(wanted) - self.array.ndim
    old = (1,) * added + tuple(self.array.shape)
    if added < 0 or -1 in wanted[:added] or any(n not in (-1, m) and m != 1 for m, n in zip(old, wanted)):
        raise RuntimeError(f"expand: shape {tuple(self.array.shape)} cannot be expanded to {wanted}")
    return ops.broadcast_to(self, tuple(m if n == -1 else n for m, n in zip(old, wanted)))


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """Return a view that repeats `input` along axes of length 1 and along new leading axes; -1 keeps a length.

    y = input, repeated,  dL/dinput = Σ g over the axes along which input was repeated
    """
    return expand(check_input(input, "broadcast_to"), size)


def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """Return self, expanded to the shape of another tensor.

    y = self, repeated,  dL/dself = Σ g over the axes along which self was repeated,  no gradient for other
    """
    return expand(self, check_input(other, "expand_as", "other").shape)


def movedim(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Return the tensor with the axes `source` moved to the places `destination`; the others keep their order.

    y = input with its axes in another order,  dL/dinput = g with its axes put back
    """
    n = check_input(input, "movedim").array.ndim
    starts, ends = ([axis_of(d, n) for d in sizes((dims,))] for dims in (source, destination))
    if len({*starts}) != len(starts) or len({*ends}) != len(ends) or len(starts) != len(ends):
        raise RuntimeError(f"movedim: expected two lists of one length without repeats, got {source} and {destination}")
    rest = iter([d for d in range(n) if d not in starts])
    return ops.transpose(input, tuple([starts[ends.index(d)] if d in ends else next(rest) for d in range(n)]))


@takes_axis
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Return the tensor with one axis taken apart into axes of these lengths, of which one may be -1.

    y = input with more axes,  dL/dinput = g in the shape of input
    """
    check_axes("unflatten", 1, input, or_more=True)
    dim, shape, known = axis_of(dim, input.array.ndim), input.array.shape, Size(n for n in sizes if n != -1).numel()
    lengths = tuple(shape[dim] // (known or 1) if n == -1 else n for n in sizes)
    if Size(lengths).numel() != shape[dim]:
        raise RuntimeError(f"unflatten: lengths {tuple(sizes)} do not fill dim {dim} of shape {tuple(shape)}")
    return ops.reshape(input, (*shape[:dim], *lengths, *shape[dim + 1:]))


def ravel(input: Tensor) -> Tensor:
    """Return the elements row by row as a vector; a view where possible.

    y = input with one axis,  dL/dinput = g in the shape of input
    """
    return check_input(input, "ravel").reshape(-1)


# ---- several tensors


@takes_axis
def cat(tensors: Iterable[Tensor], dim: int = 0) -> Tensor:
    """Return tensors put one after another along `dim`; empty 1-d tensors are left out, as in PyTorch.

    Raise RuntimeError if their shapes differ in another axis.

    y = the tensors one after another,  dL/dtensors = for each tensor the part of g at its place
    """
    tensors = [check_input(x, "cat", "tensors") for x in tensors]
    if not tensors:
        raise ValueError("cat: expected a non-empty list of tensors")
    check_axes("cat", 1, *tensors, or_more=True)
    first = next((x for x in tensors if tuple(x.shape) != (0,)), tensors[0])
    dim = axis_of(dim, first.ndim)
    nothing = (*first.shape[:dim], 0, *first.shape[dim + 1:])
    kept = [x if tuple(x.shape) != (0,) else x.reshape(nothing) for x in tensors]
    for x in kept:
        if x.ndim != first.ndim or x.shape[:dim] + x.shape[dim + 1:] != first.shape[:dim] + first.shape[dim + 1:]:
            raise RuntimeError(f"cat: shapes {[tuple(x.shape) for x in tensors]} differ in other axes than {dim}")
    return ops.join(*kept, axis=dim)


@takes_axis
def stack(tensors: Iterable[Tensor], dim: int = 0) -> Tensor:
    """Return tensors of one shape put side by side along a new axis. Raise RuntimeError if their shapes differ.

    y = the tensors side by side,  dL/dtensors = for each tensor the part of g at its place
    """
    tensors = [check_input(x, "stack", "tensors") for x in tensors]
    if not tensors or len({tuple(x.shape) for x in tensors}) > 1:
        raise RuntimeError(f"stack: expected tensors of one shape, got {[tuple(x.shape) for x in tensors]}")
    dim = axis_of(dim, tensors[0].ndim + 1)
    return cat([x.unsqueeze(dim) for x in tensors], dim)


def hstack(tensors: Iterable[Tensor]) -> Tensor:
    """Return tensors put one after another along the second axis; numbers and vectors along the first.

    y = the tensors one after another,  dL/dtensors = for each tensor the part of g at its place
    """
    found = [x if check_input(x, "hstack", "tensors").array.ndim else x.reshape(1) for x in tensors]
    return cat(found, 1 if found and found[0].array.ndim > 1 else 0)


def vstack(tensors: Iterable[Tensor]) -> Tensor:
    """Return tensors put one after another along the first axis, vectors and numbers as rows.

    y = the tensors one after another,  dL/dtensors = for each tensor the part of g at its place
    """
    return cat([x if check_input(x, "vstack", "tensors").array.ndim > 1 else x.reshape(1, x.array.size) for x in tensors])
