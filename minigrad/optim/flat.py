"""Flat storage: the parameters of a group in one buffer, so that a step can be one loop or one kernel."""

from __future__ import annotations

import sys
from math import prod
from typing import Any

from .. import backend

ALIGN = 16  # elements: each parameter starts on its own cache line
GATHERED = 1 << 16  # elements: below it, gradients are copied together and the whole run is one loop


class Flat:
    """One buffer whose views the parameters become; `view` gives the same parts of another buffer of its length."""

    def __init__(self, params: list) -> None:
        self.params, self.starts, end = params, [], 0
        for p in params:
            self.starts.append(end)
            end += -(-p.array.size // ALIGN) * ALIGN
        first = params[0].array
        self.array = backend.array_module(first).zeros(end, first.dtype)
        self.gradients: Any = None
        for i, p in enumerate(params):
            view = self.view(self.array, i)
            view[...] = p.array
            p.array = view

    def view(self, buffer: Any, i: int) -> Any:
        """The part of `buffer` that belongs to parameter i, in its shape."""
        shape = self.params[i].array.shape
        return buffer[self.starts[i]:self.starts[i] + prod(shape)].reshape(shape)

    def holds(self, i: int) -> bool:
        """Whether parameter i still lies in the buffer, where it was put."""
        return backend.root(self.params[i].array) is self.array

    def part(self, buffer: Any, first: int, last: int) -> Any:
        """The stretch of `buffer` from parameter `first` to parameter `last`."""
        return buffer[self.starts[first]:self.starts[last] + self.params[last].array.size]

    def gather(self, first: int, last: int) -> Any:
        """The gradients of these parameters, copied into one stretch."""
        if self.gradients is None:
            self.gradients = backend.array_module(self.array).zeros_like(self.array)
        stretch = self.part(self.gradients, first, last)
        params, start = self.params[first:last + 1], self.starts[first]
        backend.gather(stretch, [p.grad.array for p in params], [s - start for s in self.starts[first:last + 1]])
        return stretch


def joins(p: Any) -> bool:
    """Whether it pays to copy the gradient of `p` beside others: a small one, or any on a device, where a launch costs more."""
    return p.array.size < GATHERED or backend.device_of(p.array) != "cpu"


def movable(p: Any) -> bool:
    """Whether nobody else sees the memory of `p`: only then may its values move into a buffer."""
    array = p.array
    alone = p.views is None or len(p.views) <= 1
    return alone and array.base is None and sys.getrefcount(array) <= 3 and array.dtype.kind == "f"


def lay_out(params: list) -> list[Flat]:
    """Move the parameters that can be moved into one buffer for each dtype and device; the others stay where they are."""
    kinds: dict = {}
    for p in params:
        if movable(p):
            kinds.setdefault((type(p.array), p.array.dtype), []).append(p)
    return [Flat(group) for group in kinds.values()]
