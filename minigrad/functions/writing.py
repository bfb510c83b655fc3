"""How a tensor is changed in place; `in_place.py` has the functions that do it.

A change that is not recorded is written into the tensor's memory. A recorded change gives the tensor a new node. If no other tensor or
array shows its memory, it also gets a new array: nothing is copied, and operations that saved the old array keep the right numbers.
Otherwise the change is written into the memory, so that all see it; views of that memory get the tensor's history, and `backward` raises
an error for operations that saved the old array.
"""

from __future__ import annotations

from typing import Any

from .. import backend, ops
from ..autograd import contract, modes, sharing
from ..autograd.graph import rebind, wrap
from ..autograd.writes import wrote
from .types import Tensor


def change(x: Tensor, name: str, others: tuple[Any, ...], compute: Any, write: Any) -> Any:
    """Change `x` in place by write(); if x or one of `others` requires a gradient, set x to compute() instead, which is recorded."""
    needs = x._requires_grad or any(isinstance(o, Tensor) and o._requires_grad for o in others)
    if not needs or not modes.recording.get():
        if isinstance(others[0] if others else None, Tensor) and type(others[0].array) is not type(x.array):
            contract.check_one_device(name, [x.array, storable(x, others[0], name)])
        if backend.device_of(x.array) != "cpu" and is_read_only(x):  # NumPy sees it itself
            raise RuntimeError(f"{name}: {READ_ONLY}")
        try:
            backend.without_fp_warnings(write)
        except ValueError as error:
            raise RuntimeError(f"{name}: {READ_ONLY if is_read_only(x) else _misfit(x, others, error)}") from None
        wrote(x.array)
        return x
    if x._requires_grad and x.node is None:
        raise RuntimeError(f"{name}: a leaf tensor that requires a gradient is changed in place; "
                           "do it under minigrad.no_grad(), or on .data")
    if is_read_only(x):
        raise RuntimeError(f"{name}: {READ_ONLY}")
    if x.views is None or sharing.is_free(x):
        new = _fitting(x, name, compute())
        x.array, x.views = new.array, None
    else:
        new = _write_through(x, name, compute)
    rebind(x, new.node)
    return x


def _misfit(x: Tensor, others: tuple, error: ValueError) -> str:
    """Return the array library's complaint; about shapes, in words that name them."""
    if "broadcast" not in str(error) or not hasattr(others[0], "shape"):
        return str(error)
    return f"shape {tuple(others[0].shape)} does not fit into {tuple(x.array.shape)}, or into the place in it"


def _fitting(x: Tensor, name: str, new: Any) -> Any:
    """Return the result in the dtype of `x`; raise RuntimeError if it may not be stored there."""
    if new.array.shape != x.array.shape:
        raise RuntimeError(f"{name}: a result of shape {tuple(new.array.shape)} does not fit into a tensor of {tuple(x.array.shape)}")
    _check_fits(x, name, new.array.dtype)
    return new if new.array.dtype == x.array.dtype else ops.astype(new, x.array.dtype)


def _write_through(x: Tensor, name: str, compute: Any) -> Any:
    """Write compute() into memory that other tensors or arrays show too, and let it enter the history of the views among these.

    `compute` works on a copy of the memory, because it may save what it works on, and a saved array must not be written.
    """
    views, memory = sharing.views_of(x), x.array
    if any([view._requires_grad and view.node is None for view in views]):
        raise RuntimeError(f"{name}: a view of a leaf tensor that requires a gradient is changed in place; "
                           "do it under minigrad.no_grad(), or on .data")
    if sharing.has_opaque(x):
        raise RuntimeError(f"{name}: a recorded tensor of shape {tuple(memory.shape)} shares its memory with one that has another "
                           "gradient; change a clone() instead")
    x.array = backend.copy(memory)
    try:
        new = _fitting(x, name, compute())
    finally:
        x.array = memory
    memory[...] = new.array
    wrote(memory)
    for view in views:
        rebind(view, _seen_in(view, new, memory).node)
    return new


def _seen_in(view: Tensor, new: Tensor, memory: Any) -> Any:
    """Return the recorded value of `view` after `new` was written to `memory`, of which it shows a part."""
    if view.array.flags.c_contiguous and memory.flags.c_contiguous and backend.byte_bounds(view.array) == backend.byte_bounds(memory):
        return ops.reshape(new, view.array.shape)
    places = backend.places_in(view.array, memory)
    found = places >= 0
    all_found = bool(found.all())
    places = backend.asarray(places if all_found else places[found], like=memory)
    part = ops.getitem(ops.reshape(new, (-1,)), key=(places, Ellipsis))
    if all_found:
        return part
    rest = view if view._requires_grad else wrap(backend.copy(view.array))  # what a node holds may not be written by the next change
    return ops.assign(rest, part, first=(Ellipsis,), last=backend.asarray(found, like=memory))  # a mask alone: its name is CopySlices


