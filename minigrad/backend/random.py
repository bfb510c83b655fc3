"""Random draws: streams of numbers that are the same for any number of threads."""

from __future__ import annotations

import os
import sys

import numpy

from . import arrays
from .arrays import array_module
from .cpu import compiling, threads
from .cpu.interrupts import uninterrupted
from .cuda import philox
from .devices import to_device, to_numpy
from .dtypes import float16, float32
from .fuse.decorator import fuse

BLOCK = 1 << 17  # numbers that one bit generator draws; each block has a generator, so that threads can draw blocks at the same time


class Stream:
    """A source of random numbers: a seed and the count of the draws made from it.

    Draw number c fills each block from an SFC64 generator seeded with (seed, c, number of the block). On "cuda" a kernel draws:
    see `cuda.philox`.
    """

    def __init__(self, seed=None, device="cpu"):
        self.device = device
        self.reseed(seed)

    def reseed(self, seed):
        """Start again from `seed`, a whole number, taken modulo 2^64 as in PyTorch, or from a random one for None."""
        seed = int.from_bytes(os.urandom(8), "little") >> 1 if seed is None else int(seed)
        self.seed, self.calls = seed % (1 << 64), 0

    def next(self):
        """Count a draw, and return its generators: a function from a block's number to a numpy.random.Generator."""
        if "numpy.random" not in sys.modules:  # NumPy imports it at the first use
            uninterrupted(compiling.import_needed, "numpy.random")
        seed, call = self.seed, self.calls
        self.calls += 1
        return lambda block: numpy.random.Generator(numpy.random.SFC64(numpy.random.SeedSequence((seed, call, block))))


def fill(draw, array, parameters, stream):
    """Overwrite `array` with a draw: directly if `draw` and the stream draw on its device and in its dtype, otherwise by a copy."""
    there = draw in (uniform, normal) and arrays.device_of(array) == stream.device and philox.work_dtype(array.dtype) == array.dtype
    if there and (stream.device == "cuda" or array.flags.carray):  # a kernel writes arrays of any strides, the host contiguous ones
        draw(array.shape, array.dtype, *parameters, stream, array)
    else:
        drawn = draw(array.shape, array.dtype, *parameters, stream)
        array[...] = drawn if type(drawn) is type(array) else to_device(drawn, arrays.device_of(array))


