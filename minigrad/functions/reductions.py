"""Sums, means, extremes and truth over axes. `dim` may be called `axis`, and `keepdim` `keepdims`, as in NumPy."""

from __future__ import annotations

from typing import Any, NamedTuple, overload

from .. import backend, ops
from .arguments import axes_of, axis_of, beside, check_input, floating, shaped, takes_axis
from .parts import narrow
from .types import Dim, DTypeLike, Tensor

__all__ = ["all", "amax", "amin", "any", "argmax", "argmin", "count_nonzero", "cumprod", "cumsum", "logsumexp", "max", "mean", "min",
           "prod", "sum"]


class Extremes(NamedTuple):
    values: Tensor
    indices: Tensor

    def __repr__(self) -> str:
        name = type(self).__name__.removesuffix("_result")
        return f"torch.return_types.{name}(\nvalues={self.values!r},\nindices={self.indices!r})"


class max_result(Extremes):
    """The largest elements along an axis, and where they stand."""


class min_result(Extremes):
    """The smallest elements along an axis, and where they stand."""


def sum(
    input: Tensor, dim: Dim = None, keepdim: bool = False, *, axis: Dim = None, keepdims: bool = False, dtype: DTypeLike = None
) -> Tensor:
    """Return the sum over `dim` (one axis, several, or all), after conversion to `dtype`; whole numbers and bools give int64.

    keepdim leaves the axes in the shape, with length 1.

    y = Σ input over `dim`,  dL/dinput = g spread over `dim`
    """
    if (dim is None and axis is None and dtype is None and not keepdim and not keepdims
            and isinstance(input, Tensor) and input.array.dtype.kind == "f"):
        return ops.sum(input)
    axes, keepdims = axes_of(axis if dim is None else dim, check_input(input, "sum")) or None, bool(keepdim or keepdims)
    x = _converted(input, dtype)
    if x.array.dtype.kind == "f":
        return ops.sum(x, axis=axes, keepdims=keepdims)
    total = beside(input, backend.array_module(x.array).sum(x.array, axis=axes, keepdims=keepdims, dtype=backend.int64))
    return total if dtype is None else total.to(dtype)


def mean(
    input: Tensor, dim: Dim = None, keepdim: bool = False, *, axis: Dim = None, keepdims: bool = False, dtype: DTypeLike = None
) -> Tensor:
    """Return the mean over the n elements along `dim` (one axis, several, or all), after conversion to `dtype`.

    Raise RuntimeError unless `input` or `dtype` is floating-point.

    y = Σ input / n,  dL/dinput = g / n spread over `dim`
    """
    x = _converted(check_input(input, "mean"), dtype)
    if x.array.dtype.kind != "f" and (wanted := backend.dtype_of(dtype, x.dtype)).kind != "f":
        raise RuntimeError(f"mean: expected a floating-point tensor, got {wanted}; use .float() or .double() first")
    axes = axes_of(axis if dim is None else dim, input) or None
    found: Tensor = ops.mean(x, axis=axes, keepdims=bool(keepdim or keepdims))
    return found if dtype is None else found.to(dtype)


@takes_axis
def count_nonzero(input: Tensor, dim: Dim = None) -> Tensor:
    """Return how many elements over `dim` (one axis, several, or all) are not 0."""
    return sum(check_input(input, "count_nonzero") != 0, dim)


@takes_axis
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: DTypeLike = None) -> Tensor:
    """Return the product over `dim`, or of all elements, after conversion to `dtype`; whole numbers and bools give int64.

    y = Π input over `dim`,  dL/dinput = g times the product of the other elements
    """
    x = _counted(input, dtype, "prod")
    axis = 0 if dim is None else axis_of(dim, x.array.ndim)
    x, dim = (x.reshape(-1), 0) if dim is None or x.array.ndim == 0 else (x, axis)
    while (n := x.array.shape[dim]) > 1:  # by halves, so that the derivatives are right where there are zeros
        half = n // 2
        pairs = narrow(x, dim, 0, half) * narrow(x, dim, half, half)
        x = ops.join(pairs, narrow(x, dim, n - 1, 1), axis=dim) if n % 2 else pairs
    x = (sum(x, dim, True) + 1).to(x.dtype) if n == 0 else ops.copy(x) if backend.shares_memory(x.array, input.array) else x
    return x if keepdim and input.array.ndim else x.squeeze(dim)


