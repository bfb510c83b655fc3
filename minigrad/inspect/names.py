"""The names that a program gives to its tensors: its variables, and the paths of the parameters in its networks."""

from __future__ import annotations

from types import FrameType
from typing import Any

from ..autograd.graph import Node, Tensor, origin
from ..nn import Module

DEEPEST = 3  # an attribute of an element of a variable
LONGEST = 200  # elements of a list or a dictionary that are looked at


class Names:
    """The names of nodes, leaves, networks and the arrays of constants, as the variables of a frame tell them.

    A local variable comes before a global one, and a variable (`w`) before a path (`net.decoder.0.weight`). A name that begins with an
    underscore counts for nothing.
    """

    def __init__(self, frame: FrameType | None = None, given: dict[str, Any] | None = None) -> None:
        self._names: dict[int, str] = {}
        self._kept: list[Any] = []  # while an object lives, no other has its id
        self._containers: set[int] = set()
        variables = [*(given or {}).items()]
        if frame is not None:
            variables += frame.f_locals.items()
            if frame.f_globals is not frame.f_locals:
                variables += frame.f_globals.items()
        variables = [(name, value) for name, value in variables if not name.startswith("_")]
        for name, value in variables:
            if isinstance(value, Tensor):
                self._name(value, name)
        for name, value in variables:
            self._look_into(value, name, 1)

    def of(self, thing: Any) -> str | None:
        """Return the name of a node, a leaf, a module or an array; None if it has none."""
        return self._names.get(id(thing))

    def of_argument(self, parent: Any, constant: Any) -> str | None:
        """Return the name of a node's argument, given its parent or, where that is None, the constant."""
        if parent is not None:
            return self.of(parent)
        return self.of(constant.array) if isinstance(constant, Tensor) else None

    def _name(self, tensor: Tensor, name: str) -> None:
        for thing in (origin(tensor),) if tensor.requires_grad else (tensor, tensor.array):
            self._note(thing, name)

    def _note(self, thing: Any, name: str) -> None:
        if id(thing) not in self._names:
            self._names[id(thing)] = name
            self._kept.append(thing)

    def _look_into(self, value: Any, name: str, depth: int) -> None:
        """Name what a module, a list, a dictionary or an object with attributes of such kinds holds."""
        if isinstance(value, Tensor):
            self._name(value, name)
        elif isinstance(value, Module):
            self._note(value, name)
            for path, parameter in value.named_parameters():
                self._name(parameter, f"{name}.{path}")
        elif depth < DEEPEST and id(value) not in self._containers:
            parts = _parts(value, name)
            if parts:
                self._containers.add(id(value))
                self._kept.append(value)
            for part, item in parts:
                self._look_into(item, part, depth + 1)


def _parts(value: Any, name: str) -> list[tuple[str, Any]]:
    """Return (name, element) of a list, tuple or dictionary, or (name, attribute) of a plain object; none of anything else."""
    kind = type(value)
    if isinstance(value, dict) and kind.__module__ in ("builtins", "collections"):
        return [(f"{name}[{key!r}]", item) for key, item in list(value.items())[:LONGEST] if isinstance(key, str | int)]
    if isinstance(value, list | tuple):
        return [(f"{name}[{i}]", item) for i, item in enumerate(value[:LONGEST])]
    attributes = getattr(value, "__dict__", None)
    if type(attributes) is not dict or isinstance(value, type) or kind.__module__ in ("builtins", "types"):
        return []
    return [(f"{name}.{key}", item) for key, item in list(attributes.items())[:LONGEST] if not key.startswith("_")]


def label(node: Node, names: Names, number: int) -> str:
    """Return what a text calls a node: its name, or its operation and the number of its step, as in "tanh #3"."""
    return names.of(node) or f"{node.op.__name__} #{number}"


def call(node: Node, arguments: list[str]) -> str:
    """Return a call as a program would write it: operation, arguments, and the options that are not None or False."""
    options = [f"{name}={_short(value)}" for name, value in (node.options or {}).items() if value is not None and value is not False]
    return f"{node.op.__name__}({', '.join([*arguments, *options])})"


def constant_text(constant: Any) -> str:
    """Return what a text calls an argument that needs no gradient and has no name: a number as it is, an array by its shape."""
    if not isinstance(constant, Tensor):
        return _short(constant)
    if constant.array.size == 1:
        return f"{constant.item():.6g}"  # type: ignore[attr-defined]  # a public Tensor
    return "constant[" + "×".join(map(str, constant.array.shape)) + "]"


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else repr(getattr(value, "array", value))
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:37] + "..."
