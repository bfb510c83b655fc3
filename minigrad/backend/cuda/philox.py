"""Random numbers drawn on the device, each computed from (seed, number of the draw, position), so that there is no state to keep.

The generator is Philox 4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011). CuPy's generator would read and
write 13 MB of state at each draw, and its state could not be saved.
"""

from __future__ import annotations

import numpy

from ..dtypes import float32
from .cupy_library import FUSED, kernel, library

PHILOX = """
typedef unsigned int word;
typedef unsigned long long two_words;
struct Four { word x[4]; };

__device__ Four philox(word key0, word key1, two_words draw, two_words place) {
    Four c = {{(word)place, (word)(place >> 32), (word)draw, (word)(draw >> 32)}};
    for (int round = 0; round < 10; ++round) {
        two_words a = 0xD2511F53ull * c.x[0], b = 0xCD9E8D57ull * c.x[2];
        c = {{(word)(b >> 32) ^ c.x[1] ^ key0, (word)b, (word)(a >> 32) ^ c.x[3] ^ key1, (word)a}};
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return c;
}

// uniform on [0, 1): 24 bits, or 53 bits
__device__ float unit(word a, word b, float) { return (a >> 8) * (1.0f / 16777216.0f); }
__device__ double unit(word a, word b, double) {
    return ((a >> 5) * 67108864.0 + (b >> 6)) * (1.0 / 9007199254740992.0);
}
"""
INPUTS = "uint32 key0, uint32 key1, uint64 draw, "
DRAW = "Four bits = philox(key0, key1, draw, i);\n"
UNIFORM = DRAW + "y = low + range * unit(bits.x[0], bits.x[1], T(0));\nif (y > below) y = below;"
NORMAL = (
    DRAW
    + """T u = T(1) - unit(bits.x[0], bits.x[1], T(0));
T v = unit(bits.x[2], bits.x[3], T(0));
y = mean + std * (sqrt(T(-2) * log(u)) * cos(T(6.283185307179586) * v));"""
)


def uniform_source():
    """Return the kernel of `uniform`: inputs, outputs, operation, name, preamble. `below` is the largest result."""
    return INPUTS + "T low, T range, T below", "T y", UNIFORM, "minigrad_uniform", PHILOX


def normal_source():
    """Return the kernel of `normal`, which computes Box and Muller's √(-2 log u) cos(2πv) for u in (0, 1], v in [0, 1)."""
    return INPUTS + "T mean, T std", "T y", NORMAL, "minigrad_normal", PHILOX


def work_dtype(dtype):
    """Return the dtype in which numbers for an array of `dtype` are drawn."""
    return dtype if dtype in FUSED else float32


def _draw(source, shape, dtype, numbers, stream, out):
    work = work_dtype(dtype)
    target = library().empty(shape, work) if out is None else out
    key = numpy.uint32(stream.seed & 0xFFFFFFFF), numpy.uint32(stream.seed >> 32)
    kernel(source, source)(*key, numpy.uint64(stream.calls), *map(work.type, numbers), target)
    stream.calls += 1
    return target.astype(dtype, copy=False)


def uniform(shape, dtype, low, high, stream, out=None):
    """Return an array of numbers uniform on [low, high): `out` (of this shape and dtype, float32 or float64), or a new one."""
    return _draw(uniform_source, shape, dtype, (low, high - low, next_below(high, low, dtype)), stream, out)


def next_below(high, low, dtype):
    """Return the number of `dtype` next to `high` in the direction of `low`, in the dtype that the numbers are drawn in."""
    return work_dtype(dtype).type(numpy.nextafter(dtype.type(high), dtype.type(low)))


def normal(shape, dtype, mean, std, stream, out=None):
    """Return an array of Gaussian numbers with this mean and standard deviation: `out`, as for `uniform`, or a new one."""
    return _draw(normal_source, shape, dtype, (mean, std), stream, out)
