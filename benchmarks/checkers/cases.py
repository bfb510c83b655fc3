"""What every gradient checker is given: NumPy functions with a backward by hand, each wrong and right, at fixed inputs."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

Array = Any  # a NumPy array
Draw = Callable[[np.random.Generator], Array]
Input = tuple[int, ...] | Draw | Array


class Functions(NamedTuple):
    """A forward with a right and a wrong backward; `wrong_forward` is the forward of the wrong version where that is another one.

    forward(*arrays) returns y, or a tuple of several; backward(g, *arrays) returns the gradient, or a tuple of one for each array.
    """

    forward: Callable[..., Any]
    right: Callable[..., Any]
    wrong: Callable[..., Any] | None = None
    wrong_forward: Callable[..., Any] | None = None


@dataclass(frozen=True)
class Case:
    """A function at given inputs. `make` returns it anew, so that no state outlives a check.

    mistake: the kind of mistake; "" for a function without a wrong version.
    shows: how the wrong version can be told from the right one, a key of benchmarks.checkers.oracle.DIFFERENCES.
    hard: whether the inputs are near a kink or a pole, very large or small, or the values noisy.
    """

    name: str
    about: str
    inputs: tuple[Input, ...]
    make: Callable[[], Functions]
    mistake: str = ""
    shows: str = "gradient"
    hard: bool = False

    def arrays(self) -> tuple[Array, ...]:
        """Return new arrays with the inputs, always the same numbers."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        return tuple(draw(given, rng) for given in self.inputs)

    def functions(self, wrong: bool) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """Return forward and backward of the wrong or the right version."""
        made = self.make()
        if not wrong:
            return made.forward, made.right
        assert made.wrong is not None
        return made.wrong_forward or made.forward, made.wrong


BUGS: dict[str, Case] = {}
RIGHT: dict[str, Case] = {}


def draw(given: Input, rng: np.random.Generator) -> Array:
    """Return normal numbers of a shape, what a function draws, or a copy of an array."""
    if isinstance(given, tuple):
        return rng.normal(size=given)
    return given(rng) if callable(given) else np.array(given, dtype=float)


def uniform(low: float, high: float, *shape: int) -> Draw:
    """Return what draws uniform numbers."""
    return lambda rng: rng.uniform(low, high, size=shape)


def away_from_0(*shape: int) -> Draw:
    """Return what draws numbers of both signs with absolute values of 0.3 to 2."""
    return lambda rng: rng.uniform(0.3, 2, size=shape) * rng.choice([-1.0, 1.0], size=shape)


def bug(mistake: str, *inputs: Input, shows: str = "gradient") -> Callable[[Callable[[], Functions]], Callable[[], Functions]]:
    """Return the decorator that registers a planted bug. The function's docstring says in one line what is wrong."""

    def register(make: Callable[[], Functions]) -> Callable[[], Functions]:
        add(BUGS, Case(title(make), about(make), inputs, make, mistake, shows))
        return make

    return register


def right(*inputs: Input, hard: bool = False) -> Callable[[Callable[[], Functions]], Callable[[], Functions]]:
    """Return the decorator that registers a right function."""

    def register(make: Callable[[], Functions]) -> Callable[[], Functions]:
        add(RIGHT, Case(title(make), about(make), inputs, make, hard=hard))
        return make

    return register


def add(register: dict[str, Case], case: Case) -> None:
    """Register a case under its name, which no other may have."""
    assert case.name not in BUGS and case.name not in RIGHT, case.name
    register[case.name] = case


def title(make: Callable[[], Functions]) -> str:
    """Return the name of a case."""
    return make.__name__.replace("_", " ")


def about(make: Callable[[], Functions]) -> str:
    """Return the line that says what a case is."""
    return (make.__doc__ or "").strip().split("\n", 1)[0]
