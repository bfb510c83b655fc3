"""Changing a tensor in place: its memory is written, or, where the change is recorded, it takes over a new array and node."""

from __future__ import annotations

from typing import Any

from . import backend
from .autograd import engine, modes
from .autograd.engine import Tensor
from .autograd.writes import wrote


def in_place(x: Tensor, name: str, others: tuple, compute: Any, write: Any) -> Any:
    """Change `x` in place: write into its memory, or, where the change is recorded, let it take over a new array and node."""
    needs = x._requires_grad or any(isinstance(o, Tensor) and o._requires_grad for o in others)
    if not needs or not modes.recording.get():
        if isinstance(others[0] if others else None, Tensor) and type(others[0].array) is not type(x.array):
            engine._one_device(name, [x.array, beside(x, others[0], name)])
        before, token = backend.get_warnings(), None
        try:
            token = backend.set_warnings(backend.QUIET)
            write()
        except ValueError as error:
            raise RuntimeError(f"{name}: {READ_ONLY if is_read_only(x) else error}") from None
        finally:
            backend.set_warnings(before) if token is None else backend.reset_warnings(token)
        wrote(x.array)
        return x
    if x._requires_grad and x.node is None:
        raise RuntimeError(f"{name}: a leaf tensor that requires a gradient is changed in place; "
                           "do it under minigrad.no_grad(), or on .data")
    if not engine.is_alone(x):
        raise RuntimeError(f"{name}: a recorded tensor of shape {tuple(x.array.shape)} shares its memory with a view or a detached "
                           "tensor; change a clone() instead, or let go of the view")
    new = compute()
    if new.array.shape != x.array.shape or new.array.dtype != x.array.dtype:
        raise RuntimeError(f"{name}: the result, {tuple(new.array.shape)} {new.dtype}, does not fit into {tuple(x.array.shape)} {x.dtype}")
    keep = x.node.hooks.pop(None, None) if x.node is not None and x.node.hooks else None
    x.array, x.node, x._requires_grad, x.views = new.array, new.node, new._requires_grad, None
    if x.node is not None and keep is not None:
        x.node.hooks = {**(x.node.hooks or {}), None: keep}
    return x


READ_ONLY = "the tensor shows a read-only array, or one expanded without a copy; change a clone() instead"


def is_read_only(x: Tensor) -> bool:
    """Return whether the memory of `x` must not, or cannot element by element, be written."""
    array = x.array
    if type(array) is backend.ndarray:
        return not array.flags.writeable
    return any([step == 0 and n > 1 for step, n in zip(array.strides, array.shape)])  # CuPy's arrays have no such flag


def beside(x: Tensor, value: Any, name: str) -> Any:
    """`value` as a number or raw array to be written into `x`; a 0-d tensor of the host as a number, which goes with any device."""
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
    """x becomes function(x, other); `ufunc` is NumPy's name of the function."""
    def write() -> None:
        array = beside(x, other, name) if isinstance(other, Tensor) else backend.operand(other, name)
        result = backend.result_dtype([x.array, array])
        _check_fits(x, name, result, ufunc == "divide")
        backend.check_bools(result, function.__name__)
        if result == backend.float16:  # computed in float32
            with modes.no_grad():
                x.array[...] = function(x, other).array
            return
        array = array.astype(result) if backend.is_array(array) else backend.filler(backend.wrapped(array, result, name), x.array)
        getattr(backend.array_module(x.array), ufunc)(x.array, array, out=x.array, casting="unsafe")

    name = f"{function.__name__}_"
    return in_place(x, name, (other,), lambda: function(x, other), write)


def _check_fits(x: Tensor, name: str, result: Any, divides: bool = False) -> None:
    """RuntimeError for a floating-point result that is to be stored among whole numbers."""
    if (result.kind == "f" or divides) and x.array.dtype.kind != "f":
        raise RuntimeError(
            f"{name}: a floating-point result cannot be stored in a tensor of {x.dtype}; use the form without _"
        )


def replace(x: Tensor, name: str, compute: Any) -> Any:
    """x becomes compute()."""
    def write() -> None:
        with modes.no_grad():
            result = compute()
        _check_fits(x, name, result.dtype)
        x.array[...] = result.array

    return in_place(x, name, (), compute, write)


def draw_into(x: Tensor, name: str, draw: Any, parameters: tuple, generator: Any) -> Any:
    """x becomes random numbers from `draw`, of this generator or the default one."""
    stream = generator.stream if generator is not None else backend.random.default

    def write() -> None:
        backend.random.fill(draw, x.array, parameters, stream)

    if x.array.dtype.kind != "f":
        raise NotImplementedError(f"{name}: expected a floating-point tensor, got {x.dtype}")
    if x._requires_grad and modes.recording.get():
        raise RuntimeError(f"{name}: a tensor that requires a gradient cannot be filled with random numbers while recording; use no_grad()")
    if is_read_only(x):
        raise RuntimeError(f"{name}: {READ_ONLY}")
    write()
    wrote(x.array)
    return x
