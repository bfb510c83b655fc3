"""`explain`: a backward pass in words and numbers, as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

import html
import sys
import textwrap
from itertools import islice
from typing import TYPE_CHECKING, Any

from .backward_steps import Step, Steps
from .names import Names
from .wording import has_colours, numbers, printable, remarks, shape_text, width_of_terminal

if TYPE_CHECKING:
    from .._tensor import Tensor

BOLD, DIM, RED, END = "\033[1m", "\033[2m", "\033[31m", "\033[0m"
Row = tuple[str, str, str, list[tuple[str, bool]]]  # label, shape, numbers, remarks with whether each is a warning
STYLE = """
.minigrad-explain{font:14px/1.45 system-ui,sans-serif;max-width:60rem;overflow-wrap:anywhere}
.minigrad-explain ol{padding-left:2.2em;margin:.6em 0}.minigrad-explain li{margin:.9em 0}
.minigrad-explain.minigrad-explain code{font:13px/1.4 ui-monospace,monospace;background:none;color:inherit;padding:0}
.minigrad-explain.minigrad-explain .call{font-weight:600}.minigrad-explain .faint{opacity:.75}
.minigrad-explain .rows{display:grid;grid-template-columns:auto auto 1fr;gap:.1em 1.1em;margin:.3em 0;padding-left:.7em;
border-left:2px solid rgba(128,128,128,.4);font-variant-numeric:tabular-nums}
.minigrad-explain .remark{grid-column:1/-1;padding-left:1.2em}.minigrad-explain .bad{color:#d9480f;font-weight:600}
@media(max-width:500px){.minigrad-explain .rows{grid-template-columns:auto 1fr}.minigrad-explain .what{grid-column:1/-1;padding-left:1.2em}}
"""


class Explanation:
    """A backward pass in words: `print` it, let a notebook show it, or take its `steps` and `leaves`.

    steps: the first steps, at most `limit` of them; total: how many there are. leaves: [(name, leaf, what backward adds to its `.grad`)].
    """

    def __init__(self, walk: Steps, limit: int | None) -> None:
        self.loss, self.names, self.total = walk.loss, walk.names, walk.total
        self.name = walk.name_of(walk.loss.node)
        self.steps: list[Step] = list(islice(walk, limit))
        for _ in walk:
            pass
        self.leaves = walk.leaves

    def text(self, width: int = 80, colour: bool = False) -> str:
        """Return the explanation as lines of at most `width` columns; with `colour`, the codes that make a terminal show it in colours."""
        text = _Text(width, colour)
        text.line(f"{BOLD}How backward() goes from {self.name} to the leaves, in {_count(self.total, 'step')}{END}", "")
        text.line("In each step g is the gradient of the step's value; it gives dL/dx to the argument x, and so on.", "")
        for step in self.steps:
            _step_text(step, self.names, text)
        if len(self.steps) < self.total:
            text.line("")
            text.line(f"… and {_count(self.total - len(self.steps), 'more step')}; explain(loss, limit=None) shows all", "")
        text.line("")
        text.line(f"{BOLD}What backward() adds to .grad{END}", "")
        text.rows([(name, shape_text(g), numbers(g), []) for name, _, g in self.leaves])
        return "\n".join(text.lines)

    def __str__(self) -> str:
        """Return the text for the terminal, as wide as it is, with colours if the standard output is a terminal."""
        return printable(self.text(width_of_terminal(), has_colours()))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the explanation as HTML, which a notebook shows."""
        title = f"How backward() goes from {_escape(self.name)} to the leaves, in {_count(self.total, 'step')}."
        parts = [f"<style>{STYLE}</style><div class='minigrad-explain'><div><b>{title}</b> In each step g is the gradient of the step's "
                 "value; it gives dL/dx to the argument x, and so on.</div><ol>"]
        parts += [_step_html(step, self.names) for step in self.steps]
        parts.append("</ol>")
        if len(self.steps) < self.total:
            parts.append(f"<div>… and {_count(self.total - len(self.steps), 'more step')}; explain(loss, limit=None) shows all</div>")
        parts.append("<div><b>What backward() adds to .grad</b></div>")
        parts.append(_rows_html([(name, shape_text(g), numbers(g), []) for name, _, g in self.leaves]) + "</div>")
        return "".join(parts)


def explain(loss: Tensor, gradient: Any = None, *, limit: int | None = 100) -> Explanation:
    """Return the backward pass from `loss` in words and numbers: `print(explain(loss))`; a notebook shows it by itself.

    Each step shows a node by the names of your variables and parameters' paths, its formula, its gradient g, and what each argument gets
    of it. Recorded inside `lines`, it also has the source line and the layer. `.grad` and the graph stay as they are; hooks run.

    gradient: the gradient to start with, of loss's shape; it may be left out for a tensor of one element (1 is taken).
    limit: the number of steps to show; None shows all.
    """
    return Explanation(Steps(loss, gradient, names=Names(sys._getframe(1)), caller="explain"), limit)


# ---- what a step consists of


def _rows(step: Step) -> list[Row]:
    """Return a step's lines: the value, g, and what each argument gets."""
    rows: list[Row] = []
    value = step.value
    if value is not None:
        rows.append((_letter(step), shape_text(value), numbers(value), []))
    if step.g is None:
        rows.append(("g", "", "none: no gradient reaches this value, zeros are taken", []))
    else:
        rows.append(("g", shape_text(step.g), numbers(step.g), [("a hook changed it", False)] if step.hooked else []))
    for c in step.contributions:
        found = numbers(c.value) if c.value is not None else "none"
        rows.append((f"dL/d{c.parameter} → {c.name}", shape_text(c.to), found, remarks(step, c)))
    return rows


def _letter(step: Step) -> str:
    """Return what the formula of a step calls the value: "y" or "z"; "value" if there is no formula."""
    name, equals, _ = step.formula.partition(" = ")
    return name if equals and name.isidentifier() else "value"


def _place(step: Step, names: Names) -> str:
    """Return the source line and the layer of a step, or ""."""
    if step.made is None:
        return ""
    layer = step.made.layer_name(names)
    return step.made.place() + (f"   in {layer}" if layer else "")


def _formula(step: Step) -> str:
    return step.formula.replace("`", "")


def _title(step: Step) -> str:
    return f"{step.name} = {step.call}"


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}" + ("" if n == 1 else "s")