@takes_axis
def cumsum(input: Tensor, dim: int, *, dtype: DTypeLike = None) -> Tensor:
    """Return the sums of the first 1, 2, … elements along `dim`, after conversion to `dtype`; whole numbers and bools give int64.

    y = the sums of the first 1, 2, … elements,  dL/dinput = the sums of the last n, n - 1, … of g
    """
    x = _counted(input, dtype, "cumsum")
    axis = axis_of(dim, x.array.ndim)
    return ops.cumsum(x, axis=axis) if x.array.ndim else x.clone()


@takes_axis
def cumprod(input: Tensor, dim: int, *, dtype: DTypeLike = None) -> Tensor:
    """Return the products of the first 1, 2, … elements along `dim`, after conversion to `dtype`; whole numbers and bools give int64.

    y = the products of the first 1, 2, … elements,  dL/dinput = Σ g times the products without the element, over those with it
    """
    x, dim, shift = _counted(input, dtype, "cumprod"), axis_of(dim, input.array.ndim), 1
    while x.array.ndim and shift < (n := x.array.shape[dim]):  # now each element is the product of the last `shift`
        x = ops.join(narrow(x, dim, 0, shift), narrow(x, dim, shift, n - shift) * narrow(x, dim, 0, n - shift), axis=dim)
        shift *= 2
    return ops.copy(x) if shift == 1 else x


@takes_axis
def logsumexp(input: Tensor, dim: Dim, keepdim: bool = False) -> Tensor:
    """Return the logarithm of the sum of e^input over `dim`, computed without overflow.

    y = log Σ e^input over `dim`,  dL/dinput = g e^(input - y)
    """
    return ops.logsumexp(floating(input, "logsumexp"), axis=axes_of(dim, input) or None, keepdims=keepdim)


def _counted(x: Tensor, dtype: DTypeLike, name: str) -> Tensor:
    """Return x in `dtype`; without one, whole numbers and bools in int64."""
    wanted = backend.dtype_of(dtype, check_input(x, name).dtype if x.array.dtype.kind == "f" else backend.int64)
    return x.to(wanted)


def _converted(x: Tensor, dtype: DTypeLike) -> Tensor:
    """Return x in `dtype`, to be summed; whole numbers of fewer than 64 bits as they are, as their sum in int64 is exact without a copy."""
    if dtype is None or (x.array.dtype.kind != "f" and x.array.itemsize < 8 and backend.dtype_of(dtype) != backend.bool_):
        return x
    return x.to(dtype)


# ---- extremes