def _blocks(shape, dtype, stream, fill, out=None):
    """Return `out`, or a new array, after fill(generator, flat part) has been called for each block."""
    out = numpy.empty(shape, dtype) if out is None else out
    flat, generators = out.reshape(-1), stream.next()

    def part(low, high):
        for b in range(low, high):
            fill(generators(b), flat[b * BLOCK:(b + 1) * BLOCK])

    threads.share(part, -(-flat.size // BLOCK))
    return out


def _unit(generator, out):
    """Fill `out` with generator.random's numbers, uniform on [0, 1): multiples of 2⁻²⁴ in float32, of 2⁻⁵³ in float64.

    For float32 each of the generator's words is cut in two here, which halves the time; the generator must not be used afterwards.
    """
    if out.dtype != float32 or sys.byteorder != "little":
        generator.random(out=out, dtype=out.dtype)
    else:
        bits = generator.bit_generator.random_raw(-(-out.size // 2)).view(numpy.uint32)[:out.size]
        bits >>= 8
        numpy.multiply(bits, 2**-24, out=out, dtype=out.dtype, casting="unsafe")


def uniform(shape, dtype, low, high, stream, out=None):
    """Return an array of numbers uniform on [low, high), also after rounding: `out` or a new one."""
    if stream.device == "cuda":
        return philox.uniform(shape, dtype, low, high, stream, out)

    def fill(generator, part):
        _unit(generator, part)
        if (low, high) != (0, 1):
            part *= high - low
            part += low
        if (low, high) != (0, 1) or dtype == float16:
            numpy.minimum(part, largest, out=part)

    largest = philox.next_below(high, low, dtype)
    return _blocks(shape, philox.work_dtype(dtype), stream, fill, out).astype(dtype, copy=False)


def normal(shape, dtype, mean, std, stream, out=None):
    """Return an array of Gaussian numbers with this mean and standard deviation, by Box and Muller's method: `out` or a new one."""
    if stream.device == "cuda":
        return philox.normal(shape, dtype, mean, std, stream, out)

    def fill(generator, part):
        pairs = part if part.size % 2 == 0 else numpy.empty(part.size + 1, part.dtype)
        _unit(generator, pairs)
        u, v = pairs.reshape(2, -1)
        numpy.subtract(1, u, out=u)
        numpy.log(u, out=u)
        on_circles(u, v, mean, std)
        if pairs is not part:
            part[...] = pairs[:part.size]

    return _blocks(shape, philox.work_dtype(dtype), stream, fill, out).astype(dtype, copy=False)


@fuse
def on_circles(u, v, mean, std):
    """Overwrite u and v with two independent Gaussians: the coordinates of the point at radius √(-2 u) in the direction 2πv.

    u is the logarithm of a number uniform on (0, 1], and v is uniform on [0, 1). Sine and cosine are computed by Taylor's series, for
    angles up to π/4.
    """
    xp = array_module(v)
    r = std * xp.sqrt(-2 * u)
    turn = 4 * v
    r = xp.where(turn >= 2, -r, r)  # half a turn
    turn = xp.where(turn >= 2, turn - 2, turn)
    a = (xp.where(turn >= 1, turn - 1, turn) - 0.5) * 1.5707963267948966
    q = a * a
    s = a * (1 + q * (-0.16666666666666666 + q * (0.008333333333333333 + q * (-0.0001984126984126984 + q * (2.7557319223985893e-06 + q * (
        -2.505210838544172e-08 + q * (1.6059043836821613e-10 + q * (-7.647163731819816e-13 + q * 2.8114572543455206e-15))))))))
    c = 1 + q * (-0.5 + q * (0.041666666666666664 + q * (-0.001388888888888889 + q * (2.48015873015873e-05 + q * (
        -2.755731922398589e-07 + q * (2.08767569878681e-09 + q * (-1.1470745597729725e-11 + q * 4.779477332387385e-14)))))))
    u[...] = mean + r * xp.where(turn >= 1, s, c)  # a quarter turn
    v[...] = mean + r * xp.where(turn >= 1, -c, s)


def exponential(shape, dtype, rate, stream):
    """Return an array of positive numbers of the exponential distribution of this rate: -log(1 - u) / rate for u uniform on (0, 1)."""
    u = uniform(shape, philox.work_dtype(dtype), 0, 1, stream)
    xp = array_module(u)
    return (-xp.log1p(-xp.maximum(u, 2**-25)) / rate).astype(dtype)


def choices(weights, n, replacement, stream):
    """Return for each row of `weights`, on the host, the numbers of n columns, each drawn with a chance in proportion to its weight.

    Without replacement, column i is taken at a random time of the exponential distribution of rate weights[i], and the first n count.
    """
    if not replacement:
        with numpy.errstate(divide="ignore"):
            return numpy.argsort(to_numpy(exponential(weights.shape, weights.dtype, 1, stream)) / weights, axis=1)[:, :n]
    ends = numpy.cumsum(weights, axis=1)
    points = to_numpy(uniform((len(ends), n), ends.dtype, 0, 1, stream)) * ends[:, -1:]
    points = numpy.minimum(points, numpy.nextafter(ends[:, -1:], 0))  # a product may be rounded up to the end
    rows = [numpy.searchsorted(end, point, side="right") for end, point in zip(ends, points)]
    return numpy.asarray(rows, numpy.int64).reshape(points.shape)


def integers(shape, dtype, low, high, stream):
    """Return an array of whole numbers, uniform on [low, high)."""
    return stream.next()(0).integers(low, high, shape, dtype=numpy.int64).astype(dtype, copy=False)


def permutation(n, dtype, stream):
    """Return the numbers 0 … n-1 in random order."""
    return stream.next()(0).permutation(n).astype(dtype, copy=False)


default = Stream()
