"""Taking elements of an array, and putting them into one."""

from __future__ import annotations

from ..autograd import op
from ..backend import array_module


@op
def getitem(x, *, key):
    """y = x[key],  dL/dx = zeros with g added at [key]

    A key holds numbers, slices, None, …, boolean masks or integer arrays. Where it repeats a place, the gradients there add up.
    """
    shape = x.shape
    return array_module(x).getitem(x, key=key), lambda g: scatter(g, key=key, shape=shape)


@op
def scatter(x, *, key, shape):
    """y = zeros of `shape` with x added at [key],  dL/dx = g[key]

    Where a key repeats, its values add up. This is the VJP of getitem, and getitem is the VJP of this.
    """
    return array_module(x).scatter(x, key=key, shape=shape), lambda g: getitem(g, key=key)


@op
def assign(x, value, *, first, last):
    """y = x with `value` stored at [first][last],  dL/dx = g with 0 stored there,  dL/dvalue = g[first][last]

    `value` has the shape of x[first][last]. Where a place repeats, the last value stays, and all of them get the gradient.
    """
    def vjp(g):
        return getitem(getitem(g, key=first), key=last)

    return array_module(x).assign(x, value, first=first, last=last), lambda g: assign(g, 0.0, first=first, last=last), vjp


@op
def diagonal(x, *, offset=0):
    """y = x[…, i, i + offset] for each i,  dL/dx = zeros with g stored at […, i, i + offset]

    y is a view.
    """
    shape = x.shape
    return array_module(x).diagonal(x, offset=offset), lambda g: put_diagonal(g, offset=offset, shape=shape)


@op
def put_diagonal(x, *, offset, shape):
    """y = zeros of `shape` with x stored at […, i, i + offset],  dL/dx = g[…, i, i + offset] for each i

    This is the VJP of diagonal, and diagonal is the VJP of this.
    """
    return array_module(x).put_diagonal(x, offset=offset, shape=shape), lambda g: diagonal(g, offset=offset)


@op
def take_along_axis(x, indices, axis):
    """y = x at `indices` along `axis`,  dL/dx = zeros with g added at `indices` along `axis`,  no gradient for indices

    The indices have the rank of x.
    """
    shape = x.shape
    return array_module(x).take_along_axis(x, indices, axis), lambda g: put_along_axis(g, indices, axis, shape)


@op
def put_along_axis(x, indices, axis, shape):
    """y = zeros of `shape` with x added at `indices` along `axis`,  dL/dx = g at `indices` along `axis`,  no gradient for indices

    This is the VJP of take_along_axis, and take_along_axis is the VJP of this.
    """
    return array_module(x).put_along_axis(x, indices, axis, shape), lambda g: take_along_axis(g, indices, axis)
