"""The worker threads: errors, interrupts, finalizers, exits, forks and other threads of the program, on 1 … 8 threads.

Each program runs in a process of its own with a time limit.
"""

import sys
import threading as host
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.backend.cpu import cores, threads
from minigrad.backend.cpu.compiling import use_numba
from support.subprocesses import succeed

COUNTS = pytest.mark.parametrize("count", [1, 2, 3, 8])
NUMBA = pytest.mark.parametrize("numba", ["0", "1"])

AN_ERROR = """
import sys, time
from minigrad.backend.cpu import threads
n, failing = int(sys.argv[1]), int(sys.argv[2])
threads.set_num_threads(n)
running = set()
def part(low, high):
    if low == failing:
        raise MemoryError
    running.add(low)
    time.sleep(0.1 if low else 0)
    running.remove(low)
for _ in range(3):
    try:
        threads.share(part, n)
    except MemoryError:
        assert not running, f"pieces {running} run on"
    else:
        raise AssertionError("the error is lost")
seen = []
threads.share(lambda low, high: seen.extend(range(low, high)), 100 * n)
assert sorted(seen) == list(range(100 * n))
"""


@NUMBA
@pytest.mark.parametrize(("count", "failing"), [(2, 0), (2, 1), (3, 1), (4, 3), (8, 1)])
def test_an_error_in_one_piece_waits_for_the_others(count, failing, numba):
    succeed(AN_ERROR, count, failing, MINIGRAD_NUMBA=numba)


AN_INTERRUPT = """
import random, signal, sys, time
from minigrad.backend.cpu import threads
n, draw = int(sys.argv[1]), random.Random(int(sys.argv[2]))
threads.set_num_threads(n)
threads.share(lambda low, high: None, n)
running = set()
def part(low, high):
    running.add(low)
    time.sleep(0.02 if low else draw.choice([0, 0.01, 0.03]))
    running.remove(low)
signal.signal(signal.SIGALRM, signal.default_int_handler)
interrupts = 0
for _ in range(25):
    signal.setitimer(signal.ITIMER_REAL, draw.uniform(1e-5, 0.03))
    try:
        threads.share(part, n)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        interrupts += 1
        running.discard(0)  # the piece of the main thread was cut short
    assert not running, f"pieces {running} run on"
assert interrupts > 5
"""


@NUMBA
@COUNTS
def test_an_interrupt_waits_for_the_pieces(count, numba):
    succeed(AN_INTERRUPT, count, 0, MINIGRAD_NUMBA=numba)


def test_an_interrupt_is_raised_before_the_error_of_a_piece(monkeypatch):
    """Also if the interrupt's exception counts as false."""
    class Empty(Exception):
        def __len__(self):
            return 0

    def part(low, high):
        if low:
            raise Empty
        if expected is KeyboardInterrupt:
            raise KeyboardInterrupt

    monkeypatch.setattr(threads, "_threads", 3)
    for expected in (KeyboardInterrupt, Empty):
        with pytest.raises(expected):
            threads.share(part, 3)


MANY_INTERRUPTS = """
import signal, sys, time
from minigrad.backend.cpu import threads
threads.set_num_threads(4)
threads.share(lambda low, high: None, 4)
running = set()
def part(low, high):
    running.add(low)
    time.sleep(0.05)
    running.remove(low)
signal.signal(signal.SIGALRM, signal.default_int_handler)
for _ in range(5):
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)
        threads.share(part, 4)
    except KeyboardInterrupt:
        while True:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0)
                break
            except KeyboardInterrupt:
                pass
    running.discard(0)
    assert not running
"""


def test_an_interrupt_each_millisecond():
    succeed(MANY_INTERRUPTS)


IN_A_HANDLER = """
import signal, sys, time
import minigrad as mg
from minigrad.backend.cpu import threads
mg.set_num_threads(int(sys.argv[1]))
a = mg.rand(300, 300)
right = a.numpy() @ a.numpy()
results = []
def compute(*_):
    results.append((a @ a).sigmoid())
signal.signal(signal.SIGALRM, compute)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
def part(low, high): time.sleep(0.1)
threads.share(part, 4)
while len(results) < 20:
    assert abs((a @ a).numpy() - right).max() < 1e-3
signal.setitimer(signal.ITIMER_REAL, 0)
for result in results:
    assert abs(result.numpy() - 1 / (1 + 2.718281828 ** -right)).max() < 1e-5
"""


