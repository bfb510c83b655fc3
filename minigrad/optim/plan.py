"""Which parameters one call of `update` changes, and the arrays that it is given for them."""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain, pairwise
from typing import Any

from .. import backend
from ..autograd.writes import writer
from .flat import follows, starts_of, stretch


class Plan:
    """How the parameters of a group are updated, for as long as they and their states are the same arrays.

    columns: the arrays of the parameters, then those of each of their states, with None for one that is missing.
    With `together`, one call of `update` may change many parameters, unless some of the arrays share memory.
    """

    def __init__(self, columns: list[list], together: bool) -> None:
        self.columns, self.batches = columns, {}  # type: ignore[var-annotated]
        self.ids = list(map(id, chain.from_iterable(columns)))  # no other array gets one of these ids while the plan keeps its arrays
        self.unready = [i for i, row in enumerate(zip(*columns)) if not is_ready(*row)]
        roots = [backend.root(a) for a in chain.from_iterable(columns) if a is not None]
        self.owners = set(map(id, roots))
        self.foreign = not all(root.flags.owndata for root in roots)  # if so, only addresses tell what a gradient shares with it
        self.spans = sorted([backend.byte_bounds(a) for a in chain.from_iterable(columns) if a is not None and a.size])
        self.together = together and all(end <= start for (_, end), (start, _) in pairwise(self.spans))

    def is_for(self, columns: list[list], gradients: list) -> bool:
        """Return whether the plan was made for these arrays, and the parameters with a gradient were ready then."""
        known = self.ids == list(map(id, chain.from_iterable(columns)))
        return known and not any([gradients[i] is not None for i in self.unready])

    def is_apart(self, gradients: list) -> bool:
        """Return whether no gradient shows memory that the updates change; otherwise their order counts."""
        owners = self.owners
        suspects = [g for g in gradients if g is not None and (self.foreign or g.base is not None or id(g) in owners)]
        return not any(map(self._is_changed, suspects))

    def _is_changed(self, array: Any) -> bool:
        """Return whether the updates change memory that `array` shows."""
        low, high = backend.byte_bounds(array)
        i = bisect_left(self.spans, (high,)) - 1
        return i >= 0 and self.spans[i][1] > low

    def batches_of(self, first: int, last: int, together: bool) -> list[Batch]:
        """Return the batches that update the parameters first … last - 1: as few as possible, or one for each if not `together`."""
        key = first, last, together
        if key not in self.batches:
            if len(self.batches) > 8 + len(self.ids):  # each step may lack the gradients of other parameters
                self.batches.clear()
            cuts = [first, *[i for i in range(first + 1, last) if not (together and self._go_together(i - 1, i))], last]
            self.batches[key] = [Batch(self, i, j) for i, j in pairwise(cuts)]
        return self.batches[key]

    def _go_together(self, i: int, j: int) -> bool:
        """Return whether one call may change both: on the host contiguous arrays of one dtype, on a device neighbours in a buffer."""
        pairs = [(column[i], column[j]) for column in self.columns]
        if all([type(a) is type(b) is backend.ndarray for a, b in pairs]):
            return all([a.dtype == b.dtype and a.flags.carray and b.flags.carray for a, b in pairs])
        return all([follows(a, b) for a, b in pairs])


class Batch:
    """The parameters first … last - 1, which one call of `update` changes. `arrays`: the parameters as one array, then each state."""

    def __init__(self, plan: Plan, first: int, last: int) -> None:
        self.part, self.arrays, parts = slice(first, last), [], []
        for column in plan.columns:
            some = column[self.part]
            if all(follows(a, b) for a, b in pairwise(some)):
                some = [stretch(some[0], some[-1]) if len(some) > 1 else some[0]]
            self.arrays.append(some[0] if len(some) == 1 else backend.Pieces(some))
            parts += some
        self.wrote, self.starts = writer(parts), starts_of(plan.columns[0][first:last])
        self.gradient: Any = None  # on a device the buffer for the gradients

    def gather(self, gradients: list) -> Any:
        """Return the gradients of these parameters as one array, from those of the group: copied on a device, as Pieces on the host."""
        whole, some = self.arrays[0], gradients[self.part]
        if len(some) == 1:
            return backend.array_module(whole).ascontiguousarray(some[0]).reshape(whole.shape)
        if type(some[0]) is backend.ndarray:
            return backend.Pieces(some, self.starts)
        if self.gradient is None:
            self.gradient = backend.array_module(whole).zeros_like(whole)
        backend.gather(self.gradient, some, self.starts[:-1])
        return self.gradient


def is_ready(p: Any, *states: Any) -> bool:
    """Return whether a parameter can be written and has all states, in its shape, dtype and device."""
    return 0 not in p.strides and all([type(a) is type(p) and a.dtype == p.dtype and a.shape == p.shape for a in states])
