"""A program that computes, forks, starts threads, raises, is interrupted and ends, all by a seed: python random_program.py SEED [NUMBA].

It prints "expected STATUS" before it ends, and ends with that status. A wrong number is an AssertionError, status 1.
"""

import os
import random
import signal
import sys
import threading
import time

if sys.argv[2:] == ["0"]:
    os.environ["MINIGRAD_NUMBA"] = "0"

import numpy as np

import minigrad as mg
from minigrad.backend.cpu import threads

draw = random.Random(int(sys.argv[1]))
FAILED = 41
n = draw.choice([8, 60, 190, 300])
x = mg.tensor(np.random.default_rng(0).integers(-2, 3, (n, n)), dtype=mg.float32)
w = mg.tensor(np.random.default_rng(1).integers(-2, 3, (n, n)), dtype=mg.float32, requires_grad=True)
product, gradient = x.numpy() @ w.detach().numpy(), np.repeat(x.numpy().sum(axis=0)[:, None], n, axis=1)


class Failure(Exception):
    """The exception that operations and handlers raise here."""


def compute():
    """Compute products, sums and gradients, and check them; whole numbers leave nothing to rounding."""
    assert ((x @ w).detach().numpy() == product).all(), "the product is wrong"
    g, = mg.autograd.grad((x @ w).sum(), w)
    assert (g.numpy() == gradient).all(), "the gradient is wrong"
    y = (x.relu() + x).sigmoid().detach().numpy()
    assert ((y > 0) & (y < 1)).all() and mg.is_grad_enabled()


def fail():
    """Let a piece of a shared operation fail."""
    def part(low, high):
        time.sleep(draw.choice([0, 0.001]))
        if low >= failing:
            raise Failure

    failing = draw.randrange(64)
    try:
        threads.share(part, 64)
    except Failure:
        pass


def interrupt():
    """Compute until a signal handler raises."""
    def handler(*_):
        raise Failure

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, draw.uniform(1e-5, 0.03))
        while True:
            with mg.no_grad():
                x + x
            compute()
    except Failure:
        pass
    finally:
        signal.signal(signal.SIGALRM, before)
    assert mg.is_grad_enabled()


def fork():
    """Let a child compute, or end it at once."""
    ending = draw.randrange(3)
    if not (pid := os.fork()):
        if ending == 0:
            os._exit(0)
        compute()
        if ending == 1:
            os._exit(0)
        raise SystemExit(0)
    deadline = time.monotonic() + 30
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            raise AssertionError("the child hangs")
        time.sleep(0.001)
    assert os.waitstatus_to_exitcode(status) == 0, f"the child ended with {status}"


def in_threads():
    """Compute in several threads of the program."""
    errors = []

    def work():
        try:
            compute()
        except BaseException as error:
            errors.append(error)

    several = [threading.Thread(target=work) for _ in range(draw.randint(1, 4))]
    for thread in several:
        thread.start()
    for thread in several:
        thread.join()
    assert not errors, errors


def for_ever():
    """Start a daemon thread that computes until the program ends."""
    def work():
        while True:
            x @ w

    threading.Thread(target=work, daemon=True).start()


def change_threads():
    """Change the number of threads."""
    mg.set_num_threads(draw.randint(1, 8))


class AtTheEnd:
    """An object whose finalizer computes."""

    def __del__(self):
        compute()


def end():
    """End the program in one of several ways."""
    how = draw.choice(["fall through", "exit", "error", "interrupt", "kill", "at once"])
    status = {"error": 1, "exit": 7, "interrupt": -signal.SIGINT, "kill": -signal.SIGTERM}.get(how, 0)
    print("expected", status, flush=True)
    if how == "exit":
        sys.exit(7)
    if how == "error":
        raise Failure("expected")
    if how == "interrupt":
        signal.signal(signal.SIGINT, signal.default_int_handler)  # else a shell's background job would ignore the signal
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            compute()
    if how == "kill":
        threading.Timer(draw.uniform(0, 0.02), os.kill, (os.getpid(), signal.SIGTERM)).start()
        while True:
            compute()
    if how == "at once":
        os._exit(0)


change_threads()
for _ in range(draw.randint(1, 8)):
    draw.choice([compute, compute, fail, interrupt, fork, in_threads, change_threads, *[for_ever] * (draw.random() < 0.2)])()
if draw.random() < 0.3:
    compute()  # NumPy imports modules at its first use, which Python cannot do while it ends
    last = AtTheEnd()
end()
