"""Making tensors: from data, filled, counted, and drawn at random."""

from __future__ import annotations

import math
import operator
import warnings
from typing import Any

from . import backend
from .autograd import graph, sharing
from .tensor import Tensor, _tensor, sizes


def _target(device: Any, generator: Any = None) -> str:
    return backend.device(device).type if device is not None else "cpu"


def _floating(dtype: Any) -> Any:
    """The dtype asked for, or the default one."""
    return backend.dtype_of(dtype, backend.get_default_dtype())


def _made(array: Any, device: Any, requires_grad: bool) -> Tensor:
    return Tensor(backend.to_device(array, _target(device)), requires_grad)


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new leaf tensor with a copy of `data` (a number, nested lists, an array, a tensor). Python floats become the default dtype."""
    source = data.array if isinstance(data, Tensor) else _entering(data, "tensor")
    if backend.is_array(source):
        copied = backend.quietly(source.astype, backend.dtype_of(dtype, source.dtype))
        return Tensor(backend.to_device(copied, _target(device) if device is not None else backend.device_of(copied)), requires_grad)
    found: set = set()
    plain = _plain(source, found)
    wanted = backend.dtype_of(dtype) or backend.common_dtype(found)
    return _made(_array_of(plain, wanted, found), device, requires_grad)


def _array_of(plain: Any, dtype: Any, found: set) -> Any:
    """The array of this dtype that a number or nested lists of them make; `found`: the dtypes met in them."""
    try:
        if dtype.kind in "iu" and found != {int}:
            plain = _fitted(plain, dtype)
        try:
            return backend.quietly(backend.asarray, plain, dtype)
        except OverflowError:
            return backend.asarray(_fitted(plain, dtype), dtype)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"tensor: the data is no regular array of {dtype}: {error}") from error


def _fitted(plain: Any, dtype: Any) -> Any:
    """Numbers as they are stored among whole ones; a RuntimeError where one does not fit."""
    return [_fitted(part, dtype) for part in plain] if isinstance(plain, list) else backend.fitting(plain, dtype, "tensor")


def _entering(data: Any, name: str) -> Any:
    """`data` as `plain_array` gives it; an array of CuPy's may come before anything else has asked for CuPy."""
    if type(data).__module__.partition(".")[0] == "cupy":
        backend.cuda.library()
    return backend.plain_array(data, name)


def _plain(data: Any, found: set) -> Any:
    """`data` as a Python number or nested lists; the dtypes met in it are added to `found`."""
    kind = type(data)
    if kind in PYTHON:
        found.add(kind)
        return data
    if kind is list or kind is tuple:
        return [_plain(part, found) for part in data]
    data = backend.plain_array(data, "tensor")
    if isinstance(data, (Tensor, backend.NumPyScalar)) or backend.is_array(data):
        found.add(data.dtype)
        return data.tolist()
    if isinstance(data, (str, bytes, dict, set)) or not hasattr(data, "__len__"):
        raise TypeError(f"tensor: {kind.__name__} data cannot be made a tensor; expected numbers or bools")
    return [_plain(part, found) for part in data]


PYTHON = (float, int, bool)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor, on the same memory where that is possible."""
    if isinstance(data, Tensor):
        return data.to(dtype=dtype, device=device)
    data = _entering(data, "as_tensor")
    if backend.is_array(data):
        return _on_memory(data).to(dtype=dtype, device=device)
    return tensor(data, dtype=dtype, device=device)


def from_numpy(array: Any) -> Tensor:
    """A tensor on the memory of a NumPy (or CuPy) array: changes to one are seen in the other.

    An array that cannot be written to gives a tensor that refuses to be changed in place, and a warning. One in another byte order
    than the machine's is copied, the only case in which the memory is not shared.
    """
    array = _entering(array, "from_numpy")
    if not backend.is_array(array):
        raise TypeError(f"from_numpy: expected an array, got {type(array).__name__}; use tensor(…)")
    return _on_memory(array)


def _on_memory(array: Any) -> Tensor:
    """A tensor on the memory of an array; a warning if that cannot be written to."""
    if not getattr(getattr(array, "flags", None), "writeable", True):  # CuPy has no such flag
        warnings.warn(READ_ONLY, stacklevel=3)
    out = graph.wrap(array)
    sharing.expose(out)
    return out


READ_ONLY = ("The given NumPy array is not writable. The tensor shares its memory and refuses to be changed in place; "
             "copy the array, or use tensor(…), for one that can be changed")


def _lengths(lengths: tuple, size: Any) -> tuple:
    """The shape given as numbers, as one tuple, or by the keyword `size`."""
    return _not_negative("size", sizes(lengths if size is None else (tuple(size),)))


def _not_negative(name: str, numbers: Any) -> Any:
    """The number (or the numbers), if none is below 0."""
    if any(n < 0 for n in (numbers if isinstance(numbers, tuple) else (numbers,))):
        raise RuntimeError(f"{name}: expected no number below 0, got {numbers}")
    return numbers


def _filled(name: str, shape: tuple, dtype: Any, device: Any, requires_grad: bool, *value: Any) -> Tensor:
    kind = _target(device)
    xp = backend.array_module(None) if kind == "cpu" else backend.cuda.library()
    return Tensor(getattr(xp, name)(_lengths(*shape), *value, dtype=_floating(dtype)), requires_grad)


def zeros(*lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All 0."""
    return _filled("zeros", (lengths, size), dtype, device, requires_grad)


