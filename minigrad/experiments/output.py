"""Lines for people: printed in any encoding, with any name in them, and with a plain answer where the output fails."""

import os
import shlex
import sys
from typing import Any

STANDARD_OUTPUT = "standard output"  # stands in OSError.filename where a file's name would


def say(line: Any) -> None:
    """Print `line` at once. Raise OSError with STANDARD_OUTPUT as its file where it cannot be written."""
    try:
        print(line, flush=True)
    except OSError as error:
        error.filename = STANDARD_OUTPUT
        raise


def escape_unencodable() -> None:
    """Let standard output and standard error print a backslash sequence for what their encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):  # None if closed from the beginning
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def complain(message: str, *, before: str = "") -> None:
    """Print `before` and then `message` as one line to standard error; where that fails, nobody can be told."""
    try:
        print(before + one_line(message), file=sys.stderr, flush=True)
    except OSError:
        pass


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
    """Return a file's name, stored as text by a program with another encoding of file names, as this program must spell it."""
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
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


def note_on_current_folder() -> str:
    """Return what to do if the current folder was deleted, where names relative to it mean nothing; else nothing."""
    try:
        os.getcwd()
    except OSError:
        return "; the current folder was deleted: go to another one with cd, then try again"
    return ""
