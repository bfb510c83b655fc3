"""Where the boxes, frames and lines of a picture stand: rows from the top to the bottom, as the values are computed.

Each frame is laid out on its own and stands as one box in the frame around it, so frames overlap neither each other nor boxes. In a frame
an item stands below all items that it needs, but a leaf or constant of one use may stand beside its operation. A line that passes a row
has a narrow slot of its own in it, so it runs through no box. All uses of a value share one trunk, from which lines branch off to their
operations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .boxes import Box, Edge, Graph
from .frames import Frame, Item, boxes_of
from .rows import Join, Slot, layers, leaves_at, ordered, set_apart

ROW_GAP = 36.0  # between rows
SIDE_GAP, LABEL_GAP = 34.0, 68.0  # between an operation and a leaf beside it, without and with a label on the line
SWEEPS = 48
LINE = 8.0  # the width of a line's slot
PADDING, HEADER, FOOTER = 16.0, 34.0, 22.0  # of a frame: left and right, above its first row, below its last
PORTS = 30.0  # between lines that enter a box
Size = tuple[float, float]


@dataclass(eq=False)
class Line:
    """A piece of a line, from one row to the next: down from (x0, y0) to `bend`, over to x1 until `bend_end`, and down to (x1, y1).

    Where y0 is y1 it is level, from a leaf to the operation beside it.
    edges: those that it leads to; source: the box whose value it carries; last: whether it ends at the operation's box.
    """

    source: Box
    edges: tuple[Edge, ...]
    x0: float
    y0: float
    bend: float
    bend_end: float
    x1: float
    y1: float
    last: bool

    def moved(self, dx: float, dy: float) -> Line:
        """Return the same piece somewhere else."""
        return Line(self.source, self.edges, self.x0 + dx, self.y0 + dy, self.bend + dy, self.bend_end + dy, self.x1 + dx, self.y1 + dy,
                    self.last)


@dataclass
class Layout:
    """A frame that is laid out: its size, (left, top) of each box, (left, top, width, height, depth) of each frame in it, and the lines."""

    width: float
    height: float
    boxes: dict[Box, tuple[float, float]]
    frames: dict[Frame, tuple[float, float, float, float, int]]
    lines: list[Line]
    entries: dict[Box, float]
    exits: dict[Box, float]


def laid_out(graph: Graph, frame: Frame, size: Callable[[Item], Size]) -> Layout:
    """Return the layout of a graph in frames, for boxes of these sizes; a frame is at least as wide as its size says."""
    return _Level(frame, graph.edges, size).layout()


class _Level:
    """The layout of the items of one frame."""

    def __init__(self, frame: Frame, edges: list[Edge], size: Callable[[Item], Size]) -> None:
        self.frame, self.least_width = frame, size(frame)[0]
        self.item_of = {box: item for item in frame.items for box in boxes_of(item)}
        self.edges = [e for e in edges if e.source in self.item_of or e.target in self.item_of]
        self.beside = _beside(self.item_of, self.edges)
        aside = {e for pair in self.beside.values() for e in pair if e is not None}
        self.side_gap = LABEL_GAP if any(e.label for e in aside) else SIDE_GAP
        self.edges = [e for e in self.edges if e not in aside]
        self.items = [item for item in frame.items if item not in {e.source for e in aside}]
        self.inner = {item: _Level(item, self.edges, size).layout() for item in self.items if isinstance(item, Frame)}
        self.sizes = {item: (self.inner[item].width, self.inner[item].height) if isinstance(item, Frame) else size(item)
                      for item in frame.items}
        self.rows: list[list[Slot]] = []
        self.joins: list[Join] = []
        self.joins_of: dict[Slot, list[Join]] = {}

    def layout(self) -> Layout:
        row_of, count = layers(self.items, self._pairs())
        self.rows = [[] for _ in range(count + 2)]  # the first and the last: lines that enter and leave the frame
        slots = {item: self._slot(item, row_of[item] + 1) for item in self.items}
        for source in dict.fromkeys(e.source for e in self.edges):
            self._route(source, [e for e in self.edges if e.source is source], slots)
        self.rows = ordered(self.rows, self.joins)
        self._spread()
        return self._measured()

    def _pairs(self) -> list[tuple[Item, Item]]:
        pairs = {(self.item_of[e.source], self.item_of[e.target]): None
                 for e in self.edges if e.source in self.item_of and e.target in self.item_of}
        return [pair for pair in pairs if pair[0] is not pair[1]]

    def _slot(self, item: Item, row: int) -> Slot:
        slot = Slot(item, None, row, *self.sizes[item])
        if isinstance(item, Frame):
            slot.entries, slot.exits = self.inner[item].entries, self.inner[item].exits
        elif item in self.beside:
            left, right = [self._side(e) for e in self.beside[item]]
            slot.middle = (left - right) / 2
            slot.width += left + right
            slot.height = max(slot.height, *[self.sizes[e.source][1] for e in self.beside[item] if e])
        self.rows[row].append(slot)
        return slot

    def _size(self, slot: Slot) -> Size:
        """Return the size of a slot's item, without the leaves beside it."""
        return (slot.width, slot.height) if slot.item is None else self.sizes[slot.item]

    def _side(self, edge: Edge | None) -> float:
        """Return how much room a leaf beside an operation takes."""
        return 0.0 if edge is None else self.sizes[edge.source][0] + self.side_gap

    def _line_slot(self, source: Box, row: int) -> Slot:
        slot = Slot(None, source, row, LINE, 0.0)
        self.rows[row].append(slot)
        return slot

    def _route(self, source: Box, edges: list[Edge], slots: dict[Item, Slot]) -> None:
        """Lead a value to the items that use it: from row to row, with a slot in each row that it passes."""
        own = self.item_of.get(source)
        ends: list[tuple[Slot | None, tuple[Edge, ...]]] = []  # None: out of the frame
        groups: dict[Item | None, list[Edge]] = {}
        for e in edges:
            item = self.item_of.get(e.target)
            if isinstance(item, Box):
                ends.append((slots[item], (e,)))
            elif item is not own or item is None:
                groups.setdefault(item, []).append(e)
        ends += [(slots[item] if item is not None else None, tuple(found)) for item, found in groups.items()]
        if not ends:
            return
        bottom = len(self.rows) - 1
        trunk = slots[own] if own is not None else self._line_slot(source, 0)
        last_row = max(bottom if slot is None else slot.row for slot, _ in ends)
        for row in range(trunk.row + 1, last_row + 1):
            here = [(slot, found) for slot, found in ends if slot is not None and slot.row == row]
            beyond = [(slot, found) for slot, found in ends if (bottom if slot is None else slot.row) > row or slot is None]
            for slot, found in here:
                self._join(source, trunk, slot, found, isinstance(slot.item, Box))
            if beyond:
                passing = self._line_slot(source, row)
                self._join(source, trunk, passing, tuple(e for _, found in beyond for e in found), False)
                trunk = passing

    def _join(self, source: Box, upper: Slot, lower: Slot, edges: tuple[Edge, ...], last: bool) -> None:
        passing = (upper.item is None) + (lower.item is None)
        weight = (1.0, 3.0, 40.0)[passing] * (30.0 if source.computed else 1.0)  # keep passing lines and the chain of operations straight
        join = Join(source, upper, lower, edges, last, weight)
        self.joins.append(join)
        self.joins_of.setdefault(upper, []).append(join)
        self.joins_of.setdefault(lower, []).append(join)

    # ---- the x of each slot

    def _spread(self) -> None:
        """Choose the x of each slot near what it is joined to, then the ports, and start at the frame's padding."""
        for row in self.rows:
            set_apart(row, [-slot.middle for slot in row], [1.0] * len(row))
        self._choose_ports()
        for sweep in range(SWEEPS):
            for row in self.rows if sweep % 2 == 0 else self.rows[::-1]:
                self._pull(row)
            self._choose_ports()
        left, right = self._ends()
        spare = max(0.0, self.least_width - 2 * PADDING - (right - left))
        for row in self.rows:
            for slot in row:
                slot.x += PADDING - left + spare / 2

    def _ends(self) -> Size:
        """Return the x of the left and the right end."""
        slots = [slot for row in self.rows for slot in row]
        return min(slot.x - slot.width / 2 for slot in slots), max(slot.x + slot.width / 2 for slot in slots)

    def _pull(self, row: list[Slot]) -> None:
        """Move the slots of a row to where they are nearest to the other ends of their lines."""
        wanted, weights = [], []
        for slot in row:
            total = weight = 0.0
            for join in self.joins_of.get(slot, ()):
                here, there = (join.upper, join.lower) if join.upper is slot else (join.lower, join.upper)
                offset = leaves_at(join) - join.port if here is join.upper else join.port - leaves_at(join)
                total += join.weight * (there.x - offset)
                weight += join.weight
            wanted.append(total / weight if weight else slot.x)
            weights.append(weight or 0.01)
        set_apart(row, wanted, weights)

    def _choose_ports(self) -> None:
        """Let lines enter a box side by side, in the order in which they come, the only operation's in the middle."""
        into: dict[Slot, list[Join]] = {}
        for join in self.joins:
            if isinstance(join.lower.item, Frame):  # as its own layout has them
                join.port = join.lower.entries[join.source]
            elif join.lower.item is not None:
                into.setdefault(join.lower, []).append(join)
        for slot, joins in into.items():
            joins.sort(key=lambda join: join.upper.x + leaves_at(join))
            step = min(PORTS, self._size(slot)[0] / 2 / len(joins))
            main = [i for i, join in enumerate(joins) if join.source.computed]
            middle = main[0] if len(main) == 1 and len(joins) > 1 else (len(joins) - 1) / 2
            for i, join in enumerate(joins):
                join.port = slot.middle + (i - middle) * step

    # ---- the result

    def _measured(self) -> Layout:
        tops, heights, y = [], [], 0.0
        for i, row in enumerate(self.rows):
            height = max((slot.height for slot in row), default=0.0)
            tops.append(y)
            heights.append(height)
            gap = HEADER if i == 0 else FOOTER if i == len(self.rows) - 2 else ROW_GAP
            y += height + (0.0 if i == len(self.rows) - 1 else gap)
        found = Layout(max(self.least_width, self._ends()[1] + PADDING), y, {}, {}, [], {}, {})
        for row, top, height in zip(self.rows, tops, heights):
            for slot in row:
                if slot.item is not None:
                    self._put(slot, slot.x - slot.width / 2, top + (height - slot.height) / 2, found)
        for join in self.joins:
            found.lines.append(self._line(join, tops, heights))
        middle = found.width / 2
        found.entries = {slot.source: slot.x - middle for slot in self.rows[0] if slot.source is not None}
        found.exits = {slot.source: slot.x - middle for slot in self.rows[-1] if slot.source is not None}
        return found

    def _put(self, slot: Slot, left: float, top: float, found: Layout) -> None:
        if isinstance(slot.item, Box):
            self._put_box(slot.item, slot, top, found)
        elif slot.item is not None:
            inner = self.inner[slot.item]
            found.frames[slot.item] = (left, top, inner.width, inner.height, 0)
            found.boxes |= {box: (x + left, y + top) for box, (x, y) in inner.boxes.items()}
            found.frames |= {frame: (x + left, y + top, w, h, depth + 1) for frame, (x, y, w, h, depth) in inner.frames.items()}
            found.lines += [line.moved(left, top) for line in inner.lines]

    def _put_box(self, box: Box, slot: Slot, top: float, found: Layout) -> None:
        """Place a box, and the leaves beside it with their lines."""
        (width, height), middle = self.sizes[box], top + slot.height / 2
        left = slot.x + slot.middle - width / 2
        found.boxes[box] = (left, middle - height / 2)
        for edge, side in zip(self.beside.get(box, ()), (-1, 1)):
            if edge is not None:
                wide, high = self.sizes[edge.source]
                room = self._side(edge)
                found.boxes[edge.source] = (left - room if side < 0 else left + width + room - wide, middle - high / 2)
                x0, x1 = (left - room + wide, left) if side < 0 else (left + width + room - wide, left + width)
                found.lines.append(Line(edge.source, (edge,), x0, middle, middle, middle, x1, middle, True))

    def _line(self, join: Join, tops: list[float], heights: list[float]) -> Line:
        upper, lower = join.upper, join.lower
        row, after = upper.row, lower.row
        y0 = tops[row] + (heights[row] + self._size(upper)[1]) / 2 if upper.item is not None else tops[row]
        y1 = tops[after] + (heights[after] - self._size(lower)[1]) / 2 if lower.item is not None else tops[after]
        return Line(join.source, join.edges, upper.x + leaves_at(join), y0, tops[row] + heights[row], tops[after], lower.x + join.port, y1,
                    join.last)


def _beside(item_of: dict[Box, Item], edges: list[Edge]) -> dict[Item, tuple[Edge | None, Edge | None]]:
    """Return the edges whose leaf or constant stands to the left and to the right of its operation.

    Such a leaf has one use. A constant stands beside an operation only if that has an argument from above.
    """
    uses: dict[Box, int] = {}
    into: dict[Box, list[Edge]] = {}
    for e in edges:
        uses[e.source] = uses.get(e.source, 0) + 1
        into.setdefault(e.target, []).append(e)
    found: dict[Item, tuple[Edge | None, Edge | None]] = {}
    for box, arguments in into.items():
        own = [e for e in arguments if not e.source.computed and uses[e.source] == 1 and item_of.get(e.source) is e.source]
        if len(own) == len(arguments) and any(e.source.kind == "constant" for e in own):
            own = [e for e in own if e.source.kind != "constant"]
        if item_of.get(box) is box and own:
            found[box] = (own[0], own[1]) if len(own) > 1 else (None, own[0])
    return found