READ_ONLY = "the tensor shows a read-only array, or one expanded without a copy; change a clone() instead"


def is_read_only(x: Tensor) -> bool:
    """Return whether the memory of `x` must not, or cannot element by element, be written."""
    array = x.array
    if type(array) is backend.ndarray:
        return not array.flags.writeable
    return array.size > 0 and any([step == 0 and n > 1 for step, n in zip(array.strides, array.shape)])  # CuPy has no such flag


def storable(x: Tensor, value: Any, name: str) -> Any:
    """Return `value` as a number or raw array to be written into `x`; a 0-d tensor of the host as a number, which goes with any device."""
    if not isinstance(value, Tensor):
        value = backend.plain_array(value, name)
        if isinstance(value, backend.NumPyScalar):
            value = value.item()
        if isinstance(value, (bool, int, float)):
            value = backend.fitting(value, x.array.dtype, name)
        elif not backend.is_array(value):
            found = backend.plain_array(backend.asarray(value), name)  # raises for None, texts, and lists of them
            numbers = [backend.fitting(number, x.array.dtype, name) for number in found.reshape(-1).tolist()]
            value = backend.asarray(numbers, x.array.dtype, like=x.array).reshape(found.shape)
        return backend.filler(value, x.array)
    number = value.array.ndim == 0 and type(value.array) is not type(x.array) and backend.device_of(value.array) == "cpu"
    return backend.filler(value.array.item(), x.array) if number else value.array


def arithmetic(x: Tensor, ufunc: str, function: Any, other: Any) -> Any:
    """Replace `x` by function(x, other); `ufunc` is NumPy's name of it."""
    def write() -> None:
        array = storable(x, other, name) if isinstance(other, Tensor) else backend.operand(other, name)
        result = backend.result_dtype([x.array, array])
        _check_fits(x, name, result, ufunc == "divide")
        backend.check_bools(result, function.__name__)
        if result == backend.float16:  # float16 is computed in float32
            with modes.no_grad():
                x.array[...] = function(x, other).array
            return
        array = array.astype(result) if backend.is_array(array) else backend.filler(backend.wrapped(array, result, name), x.array)
        getattr(backend.array_module(x.array), ufunc)(x.array, array, out=x.array, casting="unsafe")

    name = f"{function.__name__}_"
    return change(x, name, (other,), lambda: function(x, other), write)


def _check_fits(x: Tensor, name: str, result: Any, divides: bool = False) -> None:
    """Raise RuntimeError for a result that PyTorch does not store: floating-point among whole numbers, or any numbers among bools."""
    kind, own = "f" if divides else result.kind, x.array.dtype.kind
    if (kind == "f" and own != "f") or (kind != "b" and own == "b"):
        what = "a floating-point result" if kind == "f" else f"a result of {result}"
        raise RuntimeError(f"{name}: {what} cannot be stored in a tensor of {x.dtype}; use the form without _")


def replace(x: Tensor, name: str, compute: Any, *others: Any) -> Any:
    """Replace `x` by compute(), whose operands beside `x` are `others`."""
    def write() -> None:
        with modes.no_grad():
            result = compute()
        _check_fits(x, name, result.dtype)
        x.array[...] = result.array

    return change(x, name, others, compute, write)


def draw_into(x: Tensor, name: str, draw: Any, parameters: tuple, generator: Any, kinds: str = "f") -> Any:
    """Replace `x`, of one of these kinds of dtypes, by random numbers from `draw`, of this generator or the default one."""
    if x.array.dtype.kind not in kinds:
        raise NotImplementedError(f"{name}: expected a floating-point tensor, got {x.dtype}")
    if x._requires_grad and modes.recording.get():
        raise RuntimeError(f"{name}: a tensor that requires a gradient cannot be filled with random numbers while recording; use no_grad()")
    if is_read_only(x):
        raise RuntimeError(f"{name}: {READ_ONLY}")
    backend.random.fill(draw, x.array, parameters, generator.stream if generator is not None else backend.random.default)
    wrote(x.array)
    return x
