"""Train a network while a signal handler raises at random moments, and check after each interrupt that nothing is left behind.

    python interrupted_training.py [interrupts] [threads] [seed] [rows]

Print how many interrupts there were; exit with a traceback at the first fault.
"""

import random
import signal
import sys
import time

import numpy as np

import minigrad as mg
from minigrad.backend.cpu import products, threads


class Interrupt(Exception):
    """The exception that the signal handler raises."""


def interrupt(*_):
    """Handle the signal."""
    raise Interrupt


def expected_gradients(weights, x, target):
    """Return d(mean((tanh(x wᵀ + b) vᵀ + c - target)²)) by NumPy alone, for w, b, v, c."""
    w, b, v, c = weights
    hidden = np.tanh(x @ w.T + b)
    g = 2 * (hidden @ v.T + c - target) / target.size
    h = (g @ v) * (1 - hidden**2)
    return h.T @ x, h.sum(axis=0), g.T @ hidden, g.sum(axis=0)


def check(model, loss, x, target, before):
    """Raise AssertionError if an interrupt left anything behind."""
    assert mg.is_grad_enabled(), "recording is off"
    assert np.geterr() == before, "NumPy's warnings are off"
    assert not threads._owner, "the workers are taken"
    assert [library.get_num_threads() for library in products.blas.get()] == BLAS, "BLAS has another number of threads"
    model.zero_grad()
    loss(model(x), target).backward()
    weights = [p.detach().numpy() for p in model.parameters()]
    for p, right in zip(model.parameters(), expected_gradients(weights, x.numpy(), target.numpy())):
        np.testing.assert_allclose(p.grad.numpy(), right, rtol=1e-9, atol=1e-12)


def train(model, optimizer, loss, x, target):
    """Train until an exception ends it."""
    while True:
        with mg.no_grad():
            loss(model(x), target)
        optimizer.zero_grad()
        loss(model(x), target).backward()
        optimizer.step()
        for p in model.parameters():  # so that half a step, or many steps, change little
            p.data.clamp_(-1, 1)


interrupts, workers, seed, rows = [int(a) for a in (sys.argv[1:] + ["5000", "2", "0", "300"][len(sys.argv) - 1:])]
mg.set_num_threads(workers)
mg.manual_seed(seed)
draw = random.Random(seed)
model = mg.nn.Sequential(mg.nn.Linear(120, 130), mg.nn.Tanh(), mg.nn.Linear(130, 7)).double()
optimizer, loss = mg.optim.Adam(model.parameters(), lr=1e-3), mg.nn.MSELoss()
x, target = mg.randn(rows, 120, dtype=mg.float64), mg.randn(rows, 7, dtype=mg.float64)
BLAS = [library.get_num_threads() for library in products.blas.get()]
loss(model(x), target).backward()
state = np.geterr()
begin = time.perf_counter()
for _ in range(5):
    loss(model(x), target).backward()
    optimizer.step()
longest = 3 * (time.perf_counter() - begin) / 5
signal.signal(signal.SIGALRM, interrupt)
for _ in range(interrupts):
    try:
        signal.setitimer(signal.ITIMER_REAL, draw.uniform(1e-6, longest))
        train(model, optimizer, loss, x, target)
    except Interrupt:
        pass
    check(model, loss, x, target, state)
print(interrupts)
