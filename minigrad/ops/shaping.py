"""Changing the shape, putting together, and moving between dtypes and devices."""

from __future__ import annotations

import math
from itertools import accumulate

from .. import backend
from ..autograd import op
from ..autograd.graph import view_ops
from ..backend import array_module
from .indexing import diagonal, getitem


@op
def reshape(x, shape):
    """y = x in the shape `shape`,  dL/dx = g in the shape of x

    y is a view where that is possible.
    """
    old = x.shape
    return array_module(x).reshape(x, shape), lambda g: array_module(g).reshape(g, old)


@op
def transpose(x, axes=None):
    """y = x with its axes in the order `axes`,  dL/dx = g with its axes put back

    The axes are reversed by default; y is a view.
    """
    back = None if axes is None else tuple(sorted(range(len(axes)), key=axes.__getitem__))
    return array_module(x).transpose(x, axes), lambda g: array_module(g).transpose(g, back)


@op
def swapaxes(x, axis1, axis2):
    """y = x with two axes exchanged,  dL/dx = g with them exchanged back

    y is a view.
    """
    return array_module(x).swapaxes(x, axis1, axis2), lambda g: array_module(g).swapaxes(g, axis1, axis2)


@op
def expand_dims(x, axis):
    """y = x with a new axis of size 1,  dL/dx = g without it

    y is a view.
    """
    old = x.shape
    return array_module(x).expand_dims(x, axis), lambda g: array_module(g).reshape(g, old)


@op
def squeeze(x, *, axis=None):
    """y = x without axes of size 1,  dL/dx = g in the shape of x

    y is a view.
    """
    old = x.shape
    return array_module(x).squeeze(x, axis=axis), lambda g: array_module(g).reshape(g, old)


@op
def broadcast_to(x, shape):
    """y = x repeated along axes of size 1 and new leading axes,  dL/dx = Σ g over the axes along which x was repeated

    y is a view, and read-only where x is repeated. The engine sums g.
    """
    xp, is_repeated = array_module(x), math.prod(shape) != math.prod(x.shape)
    return xp.broadcast_to(x, shape) if is_repeated else xp.reshape(x, shape), lambda g: g


@op(promote=True)
def join(*xs, axis):
    """y = the arrays xs one after another along `axis`,  dL/dxs = for each array the part of g at its place"""
    ends = list(accumulate(x.shape[axis] for x in xs))
    starts = [0, *ends[:-1]]

    def part(start, end):
        key = (slice(None),) * (axis % xs[0].ndim) + (slice(start, end),)
        return lambda g: getitem(g, key=key)

    return array_module(xs[0]).concatenate(xs, axis=axis), *[part(s, e) for s, e in zip(starts, ends)]


def concatenate(xs, axis=0):
    """Arrays one after another along `axis`"""
    return join(*xs, axis=axis)


@op
def copy(x):
    """y = x, copied,  dL/dx = g"""
    return array_module(x).copy(x), lambda g: g


@op
def astype(x, dtype):
    """y = x in the dtype `dtype`,  dL/dx = g in the dtype of x

    Between dtypes of which one is no float there is no gradient.
    """
    return array_module(x).astype(x, dtype), lambda g: g


@op
def to_device(x, *, device):
    """y = x on the device `device`,  dL/dx = g on the device of x"""
    source = backend.device_of(getattr(x, "array", x))
    return array_module(x).to_device(x, device=device), lambda g: to_device(g, device=source)


@op
def flip(x, *, axis):
    """y = x reversed along `axis`,  dL/dx = g reversed back

    y is a copy, as in PyTorch.
    """
    xp = array_module(x)
    return xp.copy(xp.flip(x, axis=axis)), lambda g: array_module(g).flip(g, axis=axis)


@op
def stop_gradient(x):
    """y = x,  no gradient

    x is taken as a constant.
    """
    return (x,)


@op
def zeros_like(x):
    """y = 0 in the shape and dtype of x,  no gradient"""
    return (array_module(x).zeros_like(x),)


@op
def ones_like(x):
    """y = 1 in the shape and dtype of x,  no gradient"""
    return (array_module(x).ones_like(x),)


view_ops.update((reshape, transpose, swapaxes, expand_dims, squeeze, broadcast_to, getitem, diagonal))
