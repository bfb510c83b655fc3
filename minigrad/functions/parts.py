"""Parts of a tensor, which are views, and copies with parts repeated or exchanged."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, SupportsIndex

from .. import backend, ops
from .arguments import axes_of, axis_of, beside, check_axes, check_input, check_not_negative, sizes, takes_axis
from .indexing import index_select
from .shapes import expand, movedim
from .types import Tensor

__all__ = ["chunk", "diag", "diagonal", "flip", "meshgrid", "narrow", "repeat_interleave", "roll",
           "select", "split", "tile", "trace", "tril", "triu", "unbind"]


# ---- along one axis


@takes_axis
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Return the part of the tensor at the whole number `index` along `dim`, without this axis.

    y = input at `index` along `dim`,  dL/dinput = zeros with g stored there
    """
    part: Tensor = input[(slice(None),) * _axis("select", input, dim)[0] + (operator.index(index),)]
    return part


@takes_axis
def narrow(input: Tensor, dim: int, start: SupportsIndex, length: int) -> Tensor:
    """Return the `length` entries along `dim` from `start` on; a negative start counts from the end.

    Raise RuntimeError where there are fewer.

    y = input from start to start + length,  dL/dinput = zeros with g stored there
    """
    (dim, n), begin = _axis("narrow", input, dim), operator.index(start)
    first = begin + n if begin < 0 else begin
    if not 0 <= first <= first + length <= n:
        raise RuntimeError(f"narrow: there are no {length} entries from {begin} on along dim {dim} of shape {tuple(input.shape)}")
    return ops.getitem(input, key=(slice(None),) * dim + (slice(first, first + length), Ellipsis))


