"""Write a graph that is laid out as SVG."""

from __future__ import annotations

import hashlib
import math

from . import texts
from .boxes import Box, Edge, Graph
from .frames import Frame, Item
from .heat_maps import COLUMNS, ROWS, HeatMap
from .layout import Layout, Line
from .style import LEVELS, style
from .texts import escaped, shortened

WIDTH, CONSTANT_WIDTH, MARGIN, GAP = 200.0, 120.0, 10.0, 10.0  # of a box; within it; between its two columns
MAP = (WIDTH - 2 * MARGIN - GAP) / 2  # the width of a column
CELL, MAP_HEIGHT = 14.0, 44.0  # the most that a cell, and all rows, are high
SEAM = 0.6  # between cells
EDGE = 16.0  # around the picture
TEXT_LINE, CALL_LINE = 15.0, 15.0
LABEL = 400.0  # the most that a frame's label is wide


def size(item: Item) -> tuple[float, float]:
    """Return the width and height of a box; for a frame the width of its label."""
    if isinstance(item, Frame):
        return (min(texts.width(item.label, 11, bold=True), LABEL) + 24, 0.0)
    if item.kind == "older":
        return WIDTH, 44.0
    width = CONSTANT_WIDTH if item.kind == "constant" else WIDTH
    lines = len([part for part in (item.detail, item.layer) if part]) + (not _shape_fits(item, width))
    return width, 26.0 + CALL_LINE * lines + _body_height(item) + (TEXT_LINE if item.kind == "fold" else 0)


def _shape(box: Box) -> str:
    return "×".join(map(str, box.shape))


def _shape_fits(box: Box, width: float) -> bool:
    """Return whether the shape stands beside the title."""
    return not box.shape or texts.width(box.title, 13, bold=True) + texts.width(_shape(box), 11) + 8 <= width - 2 * MARGIN


def _body_height(box: Box) -> float:
    shown = [x for x in (box.value, box.gradient) if x is not None and x.size > 1]
    return max((_cell(x)[1] * len(x.cells) for x in shown), default=-12.0) + 2 * TEXT_LINE + 10


def _cell(x: HeatMap) -> tuple[float, float]:
    """Return the width and height of a cell of a heat map."""
    rows, columns = len(x.cells), len(x.cells[0])
    return min(CELL, MAP / columns), min(CELL, MAP_HEIGHT / rows)


def svg(graph: Graph, layout: Layout, root: Box, title: str) -> str:
    """Return the picture as an SVG element. Its style holds for this picture alone, and the same graph gives the same text."""
    legend, below = _legend(max(layout.width + 2 * EDGE, 420.0))
    width, top = max(layout.width + 2 * EDGE, 420.0), 34.0
    height = top + layout.height + below + EDGE
    left = (width - layout.width) / 2
    body = [f'<rect class="paper" width="{_n(width)}" height="{_n(height)}" rx="8"/>',
            f'<text class="head" x="{_n(EDGE)}" y="28">{escaped(shortened(title, width - 2 * EDGE, 15, bold=True))}</text>',
            f'<g transform="translate({_n(left)} {_n(top)})">']
    body += [_frame(frame, *place[:4]) for frame, place in sorted(layout.frames.items(), key=lambda pair: pair[1][4])]
    body += [_line(line) for line in layout.lines]
    body += [_box(box, *layout.boxes[box], box is root) for box in graph.boxes]
    body += _labels(layout.lines)
    body += ["</g>", f'<g transform="translate({_n(EDGE)} {_n(top + layout.height)})">{legend}</g>']
    text = "\n".join(body)
    name = "minigrad-" + hashlib.sha256((title + text).encode()).hexdigest()[:10]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" class="{name}" width="{_n(width)}" height="{_n(height)}" '
            f'viewBox="0 0 {_n(width)} {_n(height)}" role="img" aria-labelledby="{name}-title {name}-text">\n'
            f'<title id="{name}-title">{escaped(title)}</title>\n<desc id="{name}-text">{escaped(_description(graph))}</desc>\n'
            f"<style>{style('.' + name)}</style>\n{text}\n</svg>\n")


def _description(graph: Graph) -> str:
    shown = [f"{box.title} ({box.detail})" if box.detail else box.title for box in graph.boxes if box.computed]
    more = f", and {len(shown) - 40} more" if len(shown) > 40 else ""
    return (f"The graph of a backward pass of {graph.nodes} nodes, from the inputs at the top to the result at the "
            "bottom. Each box shows a value and its gradient as heat maps. In their order: " + ", ".join(shown[:40]) + more + ".")


# ---- boxes


