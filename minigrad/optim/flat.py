"""Flat storage: the parameters of a group in one buffer, so that a step can be one loop or one kernel."""

from __future__ import annotations

import sys
import weakref
from math import prod
from typing import Any

from .. import backend
from ..autograd.sharing import is_alone

ALIGN = 16  # elements: each parameter starts on its own cache line
COPIED = 1 << 15  # elements: up to so many, gradients on the host are copied together, more are left where they are


class Flat:
    """One buffer whose views the parameters become, and buffers of its length for their state.

    What a parameter or a state shows may be changed by anybody at any time. So parameter i counts as lying in the buffer only while its
    array is the very view that was put there, and its state only while that is the very view that was given.
    """

    def __init__(self, params: list) -> None:
        self.params, self.starts, end = params, [], 0
        self.views: list = []  # weak references: only then do the parameters alone hold the buffer
        self.state: dict  # of each name the buffer
        self.given: list[dict]  # of each parameter, by name, the views of these buffers that its state became
        self.forget()
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
            self.views.append(weakref.ref(view))
        _buffers[id(self.array)] = known = [weakref.ref(self), [weakref.ref(p) for p in params], 0]
        weakref.finalize(self.array, _buffers.pop, id(self.array), None)
        known[2] = _others(self.array)  # this call's own

    def view(self, buffer: Any, i: int) -> Any:
        """The part of `buffer` that belongs to parameter i, in its shape."""
        shape = self.params[i].array.shape
        return buffer[self.starts[i]:self.starts[i] + prod(shape)].reshape(shape)

    def holds(self, i: int) -> bool:
        """Return whether parameter i still lies in the buffer, where it was put."""
        return self.params[i].array is self.views[i]()

    def give(self, name: str, i: int) -> Any:
        """Return zeros for a state of parameter i; None where its place was given before, as somebody may still see that."""
        if name in self.given[i]:
            return None
        if name not in self.state:
            self.state[name] = backend.array_module(self.array).zeros_like(self.array)
        view = self.given[i][name] = self.view(self.state[name], i)
        return view

    def forget(self) -> None:
        """Leave the states to those who see them, and begin with new buffers."""
        self.state, self.given = {}, [{} for _ in self.params]

    def part(self, buffer: Any, first: int, last: int) -> Any:
        """The stretch of `buffer` from parameter `first` to parameter `last`."""
        return buffer[self.starts[first]:self.starts[last] + self.params[last].array.size]

    def gather(self, first: int, last: int, in_pieces: bool = False) -> Any:
        """The gradients of these parameters as one stretch: copied, or on the host, if they are large, as pieces where they lie."""
        params, start = self.params[first:last + 1], self.starts[first]
        gradients, starts = [p._grad.array for p in params], [s - start for s in self.starts[first:last + 1]]
        stretch = self.part(self.array, first, last)
        if in_pieces and stretch.size > COPIED and backend.device_of(stretch) == "cpu":
            return backend.Pieces(gradients, starts)
        if self.gradients is None:
            self.gradients = backend.array_module(self.array).zeros_like(self.array)
        stretch = self.part(self.gradients, first, last)
        backend.gather(stretch, gradients, starts)
        return stretch


_buffers: dict = {}  # of each buffer, by its id: its Flat and its parameters, weakly, and how many else held it when it was made


def movable(p: Any) -> bool:
    """Return whether nobody else sees the memory of `p`: only then may its values move into a buffer, also from another optimizer's."""
    if not is_alone(p) or _references(p) > ALONE:
        return False
    array = p.array
    return array.dtype.kind == "f" and (array.base is None or _others(array.base) == 0)


def _references(owner: Any) -> int:
    """Return how many references there are to `owner.array`, with those of this function, whose number depends on Python's version."""
    array = owner.array
    return sys.getrefcount(array)


class _Owner:
    def __init__(self) -> None:
        self.array = object()


ALONE = min(_references(_Owner()), 3)  # 3 up to Python 3.13, 2 from 3.14 on, where a call borrows what a variable holds


def _others(buffer: Any) -> int:
    """How many hold `buffer`, if it is a Flat's, beside that and its parameters: a view that somebody took of one holds it too."""
    flat, params, when_made = _buffers.get(id(buffer), (None, (), 0))
    if flat is None:
        return 1
    inside = sum(p is not None and p.array.base is buffer for p in (p() for p in params))
    return sys.getrefcount(buffer) - (flat() is not None) - inside - when_made


def lay_out(params: list) -> list[Flat]:
    """Move the parameters that can be moved into one buffer for each dtype and device; the others stay where they are."""
    kinds: dict = {}
    for p in {id(p): p for p in params}.values():
        if movable(p):
            kinds.setdefault((type(p.array), p.array.dtype), []).append(p)
    return [Flat(group) for group in kinds.values()]
