"""Our own worker threads: each takes a share of the rows of a large operation, while BLAS runs on one thread.

Two thread pools fight over the same cores (an idle BLAS pool spins), so there is one: a large product and a large loop
alike are cut into as many pieces as there are threads, and each piece calls NumPy or a compiled loop, which release the GIL.
"""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue

import numpy

LARGE = 1 << 15  # elements of an operation below which handing out work costs more than it saves

_threads = None
_queues: list = []
_finished: SimpleQueue = SimpleQueue()
_lock = threading.Lock()


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


def _work(queue):
    numpy.seterr(all="ignore")  # this thread's own setting
    while True:
        function, low, high, finished = queue.get()
        try:
            function(low, high)
            finished.put(None)
        except BaseException as error:  # handed to the thread that waits
            finished.put(error)
        function = finished = None


def _ensure(n):
    while len(_queues) < n:
        queue: SimpleQueue = SimpleQueue()
        threading.Thread(target=_work, args=(queue,), name="minigrad-worker", daemon=True).start()
        _queues.append(queue)


def share(function, n, block=1):
    """Call function(low, high) over the parts of range(n), one part a thread, each a multiple of `block` long."""
    threads = get_num_threads()
    per = -(-n // (threads * block)) * block
    if threads == 1 or per >= n or not _lock.acquire(blocking=False):
        function(0, n)  # one thread, one part, or the workers are busy for another thread of the program
        return
    try:
        _ensure(threads - 1)
        parts = [(low, min(low + per, n)) for low in range(per, n, per)]
        finished = _finished
        for queue, (low, high) in zip(_queues, parts):
            queue.put((function, low, high, finished))
        try:
            function(0, per)
        finally:
            errors = [finished.get() for _ in parts]
    finally:
        _lock.release()
    for error in errors:
        if error is not None:
            raise error


def _forget():
    """A forked child has no workers."""
    global _lock, _finished
    _queues.clear()
    _lock, _finished = threading.Lock(), SimpleQueue()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


# ---- BLAS


class Blas:
    """NumPy's BLAS library, whose number of threads is set to one while our workers multiply, and put back afterwards."""

    def __init__(self):
        self.libraries = None

    def find(self):
        """The controllers of the BLAS libraries that are loaded; none without threadpoolctl."""
        if self.libraries is None:
            try:
                from threadpoolctl import ThreadpoolController

                self.libraries = ThreadpoolController().select(user_api="blas").lib_controllers
            except ImportError:
                self.libraries = []
        return self.libraries


blas = Blas()


def single_blas(function, n, block=1):
    """`share`, with BLAS on one thread meanwhile; where BLAS cannot be told, one call that BLAS itself splits."""
    libraries = blas.find()
    if not libraries or get_num_threads() == 1:
        function(0, n)
        return
    before = [library.get_num_threads() for library in libraries]
    for library, count in zip(libraries, before):
        if count != 1:
            library.set_num_threads(1)
    try:
        share(function, n, block)
    finally:
        for library, count in zip(libraries, before):
            if count != 1:
                library.set_num_threads(count)
