"""Judge the answers to a lesson, and say it in a text of 80 columns."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from .answers import Answers, Broken, NotDone, Wrong, explained, run_file
from .sources import NUMBERS, Lesson, read
from .writing import as_file, for_terminal

COLOURS = {"right": "32", "wrong": "31", "not done yet": "33"}
WIDTH = 80
BROKEN = "the file cannot be run"
MOST_LINES = 8  # of what the student's functions print while they are judged


@dataclass(frozen=True)
class Judgement:
    """What is said of one exercise. state: "right", "wrong" or "not done yet"; kind: which mistake it is; text, picture: more about it."""

    exercise: str
    state: str
    kind: str = ""
    text: str = ""
    picture: str = ""


def judge(number: int, answers: dict[str, Any] | Path | str, *exercises: str) -> list[Judgement]:
    """Return the judgement of each exercise of a lesson, or of those that are named.

    answers: the names that the student defined, as `globals()` gives them, or the path of a file or notebook, which is run.
    Raise ValueError for an unknown lesson or exercise. An error in a student's file makes all its exercises wrong.
    """
    return _judged(read(number), answers, exercises)[0]


def check(number: int, answers: dict[str, Any] | Path | str, *exercises: str) -> None:
    """Print the judgement of the answers to a lesson, or to some of its exercises; see `judge`. In a notebook: `check(1, globals())`."""
    print(judged_text(number, answers, *exercises)[0])


def judged_text(number: int, answers: dict[str, Any] | Path | str, *exercises: str) -> tuple[str, bool]:
    """Return what `check` prints, and whether all is right."""
    lesson = read(number)
    judgements, printed = _judged(lesson, answers, exercises)
    told = f"Your file prints:\n{_first_lines(printed)}\n\n" if printed else ""
    return for_terminal(told + as_text(lesson, judgements)), all(j.state == "right" for j in judgements)


def _judged(lesson: Lesson, answers: dict[str, Any] | Path | str, exercises: tuple[str, ...]) -> tuple[list[Judgement], list[str]]:
    """Return the judgements, and the lines that the student's file prints beside those of the lesson."""
    unknown = [name for name in exercises if name not in lesson.exercises]
    if unknown:
        raise ValueError(f"lesson {lesson.number} has no exercise {unknown[0]!r}; it has {', '.join(lesson.exercises)}")
    names, printed = exercises or lesson.exercises, io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            found = Answers(answers if isinstance(answers, dict) else run_file(Path(answers)))
        judgements = [_judgement(lesson.number, name, found) for name in names]
    except Broken as error:
        judgements = [Judgement(name, "wrong", BROKEN, str(error)) for name in names]
    lines = printed.getvalue().splitlines()
    known = _printed_by(lesson) if lines else set()
    return judgements, [line for line in lines if line not in known]


def _printed_by(lesson: Lesson) -> set[str]:
    """Return the lines that the lesson's own examples print."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(as_file(lesson), "<lesson>", "exec"), {"__name__": "lesson"})
    return set(printed.getvalue().splitlines())


def _judgement(number: int, name: str, answers: Answers) -> Judgement:
    """Return the judgement of one exercise."""
    checks = import_module(f"minigrad.lessons.checks.lesson_{number}")
    printed, said = io.StringIO(), ""
    try:
        with np.errstate(all="ignore"), contextlib.redirect_stdout(printed), explained(answers.names):
            said = getattr(checks, name)(answers)
        first, _, rest = said.partition("\n")
        judgement = Judgement(name, "right", text=first, picture=rest)
    except NotDone:
        judgement = Judgement(name, "not done yet")
    except Wrong as wrong:
        judgement = Judgement(name, "wrong", wrong.kind, wrong.text, wrong.picture)
    except Broken as error:
        judgement = Judgement(name, "wrong", "an error stopped it", str(error))
    lines = printed.getvalue().splitlines()
    if not lines:
        return judgement
    told = f"while it was judged, it printed:\n{_first_lines(lines)}"
    return replace(judgement, picture="\n".join(filter(None, [judgement.picture, told])))


def _first_lines(lines: list[str]) -> str:
    more = [f"(and {len(lines) - MOST_LINES} more lines)"] if len(lines) > MOST_LINES else []
    return "\n".join([*(line[:80] for line in lines[:MOST_LINES]), *more])


def as_text(lesson: Lesson, judgements: list[Judgement]) -> str:
    """Return the judgements as lines of at most 80 columns, with colours where the output is a terminal.

    A first and a last line speak of the whole lesson, if all its exercises were judged.
    """
    right = sum(j.state == "right" for j in judgements)
    head = f"Lesson {lesson.number}: {lesson.heading}"
    if judgements[0].kind == BROKEN:
        return "\n".join([f"{head}\n\n{BROKEN}:", *_wrapped(judgements[0].text, "  ")])
    some = len(judgements) < len(lesson.exercises)
    lines = [] if some else [f"{head}: {right} of {len(judgements)} right", ""]
    for judgement in judgements:
        lines += [*_lines(judgement), ""]
    if right == len(lesson.exercises):
        lines.append("The lesson is solved." + (f" Next: minigrad lesson start {lesson.number + 1}" if lesson.number < NUMBERS[-1] else ""))
    return "\n".join(lines).rstrip()


def _lines(judgement: Judgement) -> Iterator[str]:
    state = judgement.state
    if sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        state = f"\033[{COLOURS[state]}m{state}\033[0m"
    first = f"  {judgement.exercise}: {state}"
    yield first + (f" ({judgement.text})" if judgement.state == "right" else "")
    if judgement.state == "wrong":
        yield from _wrapped(judgement.kind, "    ")
        yield from _wrapped(judgement.text, "    ")
    yield from _wrapped(judgement.picture, "      ")


def _wrapped(text: str, indent: str) -> Iterator[str]:
    """Yield lines of at most 80 columns. Lines that fit are kept as they are; those that are indented in the text are code, and cut."""
    for line in text.splitlines():
        if line.startswith(" ") or len(indent + line) <= WIDTH:
            yield (indent + line)[:WIDTH]
        else:
            yield from textwrap.wrap(line, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
