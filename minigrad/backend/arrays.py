"""Raw arrays: which library handles an array, on which device it lives, and what part of which memory it shows."""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray as ndarray  # one of the names that minigrad.backend exports

module_by_type: dict[type, Any] = {ndarray: None}  # the module with NumPy's names for each type; `cpu.numpy_names` registers ndarray's
device_by_type = {ndarray: "cpu"}


class DeviceMismatchError(TypeError):
    """Arrays of two devices met in one operation."""


def register(array_type, module, device):
    """Let `module`, which has NumPy's names, handle objects of a type, which are raw arrays on `device` unless that is None."""
    module_by_type[array_type] = module
    if device is not None:
        device_by_type[array_type] = device


def unregister(array_type):
    """Undo `register`."""
    module_by_type.pop(array_type, None)
    device_by_type.pop(array_type, None)


def array_module(x: Any) -> Any:
    """Return the module with NumPy's names that handles `x`: NumPy's, CuPy's, or `minigrad.ops` for a Tensor."""
    try:
        return module_by_type[type(x)]
    except KeyError:
        return _inherited_module(type(x))


def _inherited_module(kind):
    """Return the module of a type's nearest known base class, such as Tensor, and remember it; NumPy's for an unknown type."""
    for base in kind.__mro__:
        if base in module_by_type:
            module_by_type[kind] = module_by_type[base]
            return module_by_type[kind]
    return module_by_type[ndarray]


def device_of(array):
    """Return the name of the device where a raw array lives: "cpu" or "cuda"."""
    return device_by_type.get(type(array), "cpu")


def is_array(x):
    """Return whether `x` is a raw array of a known library."""
    return type(x) in device_by_type


def asarray(x, dtype=None, like=None):
    """Return `x` as an array of the library of `like`, by default NumPy's, without a copy where none is needed."""
    xp = numpy if like is None or type(like) is ndarray else array_module(like)
    return xp.asarray(x, dtype=dtype)


# ---- memory


def root(array):
    """Return the array that owns the memory of `array`."""
    kind = type(array)
    while isinstance(base := array.base, kind):  # the memory of a memmap is seen through plain views
        array = base
    return array


def byte_bounds(array):
    """Return the first address that `array` touches, and the address after its last byte."""
    if type(array) is ndarray:
        return numpy.lib.array_utils.byte_bounds(array)
    low = high = array.data.ptr
    for size, stride in zip(array.shape, array.strides):
        low, high = low + min(0, (size - 1) * stride), high + max(0, (size - 1) * stride)
    return low, high + array.itemsize


def shares_memory(a, b):
    """Return whether two arrays have one owner and their byte bounds overlap; True is possible without a common element."""
    if type(a) is not type(b) or root(a) is not root(b):
        return False
    (al, ah), (bl, bh) = byte_bounds(a), byte_bounds(b)
    return al < bh and bl < ah


class Span:
    """A copy of the part of one owner's memory that several arrays show, from the first byte of any of them to the last.

    Copies of the arrays that are taken from it share memory with each other as the arrays do.
    """

    def __init__(self, arrays):
        owner, bounds = root(arrays[0]), [byte_bounds(array) for array in arrays]
        flat = _in_memory_order(owner)[0].reshape(-1)
        self.low, first = min(low for low, _ in bounds), byte_bounds(owner)[0]
        self.copy = flat[(self.low - first) // flat.itemsize:(max(high for _, high in bounds) - first) // flat.itemsize].copy()

    def copied(self, array):
        """Return a view of the copy that corresponds to `array`, read-only if `array` is; on a device, a new array if `array` has gaps."""
        if type(array) is ndarray:
            new = ndarray(array.shape, array.dtype, self.copy, array.__array_interface__["data"][0] - self.low, array.strides)
            new.flags.writeable = array.flags.writeable
            return new
        dense, axes = _in_memory_order(array)
        if not is_dense(array):
            return array.copy()
        start = (array.data.ptr - self.low) // array.itemsize
        new = self.copy[start:start + array.size].reshape(dense.shape)
        return array_module(array).transpose(new, sorted(range(len(axes)), key=axes.__getitem__))


def is_dense(array):
    """Return whether the elements of `array` fill a stretch of memory without gaps, in any order of axes."""
    return array.flags.c_contiguous or _in_memory_order(array)[0].flags.c_contiguous


def _in_memory_order(array):
    """Return `array` with its axes sorted by falling stride, and the order of axes that does this."""
    axes = sorted(range(len(array.shape)), key=lambda axis: -array.strides[axis])
    return array_module(array).transpose(array, axes), axes


def places_in(array, other):
    """Return a NumPy array that says, for each element of `array`, which element of `other` has the same address.

    The elements of `other` are counted row by row; -1 stands for none.
    """
    (low, addresses), (start, others) = _addresses(array), _addresses(other)
    places = numpy.full(others.max(initial=0) + 1, -1)
    places[others.reshape(-1)] = numpy.arange(others.size)
    addresses = addresses + (low - start) // array.itemsize
    inside = (addresses >= 0) & (addresses < places.size)
    return numpy.where(inside, places[addresses * inside], -1)


def _addresses(array):
    """Return the lowest address of `array` and, for each element, its distance from there in elements."""
    found = numpy.zeros(array.shape, numpy.int64)
    for axis, (size, stride) in enumerate(zip(array.shape, array.strides)):
        steps = numpy.arange(size) * (stride // array.itemsize)
        found += (steps - min(0, steps[-1])).reshape(-1, *(1,) * (array.ndim - axis - 1)) if size else 0
    return byte_bounds(array)[0], found
