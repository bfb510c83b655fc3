"""Which library an array belongs to, where it lives, what it is made of, and how dtypes promote."""

from __future__ import annotations

import sys
from typing import Any

import numpy
from numpy import ndarray as ndarray  # one of the names that minigrad.backend exports

float16, float32, float64 = numpy.dtype("float16"), numpy.dtype("float32"), numpy.dtype("float64")
int8, int16, int32, int64 = (numpy.dtype(f"int{n}") for n in (8, 16, 32, 64))
uint8, bool_ = numpy.dtype("uint8"), numpy.dtype("bool")

_known = {float16, float32, float64, int8, int16, int32, int64, bool_, *(numpy.dtype(f"uint{n}") for n in (8, 16, 32, 64))}  # of tensors

dtype = numpy.dtype
inf, nan = float("inf"), float("nan")
Scalar = (bool, int, float)
PYTHON = {bool, int, float, list, tuple}
NumPyScalar = numpy.generic

_modules: dict = {ndarray: None}  # type of array -> module with NumPy's names; NumPy's own is set by `cpu`
_devices: dict = {ndarray: "cpu"}


class DeviceMismatchError(TypeError):
    """Arrays of two devices met in one operation."""


def register(array_type, module, device):
    """Declare that arrays of `array_type` live on `device` and are handled by `module` (NumPy's names)."""
    _modules[array_type] = module
    if device is not None:
        _devices[array_type] = device


def array_module(x: Any) -> Any:
    """The module with NumPy's names that handles `x`: NumPy, CuPy, or `minigrad.ops` for a Tensor."""
    try:
        return _modules[type(x)]
    except KeyError:
        return _inherited(type(x))


def _inherited(kind):
    """The module of the nearest base class (a subclass of Tensor, say), remembered; NumPy for anything else."""
    for base in kind.__mro__:
        if base in _modules:
            _modules[kind] = _modules[base]
            return _modules[kind]
    return _modules[ndarray]


def device_of(array):
    """"cpu" or "cuda"."""
    return _devices.get(type(array), "cpu")


def is_array(x):
    """Whether `x` is a raw array of a known library."""
    return type(x) in _devices


def asarray(x, dtype=None, like=None):
    """`x` as an array of the library of `like` (NumPy without it); no copy where none is needed."""
    xp = numpy if like is None or type(like) is ndarray else array_module(like)
    return xp.asarray(x, dtype=dtype)


def plain_array(x, name):
    """Return `x` as tensors take it: an array as a plain one of a dtype that tensors have, anything else as it is. `name` is for messages.

    A subclass (a memmap, a matrix) becomes a view of its memory; its meaning of * and ** is lost, and a tensor's holds. An array in
    another byte order is copied into the machine's. Raise TypeError for masked values and for a dtype that tensors do not have.
    """
    kind = type(x)
    if kind in PYTHON or (kind in _devices and x.dtype in _known):  # the frequent cases
        return x
    if not isinstance(x, (ndarray, numpy.generic)) and kind not in _devices:
        return x
    if isinstance(x, ndarray) and kind is not ndarray:
        ma = sys.modules.get("numpy.ma")
        if ma is not None and isinstance(x, ma.MaskedArray) and ma.is_masked(x):
            raise TypeError(f"{name}: the mask of a masked array would be lost; fill it first, e.g. array.filled(0)")
        x = numpy.asarray(x)
    if x.dtype in _known:
        return x
    return x.astype(_known_dtype(x.dtype, name))


def _known_dtype(found, name):
    """Return `found` in the machine's byte order; raise TypeError, with the way out, if tensors do not have it."""
    native = found.newbyteorder("=")
    if native in _known:
        return native
    way = f"make one of each field, e.g. of array[{found.names[0]!r}]" if found.names else WAYS_OUT.get(found.kind)
    raise TypeError(f"{name}: {native} data cannot be made a tensor; expected numbers or bools" + (f"; {way}" if way else ""))


WAYS_OUT = {
    "f": "use array.astype('float64')",  # the longer kinds
    "c": "make one of array.real and one of array.imag",
    "O": "make it an array of numbers first, e.g. with array.astype('float64')",
    "U": "make numbers of texts first, e.g. with array.astype('float64')",
    "S": "make numbers of texts first, e.g. with array.astype('float64')",
    "M": "count the time in its units with array.astype('int64')",
    "m": "count the time in its units with array.astype('int64')",
}


def dtype_of(name, default=None):
    """A numpy.dtype in the machine's byte order from a dtype, its name, or Python's bool, int, float."""
    if name is None:
        return default
    try:
        found = numpy.dtype(name)
    except TypeError as error:
        raise TypeError(f"{name!r} is not a dtype; use minigrad.float32, minigrad.float64, minigrad.int64, …") from error
    if found not in _known:
        found = found.newbyteorder("=")
        if found not in _known:
            raise TypeError(f"{found} is not a dtype of tensors; use minigrad.float32, minigrad.float64, minigrad.int64, …")
    return found


