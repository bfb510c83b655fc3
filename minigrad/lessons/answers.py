"""What a student wrote: the file or notebook is run, and its functions are called with care."""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import linecache
import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np


class NotDone(Exception):
    """Raised where an answer is still `...`."""


class Wrong(Exception):
    """Raised for a wrong answer. kind: which mistake it is, in a few words; text: more about it; picture: numbers side by side."""

    def __init__(self, kind: str, text: str = "", picture: str = "") -> None:
        super().__init__(kind)
        self.kind, self.text, self.picture = kind, text, picture


class Broken(Exception):
    """Raised where the student's code cannot be run. Its message says what happened, and in which line."""


class Answers:
    """The names that a student's file or notebook defines."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names

    def value(self, name: str) -> Any:
        """Return what has this name. Raise Wrong if nothing has it, and NotDone if it is `...`."""
        if name not in self.names:
            more = "" if "__file__" in self.names else " In a notebook, run its cell first."
            raise Wrong("nothing has this name", f"{name} is not defined: was it deleted, or renamed?{more}")
        if _is_blank(self.names[name]):
            raise NotDone
        return self.names[name]

    def function(self, name: str, *parameters: str) -> Callable[..., Any]:
        """Return a function that the student wrote. It raises NotDone where it returns `...`, and Wrong where it returns nothing."""
        found = self.value(name)
        if not callable(found):
            raise Wrong("not a function", f"{name} must be a function of ({', '.join(parameters)}); it is {kind_of(found)}.")
        _check_parameters(name, found, parameters)

        @functools.wraps(found)
        def call(*arguments: Any) -> Any:
            returned = found(*arguments)
            if returned is None:
                raise Wrong("it returns nothing", f"{name} returned None: is its `return` missing?")
            if _is_blank(returned):
                raise NotDone
            return returned

        return call


def _is_blank(found: Any) -> bool:
    return found is ... or (isinstance(found, (tuple, list)) and any(part is ... for part in found))


def _check_parameters(name: str, found: Callable[..., Any], parameters: tuple[str, ...]) -> None:
    """Raise Wrong if a function cannot be called with these arguments."""
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):  # some functions that are not written in Python have none
        return
    try:
        signature.bind(*parameters)
    except TypeError:
        raise Wrong("it takes other arguments", f"{name} takes {signature}; it must take ({', '.join(parameters)}).") from None


def kind_of(found: Any) -> str:
    """Return the kind of a value in words, as "a str"."""
    name = type(found).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def as_numbers(found: Any, name: str) -> np.ndarray:
    """Return what the function `name` returned as an array of float64. Raise Wrong if it is something else."""
    try:
        return np.array(found, "float64")
    except (TypeError, ValueError):
        raise Wrong("not a number or an array", f"{name} returned {kind_of(found)}.") from None


def run_file(path: Path) -> dict[str, Any]:
    """Run a Python file or the code cells of a notebook, and return the names that it defines. Raise Broken if that fails."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    names: dict[str, Any] = {"__name__": path.stem, "__file__": str(path)}
    parts = [(str(path), text)]
    if path.suffix == ".ipynb":
        parts = [(f"{path}, code cell {i}", cell) for i, cell in enumerate(_notebook_code(path, text), 1)]
    for name, code in parts:
        linecache.cache[name] = len(code), None, code.splitlines(keepends=True), name
        try:
            with explained(names):
                exec(compile(code, name, "exec"), names)
        except NotDone:
            raise Broken(f"{name}: a line that is run computes with a `...`; put an answer in its place, or remove the line") from None
    return names


def _notebook_code(path: Path, text: str) -> list[str]:
    """Return the code cells of a notebook, without the cells that judge, and without commands of IPython."""
    try:
        cells = [("".join(cell["source"]), cell["cell_type"]) for cell in json.loads(text)["cells"]]
    except (ValueError, KeyError, TypeError):
        raise Broken(f"{path}: this is no notebook that can be read") from None
    code = [re.sub(r"^[%!].*$", "", source, flags=re.MULTILINE) for source, kind in cells if kind == "code"]
    return [source for source in code if not re.match(r"check\(\d", source)]


@contextlib.contextmanager
def explained(names: dict[str, Any]) -> Iterator[None]:
    """Turn an error of the student's code into Broken, or into NotDone if it computed with a `...`; `names` tells which code it is.

    An interrupt gets a note that says where.
    """
    try:
        yield
    except (NotDone, Wrong, Broken):
        raise
    except SyntaxError as error:
        place = f"{error.filename}, line {error.lineno}: " if error.filename else ""
        raise Broken(f"{place}Python cannot read this: {error.msg}" + _quoted((error.text or "").strip())) from None
    except KeyboardInterrupt as error:
        error.add_note(_place(error, names, "stopped here; does this run without end?"))
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, TypeError) and "ellipsis" in str(error):  # what a `...` gives that is computed with
            raise NotDone from None
        raise Broken(_place(error, names, _said(error))) from None


def _said(error: BaseException) -> str:
    """Return what went wrong."""
    if isinstance(error, RecursionError):
        return "a function calls itself without end (RecursionError)"
    if isinstance(error, SystemExit):
        return "the code ends the program here (SystemExit); remove this"
    return "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])])


def _place(error: BaseException, names: dict[str, Any], said: str) -> str:
    """Return what is said, after the line of the student's code in which it happened, if it did."""
    frames = [(frame, number) for frame, number in traceback.walk_tb(error.__traceback__) if frame.f_globals is names]
    if not frames:
        return said
    frame, number = frames[-1]
    name, function = frame.f_code.co_filename, frame.f_code.co_name
    inside = "" if function == "<module>" else f", in {function}"
    shown = "in its cell" if re.search("ipykernel_|<ipython-input", name) else name  # the made-up name of a cell says nothing
    return f"{shown}, line {number}{inside}: {said}" + _quoted(linecache.getline(name, number).strip())


def _quoted(line: str) -> str:
    return f"\n    {line}" if line else ""
