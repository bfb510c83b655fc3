r"""The sources of the lessons: one Python file for each, from which the file to edit, the notebook and the page are made.

A source begins with a docstring, which gives the title. Cells follow, each after a line of one of these kinds:

    # %% [markdown]                 text, as comments
    # %%                            code that runs as it stands
    # %% exercise: name ...         code with answers to give
    # %% claims                     code that proves the numbers in the text; only the tests run it

In an exercise the answer stands between marks, and after the second one what the student gets in its place:

        # answer
        return 2 * g * x
        # instead
        # | return ...  # your answer
        # end

Without the part "instead" it is `return ...  # your answer`. Lines "# prints: ..." under code say what it prints.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from importlib import resources

NUMBERS = range(1, 9)
HEADER = re.compile(r"^# %%(?P<rest>.*)\n", re.MULTILINE)
ANSWER = re.compile(
    r"^(?P<indent> *)# answer\n(?P<answer>.*?)(?:^ *# instead\n(?P<instead>.*?))?^ *# end\n", re.MULTILINE | re.DOTALL
)
INSTEAD = re.compile(r"^( *)# \| ?", re.MULTILINE)
PRINTED = re.compile(r"^# prints: ?(.*)\n?", re.MULTILINE)


@dataclass(frozen=True)
class Cell:
    """A part of a lesson. kind: "text", "code", "exercise" or "claims"; exercises: the names of those in it."""

    kind: str
    source: str
    exercises: tuple[str, ...] = ()

    def code(self, *, solved: bool = False) -> str:
        """Return the code with the answers, or with what the student gets in their place."""

        def chosen(found: re.Match[str]) -> str:
            if solved:
                return found["answer"]
            if found["instead"] is None:
                return f"{found['indent']}return ...  # your answer\n"
            return INSTEAD.sub(r"\1", found["instead"])

        return ANSWER.sub(chosen, self.source)

    @property
    def printed(self) -> str:
        """Return what the code prints, of its lines "# prints: ..."."""
        return "\n".join(PRINTED.findall(self.source))


@dataclass(frozen=True)
class Lesson:
    """One lesson: its number, its title and its cells."""

    number: int
    title: str
    cells: tuple[Cell, ...]

    @property
    def heading(self) -> str:
        """Return the title with a capital letter."""
        return self.title[0].upper() + self.title[1:]

    @property
    def exercises(self) -> tuple[str, ...]:
        """Return the names of the exercises, in order."""
        return tuple(name for cell in self.cells for name in cell.exercises)

    @property
    def tasks(self) -> list[str]:
        """Return the headings of the exercises, in order."""
        return [line for cell in self.cells if cell.kind == "text" for line in re.findall(r"^## ((?:Exercise|Case).*)$", cell.source, re.M)]

    @property
    def shown(self) -> tuple[Cell, ...]:
        """Return the cells that a student sees."""
        return tuple(cell for cell in self.cells if cell.kind != "claims")


def lessons() -> list[Lesson]:
    """Return all lessons, in order."""
    return [read(number) for number in NUMBERS]


def read(number: int) -> Lesson:
    """Return one lesson. Raise ValueError if there is none with this number."""
    if number not in NUMBERS:
        raise ValueError(f"there is no lesson {number}; the lessons are {NUMBERS[0]} to {NUMBERS[-1]}")
    text = resources.files(__package__).joinpath("course", f"lesson_{number}.py").read_text(encoding="utf-8")
    return parse(number, text)


def parse(number: int, text: str) -> Lesson:
    """Return the lesson that a source holds."""
    title = (ast.get_docstring(ast.parse(text)) or "").split("\n")[0].split(": ", 1)[1].rstrip(".")
    _, *parts = HEADER.split(text)
    return Lesson(number, title, tuple(_cell(rest.strip(), source) for rest, source in zip(parts[::2], parts[1::2])))


def _cell(rest: str, source: str) -> Cell:
    """Return the cell with this text after its "# %%"."""
    source = source.strip("\n") + "\n"
    if rest == "[markdown]":
        return Cell("text", re.sub(r"^# ?", "", source, flags=re.MULTILINE))
    kind, _, names = rest.partition(":")
    if kind not in ("", "exercise", "claims"):
        raise ValueError(f"unknown kind of cell {rest!r}")
    return Cell(kind or "code", source, tuple(names.split()))
