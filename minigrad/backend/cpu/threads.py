"""Worker threads, which share the rows of a large operation while BLAS runs on one thread.

Two thread pools would compete for the same cores, as an idle BLAS pool polls, so there is one: a large product and a large loop are
both cut into parts, one a thread. Each part calls NumPy or a compiled loop, which release the GIL.

An operation ends when all its parts have ended, even if a part raises an exception, or a signal handler does so in the main thread,
where Python may call it between any two steps. So whatever must be undone stands in a `finally` clause without calls, during which no
handler runs, and an interrupted wait begins again.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from typing import Any

import numpy

from . import compiling, cores, signals
from .signals import NUMBER, Signal

LARGE = 1 << 15  # elements from which an operation is shared; a part has at least half as many
CROWD = 8  # threads for each core, above which `set_num_threads` warns

_threads = None
_is_settled = False
_owner: dict = {}  # {0: a mark of the call of `share` that uses the workers}, or empty


def keep_freed_memory():
    """Allocate and free one large block, so that the system's malloc keeps the memory of large arrays when they are freed.

    glibc raises its limits when a large block is freed for the first time; a step that allocates some 20 MB would otherwise spend a
    fifth of its time on page faults. The block itself costs nothing, as its memory is never touched.
    """
    global _is_settled
    _is_settled = True
    numpy.empty((1 << 25) - (1 << 13), numpy.uint8)


def get_num_threads() -> int:
    """Return how many threads share a large operation: one for each available core, or as OMP_NUM_THREADS or `set_num_threads` says.

    Return 1 while Python ends, as other threads do not run any more.
    """
    global _threads
    if sys.is_finalizing():
        return 1
    if _threads is None:
        _threads = available = cores.available()  # this stays if the warning in the next line is an error
        _threads = cores.wanted(available)
    return _threads


def set_num_threads(n: int) -> None:
    """Let large operations run on `n` threads. Results may differ by rounding.

    Give a RuntimeWarning if there are many more threads than cores.
    """
    global _threads
    if not isinstance(n, int) or n < 1:
        raise ValueError(f"set_num_threads: expected a whole number of at least 1, got {n!r}")
    _threads, available = n, cores.available()
    Signal.patience = Signal.PATIENCE if n <= available else 0
    if n > CROWD * available:
        warnings.warn(f"set_num_threads({n}): this process has {available} cores; so many threads make large operations slower, not faster",
                      RuntimeWarning, stacklevel=2)


class Worker:
    """A thread that computes parts of operations, one after another.

    Only the two signals count the parts that were posted and those that are done, so an exception between two steps leaves no count
    that disagrees with them.
    """

    part: Any  # (function, low, high)
    error: Any  # the exception of the last part, or None
    busy = False  # True from before a part is posted until `join` has waited for it
    REST = 20  # µs of polling after a part is posted, in which the posting thread releases the GIL: this one need not wait for it then

    def __init__(self):
        self.posted, self.done = Signal(), Signal()
        self.part = self.error = None
        threading.Thread(target=self.run, name="minigrad-worker", daemon=True).start()

    def post(self, *part):
        """Let the worker, which must be idle, call part[0](*part[1:])."""
        self.part, self.error, self.busy = part, None, True
        self.posted.set(self.posted.state.item(NUMBER) + 1)

    def join(self):
        """Wait until the posted part is done; return the exception that it raised, or None."""
        self.done.wait(self.posted.state.item(NUMBER))
        self.busy, error, self.error = False, self.error, None
        return error

    def run(self):
        """Run each part that is posted, until the program ends."""
        while True:
            try:
                numpy.seterr(all="ignore")  # the setting holds for this thread only
                while True:
                    self._run_next()
            except BaseException:  # raised in this thread from outside; those of the parts are kept in `error`
                continue

    def _run_next(self):
        number = self.done.state.item(NUMBER) + 1
        self.posted.wait(number, self.REST)
        function, low, high = self.part
        try:
            function(low, high)
        except BaseException as error:  # `join` returns it
            self.error = error
        function = self.part = None
        self.done.set_and_wait(number, self.posted, number + 1, self.REST)

    def abandon(self):
        """Mark a part as done, with an error, in a forked child, where no thread will run it."""
        if (posted := self.posted.state.item(NUMBER)) > self.done.state.item(NUMBER):
            self.error = RuntimeError("the process was forked by a signal handler in the middle of an operation: its result is lost")
            self.done.set(posted)
            self.done.ring()


_workers: list[Worker] = []


def share(function, n, block=1, elements=None):
    """Call function(low, high) over the parts of range(n), one part a thread, each a multiple of `block` long.

    elements: how many there are in range(n), if each is quick to compute: a part has at least LARGE / 2 of them then, as it takes longer
    to post a smaller part to one more worker than to compute it.

    Return when all parts have ended, or raise the exception of a part or of a signal handler then. Call function(0, n) if another thread
    uses the workers, or the operation that a signal handler or a finalizer interrupted, and while Python ends.
    """
    if not _is_settled:
        keep_freed_memory()
    parts = get_num_threads()
    if elements is not None:
        parts = max(1, min(parts, 2 * elements // LARGE))
    per = -(-n // (parts * block)) * block
    if per >= n:
        function(0, n)
        return
    mark, error, used = object(), None, []
    try:
        if _owner.setdefault(0, mark) is not mark:
            function(0, n)
            return
        try:
            used = _idle_workers(-(-n // per) - 1)
            per = max(per, -(-n // ((len(used) + 1) * block)) * block)  # longer parts if the system gives no more threads
            for worker, low in zip(used, range(per, n, per)):
                worker.post(function, low, min(low + per, n))
            function(0, min(per, n))
        except BaseException as raised:
            error = raised
        while True:
            try:
                while True:
                    try:
                        for worker in used:
                            if worker.busy:
                                if error is not None:
                                    worker.posted.ring()
                                failure = worker.join()
                                error = failure if error is None else error
                        break
                    except BaseException as raised:  # by a signal handler
                        error = raised
                break
            except BaseException as raised:  # by a second one, during the handling of the first
                error = raised
        if error is not None:
            raise error
    finally:
        if 0 in _owner and _owner[0] is mark:
            del _owner[0]
        error = failure = used = None  # type: ignore[assignment]  # an exception refers to its traceback, and so to this frame: a cycle


def _idle_workers(n):
    """Return n idle workers, or fewer if the system gives no more threads."""
    if signals.spinning is None and compiling.numba() is not None:
        compiling.prepare(_load_spinning)
    while len(_workers) < n:
        try:
            _workers.append(Worker())
        except RuntimeError:
            break
    for worker in _workers:
        if worker.busy:  # two signal handlers interrupted its operation at once
            worker.posted.ring()
            worker.join()
    return _workers[:n]


def _load_spinning():
    from .accelerators import spinning

    signals.spinning = spinning


def _after_fork():
    """Let a forked child begin without workers, as only the forking thread runs there."""
    for worker in _workers:
        worker.abandon()
    _workers.clear()
    _owner.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
