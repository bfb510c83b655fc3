"""Curves and dots as inline SVG. The page's style sheet colours them, so that they follow its dark and its light mode."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from minigrad.experiments.metrics import is_drawable

Scale = Callable[[float], float]

WIDTH, HEIGHT = 360, 230  # about a phone's width in pixels, so that letters have their natural size there
LEFT, RIGHT, TOP, BOTTOM = 58, 10, 8, 36
ROW = 26  # height of a row of dots
SMALLEST = 1e-300  # smaller numbers are drawn as 0


@dataclass(frozen=True)
class Series:
    """A named line: (x, y) pairs, y None where there is no number. `style` names its classes in the style sheet."""

    name: str
    style: str
    points: Sequence[tuple[float, float | None]]


def line_chart(title: str, series: list[Series], *, x_name: str = "epoch") -> str:
    """Return series as one SVG, whose title is read to people who do not see it; "" if there is nothing to draw. Epochs begin at 1."""
    drawn = [(x, y) for line in series for x, y in line.points if is_drawable(x) and is_drawable(y)]
    if not drawn:
        return ""
    values = [y for _, y in drawn]
    first = 1 if x_name == "epoch" else 0
    last = max(x for x, _ in drawn)
    y_ticks = nice_ticks(min(values), max(values))
    x_ticks = [float(first), *(tick for tick in nice_ticks(first, last) if first < tick <= last)]
    if x_name == "epoch":
        x_ticks = [tick for tick in x_ticks if tick == int(tick)]
    x = _scale(first, last, LEFT + 6, WIDTH - RIGHT - 6)
    y = _scale(y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP)
    parts = [_horizontal_line(y(tick), _number(tick)) for tick in y_ticks]
    parts += [_text(x(tick), HEIGHT - BOTTOM + 16, _number(tick), "middle") for tick in x_ticks]
    parts.append(_text((LEFT + WIDTH) / 2, HEIGHT - 4, x_name, "middle"))
    parts += [_line(line, x, y, x_name) for line in series]
    return _svg(title, HEIGHT, parts)


def dot_chart(title: str, rows: list[str], series: list[Series]) -> str:
    """Return an SVG with a row for each name in `rows`, and in it a dot for each series, from (row number, value) pairs."""
    values = [value for line in series for _, value in line.points if is_drawable(value)]
    if not values:
        return ""
    height = TOP + ROW * len(rows) + 24
    ticks = nice_ticks(min(values), max(values))
    x = _scale(ticks[0], ticks[-1], LEFT + 6, WIDTH - RIGHT - 10)
    parts = [_horizontal_line(TOP + ROW * (row + 0.5), name) for row, name in enumerate(rows)]
    for tick in ticks:
        parts.append(f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP}" y2="{height - 24}"/>')
        parts.append(_text(x(tick), height - 8, _number(tick), "middle"))
    for line in series:
        for index, value in line.points:
            if is_drawable(value):
                label = f"{line.name}, {rows[int(index)]}: {value:.2f}"
                parts.append(_mark(x(value), TOP + ROW * (index + 0.5), line.style, label, 5))
    return _svg(title, height, parts)


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round numbers that reach from `low` to `high`, or further where these two are too close to tell apart."""
    size = max(abs(low), abs(high))
    if high - low <= 1e-9 * size or size < SMALLEST:
        size = 1.0 if size < SMALLEST else size
        high, low = low + size / 2, low - size / 2
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, last + 1)]


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    factor = (end - start) / (high - low) if high > low else 0
    return lambda value: start + (value - low) * factor


def _line(line: Series, x: Scale, y: Scale, x_name: str) -> str:
    path, pen = [], "M"
    marks = []
    for place, value in line.points:
        if not (is_drawable(place) and is_drawable(value)):
            pen = "M"  # begin a new line after this gap
            continue
        path.append(f"{pen}{x(place):.1f} {y(value):.1f}")
        pen = "L"
        marks.append(_mark(x(place), y(value), line.style, f"{line.name}, {x_name} {place:g}: {value:.6g}", 3))
    return f'<path class="line {line.style}" d="{" ".join(path)}"/>' + "".join(marks)


def _mark(x: float, y: float, style: str, label: str, size: float) -> str:
    title = f"<title>{escape(label)}</title>"
    if style.startswith("lecture"):
        path = f"M{x:.1f} {y - size:.1f}l{size} {size}l{-size} {size}l{-size} {-size}z"
        return f'<path class="mark {style}" d="{path}">{title}</path>'
    return f'<circle class="mark {style}" cx="{x:.1f}" cy="{y:.1f}" r="{size - 0.5}">{title}</circle>'


def _horizontal_line(y: float, label: str) -> str:
    line = f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return line + _text(LEFT - 6, y + 4, label, "end")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(title: str, height: float, parts: list[str]) -> str:
    label = escape(title, quote=True)
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
