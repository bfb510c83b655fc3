"""Elements in order: sorted, the largest, the middle one, those that differ, and how often each occurs."""

from __future__ import annotations

import operator
from typing import Any

from .. import backend, ops
from .arguments import axes_of, axis_of, beside, check_input, check_not_negative, shaped, takes_axis
from .parts import narrow
from .reductions import Extremes, amax, check_not_empty, chosen, sum
from .scattering import gather, masked_select
from .types import Tensor

__all__ = ["argsort", "bincount", "median", "sort", "topk", "unique"]


class sort_result(Extremes):
    """The sorted elements along an axis, and where they stood."""


class topk_result(Extremes):
    """The largest or smallest elements along an axis, and where they stand."""


class median_result(Extremes):
    """The middle elements along an axis, and where they stand."""


@takes_axis
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """Return the indices that sort the elements along `dim`, see `sort`."""
    x, axis = check_input(input, "argsort").array.reshape(input.array.shape or (1,)), axis_of(dim, input.array.ndim)
    xp = backend.array_module(x)
    order = xp.argsort(xp.flip(x, axis=axis) if descending else x, axis=axis)
    if descending:  # reversed before and after, so that equal elements keep their order
        order = x.shape[axis] - 1 - xp.flip(order, axis=axis)
    return beside(input, order.reshape(input.array.shape))


@takes_axis
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> sort_result:
    """Return (values, indices): the elements along `dim` in rising (or falling) order, and where they stood; equal ones keep their order.

    NaN counts as the largest number.

    y = input at `indices` along `dim`,  dL/dinput = g put back to where the elements stood
    """
    return chosen(sort_result, input, argsort(input, dim, descending), dim, True)


@takes_axis
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> topk_result:
    """Return (values, indices) of the k largest (or smallest) elements along `dim`, in order. Raise RuntimeError if there are fewer.

    y = input at `indices` along `dim`,  dL/dinput = zeros with g added at `indices`
    """
    order, k = _order(input, dim, largest), operator.index(k)
    n = order.array.shape[axis_of(dim, order.array.ndim)]
    if not 0 <= k <= n:
        raise RuntimeError(f"topk: dim {dim} of shape {tuple(input.shape)} has {n} elements, of which there are no {k} largest")
    return chosen(topk_result, input, narrow(order, dim, 0, k), dim, True)


@takes_axis
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the middle element, of an even number the lower one; along `dim`, (values, indices).

    Where there is a NaN, it is the first of these. Raise IndexError where there are no elements.

    y = the middle element of input,  dL/dinput = g / k at the k elements that equal it, else 0; along `dim`, g at `indices`
    """
    check_not_empty("median", check_input(input, "median"), axes_of(dim, input))
    if dim is None:
        middle = median(input.detach().reshape(-1), 0).values
        return amax(masked_select(input, (input == middle) | (input != input)), ())
    order = _order(input, dim)  # with NaN last
    n, nans = order.array.shape[dim], sum(shaped(input != input, order.array.shape), dim, True)
    return chosen(median_result, input, gather(order, dim, ops.where(nans > 0, n - nans, n - 1 >> 1)), dim, keepdim)


def _order(x: Tensor, dim: int, descending: bool = False) -> Tensor:
    """Return the indices that sort the elements along `dim`; those of a 0-d tensor as a vector."""
    return shaped(argsort(x, dim, descending), x.array.shape or (1,))


def unique(input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None) -> Any:
    """Return the values that differ, in rising order; along `dim`, the entries that differ.

    With return_inverse also, for each element (or entry), the place of its value among them; with return_counts also how often each occurs.
    """
    x, axis = check_input(input, "unique").array, None if dim is None else axis_of(dim, input.array.ndim)
    found = backend.array_module(x).unique(x, return_inverse=return_inverse, return_counts=return_counts, axis=axis, equal_nan=False)
    parts = [beside(input, part) for part in (found if isinstance(found, tuple) else (found,))]
    if return_inverse:
        parts[1] = parts[1].reshape(x.shape if axis is None else x.shape[axis])
    return tuple(parts) if len(parts) > 1 else parts[0]


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """Return how often each of 0, 1, 2, … occurs in a vector of whole numbers, or the sum of the weights where it does."""
    x = check_input(input, "bincount").array
    if x.ndim != 1 or x.dtype.kind not in "iu" or (x.size and int(backend.array_module(x).min(x)) < 0):
        raise RuntimeError(f"bincount: expected a vector of whole numbers, none below 0, got {input.dtype} of shape {tuple(input.shape)}")
    check_not_negative("bincount: minlength", minlength)
    if weights is not None and check_input(weights, "bincount", "weights").array.shape != x.shape:
        raise RuntimeError(f"bincount: expected a weight for each of {x.size} numbers, got shape {tuple(weights.shape)}")
    counts = backend.array_module(x).bincount(x, None if weights is None else weights.array, minlength)
    return beside(input, counts if weights is None or weights.dtype != backend.float32 else counts.astype(backend.float32))
