"""Flat buffers: many arrays cut from one, so that a step on a device is one kernel."""

from __future__ import annotations

import weakref
from itertools import accumulate, groupby
from typing import Any

from .. import backend
from ..autograd.sharing import is_free
from ..functions.writing import is_read_only

ALIGN = 16  # elements: on a device each array in a buffer starts on a cache line of its own
_buffers: dict = {}  # id(buffer) -> weak reference to it, for each that `zeros_like` made


def lay_out(params: list) -> None:
    """Move the parameters on a device into one buffer for each dtype, except those whose memory another tensor or array may show.

    Parameters on the host stay where their owner put them.
    """
    moving = [p for p in {id(p): p for p in params}.values()
              if backend.device_of(p.array) != "cpu" and p.array.dtype.kind == "f" and is_free(p) and not is_read_only(p)]
    for p, view in zip(moving, zeros_like([p.array for p in moving])):
        view[...] = p.array
        p.array = view


def zeros_like(arrays: list) -> list:
    """Return zeros of the shape of each array; those of successive arrays of the same dtype and device are cut from one buffer."""
    for key, reference in list(_buffers.items()):  # not by the references' own callbacks, in which Python drops an interrupt
        if reference() is None:
            _buffers.pop(key, None)
    zeros: list = []
    for (_, dtype), alike in groupby(arrays, lambda a: (type(a), a.dtype)):
        some = list(alike)
        starts = starts_of(some)
        buffer = backend.array_module(some[0]).zeros(starts[-1], dtype)
        _buffers[id(buffer)] = weakref.ref(buffer)
        zeros += [buffer[start:start + a.size].reshape(a.shape) for a, start in zip(some, starts)]
    return zeros


def starts_of(arrays: list) -> list[int]:
    """Return where each array starts in a buffer, and where the buffer ends."""
    grain = 1 if type(arrays[0]) is backend.ndarray else ALIGN
    return [0, *accumulate([-(-a.size // grain) * grain for a in arrays])]


def follows(a: Any, b: Any) -> bool:
    """Return whether `b` was cut from a buffer right behind `a`."""
    buffer = a.base
    return (buffer is not None and b.base is buffer and id(buffer) in _buffers and _buffers[id(buffer)]() is buffer
            and a.flags.c_contiguous and b.flags.c_contiguous
            and backend.byte_bounds(b)[0] - backend.byte_bounds(a)[0] == starts_of([a])[-1] * a.itemsize)


def stretch(first: Any, last: Any) -> Any:
    """Return the part of a buffer from where one array that was cut from it starts to where another one ends."""
    buffer = first.base
    start, low, high = backend.byte_bounds(buffer)[0], backend.byte_bounds(first)[0], backend.byte_bounds(last)[1]
    return buffer[(low - start) // buffer.itemsize:(high - start) // buffer.itemsize]
