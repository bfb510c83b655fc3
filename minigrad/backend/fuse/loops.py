"""Fused bodies as Numba loops: compiled when first needed, kept on disk, releasing the GIL."""

from __future__ import annotations

import contextlib
import functools
import gc
import hashlib
import linecache
import os
import sys
import threading
import types
from typing import Any

import numpy

from ..cpu.interrupts import is_inside, uninterrupted

_loops: dict = {}
_state = {"enabled": os.environ.get("MINIGRAD_NUMBA", "1") != "0", "numba": None, "taught": False}
_lock = threading.Lock()  # held by the thread that imports Numba or compiles with it


def numba(load=True):
    """Return the Numba module, imported when first asked for, or, unless told to `load` it, only if it is imported already.

    Return None where it is missing, broken or switched off. None too for a signal handler or a finalizer that runs while Numba is imported
    or compiles, since it must not wait for that; and while Python ends, since Numba may import something at any call.
    """
    if not _state["enabled"] or is_inside() or sys.is_finalizing():
        return None
    if _state["numba"] is None and load and not is_being_imported("numba"):
        prepare(_import_numba)
    return _state["numba"]


def is_being_imported(name):
    """Return whether somebody is importing a module just now, this thread perhaps: another thread must not wait for it then."""
    return getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False)


def prepare(function, *args):
    """Call a function that imports Numba or compiles with it: where no signal handler interrupts it, and one at a time."""
    uninterrupted(_one_at_a_time, function, args)


def _one_at_a_time(function, args):
    with _lock:
        function(*args)


def _import_numba():
    if _state["numba"] is not None:
        return
    try:
        import numba as found

        if found.config.DISABLE_JIT:
            raise ImportError("NUMBA_DISABLE_JIT is set")
        _state["numba"] = found
    except Exception:  # `minigrad doctor` says what is wrong with it
        _state["enabled"] = False


def use_numba(enabled):
    """Switch compiled loops on or off (off: plain NumPy in blocks); return what was set before."""
    before, _state["enabled"] = _state["enabled"], bool(enabled)
    return before


def loop(body, kinds, dtype, reduce=False):
    """Return a callable loop for these kinds of parameters (see `source.loop_source`), float32 or float64.

    Return None in a child that was forked by a signal handler in the middle of a compilation.
    """
    key = body, kinds, dtype.char
    if key not in _loops:
        prepare(_make_loop, key, dtype, reduce)
    return _loops.get(key)


def _make_loop(key, dtype, reduce):
    if key not in _loops:
        body, kinds, _ = key
        _loops[key] = _compile(body, kinds, dtype, reduce)


def _compile(body, kinds, dtype, reduce):
    from .source import loop_source

    text = '"""Written by minigrad.backend.fuse.loops."""\nfrom numpy import log, sqrt, tanh\n' \
        f"{_imports(body)}\n\n" + loop_source(body, kinds, reduce)
    name = f"minigrad_loop_{body.name}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    module = sys.modules[name] = types.ModuleType(name)  # a name of its own for what is compiled
    exec(compile(text, f"<{name}>", "exec"), vars(module))
    array = f"{dtype}[:, ::1]" if "r" in kinds else f"{dtype}[::1]"
    full = {"f": array, "r": f"{dtype}[::1]", "s": f"{dtype}"}
    literals = [dtype.type(value) for value in body.literals] + ([dtype.type(0)] if reduce else [])
    arguments = [*(["float64[::1]" if reduce else array] if body.result else []), *[full[k] for k in kinds], *[f"{dtype}"] * len(literals)]
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc"} if reduce else False}
    function = _specialized(getattr(module, body.name), f"void({', '.join(arguments)})", body.name, text, options)
    return (lambda *args: function(*args, *literals)) if literals else function


def _imports(body):
    """Return the line that imports our own e^x, with a digest of its text: a loop compiled from another text of it is out of date."""
    return f"from minigrad.backend.cpu.accelerators.exponential import exp  # {_digest_of_exponential()}\n" if "exp" in body.calls else ""


@functools.cache
def _digest_of_exponential():
    from ..cpu.accelerators import exponential

    return hashlib.sha256(_text_of(exponential).encode()).hexdigest()


def _text_of(module):
    """Return the source of a module, as it is when the module is imported."""
    return "".join(linecache.getlines(module.__file__, vars(module)))


def kept(signature, **options):
    """Return a decorator that compiles a function of a module of ours, for one signature, and keeps the compiled code on disk."""

    def decorate(function):
        module = sys.modules[function.__module__]
        return _specialized(function, signature, f"{module.__name__.rpartition('.')[2]}_{function.__name__}", _text_of(module), options)

    return decorate


def _specialized(function, signature, name, text, options):
    """Return `function` compiled for one signature: calls with other types raise TypeError, so that none compiles at an unforeseen time."""
    from numba import njit

    from .code_cache import Cache

    dispatcher: Any = njit(**options)(function)
    if text:
        dispatcher._cache = Cache(name, f"{text}\0{name}\0{sorted(options.items())!r}")
    dispatcher.compile(signature)
    dispatcher.disable_compile()
    if not _state["taught"]:
        _teach(dispatcher, function.__code__.co_argcount)
        _state["taught"] = True
    return dispatcher


def _teach(dispatcher, count):
    """Show Numba an empty array of each kind that we call compiled code with.

    At the first sight of a kind it imports and runs Python code, which a signal handler must not interrupt.
    """
    for dtype in ("float32", "float64", "int64", "uint64"):
        array = numpy.empty((0, 2, 2), dtype)
        for kind in (array[:, 0, 0].copy(), array[..., 0].copy("C"), array[..., 0].copy("F"), array[..., 0]):
            with contextlib.suppress(TypeError):  # it is none that this function takes
                dispatcher(*[kind] * count)


def _forget():
    """Do without Numba in a forked child if another thread of its parent was importing it or compiling, which nobody can end here."""
    global _lock
    if _lock.locked():
        _state["enabled"] = False
        gc.freeze()  # LLVM aborts where what is half made is freed
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
