"""Elements taken from, and put into, the places that a tensor of indices or a mask names."""

from __future__ import annotations

from typing import Any

from .. import backend, ops
from ..autograd.contract import check_one_device
from .arguments import axis_of, beside, check_input, check_number, shaped, takes_axis
from .indexing import vector, where
from .shapes import broadcast_to, stack
from .types import Tensor

__all__ = ["gather", "index_add", "masked_fill", "masked_select", "nonzero", "scatter", "scatter_add"]


# ---- one index for each element


@takes_axis
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """Return the elements of `input` at `index` along `dim`, in the shape of index, which may be smaller than input along other axes.

    For three axes and dim = 1, y[i, j, k] = input[i, index[i, j, k], k]. Raise RuntimeError for an index out of range.

    y = input at `index` along `dim`,  dL/dinput = zeros with g added at `index`,  no gradient for index
    """
    x, places, dim, _ = _places("gather", input, dim, index)
    key = tuple([slice(None if i == dim else n) for i, n in enumerate(places[dim].shape)])
    x = x if x.array[key].shape == x.array.shape else ops.getitem(x, key=key)
    return shaped(ops.take_along_axis(x, places[dim], dim), index.array.shape)


@takes_axis
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Tensor | float | None = None, *, value: float | None = None, reduce: str | None = None
) -> Tensor:
    """Return a copy of `input` with the elements of src (a tensor or a number, also called value) stored at `index` along `dim`.

    For three axes and dim = 1, y[i, index[i, j, k], k] = src[i, j, k]; of several for one place the last stays. reduce="add" adds them.

    y = input with src stored at `index`,  dL/dinput = g with 0 stored there,  dL/dsrc = g at `index`,
    no gradient for index,  no gradient for value
    """
    src = value if src is None else src
    if not isinstance(src, Tensor):
        src = _number("scatter", src, check_input(input, "scatter")).expand(check_input(index, "scatter", "index").shape)
    if reduce == "add":
        return scatter_add(input, dim, index, src)
    if reduce is not None:
        raise NotImplementedError(f"scatter: there is no reduce={reduce!r}; use 'add'")
    x, places, _, src = _places("scatter", input, dim, index, src)
    return shaped(ops.assign(x, src, first=(Ellipsis,), last=places), input.array.shape)


@takes_axis
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Return a copy of `input` with the elements of `src` added at `index` along `dim`; several for one place add up.

    y = input + zeros with src added at `index`,  dL/dinput = g,  dL/dsrc = g at `index`,  no gradient for index
    """
    x, places, _, src = _places("scatter_add", input, dim, index, src)
    return input + shaped(ops.scatter(src, key=places, shape=x.array.shape), input.array.shape)


def _places(name: str, x: Tensor, dim: int, index: Tensor, src: Any = None) -> tuple[Tensor, Any, int, Any]:
    """Return x with at least one axis, the key of the places in it that `index` names along `dim`, dim, and what of src belongs there.

    Raise RuntimeError if the shapes or dtypes do not fit, or for an index out of range.
    """
    shape, sides = check_input(x, name).array.shape or (1,), check_input(index, name, "index").array.shape or (1,)
    dim, n = axis_of(dim, len(shape)), len(sides)
    check_one_device(name, [t.array for t in (x, index, src) if isinstance(t, Tensor)])
    if n != len(shape) or any([sides[k] > shape[k] and k != dim for k in range(n)]):
        raise RuntimeError(f"{name}: an index of shape {sides} does not fit along dim {dim} of shape {shape}")
    if index.dtype.kind not in "iu" or (src is not None and check_input(src, name, "src").dtype != x.dtype):
        raise RuntimeError(f"{name}: expected an index of int64, and a src of the tensor's dtype {x.dtype}; "
                           f"got {index.dtype} and {getattr(src, 'dtype', None)}")
    try:
        backend.check_range(index.array, 0, shape[dim], f"{name}: index {{}} is out of range for dim {dim} of shape {shape}")
    except IndexError as error:
        raise RuntimeError(str(error)) from None
    places = [backend.array_module(x.array).arange(m).reshape([m if i == k else 1 for i in range(n)]) for k, m in enumerate(sides)]
    places[dim:dim + 1] = [index.array.reshape(sides)]
    if src is not None and src.array.shape != sides:
        src = shaped(shaped(src, src.array.shape or (1,))[tuple([slice(m) for m in sides])], sides)
    return shaped(x, shape), tuple(places), dim, src


# ---- one index for each entry along an axis


@takes_axis
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """Return a copy of `input` with alpha times the entries of `source` added at `index` (1-d) along `dim`; several for one place add up.

    y = input + zeros with alpha source added at `index`,  dL/dinput = g,  dL/dsource = alpha g at `index`,  no gradient for index
    """
    shape, sides = (check_input(x, "index_add", name).array.shape or (1,) for x, name in ((input, "input"), (source, "source")))
    dim = axis_of(dim, len(shape))
    fitting = (*shape[:dim], vector("index_add", index).array.size, *shape[dim + 1:])
    if sides != fitting:
        raise RuntimeError(f"index_add: expected a source of shape {fitting} for this index, got {sides}")
    places = index.reshape([-1 if i == dim else 1 for i in range(len(sides))]).expand(sides)
    return scatter_add(input, dim, places, source if alpha == 1 else alpha * source)


def _number(name: str, value: Any, x: Tensor) -> Tensor:
    """Return a number, or a 0-d tensor, in the dtype of x and on its device; raise RuntimeError for a tensor with axes."""
    if not isinstance(value, Tensor):
        return beside(x, backend.asarray(backend.fitting(check_number(value, name), x.dtype, name), x.dtype, like=x.array))
    if value.array.ndim:
        raise RuntimeError(f"{name}: expected a number or a 0-d tensor as value, got shape {tuple(value.shape)}")
    return value.to(x)


# ---- masks, and elements counted row by row


def masked_fill(input: Tensor, mask: Tensor, value: float | Tensor) -> Tensor:
    """Return a copy of `input` with the number `value` where the mask, of bools that broadcast with it, is True.

    y = value where mask, else input,  dL/dinput = 0 where mask, else g,  dL/dvalue = Σ g where mask,  no gradient for mask
    """
    return ops.where(_checked("masked_fill", mask), _number("masked_fill", value, check_input(input, "masked_fill")), input)


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """Return the elements of `input` where the mask, of bools that broadcast with it, is True: a vector.

    y = input[mask],  dL/dinput = zeros with g stored at [mask],  no gradient for mask
    """
    whole: Tensor = ops.where(_checked("masked_select", mask), check_input(input, "masked_select"), input)  # broadcasts
    return ops.getitem(whole, key=(broadcast_to(mask, whole.shape).array, Ellipsis))


def _checked(name: str, mask: Tensor) -> Tensor:
    """Return the mask; raise RuntimeError unless it is of bools."""
    if check_input(mask, name, "mask").dtype != backend.bool_:
        raise RuntimeError(f"{name}: expected a mask of bools, got {mask.dtype}; compare it with something")
    return mask


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Return the places of the elements that are not 0, one in each row; with as_tuple, for each axis the indices, as x[…] takes them."""
    found = where(input if check_input(input, "nonzero").array.ndim else input.reshape(1))
    return found if as_tuple else stack(found, 1)[:, :input.array.ndim]
