"""Several arrays as one: on the host they are read and written where they lie, on a device a few kernels copy them into one buffer."""

from __future__ import annotations

import bisect
import functools
import itertools

import numpy

from . import cuda

AT_ONCE = 16  # arrays that one kernel copies at most


class Pieces:
    """Arrays on the host that a fused function takes as one flat array; it reads and writes them where they lie.

    Arrays that are written must be contiguous and share no memory.
    flat: the arrays as one-dimensional views, or copies of those that a compiled loop cannot read as they are.
    starts: the index of each array's first element in the whole, and at the end the number of all elements.
    """

    def __init__(self, arrays, starts=None):
        self.flat = [(a if a.flags.carray else a.copy()).reshape(-1) for a in arrays]
        self.starts = starts or [0, *itertools.accumulate([a.size for a in arrays])]
        self.dtype, self.size, self.shape, self.ndim = arrays[0].dtype, self.starts[-1], (self.starts[-1],), 1

    def __setitem__(self, key, value):
        """Fill all arrays with a number; `key` must be `...`."""
        for part in self.flat:
            part[key] = value

    def copy(self):
        """Return a new array with all elements."""
        return numpy.concatenate(self.flat)

    def write(self, whole):
        """Store the elements of a flat array in the arrays."""
        for part, low, high in zip(self.flat, self.starts, self.starts[1:]):
            part[...] = whole[low:high]

    def cuts(self, views, low, high):
        """Yield the parts of the views that lie between `low` and `high`: for each array a list with the part of each view that lies in it.

        A view is a Pieces of the same sizes, or a flat array of the same length; anything else, such as a number, is yielded unchanged.
        """
        k = bisect.bisect_right(self.starts, low) - 1
        while low < high:
            start, end = self.starts[k], min(self.starts[k + 1], high)
            if low < end:
                part = slice(low - start, end - start)
                yield [v.flat[k][part] if type(v) is Pieces else v[low:end] if type(v) is numpy.ndarray else v for v in views]
            low, k = end, k + 1


def gather(target, parts, starts):
    """Set target[start:start + part.size] = part for each part, on a device, and 0 elsewhere. The starts are in rising order."""
    for first in range(0, len(parts), AT_ONCE):
        some, begin = parts[first : first + AT_ONCE], starts[first]
        end = starts[first + AT_ONCE] if first + AT_ONCE < len(parts) else target.size
        bounds = []
        for part, start in zip(some, starts[first:]):
            bounds += [start - begin, start - begin + part.size]
        kernel = cuda.kernel((gather, len(some)), functools.partial(source, len(some)))
        kernel(*some, *bounds, target[begin:end])


def source(n):
    """Return the kernel for n arrays: inputs, outputs, operation, name, preamble."""
    inputs = [f"raw T part{k}" for k in range(n)] + [f"int64 from{k}, int64 to{k}" for k in range(n)]
    choice = "T(0)"
    for k in reversed(range(n)):
        choice = f"i < to{k} ? (i < from{k} ? T(0) : part{k}[i - from{k}])\n    : {choice}"
    return ", ".join(inputs), "T y", f"y = {choice};", f"minigrad_gather{n}", ""