_default = [float32]


def get_default_dtype() -> numpy.dtype:
    """The dtype that Python floats become: float32 unless `set_default_dtype` changed it."""
    return _default[0]


def set_default_dtype(new: numpy.dtype | type | str) -> None:
    """Make `new` (float32 or float64) the dtype that Python floats become."""
    found = dtype_of(new)
    if found is None or found.kind != "f":
        raise TypeError(f"the default dtype must be a floating-point dtype, not {found}")
    _default[0] = found


# ---- promotion, PyTorch's rules


def _promote(a, b):
    """The dtype of a + b for two arrays of equal rank in PyTorch's lattice: any float beats any integer."""
    if a is None or a == b:
        return b
    if b is None:
        return a
    if (a.kind == "f") != (b.kind == "f"):
        return a if a.kind == "f" else b
    return numpy.promote_types(a, b)


def _outrank(higher, lower):
    """PyTorch's `combine_categories`: a float keeps its width beside whatever has a lower rank."""
    if higher is None or lower is None:
        return higher if lower is None else lower
    if higher.kind == "f" or (higher.kind in "iu" and lower.kind != "f"):
        return higher
    return _promote(higher, lower)


def result_dtype(inputs):
    """PyTorch's result type: arrays with axes outrank 0-d arrays, which outrank Python numbers."""
    dims = zeros = numbers = None
    for x in inputs:
        if isinstance(x, NumPyScalar):
            x = x.item()
        if isinstance(x, bool):
            numbers = _promote(numbers, bool_)
        elif isinstance(x, int):
            numbers = _promote(numbers, int64)
        elif isinstance(x, float):
            numbers = _promote(numbers, _default[0])
        elif not hasattr(x, "ndim"):
            raise TypeError(f"expected a Tensor, an array or a number, got {type(x).__name__}")
        elif x.ndim:
            dims = _promote(dims, x.dtype)
        else:
            zeros = _promote(zeros, x.dtype)
    return _outrank(dims, _outrank(zeros, numbers))


def common_dtype(kinds):
    """The dtype for data made of `kinds`: dtypes, and Python's float, int and bool. Without any, the default."""
    known = {float: _default[0], int: int64, bool: bool_}
    found = None
    for kind in kinds:
        found = _promote(found, known.get(kind, kind))
    return found or _default[0]


def promote(arrays, name):
    """`arrays` (arrays and Python scalars) brought to one dtype as PyTorch would; arrays of equal dtype pass untouched."""
    first = None
    for a in arrays:
        t = type(a)
        if t is float or t is int:
            continue
        d = getattr(a, "dtype", None)
        if first is None and d is not None and t in _devices:
            first = d
            if d.kind != "f":
                break
        elif d is not first or t not in _devices:
            break
    else:
        return arrays
    arrays = [operand(a, name) for a in arrays]
    target = result_dtype(arrays)
    check_bools(target, name)
    first = next((a for a in arrays if is_array(a)), None)
    if len({type(a) for a in arrays if is_array(a)}) > 1:
        return arrays  # the engine reports it
    return [a if is_array(a) and a.dtype == target else
            a.astype(target) if is_array(a) else asarray(wrapped(a, target, name), target, like=first) for a in arrays]


def check_bools(dtype, name):
    """NotImplementedError for an operation that bools do not have: NumPy would make int8 of them."""
    if dtype.kind == "b" and name in ("sub", "pow", "floor_divide", "remainder"):
        raise NotImplementedError(f"{name}: not defined for bools; convert one with .long()" + (", or use ^" if name == "sub" else ""))


class NotAnOperand(TypeError):
    """An operation met what is no tensor, array or number: perhaps it knows what to do with a tensor."""


def operand(a, name):
    """Return `a` if it is a number or an array, a NumPy scalar as a Python number; else raise NotAnOperand."""
    if type(a) in Scalar or (type(a) in _devices and a.dtype in _known):
        return a
    a = plain_array(a, name)
    if isinstance(a, numpy.generic):
        return a.item()
    if isinstance(a, (bool, int, float)) or is_array(a):
        return a
    wrong = TypeError if isinstance(a, complex) else NotAnOperand
    raise wrong(f"{name}: expected a Tensor, an array or a number, got {type(a).__name__}; make it one with minigrad.tensor(…)")


def wrapped(number, dtype, name):
    """Return a number as an operand beside arrays of `dtype`: of a whole number the bits that fit, as in PyTorch, so -1 is 255 in uint8."""
    if not isinstance(number, int) or dtype.kind == "b" or 0 <= number < 128:
        return number
    if dtype.kind == "f":
        return _float(number, name)
    if not -1 << 63 <= number < 1 << 64:
        raise OverflowError(f"{name}: {number} has more than 64 bits; use a float")
    bits = 8 * dtype.itemsize
    number &= (1 << bits) - 1
    return number - (1 << bits) if dtype.kind == "i" and number >> (bits - 1) else number


