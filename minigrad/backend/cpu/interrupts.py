"""Work that no signal handler may interrupt: a second thread does it, since Python calls signal handlers in the main thread only.

An import or a compilation that Ctrl-C interrupts can leave a library broken for the rest of the process.
"""

from __future__ import annotations

import _thread
import os
import threading

_inside = threading.local()  # depth: in how many nested calls of `uninterrupted` this thread is
_under_way: dict = {}  # for each call that the main thread waits for: the lock that is released at its end -> its outcome


def is_inside():
    """Return whether this thread is inside a call of `uninterrupted`; a signal handler or a finalizer may run in the middle of one."""
    return getattr(_inside, "depth", 0) > 0


def uninterrupted(function, *args):
    """Call function(*args), which runs to its end whatever signals arrive, and return its result or raise its exception.

    In the main thread, another thread calls the function, and an exception that a signal handler raises meanwhile is raised at the end.
    Return None in a child process that a signal handler forks meanwhile, where the other thread does not exist.
    """
    outcome: list = []
    interrupt = failure = None
    before = getattr(_inside, "depth", 0)
    running = _thread.allocate_lock()

    def run():
        depth = getattr(_inside, "depth", 0)
        try:
            _inside.depth = depth + 1
            outcome.append((function(*args), None))
        except BaseException as error:
            outcome.append((None, error))
        finally:
            _inside.depth = depth
            running.release()

    try:
        running.acquire()
        if threading.current_thread() is not threading.main_thread():
            run()
        else:
            _inside.depth = before + 1
            _under_way[running] = outcome
            try:
                _thread.start_new_thread(run, ())
            except RuntimeError:  # the system gives no more threads, or Python is about to end
                run()
            except BaseException as error:  # raised by a signal handler after the thread had started
                interrupt = error
            while True:
                try:
                    while True:
                        try:
                            running.acquire()
                            break
                        except BaseException as error:
                            interrupt = error
                            if outcome:
                                break
                    break
                except BaseException as error:  # a second interrupt, during the handling of the first
                    interrupt = error
        result, failure = outcome[0]
        if interrupt is None and failure is None:
            return result
        raise interrupt or failure
    finally:
        _inside.depth = before
        _under_way.pop(running, None)
        interrupt = failure = None  # an exception refers to its traceback, and so to this frame and that of `run`: a cycle
        del outcome[:]


def _after_fork():
    """Reset the state in a forked child, which has one thread only, and end all waiting there."""
    global _inside
    _inside = threading.local()
    for running, outcome in _under_way.items():
        outcome.append((None, None))
        if running.locked():
            running.release()
    _under_way.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