@COUNTS
def test_a_signal_handler_that_computes(count):
    succeed(IN_A_HANDLER, count)


IN_A_FINALIZER = """
import gc, sys
import minigrad as mg
mg.set_num_threads(int(sys.argv[1]))
a, w = (mg.rand(200, 200, requires_grad=True) for _ in "aw")
t, g = mg.rand(200, 200), mg.ones(200, 200)
right, wrong, ran = t.numpy() @ t.numpy(), [], []
class Finalizer:
    def __init__(self):
        self.me = self
    def __del__(self):
        ran.append(True)
        if not abs((t @ t).numpy() - right).max() < 1 or not abs((g @ t).numpy() - g.numpy() @ t.numpy()).max() < 1:
            wrong.append(k)
(a @ w).sum().backward()
gc.freeze()  # only what comes from here on is looked through
for k in range(1, 60):
    y = a @ w
    gc.collect()
    Finalizer()
    gc.set_threshold(k)
    y.backward(g)
    gc.set_threshold(700)
    gc.collect()
assert len(ran) == 59 and not wrong, f"garbage at the thresholds {wrong}"
"""


@pytest.mark.parametrize("count", [2])
def test_a_finalizer_that_computes(count):
    succeed(IN_A_FINALIZER, count)


def test_only_a_nodes_own_products_are_put_off(monkeypatch):
    """Other products in the middle of a backward pass are computed at once, even products of the same gradient."""
    monkeypatch.setattr(threads, "_threads", 2)
    a, w = (mg.rand(200, 200, requires_grad=True) for _ in "aw")
    g, found, raw = mg.rand(200, 200), [], mg.ops.matmul.raw

    def watched(x, y):
        value, left, right = raw(x, y)

        def vjp(c):
            found.append((g @ a.detach()).numpy())
            return left(c)

        return value, vjp, right

    mg.autograd.op(watched, product=True)(a, w).backward(g)
    np.testing.assert_allclose(found[0], g.numpy() @ a.detach().numpy(), rtol=1e-4)
    np.testing.assert_allclose(a.grad.numpy(), g.numpy() @ w.detach().numpy().T, rtol=1e-4)


AT_EXIT = """
import sys, threading, atexit
import minigrad as mg
mg.set_num_threads(int(sys.argv[1]))
a, w = mg.rand(400, 400), mg.rand(400, 400, requires_grad=True)
if sys.argv[2] == "warm":
    (a @ w).sigmoid().sum().backward()
space = {"a": a, "w": w}
exec("def work():\\n    while True: (a @ w).sigmoid().sum().backward()", space)  # it does not keep this module's names
class Finalizer:
    def __del__(self):
        (a @ w).sigmoid().sum().backward()
        print("done")
if sys.argv[3] == "busy":
    threading.Thread(target=space.pop("work"), daemon=True).start()
atexit.register(lambda: (a @ a).sum())
finalizer = Finalizer()
"""


@pytest.mark.parametrize("state", ["warm", "cold"])
@pytest.mark.parametrize("others", ["idle", "busy"])
@pytest.mark.parametrize("count", [1, 4])
def test_operations_while_the_interpreter_ends(count, state, others):
    assert succeed(AT_EXIT, count, state, others) == "done"


