"""The sums of a backward pass, which nodes it visits, and its special cases: a node without a gradient, and VJPs that are products."""

from __future__ import annotations

from heapq import heapify, heappush

from .. import backend
from . import contract
from .graph import Node


class Sums(dict):
    """{node or leaf: the sum of the gradients that have reached it so far}, and the nodes that the pass has still to visit.

    The sum is None for a node that is visited although no gradient has reached it: a Function's backward returned None.
    """

    __slots__ = ("newest_first", "owned")

    def __init__(self, roots):
        super().__init__(roots)
        self.owned = set()  # nodes and leaves whose sum is an array that nobody else has: more is added in place
        self.newest_first = [(-root.tick, root) for root in roots if type(root) is Node]  # a heap
        heapify(self.newest_first)

    def add(self, parent, c, raw):
        """Add a contribution to a sum: in place if the sum is an array that nobody else has, else into a new array."""
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

    def visit(self, parents):
        """Let the parents be visited although they got no gradient: a Function among what they were computed from gets zeros."""
        for parent in parents:
            if type(parent) is Node and parent not in self:
                self[parent] = None
                heappush(self.newest_first, (-parent.tick, parent))


def nodes_before(starts, stop=()):
    """Return every node among the starts (nodes or leaves) and before them, oldest first; not beyond the nodes in `stop`."""
    stack = [start for start in starts if type(start) is Node]
    seen = set(stack)
    while stack:
        node = stack.pop()
        if node in stop:
            continue
        if node.vjps is None:
            raise contract.freed(node)
        for parent in node.parents:
            if type(parent) is Node and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=lambda node: node.tick)


def nodes_needed(starts, wanted):
    """Return the nodes that lead from the starts to a wanted node or leaf: only these have to run."""
    needed = set()
    for node in nodes_before(starts):
        if any(parent in wanted or parent in needed for parent in node.parents if parent is not None):
            needed.add(node)
    return needed


def without_gradient(node, vjps, recorded, sums):
    """Return (gradient, VJPs) of a node that no gradient has reached: zeros for a Function's backward, as in PyTorch, else (None, ())."""
    if hasattr(node.op, "zeros"):
        return node.op.zeros(node, recorded), vjps
    sums.visit(node.parents)
    return None, ()


def products(node, vjps, g, whole):
    """Return the VJPs of a product, computed at once if all are called; for a Function, clear what its backward returned earlier."""
    if node.op.product is not True:
        node.op.product.clear()
    elif whole:
        return backend.compute_products(vjps, g)
    return vjps
