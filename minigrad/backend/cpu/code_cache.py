"""Compiled code kept on disk, one file for each function and signature, so that the next process need not compile it.

A file begins with the digest of the rest, and its name ends with the digest of everything that the code depends on. A file that is
unreadable or damaged is replaced after a new compilation; code that cannot be written is compiled in each process.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import sys
import tempfile
from pathlib import Path

import numpy

DIGEST = 32  # bytes of a SHA-256 digest


def folder():
    """Return the folder where compiled code is kept, or None if there is none.

    It is $MINIGRAD_CACHE, else the folder `minigrad` in $NUMBA_CACHE_DIR, in $XDG_CACHE_HOME or in the user's .cache. Relative paths
    are ignored: they would name another folder in each working directory.
    """
    chosen = os.environ.get("MINIGRAD_CACHE", "")
    if os.path.isabs(chosen):
        return Path(chosen)
    bases = [os.environ.get("NUMBA_CACHE_DIR", ""), os.environ.get("XDG_CACHE_HOME", ""), os.path.join(os.path.expanduser("~"), ".cache")]
    return next((Path(base, "minigrad") for base in bases if os.path.isabs(base)), None)


class Cache:
    """The cache of one Numba dispatcher: Numba asks it for compiled code before it compiles, and saves what it has compiled."""

    cache_path = None

    def __init__(self, name, text):
        """`name` begins the name of the file; `text` is the source text that the code depends on."""
        self.name, self.text = name, text

    def load_overload(self, signature, target):
        """Return the compiled function from its file, or None."""
        from numba.core.compiler import CompileResult

        try:
            path = self._path(signature, target.codegen())
            if path is None or not path.is_file():
                return None
            data = path.read_bytes()
            if hashlib.sha256(data[DIGEST:]).digest() != data[:DIGEST]:
                return None
            target.refresh()
            return CompileResult._rebuild(target, *pickle.loads(data[DIGEST:]))
        except Exception:  # the file is unreadable, or was written by another Numba
            return None

    def save_overload(self, signature, compiled):
        """Write a compiled function to its file, if that is possible."""
        from numba.core.serialize import dumps

        with contextlib.suppress(Exception):  # no space, no permission, or a Numba with other internals
            path = self._path(signature, compiled.codegen)
            if path is not None:
                data = dumps(compiled._reduce())
                _write(path, hashlib.sha256(data).digest() + data)

    def _path(self, signature, codegen):
        import llvmlite
        import numba

        where = folder()
        depends_on = [self.text, signature, codegen.magic_tuple(), sys.version, numba.__version__, llvmlite.__version__, numpy.__version__]
        return where and where / f"{self.name}-{hashlib.sha256(repr(depends_on).encode()).hexdigest()[:32]}.nbc"


def _write(path, data):
    """Write a file completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise
