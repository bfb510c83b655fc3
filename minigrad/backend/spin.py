"""Waiting for a number in memory to change without holding the GIL and, for a short while, without sleeping.

A sleeping thread takes 50 to 100 µs to wake; a training step hands out work some twenty times. So workers look for the
next piece for a fraction of a millisecond before they sleep. Needs Numba.
"""

from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def load(typing, array):
    """array[0], read from memory each time, after a pause of the processor."""

    def generate(context, builder, signature, args):
        pointer = cgutils.create_struct_proxy(signature.args[0])(context, builder, args[0]).data
        value = builder.load_atomic(pointer, ordering="acquire", align=8)
        value.volatile = True
        return value

    return types.int64(array), generate


@njit(nogil=True, cache=True)
def wait(array, value, turns, rest):
    """Look at array[0] up to `turns` times until it is at least `value`; then `rest` more times. Whether it came."""
    for _ in range(turns):
        if load(array) >= value:
            for _ in range(rest):
                load(array)
            return True
    return False
