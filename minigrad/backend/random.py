"""Random draws: streams that give the same numbers for any number of threads."""

from __future__ import annotations

import os

import numpy

from . import arrays, draws, threads
from .devices import to_device

BLOCK = 1 << 16  # numbers that one bit generator draws; each block has its own, so that blocks can be drawn side by side


class Stream:
    """A source of random numbers: a seed and the count of the draws made from it.

    Draw number c fills its blocks from SFC64 generators seeded with (seed, c, block). On "cuda" a kernel draws (see `draws`).
    """

    def __init__(self, seed=None, device="cpu"):
        self.device = device
        self.reseed(int.from_bytes(os.urandom(8), "little") >> 1 if seed is None else seed)

    def reseed(self, seed):
        """Start again from `seed`, a whole number; negative ones are taken modulo 2^64, as in PyTorch."""
        self.seed, self.calls = int(seed) % (1 << 64), 0

    def next(self):
        """The generators of the next draw: a function from the block's number to a numpy.random.Generator."""
        seed, call = self.seed, self.calls
        self.calls += 1
        return lambda block: numpy.random.Generator(numpy.random.SFC64(numpy.random.SeedSequence((seed, call, block))))


def fill(draw, array, parameters, stream):
    """Overwrite `array` with a draw; a contiguous one of a floating-point dtype is filled where it lies."""
    if type(array) is numpy.ndarray and stream.device == "cpu" and array.flags.c_contiguous and _work_dtype(array.dtype) == array.dtype:
        draw(array.shape, array.dtype, *parameters, stream, array)
    else:
        drawn = draw(array.shape, array.dtype, *parameters, stream)
        array[...] = drawn if type(drawn) is type(array) else to_device(drawn, arrays.device_of(array))


def _blocks(shape, dtype, stream, fill, out=None):
    """An array filled by fill(generator, flat part), block by block."""
    out = numpy.empty(shape, dtype) if out is None else out
    flat, generators = out.reshape(-1), stream.next()

    def part(low, high):
        for b in range(low, high):
            fill(generators(b), flat[b * BLOCK:(b + 1) * BLOCK])

    threads.share(part, -(-flat.size // BLOCK))
    return out


def _work_dtype(dtype):
    return dtype if dtype in (arrays.float32, arrays.float64) else arrays.float32


def uniform(shape, dtype, low, high, stream, out=None):
    """Uniform on [low, high)."""
    if stream.device == "cuda":
        return draws.uniform(shape, dtype, low, high, stream)

    def fill(generator, part):
        generator.random(out=part, dtype=part.dtype)
        if (low, high) != (0, 1):
            part *= high - low
            part += low

    return _blocks(shape, _work_dtype(dtype), stream, fill, out).astype(dtype, copy=False)


def normal(shape, dtype, mean, std, stream, out=None):
    """Gaussian with the given mean and standard deviation: Box-Muller in float32, ziggurat in float64."""
    if stream.device == "cuda":
        return draws.normal(shape, dtype, mean, std, stream)

    def fill(generator, part):
        if part.dtype == arrays.float32:
            _box_muller(generator, part)
        else:
            generator.standard_normal(out=part, dtype=part.dtype)
        if std != 1:
            part *= std
        if mean != 0:
            part += mean

    return _blocks(shape, _work_dtype(dtype), stream, fill, out).astype(dtype, copy=False)


def _box_muller(generator, part):
    """r = sqrt(-2 log u), z = r cos(2πv) and r sin(2πv), for uniform u in (0, 1] and v in [0, 1)."""
    half = (part.size + 1) // 2
    u, v = generator.random((2, half), dtype=part.dtype)
    numpy.subtract(1, u, out=u)
    r = numpy.log(u, out=u)
    r *= -2
    numpy.sqrt(r, out=r)
    v *= 2 * numpy.pi
    numpy.multiply(r, numpy.cos(v), out=part[:half])
    numpy.multiply(r[:part.size - half], numpy.sin(v)[:part.size - half], out=part[half:])


def integers(shape, dtype, low, high, stream):
    """Whole numbers, uniform on [low, high)."""
    return stream.next()(0).integers(low, high, shape, dtype=numpy.int64).astype(dtype, copy=False)


def permutation(n, dtype, stream):
    """0 … n-1 in random order."""
    return stream.next()(0).permutation(n).astype(dtype, copy=False)


default = Stream()
