"""What a picture of a graph consists of: a box for each node, leaf and constant, and an edge for each argument of an operation."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from ... import backend
from ...autograd.graph import Node, Tensor
from ..backward_steps import Contribution, Step, Steps
from .heat_maps import HeatMap, heat_map
from .homes import Home, Homes

LOOKED_AT = 2_000  # nodes: older ones are counted, not drawn
MOST_NODES = 20_000  # through a larger graph the pass stops after those that are looked at; one through so many takes two seconds


@dataclass(eq=False)
class Box:
    """A box of the picture.

    kind: "node", "leaf", "constant" (an argument that needs no gradient), "fold" (a chain of nodes) or "older" (all nodes not drawn).
    title, detail: its name, and the call or the operations that it stands for.
    things: the nodes, or the leaf tensor, or the array that it shows.
    value, gradient: those in short; None where they are not known, and no_gradient says why.
    lines: what its tooltip says, line by line.
    home: the modules that it belongs to, the outermost first; None if it may stand beside its users.
    named: whether the program has a name for its value.
    """

    kind: str
    title: str
    detail: str
    things: tuple[Any, ...]
    shape: tuple[int, ...]
    value: HeatMap | None
    gradient: HeatMap | None
    lines: list[str]
    home: Home | None = ()
    named: bool = False
    layer: str = ""
    first_gradient: HeatMap | None = None  # of a fold: that of its oldest node
    members: tuple[Box, ...] = ()  # of a fold
    no_gradient: str = "no gradient"

    @property
    def computed(self) -> bool:
        """Whether operations made what the box shows."""
        return self.kind in ("node", "fold", "older")


@dataclass(eq=False)
class Edge:
    """An argument of an operation: from the box of what it is to the box of the operation.

    label: "broadcast" where the gradient of this use is summed over axes, else "".
    state: "" or "constant", "zero", "bad" (a gradient that is not finite), "none" (no gradient returned).
    """

    source: Box
    target: Box
    label: str
    state: str
    line: str


Use = tuple[str, str, str]  # label, state and line of an edge
CONSTANT: Use = ("", "constant", "needs no gradient")
NOT_REACHED: Use = ("", "none", "gets no gradient: none reached the operation")


@dataclass
class Graph:
    """The boxes, the oldest first, the edges between them, and how many nodes and leaves the whole graph has; None if that is not known."""

    boxes: list[Box] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    nodes: int = 0
    leaves: int | None = None

    def uses(self) -> dict[Box, list[Edge]]:
        """Return the edges that start at each box."""
        found: dict[Box, list[Edge]] = {box: [] for box in self.boxes}
        for edge in self.edges:
            found[edge.source].append(edge)
        return found


def graph_of(steps: Steps) -> Graph:
    """Return the graph of the steps, of which it uses up the iterator; of a very large one the newest nodes."""
    return _Collector(steps).graph()


class _Collector:
    """Makes the boxes and edges of a pass, the newest node first, then the leaves, then the constants."""

    def __init__(self, steps: Steps) -> None:
        self.steps, self.homes = steps, Homes(steps.names)
        self.complete = True
        self.boxes: dict[int, Box] = {}  # by the id of the node, the leaf or the constant's array, all of which the graph keeps

    def graph(self) -> Graph:
        kept: deque[tuple[Box, Node, dict[int, Use]]] = deque()
        for step in self.steps:
            if step.number <= LOOKED_AT:
                box = self.boxes[id(step.node)] = self._node(step)
                kept.appendleft((box, step.node, {c.argument: _use(c, step) for c in step.contributions}))
            if step.number == LOOKED_AT and self.steps.total > MOST_NODES:
                self.complete = False  # some uses of leaves lie further back, so their gradients are not known
                break
        gradients = {id(leaf): g for _, leaf, g in self.steps.leaves}
        found = Graph(nodes=self.steps.total, leaves=len(gradients) if self.complete else None)
        older = self._older() if self.steps.total > len(kept) else None
        if older:
            found.boxes.append(older)
        for box, node, uses in kept:
            for i, (parent, constant) in enumerate(zip(node.parents, node.constants or (None,) * len(node.parents))):
                source = self._source(parent, constant, gradients, found) or (older if parent is not None else None)
                if source is not None:
                    use = CONSTANT if parent is None else uses.get(i, NOT_REACHED)
                    found.edges.append(Edge(source, box, *use))
            found.boxes.append(box)
        return found

    def _source(self, parent: Any, constant: Any, gradients: dict[int, Any], found: Graph) -> Box | None:
        """Return the box of an argument, made if it is the first use; None for a number, and for a node that is not drawn."""
        if isinstance(parent, Node):
            return self.boxes.get(id(parent))
        thing = parent
        if parent is None:
            thing = constant.array if isinstance(constant, Tensor) else constant
            if not backend.is_array(thing) or (thing.size == 1 and not self.steps.names.of(thing)):
                return None
        if id(thing) not in self.boxes:
            box = self._constant(thing) if parent is None else self._leaf(thing, gradients)
            self.boxes[id(thing)] = box
            found.boxes.append(box)
        return self.boxes[id(thing)]

    def _node(self, step: Step) -> Box:
        node, made = step.node, step.made
        value, g = _map(step.value), _map(step.g)
        layer = made.layer_name(self.steps.names) if made else ""
        lines = [step.name, f"step {step.number} of {self.steps.total}: {step.call}", step.formula, layer, made.place() if made else "",
                 said("value", value), said("gradient", g), "a hook changed the gradient" if step.hooked else ""]
        named = self.steps.names.of(node) is not None
        return Box("node", step.name, step.call, (node,), tuple(node.shape), value, g, [line for line in lines if line],
                   self.homes.of_node(node, made), named)

    def _leaf(self, leaf: Any, gradients: dict[int, Any]) -> Box:
        name = self.homes.name_of(leaf) or self.steps.name_of(leaf)
        value, g = heat_map(leaf.array), _map(gradients.get(id(leaf)))
        gradient = said("gradient", g) if self.complete else f"its gradient is not known: older uses among {self.steps.total:,} nodes"
        lines = [name, "a leaf, which requires a gradient", said("value", value), gradient]
        return Box("leaf", name, "", (leaf,), tuple(leaf.shape), value, g, lines, self.homes.of_leaf(leaf), True,
                   no_gradient="no gradient" if self.complete else "not computed")

    def _constant(self, array: Any) -> Box:
        name, value = self.steps.names.of(array), heat_map(array)
        lines = [name or "constant", "a constant, which needs no gradient", said("value", value)]
        return Box("constant", name or "constant", "", (array,), tuple(array.shape), value, None, lines, () if name else None, bool(name))

    def _older(self) -> Box:
        return older_box(self.steps.total - LOOKED_AT)


def older_box(count: int) -> Box:
    """Return the box that stands for all nodes that are not drawn."""
    title = f"{count:,} older node{'s' * (count != 1)}"
    lines = [title, "not drawn: these are the nodes farthest from the loss. draw(loss, limit=…) draws more."]
    return Box("older", title, "not drawn; see limit=", (), (), None, None, lines)


def said(what: str, x: HeatMap | None) -> str:
    """Return an array in a line of text, as in "gradient 6×5, float32: norm 0.31, from -0.1 to 0.2"."""
    if x is None:
        return f"{what}: {'not known' if what == 'value' else 'none'}"
    kind = f"{what} {'×'.join(map(str, x.shape))}, {x.dtype}".replace(" ,", ",")
    if x.size == 1:
        return f"{kind}: {x.cells[0][0]:.6g}"
    missing = f", {x.not_finite:,} of {x.size:,} elements NaN or infinite" if x.not_finite else ""
    return f"{kind}: norm {x.norm:.6g}, from {x.low:.6g} to {x.high:.6g}{missing}"


def _map(tensor: Any) -> HeatMap | None:
    return None if tensor is None else heat_map(tensor.array)


def _use(c: Contribution, step: Step) -> Use:
    """Return how an edge shows what a VJP gives to an argument."""
    place = f"argument {c.parameter} of {step.name}"
    x = _map(c.value)
    if x is None:
        return "", "none", f"{place}: its backward returned None"
    line = f"{place}: {said('gives the gradient', x)}"
    axes = ", ".join(map(str, c.summed_axes))
    if c.summed_axes:
        line += f"; it was broadcast, so its gradient is summed over {'axes' if len(c.summed_axes) > 1 else 'axis'} {axes}"
    return "broadcast" if c.summed_axes else "", "bad" if x.not_finite else "zero" if x.all_zero else "", line
