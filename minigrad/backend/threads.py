"""Our own worker threads: each takes a share of the rows of a large operation, while BLAS runs on one thread.

Two thread pools fight over the same cores (an idle BLAS pool spins), so there is one: a large product and a large loop
alike are cut into as many pieces as there are threads, and each piece calls NumPy or a compiled loop, which release the GIL.
"""

from __future__ import annotations

import itertools
import os
import threading
from queue import SimpleQueue
from typing import Any

import numpy

from . import compiled

NUMBER, ASLEEP = 0, 1  # where they lie in the state of a signal
LARGE = 1 << 15  # elements of an operation below which handing out work costs more than it saves

_threads = None
_settled = False
_spin: Any = None  # the module `spin`, from the first time that work is handed out and Numba is in use
_lock = threading.Lock()


def settle():
    """Tell the system's malloc, once, that large arrays come and go: it then keeps their memory instead of asking for it again.

    glibc raises its limits when a large block is freed for the first time; a step that allocates some 20 MB otherwise
    spends a fifth of its time on page faults. Untouched, the block costs nothing.
    """
    global _settled
    _settled = True
    numpy.empty((1 << 25) - (1 << 13), numpy.uint8)


def get_num_threads():
    """How many threads share a large operation (all available cores unless set)."""
    global _threads
    if _threads is None:
        try:
            _threads = len(os.sched_getaffinity(0))
        except AttributeError:  # not on this system
            _threads = os.cpu_count() or 1
        _threads = min(_threads, int(os.environ.get("OMP_NUM_THREADS") or _threads))
    return _threads


def set_num_threads(n):
    """Let large operations run on `n` threads of ours; 1 means that nothing is handed out. Results may differ by rounding."""
    global _threads
    if not isinstance(n, int) or n < 1:
        raise ValueError(f"set_num_threads: expected a whole number of at least 1, got {n!r}")
    _threads = n


class Signal:
    """A number that one thread raises and another waits for.

    With Numba the waiting thread looks at the number for a while, without the GIL, before it sleeps. The number is written before
    it is asked whether somebody sleeps, and "asleep" before the number is looked at again: the sleeper sees the new number or is woken.
    """

    LOOK = 1 << 21  # looks before sleeping: a fraction of a millisecond

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

    def wait(self, number, rest=0):
        """Return once the number is at least `number`; after `rest` looks more, if it had to be waited for."""
        if _spin is not None and _spin.wait(self.state, number, self.LOOK, rest):
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
        elif _spin.raise_and_wait(self.state, number, other.state, next, self.LOOK, rest):
            self.bell.put(None)


class Worker:
    """A thread that runs one piece of work after another."""

    piece: Any
    error: Any
    REST = 72_000  # looks after a piece was posted, a dozen µs: by then the poster has let go of the GIL, and need not be waited for

    def __init__(self):
        self.posted, self.done, self.count = Signal(), Signal(), 0
        self.piece = self.error = None
        threading.Thread(target=self.run, name="minigrad-worker", daemon=True).start()

    def post(self, *piece):
        """Let the worker run piece[0](*piece[1:])."""
        self.piece, self.error, self.count = piece, None, self.count + 1
        self.posted.set(self.count)

    def join(self):
        """Wait until the piece is done; raise what it raised."""
        self.done.wait(self.count)
        if self.error is not None:
            raise self.error

    def run(self):
        numpy.seterr(all="ignore")  # this thread's own setting
        for number in itertools.count(1):
            self.posted.wait(number, self.REST)
            function, low, high = self.piece
            try:
                function(low, high)
            except BaseException as error:  # handed to the thread that waits
                self.error = error
            function = self.piece = None
            self.done.set_and_wait(number, self.posted, number + 1, self.REST)


_workers: list[Worker] = []


def share(function, n, block=1):
    """Call function(low, high) over the parts of range(n), one part a thread, each a multiple of `block` long."""
    if not _settled:
        settle()
    per = -(-n // (get_num_threads() * block)) * block
    if per >= n or not _lock.acquire(blocking=False):
        function(0, n)  # one thread, one part, or the workers are busy for another thread of the program
        return
    try:
        if _spin is None and compiled.numba() is not None:
            _load_spin()
        parts = range(per, n, per)
        while len(_workers) < len(parts):
            _workers.append(Worker())
        for worker, low in zip(_workers, parts):
            worker.post(function, low, min(low + per, n))
        try:
            function(0, per)
        finally:
            for worker, _ in zip(_workers, parts):
                worker.join()
    finally:
        _lock.release()


def _load_spin():
    global _spin
    from . import spin

    _spin = spin


def _forget():
    """A forked child has no workers."""
    global _lock
    _workers.clear()
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
