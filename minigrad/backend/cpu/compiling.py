"""Numba: imported on request, and functions compiled with it for one signature, kept on disk.

No signal handler interrupts an import or a compilation, and no thread waits for one that another thread may never end.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import linecache
import os
import sys
import threading
import time
from typing import Any

import numpy

from .interrupts import is_inside, uninterrupted

_state = {"enabled": os.environ.get("MINIGRAD_NUMBA", "1") != "0", "numba": None, "arrays shown": False}
_lock = threading.Lock()  # held by the thread that imports Numba or compiles with it
NEEDED = ("numpy.random", "threadpoolctl")  # what is imported at its first use, also in a forked child
_importing: list = []  # the numbers of the threads that import one of these for minigrad


def numba():
    """Return the Numba module, imported at the first call, or None where it is missing, broken or switched off.

    Return None, too, in a signal handler or a finalizer that runs during Numba's import or a compilation, since it must not wait for
    that; and while Python ends, since any call may make Numba import something.
    """
    if not _state["enabled"] or is_inside() or sys.is_finalizing():
        return None
    if _state["numba"] is None and not is_being_imported("numba"):
        prepare(_import_numba)
    return _state["numba"]


def is_being_imported(name):
    """Return whether a module is being imported just now. It may be this thread that imports it, so waiting for the end may be in vain."""
    return getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False)


def prepare(function, *args):
    """Call a function that imports Numba or compiles with it, without interrupts by signal handlers, and one such call at a time."""
    uninterrupted(_one_at_a_time, function, args)


def _one_at_a_time(function, args):
    with _lock:
        function(*args)


def prepared(known, key, make, *args):
    """Return known[key]; the first call for a key stores make(*args) there, called as `prepare` calls a function.

    Return None in a child process that a signal handler forked during that call.
    """
    if key not in known:
        prepare(_store, known, key, make, args)
    return known.get(key)


def _store(known, key, make, args):
    if key not in known:  # another thread may have stored it meanwhile
        known[key] = make(*args)


def import_needed(name):
    """Import one of NEEDED, and return it. A fork in another thread waits for the end, since the child could not import it any more.

    `logging` comes first. It adds functions that Python calls before and after a fork; if it added them while a fork waits, as Numba
    imports it, Python would call the latter alone, which releases a lock that nobody holds, and print the error.
    """
    importlib.import_module("logging")
    _importing.append(threading.get_ident())
    try:
        return importlib.import_module(name)
    finally:
        _importing.remove(threading.get_ident())


def _import_numba():
    if _state["numba"] is not None:
        return
    try:
        for name in NEEDED:  # first, as Numba needs modules that these need too, and a fork does not wait for the rest of Numba
            with contextlib.suppress(ImportError):
                import_needed(name)
        import numba as found

        if found.config.DISABLE_JIT:
            raise ImportError("NUMBA_DISABLE_JIT is set")
        _state["numba"] = found
    except Exception:  # `minigrad doctor` says what is wrong with it
        _state["enabled"] = False


def use_numba(enabled):
    """Switch compiled loops on, or off for plain NumPy; return whether they were on."""
    before, _state["enabled"] = _state["enabled"], bool(enabled)
    return before


def kept(signature, **options):
    """Return a decorator that compiles a function of one of minigrad's modules for one signature, and keeps the code on disk."""

    def decorate(function):
        module = sys.modules[function.__module__]
        return specialized(function, signature, f"{module.__name__.rpartition('.')[2]}_{function.__name__}", text_of(module), options)

    return decorate


def text_of(module):
    """Return the source text of a module, as it is when the module is imported."""
    return "".join(linecache.getlines(module.__file__, vars(module)))


def specialized(function, signature, name, text, options):
    """Return `function` compiled for one signature, from the cache on disk if it is there.

    A call with other types raises TypeError, so that no compilation begins at an unforeseen time. `name` begins the name of the file in
    the cache, and `text` is the source that the code depends on; code without a text is not kept.
    """
    from numba import njit

    from .code_cache import Cache  # here, since its libraries take some ms to import

    dispatcher: Any = njit(**options)(function)
    if text:
        dispatcher._cache = Cache(name, f"{text}\0{name}\0{sorted(options.items())!r}")
    dispatcher.compile(signature)
    dispatcher.disable_compile()
    if not _state["arrays shown"]:
        _show_arrays(dispatcher, function.__code__.co_argcount)
        _state["arrays shown"] = True
    return dispatcher


def _show_arrays(dispatcher, count):
    """Call a compiled function with an empty array of each kind that compiled code is ever called with here.

    When Numba meets a kind of array for the first time it imports and runs Python code, which a signal handler must not interrupt.
    """
    for dtype in ("float32", "float64", "int64"):
        array = numpy.empty((0, 2, 2), dtype)
        for kind in (array[:, 0, 0].copy(), array[..., 0].copy("C"), array[..., 0].copy("F"), array[..., 0]):
            with contextlib.suppress(TypeError):  # this function does not take it, but Numba has seen it
                dispatcher(*[kind] * count)


@atexit.register
def _before_exit():
    """Do without Numba from now on, and wait until no other thread compiles.

    A thread that Python stops inside LLVM's code keeps llvmlite's lock for ever, and the end of Python waits for it in order to free what
    was compiled. The lock stays taken here, so that no thread begins another compilation.
    """
    _state["enabled"] = False
    _lock.acquire(timeout=30)


def _wait_for_import():
    """Before a fork, wait until no other thread imports what is needed in the child, where that import would never end."""
    end = time.monotonic() + 5  # seconds at most: this thread itself may be importing it
    while (any(map(is_being_imported, NEEDED)) or set(_importing) - {threading.get_ident()}) and time.monotonic() < end:
        time.sleep(1e-3)


def _after_fork():
    """In a forked child, do without Numba if another thread of the parent was importing it or compiling, as that cannot end here."""
    global _lock
    if _lock.locked():
        _state["enabled"] = False
        gc.freeze()  # LLVM aborts when its unfinished objects are freed
    _lock = threading.Lock()
    _importing.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_wait_for_import, after_in_child=_after_fork)
