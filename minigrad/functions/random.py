"""Random numbers: the generators, and tensors drawn by them."""

from __future__ import annotations

import operator
from typing import Any

from .. import backend
from .arguments import check_input, check_not_negative, check_number, dtype_or_default, lengths
from .creation import leaf, like
from .elementwise import relu, sign
from .types import DeviceLike, DTypeLike, Length, Tensor

__all__ = ["Generator", "bernoulli", "default_generator", "get_rng_state", "initial_seed", "manual_seed", "multinomial", "normal", "rand",
           "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm", "seed", "set_rng_state"]


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


def seed() -> int:
    """Start the default generator again from a random seed, and return it."""
    return default_generator.seed()


def get_rng_state() -> Tensor:
    """Return the state of the default generator."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Let the default generator continue from a state of `get_rng_state`."""
    default_generator.set_state(new_state)


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


def randint(
    low: Any = 0, high: Any = None, size: Any = None, *, generator: Generator | None = None, dtype: DTypeLike = None,
    device: DeviceLike = None, requires_grad: bool = False,
) -> Tensor:
    """Return whole numbers drawn uniformly from [low, high), or as randint(high, size) from [0, high)."""
    if size is None:
        high, size = None, high
    if size is None:
        raise TypeError("randint: expected a size, as in randint(high, (2, 3)) or randint(low, high, (2, 3))")
    wanted = backend.dtype_of(dtype, backend.int64)
    limits = whole_range("randint", low, high, wanted)
    return _drawn(backend.random.integers, generator, device, lengths((size,)), wanted, *limits, requires_grad=requires_grad)


def whole_range(name: str, low: Any, high: Any, dtype: Any) -> tuple[int, int]:
    """Return (low, high), or (0, low) where `high` is None; raise RuntimeError if no number is in [low, high), or one not in the dtype."""
    low, high = (0, operator.index(low)) if high is None else (operator.index(low), operator.index(high))
    if high <= low:
        raise RuntimeError(f"{name}: expected low < high, got {low} and {high}")
    for limit in (low, high - 1):
        backend.fitting(limit, dtype, name)
    return low, high


def randint_like(
    input: Tensor, low: int = 0, high: int | None = None, *, dtype: DTypeLike = None, device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return `randint` with the shape, dtype and device of `input` unless others are given."""
    low, high = (0, low) if high is None else (low, high)
    return like(lambda shape, **options: randint(low, high, shape, **options), input, dtype, device, requires_grad)


def randperm(n: int, *, generator: Generator | None = None, dtype: DTypeLike = None, device: DeviceLike = None) -> Tensor:
    """Return 0 … n - 1 in random order."""
    count = check_not_negative("n", operator.index(n))
    return _drawn(backend.random.permutation, generator, device, count, backend.dtype_of(dtype, backend.int64))


def normal(
    mean: Tensor | float, std: Tensor | float = 1.0, size: Length | None = None, *, generator: Generator | None = None,
    dtype: DTypeLike = None, device: DeviceLike = None, requires_grad: bool = False,
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
        arguments = lengths((), size), _drawable("normal", dtype), mean, std
        return _drawn(backend.random.normal, generator, device, *arguments, requires_grad=requires_grad)
    both = mean + std
    return mean + std * _drawn(backend.random.normal, generator, both.device, both.shape, _drawable("normal", both.dtype), 0, 1)


def bernoulli(input: Tensor, p: float | Tensor | None = None, *, generator: Generator | None = None) -> Tensor:
    """Return 1 with the probability that `input` gives for each element (or with the probability p), else 0, in the dtype of `input`.

    y = 1 or 0,  dL/dinput = 0

    Raise RuntimeError for a probability outside of [0, 1].
    """
    chance = check_input(input, "bernoulli") if p is None else p
    chance = chance if isinstance(chance, Tensor) else leaf(backend.asarray(check_number(chance, "bernoulli")))
    if p is None and input.dtype.kind != "f":
        raise NotImplementedError(f"bernoulli: expected floating-point probabilities, got {input.dtype}")
    if not ((chance >= 0) & (chance <= 1)).all():
        raise RuntimeError(f"bernoulli: expected probabilities from 0 to 1, got {chance}")
    wanted = backend.float64 if input.dtype == backend.float64 else backend.float32
    u = _drawn(backend.random.uniform, generator, input.device, tuple(input.shape), wanted, 0, 1)
    return relu(sign(chance - u)).to(input.dtype)


def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None) -> Tensor:
    """Return `num_samples` numbers of elements of `input` (of each row if it has two axes), drawn in proportion to the elements: int64.

    Without replacement each is drawn once at most. Raise RuntimeError for weights that are negative or not finite, or whose sum is 0, and
    for more draws than elements.
    """
    weights = backend.to_numpy(check_input(input, "multinomial").array)
    if weights.dtype.kind != "f" or weights.ndim not in (1, 2):
        raise RuntimeError(f"multinomial: expected floating-point weights on 1 or 2 axes, got {input.dtype} of shape {tuple(input.shape)}")
    rows = (weights if weights.ndim == 2 else weights[None]).astype(backend.float64)
    if num_samples <= 0 or (not replacement and num_samples > rows.shape[1]):
        raise RuntimeError(f"multinomial: cannot draw {num_samples} samples of {rows.shape[1]} elements with replacement={replacement}")
    if not ((rows >= 0) & (rows < backend.inf)).all() or not (rows.sum(axis=1) > 0).all():
        raise RuntimeError("multinomial: expected weights that are finite, not below 0, and of a sum above 0")
    drawn = _drawn(backend.random.choices, generator, input.device, rows, num_samples, replacement)
    return drawn.reshape((*weights.shape[:-1], num_samples))
