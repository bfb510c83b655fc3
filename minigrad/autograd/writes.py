"""The log of in-place writes: which bytes of which memory were written, and when.

An operation's closure keeps arrays. If one of them was written after the operation ran, its gradient would be wrong, and
`backward` raises instead. Time is counted in ticks, one for each recorded operation and each write. A closure
is searched for written arrays only if some write is newer than its node.
"""

from __future__ import annotations

import itertools
import types
import weakref
from functools import partial
from typing import Any

from .. import backend

tick = itertools.count(1).__next__
_written: dict = {}  # id(owner of the memory) -> ({(first byte, end): tick}, weak reference to the owner)
latest = 0  # the tick of the newest write anywhere
_purge_at = 64  # entries of the log, above which those of freed memory are removed


def wrote(array):
    """Log that `array`'s memory was just changed."""
    global latest
    ranges = _log(backend.root(array))
    low, high = backend.byte_bounds(array)
    now = tick()
    if len(ranges) > 1 or (ranges and (low, high) not in ranges):
        for known in [r for r in list(ranges) if low <= r[0] and r[1] <= high]:
            del ranges[known]  # covered by the newer write
    ranges[low, high] = latest = now
    if len(ranges) > 256:
        _merge(ranges)


def writer(arrays):
    """Return a function that logs a change of all these arrays at once, as `wrote` does for one; it may be called while they live."""
    places = [(_log(backend.root(array)), backend.byte_bounds(array)) for array in arrays]

    def wrote_all():
        global latest
        latest = now = tick()
        for ranges, bounds in places:
            ranges[bounds] = now

    return wrote_all


def _log(owner):
    """Return the log of this memory, {(first byte, end): tick}; an empty one where nothing was written."""
    ranges = _ranges(owner)
    if ranges is None:
        if len(_written) >= _purge_at:
            _purge()
        ranges, _ = _written[id(owner)] = {}, weakref.ref(owner)
    return ranges


_reshaped: dict = {}  # id(leaf) -> (when its memory was replaced by one of another shape, weak reference to the leaf)


def reshaped(leaf):
    """Log that a leaf just took memory of another shape: operations that were recorded before cannot know it."""
    global latest
    if len(_reshaped) > 64:
        for key, (_, reference) in list(_reshaped.items()):
            if reference() is None:
                _reshaped.pop(key, None)
    now = latest = tick()
    _reshaped[id(leaf)] = now, weakref.ref(leaf)


def reshaped_since(leaf, then):
    """Return whether a leaf took memory of another shape after tick `then`."""
    now, reference = _reshaped.get(id(leaf), (0, None))
    return now > then and reference() is leaf


def _ranges(owner):
    """Return what was written of this memory, {(first byte, end): tick}, or None. An entry under its id may be that of freed memory."""
    entry: Any = _written.get(id(owner))
    return None if entry is None or entry[1]() is not owner else entry[0]


def _purge():
    """Remove the entries of freed memory.

    A weak reference could call a function for that when the memory is freed. But Python drops an exception that a signal handler
    raises inside such a function.
    """
    global _purge_at
    for key, entry in list(_written.items()):
        if entry[1]() is None and key in _written and _written[key] is entry:
            del _written[key]
    _purge_at = 64 + 2 * len(_written)


def _merge(ranges):
    """Join ranges that touch, under the newest of their ticks: the log stays small, and may only report too many writes."""
    joined: list = []
    for (low, high), now in sorted(ranges.items()):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]), max(now, joined[-1][2]))
        else:
            joined.append((low, high, now))
    ranges.clear()
    ranges.update({(low, high): now for low, high, now in joined})


def written_since(array, then):
    """Return whether any byte between the first and the last of `array` was written after tick `then`."""
    ranges = _ranges(backend.root(array))
    if ranges is None:
        return False
    low, high = backend.byte_bounds(array)
    return any(now > then and a < high and low < b for (a, b), now in list(ranges.items()))


def keeps(function, array):
    """Return whether a VJP holds exactly this array."""
    if type(function) is partial and function.func is backend.precomputed:
        return False
    for a in held(function):
        if a is array:
            return True
    return False


def held(function, depth=0):
    """Yield every array that a VJP can reach through its cells, defaults, nested functions, partials, tuples and lists."""
    if depth > 8:  # something that holds itself would be followed without end
        return
    kind = type(function)
    if kind is types.FunctionType:
        for cell in function.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:  # not filled yet
                continue
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
    elif kind in (tuple, list):
        for item in function:
            yield from held(item, depth + 1)
    elif hasattr(function, "array") and backend.is_array(function.array):  # a Tensor
        yield function.array
