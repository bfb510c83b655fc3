"""Random numbers: the generators, and tensors drawn by them."""

from __future__ import annotations

import operator
from typing import Any, overload

from .. import backend
from .arguments import check_not_negative, check_number, dtype_or_default, lengths
from .creation import leaf, like
from .types import DeviceLike, DTypeLike, Length, Tensor

__all__ = ["Generator", "default_generator", "initial_seed", "manual_seed", "normal", "rand", "rand_like", "randint", "randn", "randn_like",
           "randperm"]


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
        """The device that draws the numbers."""
        return backend.device(self.stream.device)

    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed`, and return self."""
        self.stream.reseed(operator.index(seed))
        return self

    def seed(self) -> int:
        """Start again from a random seed that the operating system gives, and return it."""
        self.stream.reseed(None)
        return self.stream.seed

    def initial_seed(self) -> int:
        """Return the seed that the numbers started from."""
        return self.stream.seed

    def get_state(self) -> Tensor:
        """Return the state, which is the seed and the number of draws, as 16 bytes."""
        raw = self.stream.seed.to_bytes(8, "little") + self.stream.calls.to_bytes(8, "little")
        return leaf(backend.asarray(list(raw), backend.uint8))

    def set_state(self, state: Tensor) -> Generator:
        """Continue from a state of `get_state`, and return self."""
        raw = bytes(state.tolist()) if state.dtype == backend.uint8 else b""
        if len(raw) != 16:
            raise ValueError(f"set_state: expected 16 bytes (uint8) of get_state(), got shape {tuple(state.shape)}, {state.dtype}")
        self.stream.reseed(int.from_bytes(raw[:8], "little"))
        self.stream.calls = int.from_bytes(raw[8:], "little")
        return self


default_generator = Generator()
default_generator.stream = backend.random.default


def manual_seed(seed: int) -> Generator:
    """Start the default generator again from `seed`, and return it."""
    return default_generator.manual_seed(int(seed))


def initial_seed() -> int:
    """Return the seed of the default generator."""
    return default_generator.initial_seed()


def _drawn(draw: Any, generator: Any, device: Any, *arguments: Any, requires_grad: bool = False) -> Tensor:
    """Return a tensor of the numbers that `draw` draws by a generator, or the default one, on the device of the generator or another."""
    stream = backend.random.default if generator is None else generator.stream
    return leaf(draw(*arguments, stream), stream.device if device is None else device, requires_grad)


def _drawable(name: str, dtype: Any) -> Any:
    """Return the dtype that is asked for, or the default one; raise NotImplementedError for whole numbers, which would nearly all be 0."""
    found = dtype_or_default(dtype)
    if found.kind != "f":
        raise NotImplementedError(f"{name}: expected a floating-point dtype, got {found}; use randint for whole numbers")
    return found


def rand(
    *shape: Length, size: Length | None = None, generator: Generator | None = None, dtype: DTypeLike = None, device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return numbers drawn uniformly from [0, 1)."""
    arguments = lengths(shape, size), _drawable("rand", dtype), 0, 1
    return _drawn(backend.random.uniform, generator, device, *arguments, requires_grad=requires_grad)


def randn(
    *shape: Length, size: Length | None = None, generator: Generator | None = None, dtype: DTypeLike = None, device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return numbers drawn from the Gaussian distribution of mean 0 and standard deviation 1."""
    arguments = lengths(shape, size), _drawable("randn", dtype), 0, 1
    return _drawn(backend.random.normal, generator, device, *arguments, requires_grad=requires_grad)


def rand_like(input: Tensor, *, dtype: DTypeLike = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """Return `rand` with the shape, dtype and device of `input` unless others are given."""
    return like(rand, input, dtype, device, requires_grad)


def randn_like(input: Tensor, *, dtype: DTypeLike = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """Return `randn` with the shape, dtype and device of `input` unless others are given."""
    return like(randn, input, dtype, device, requires_grad)


@overload
def randint(
    low: int, high: int, size: Length, *, generator: Generator | None = None, dtype: DTypeLike = None, device: DeviceLike = None
) -> Tensor: ...
@overload
def randint(
    low: int, high: Length, *, generator: Generator | None = None, dtype: DTypeLike = None, device: DeviceLike = None
) -> Tensor: ...
def randint(
    low: int, high: Any = None, size: Any = None, *, generator: Generator | None = None, dtype: DTypeLike = None,
    device: DeviceLike = None,
) -> Tensor:
    """Return whole numbers drawn uniformly from [low, high), or as randint(high, size) from [0, high)."""
    if size is None:
        low, high, size = 0, low, high
    low, high = operator.index(low), operator.index(high)
    if high <= low:
        raise RuntimeError(f"randint: expected low < high, got {low} and {high}")
    wanted, shape = backend.dtype_of(dtype, backend.int64), lengths((size,))
    for limit in (low, high - 1):
        backend.fitting(limit, wanted, "randint")
    return _drawn(backend.random.integers, generator, device, shape, wanted, low, high)


def randperm(n: int, *, generator: Generator | None = None, dtype: DTypeLike = None, device: DeviceLike = None) -> Tensor:
    """Return 0 … n - 1 in random order."""
    count = check_not_negative("n", operator.index(n))
    return _drawn(backend.random.permutation, generator, device, count, backend.dtype_of(dtype, backend.int64))


def normal(
    mean: Tensor | float, std: Tensor | float = 1.0, size: Length | None = None, *, generator: Generator | None = None,
    dtype: DTypeLike = None, device: DeviceLike = None,
) -> Tensor:
    """Return numbers drawn from the Gaussian distribution of this mean and standard deviation, in the shape `size`.

    Without `size`, `mean` or `std` is a tensor, and one number is drawn for each element of mean + std, on their device and in their dtype.
    No gradient passes to them. Raise RuntimeError for a standard deviation below 0.
    """
    if size is None and not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        raise TypeError("normal: expected a tensor as mean or std, or a size")
    mean, std = (x.detach() if size is None and isinstance(x, Tensor) else check_number(x, "normal") for x in (mean, std))
    if not (bool((std >= 0).all()) if isinstance(std, Tensor) else std >= 0):
        raise RuntimeError(f"normal: expected a standard deviation of at least 0, got {std}")
    if size is not None:
        return _drawn(backend.random.normal, generator, device, lengths((), size), _drawable("normal", dtype), mean, std)
    both = mean + std
    return mean + std * _drawn(backend.random.normal, generator, both.device, both.shape, _drawable("normal", both.dtype), 0, 1)
