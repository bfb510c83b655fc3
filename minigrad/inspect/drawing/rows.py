"""The rows of a layout: in which row an item stands, in which order, and how far to the right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from .boxes import Box, Edge
from .frames import Item

BOX_GAP, LINE_GAP = 24.0, 14.0  # between boxes of a row, beside a line
SWEEPS = 12


@dataclass(eq=False)
class Slot:
    """A place in a row: an item, or the passing line of a value.

    x: its centre; source: the value, for a line. middle: where the box itself stands, from the centre.
    entries, exits: where lines enter a frame at the top and leave it at the bottom, from the centre.
    """

    item: Item | None
    source: Box | None
    row: int
    width: float
    height: float
    x: float = 0.0
    middle: float = 0.0
    entries: dict[Box, float] = field(default_factory=dict)
    exits: dict[Box, float] = field(default_factory=dict)


@dataclass(eq=False)
class Join:
    """A piece between two slots of neighbouring rows."""

    source: Box
    upper: Slot
    lower: Slot
    edges: tuple[Edge, ...]
    last: bool
    weight: float
    port: float = 0.0  # where it enters the lower slot, from its centre


def layers(items: list[Item], pairs: Iterable[tuple[Item, Item]]) -> tuple[dict[Item, int], int]:
    """Return the row of each item, and how many rows there are: by the longest path.

    What needs only leaves, constants, and operations that nothing else needs, is moved down to stand just above its first user.
    """
    before: dict[Item, list[Item]] = {item: [] for item in items}
    after: dict[Item, list[Item]] = {item: [] for item in items}
    for a, b in pairs:
        before[b].append(a)
        after[a].append(b)
    waiting = {item: len(before[item]) for item in items}
    ready = [item for item in items if not waiting[item]]
    row = dict.fromkeys(items, 0)
    for item in ready:
        for b in after[item]:
            row[b] = max(row[b], row[item] + 1)
            waiting[b] -= 1
            if not waiting[b]:
                ready.append(b)
    floating: set[Item] = set()
    for item in ready:
        if all((a in floating and len(after[a]) == 1) or not before[a] for a in before[item]):
            floating.add(item)
    for item in reversed(ready):
        if item in floating and after[item]:
            row[item] = min(row[b] for b in after[item]) - 1
    return row, max(row.values(), default=-1) + 1


def ordered(rows: list[list[Slot]], joins: list[Join]) -> list[list[Slot]]:
    """Return the rows with their slots ordered by the mean place of what they are joined to: of several sweeps the best order."""
    above, below = _neighbours(joins)
    rows = [list(row) for row in rows]
    best, fewest = [list(row) for row in rows], _crossings(joins, rows)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for known, row in pairwise(rows if down else rows[::-1]):
            _sort(row, above if down else below, {slot: i for slots in (known, row) for i, slot in enumerate(slots)})
        found = _crossings(joins, rows)
        if found < fewest:
            best, fewest = [list(row) for row in rows], found
    return best


def _neighbours(joins: list[Join]) -> tuple[dict[Slot, list[Slot]], dict[Slot, list[Slot]]]:
    """Return for each slot those that it is joined to in the row above, and in the row below."""
    above: dict[Slot, list[Slot]] = {}
    below: dict[Slot, list[Slot]] = {}
    for join in joins:
        above.setdefault(join.lower, []).append(join.upper)
        below.setdefault(join.upper, []).append(join.lower)
    return above, below


def _sort(row: list[Slot], neighbours: dict[Slot, list[Slot]], place: dict[Slot, int]) -> None:
    """Sort a row by the mean place of the slots' neighbours; a slot without any keeps its place."""
    means = {slot: sum(place[n] for n in neighbours[slot]) / len(neighbours[slot]) for slot in row if slot in neighbours}
    moving = iter(sorted(means, key=lambda slot: (means[slot], place[slot])))
    row[:] = [next(moving) if slot in means else slot for slot in row]


def _crossings(joins: list[Join], rows: list[list[Slot]]) -> int:
    """Return how many pairs of pieces between the same rows cross."""
    place = {slot: i for row in rows for i, slot in enumerate(row)}
    between: dict[int, list[tuple[int, int]]] = {}
    for join in joins:
        between.setdefault(join.upper.row, []).append((place[join.upper], place[join.lower]))
    count = 0
    for pieces in between.values():
        pieces.sort()
        for i, (_, b) in enumerate(pieces):
            a = pieces[i][0]
            count += sum(1 for c, d in pieces[i + 1:] if c > a and d < b)
    return count


def set_apart(row: list[Slot], wanted: list[float], weights: list[float]) -> None:
    """Give each slot of a row the x nearest to the wanted one, by weighted squares, at which none is too near to its neighbour.

    With the least distances from the first slot taken off, the places only have to ascend: the method is to pool adjacent violators.
    """
    offsets, offset = [], 0.0
    for i, slot in enumerate(row):
        if i:
            gap = BOX_GAP if slot.item is not None and row[i - 1].item is not None else LINE_GAP
            offset += (row[i - 1].width + slot.width) / 2 + gap
        offsets.append(offset)
    pools: list[tuple[float, float, int]] = []  # mean, weight, slots
    for x, weight, offset in zip(wanted, weights, offsets):
        pool = (x - offset, weight, 1)
        while pools and pools[-1][0] >= pool[0]:
            mean, other, count = pools.pop()
            total = other + pool[1]
            pool = ((mean * other + pool[0] * pool[1]) / total, total, count + pool[2])
        pools.append(pool)
    means = [mean for mean, _, count in pools for _ in range(count)]
    for slot, mean, offset in zip(row, means, offsets):
        slot.x = mean + offset


def leaves_at(join: Join) -> float:
    """Return where a piece leaves its upper slot, from its centre."""
    return join.upper.exits.get(join.source, join.upper.middle)
