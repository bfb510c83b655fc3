"""`detect_anomaly`: where the first number that is not finite was made, in a forward or a backward pass."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from .. import backend
from ..autograd.graph import Node
from ..autograd.sums import Sums
from .backward_steps import parameters_of
from .flaws import Flaw, all_finite, first_flaw, flaw_of_value, has_nan, range_of, text_at
from .names import Names, call, constant_text
from .recording import Observer, made_of, noted, program_frame
from .values import Values


@dataclass(frozen=True)
class Anomaly:
    """Where the first number that is not finite was made.

    direction: "forward" for a value, "backward" for a gradient. operation: the name of the operation that made it, or that was given it
    (then `flaw.given` says in which argument), e.g. "sqrt". flaw: the number, its place, and what it was made of. text: all that is
    known, in several lines.
    """

    direction: str
    operation: str
    flaw: Flaw
    text: str

    def __str__(self) -> str:
        return self.text


class AnomalyError(RuntimeError):
    """Raised inside `detect_anomaly` by a backward pass that meets a number that is not finite. `anomaly` tells where it was made."""

    def __init__(self, message: str, anomaly: Anomaly) -> None:
        super().__init__(message)
        self.anomaly = anomaly


class detect_anomaly(Observer):
    """In this block a backward pass that meets a number that is not finite raises, and says where the first one was made.

    The error names the operation of the forward pass, its line and layer, the element, and the numbers that it was made of. It is raised

    - when the loss is not finite,
    - when a VJP returns NaN, as in PyTorch,
    - when an infinite gradient reaches a leaf, where PyTorch says nothing.

    check_nan: whether a backward pass is looked at. With False nothing is raised, and only `first` and the lines are noted.

    A value that is not finite and does no harm, such as -inf in a mask, is no error. After the block, or without any backward pass,
    `first` of the object that `with detect_anomaly() as found` gives is an `Anomaly` for the first value that was not finite, or None.
    Every value is looked at, so this is for finding a fault and not for training. It sees what this thread records and differentiates.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        self.first: Anomaly | None = None

    def recorded(self, inputs: Any, out: Any) -> None:
        """Note where the operation was called, and what is not finite in its value."""
        if not self.is_of_this_thread():
            return
        frame, node = sys._getframe(3), out.node
        made = noted(node, frame)
        made.flaw = backend.without_fp_warnings(flaw_of_value, node, inputs, out.array)
        if made.flaw is not None and self.first is None:
            self.first = _of_value(node, made.flaw, _names(frame))

    def watched(self, sums: Any) -> Any:
        """Return sums that look at every gradient that is added to them."""
        if not self.check_nan or not self.is_of_this_thread():
            return sums
        for start in sums:
            flaw = _flaw(start) if type(start) is Node else None
            if flaw is not None and (flaw.is_nan or flaw.shape == ()):
                raise _error_of_loss(start, flaw, _names(sys._getframe(1)))
        return CheckedSums(sums)


class set_detect_anomaly(detect_anomaly):
    """Switch `detect_anomaly` on or off in this thread: at once, or for a block. The name is PyTorch's."""

    _on: list[detect_anomaly] = []  # what a plain call has switched on

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(check_nan)
        self.mode, self._before = mode, list(self._on)
        self._switch([self] if mode else [])

    def _switch(self, on: list[detect_anomaly]) -> None:
        """Leave the blocks of earlier calls, and enter those of `on`."""
        for observer in list(self._on):
            Observer.__exit__(observer)
        self._on[:] = on
        for observer in on:
            Observer.__enter__(observer)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        self._switch(self._before)


class CheckedSums(Sums):
    """The sums of a backward pass, which raise AnomalyError when NaN, or an infinite gradient of a leaf, is to be added to them."""

    __slots__ = ("first", "g", "node")

    def __init__(self, sums: Sums) -> None:
        super().__init__()
        self.node: Any = None
        self.g: Any = None
        self.first: Anomaly | None = None  # an infinite gradient that has reached no leaf so far
        dict.update(self, sums)
        self.owned, self.newest_first = sums.owned, sums.newest_first

    def pop(self, node: Any) -> Any:  # type: ignore[override]
        """Return the gradient of a node, whose VJPs will be called with it."""
        self.node, self.g = node, super().pop(node)
        return self.g

    def __setitem__(self, place: Any, c: Any) -> None:
        self._check(place, c)
        super().__setitem__(place, c)

    def add(self, parent: Any, c: Any, raw: bool) -> None:
        """Add a contribution after a look at it."""
        self._check(parent, c)
        super().add(parent, c, raw)

    def _check(self, place: Any, c: Any) -> None:
        """Raise AnomalyError for NaN, and for an infinite gradient of a leaf; keep in mind the first infinite gradient of a node."""
        array = getattr(c, "array", c)
        if self.node is None or array is None or all_finite(array):
            return
        anomaly = self.first
        if anomaly is None or not has_nan(getattr(self.g, "array", self.g)):
            anomaly = _of_gradient(self.node, self.g, place, array, _names(sys._getframe(1)), self.first)
        if has_nan(array) or type(place) is not Node:
            raise AnomalyError(_pytorchs_words(self.node, place, array) + str(anomaly), anomaly)
        self.first = self.first or anomaly


