"""Curves and dots as inline SVG, whose heights are in pixels and whose widths are in per cent: the text has one size on every page.

The page's style sheet colours them, so that they follow its dark and its light mode.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from minigrad.experiments.metrics import is_drawable
from minigrad.experiments.report.scales import Axis, linear_axis, logarithmic_axis, nice_ticks, tick_label

HEIGHT = 190  # of a chart, in pixels
ROW = 26  # height of a row of dots
INSET = 0.02  # the share of the width that is left free on both sides
UNITS = 1000  # the width of a line's own coordinates, which the browser stretches to the width of the chart

Place = Callable[[float], float]


@dataclass(frozen=True)
class Series:
    """A named line: (x, y) pairs, y None where there is no number. `style` names its classes in the style sheet.

    `end` is the x at which a run diverged, which a cross at the upper edge shows.
    """

    name: str
    style: str
    points: Sequence[tuple[float, float | None]]
    end: float | None = None


@dataclass(frozen=True)
class Frame:
    """What a chart needs beside its series: its height in pixels, how many ticks it has, its axes if they are not found from the series.

    `last` is an epoch up to which the axis is to reach, `with_zero` whether y = 0 is to be in sight, `divider` an x with a vertical line.
    """

    height: int = HEIGHT
    ticks: int = 5
    x_name: str = "epoch"
    x_axis: Axis | None = None
    y_axis: Axis | None = None
    logarithmic: bool = False
    last: float | None = None
    with_zero: bool = False
    divider: float | None = None


def line_chart(title: str, series: Sequence[Series], frame: Frame = Frame()) -> str:
    """Return series as one SVG, whose title is read to people who do not see it; "" if there is nothing to draw. Epochs begin at 1."""
    drawn = drawable(series)
    if not drawn:
        return ""
    x_axis, y_axis = frame.x_axis or _x_axis(series, frame), frame.y_axis or _y_axis(series, frame)

    def across(value: float) -> float:
        return INSET + (1 - 2 * INSET) * x_axis.place(value)

    def down(value: float) -> float:
        return frame.height * (1 - y_axis.place(value))

    parts = [_horizontal_line(down(tick), tick_label(tick), "zero" if tick == 0 else "grid") for tick in y_axis.ticks]
    parts += [_text(across(tick), frame.height + 17, tick_label(tick)) for tick in x_axis.ticks]
    parts.append(f'<text x="-8" y="{frame.height + 17}" text-anchor="end">{escape(frame.x_name)}</text>')
    if frame.divider is not None:
        parts.append(_vertical_line(across(frame.divider), frame.height, "divider"))
    parts.append(_lines(series, across, down, frame.height))
    parts += [_marks(line, across, down, frame.x_name) for line in series]
    return _svg(title, frame.height, parts)


def drawable(series: Sequence[Series]) -> list[tuple[float, float]]:
    """Return the points of all `series` that a chart can show."""
    return [(x, y) for line in series for x, y in line.points if is_drawable(x) and is_drawable(y)]


def _x_axis(series: Sequence[Series], frame: Frame) -> Axis:
    """Return the axis from epoch 1, or of other values from 0, to the largest x."""
    ends = [x for x in (frame.last, *(line.end for line in series)) if x is not None]
    last = max([x for x, _ in drawable(series)] + ends)
    return epoch_axis(last, frame.ticks) if frame.x_name == "epoch" else linear_axis([0.0, last], frame.ticks)


def _y_axis(series: Sequence[Series], frame: Frame) -> Axis:
    values = [y for _, y in drawable(series)] + [0.0] * frame.with_zero
    return (logarithmic_axis if frame.logarithmic else linear_axis)(values, frame.ticks)


def epoch_axis(last: float, ticks: int = 5) -> Axis:
    """Return an axis from epoch 1 to epoch `last`, whose ticks are whole numbers."""
    gap = 0.08 * (last - 1)  # the last epoch ends the axis; a tick that is too near gives way
    between = [tick for tick in nice_ticks(1, last, ticks) if 1 < tick < last - gap and tick == int(tick)]
    return Axis([1.0, *between, float(last)] if last > 1 else [1.0])


def dot_chart(title: str, rows: list[str], series: list[Series]) -> str:
    """Return an SVG with a row for each name in `rows`, and in it a dot for each series, from (row number, value) pairs."""
    values = [value for _, value in drawable(series)]
    if not values:
        return ""
    height, axis = ROW * len(rows), linear_axis(values)

    def across(value: float) -> float:
        return INSET + (1 - 2 * INSET) * axis.place(value)

    parts = [_horizontal_line(ROW * (row + 0.5), name) for row, name in enumerate(rows)]
    for tick in axis.ticks:
        parts += [_vertical_line(across(tick), height, "grid"), _text(across(tick), height + 17, tick_label(tick))]
    for line in series:
        for index, value in line.points:
            if is_drawable(value):
                label = f"{line.name}, {rows[int(index)]}: {value:.2f}"
                parts.append(_mark(across(value), ROW * (index + 0.5), line.style, label, 5))
    return _svg(title, height, parts)


def _lines(series: Sequence[Series], across: Place, down: Place, height: float) -> str:
    """Return the lines through the points of each series, interrupted where there is no number."""
    paths = []
    for line in series:
        steps, pen = [], "M"
        for place, value in line.points:
            if not (is_drawable(place) and is_drawable(value)):
                pen = "M"  # begin a new line after this gap
                continue
            steps.append(f"{pen}{UNITS * across(place):.1f} {down(value):.1f}")
            pen = "L"
        paths.append(f'<path class="line {line.style}" d="{" ".join(steps)}"/>')
    box = f'viewBox="0 0 {UNITS} {height:g}" preserveAspectRatio="none" width="100%" height="{height:g}"'
    return f"<svg {box}>{''.join(paths)}</svg>"


def _marks(line: Series, across: Place, down: Place, x_name: str) -> str:
    marks = [
        _mark(across(x), down(y), line.style, f"{line.name}, {x_name} {x:g}: {y:.6g}", 3)
        for x, y in line.points
        if is_drawable(x) and is_drawable(y)
    ]
    if line.end is not None:
        title = f"<title>{escape(line.name)}: diverged in {x_name} {line.end:g}</title>"
        marks.append(f'<text class="cross" x="{across(line.end):.2%}" y="11" text-anchor="middle">✕{title}</text>')
    return "".join(marks)


def _mark(x: float, y: float, style: str, label: str, size: float) -> str:
    title = f"<title>{escape(label)}</title>"
    if style.startswith("lecture"):
        path = f"M0 {-size}l{size} {size}l{-size} {size}l{-size} {-size}z"
        return f'<svg x="{x:.2%}" y="{y:.1f}"><path class="mark {style}" d="{path}">{title}</path></svg>'
    return f'<circle class="mark {style}" cx="{x:.2%}" cy="{y:.1f}" r="{size - 0.5}">{title}</circle>'


def _horizontal_line(y: float, label: str, style: str = "grid") -> str:
    line = f'<line class="{style}" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
    return line + f'<text x="-8" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>'


def _vertical_line(x: float, height: float, style: str) -> str:
    return f'<line class="{style}" x1="{x:.2%}" x2="{x:.2%}" y1="0" y2="{height:g}"/>'


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.2%}" y="{y:g}" text-anchor="middle">{escape(text)}</text>'


def _svg(title: str, height: float, parts: list[str]) -> str:
    label = escape(title, quote=True)
    return f'<svg class="chart" height="{height:g}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
