"""Write a lesson as a file to edit, as a notebook, as a page of the documentation, and as text for a terminal."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from .sources import NUMBERS, Cell, Lesson

FENCE = re.compile(r"^```\w*\n(.*?)^```\n?", re.MULTILINE | re.DOTALL)
ASCII = {
    "−": "-", "–": "-", "—": "-", "·": "*", "×": "x", "²": "^2", "³": "^3", "ᵗ": "^t", "ⁿ": "^n", "ᵀ": ".T", "₁": "1", "₂": "2", "₀": "0",
    "α": "alpha", "β": "beta", "ε": "eps", "σ": "sigma", "λ": "lambda", "Σ": "sum", "√": "sqrt ", "∂": "d", "∇": "grad ", "Δ": "delta ",
    "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "′": "'", "…": "...", "∞": "inf", "‖": "||", "½": "1/2", "¼": "1/4",
    "“": '"', "”": '"', "’": "'", "\u0302": "_hat", "─": "-", "│": "|", **dict.fromkeys("┌┐└┘├┤", "+"),
}  # fmt: skip


def in_ascii(text: str) -> str:
    """Return the text with letters of formulas spelled out, for a terminal that shows ASCII alone."""
    return "".join(ASCII.get(c, c) for c in text)


def for_terminal(text: str) -> str:
    """Return the text as standard output can show it: in ASCII, if its encoding lacks a letter of it."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return in_ascii(text)
    return text


def as_file(lesson: Lesson, *, solved: bool = False) -> str:
    """Return the Python file that a student edits, or the one with all answers."""
    first = f'"""Lesson {lesson.number}: {lesson.title}.\n\n'
    task = "Replace each `...` by your answer, save the file, and let it be judged:"
    first += "A solution; yours may look different." if solved else task
    first += f'\n\n    minigrad lesson check {lesson.number}\n"""\n\n'
    parts = [first]
    for cell in lesson.shown:
        if cell.kind == "text":
            text = "".join(f"# {line}".rstrip() + "\n" for line in cell.source.splitlines())
            parts.append(f"# %% [markdown]\n{text}\n")
        else:
            parts.append(f"# %%{_names(cell)}\n{cell.code(solved=solved)}\n")
    last = "from minigrad.lessons import check"
    parts.append(f'# %%\nif __name__ == "__main__":\n    {last}\n\n    check({lesson.number}, globals())\n')
    return "".join(parts)


def _names(cell: Cell) -> str:
    return f" Exercise: {', '.join(cell.exercises)}" if cell.exercises else ""


def as_notebook(lesson: Lesson, *, solved: bool = False) -> str:
    """Return the lesson as the JSON of a Jupyter notebook, with a cell after each exercise that judges it."""
    number = lesson.number
    cells: list[tuple[str, str]] = []
    for cell in lesson.shown:
        cells.append(("markdown" if cell.kind == "text" else "code", cell.source if cell.kind == "text" else cell.code(solved=solved)))
        if len(cells) == 1:
            cells.append(("code", "from minigrad.lessons import check"))
        if cell.exercises:
            cells.append(("code", f"check({number}, globals(), {', '.join(map(json.dumps, cell.exercises))})"))
    cells += [("markdown", "The judgement of the whole lesson:"), ("code", f"check({number}, globals())")]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    found = [_notebook_cell(i, kind, source.strip("\n")) for i, (kind, source) in enumerate(cells)]
    return json.dumps({"cells": found, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1, ensure_ascii=False) + "\n"


def _notebook_cell(number: int, kind: str, source: str) -> dict[str, Any]:
    """Return a cell in the form of nbformat 4.5."""
    more: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": source.splitlines(keepends=True), **more}


def as_page(lesson: Lesson) -> str:
    """Return the page of the documentation, in Markdown. Each solution is folded."""
    number = lesson.number
    files = f"[the file](lesson_{number}.py) or [the notebook](lesson_{number}.ipynb)"
    parts = [f"# Lesson {number}: {lesson.heading}\n", f"Work on it with `minigrad lesson start {number}`, or download {files}.\n"]
    for cell in lesson.shown:
        if cell.kind == "text":
            parts.append(re.sub(r"\A# .*\n", "", cell.source))
            continue
        parts.append(f"```python\n{cell.code()}```\n")
        if cell.exercises:
            solution = f"```python\n{cell.code(solved=True)}```\n"
            parts.append(f'<details markdown="1"><summary>A solution</summary>\n\n{solution}\n</details>\n')
    if number < NUMBERS[-1]:
        parts.append(f"[The next lesson](lesson_{number + 1}.md)\n")
    return "\n".join(parts)


def as_text(lesson: Lesson) -> str:
    """Return the explanation that precedes the first exercise, for a terminal of 80 columns."""
    parts = []
    for cell in lesson.shown:
        if cell.exercises:
            break
        parts.append(plain(cell.source) if cell.kind == "text" else _indented(cell.source))
    if parts and lesson.shown[len(parts) - 1].kind == "text":  # its last section is about the exercise
        parts[-1] = plain(lesson.shown[len(parts) - 1].source.rpartition("\n## ")[0])
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def plain(text: str) -> str:
    """Return Markdown as plain text: headings underlined, code indented."""
    text = FENCE.sub(lambda found: _indented(found[1]), text)
    text = re.sub(r"^# (.*)$", lambda found: f"{found[1]}\n{'=' * len(found[1])}", text, flags=re.MULTILINE)
    text = re.sub(r"^## (.*)$", lambda found: f"{found[1]}\n{'-' * len(found[1])}", text, flags=re.MULTILINE)
    text = re.sub(r"\[(.+?)\]\(.+?\)", r"\1", text)
    return re.sub(r"(?<![\w*])(\*\*?)(\w[^*]*?)\1(?![\w*])", r"\2", text)


def _indented(code: str) -> str:
    return "".join(f"    {line}".rstrip() + "\n" for line in code.splitlines())
