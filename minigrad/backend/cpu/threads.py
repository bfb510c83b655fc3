"""Our own worker threads: each takes a share of the rows of a large operation, while BLAS runs on one thread.

Two thread pools fight over the same cores (an idle BLAS pool spins), so there is one: a large product and a large loop
alike are cut into as many pieces as there are threads, and each piece calls NumPy or a compiled loop, which release the GIL.

An operation ends when all its pieces have ended, whatever is raised meanwhile: by a piece, or in the main thread by a signal
handler, which Python may call between any two steps. So what must be undone stands in a `finally` without calls, after which
handlers are called, and what must be waited for is waited for again.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from queue import SimpleQueue
from typing import Any

import numpy

from . import compiling, cores

NUMBER, ASLEEP = 0, 1  # where they lie in the state of a signal
LARGE = 1 << 15  # elements of an operation below which handing out work costs more than it saves
CROWD = 8  # threads for each core, above which `set_num_threads` warns

_threads = None
_settled = False
_spin: Any = None  # the module `spinning`, from the first time that work is handed out and Numba is in use
_owner: dict = {}  # {0: a mark of the call of `share` that has the workers}, or empty


def settle():
    """Tell the system's malloc, once, that large arrays come and go: it then keeps their memory instead of asking for it again.

    glibc raises its limits when a large block is freed for the first time; a step that allocates some 20 MB otherwise
    spends a fifth of its time on page faults. Untouched, the block costs nothing.
    """
    global _settled
    _settled = True
    numpy.empty((1 << 25) - (1 << 13), numpy.uint8)


def get_num_threads():
    """Return how many threads share a large operation: all available cores, unless OMP_NUM_THREADS or `set_num_threads` says otherwise.

    1 while Python ends: other threads do not run any more.
    """
    global _threads
    if sys.is_finalizing():
        return 1
    if _threads is None:
        _threads = available = cores.available()
        _threads = cores.wanted(available)
    return _threads


def set_num_threads(n):
    """Let large operations run on `n` threads, with 1 those of BLAS too. Results may differ by rounding.

    Give a RuntimeWarning where there are many more threads than cores.
    """
    global _threads
    if not isinstance(n, int) or n < 1:
        raise ValueError(f"set_num_threads: expected a whole number of at least 1, got {n!r}")
    _threads, available = n, cores.available()
    Signal.looks = Signal.LOOKS if n <= available else 0
    if n > CROWD * available:
        warnings.warn(f"set_num_threads({n}): this process has {available} cores; so many threads make large operations slower, not faster",
                      RuntimeWarning, stacklevel=2)


class Signal:
    """A number that one thread raises and another waits for.

    With Numba the waiting thread looks at the number for a while, without the GIL, before it sleeps. The number is written before
    it is asked whether somebody sleeps, and "asleep" before the number is looked at again: the sleeper sees the new number or is woken.
    """

    LOOKS = looks = 1 << 21  # looks before sleeping: a fraction of a millisecond; 0 where there are more threads than cores

    def __init__(self):
        self.state = numpy.zeros(8, numpy.int64)  # number, whether somebody sleeps; a cache line of its own
        self.bell: SimpleQueue[None] = SimpleQueue()

    def set(self, number):
        """Raise the number."""
        if _spin is not None:
            sleeper = _spin.raise_to(self.state, number)
        else:
            self.state[NUMBER] = number
            sleeper = self.state[ASLEEP]
        if sleeper:
            self.bell.put(None)

    def ring(self):
        """Wake the thread that waits, should `set` have been cut short; a thread that is woken for nothing waits again."""
        self.bell.put(None)

    def wait(self, number, rest=0):
        """Return once the number is at least `number`; after `rest` looks more, if it had to be waited for."""
        if _spin is not None and _spin.wait(self.state, number, self.looks, rest):
            return
        while self.state[NUMBER] < number:
            if _spin is not None:
                now = _spin.fall_asleep(self.state)
            else:
                self.state[ASLEEP] = 1
                now = self.state[NUMBER]
            if now < number:
                self.bell.get()
            self.state[ASLEEP] = 0

    def set_and_wait(self, number, other, next, rest):
        """`set`, then look for another signal's next number for a while, in one go where Numba is there: Python holds the GIL for less."""
        if _spin is None:
            self.set(number)
        elif _spin.raise_and_wait(self.state, number, other.state, next, self.looks, rest):
            self.bell.put(None)


class Worker:
    """A thread that runs one piece of work after another.

    The two signals alone say how many pieces were posted and how many are done: a thread that is interrupted between two steps leaves
    no other count behind.
    """

    piece: Any
    error: Any  # what the last piece raised
    busy = False  # whether a piece may be running: from before it is posted until it was waited for
    REST = 72_000  # looks after a piece was posted, a dozen µs: by then the poster has let go of the GIL, and need not be waited for

    def __init__(self):
        self.posted, self.done = Signal(), Signal()
        self.piece = self.error = None
        threading.Thread(target=self.run, name="minigrad-worker", daemon=True).start()

    def post(self, *piece):
        """Let the worker, which must be idle, run piece[0](*piece[1:])."""
        self.piece, self.error, self.busy = piece, None, True
        self.posted.set(self.posted.state.item(NUMBER) + 1)

    def join(self):
        """Wait until what was posted is done; return what it raised, or None."""
        self.done.wait(self.posted.state.item(NUMBER))
        self.busy, error, self.error = False, self.error, None
        return error

    def run(self):
        """Run what is posted, for ever."""
        while True:
            try:
                numpy.seterr(all="ignore")  # this thread's own setting
                while True:
                    self._run_next()
            except BaseException:  # thrown in from outside: the pieces' own are kept
                continue

    def _run_next(self):
        number = self.done.state.item(NUMBER) + 1
        self.posted.wait(number, self.REST)
        function, low, high = self.piece
        try:
            function(low, high)
        except BaseException as error:  # for the thread that waits
            self.error = error
        function = self.piece = None
        self.done.set_and_wait(number, self.posted, number + 1, self.REST)

    def abandon(self):
        """Mark as done, with an error, a piece that no thread will run, in a forked child."""
        if (posted := self.posted.state.item(NUMBER)) > self.done.state.item(NUMBER):
            self.error = RuntimeError("the process was forked by a signal handler in the middle of an operation: its result is lost")
            self.done.set(posted)
            self.done.ring()


_workers: list[Worker] = []


def share(function, n, block=1):
    """Call function(low, high) over the parts of range(n), one part a thread, each a multiple of `block` long.

    Return, or raise what a part or a signal handler raised, when all parts have ended. Where the workers are busy for another thread,
    or for the operation that a signal handler or a finalizer interrupted, and while Python ends, function(0, n) is called.
    """
    if not _settled:
        settle()
    per = -(-n // (get_num_threads() * block)) * block
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
            per = max(per, -(-n // ((len(used) + 1) * block)) * block)  # where there can be no more threads
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
            except BaseException as raised:  # by a second one, before the inner loop went on
                error = raised
        if error is not None:
            raise error
    finally:
        if 0 in _owner and _owner[0] is mark:
            del _owner[0]
        error = failure = used = None  # type: ignore[assignment]  # an exception holds its traceback, which holds this frame


def _idle_workers(n):
    """Return n workers with nothing to do, or fewer where the system gives no more threads."""
    if _spin is None and compiling.numba() is not None:
        compiling.prepare(_load_spin)
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


def _load_spin():
    global _spin
    from .accelerators import spinning

    _spin = spinning


def _forget():
    """Let a forked child begin without workers."""
    for worker in _workers:
        worker.abandon()
    _workers.clear()
    _owner.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
