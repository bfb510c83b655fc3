"""Exceptions from signal handlers at any moment, and modes that are left in unusual ways, leave nothing behind; nothing hangs."""

import asyncio
import contextvars
import gc
import signal
import sys
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd.modes import recording
from minigrad.backend.cpu import compiling
from minigrad.backend.cpu.interrupts import is_inside, uninterrupted
from support.optional_tools import needs
from support.subprocesses import succeed

TRAINING = Path(__file__).with_name("interrupted_training.py")


@pytest.mark.parametrize(("interrupts", "threads", "rows", "numba"), [
    (2000, 2, 5, "1"),
    pytest.param(250, 2, 260, "1", marks=pytest.mark.slow),
    pytest.param(250, 4, 260, "1", marks=pytest.mark.slow),
    pytest.param(250, 2, 260, "0", marks=pytest.mark.slow),
])
def test_a_training_loop_that_is_interrupted_thousands_of_times(interrupts, threads, rows, numba):
    assert succeed(TRAINING, interrupts, threads, 0, rows, limit=240, MINIGRAD_NUMBA=numba) == str(interrupts)


FIRST_OPERATION = """
import signal, sys
import minigrad as mg
x = mg.ones(300, 300)
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))
try:
    x + x
    (x.sigmoid() @ x).sum()
except KeyboardInterrupt:
    pass
signal.setitimer(signal.ITIMER_REAL, 0)
assert (x + x).sum().item() == 180000
assert abs((x @ x).sum().item() - 27e6) < 30
assert abs(x.sigmoid().sum().item() - 65795.27) < 1
from minigrad.backend.cpu import compiling
assert compiling.numba() is not None, "Numba is lost"
"""


@needs(compiling.numba() is not None, "needs the extra `fast`, which is not installed")
@pytest.mark.parametrize(("moment", "cache"), [(0.002, "kept"), (0.02, "kept"), (0.06, "kept"), (0.15, "kept"), (0.3, "kept"),
                                               (0.03, "none"), (0.1, "none"), (0.4, "none")])
def test_an_interrupt_while_the_first_operation_imports_and_compiles(tmp_path, moment, cache):
    succeed(FIRST_OPERATION, moment, **({"MINIGRAD_CACHE": tmp_path / "cache"} if cache == "none" else {}))


FIRST_OPERATIONS = """
import signal
import minigrad as mg
x = mg.ones(300, 300)
results = []
def handler(*_):
    results.append((x @ x).sigmoid().sum().item() + (x + x).sum().item())
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
while len(results) < 30:
    (x.sigmoid() @ x.tanh()).sum()
signal.setitimer(signal.ITIMER_REAL, 0)
assert all(abs(result - 270000) < 1 for result in results), results
"""


def test_a_handler_that_computes_while_the_first_operation_compiles(tmp_path):
    succeed(FIRST_OPERATIONS, MINIGRAD_CACHE=tmp_path / "cache")


FORK = """
import os, signal, sys
import minigrad as mg
x = mg.ones(300, 300)
children = []
def handler(*_):
    if pid := os.fork():
        children.append(pid)
        if len(children) < 8:
            signal.setitimer(signal.ITIMER_REAL, 0.15)  # only now: on a busy machine the next alarm would interrupt this handler
    else:
        children.clear()
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))
try:
    x.sigmoid() @ x
    mg.rand(300, 300)
except RuntimeError as error:
    assert "forked" in str(error)
signal.setitimer(signal.ITIMER_REAL, 0)
assert (x + x).sum().item() == 180000 and abs((x.sigmoid() @ x).sum().item() - 19738577) < 300
for pid in children:
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
if not children:
    os._exit(0)
"""


@pytest.mark.parametrize("moment", [0.05])
def test_a_handler_that_forks_while_the_first_operation_compiles(tmp_path, moment):
    succeed(FORK, moment, MINIGRAD_CACHE=tmp_path / "cache", warnings="ignore")


SLOW_IMPORT = """
import os, sys, threading, time
import minigrad as mg
class Slow:
    def find_spec(self, name, path, target=None):
        if name == "numpy.random._pickle":
            time.sleep(0.5)
assert "numpy.random" not in sys.modules
sys.meta_path.insert(0, Slow())
thread = threading.Thread(target=__import__, args=("numpy.random",))
thread.start()
time.sleep(0.2)
assert "numpy.random" in sys.modules and thread.is_alive()
pid = os.fork()
if not pid:
    os._exit(int(not 0 < mg.rand(3).sum().item() < 3))
thread.join()
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""


def test_a_fork_while_another_thread_imports_what_draws():
    succeed(SLOW_IMPORT, limit=30, warnings="ignore")


FORK_WHILE_NUMBA_IS_IMPORTED = """
import importlib.machinery, os, signal, sys, threading, time
import minigrad as mg
searched, children = [], []
class Slow:
    def find_spec(self, name, path, target=None):
        if name not in ("random", "base64", "hmac", "ctypes.util", "json"):  # Numba needs them, and so does the child
            return None
        spec = importlib.machinery.PathFinder.find_spec(name)
        run = spec.loader.exec_module
        def slow(module):
            searched.append(name)
            time.sleep(0.3)
            run(module)
        spec.loader.exec_module = slow
        return spec