def _float(number, name):
    try:
        return float(number)
    except OverflowError:
        raise OverflowError(f"{name}: a whole number of {number.bit_length()} bits is too large for a float") from None


_largest = {float16: 65504.0, float32: (2 - 2**-23) * 2.0**127, float64: sys.float_info.max}


def fitting(number, dtype, name):
    """Return a number as it is stored in `dtype`, cut to a whole one where it must be; a RuntimeError where it does not fit, as in PyTorch.

    Negative numbers wrap once in unsigned dtypes: -1 is 255 in uint8.
    """
    if type(number) is float and dtype.char in "fd" and -65504 <= number <= 65504:  # the frequent case
        return number
    if dtype.kind == "b":
        return bool(number)
    if dtype.kind == "f":
        value = _float(number, name)
        if -_largest[dtype] <= value <= _largest[dtype] or value in (inf, -inf) or value != value:
            return value if dtype != float16 else dtype.type(value).item()
    else:
        high = (1 << 8 * dtype.itemsize - (dtype.kind == "i")) - 1
        low = -high - 1 if dtype.kind == "i" else 0
        if low <= number <= high:
            return int(number)
        if low == 0 and isinstance(number, int) and -high <= number < 0:
            return number + high + 1
    wrong = OverflowError if isinstance(number, int) and not -1 << 63 <= number < 1 << 64 else RuntimeError
    raise wrong(f"{name}: {number} does not fit into {dtype}; use another dtype, or limit it first")


# ---- memory


def root(array):
    """The array that owns the memory of `array`."""
    kind = type(array)
    while isinstance(base := array.base, kind):  # a memmap's memory is seen through plain views
        array = base
    return array


def byte_bounds(array):
    """The first address that `array` touches and the one behind its last."""
    if type(array) is ndarray:
        return numpy.lib.array_utils.byte_bounds(array)
    low = high = array.data.ptr
    for size, stride in zip(array.shape, array.strides):
        low, high = low + min(0, (size - 1) * stride), high + max(0, (size - 1) * stride)
    return low, high + array.itemsize


def shares_memory(a, b):
    """Whether two arrays may touch the same memory (by bounds)."""
    if type(a) is not type(b) or root(a) is not root(b):
        return False
    (al, ah), (bl, bh) = byte_bounds(a), byte_bounds(b)
    return al < bh and bl < ah


class Span:
    """A copy of the memory that several arrays of one owner show, from the first byte of any to the last."""

    def __init__(self, shown):
        owner, bounds = root(shown[0]), [byte_bounds(array) for array in shown]
        flat = _as_it_lies(owner)[0].reshape(-1)
        self.low, first = min(low for low, _ in bounds), byte_bounds(owner)[0]
        self.copy = flat[(self.low - first) // flat.itemsize:(max(high for _, high in bounds) - first) // flat.itemsize].copy()

    def copied(self, array):
        """Return the part of the copy that `array` is of the memory, as read-only as it is; on a device one with gaps becomes its own."""
        if type(array) is ndarray:
            new = ndarray(array.shape, array.dtype, self.copy, array.__array_interface__["data"][0] - self.low, array.strides)
            new.flags.writeable = array.flags.writeable
            return new
        dense, axes = _as_it_lies(array)
        if not is_dense(array):
            return array.copy()
        start = (array.data.ptr - self.low) // array.itemsize
        new = self.copy[start:start + array.size].reshape(dense.shape)
        return array_module(array).transpose(new, sorted(range(len(axes)), key=axes.__getitem__))


def is_dense(array):
    """Return whether the elements of `array` lie one behind the other, in whatever order of axes."""
    return array.flags.c_contiguous or _as_it_lies(array)[0].flags.c_contiguous


def _as_it_lies(array):
    """Return `array` with its axes in the order of memory, and that order."""
    axes = sorted(range(len(array.shape)), key=lambda axis: -array.strides[axis])
    return array_module(array).transpose(array, axes), axes


def places_in(array, other):
    """For each element of `array`, which of `other` lies at the same address, counted row by row; -1 for none. Always NumPy's."""
    (low, addresses), (start, others) = _addresses(array), _addresses(other)
    places = numpy.full(others.max(initial=0) + 1, -1)
    places[others.reshape(-1)] = numpy.arange(others.size)
    addresses = addresses + (low - start) // array.itemsize
    inside = (addresses >= 0) & (addresses < places.size)
    return numpy.where(inside, places[addresses * inside], -1)


def _addresses(array):
    """The lowest address, and for each element the number of elements from there to it."""
    found = numpy.zeros(array.shape, numpy.int64)
    for axis, (size, stride) in enumerate(zip(array.shape, array.strides)):
        steps = numpy.arange(size) * (stride // array.itemsize)
        found += (steps - min(0, steps[-1])).reshape(-1, *(1,) * (array.ndim - axis - 1)) if size else 0
    return byte_bounds(array)[0], found
