"""Which nodes a backward pass visits, and the special cases: a node without a gradient, and one whose VJPs are products."""

from __future__ import annotations

from .. import backend
from . import contract
from .graph import Node


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