sys.meta_path.insert(0, Slow())
def handler(*_):
    if len(searched) > len(children):
        pid = os.fork()
        if not pid:
            for _ in range(3):  # else the next thread might get the number of the one that was importing, and its locks with it
                threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
            os._exit(int(not 0 < mg.rand(3).sum().item() < 3 or (mg.ones(300, 300) @ mg.ones(300, 300)).sum().item() != 27e6))
        children.append(pid)
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
mg.ones(300, 300).sigmoid()
signal.setitimer(signal.ITIMER_REAL, 0)
assert "numba" in sys.modules and searched and children
for pid in children:
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""


def test_a_fork_while_numba_is_being_imported():
    pytest.importorskip("numba", reason="needs the extra `fast`, which is not installed")
    succeed(FORK_WHILE_NUMBA_IS_IMPORTED, limit=30, warnings="ignore")


FORK_WAITS_FOR_NEEDED = """
import importlib.abc, os, sys, threading, time, types
import minigrad
from minigrad.backend.cpu import compiling
compiling.time = types.SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: time.sleep(1))  # the waiting thread gets its turn late
assert "logging" not in sys.modules and "numpy.random" not in sys.modules


class Slow(importlib.abc.MetaPathFinder):
    '''Finds no module, but takes its time to look for numpy.random's last part.'''

    def find_spec(self, name, path, target=None):
        if name == "numpy.random._generator":
            begun.set()
            time.sleep(0.2)


begun = threading.Event()
sys.meta_path.insert(0, Slow())
thread = threading.Thread(target=compiling.numba)
thread.start()
begun.wait()
child = os.fork()  # waits for numpy.random; the thread goes on with Numba, which imports logging
if not child:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
thread.join()
"""


def test_a_fork_that_waits_for_an_import_calls_both_functions_of_logging_or_none():
    pytest.importorskip("numba", reason="needs the extra `fast`, which is not installed")
    succeed(FORK_WAITS_FOR_NEEDED, limit=30, warnings="ignore")


