"""The program that repeats a failed check: it imports or defines the function, makes the inputs, and calls the check."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import pathlib
import re
import tempfile
from typing import Any

from .program.writer import Writer

LARGE_PROGRAM = 4000  # characters above which a program goes to a file


def reproducer(call: str, function: Any, positional: Any, options: dict[str, Any]) -> str:
    """Return the program's text. What cannot be written stands in it as a name, and a comment asks for its value.

    call: the name of the check. function: what is checked; for `check_vjp` the pair (forward, backward). positional: the inputs.
    options: those of the check that differ from their defaults.
    """
    try:
        writer, inputs = Writer(call), {}
        functions = [writer.value(f) for f in (function if call == "check_vjp" else (function,))]
        keywords = [f"{name}={writer.value(value)}" for name, value in options.items()]
        for i, x in enumerate(positional):
            text, name = writer.value(x), writer.unique(f"x{i}")
            inputs[name], writer.names[name] = text, x
            writer.remember(x, name)
        names = [f"({''.join(f'{name}, ' for name in inputs).rstrip()})"] if call == "gradcheck" else list(inputs)
        lines = [*writer.lines(), *(f"{name} = {text}" for name, text in inputs.items())]
        program = "\n".join([*lines, f"{call}({', '.join([*functions, *names, *keywords])})"]) + "\n"
        compile(program, "<reproducer>", "exec", dont_inherit=True)
        return program
    except Exception:  # a failed check is reported, whatever goes wrong with its program
        names = ["forward", "backward"] if call == "check_vjp" else ["function"]
        asked = [f"{name} = ...  # put your {name} here: it could not be written" for name in [*names, "inputs"]]
        given = "inputs" if call == "gradcheck" else "*inputs"
        return "\n".join([f"from minigrad.testing import {call}", "", *asked, f"{call}({', '.join([*names, given])})"]) + "\n"


def save(text: str, name: str) -> pathlib.Path | None:
    """Write a large program to a new file and return its path; None for a text that is short, or if the folder cannot be written.

    The folder is MINIGRAD_GRADCHECK_DIR, or minigrad-gradcheck among the temporary files. The same program is written once.
    """
    if len(text) <= LARGE_PROGRAM:
        return None
    data = text.encode("utf-8", "backslashreplace")
    given = os.environ.get("MINIGRAD_GRADCHECK_DIR")
    folder = pathlib.Path(given or pathlib.Path(tempfile.gettempdir(), "minigrad-gradcheck")).absolute()
    words = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:60] or "function"
    try:
        folder.mkdir(mode=0o777 if given else 0o700, parents=True, exist_ok=True)
        if not given and folder.stat().st_uid != os.getuid():
            return None  # it belongs to someone else, who could change what is written there
        return _write_new(folder, f"{words}_{hashlib.sha256(data).hexdigest()[:12]}", data)
    except (OSError, AttributeError):  # Windows has no getuid
        return None


def _write_new(folder, stem, data):
    """Write bytes to a file that does not exist yet, or find the one that holds them; the file appears when it is complete."""
    handle, temporary = tempfile.mkstemp(prefix=".", dir=folder)
    try:
        with open(handle, "wb") as file:
            file.write(data)
        for number in itertools.count(1):
            path = folder / (f"{stem}.py" if number == 1 else f"{stem}_{number}.py")
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)
            if path.is_file() and path.read_bytes() == data:
                return path
    finally:
        os.unlink(temporary)
