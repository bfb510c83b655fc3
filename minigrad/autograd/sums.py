"""What a backward pass adds up, and which nodes it has still to visit."""

from __future__ import annotations

from heapq import heappush

from .. import backend
from .graph import Node


class Sums(dict):
    """{node or leaf: the sum of the gradients that have reached it so far}, and the nodes that the pass has still to visit.

    The sum is None for a node that is visited although no gradient has reached it: a Function's backward returned None.
    """

    __slots__ = ("newest_first", "owned")

    def __init__(self):
        self.owned = set()  # nodes and leaves whose sum is an array that nobody else has: more is added in place
        self.newest_first = []  # a heap of (-tick, node)

    def add(self, parent, c, raw):
        """Add a contribution to a sum: in place if the sum is an array that nobody else has, else into a new array.

        raw: whether the gradients are arrays. A Tensor is never added to in place, as its history would not know.
        """
        total = self[parent]
        if total is None:
            self[parent] = c
        elif parent in self.owned:
            total += c
        else:
            self[parent] = total = total + c
            if type(total) is not type(c):  # NumPy turned 0-d into a scalar
                self[parent] = backend.asarray(total)
            elif raw:
                self.owned.add(parent)

    def visit(self, places):
        """Let the nodes among the places, nodes and leaves, be visited even if no gradient reaches them."""
        for place in places:
            if type(place) is Node and place not in self:
                self[place] = None
                heappush(self.newest_first, (-place.tick, place))


class Parts:
    """The gradient of a call with several outputs: one for each output, None for one that no gradient has reached.

    like: one of them, or an array or tensor in its place.
    """

    __slots__ = ("gradients", "like")

    def __init__(self, gradients, like):
        self.gradients, self.like = gradients, like

    @property
    def array(self):
        """Return the array of `like`."""
        return getattr(self.like, "array", self.like)

    def __add__(self, other):
        pairs = zip(self.gradients, other.gradients)
        return Parts([b if a is None else a if b is None else _as_array(a + b, a) for a, b in pairs], self.like)

    def __iadd__(self, other):
        self.gradients = (self + other).gradients
        return self


def _as_array(x, like):
    """Return `x`, which NumPy may have turned into a scalar, in the type of `like`."""
    return x if type(x) is type(like) else backend.asarray(x, like=like)