FORKED = """
import os, signal, sys, time
import minigrad as mg
from minigrad.backend.cpu import threads
mg.set_num_threads(int(sys.argv[1]))
a = mg.rand(300, 300)
right = a.numpy() @ a.numpy()
if sys.argv[2] == "inside":
    children = []
    def fork(*_):
        if pid := os.fork():
            children.append(pid)
        else:
            global end
            end = True
    end = False
    signal.signal(signal.SIGALRM, fork)
    for _ in range(8):
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        try:
            threads.share(lambda low, high: time.sleep(0.05), 4)
        except RuntimeError as error:
            assert end and "forked" in str(error)
        if end:
            break
    if not end:
        for pid in children:
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
else:
    a @ a
    for _ in range(8):
        if not (pid := os.fork()):
            break
        assert abs((a @ a).numpy() - right).max() < 1e-3
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert abs((a @ a).numpy() - right).max() < 1e-3
(a + a).sigmoid()
"""


@pytest.mark.parametrize("where", ["between", "inside"])
@pytest.mark.parametrize("count", [1, 3])
def test_forks_between_and_inside_operations(count, where):
    succeed(FORKED, count, where, warnings="ignore")  # Python 3.12 warns of every fork beside threads


FORK_BESIDE_A_PRODUCT = """
import os, sys, threading, time
import minigrad as mg
mg.set_num_threads(int(sys.argv[1]))
x = mg.ones(300, 300)
x @ x
def work():
    while True:
        x @ x
threading.Thread(target=work, daemon=True).start()
for i in range(10):
    if i % 2:
        x @ x
    else:
        time.sleep(0.01)
    if not (pid := os.fork()):
        assert (x @ x).sum().item() == 300**3
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""


@NUMBA
@pytest.mark.parametrize("count", [1, 2])
def test_forks_while_another_thread_multiplies(count, numba):
    succeed(FORK_BESIDE_A_PRODUCT, count, MINIGRAD_NUMBA=numba, warnings="ignore", limit=30)


@pytest.mark.parametrize("size", [(8, 8), (300, 500)])
def test_threads_that_add_to_one_gradient(monkeypatch, request, size):
    """The gradient is the sum of all contributions, each time; whole numbers in float64 add up without rounding."""
    leaf, rounds, many = mg.zeros(*size, dtype=mg.float64, requires_grad=True), 30, 4
    wrong, errors, interval = [], [], sys.getswitchinterval()
    monkeypatch.setattr(threads, "_threads", 1)
    request.addfinalizer(lambda: sys.setswitchinterval(interval))
    sys.setswitchinterval(1e-6)
    for _ in range(6):
        leaf.grad, barrier = None, host.Barrier(many)

        def work(weight, barrier=barrier):
            try:
                barrier.wait()
                for _ in range(rounds):
                    (leaf * weight).sum().backward()
            except BaseException as error:
                errors.append(error)

        several = [host.Thread(target=work, args=(i + 1,)) for i in range(many)]
        for thread in several:
            thread.start()
        for thread in several:
            thread.join()
        if errors or not (leaf.grad.numpy() == rounds * sum(range(1, many + 1))).all():
            wrong.append(errors or leaf.grad.numpy())
    assert not wrong


def test_a_backward_pass_that_is_quicker_to_the_first_gradient(monkeypatch):
    """A signal handler runs such a pass while another is about to make the first gradient of the same leaf."""
    leaf, wrap = mg.zeros(4, requires_grad=True), mg.autograd.leaves.wrap

    def handled(array, node=None):
        monkeypatch.setattr(mg.autograd.leaves, "wrap", wrap)
        (leaf * 3).sum().backward()
        return wrap(array, node)

    y = (leaf * 2).sum()
    monkeypatch.setattr(mg.autograd.leaves, "wrap", handled)
    y.backward()
    assert leaf.grad.tolist() == [5, 5, 5, 5]


def test_a_backward_pass_in_a_handler_of_one():
    succeed("""
import signal
import minigrad as mg
leaf = mg.zeros(300, 300, dtype=mg.float64, requires_grad=True)
passes = 0
def handler(*_):
    global passes
    passes += 1
    (leaf * 3).sum().backward()
    signal.setitimer(signal.ITIMER_REAL, 0.001)
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001)
for _ in range(300):
    (leaf * 2).sum().backward()
