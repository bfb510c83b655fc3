"""Polling, in place of sleeping at once on `signals.Signal`'s queue: a waiting thread first reads a number again and again. Needs Numba.

It does so without the GIL. A sleeping thread takes 50 to 100 µs to wake, and a training step posts work some twenty times. On an AMD EPYC
(Zen 4, two threads) a pretraining step with a batch of 100 takes 10 % less time in float64 and 20 % less in float32, one with a batch of
1000 up to 3 % less: `python -m benchmarks accelerators`, benchmarks/results/accelerators-cpu.md.
"""

import time

import numpy
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..compiling import kept
from ..signals import ASLEEP, NUMBER


@intrinsic
def load(typing, state, i):
    """Return state[i], read from memory at each call."""

    def generate(context, builder, signature, args):
        value = builder.load_atomic(_place(context, builder, signature, args), ordering="acquire", align=8)
        value.volatile = True
        return value

    return types.int64(state, i), generate


@intrinsic
def exchange(typing, state, i, value):
    """Set state[i] = value, which every thread sees before this one reads anything else; return the old value."""

    def generate(context, builder, signature, args):
        return builder.atomic_rmw("xchg", _place(context, builder, signature, args), args[2], "seq_cst")

    return types.int64(state, i, value), generate


def _place(context, builder, signature, args):
    return builder.gep(cgutils.create_struct_proxy(signature.args[0])(context, builder, args[0]).data, [args[1]])


@kept("boolean(int64[::1], int64, float64, float64)", nogil=True)
def wait(state, number, looks, rest):
    """Return True once the state's number is at least `number`, or False after `looks` looks at it.

    If the number came late, look `rest` times more: meanwhile the thread that raised it releases the GIL.
    """
    if load(state, NUMBER) >= number:
        return True
    for _ in range(int(looks)):
        if load(state, NUMBER) >= number:
            for _ in range(int(rest)):
                load(state, NUMBER)
            return True
    return False


@kept("boolean(int64[::1], int64)")
def raise_to(state, number):
    """Set the state's number; return whether a thread sleeps that waits for it."""
    exchange(state, NUMBER, number)
    return load(state, ASLEEP) != 0


@kept("boolean(int64[::1], int64, int64[::1], int64, float64, float64)", nogil=True)
def raise_and_wait(state, number, other, next, looks, rest):
    """Call `raise_to` without the GIL, then `wait` for the other number unless a thread sleeps; return whether one does."""
    sleeper = raise_to(state, number)
    if not sleeper:
        wait(other, next, looks, rest)
    return sleeper


@kept("int64(int64[::1])")
def fall_asleep(state):
    """Note that a thread sleeps; return the number that the state has after that."""
    exchange(state, ASLEEP, 1)
    return load(state, NUMBER)


def _looks_per_microsecond(looks=100_000):
    """Return how many looks this processor makes in a µs: the best of five tries."""
    state, best = numpy.zeros(8, numpy.int64), float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        wait(state, 1, float(looks), 0.0)
        best = min(best, time.perf_counter() - begin)
    return looks / (best * 1e6)


speed = _looks_per_microsecond()
