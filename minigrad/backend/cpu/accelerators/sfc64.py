"""Numbers on [0, 1) of the words that NumPy's SFC64 draws, in one compiled loop, which takes half the time. Needs Numba.

Source: sfc64 of PractRand (Doty-Humphrey 2010). The words are drawn where the numbers will stand, whose memory is of even length.
"""

from numba import float32, int32, njit
from numpy import int64, uint64

from ..compiling import kept


@njit
def words(state, out):
    """Fill `out` with words; `state` is the generator's, and moves on."""
    a, b, c, count = state
    for i in range(out.size):
        out[i] = word = a + b + count
        a = b ^ (b >> uint64(11))
        b = c + (c << uint64(3))
        c = ((c << uint64(24)) | (c >> uint64(40))) + word
        count += uint64(1)
    state[0], state[1], state[2], state[3] = a, b, c, count


@kept("void(uint64[::1], float32[::1])", nogil=True)
def unit_float32(state, out):
    """The upper 24 bits of each half of a word, times 2⁻²⁴."""
    words(state, out.view(uint64))
    bits = out.view(int32)
    for i in range(out.size):
        out[i] = float32(int32((bits[i] >> 8) & 0xFFFFFF)) * float32(2**-24)


@kept("void(uint64[::1], float64[::1])", nogil=True)
def unit_float64(state, out):
    """The upper 53 bits of each word, times 2⁻⁵³."""
    words(state, out.view(uint64))
    bits = out.view(int64)
    for i in range(out.size):
        out[i] = ((bits[i] >> 11) & 0x1FFFFFFFFFFFFF) * 2.0**-53