def ones(*lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All 1."""
    return _filled("ones", (lengths, size), dtype, device, requires_grad)


def empty(*lengths: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uninitialised."""
    return _filled("empty", (lengths, size), dtype, device, requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All `fill_value`, whose Python type decides the dtype."""
    fill_value = fill_value.array if isinstance(fill_value, Tensor) else backend.operand(fill_value, "full")
    if not isinstance(fill_value, PYTHON) and fill_value.size != 1:
        raise TypeError(f"full: expected a number or a tensor of one element, got one of shape {tuple(fill_value.shape)}")
    number = fill_value if isinstance(fill_value, PYTHON) else backend.item(fill_value)
    dtype = backend.result_dtype([number]) if dtype is None else backend.dtype_of(dtype)
    number = backend.fitting(number, dtype, "full")
    return _filled("full", ((), size), dtype, device, requires_grad, number)


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All 0, like another tensor."""
    return zeros(_tensor(input, "zeros_like").shape, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All 1, like another tensor."""
    return ones(_tensor(input, "ones_like").shape, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uninitialised, like another tensor."""
    return empty(_tensor(input, "empty_like").shape, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """All `fill_value`, like another tensor."""
    shape = _tensor(input, "full_like").shape
    return full(shape, fill_value, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


def _counted(numbers: tuple) -> Any:
    return backend.int64 if all(isinstance(n, int) for n in numbers) else backend.get_default_dtype()


def arange(start: Any = None, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None,
           requires_grad: bool = False) -> Tensor:
    """start, start + step, … below `end` (0 … start-1 with one argument)."""
    start, end = (0, start) if end is None else (0 if start is None else start, end)
    start, end, step = _numbers("arange", start, end, step)
    if not step or not 0 <= (end - start) / step < backend.inf:
        raise RuntimeError(f"arange: no way from {start} to {end} in steps of {step}")
    wanted = backend.dtype_of(dtype, _counted((start, end, step)))
    if wanted == backend.bool_:
        raise NotImplementedError("arange: not defined for bools; use another dtype, and .bool()")
    if wanted == backend.int64:
        start, end, step = int(start), int(end), int(step) or 1
    whole = isinstance(start, int) and isinstance(end, int) and isinstance(step, int)
    array = backend.array_module(None).arange(-((start - end) // step) if whole else math.ceil((end - start) / step))
    if start or step != 1:
        array = start + array * step
    return _made(backend.quietly(array.astype, wanted, copy=False), device, requires_grad)


def _numbers(name: str, *values: Any) -> list:
    """Python numbers of these: numbers, or tensors and arrays of one element."""
    raw = [value.array if isinstance(value, Tensor) else backend.operand(value, name) for value in values]
    return [backend.item(value) if backend.is_array(value) else value for value in raw]


def linspace(start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`steps` numbers from start to end, both included; whole ones are cut towards 0, each half of them from its own end, as in PyTorch."""
    start, end = _numbers("linspace", start, end)
    xp, wanted, last = backend.array_module(None), _floating(dtype), _not_negative("steps", steps) - 1
    start, end = (backend.fitting(n, wanted, "linspace") for n in (start, end))
    if wanted.kind == "f":
        return _made(xp.linspace(start, end, steps, dtype=wanted), device, requires_grad)
    step, i = (end - start) / max(last, 1), xp.arange(steps)
    array = xp.where(i < max(steps // 2, 1), start + step * i, end - step * (last - i))
    return _made(array.astype(wanted), device, requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """1 on the diagonal, 0 elsewhere."""
    return _made(backend.array_module(None).eye(_not_negative("n", n), m, dtype=_floating(dtype)), device, requires_grad)


# ---- random


class Generator:
    """A source of random numbers of its own, made of a seed and the count of its draws.

    Generator() draws on the host, the same numbers for every device and number of threads; filling a tensor on a GPU copies them there.
    Generator("cuda") draws on the GPU, into the tensor that is filled: other numbers, the same on every GPU up to the rounding of log and
    cos. `minigrad train --device cuda` draws its noise so, and weights and order of the images on the host.
    """

    def __init__(self, device: Any = "cpu") -> None:
        self.stream = backend.random.Stream(67280421310721, backend.device(device).type)

    @property
    def device(self) -> backend.device:
        """Where the numbers are drawn."""
        return backend.device(self.stream.device)

    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed`; returns self."""
        self.stream.reseed(operator.index(seed))
        return self

    def seed(self) -> int:
        """Start again from a seed of the operating system's; returns it."""
        self.stream = backend.random.Stream(None, self.stream.device)
        return self.stream.seed

    def initial_seed(self) -> int:
        """The seed that the numbers started from."""
        return self.stream.seed

    def get_state(self) -> Tensor:
        """The state (seed and number of draws) as 16 bytes."""
        raw = self.stream.seed.to_bytes(8, "little") + self.stream.calls.to_bytes(8, "little")
        return Tensor(backend.asarray(list(raw), backend.uint8))

    def set_state(self, state: Tensor) -> Generator:
        """Continue from a state of `get_state`."""
        raw = bytes(state.tolist()) if state.dtype == backend.uint8 else b""
        if len(raw) != 16:
            raise ValueError(f"set_state: expected 16 bytes (uint8) of get_state(), got shape {tuple(state.shape)}, {state.dtype}")
        self.stream.reseed(int.from_bytes(raw[:8], "little"))
        self.stream.calls = int.from_bytes(raw[8:], "little")
        return self


default_generator = Generator()
default_generator.stream = backend.random.default


def manual_seed(seed: int) -> Generator:
    """Start the default generator again from `seed`."""
    return default_generator.manual_seed(int(seed))


def initial_seed() -> int:
    """The seed of the default generator."""
    return default_generator.initial_seed()


def _stream(generator: Any) -> Any:
    return backend.random.default if generator is None else generator.stream


def _drawn(array: Any, device: Any, generator: Any, requires_grad: bool) -> Tensor:
    kind = _target(device) if device is not None else _stream(generator).device
    return Tensor(backend.to_device(array, kind), requires_grad)


def _drawable(name: str, dtype: Any) -> Any:
    """The dtype asked for, or the default one; NotImplementedError for whole numbers, all of which would be 0 or so."""
    found = _floating(dtype)
    if found.kind != "f":
        raise NotImplementedError(f"{name}: expected a floating-point dtype, got {found}; use randint for whole numbers")
    return found


def rand(*lengths: Any, size: Any = None, generator: Any = None, dtype: Any = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:
    """Uniform on [0, 1)."""
    array = backend.random.uniform(_lengths(lengths, size), _drawable("rand", dtype), 0, 1, _stream(generator))
    return _drawn(array, device, generator, requires_grad)


def randn(*lengths: Any, size: Any = None, generator: Any = None, dtype: Any = None, device: Any = None,
          requires_grad: bool = False) -> Tensor:
    """Gaussian, mean 0, standard deviation 1."""
    array = backend.random.normal(_lengths(lengths, size), _drawable("randn", dtype), 0, 1, _stream(generator))
    return _drawn(array, device, generator, requires_grad)


def rand_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`rand`, like another tensor."""
    return rand(_tensor(input, "rand_like").shape, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


def randn_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`randn`, like another tensor."""
    return randn(_tensor(input, "randn_like").shape, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad)


def randint(low: int, high: Any = None, size: Any = None, *, generator: Any = None, dtype: Any = None, device: Any = None) -> Tensor:
    """Whole numbers, uniform on [low, high) (on [0, low) as randint(high, size))."""
    if size is None:
        low, high, size = 0, low, high
    low, high = operator.index(low), operator.index(high)
    if high <= low:
        raise RuntimeError(f"randint: expected low < high, got {low} and {high}")
    wanted, lengths = backend.dtype_of(dtype, backend.int64), _not_negative("size", sizes((size,)))
    for limit in (low, high - 1):
        backend.fitting(limit, wanted, "randint")
    array = backend.random.integers(lengths, wanted, low, high, _stream(generator))
    return _drawn(array, device, generator, False)


def randperm(n: int, *, generator: Any = None, dtype: Any = None, device: Any = None) -> Tensor:
    """0 … n-1 in random order."""
    array = backend.random.permutation(_not_negative("n", operator.index(n)), backend.dtype_of(dtype, backend.int64), _stream(generator))
    return _drawn(array, device, generator, False)


def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Any = None, dtype: Any = None, device: Any = None
) -> Tensor:
    """Gaussian with this mean and standard deviation; with tensors of them, one number for each of their elements."""
    if size is None:
        spread = mean * 0 + std
        return mean + spread * randn_like(spread) if isinstance(spread, Tensor) else tensor(spread)
    mean, std = _numbers("normal", mean, std)
    if not std >= 0:
        raise RuntimeError(f"normal: expected a standard deviation of at least 0, got {std}")
    array = backend.random.normal(tuple(size), _drawable("normal", dtype), mean, std, _stream(generator))
    return _drawn(array, device, generator, False)
