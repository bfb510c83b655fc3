"""The log of in-place writes: which bytes of which memory were written, and when.

An operation's closure keeps arrays. If one of them was written after the operation ran, its gradient would be wrong, and
`backward` raises instead. Time is counted in ticks, one for each recorded operation and each write. What a closure holds
is looked at only when some write is newer than its node.
"""

from __future__ import annotations

import itertools
import types
import weakref
from functools import partial
from typing import Any

from .. import backend

tick = itertools.count(1).__next__
_written: dict = {}  # id(owner of the memory) -> ({(first byte, end): tick}, weak reference that removes the entry)


class Last:
    """The tick of the newest write anywhere."""

    write = 0


def wrote(array):
    """Log that `array`'s memory was just changed."""
    owner = backend.root(array)
    key = id(owner)
    entry: Any = _written.get(key)
    if entry is None:
        entry = _written[key] = ({}, weakref.ref(owner, lambda _: _written.pop(key, None)))
    low, high = backend.byte_bounds(array)
    ranges, now = entry[0], tick()
    if len(ranges) > 1 or (ranges and (low, high) not in ranges):
        for known in [r for r in ranges if low <= r[0] and r[1] <= high]:
            del ranges[known]  # covered by the newer write
    ranges[low, high] = Last.write = now
    if len(ranges) > 256:
        _merge(ranges)


def _merge(ranges):
    """Join ranges that touch, with the newest tick of each: the log stays small, and errs on the safe side."""
    joined: list = []
    for (low, high), now in sorted(ranges.items()):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]), max(now, joined[-1][2]))
        else:
            joined.append((low, high, now))
    ranges.clear()
    ranges.update({(low, high): now for low, high, now in joined})


def written_since(array, then):
    """Whether any byte between the first and the last of `array` was written after tick `then`."""
    entry = _written.get(id(backend.root(array)))
    if entry is None:
        return False
    low, high = backend.byte_bounds(array)
    return any(now > then and a < high and low < b for (a, b), now in entry[0].items())


def keeps(function, array):
    """Whether a VJP holds exactly this array."""
    if type(function) is partial and function.func is backend.taken:
        return False
    for a in held(function):
        if a is array:
            return True
    return False


def held(function, depth=0):
    """Every array that a VJP can reach through its cells, defaults, nested functions, partials, tuples and lists."""
    kind = type(function)
    if kind is types.FunctionType:
        for cell in function.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:  # not filled yet
                continue
            if depth < 8:
                yield from held(content, depth + 1)
        for default in function.__defaults__ or ():
            yield from held(default, depth + 1)
    elif backend.is_array(function):
        yield function
    elif kind is partial:
        yield from held(function.func, depth + 1)
        yield from held(function.args, depth + 1)
        yield from held(tuple(function.keywords.values()), depth + 1)
    elif kind is types.MethodType:
        yield from held(function.__func__, depth + 1)
        yield from held(function.__self__, depth + 1)
    elif kind in (tuple, list) and depth < 8:
        for item in function:
            yield from held(item, depth + 1)
    elif hasattr(function, "array") and backend.is_array(function.array):  # a Tensor
        yield function.array
