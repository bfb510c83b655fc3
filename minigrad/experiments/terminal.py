"""Output to a terminal: lines in any encoding, with any file name in them; digits as text; a progress bar."""

import contextlib
import importlib.util
import os
import shlex
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from minigrad.experiments.config import SIDE
from minigrad.inspect import concerns

T = TypeVar("T")
SHADES = " .:-=+*#%@"
WIDTH = 80  # columns that a line about a network's health may take
MARGIN = 4  # MNIST's digits stand in the middle 20 × 20 pixels
STANDARD_OUTPUT = "standard output"  # takes the place of a file's name in OSError.filename


def say(line: Any) -> None:
    """Print `line` at once. Raise OSError with STANDARD_OUTPUT as its file where it cannot be written."""
    try:
        print(line, flush=True)
    except OSError as error:
        error.filename = STANDARD_OUTPUT
        raise


def escape_unencodable() -> None:
    """Let standard output and standard error print a backslash sequence for what their encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):  # None where it was closed before Python began
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def complain(message: str, *, before: str = "") -> None:
    """Print `before` and then `message` as one line to standard error. An error in that is ignored, for there is nowhere to report it."""
    with contextlib.suppress(OSError):
        print(before + one_line(message), file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """Return `text` with a backslash sequence for every character that a terminal cannot show or would obey, such as a line end."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def readable(name: str | os.PathLike[str]) -> str:
    r"""Return a file's name for people: in UTF-8 where its bytes are UTF-8, with a sequence such as \xff for any other byte."""
    text = os.fspath(name)
    try:
        return os.fsencode(text).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # no file can have this name
        return text


def file_name(text: str) -> str:
    """Return a file's name as this process must spell it, from a text by a process that may encode file names otherwise."""
    try:
        return os.fsdecode(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:  # no file can have this name
        return text


def shell_word(name: str | os.PathLike[str]) -> str:
    """Return a file's name quoted for a shell, so that a printed command can be pasted: as $'…' where standard error cannot show it."""
    text = os.fspath(name)
    try:
        text.encode(getattr(sys.stderr, "encoding", None) or "ascii")
        shown_as_is = text.isprintable()
    except UnicodeEncodeError:
        shown_as_is = False
    if shown_as_is:
        return shlex.quote(text)
    plain = [chr(byte) if 32 <= byte < 127 and chr(byte) not in "\\'" else f"\\x{byte:02x}" for byte in os.fsencode(text)]
    return f"$'{''.join(plain)}'"


def error_text(error: OSError) -> str:
    """Return what failed, and in which file."""
    if isinstance(error, BrokenPipeError):
        return "the output was closed before all was said"
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


def note_on_current_folder() -> str:
    """Return advice if the current folder was deleted, so that names relative to it mean nothing, else ""."""
    try:
        os.getcwd()
    except OSError:
        return "; the current folder was deleted: go to another one with cd, then try again"
    return ""


def digits_as_text(images: Any, labels: list[int]) -> str:
    """Return images (n, 784) of bytes side by side as text, their labels below; two rows of pixels make a line."""
    square = images.reshape(-1, SIDE, SIDE)[:, MARGIN:-MARGIN, MARGIN:-MARGIN].astype(int)
    shade = (square[:, 0::2] + square[:, 1::2]) * (len(SHADES) - 1) // (2 * 255)
    lines = ["  ".join("".join(SHADES[s] for s in row) for row in rows) for rows in shade.swapaxes(0, 1)]
    width = SIDE - 2 * MARGIN
    names = "  ".join(str(label).center(width) for label in labels)
    return "\n".join(line.rstrip() for line in [*lines, names])


def health_line(health: dict[str, dict[str, float]]) -> str:
    """Return what stands out in the health of a network in an epoch, as far as a line has room, or else how large the updates were."""
    found = concerns(health)
    if not found:
        ratios = [100 * numbers["update_ratio"] for numbers in health.values() if "update_ratio" in numbers]
        found = [f"each step changes the weights by {min(ratios):.2g} to {max(ratios):.2g} %"] if ratios else ["no step was watched"]
    for kept in range(len(found), 0, -1):
        rest = f"; {len(found) - kept} more" if kept < len(found) else ""
        line = f"Health : {'; '.join(found[:kept])}{rest}"
        if len(line) <= WIDTH:
            return line
    return line[: WIDTH - 3] + "..."


def progress(batches: Iterable[T], total: int, title: str) -> Iterator[T]:
    """Iterate over `batches`, with a tqdm bar if the output is a terminal and tqdm is installed."""
    streams = (sys.stdout, sys.stderr)  # None where it was closed before Python began
    terminal = all(stream is not None and stream.isatty() for stream in streams)
    if not terminal or importlib.util.find_spec("tqdm") is None:
        return iter(batches)
    from tqdm import tqdm

    return iter(tqdm(batches, total=total, desc=title, unit="batch", leave=False))
