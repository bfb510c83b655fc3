"""The boxes of a picture in frames: one for each call of a module, with the calls of its modules in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .boxes import Box, Edge, Graph

MANY_INPUTS = 4


@dataclass(eq=False)
class Frame:
    """A frame: what it says, and its items, which are boxes and frames."""

    label: str
    items: list[Item] = field(default_factory=list)

    def boxes(self) -> list[Box]:
        """Return all boxes in the frame, also those in its frames."""
        return [box for item in self.items for box in boxes_of(item)]


Item = Box | Frame


def boxes_of(item: Item) -> list[Box]:
    """Return the boxes of an item, the box itself or those in the frame."""
    return item.boxes() if isinstance(item, Frame) else [item]


def framed(graph: Graph) -> Frame:
    """Return a frame without a label that holds everything.

    The nodes of a module that are connected stand in one frame, with the leaves that only they use. A frame of one box, not
    counting constants, is left out and the box tells the module; so is a frame that holds but one frame.
    """
    return Frame("", _items(graph.boxes, graph.edges, 0))


def _items(boxes: list[Box], edges: list[Edge], depth: int) -> list[Item]:
    """Return the boxes with those of the same module at this depth in frames."""
    place = _connected(boxes, edges, depth)
    _place_leaves(boxes, edges, depth, place)
    members: dict[Box, list[Box]] = {}
    for box in boxes:
        members.setdefault(place.get(box, box), []).append(box)
    items: list[Item] = []
    for first, inside in members.items():
        if first not in place:
            items.append(first)
            continue
        label = next(box.home[depth][1] for box in inside if box.computed and box.home)
        inner = _items(inside, [e for e in edges if place.get(e.source) is first and place.get(e.target) is first], depth + 1)
        alone = [item for item in inner if isinstance(item, Frame) or item.kind != "constant"]
        if len(alone) > 1:
            items.append(Frame(label, inner))
        else:
            items += inner
            if isinstance(alone[0], Box):
                alone[0].layer = alone[0].layer or label
    return _without_cycles(items, edges)


def _connected(boxes: list[Box], edges: list[Edge], depth: int) -> dict[Box, Box]:
    """Return for each node that belongs to a module at this depth the first of those that it is connected with in that module."""
    first = {box: box for box in boxes if box.computed and box.home and len(box.home) > depth}

    def find(box: Box) -> Box:
        while first[box] is not box:
            first[box] = box = first[first[box]]
        return box

    order = {box: i for i, box in enumerate(boxes)}
    for e in edges:
        if e.source in first and e.target in first and (e.source.home or ())[depth][0] == (e.target.home or ())[depth][0]:
            a, b = sorted((find(e.source), find(e.target)), key=order.__getitem__)
            first[b] = a
    return {box: find(box) for box in first}


def _place_leaves(boxes: list[Box], edges: list[Edge], depth: int, place: dict[Box, Box]) -> None:
    """Put each leaf and constant to its users, if they all stand in one frame that it may stand in.

    A constant with a name is an input and stands outside; but many, as of a recurrent network, would lead many long lines into the frame.
    """
    users: dict[Box, list[Box]] = {box: [] for box in boxes if not box.computed}
    for e in edges:
        if e.source in users:
            users[e.source].append(e.target)
    inputs: dict[Box, list[Box]] = {}
    for box, targets in users.items():
        frames = {place.get(target) for target in targets}
        frame = frames.pop() if len(frames) == 1 else None
        if frame is not None:
            path = (frame.home or ())[depth][0]
            if box.home is None or (len(box.home) > depth and box.home[depth][0] == path):
                place[box] = frame
            elif box.kind == "constant":
                inputs.setdefault(frame, []).append(box)
    for frame, boxes in inputs.items():
        if len(boxes) >= MANY_INPUTS:
            place |= dict.fromkeys(boxes, frame)


def _without_cycles(items: list[Item], edges: list[Edge]) -> list[Item]:
    """Return the items with those frames opened that both need and feed a box outside, so that the items can stand in an order."""
    while True:
        stuck = _stuck(items, edges)
        opened = next((item for item in stuck if isinstance(item, Frame)), None)
        if opened is None:
            return items
        items = [inner for item in items for inner in (item.items if item is opened and isinstance(item, Frame) else [item])]


def _stuck(items: list[Item], edges: list[Edge]) -> list[Item]:
    """Return the items that lie on or behind a cycle."""
    item_of = {box: item for item in items for box in boxes_of(item)}
    pairs = {(item_of[e.source], item_of[e.target]): None for e in edges if e.source in item_of and e.target in item_of}
    waiting = dict.fromkeys(items, 0)
    after: dict[Item, list[Item]] = {item: [] for item in items}
    for a, b in pairs:
        if a is not b:
            waiting[b] += 1
            after[a].append(b)
    ready = [item for item in items if not waiting[item]]
    for item in ready:
        for b in after[item]:
            waiting[b] -= 1
            if not waiting[b]:
                ready.append(b)
    done = set(ready)
    return [item for item in items if item not in done]
