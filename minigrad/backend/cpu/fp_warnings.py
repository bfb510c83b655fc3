"""NumPy's floating-point warnings, ignored for a while: extreme values then give what IEEE 754 says, without a message.

A block that ignores them takes `before, token = get_fp_warnings(), None` first, and `token = ignore_fp_warnings()` inside `try`. In
`finally` it calls `restore_fp_warnings(token)`, or `set_fp_warnings(before)` if the token is None: a signal handler may have raised an
exception between the call of `ignore_fp_warnings` and the assignment.
"""

from __future__ import annotations

import functools

import numpy

try:  # as numpy.errstate, in a seventh of its time; these names are private, hence the fallback
    from numpy._core.umath import _extobj_contextvar as _setting
    from numpy._core.umath import _make_extobj

    IGNORED = _make_extobj(all="ignore")
    get_fp_warnings, set_fp_warnings, restore_fp_warnings = _setting.get, _setting.set, _setting.reset
except ImportError:  # pragma: no cover

    IGNORED = dict.fromkeys(numpy.geterr(), "ignore")  # type: ignore[assignment]
    get_fp_warnings = numpy.geterr  # type: ignore[assignment]

    def set_fp_warnings(setting):
        """Set NumPy's floating-point warnings in this thread to IGNORED or to what `get_fp_warnings` returned; return a token."""
        return numpy.seterr(**setting)

    restore_fp_warnings = set_fp_warnings

ignore_fp_warnings = functools.partial(set_fp_warnings, IGNORED)


def without_fp_warnings(function, *args, **options):
    """Return function(*args, **options), called without floating-point warnings: a value too large for a dtype becomes infinite."""
    before, token = get_fp_warnings(), None
    try:
        token = ignore_fp_warnings()
        return function(*args, **options)
    finally:
        set_fp_warnings(before) if token is None else restore_fp_warnings(token)
