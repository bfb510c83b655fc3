"""The values of the nodes of a graph, which keeps only what its VJPs need: they are computed again, or come from `lines`."""

from __future__ import annotations

from typing import Any

from .. import backend
from ..autograd.graph import Node, Tensor, wrap
from ..autograd.modes import in_mode
from ..autograd.visits import nodes_before
from ..autograd.writes import reshaped_since, written_since
from .recording import made_of


class Values:
    """The value of a node and of each before it, an array; None where it cannot be known any more.

    A value is the one that `lines` kept, or is computed again from the leaves as they are now. It is not known where memory that it is
    computed from has been written to since, and behind a Function whose output is gone, as its forward never runs again.
    """

    def __init__(self, last: Node, array: Any = None) -> None:
        self._last, self._array = last, array
        self._found: dict[Node, Any] | None = None

    def of(self, node: Node) -> Any:
        """Return the value of a node, or None."""
        if self._found is None:
            self._found = in_mode(False, self._compute)
        return self._found.get(node)

    def _compute(self) -> dict[Node, Any]:
        found: dict[Node, Any] = {}
        for node in nodes_before([self._last]):
            found[node] = self._array if node is self._last and self._array is not None else _value(node, found)
        return found


def _value(node: Node, found: dict[Node, Any]) -> Any:
    made = made_of(node)
    if made is not None and made.value is not None:
        return None if written_since(made.value, node.tick) else made.value
    if hasattr(node.op, "output"):  # a Function's
        array = node.op.output()
        return None if array is None or written_since(array, node.tick) else array
    inputs = [_input(node, parent, constant, found) for parent, constant in zip(node.parents, node.constants or [None] * len(node.parents))]
    if any(x is MISSING for x in inputs):
        return None
    try:
        array = node.op(*inputs, **(node.options or {})).array
        return array if (array.shape, array.dtype) == (node.shape, node.dtype) else None
    except Exception:  # whatever an operation of the user raises on other numbers: the value is not known
        return None


MISSING = object()


def _input(node: Node, parent: Any, constant: Any, found: dict[Node, Any]) -> Any:
    """Return an argument as the operation got it, a Tensor or a number; MISSING where it is not known."""
    if type(parent) is Node:
        array = found.get(parent)
        return MISSING if array is None else wrap(array)
    if parent is None and not isinstance(constant, Tensor):
        return MISSING if backend.is_array(constant) and written_since(constant, node.tick) else constant
    tensor = constant if parent is None else parent
    changed = reshaped_since(tensor, node.tick) or written_since(tensor.array, node.tick)
    return MISSING if changed else wrap(tensor.array)
