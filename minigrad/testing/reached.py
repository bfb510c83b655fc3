"""Which lines of a function are never run: what a check cannot have noticed, whatever it compares."""

from __future__ import annotations

import dis
import inspect
import linecache
import sys
from typing import Any


def never_run(call: Any, functions: Any) -> list[str]:
    """Run `call()` and return "file:line: source" for each line of these functions, also of those inside them, that was not run.

    The first lines of functions and lines that only raise an error are left out. A debugger's or a coverage tool's trace goes on afterwards.
    """
    codes = {code for f in functions for code in _codes(getattr(inspect.unwrap(getattr(f, "__func__", f)), "__code__", None))}
    seen: set = set()

    def trace(frame, event, _):
        if frame.f_code not in codes:
            return None
        seen.add((frame.f_code, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    found = []
    for code in codes:
        lines = {line for _, line in dis.findlinestarts(code) if line is not None} - {code.co_firstlineno}
        for line in sorted(lines - {n for c, n in seen if c is code}):
            text = linecache.getline(code.co_filename, line).strip()
            if not text.startswith(("raise ", "def ", "@", ")", "]", "}", "else", "finally", "assert ")):
                found.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{line}: {text}")
    return sorted(set(found))


def _codes(code):
    """Yield a code object and those of the functions defined inside it."""
    if code is not None:
        yield code
        for constant in code.co_consts:
            if inspect.iscode(constant):
                yield from _codes(constant)
