"""Tensors made from data, filled with one number, or counted; `random.py` draws them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from .. import backend, ops
from ..autograd import graph, sharing
from ..printing import Size
from .arguments import check_input, check_not_negative, check_number, device_name, dtype_or_default, lengths
from .types import DeviceLike, DTypeLike, Length, Operand, Tensor, named

__all__ = ["arange", "as_tensor", "empty", "empty_like", "eye", "from_numpy", "full", "full_like", "linspace", "ones",
           "ones_like", "tensor", "zeros", "zeros_like"]


def tensor(data: Any, *, dtype: DTypeLike = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """Return a new leaf tensor with a copy of `data`: a number, nested lists, an array, a tensor. Python floats become the default dtype.

    Raise ValueError if the lists are no regular array, TypeError if they hold anything but numbers and bools.
    """
    source = data.array if isinstance(data, Tensor) else _entering(data, "tensor")
    if backend.is_array(source):
        copied = backend.without_fp_warnings(source.astype, backend.dtype_of(dtype, source.dtype))
        return leaf(copied, backend.device_of(copied) if device is None else device, requires_grad)
    found: set[Any] = set()
    plain = _plain(source, found)
    wanted = backend.dtype_of(dtype) or backend.common_dtype(found)
    return leaf(_array_of(plain, wanted, found), device, requires_grad)


def _array_of(plain: Any, dtype: Any, found: set[Any]) -> Any:
    """Return a number, or nested lists of numbers, as an array of this dtype; `found` are the dtypes of the numbers."""
    try:
        if dtype.kind in "iu" and found != {int}:
            plain = _fitted(plain, dtype)
        try:
            return backend.without_fp_warnings(backend.asarray, plain, dtype)
        except OverflowError:
            return backend.asarray(_fitted(plain, dtype), dtype)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"tensor: the data is no regular array of {dtype}: {error}") from error


def _fitted(plain: Any, dtype: Any) -> Any:
    """Return a number, or nested lists of numbers, as an integer dtype stores them; raise RuntimeError for one that does not fit."""
    return [_fitted(part, dtype) for part in plain] if isinstance(plain, list) else backend.fitting(plain, dtype, "tensor")


def _entering(data: Any, name: str) -> Any:
    """Return `data` as `plain_array` does. If it is CuPy's array, load CuPy first, so that arrays of this type are known."""
    if type(data).__module__.partition(".")[0] == "cupy":
        backend.cuda.library()
    return backend.plain_array(data, name)


def _plain(data: Any, found: set[Any]) -> Any:
    """Return `data` as a Python number or nested lists of numbers; add their dtypes to `found`."""
    kind = type(data)
    if kind in backend.NUMBERS:
        found.add(kind)
        return data
    if kind is list or kind is tuple:
        return [_plain(part, found) for part in data]
    data = backend.plain_array(data, "tensor")
    if isinstance(data, (Tensor, backend.NumPyScalar)) or backend.is_array(data):
        found.add(data.dtype)
        return data.item() if isinstance(data, Tensor) and data.array.size == 1 else data.tolist()
    if isinstance(data, (str, bytes, dict, set)) or not hasattr(data, "__len__"):
        raise TypeError(f"tensor: {kind.__name__} data cannot be made a tensor; expected numbers or bools")
    return [_plain(part, found) for part in data]


def as_tensor(data: Any, dtype: DTypeLike = None, device: DeviceLike = None) -> Tensor:
    """Return `data` as a tensor, on the same memory where that is possible."""
    if isinstance(data, Tensor):
        return data.to(dtype=dtype, device=device)
    data = _entering(data, "as_tensor")
    if backend.is_array(data):
        return _on_memory(data).to(dtype=dtype, device=device)
    return tensor(data, dtype=dtype, device=device)


def from_numpy(array: backend.ndarray[Any, Any]) -> Tensor:
    """Return a tensor on the memory of a NumPy (or CuPy) array: changes to one are seen in the other.

    An array that cannot be written to gives a tensor that refuses to be changed in place, and a warning. One in another byte order
    than the machine's is copied, the only case in which the memory is not shared.
    """
    array = _entering(array, "from_numpy")
    if not backend.is_array(array):
        raise TypeError(f"from_numpy: expected an array, got {type(array).__name__}; use tensor(…)")
    return _on_memory(array)


def _on_memory(array: Any) -> Tensor:
    """Return a tensor on the memory of an array; warn if that cannot be written to."""
    if not getattr(getattr(array, "flags", None), "writeable", True):  # CuPy has no such flag
        warnings.warn(READ_ONLY, stacklevel=3)
    out = graph.wrap(array)
    sharing.expose(out)
    return out


READ_ONLY = ("The given NumPy array is not writable. The tensor shares its memory and refuses to be changed in place; "
             "copy the array, or use tensor(…), for one that can be changed")


def leaf(array: Any, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor over `array`, brought to `device` (the CPU if none is given), that no operation made."""
    array = backend.to_device(array, device_name(device))
    out: Tensor = graph.wrap(array if backend.is_array(array) else backend.asarray(array))  # NumPy's 0-d results are scalars
    if requires_grad:
        out.requires_grad = requires_grad
    return out


def _filled(name: str, shape: tuple[int, ...], dtype: DTypeLike, device: DeviceLike, requires_grad: bool, *value: Any) -> Tensor:
    """Return a tensor made by the array library's function `name`, on the device itself."""
    xp = backend.array_module(None) if device_name(device) == "cpu" else backend.cuda.library()
    return leaf(getattr(xp, name)(shape, *value, dtype=dtype_or_default(dtype)), device, requires_grad)


def zeros(
    *shape: Length, size: Length | None = None, dtype: DTypeLike = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Return a tensor of zeros, its shape given as numbers or as one tuple."""
    return _filled("zeros", lengths(shape, size), dtype, device, requires_grad)


def ones(
    *shape: Length, size: Length | None = None, dtype: DTypeLike = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Return a tensor of ones, its shape given as numbers or as one tuple."""
    return _filled("ones", lengths(shape, size), dtype, device, requires_grad)


def empty(
    *shape: Length, size: Length | None = None, dtype: DTypeLike = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Return an uninitialised tensor: its elements have whatever values its memory had."""
    return _filled("empty", lengths(shape, size), dtype, device, requires_grad)


def full(size: Length, fill_value: Operand, *, dtype: DTypeLike = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor whose elements are all `fill_value`, whose type decides the dtype if none is given."""
    number = check_number(fill_value, "full")
    dtype = backend.result_dtype([number]) if dtype is None else backend.dtype_of(dtype)
    number = backend.fitting(number, dtype, "full")
    return _filled("full", lengths((), size), dtype, device, requires_grad, number)


def zeros_like(input: Tensor, *, dtype: DTypeLike = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of zeros, with the shape, dtype and device of `input` unless others are given."""
    return like(zeros, input, dtype, device, requires_grad)


def ones_like(input: Tensor, *, dtype: DTypeLike = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of ones, with the shape, dtype and device of `input` unless others are given."""
    return like(ones, input, dtype, device, requires_grad)


def empty_like(input: Tensor, *, dtype: DTypeLike = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of uninitialised elements, with the shape, dtype and device of `input` unless others are given."""
    return like(empty, input, dtype, device, requires_grad)


def full_like(
    input: Tensor, fill_value: Operand, *, dtype: DTypeLike = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Return a tensor whose elements are all `fill_value`, with the shape, dtype and device of `input` unless others are given."""
    return like(full, input, dtype, device, requires_grad, fill_value)


def like(make: Any, input: Tensor, dtype: DTypeLike, device: DeviceLike, requires_grad: bool, *value: Any) -> Tensor:
    """Return what `make` makes with the shape, dtype and device of `input`, unless others are given."""
    shape = check_input(input, f"{make.__name__}_like").shape
    out: Tensor = make(shape, *value, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)
    return out


def arange(start: Any = None, end: Any = None, step: Any = 1, *, dtype: DTypeLike = None, device: DeviceLike = None,
           requires_grad: bool = False) -> Tensor:
    """Return start, start + step, …, up to but without `end`; with one argument, from 0 up to it. Whole numbers give int64."""
    start, end = (0, start) if end is None else (0 if start is None else start, end)
    start, end, step = (check_number(n, "arange") for n in (start, end, step))
    if not step or not 0 <= (end - start) / step < backend.inf:
        raise RuntimeError(f"arange: no way from {start} to {end} in steps of {step}")
    whole = all([isinstance(n, int) for n in (start, end, step)])
    wanted = backend.dtype_of(dtype, backend.int64 if whole else backend.get_default_dtype())
    if wanted == backend.bool_:
        raise NotImplementedError("arange: not defined for bools; use another dtype, and .bool()")
    if wanted == backend.int64:
        start, end, step, whole = int(start), int(end), int(step) or 1, True
    array = backend.array_module(None).arange(-((start - end) // step) if whole else math.ceil((end - start) / step))
    if start or step != 1:
        array = start + array * step
    return leaf(backend.without_fp_warnings(array.astype, wanted, copy=False), device, requires_grad)


def linspace(
    start: float | Tensor, end: float | Tensor, steps: int, *, dtype: DTypeLike = None, device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return `steps` numbers from start to end, both included, at equal distances.

    Whole numbers are cut towards 0, each half of them counted from its own end, as in PyTorch.
    """
    xp, wanted, last = backend.array_module(None), dtype_or_default(dtype), check_not_negative("steps", steps) - 1
    start, end = (backend.fitting(check_number(n, "linspace"), wanted, "linspace") for n in (start, end))
    if wanted.kind == "f":
        return leaf(xp.linspace(start, end, steps, dtype=wanted), device, requires_grad)
    step, i = (end - start) / max(last, 1), xp.arange(steps)
    array = xp.where(i < max(steps // 2, 1), start + step * i, end - step * (last - i))
    return leaf(array.astype(wanted), device, requires_grad)


def eye(n: int, m: int | None = None, *, dtype: DTypeLike = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """Return a matrix of n rows and m (or n) columns with 1 on the diagonal and 0 elsewhere."""
    rows, columns = check_not_negative("n", n), check_not_negative("m", n if m is None else m)
    return leaf(backend.array_module(None).eye(rows, columns, dtype=dtype_or_default(dtype)), device, requires_grad)


# ---- like a tensor, as its methods


def new(self: Tensor, *data: Any) -> Tensor:
    """Return an uninitialised tensor of this dtype and device, or one with the elements of a list, an array or a tensor."""
    return from_old_arguments(data, self.dtype, self.device)


def from_old_arguments(data: tuple[Any, ...], dtype: Any, device: DeviceLike = None, name: str = "new") -> Tensor:
    """Return the tensor of `dtype` for FloatTensor(2, 3), uninitialised, or FloatTensor([1, 2]).

    An array that has that dtype shares its memory. A tensor must have it, else TypeError is raised; the result is a view of it.
    """
    given = data[0] if len(data) == 1 else None
    if isinstance(given, Tensor):
        if dtype not in (None, given.dtype):
            raise TypeError(f"{name}: expected a tensor of {dtype}, got one of {given.dtype}; use .type or .to")
        return ops.getitem(given, key=(Ellipsis,))
    given = _entering(given, name)
    if backend.is_array(given):
        return _on_memory(given) if given.dtype == dtype else tensor(given, dtype=dtype, device=device)
    if isinstance(given, (list, tuple, range)) and not isinstance(given, Size):
        return tensor(given, dtype=dtype, device=device)
    return empty(*data or (0,), dtype=dtype, device=device)


def new_by(make: Any) -> Callable[..., Tensor]:
    """Return the method that makes what `make` makes, of its tensor's dtype and on its device unless others are given."""
    def method(self: Tensor, *arguments: Any, dtype: DTypeLike = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
        out: Tensor = make(*arguments, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad)
        return out

    return named(method, f"new_{make.__name__}", f"Return what `{make.__name__}` does, of this dtype and device unless others are given.")
