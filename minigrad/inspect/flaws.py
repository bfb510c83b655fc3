"""What is not finite in an array, and what an operation made it of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import backend
from ..autograd.graph import Node, Tensor
from .backward_steps import parameters_of

# modules of ops, and operations, that work element by element
ELEMENTWISE = ("arithmetic", "functions_of_one", "penalties", "tanh", "sigmoid", "relu", "leaky_relu")


@dataclass(frozen=True)
class Flaw:
    """What is not finite in an array that an operation made.

    number, index: the first such number, NaN before infinity, and its place. count, shape: how many there are, in an array of which shape.
    inputs: [(name of an argument, what it was)], at the same place for an operation that works element by element.
    given: the arguments that had such numbers already, as in "weight (inf at [0, 1] of shape (2, 4))"; "" if the operation made them.
    """

    number: float
    index: tuple[int, ...]
    count: int
    shape: tuple[int, ...]
    inputs: tuple[tuple[str, str], ...]
    given: str = ""

    @property
    def is_nan(self) -> bool:
        """Whether it is NaN, and not infinite."""
        return self.number != self.number

    def __str__(self) -> str:
        """Return the number, its place, and how many there are."""
        others = "" if self.count == 1 else f", one of {self.count}"
        return f"{self.number} at {list(self.index)} of shape {self.shape}{others}" if self.shape else f"{self.number}"


def all_finite(array: Any) -> bool:
    """Return whether all numbers of an array are finite. Floating-point warnings are to be off, as in a backward pass."""
    return array.dtype.kind != "f" or bool((array - array == 0).all())


def has_nan(array: Any) -> bool:
    """Return whether an array has NaNs; None has none."""
    return array is not None and array.dtype.kind == "f" and bool((array != array).any())


def first_flaw(array: Any) -> tuple[float, tuple[int, ...], int]:
    """Return the first NaN of an array, or else its first infinite number, its place, and how many numbers are not finite."""
    host = backend.to_numpy(array)
    bad = ~np.isfinite(host)
    where = np.isnan(host) if np.isnan(host).any() else bad
    index = tuple(int(i) for i in np.argwhere(where)[0])
    return float(host[index]), index, int(bad.sum())


def flaw_of_value(node: Node, inputs: Any, array: Any) -> Flaw | None:
    """Return what is not finite in the value of an operation, or None."""
    if all_finite(array):
        return None
    number, index, count = first_flaw(array)
    named = list(zip(parameters_of(node), inputs))
    bad = has_nan if number != number else lambda a: not all_finite(a)  # NaN may be made of an infinity, which is no NaN
    given = [f"{name} ({flaw_of(x.array)})" for name, x in named if isinstance(x, Tensor) and bad(x.array)]
    given += [f"{name} ({x})" for name, x in named if isinstance(x, float) and not math.isfinite(x)]
    said = tuple((name, text_at(x, node, index)) for name, x in named)
    return Flaw(number, index, count, tuple(array.shape), said, " and ".join(given))


def flaw_of(array: Any) -> Flaw:
    """Return what is not finite in an array that has such numbers, whatever it was made of."""
    number, index, count = first_flaw(array)
    return Flaw(number, index, count, tuple(array.shape), ())


def text_at(x: Any, node: Node, index: tuple[int, ...]) -> str:
    """Return what text says of an argument: its number at the place where the value has `index`, or its range."""
    array = getattr(x, "array", x)
    if not backend.is_array(array):
        return _number(array)
    host = backend.to_numpy(array)
    if host.size == 1:
        return _number(host.item())
    if _is_elementwise(node) and np.broadcast_shapes(host.shape, node.shape) == tuple(node.shape):
        return _number(np.broadcast_to(host, node.shape)[index].item())
    return range_of(host)


def _number(number: Any) -> str:
    return f"{number:.6g}" if isinstance(number, int | float) and not isinstance(number, bool) else str(number)


def _is_elementwise(node: Node) -> bool:
    raw: Any = getattr(node.op, "raw", None)
    module = getattr(raw, "__module__", "")
    return module.startswith("minigrad.ops.") and (module.rsplit(".", 1)[1] in ELEMENTWISE or raw.__name__ in ELEMENTWISE)


def range_of(host: Any) -> str:
    """Return the shape and the range of an array, and how many of its numbers are not finite."""
    shape = "×".join(map(str, host.shape))
    if not host.size or host.dtype.kind != "f":
        return f"{shape} numbers"
    finite = host[np.isfinite(host)]
    inside = f"from {finite.min():.4g} to {finite.max():.4g}" if finite.size else "none finite"
    return f"{shape} numbers {inside}" + (f", {host.size - finite.size} not finite" if finite.size < host.size else "")
