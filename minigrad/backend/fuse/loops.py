"""Fused bodies as Numba loops: written and compiled when first needed, kept on disk, releasing the GIL."""

from __future__ import annotations

import functools
import hashlib
import sys
import types

from ..cpu import compiling
from .source import loop_source

_loops: dict = {}  # (body, kinds, dtype's letter) -> the compiled loop


def loop(body, kinds, dtype, reduce=False):
    """Return the compiled loop of a body for these kinds of parameters (see `source.loop_source`) in float32 or float64.

    Return None in a child process that a signal handler forked during the compilation.
    """
    return compiling.prepared(_loops, (body, kinds, dtype.char), _compile, body, kinds, dtype, reduce)


def _compile(body, kinds, dtype, reduce):
    text = '"""Written by minigrad.backend.fuse.loops."""\nfrom math import erf\nfrom numpy import expm1, log, log1p, sqrt, tanh\n' \
        f"{_import_of_exp() if 'exp' in body.calls else ''}\n\n" + loop_source(body, kinds, reduce)
    name = f"minigrad_loop_{body.name}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    module = sys.modules[name] = types.ModuleType(name)  # Numba finds the globals of compiled code by their module's name
    exec(compile(text, f"<{name}>", "exec"), vars(module))
    array = f"{dtype}[:, ::1]" if "r" in kinds else f"{dtype}[::1]"
    full = {"f": array, "r": f"{dtype}[::1]", "s": f"{dtype}"}
    literals = [dtype.type(value) for value in body.literals] + ([dtype.type(0)] if reduce else [])
    arguments = [*(["float64[::1]" if reduce else array] if body.result else []), *[full[k] for k in kinds], *[f"{dtype}"] * len(literals)]
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc"} if reduce else False}
    function = compiling.specialized(getattr(module, body.name), f"void({', '.join(arguments)})", body.name, text, options)
    return (lambda *args: function(*args, *literals)) if literals else function


@functools.cache
def _import_of_exp():
    """Return the line that imports e^x, with a digest of that module's text, which keeps outdated loops out of use."""
    from ..cpu.accelerators import exponential  # it imports Numba

    return f"from {exponential.__name__} import exp  # {hashlib.sha256(compiling.text_of(exponential).encode()).hexdigest()}\n"
