"""Taking elements of an array, and putting them into one."""

from __future__ import annotations

from ..autograd import op
from ..backend import array_module


@op
def getitem(x, *, key):
    """x[key]: numbers, slices, None, …, boolean masks, integer arrays"""
    shape = x.shape
    return array_module(x).getitem(x, key=key), lambda g: scatter(g, key=key, shape=shape)


@op
def scatter(g, *, key, shape):
    """Zeros of `shape` with g added at [key]; where a key repeats, its values add up. The VJP of getitem, and it of this."""
    return array_module(g).scatter(g, key=key, shape=shape), lambda h: getitem(h, key=key)


@op
def assign(x, value, *, first, last):
    """x with `value` stored at x[first][last], whose shape it has. Where a place repeats, the last value stays and all get the gradient."""
    def vjp(g):
        return getitem(getitem(g, key=first), key=last)

    return array_module(x).assign(x, value, first=first, last=last), lambda g: assign(g, 0.0, first=first, last=last), vjp


@op
def take_along_axis(x, indices, axis):
    """x[indices] along one axis; indices of the same rank"""
    shape = x.shape
    return array_module(x).take_along_axis(x, indices, axis), lambda g: put_along_axis(g, indices, axis, shape)


@op
def put_along_axis(g, indices, axis, shape):
    """Zeros of `shape` with g added at the indices along one axis. The VJP of take_along_axis, and it of this."""
    return array_module(g).put_along_axis(g, indices, axis, shape), lambda h: take_along_axis(h, indices, axis)
