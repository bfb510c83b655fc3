"""Waiting for a number in memory to change without holding the GIL and, for a short while, without sleeping.

A sleeping thread takes 50 to 100 µs to wake; a training step hands out work some twenty times. So workers look for the
next piece for a fraction of a millisecond before they sleep. Needs Numba.
"""

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..compiling import kept
from ..threads import ASLEEP, NUMBER


@intrinsic
def load(typing, state, i):
    """state[i], read from memory each time."""

    def generate(context, builder, signature, args):
        value = builder.load_atomic(_place(context, builder, signature, args), ordering="acquire", align=8)
        value.volatile = True
        return value

    return types.int64(state, i), generate


@intrinsic
def exchange(typing, state, i, value):
    """state[i] = value, seen by every thread before this one reads anything further. What stood there."""

    def generate(context, builder, signature, args):
        return builder.atomic_rmw("xchg", _place(context, builder, signature, args), args[2], "seq_cst")

    return types.int64(state, i, value), generate


def _place(context, builder, signature, args):
    return builder.gep(cgutils.create_struct_proxy(signature.args[0])(context, builder, args[0]).data, [args[1]])


@kept("boolean(int64[::1], int64, int64, int64)", nogil=True)
def wait(state, number, turns, rest):
    """Look at the state's number up to `turns` times until it is at least `number`; if it had to be waited for, `rest` more times.

    Whether it came.
    """
    if load(state, NUMBER) >= number:
        return True
    for _ in range(turns):
        if load(state, NUMBER) >= number:
            for _ in range(rest):
                load(state, NUMBER)
            return True
    return False


@kept("boolean(int64[::1], int64)")
def raise_to(state, number):
    """Set the state's number; whether somebody sleeps who waits for it."""
    exchange(state, NUMBER, number)
    return load(state, ASLEEP) != 0


@kept("boolean(int64[::1], int64, int64[::1], int64, int64, int64)", nogil=True)
def raise_and_wait(state, number, other, next, turns, rest):
    """`raise_to`, without the GIL, so that who waits can take it at once; then `wait` for the other number, unless somebody sleeps."""
    sleeper = raise_to(state, number)
    if not sleeper:
        wait(other, next, turns, rest)
    return sleeper


@kept("int64(int64[::1])")
def fall_asleep(state):
    """Say that somebody sleeps; the number as it is after that."""
    exchange(state, ASLEEP, 1)
    return load(state, NUMBER)
