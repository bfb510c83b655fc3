"""Replace files as a whole: a reader sees the old bytes or the new ones, also after a crash."""

import contextlib
import errno
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def replace_file(path: str | os.PathLike[str], chunks: Iterable[Any]) -> None:
    """Write `chunks` (objects with a contiguous buffer) one after the other as the new content of `path`.

    A temporary file in the same folder is written, fsynced and renamed over `path`, and the folder is fsynced, so that a kill, a full disk
    or a failing disk leaves the old file as it was. Temporary files of an earlier crash are removed first. So only one process at a time
    may write to a path: if two do, one fails with an OSError, and the file is whole all the same.
    """
    target = Path(os.path.realpath(path))  # a link stays a link: the file that it points to is replaced
    named = Path(path)  # not `target`: /dev/stdout leads to a pipe that has no name
    if named.exists() and not (named.is_file() or named.is_dir()):  # os.replace refuses a folder, and says why
        raise OSError(errno.EINVAL, "expected a file or a new name, found a device, pipe or socket, which is not replaced", os.fspath(path))
    _remove_stale(target)
    temporary = target.with_name(f".{target.name}.{os.urandom(8).hex()}.tmp")
    try:
        _write_and_sync(temporary, chunks)
        os.replace(temporary, target)
    except BaseException as error:
        _remove(temporary)
        if isinstance(error, OSError):
            error.filename = os.fspath(path)  # a failing write does not know the name
        raise
    _sync_folder(target.parent)


def replace_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` in UTF-8 as the new content of `path`, as `replace_file` does."""
    replace_file(path, [text.encode("utf-8")])


def _write_and_sync(path: Path, chunks: Iterable[Any]) -> None:
    """Write a new file, and return when its content is on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        for chunk in chunks:
            rest = memoryview(chunk).cast("B")
            while rest:  # a write may be cut short
                rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Return when the names of the files in a folder are on the disk."""
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_stale(target: Path) -> None:
    """Remove the temporary files for `target` that an earlier crash left behind."""
    temporary = re.escape(f".{target.name}.") + r"[0-9a-f]{16}\.tmp"
    for name in os.listdir(target.parent):
        if re.fullmatch(temporary, name):
            _remove(target.with_name(name))


def _remove(path: Path) -> None:
    """Remove a file, if that is possible."""
    with contextlib.suppress(OSError):  # already gone, or the disk fails: the next save tries again
        os.unlink(path)