def _box(box: Box, x: float, y: float, is_root: bool) -> str:
    """Return a box: its tooltip and outline, its texts, and the heat maps of its value and its gradient."""
    width, height = size(box)
    bad = any(shown is not None and shown.not_finite for shown in (box.value, box.gradient))
    zero = box.gradient is not None and box.gradient.all_zero and not bad
    marks = [box.kind, *["root"] * is_root, *["bad"] * bad, *["zero"] * zero]
    corners = {"leaf": 14, "older": 22}.get(box.kind, 5)
    texts_of_box, bottom = _texts(box, width)
    parts = [f'<g class="{" ".join(marks)}" transform="translate({_n(x)} {_n(y)})"><title>{escaped(chr(10).join(box.lines))}</title>',
             f'<rect class="box" width="{_n(width)}" height="{_n(height)}" rx="{corners}"/>', *texts_of_box]
    if box.kind == "fold":
        parts.append(f'<path class="box" d="M4 {_n(height)}v4h{_n(width - 8)}v-4"/>')
    if box.kind != "older":
        parts.append(_column("v", box.value, "value not known", MARGIN, bottom + 8))
        if box.kind != "constant":
            parts.append(_column("g", box.gradient, box.no_gradient, MARGIN + MAP + GAP, bottom + 8))
    if box.kind == "fold" and box.gradient is not None and box.first_gradient is not None:
        text = f"|g| {texts.number(box.gradient.norm)} → {texts.number(box.first_gradient.norm)} at the first"
        parts.append(f'<text class="faint" x="{_n(MARGIN)}" y="{_n(height - 8)}">{text}</text>')
    return "".join(parts) + "</g>"


def _texts(box: Box, width: float) -> tuple[list[str], float]:
    """Return the texts at the top of a box, its name, shape, call and layer, and the y of the last."""
    title = shortened(box.title, width - 2 * MARGIN, 13, bold=True)
    parts = [f'<text class="name" x="{_n(MARGIN)}" y="19">{escaped(title)}</text>']
    beside, y = _shape_fits(box, width), 19.0
    if box.shape and beside:
        parts.append(f'<text class="faint end" x="{_n(width - MARGIN)}" y="19">{_shape(box)}</text>')
    for text, monospaced in (("" if beside else _shape(box), False), (box.detail, True), (box.layer, False)):
        if text:
            y += CALL_LINE
            shown = shortened(text, width - 2 * MARGIN, 10.5 if monospaced else 11, monospaced=monospaced, at_end=monospaced)
            parts.append(f'<text class="{"call" if monospaced else "faint"}" x="{_n(MARGIN)}" y="{_n(y)}">{escaped(shown)}</text>')
    return parts, y


def _column(letter: str, x: HeatMap | None, unknown: str, left: float, top: float) -> str:
    """Return the heat map of a value or a gradient with its norm and its scale, or the number itself."""
    def text(y: float, kind: str, words: str) -> str:
        return f'<text class="{kind}" x="{_n(left)}" y="{_n(top + y)}">{words}</text>'

    if x is None:
        return text(12, "faint", unknown)
    if x.size == 0:
        return text(12, "faint", f"{letter}: empty")
    if x.size == 1:
        numbers = [f"{letter} = {texts.number(x.cells[0][0], digits)}" for digits in (5, 4, 3)]
        shown = next((words for words in numbers if texts.width(words, 13) < MAP), numbers[-1])
        return text(14, "wrong figure" if x.not_finite else "figure", shown)
    end = _cell(x)[1] * len(x.cells)
    norm = text(end + TEXT_LINE, "wrong" if x.not_finite else "norm", f"|{letter}| {texts.number(x.norm)}")
    scale = "all zero" if x.all_zero else f"{'mean ' * x.reduced}±{texts.number(x.scale, 3 - x.reduced)}"
    missing = f"{texts.count(x.not_finite)} nan/inf"
    below = text(end + 2 * TEXT_LINE, "wrong", missing) if x.not_finite else text(end + 2 * TEXT_LINE, "faint", scale)
    return _cells(x, left, top) + norm + below


def _cells(x: HeatMap, left: float, top: float) -> str:
    """Return the cells of a heat map: orange above 0, blue below, red with a cross where a number is not finite."""
    w, h = _cell(x)
    rows, columns = len(x.cells), len(x.cells[0])
    parts = [f'<g transform="translate({_n(left)} {_n(top)})"><rect class="map" width="{_n(w * columns)}" height="{_n(h * rows)}"/>']
    for i, row in enumerate(x.cells):
        for j, cell in enumerate(row):
            box = f"M{_n(j * w)} {_n(i * h)}h{_n(w - SEAM)}v{_n(h - SEAM)}h{_n(SEAM - w)}z"
            title = f"<title>{x.place(i, j)} {cell:.4g}</title>"
            if not math.isfinite(cell):
                parts.append(f'<path class="x" d="{box}">{title}</path><path class="cross" d="M{_n(j * w + 1)} {_n(i * h + 1)}'
                             f'l{_n(w - 2)} {_n(h - 2)}m0 {_n(2 - h)}l{_n(2 - w)} {_n(h - 2)}"/>')
            else:
                level = math.ceil(LEVELS * (abs(cell) / x.scale)) if x.scale else 0
                kind = f"{'p' if cell > 0 else 'n'} l{level}" if cell else "o"
                parts.append(f'<path class="{kind}" d="{box}">{title}</path>')
    return "".join(parts) + "</g>"


# ---- frames, lines and the legend