signal.setitimer(signal.ITIMER_REAL, 0)
assert passes and (leaf.grad.numpy() == 600 + 3 * passes).all(), (passes, leaf.grad)
""")


NUMBERS = """
import warnings
import minigrad as mg
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    total = mg.ones(200000).sum().item()
    (mg.ones(300, 300) @ mg.ones(300, 300))
    mg.ones(300, 300).sigmoid()
assert total == 200000
print(mg.get_num_threads(), *[w.category.__name__ for w in found])
"""


@pytest.mark.parametrize(("text", "count", "warned"), [
    ("1", 1, False), ("2,1", 2, False), (" 2 ", 2, False), ("", 8, False), ("500", 8, False), ("9" * 30, 8, False),
    ("-1", 8, True), ("0", 8, True), ("abc", 8, True), ("1.5", 8, True), (",2", 8, True), ("٣", 8, True)])
def test_what_omp_num_threads_may_say(text, count, warned, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        assert cores.wanted(8) == count
    assert [w.category for w in found] == [RuntimeWarning] * warned


@pytest.mark.parametrize(("text", "count", "warned"), [("2,1", 2, False), ("500", None, False), ("1.5", None, True)])
def test_a_process_has_the_threads_that_omp_num_threads_says(text, count, warned):
    available = cores.available()
    words = succeed(NUMBERS, OMP_NUM_THREADS=text).split()
    assert words == [str(min(count or available, available)), *["RuntimeWarning"] * warned]


def test_many_more_threads_than_cores_are_warned_of(monkeypatch):
    monkeypatch.setattr(threads, "_threads", mg.get_num_threads())
    monkeypatch.setattr(cores, "available", lambda: 2)
    with pytest.warns(RuntimeWarning, match=r"set_num_threads\(500\): this process has 2 cores"):
        mg.set_num_threads(500)
    mg.set_num_threads(8)
    assert mg.get_num_threads() == 8 and threads.Signal.patience == 0  # polling threads would take cores from each other
    mg.set_num_threads(2)
    assert threads.Signal.patience == threads.Signal.PATIENCE


@pytest.mark.parametrize(("group", "files", "cores_of_quota"), [
    ("0::/", {"cpu.max": "150000 100000"}, 1.5),
    ("0::/a/b", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000", "cpu.max": "max 100000"}, 3),
    ("0::/a:b", {"a:b/cpu.max": "50000 100000"}, 0.5),
    ("0::/elsewhere", {"cpu.max": "200000 100000"}, 2),
    ("4:cpu,cpuacct:/docker/x\n0::/", {"cpu/cpu.cfs_quota_us": "250000", "cpu/cpu.cfs_period_us": "100000"}, 2.5),
    ("4:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, np.inf),
    ("0::/", {"cpu.max": "garbage"}, np.inf), ("0::/", {"cpu.max": "100000 0"}, np.inf), ("garbage", {}, np.inf), ("", {}, np.inf),
])
def test_quotas_of_control_groups(tmp_path, group, files, cores_of_quota):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "group").write_text(group)
    assert cores.quota(tmp_path, tmp_path / "group") == cores_of_quota


def test_cores_are_the_quota_rounded_up(monkeypatch):
    for quota, expected in ((0.5, 1), (1.5, 2), (np.inf, 7)):
        monkeypatch.setattr(cores, "quota", lambda quota=quota: quota)
        monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: range(7), raising=False)
        assert cores.available() == expected


def test_no_more_threads_can_be_had(monkeypatch):
    """If the system starts no thread, the operation runs on those that are there."""
    monkeypatch.setattr(threads, "_threads", 5)
    monkeypatch.setattr(threads, "_workers", [])
    monkeypatch.setattr(threads.threading.Thread, "start", cannot_start(threads.threading.Thread.start, 2))
    before = use_numba(False)
    try:
        for _ in range(3):
            seen = []
            threads.share(lambda low, high, seen=seen: seen.append((low, high)), 100)
            assert len(seen) <= 3 and sorted(i for low, high in seen for i in range(low, high)) == list(range(100))
    finally:
        use_numba(before)


def cannot_start(start, most):
    """Return Thread.start for a system that starts at most `most` threads."""
    started = []

    def limited(thread):
        if len(started) == most:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    return limited
