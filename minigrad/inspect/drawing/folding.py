"""Make a graph small enough to be read: chains of element-wise operations become one box, and only the newest boxes stay."""

from __future__ import annotations

from itertools import groupby

from .boxes import Box, Edge, Graph, older_box

SMALL = 12  # a graph of so few nodes is drawn as it is
SHORTEST = 4  # operations that are worth a fold


def fold(graph: Graph, limit: int) -> Graph:
    """Return a graph in which each long chain of operations of one argument and one use is one box.

    What the program has a name for ends a chain; only where there would be more than `limit` boxes is it folded, too.
    """
    if graph.nodes <= SMALL:
        return graph
    folded = _folded(graph, False)
    return folded if sum(box.computed for box in folded.boxes) <= limit else _folded(folded, True)


def newest(graph: Graph, limit: int) -> Graph:
    """Return the graph of the newest `limit` boxes of nodes, with the leaves and constants that they use and one box for the rest."""
    computed = [box for box in graph.boxes if box.kind in ("node", "fold")]
    if len(computed) <= limit:
        return graph
    older = set(computed[:-limit]) | {box for box in graph.boxes if box.kind == "older"}
    drawn = sum(len(box.things) for box in computed[-limit:])
    rest = older_box(graph.nodes - drawn)
    edges = [Edge(rest if e.source in older else e.source, e.target, e.label, e.state, e.line)
             for e in graph.edges if e.target not in older]
    used = {edge.source for edge in edges} | set(computed[-limit:])
    return Graph([rest, *[box for box in graph.boxes if box in used]], edges, graph.nodes, graph.leaves)


def _folded(graph: Graph, named: bool) -> Graph:
    """Return the graph with its chains folded; `named` says whether what has a name may stand within one."""
    uses = graph.uses()
    into: dict[Box, list[Edge]] = {box: [] for box in graph.boxes}
    for edge in graph.edges:
        into[edge.target].append(edge)
    stands_for: dict[Box, Box] = {}
    ends: set[Box] = set()
    chain_of: dict[Box, list[Box]] = {}
    for box in graph.boxes:
        edges = into[box]
        before = edges[0].source if len(edges) == 1 else None
        if box.kind in ("node", "fold") and before is not None and _continues(before, box, uses, named) and before in chain_of:
            chain_of[box] = chain_of.pop(before)
            chain_of[box].append(box)
        elif box.kind in ("node", "fold") and len(edges) == 1:
            chain_of[box] = [box]
    for last, chain in chain_of.items():
        if len(chain) >= SHORTEST:
            one = _one(chain)
            stands_for |= dict.fromkeys(chain, one)
            ends.add(last)
    kept = [stands_for.get(box, box) for box in graph.boxes if box not in stands_for or box in ends]
    edges = [Edge(stands_for.get(e.source, e.source), stands_for.get(e.target, e.target), e.label, e.state, e.line)
             for e in graph.edges if stands_for.get(e.source, e.source) is not stands_for.get(e.target, e.target)]
    return Graph(kept, edges, graph.nodes, graph.leaves)


def _continues(before: Box, box: Box, uses: dict[Box, list[Edge]], named: bool) -> bool:
    """Return whether a chain may go on from one box to the next."""
    alike = before.kind in ("node", "fold") and before.shape == box.shape and before.home == box.home
    return alike and len(uses[before]) == 1 and (named or not before.named)


def _one(chain: list[Box]) -> Box:
    """Return the box that stands for a chain."""
    members = tuple(member for box in chain for member in (box.members or (box,)))
    last, first = members[-1], members[0]
    title = last.title if last.named else f"{len(members)} operations"
    lines = [f"{len(members)} operations, the newest first; value and gradient are those of the newest"]
    lines += [_line(box) for box in members[::-1]]
    things = tuple(thing for box in members for thing in box.things)
    return Box("fold", title, operations(members), things, last.shape, last.value, last.gradient, lines, last.home, last.named,
               first_gradient=first.gradient, members=members)


def _line(box: Box) -> str:
    norm = "" if box.gradient is None else f", |g| {box.gradient.norm:.3g}"
    return f"{box.title}: {box.detail}{norm}"


def operations(members: tuple[Box, ...]) -> str:
    """Return the operations of a chain in their order: "mul, tanh, 3 × add", or "12 × (tanh, mul)" where they repeat."""
    names = [box.things[0].op.__name__ for box in members]
    for period in range(2, len(names) // 2 + 1):
        if len(names) % period == 0 and names == names[:period] * (len(names) // period) and len(set(names)) > 1:
            return f"{len(names) // period} × ({', '.join(names[:period])})"
    runs = [(name, len(list(run))) for name, run in groupby(names)]
    return ", ".join(f"{count} × {name}" if count > 1 else name for name, count in runs)