def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Return parts of this length along `dim`, of which the last may be shorter, or parts of the lengths in a list.

    y = parts of tensor,  dL/dtensor = zeros with the g of each part stored at its place
    """
    (dim, n), lengths = _axis("split", tensor, dim), split_size_or_sections
    if isinstance(lengths, int):
        step = check_not_negative("split", lengths)
        lengths = [min(step, n - start) for start in range(0, n, step or n or 1)] or [0]
    if sum(check_not_negative("split", tuple(lengths))) != n:
        raise RuntimeError(f"split: parts of lengths {list(lengths)} do not fill dim {dim} of shape {tuple(tensor.shape)}")
    return tuple([narrow(tensor, dim, end - length, length) for end, length in zip(accumulate(lengths), lengths)])


@takes_axis
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Return at most `chunks` parts along `dim`, all of one length except that the last may be shorter.

    y = parts of input,  dL/dinput = zeros with the g of each part stored at its place
    """
    if chunks < 1:
        raise RuntimeError(f"chunk: expected at least 1 chunk, got {chunks}")
    n = _axis("chunk", input, dim)[1]
    return split(input, -(-n // chunks) if n else [0] * chunks, dim)


@takes_axis
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return the entries along `dim`, without this axis.

    y = the entries of input,  dL/dinput = the g of the entries side by side
    """
    return tuple([select(input, dim, i) for i in range(_axis("unbind", input, dim)[1])])


def _axis(name: str, x: Tensor, dim: int) -> tuple[int, int]:
    """Return `dim` counted from 0, and its length; raise RuntimeError for a 0-d tensor, which has no parts."""
    check_axes(name, 1, x, or_more=True)
    dim = axis_of(dim, x.array.ndim)
    return dim, x.array.shape[dim]


# ---- diagonals and triangles


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return the diagonal of two axes as the last axis; a positive offset counts upwards, a negative one downwards.

    y = input[…, i, i + offset],  dL/dinput = zeros with g stored at […, i, i + offset]
    """
    check_axes("diagonal", 2, input, or_more=True)
    return ops.diagonal(movedim(input, (dim1, dim2), (-2, -1)), offset=offset)


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return a matrix with a vector on its diagonal, or a copy of the diagonal of a matrix.

    y = the diagonal of input, or a matrix with input on it,  dL/dinput = g on the diagonal of zeros, or its diagonal
    """
    if check_input(input, "diag").array.ndim == 1:
        return ops.put_diagonal(input, offset=diagonal, shape=(input.array.size + abs(diagonal),) * 2)
    check_axes("diag", 2, input)
    return ops.copy(ops.diagonal(input, offset=diagonal))


def trace(input: Tensor) -> Tensor:
    """Return the sum of the diagonal of a matrix.

    y = Σ input[i, i],  dL/dinput = g on the diagonal, else 0
    """
    check_axes("trace", 2, input)
    return diagonal(input).sum()


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return a copy of the matrices with 0 above this diagonal.

    y = input[…, i, j] where j ≤ i + diagonal, else 0,  dL/dinput = g where j ≤ i + diagonal, else 0
    """
    return ops.where(_is_lower("tril", input, diagonal), input, beside(input, False).to(input.dtype))


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return a copy of the matrices with 0 below this diagonal.

    y = input[…, i, j] where j ≥ i + diagonal, else 0,  dL/dinput = g where j ≥ i + diagonal, else 0
    """
    return ops.where(_is_lower("triu", input, diagonal - 1), beside(input, False).to(input.dtype), input)


def _is_lower(name: str, x: Tensor, diagonal: int) -> Tensor:
    """Return for each place of the matrices whether j ≤ i + diagonal."""
    check_axes(name, 2, x, or_more=True)
    (n, m), xp = x.array.shape[-2:], backend.array_module(x.array)
    return beside(x, xp.arange(m) <= xp.arange(n).reshape(n, 1) + operator.index(diagonal))


# ---- copies with parts repeated or exchanged


def repeat(self: Tensor, *times: Any, repeats: Any = None) -> Tensor:
    """Return a copy of self that many times along each axis, one number for each; further numbers in front add axes.

    y = self, repeated,  dL/dself = Σ g over the copies
    """
    times = check_not_negative("repeat", sizes(times, repeats))
    if len(times) < self.array.ndim:
        raise RuntimeError(f"repeat: expected at least {self.array.ndim} numbers for shape {tuple(self.shape)}, got {times}")
    shape = (1,) * (len(times) - self.array.ndim) + tuple(self.array.shape)
    apart = self.reshape([n for m in shape for n in (1, m)])  # a new axis before each, along which it is expanded
    return ops.copy(expand(apart, [n for pair in zip(times, shape) for n in pair])).reshape([n * m for n, m in zip(times, shape)])


@takes_axis
def repeat_interleave(input: Tensor, repeats: int | Tensor, dim: int | None = None, *, output_size: int | None = None) -> Tensor:
    """Return a copy with each entry along `dim` that many times in a row, a number for all or one for each; without dim, each element.

    y = input, repeated,  dL/dinput = Σ g over the copies,  no gradient for repeats
    """
    x, dim = (check_input(input, "repeat_interleave").reshape(-1), 0) if dim is None else (input, dim)
    (dim, n), times = _axis("repeat_interleave", x, dim), sizes((repeats.tolist() if isinstance(repeats, Tensor) else repeats,))
    if len(check_not_negative("repeat_interleave", times)) not in (1, n):
        raise RuntimeError(f"repeat_interleave: expected one number, or {n}, for dim {dim} of shape {tuple(x.shape)}, got {times}")
    return index_select(x, dim, beside(x, backend.array_module(None).arange(n).repeat(times)))


def tile(input: Tensor, *times: Any, dims: Any = None) -> Tensor:
    """Return a copy of `input` that many times along each axis; missing numbers in front count as 1.

    y = input, repeated,  dL/dinput = Σ g over the copies
    """
    times = sizes(times, dims)
    return repeat(input, (1,) * (check_input(input, "tile").array.ndim - len(times)) + times)


def flip(input: Tensor, *axes: Any, dims: Any = None) -> Tensor:
    """Return a copy with the order of the entries reversed along each of `dims`.

    y = input reversed along `dims`,  dL/dinput = g reversed back
    """
    return ops.flip(check_input(input, "flip"), axis=axes_of(sizes(axes, dims), input) or ())


def roll(input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Tensor:
    """Return a copy whose entries are moved on by `shifts` along `dims`, and around the end; without dims, all elements row by row.

    y = input, moved on,  dL/dinput = g, moved back
    """
    if dims is None:
        return roll(check_input(input, "roll").reshape(-1), shifts, 0).reshape(input.shape)
    shifts, dims = sizes((shifts,)), sizes((dims,))
    if len(shifts) != len(dims):
        raise RuntimeError(f"roll: expected as many shifts as dims, got {shifts} and {dims}")
    for shift, dim in zip(shifts, dims):
        dim, n = _axis("roll", input, dim)
        input = input[(slice(None),) * dim + ((beside(input, backend.array_module(input.array).arange(n)) - shift) % max(n, 1),)]
    return input


def meshgrid(*tensors: Tensor | Sequence[Tensor], indexing: str = "ij") -> tuple[Tensor, ...]:
    """Return the coordinates of a grid, for n vectors n tensors of n axes: the i-th varies along axis i alone. "xy" exchanges two axes.

    y = each of the tensors, expanded,  dL/dtensors = Σ g over the other axes
    """
    given: Any = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    if indexing not in ("ij", "xy") or any([check_input(x, "meshgrid").array.ndim > 1 for x in given]):
        raise RuntimeError(f"meshgrid: expected vectors and 'ij' or 'xy', got shapes {[tuple(x.shape) for x in given]}, {indexing!r}")
    shape = [x.array.size for x in given]
    grids = [expand(x.reshape([n if i == k else 1 for i in range(len(given))]), shape) for k, (x, n) in enumerate(zip(given, shape))]
    return tuple([ops.swapaxes(x, 0, 1) if indexing == "xy" and len(given) > 1 else x for x in grids])
