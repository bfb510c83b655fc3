"""Several arrays as one: copied into a buffer one behind the other, on a device by one kernel for many; or left where they are."""

from __future__ import annotations

import bisect
import functools

import numpy

from . import arrays, cuda

AT_ONCE = 16  # arrays that one kernel copies


def gather(target, parts, starts):
    """target[start:start + part.size] = part for each; on a device 0 elsewhere. The starts rise."""
    if arrays.device_of(target) == "cpu":
        for part, start in zip(parts, starts):
            target[start : start + part.size].reshape(part.shape)[...] = part
        return
    for first in range(0, len(parts), AT_ONCE):
        some, begin = parts[first : first + AT_ONCE], starts[first]
        end = starts[first + AT_ONCE] if first + AT_ONCE < len(parts) else target.size
        bounds = []
        for part, start in zip(some, starts[first:]):
            bounds += [start - begin, start - begin + part.size]
        kernel = cuda.kernel((gather, len(some)), functools.partial(source, len(some)))
        kernel(*some, *bounds, target[begin:end])


class Pieces:
    """Arrays that stand for one flat array on the host: array i for its elements from starts[i] on. A fused function takes it as one."""

    def __init__(self, parts, starts):
        self.parts, self.starts = [(part if part.flags.carray else part.copy()).reshape(-1) for part in parts], list(starts)
        self.dtype, self.size = parts[0].dtype, starts[-1] + parts[-1].size
        self.shape = (self.size,)

    def reshape(self, *shape):
        """Itself: it is flat."""
        return self

    def whole(self):
        """One array with a copy of all; 0 between them."""
        array = numpy.zeros(self.size, self.dtype)
        gather(array, self.parts, self.starts)
        return array

    def stretches(self, low, high):
        """(begin, end) of what each array covers of low … high."""
        for part, start in zip(self.parts, self.starts):
            begin, end = max(low, start), min(high, start + part.size)
            if begin < end:
                yield begin, end

    def __getitem__(self, stretch):
        """What stands in one of the `stretches`."""
        i = bisect.bisect_right(self.starts, stretch.start) - 1
        return self.parts[i][stretch.start - self.starts[i] : stretch.stop - self.starts[i]]


def source(n):
    """The kernel for n arrays: inputs, outputs, operation, name, preamble."""
    inputs = [f"raw T part{k}" for k in range(n)] + [f"int64 from{k}, int64 to{k}" for k in range(n)]
    choice = "T(0)"
    for k in reversed(range(n)):
        choice = f"i < to{k} ? (i < from{k} ? T(0) : part{k}[i - from{k}])\n    : {choice}"
    return ", ".join(inputs), "T y", f"y = {choice};", f"minigrad_gather{n}", ""