def _frame(frame: Frame, x: float, y: float, width: float, height: float) -> str:
    return (f'<rect class="frame" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="12"/>'
            f'<text class="frame-name" x="{_n(x + 12)}" y="{_n(y + 17)}">'
            f"<title>{escaped(frame.label)}</title>{escaped(shortened(frame.label, LABEL, 11, bold=True))}</text>")


def _state(edges: tuple[Edge, ...]) -> str:
    """Return how a piece of a line looks: as its edges if they are alike, red if one is."""
    states = {edge.state for edge in edges}
    return "bad" if "bad" in states else states.pop() if len(states) == 1 else ""


def _line(line: Line) -> str:
    state = _state(line.edges)
    said = line.edges[0].line if len(line.edges) == 1 else f"{len(line.edges)} uses"
    title = f"<title>{escaped(line.source.title + ': ' + said)}</title>"
    kind = f" {state}".rstrip()
    if line.y0 == line.y1:
        d = 1 if line.x1 > line.x0 else -1
        return (f'<g>{title}<path class="line{kind}" d="M{_n(line.x0)} {_n(line.y0)}H{_n(line.x1 - 5 * d)}"/>'
                f'<path class="tip{kind}" d="M{_n(line.x1 - 7 * d)} {_n(line.y1 - 4)}v8l{7 * d} -4z"/></g>')
    middle = (line.bend + line.bend_end) / 2
    end = line.y1 - 5 if line.last else line.y1
    bend_end = min(line.bend_end, end)
    path = f"M{_n(line.x0)} {_n(line.y0)}"
    if line.bend != line.y0:
        path += f"V{_n(line.bend)}"
    if abs(line.x0 - line.x1) > 0.05:
        path += f"C{_n(line.x0)} {_n(middle)} {_n(line.x1)} {_n(middle)} {_n(line.x1)} {_n(bend_end)}"
    path += f"V{_n(end)}"
    tip = f'<path class="tip{kind}" d="M{_n(line.x1 - 4)} {_n(line.y1 - 7)}h8l-4 7z"/>' if line.last else ""
    return f'<g>{title}<path class="line{kind}" d="{path}"/>{tip}</g>'


def _labels(lines: list[Line]) -> list[str]:
    """Return the labels of the edges, each at the end of its line, where none stands yet."""
    found: list[str] = []
    taken: list[tuple[float, float]] = []
    for line in lines:
        if line.last and line.edges[0].label:
            level = line.y0 == line.y1
            x = (line.x0 + line.x1) / 2 if level else (line.x0 + 3 * line.x1) / 4
            heights = [line.y0 - 6] if level else [line.bend_end - 12.0, line.bend_end - 24.0, line.bend_end - 1.0]
            y = next((y for y in heights if all(abs(x - a) > 62 or abs(y - b) > 11 for a, b in taken)), heights[0])
            taken.append((x, y))
            title = f"<title>{escaped(line.edges[0].line)}</title>"
            found.append(f'<text class="label" x="{_n(x)}" y="{_n(y)}">{title}{line.edges[0].label}</text>')
    return found


def _legend(width: float) -> tuple[str, float]:
    """Return the legend for a picture of this width, and its height."""
    swatch = "h12v12h-12z"
    scale = "".join(f'<path class="{kind}" d="M{12 * i} -10{swatch}"/>' for i, kind in enumerate(("n l9", "n l4", "o", "p l4", "p l9")))
    entries = [
        (scale, 66, "from −s to +s; ±s stands below each map"),
        ("", 0, "left: value v, right: gradient g"), ("", 0, "|v|, |g|: Euclidean norm"),
        ("", 0, f"more than {ROWS} × {COLUMNS}: cells are means of blocks"),
        (f'<path class="x" d="M0 -10{swatch}"/><path class="cross" d="M2 -8l8 8m0 -8l-8 8"/>', 17, "NaN or infinite"),
        ('<g class="leaf"><rect class="box" y="-10" width="20" height="12" rx="5"/></g>', 26, "leaf"),
        ('<g class="constant"><rect class="box" y="-10" width="20" height="12" rx="2"/></g>', 26, "constant"),
        ('<g class="zero"><rect class="box" y="-10" width="20" height="12" rx="2"/></g>', 26, "gradient all zero"),
        ('<path class="line zero" d="M0 -4h26"/>', 32, "gives no gradient, or one of zeros"),
    ]
    x, y, parts = 0.0, 22.0, []
    for drawing, room, words in entries:
        wide = room + texts.width(words, 11)
        if x and x + wide > width - 2 * EDGE:
            x, y = 0.0, y + 19
        parts.append(f'<g transform="translate({_n(x)} {_n(y)})">{drawing}<text class="faint" x="{room}" y="0">{escaped(words)}</text></g>')
        x += wide + 16
    return "".join(parts), y


def _n(x: float) -> str:
    """Return a coordinate with at most one digit behind the point."""
    return f"{x + 0.0:.1f}".removesuffix(".0").replace("-0", "0") if abs(x) < 0.05 else f"{x:.1f}".removesuffix(".0")