# ---- the texts


def _names(frame: Any) -> Names:
    return Names(program_frame(frame))


def _call(node: Node, names: Names) -> str:
    """Return a node's call with the names that are known."""
    constants = node.constants or (None,) * len(node.parents)
    arguments = []
    for parent, constant in zip(node.parents, constants):
        text = constant_text(constant) if parent is None else f"{parent.op.__name__}(…)" if type(parent) is Node else "leaf"
        arguments.append(names.of_argument(parent, constant) or text)
    name = names.of(node)
    return (f"{name} = " if name else "") + call(node, arguments)


def _place(node: Node, names: Names) -> list[str]:
    """Return the lines of a text that say where a node was made."""
    made = made_of(node)
    if made is None:
        return ["recorded outside of detect_anomaly(): run the forward pass in the block too, to see the line"]
    layer = made.layer_name(names)
    return [f"at {made.place()}"] + ([f"in layer {layer}"] if layer else [])


def _with(numbers: Any) -> str:
    return "with " + ", ".join(f"{name} = {text}" for name, text in numbers)


def _of_value(node: Node, flaw: Flaw, names: Names) -> Anomaly:
    """Return the anomaly of a value. An input that was not finite before any operation is said to be the first."""
    head = f"The first number that is not finite is a value of {node.op.__name__}: {flaw}"
    if flaw.given:
        head = f"The first number that is not finite was given to {node.op.__name__} in {flaw.given}"
    lines = [_call(node, names), _with(flaw.inputs), *_place(node, names)]
    return Anomaly("forward", node.op.__name__, flaw, "\n  ".join([head, *lines]))


def _error_of_loss(node: Node, flaw: Flaw, names: Names) -> AnomalyError:
    """Return the error for a loss that is not finite: where its NaN or infinity comes from, and on which way it came."""
    way = _way_back(node)
    first = way[-1]
    found = _of_value(first, _flaw(first), names)
    name = names.of(node) or "the loss"
    lines = [f"{name} is not finite: {flaw}", str(found)]
    if len(way) > 1:
        shown = [n.op.__name__ for n in reversed(way)]
        if len(shown) > 12:
            shown[6:-3] = [f"… {len(shown) - 9} more …"]
        lines.append("It came to the loss by " + " → ".join(shown))
    return AnomalyError("\n".join(lines), found)


def _way_back(node: Node) -> list[Node]:
    """Return the nodes from `node` back to the one that made its NaN or infinity, each with a flaw."""
    way = [node]
    while True:
        flaws = [(flaw, parent) for parent in way[-1].parents if type(parent) is Node and (flaw := _flaw(parent)) is not None]
        if not flaws:
            return way
        way.append(max(flaws, key=lambda entry: entry[0].is_nan)[1])


def _flaw(node: Node) -> Any:
    return getattr(made_of(node), "flaw", None)


def _of_gradient(node: Node, g: Any, place: Any, array: Any, names: Names, earlier: Anomaly | None) -> Anomaly:
    """Return the anomaly of a gradient that a VJP of `node` returned for an argument, `place`."""
    number, index, count = first_flaw(array)
    which = next((i for i, parent in enumerate(node.parents) if parent is place), 0)
    parameters = parameters_of(node)
    parameter = parameters[which] if which < len(parameters) else str(which)
    numbers = tuple(_numbers(node, g, index if tuple(array.shape) == tuple(node.shape) else None, parameters))
    flaw = Flaw(number, index, count, tuple(array.shape), numbers)
    head = f"The first gradient that is not finite is dL/d{parameter} of {node.op.__name__}: {flaw}"
    lines = [_call(node, names), *([node.formula] if node.formula else []), _with(numbers), *_place(node, names)]
    text = "\n  ".join([head, *lines])
    return Anomaly("backward", node.op.__name__, flaw, text if earlier is None else f"{earlier}\nThen NaN was made of it. {text}")


def _numbers(node: Node, g: Any, index: Any, parameters: list[str]) -> Any:
    """Yield (name, text) of g, of the arguments and of the value of a node: their numbers at `index`, or their ranges."""
    values = Values(node)
    constants = node.constants or (None,) * len(node.parents)
    found = [("g", getattr(g, "array", g))]
    for parameter, parent, constant in zip(parameters, node.parents, constants):
        x = values.of(parent) if type(parent) is Node else constant if parent is None else parent.array
        found.append((parameter, x))
    found.append(("value", values.of(node)))
    for name, x in found:
        if x is not None:
            x = getattr(x, "array", x)
            yield name, range_of(backend.to_numpy(x)) if index is None and backend.is_array(x) else text_at(x, node, index or ())


def _pytorchs_words(node: Node, place: Any, array: Any) -> str:
    """Return the first line of the error, which is PyTorch's for NaN."""
    which = next((i for i, parent in enumerate(node.parents) if parent is place), 0)
    kind = "nan" if has_nan(array) else "infinite"
    return f"Function '{node.name()}' returned {kind} values in its {which}th output.\n"