# ---- text


class _Text:
    """Lines of a text of a given width."""

    def __init__(self, width: int, colour: bool) -> None:
        self.width, self.colour, self.lines = width, colour, [""][:0]

    def line(self, text: str, indent: str = "", rest: str | None = None) -> None:
        """Add a line, broken where it is too long; its continuation begins with `rest`. Codes of colours stand at its ends only."""
        codes = [code for code in (BOLD, DIM, RED) if text.startswith(code)]
        for code in (*codes, END):
            text = text.replace(code, "")
        pieces = textwrap.wrap(text, self.width, initial_indent=indent, subsequent_indent=indent if rest is None else rest) or [""]
        self.lines += [f"{codes[0]}{piece}{END}" for piece in pieces] if codes and self.colour else pieces

    def rows(self, rows: list[Row]) -> None:
        """Add rows of three columns, each with its remarks below."""
        first = min(26, max((len(row[0]) for row in rows), default=0))
        second = max((len(row[1]) for row in rows), default=0)
        for label, shape, found, notes in rows:
            start = f"   {label:<{first}}  {shape:<{second}}  "
            self.line(f"{start}{found}".rstrip(), "", " " * min(len(start), 20))
            for note, is_bad in notes:
                self.line(f"{RED if is_bad else ''}{note}{END if is_bad else ''}", "       ", "         ")


def _step_text(step: Step, names: Names, text: _Text) -> None:
    text.line("")
    text.line(f"{BOLD}{step.number}. {_title(step)}{END}", "", "     ")
    if place := _place(step, names):
        text.line(f"{DIM}{place}{END}", "   ", "     ")
    if step.formula:
        text.line(_formula(step), "   ", "     ")
    text.rows(_rows(step))


# ---- HTML


def _escape(text: str) -> str:
    return html.escape(text, quote=True)


def _rows_html(rows: list[Row]) -> str:
    cells = []
    for label, shape, found, notes in rows:
        cells.append(f"<code>{_escape(label)}</code><code class='faint'>{_escape(shape)}</code><span class='what'>{_escape(found)}</span>")
        cells += [f"<span class='remark{' bad' if is_bad else ''}'>{_escape(note)}</span>" for note, is_bad in notes]
    return f"<div class='rows'>{''.join(cells)}</div>"


def _step_html(step: Step, names: Names) -> str:
    place = _place(step, names)
    lines = [f"<code class='call'>{_escape(_title(step))}</code>"]
    if place:
        lines.append(f"<div class='faint'><code>{_escape(place)}</code></div>")
    if step.formula:
        lines.append(f"<div>{_escape(_formula(step))}</div>")
    return f"<li>{''.join(lines)}{_rows_html(_rows(step))}</li>"
