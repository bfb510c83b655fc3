"""Several arrays copied into one buffer, one behind the other: on a device by one kernel for many of them."""

from __future__ import annotations

import functools

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


def source(n):
    """The kernel for n arrays: inputs, outputs, operation, name, preamble."""
    inputs = [f"raw T part{k}" for k in range(n)] + [f"int64 from{k}, int64 to{k}" for k in range(n)]
    choice = "T(0)"
    for k in reversed(range(n)):
        choice = f"i < to{k} ? (i < from{k} ? T(0) : part{k}[i - from{k}])\n    : {choice}"
    return ", ".join(inputs), "T y", f"y = {choice};", f"minigrad_gather{n}", ""