def test_uninterrupted_work_ends_before_the_interrupt_is_raised():
    def handler(*_):
        seen.append(is_inside())
        raise KeyboardInterrupt

    def work():
        signal.raise_signal(signal.SIGUSR1)
        threading.Event().wait(0.05)
        done.append(is_inside())
        return 7

    seen, done, before = [], [], signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            uninterrupted(work)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen == [True] and done == [True] and not is_inside()
    assert uninterrupted(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        uninterrupted(lambda: 1 / 0)


def test_errors_leave_no_arrays_behind():
    """An exception holds its traceback, which holds frames with their arrays; after the `except` block nothing may hold them."""
    from minigrad.backend.cpu import threads

    class Large:
        """An object in place of an array."""

    def part(low, high, held):
        if low:
            raise MemoryError
        raise ValueError

    gc.disable()
    try:
        for call in (lambda held: threads.share(lambda low, high: part(low, high, held), 4),
                     lambda held: uninterrupted(lambda: part(0, 1, held))):
            large = Large()
            reference = weakref.ref(large)
            try:
                call(large)
            except (MemoryError, ValueError):
                pass
            else:
                pytest.fail("the error is lost")
            del large
            assert reference() is None
    finally:
        gc.enable()


# ---- modes


def test_an_interrupt_before_exit_begins_does_not_leave_the_mode_on(monkeypatch):
    """A signal handler can raise when `__exit__` is called, before its first line runs."""
    for mode, inside in ((mg.no_grad, False), (mg.enable_grad, True)):
        with monkeypatch.context() as patch:
            patch.setattr(mode, "__exit__", interrupted, raising=False)
            with mg.set_grad_enabled(not inside):
                try:
                    with mode():
                        assert mg.is_grad_enabled() is inside
                except KeyboardInterrupt:
                    pass
                assert mg.is_grad_enabled() is not inside
                assert (mg.ones(2, requires_grad=True) * 2).requires_grad is not inside
    assert mg.is_grad_enabled()


def interrupted(self, *error):
    """Do nothing, as an `__exit__` does before whose first line a signal handler raises."""
    raise KeyboardInterrupt


def test_interrupts_in_enter_change_nothing(monkeypatch):
    class Interrupting:
        """A context variable in whose `set` a signal handler raises, before or after it is set."""

        def __init__(self, early):
            self.early, self.sets = early, 0

        def __getattr__(self, name):
            return getattr(recording, name)

        def set(self, value):
            """Set the variable, or not, and raise at the first call."""
            self.sets += 1
            if self.sets == 1 and self.early:
                raise KeyboardInterrupt
            token = recording.set(value)
            if self.sets == 1:
                raise KeyboardInterrupt
            return token

    for early in (True, False):
        with monkeypatch.context() as patch:
            patch.setattr(mg.autograd.modes, "recording", Interrupting(early))
            block = mg.no_grad()  # the block's object stays alive
            with pytest.raises(KeyboardInterrupt), block:
                pytest.fail("the block is entered")
        assert mg.is_grad_enabled()


def test_a_mode_left_in_another_context():
    """It is entered in a copy of the context and left outside, or the other way round; recording is on in both afterwards."""
    mode, other = mg.no_grad(), contextvars.copy_context()
    other.run(mode.__enter__)
    assert mg.is_grad_enabled() and not other.run(mg.is_grad_enabled)
    mode.__exit__(None, None, None)
    assert mg.is_grad_enabled() and other.run(mg.is_grad_enabled)
    mode.__enter__()
    copied = contextvars.copy_context()
    copied.run(mode.__exit__, None, None, None)
    assert mg.is_grad_enabled() and copied.run(mg.is_grad_enabled)


def test_a_mode_left_in_another_thread():
    def generate():
        with mg.no_grad():
            yield mg.is_grad_enabled()
            yield mg.is_grad_enabled()

    generator, seen = generate(), []
    seen.append(next(generator))
    thread = threading.Thread(target=lambda: seen.extend([next(generator), generator.close(), mg.is_grad_enabled()]))
    thread.start()
    thread.join()
    assert seen == [False, True, None, True] and mg.is_grad_enabled()  # the thread's own mode holds in the generator


def test_an_asynchronous_generator_that_another_task_closes():
    async def generate():
        with mg.no_grad():
            yield mg.is_grad_enabled()

    async def main():
        generator = generate()
        assert await asyncio.create_task(first(generator)) is False
        assert mg.is_grad_enabled()
        await asyncio.create_task(generator.aclose())
        return mg.is_grad_enabled()

    async def first(generator):
        return await anext(generator)

    assert asyncio.run(main()) is True and mg.is_grad_enabled()


def test_blocks_that_were_left_by_interrupts_are_not_kept():
    for _ in range(3):
        manager = mg.no_grad()
        manager.__enter__()
        del manager  # as after an interrupt in __exit__
    assert mg.is_grad_enabled()
    with mg.no_grad():
        assert not mg.is_grad_enabled() and not getattr(recording.get().before, "is_left", lambda: False)()
    assert mg.is_grad_enabled()


@pytest.mark.parametrize("fail", ["warnings", "mode"])
def test_an_interrupt_in_a_step_leaves_numpys_warnings_on(monkeypatch, fail):
    """It comes between the call that switches them off and the assignment of the call's result, as a signal's may."""
    from minigrad import optim
    from minigrad.backend.cpu import fp_warnings

    state, done = np.geterr(), fp_warnings.ignore_fp_warnings

    def interrupting():
        monkeypatch.setattr(fp_warnings, "ignore_fp_warnings", done)
        done()
        raise KeyboardInterrupt

    p = mg.ones(3, requires_grad=True)
    p.sum().backward()
    optimizer = optim.SGD([p], lr=0.1)
    if fail == "warnings":
        monkeypatch.setattr(fp_warnings, "ignore_fp_warnings", interrupting)
    else:
        monkeypatch.setattr(optimizer, "_update_groups", lambda: interrupted(None))
    with pytest.raises(KeyboardInterrupt):
        optimizer.step()
    assert np.geterr() == state and mg.is_grad_enabled()


def test_python_that_is_interrupted_in_a_freeing_loses_no_interrupt():
    """minigrad runs no function while a tensor is freed, since Python drops an exception that a handler raises in such a function."""
    x = mg.rand(40, 3, requires_grad=True)
    called = []

    def trace(frame, event, argument):
        if event == "call":
            called.append(frame.f_code.co_name)

    views = [x[i] for i in range(5)] + [x.detach(), x * 2]
    views[-1][0].sum().backward()
    block = mg.no_grad()
    with block:
        x.mul_(2)
    sys.setprofile(trace)
    try:
        del views, x, block
    finally:
        sys.setprofile(None)
    assert called == []


FIRST_DRAW = """
import signal, sys
import minigrad as mg
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))
try:
    mg.rand(30, 30)
    mg.ones(150, 150) @ mg.ones(150, 150)
except KeyboardInterrupt:
    pass
signal.setitimer(signal.ITIMER_REAL, 0)
assert 0 < mg.rand(30, 30).mean() < 1 and sorted(mg.randperm(5).tolist()) == [0, 1, 2, 3, 4]
assert (mg.ones(150, 150) @ mg.ones(150, 150)).sum().item() == 150**3
"""


@pytest.mark.parametrize("moment", [0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.01])
def test_an_interrupt_while_the_first_draw_imports(moment):
    succeed(FIRST_DRAW, moment, MINIGRAD_NUMBA=0)