@overload
def max(input: Tensor, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def max(input: Tensor, dim: Tensor) -> Tensor: ...
@overload
def max(input: Tensor, dim: int, keepdim: bool = False) -> max_result: ...
@takes_axis
def max(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor | max_result:
    """Return the largest element; along `dim`, (values, indices); with a tensor as `dim`, the larger of the two for each element.

    y = max input,  dL/dinput = g / k at the k elements that are the largest, else 0; along `dim`, g at `indices`, else 0
    """
    return _extreme(input, "max", dim, keepdim)


@overload
def min(input: Tensor, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def min(input: Tensor, dim: Tensor) -> Tensor: ...
@overload
def min(input: Tensor, dim: int, keepdim: bool = False) -> min_result: ...
@takes_axis
def min(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor | min_result:
    """Return the smallest element; along `dim`, (values, indices); with a tensor as `dim`, the smaller of the two for each element.

    y = min input,  dL/dinput = g / k at the k elements that are the smallest, else 0; along `dim`, g at `indices`, else 0
    """
    return _extreme(input, "min", dim, keepdim)


def _extreme(x: Tensor, name: str, dim: Any, keepdim: bool) -> Any:
    """Return what `max` or `min`, named by `name`, returns."""
    check_input(x, name)
    if isinstance(dim, Tensor):
        return (ops.maximum if name == "max" else ops.minimum)(x, dim)
    if dim is None:
        if not x.array.size:
            raise RuntimeError(f"{name}: an empty tensor of shape {tuple(x.array.shape)} has no {name}imum; give a dim")
        return getattr(ops, name)(x)
    pair, arg = (max_result, ops.argmax) if name == "max" else (min_result, ops.argmin)
    return chosen(pair, x, _arg(arg, x, dim, True), dim, keepdim)


def chosen(pair: Any, x: Tensor, indices: Tensor, dim: int, keepdim: bool) -> Any:
    """Return the pair (values, indices) of the elements of x at `indices` along `dim`, without this axis unless `keepdim`."""
    axis, indices = axis_of(dim, x.array.ndim), shaped(indices, indices.array.shape or (1,))
    values = ops.take_along_axis(shaped(x, x.array.shape or (1,)), indices.array, axis)
    if keepdim and x.array.ndim:
        return pair(values, indices)
    return pair(ops.squeeze(values, axis=(axis,)), ops.squeeze(indices, axis=(axis,)))


@takes_axis
def amax(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Return the largest element over `dim` (one axis, several, or all); equal elements share the gradient.

    y = max input over `dim`,  dL/dinput = g / k at the k elements that are the largest, else 0
    """
    return ops.max(input, axis=_full_axes("amax", input, dim), keepdims=keepdim)


@takes_axis
def amin(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Return the smallest element over `dim` (one axis, several, or all); equal elements share the gradient.

    y = min input over `dim`,  dL/dinput = g / k at the k elements that are the smallest, else 0
    """
    return ops.min(input, axis=_full_axes("amin", input, dim), keepdims=keepdim)


@takes_axis
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the largest element along `dim`, or among all elements, row by row; of equal ones the first."""
    return _arg(ops.argmax, input, dim, keepdim)


@takes_axis
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the smallest element along `dim`, or among all elements, row by row; of equal ones the first."""
    return _arg(ops.argmin, input, dim, keepdim)


def _arg(function: Any, x: Tensor, dim: Any, keepdim: bool) -> Tensor:
    """Return the indices that `function` finds, along `dim` or among all elements."""
    check_not_empty(function.__name__, x, axes_of(dim, check_input(x, function.__name__)))
    if dim is None or x.array.ndim == 0:
        out: Tensor = function(x, axis=None)
        return out.reshape((1,) * x.array.ndim) if keepdim else out
    out = function(x, axis=axis_of(dim, x.array.ndim))
    return out.unsqueeze(dim) if keepdim else out


def _full_axes(name: str, x: Tensor, dim: Dim) -> tuple[int, ...]:
    """Return `dim` as axes counted from 0, all axes for None or (); raise IndexError if one has no elements."""
    axes = axes_of(dim, check_input(x, name)) or tuple(range(x.array.ndim))
    check_not_empty(name, x, axes)
    return axes


def check_not_empty(name: str, x: Tensor, axes: tuple[int, ...] | None) -> None:
    """Raise IndexError if one of the axes, or of all axes for None, has no elements."""
    shape = x.array.shape
    if 0 in (shape if axes is None else [shape[a] for a in axes]):
        raise IndexError(f"{name}: nothing to choose from in shape {tuple(shape)} along dim {axes}")


# ---- truth


@takes_axis
def all(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Return whether all elements over `dim` are true, that is not 0: bools, for uint8 1 or 0."""
    return _truth(input, "all", dim, keepdim)


@takes_axis
def any(input: Tensor, dim: Dim = None, keepdim: bool = False) -> Tensor:
    """Return whether any element over `dim` is true, that is not 0: bools, for uint8 1 or 0."""
    return _truth(input, "any", dim, keepdim)


def _truth(x: Tensor, name: str, dim: Any, keepdim: bool) -> Tensor:
    """Return what NumPy's `all` or `any` finds; uint8 stays uint8."""
    check_input(x, name)
    found = beside(x, getattr(backend.array_module(x.array), name)(x.array, axis=axes_of(dim, x), keepdims=keepdim))
    return found.to(backend.uint8) if x.array.dtype == backend.uint8 else found
