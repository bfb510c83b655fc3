"""Choosing elements: `tensor[key]`, read and assigned, `index_select` and `where`.

Keys are numbers, slices, None, …, lists, boolean masks and integer tensors, as PyTorch takes them.
"""

from __future__ import annotations

import warnings
from typing import Any, overload

from .. import backend, ops
from ..autograd import graph
from . import writing
from .arguments import axis_of, check_input, raw, takes_axis
from .types import Operand, Tensor

__all__ = ["index_select", "where"]


# ---- functions


@takes_axis
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return the entries of `input` at `index` (1-d, whole numbers) along `dim`.

    y = input at `index` along `dim`,  dL/dinput = zeros with g added at `index`,  no gradient for index
    """
    rank = check_input(input, "index_select").array.ndim
    if rank == 0:
        return index_select(input.reshape(1), dim, index).reshape(())
    return input[(slice(None),) * axis_of(dim, rank) + (vector("index_select", index),)]


def vector(name: str, index: Tensor) -> Tensor:
    """Return `index`, an argument of the function `name`, as a vector; raise IndexError if it has more than one axis."""
    if check_input(index, name, "index").array.ndim > 1:
        raise IndexError(f"{name}: expected an index of one axis, got shape {tuple(index.shape)}")
    return index.reshape(-1)


@overload
def where(condition: Tensor) -> tuple[Tensor, ...]: ...
@overload
def where(condition: Tensor, input: Operand, other: Operand) -> Tensor: ...
def where(condition: Tensor, input: Operand | None = None, other: Operand | None = None) -> Tensor | tuple[Tensor, ...]:
    """Return `input` where the condition holds, else `other`; with the condition alone, for each axis the indices where it holds.

    y = input where condition, else other,  dL/dinput = g where condition, else 0,
    dL/dother = 0 where condition, else g,  no gradient for condition
    """
    if input is None and other is None:
        return tuple(graph.wrap(backend.asarray(i, like=condition.array)) for i in condition.array.nonzero())
    if check_input(condition, "where", "condition").dtype != backend.bool_:
        raise RuntimeError(f"where: expected a condition of bools, got {condition.dtype}; compare it with something")
    arrays = [raw(x, "where") for x in (input, other)]
    target = backend.result_dtype(arrays)
    x, y = (v.to(target) if isinstance(v, Tensor) else graph.wrap(_stored(array, target, condition.array))
            for v, array in zip((input, other), arrays))
    return ops.where(condition, x, y)


def _stored(x: Any, dtype: Any, like: Any) -> Any:
    """Return a number or an array as an array of `dtype` on the device of `like`.

    Raise RuntimeError for a number that does not fit; in float16 it becomes infinite instead, as in PyTorch.
    """
    if not backend.is_array(x) and dtype != backend.float16:
        x = backend.fitting(x, dtype, "where")
    return backend.without_fp_warnings(backend.asarray, x, dtype, like=like)


# ---- tensor[key]

BYTE_MASK = "indexing with dtype uint8 is deprecated: it is taken as a mask; please use a dtype bool instead."


def index(x: Tensor, key: Any) -> Tensor:
    """Return x[key], which is recorded; a view for numbers and slices.

    y = x[key],  dL/dx = zeros with g added at [key]
    """
    first, last = split(array_key(x.array, key))
    if first is not ALL:
        x = ops.getitem(x, key=first)
    return ops.getitem(x, key=last)


def assign(x: Tensor, key: Any, value: Any) -> None:
    """Change x in place: x[key] = value.

    y = x with `value` stored at [key],  dL/dx = g with 0 stored there,
    dL/dvalue = g[key], summed over the axes along which value was broadcast
    """
    first, last = split(array_key(x.array, key, taken=False))
    indexed = [p for p in last if backend.is_array(p)] if type(last) is tuple else []
    if isinstance(value, Tensor):
        if not indexed and value.array.size and value.views is x.views is not None and _is_same(x.array[first][last], value.array):
            return  # x[key] += … has changed both already
        is_filled = value.array.size == 1 and len(indexed) == 1 and indexed[0].dtype.kind == "b"
        if indexed and value.dtype != x.dtype and not is_filled:
            raise RuntimeError(f"__setitem__: expected values of {x.dtype}, as the tensor, for places given by arrays, got {value.dtype}; "
                               "use .to(dtype)")

    def compute() -> Any:
        shape, inner = x.array[first][last].shape, value
        if not isinstance(value, Tensor):
            inner = graph.wrap(backend.asarray(writing.storable(x, value, "__setitem__"), x.dtype, like=x.array))
        while inner.ndim > len(shape) and inner.shape[0] == 1:
            inner = ops.squeeze(inner, axis=0)
        if inner.ndim > len(shape) or any([n not in (1, m) for n, m in zip(inner.shape[::-1], shape[::-1])]):
            raise RuntimeError(f"__setitem__: values of shape {tuple(inner.shape)} do not fit into a place of shape {tuple(shape)}")
        return ops.assign(x, ops.broadcast_to(inner.to(x.dtype), shape), first=first, last=last)

    def write() -> None:
        x.array[first][last] = writing.storable(x, value, "__setitem__")

    writing.change(x, "__setitem__", (value,), compute, write)


def _is_same(a: Any, b: Any) -> bool:
    """Return whether two arrays show the same elements of the same memory."""
    return a.shape == b.shape and a.strides == b.strides and backend.byte_bounds(a) == backend.byte_bounds(b)


def split(key: Any) -> tuple:
    """Return two keys, one to be taken after the other.

    PyTorch applies the numbers first, then the arrays to the axes left over; NumPy treats a number like an array.
    """
    if type(key) is not tuple or not any([type(p) is int for p in key]) or not any([backend.is_array(p) for p in key]):
        return ALL, key
    first = [(slice(None),) * _axes_taken(p) if backend.is_array(p) else (p,) for p in key]
    last = [p if backend.is_array(p) or p is Ellipsis else slice(None) for p in key if type(p) is not int]
    return tuple([p for parts in first for p in parts]), tuple(last)


ALL = (Ellipsis,)


def array_key(array: Any, key: Any, taken: bool = True) -> Any:
    """Return `key` as the raw array takes it, with arrays in place of tensors and lists; raise IndexError if it is no key.

    taken: whether the elements will be read, not written.
    """
    if isinstance(key, slice):
        _check_slice(key)
        return key
    if type(key) is not tuple:
        key = (key,)
    parts = []
    for part in key:  # no comprehension, which would be a frame of its own in some Pythons: warnings name the user's line
        parts.append(_part(array, part))
    if not any([part is Ellipsis for part in parts]):
        parts.append(Ellipsis)  # a 0-d result stays an array, and a view
    found = tuple(parts)
    used = sum([_axes_taken(p) for p in found if p is not Ellipsis])
    if used > array.ndim:
        raise IndexError(f"too many indices: {used} for a tensor of shape {tuple(array.shape)}")
    if used == array.ndim and found[-1] is not Ellipsis:  # that of no axis: NumPy, but not PyTorch, takes the arrays apart there
        found = (*[p for p in found if p is not Ellipsis], Ellipsis)
    _check_numbers(array, found, taken)
    device = backend.device_of(array)
    return tuple([backend.to_device(p, device) if backend.is_array(p) else p for p in found]) if device != "cpu" else found


def _part(array: Any, part: Any) -> Any:
    """Return one part of a key as a number, a slice or an array."""
    if part is None or part is Ellipsis or type(part) is int:
        return part
    if isinstance(part, slice):
        _check_slice(part)
        return slice(*[None if v is None else int(v) for v in (part.start, part.stop, part.step)])
    if isinstance(part, Tensor):
        part = part.array
        if part.ndim == 0 and part.dtype.kind in "iu" and part.dtype != backend.uint8:
            return int(backend.item(part))
    elif isinstance(part, backend.ndarray):
        part = backend.plain_array(part, "index")
    if isinstance(part, bool):
        return backend.asarray(part)
    if hasattr(part, "__index__") and not backend.is_array(part):
        return part.__index__()
    if not backend.is_array(part):
        numbers = [int(p) if isinstance(p, Tensor) else p for p in part] if isinstance(part, (list, range)) else part
        part = backend.asarray(numbers)
        if part.size == 0:
            part = part.astype("int64")
    if part.dtype == backend.uint8:
        warnings.warn(BYTE_MASK, stacklevel=4)
        part = backend.asarray(part != 0, like=part)
    if part.dtype.kind not in "biu":
        raise IndexError(f"tensors used as indices must be whole numbers or bools, not {part.dtype}")
    return backend.to_device(part, "cpu") if backend.device_of(array) == "cpu" else part


def _axes_taken(part: Any) -> int:
    """Return how many axes of the tensor a part of a key, other than ..., stands for: 0 for None, several for a mask of several axes."""
    return 0 if part is None else part.ndim if backend.is_array(part) and part.dtype.kind == "b" else 1


def _check_slice(part: slice) -> None:
    if part.step is not None and int(part.step) <= 0:
        raise ValueError(f"slice step must be greater than zero, got {part.step}; x.flip(dim) reverses an axis")


def _check_numbers(array: Any, key: tuple, taken: bool) -> None:
    """Raise IndexError for a number outside its axis; on a device also for one in an array, as NumPy checks these, but CuPy does not."""
    axis, on_host = 0, backend.device_of(array) == "cpu"
    checked = taken and not on_host and backend.rows.row_index(array, key) is not None  # the kernel that takes rows looks at them
    for i, part in enumerate(key):
        if part is Ellipsis:
            axis = array.ndim - sum([_axes_taken(p) for p in key[i + 1:]])
        elif part is not None:
            size = array.shape[axis] if axis < array.ndim else 0
            if type(part) is int and not -size <= part < size:
                raise IndexError(f"index {part} is out of bounds for axis {axis} of size {size} (shape {tuple(array.shape)})")
            if not on_host and backend.is_array(part) and part.dtype.kind != "b" and not checked:
                backend.check_range(part, -size, size, f"index {{}} is out of bounds for axis {axis} of size {size}")
            axis += _axes_taken(part)
