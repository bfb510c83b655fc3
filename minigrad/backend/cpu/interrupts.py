"""Work that a signal handler must not interrupt: it is done by a thread of its own, since Python calls handlers in the main thread only.

An import or a compilation that Ctrl-C cuts short can leave a library broken for the rest of the process.
"""

from __future__ import annotations

import _thread
import os
import threading

_inside = threading.local()  # depth: how many calls of `uninterrupted` this thread is in
_under_way: dict = {}  # what each call of `uninterrupted` waits for: its outcome, and the lock that is let go when it is there


def is_inside():
    """Return whether this thread is in a call of `uninterrupted`: code that runs now is a signal handler's or a finalizer's."""
    return getattr(_inside, "depth", 0) > 0


def uninterrupted(function, *args):
    """Return function(*args), or raise what it raises, after it has run to its end whatever signals arrive.

    The main thread lets another thread call the function. An exception that a signal handler raises meanwhile is raised at the end.
    Return None in a child that a signal handler forks meanwhile: the other thread is not there.
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
            except RuntimeError:  # there can be no more threads, or Python is about to end
                run()
            except BaseException as error:  # raised by a signal handler, when the thread had begun
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
                except BaseException as error:  # a second interrupt, before the inner loop went on
                    interrupt = error
        result, failure = outcome[0]
        if interrupt is None and failure is None:
            return result
        raise interrupt or failure
    finally:
        _inside.depth = before
        _under_way.pop(running, None)
        interrupt = failure = None  # an exception holds its traceback, which holds this frame and that of `run`
        del outcome[:]


def _forget():
    """Let a forked child begin anew: it has but one thread, which waits for none."""
    global _inside
    _inside = threading.local()
    for running, outcome in _under_way.items():
        outcome.append((None, None))
        if running.locked():
            running.release()
    _under_way.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
