"""Fused bodies as Numba loops: written to a cache folder, compiled when first needed, releasing the GIL."""

from __future__ import annotations

import os
import sys
from typing import Any

_loops: dict = {}
_state = {"enabled": os.environ.get("MINIGRAD_NUMBA", "1") != "0", "numba": None}


def numba(load=True):
    """The Numba module, imported when first asked for; None where it is missing or switched off, or, if not to `load`, not there yet."""
    if not _state["enabled"]:
        return None
    if _state["numba"] is None and load:
        try:
            import numba as found

            _state["numba"] = found
        except ImportError:
            _state["enabled"] = False
    return _state["numba"]


def use_numba(enabled):
    """Switch compiled loops on or off (off: plain NumPy in blocks); returns what was set before."""
    before, _state["enabled"] = _state["enabled"], bool(enabled)
    return before


def loop(body, kinds, dtype, reduce=False):
    """A callable loop for these kinds of parameters (see `source.loop_source`)."""
    key = body, kinds, dtype.char
    if key not in _loops:
        _loops[key] = _compile(body, kinds, dtype.type, reduce)
    return _loops[key]


def _compile(body, kinds, scalar, reduce):
    from .source import loop_source

    options = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc"} if reduce else False}
    text = '"""Written by minigrad.backend.compiled; safe to delete."""\nfrom numpy import log, sqrt, tanh\nfrom numba import njit\n' \
        f"{_imports(body)}\n\n@njit(cache=CACHE, **{options!r})\n" + loop_source(body, kinds, reduce)
    function = getattr(_import(body.name, text), body.name)
    literals = [scalar(value) for value in body.literals] + ([scalar(0)] if reduce else [])
    return (lambda *args: function(*args, *literals)) if literals else function


def _imports(body):
    """The line that imports our own e^x, with a digest of its text: a loop compiled from another text of it is out of date."""
    if "exp" not in body.calls:
        return ""
    import hashlib
    from pathlib import Path

    from . import exponential

    digest = hashlib.sha256(Path(exponential.__file__).read_bytes()).hexdigest()[:16]
    return f"from minigrad.backend.exponential import exp  # {digest}\n"


def kept(*signature, **options):
    """Numba's `njit`, the compiled form kept on disk; compiled in each process where no folder for it can be written."""

    def decorate(function):
        njit = numba().njit
        try:
            return njit(*signature, cache=True, **options)(function)
        except RuntimeError:  # Numba found no folder
            return njit(*signature, **options)(function)

    return decorate


def cache_folder():
    """Where loops are kept: $MINIGRAD_CACHE, else minigrad's folder in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    from pathlib import Path

    return Path(os.environ.get("MINIGRAD_CACHE") or os.path.join(base, "minigrad"))


def _import(name, text):
    """The module with this text, from a file of that content, so that Numba can keep its compiled form beside it."""
    import hashlib
    import importlib.util
    import tempfile

    digest = hashlib.sha256(f"{sys.version}{numba().__version__}{text}".encode()).hexdigest()[:16]
    module_name = f"minigrad_loop_{name}_{digest}"
    path = cache_folder() / f"{module_name}.py"
    try:
        if not path.exists() or path.read_text() != text.replace("CACHE", "True"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
                file.write(text.replace("CACHE", "True"))
            os.replace(file.name, path)
        spec: Any = importlib.util.spec_from_file_location(module_name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        spec.loader.exec_module(module)
        return module
    except (OSError, RuntimeError):  # nowhere to keep it: compile in each process
        space: dict = {}
        exec(compile(text.replace("CACHE", "False"), f"<{module_name}>", "exec"), space)
        return type("Loop", (), {name: staticmethod(space[name])})
