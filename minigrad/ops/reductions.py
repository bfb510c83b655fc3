"""Sums, means, variances, maxima and minima over axes. `axis` is None (all), a number or several; `keepdims` keeps axes of size 1."""

from __future__ import annotations

from math import prod

from ..autograd import op
from ..backend import array_module, fuse


@op
def sum(x, *, axis=None, keepdims=False):
    """y = Σ x over `axis`,  dL/dx = g spread over `axis`"""
    shape = x.shape
    return array_module(x).sum(x, axis=axis, keepdims=keepdims), lambda g: spread(g, shape, axis, keepdims)


@op(wide=True)
def mean(x, *, axis=None, keepdims=False):
    """y = Σ x / n over the n elements along `axis`,  dL/dx = g / n spread over `axis`

    The mean of nothing is NaN, as in PyTorch.
    """
    shape, axes = x.shape, normal_axes(axis, x.ndim)
    n = prod([shape[i] for i in axes])
    y = array_module(x).sum(x, axis=axis, keepdims=keepdims)
    y = y / n if n else y * float("nan")  # the mean of nothing is NaN, as in PyTorch
    return y, lambda g: spread(g / (n or 1), shape, axis, keepdims)


@op(wide=True)
def var(x, *, axis=None, keepdims=False, correction=1):
    """y = Σ (x - m)² / (n - correction) over the n elements along `axis`, whose mean is m,  dL/dx = 2 g (x - m) / (n - correction)

    With n ≤ correction the variance is Σ (x - m)² / 0, as in PyTorch.
    """
    xp, shape, axes = array_module(x), x.shape, normal_axes(axis, x.ndim)
    first = xp.getitem(x, key=tuple([slice(1 if i in axes else None) for i in range(len(shape))]))
    first, freedom = xp.stop_gradient(xp.where(first - first == 0, first, 0)), prod([shape[i] for i in axes]) - correction

    def distances():
        d = x - first  # then all are exactly 0 where all elements are equal
        return d - mean(d, axis=axis, keepdims=True)

    d = distances()
    y = xp.sum(d * d, axis=axis, keepdims=keepdims)
    y = y / freedom if freedom > 0 else y * float("inf")
    return y, lambda g: spread(g * (2 / freedom if freedom > 0 else float("inf")), shape, axis, keepdims) * distances()


@op(wide=True)
def standardize(x, *, axis, eps):
    """y = (x - m) / √(v + eps) for the mean m and the variance v along `axis`,  dL/dx = (g - mean of g - y · mean of g y) / √(v + eps)

    v = Σ (x - m)² / n over the n elements along `axis`, which may also be several axes.
    """
    m = mean(x, axis=axis, keepdims=True)
    d = x - m
    r = 1 / array_module(x).sqrt(mean(d * d, axis=axis, keepdims=True) + eps)

    def vjp(g):
        d = x - m  # computed anew: the VJP holds x, which other steps need, too
        return standardize_grad(g, d, r, mean(g, axis=axis, keepdims=True), mean(g * d, axis=axis, keepdims=True))

    return d * r, vjp


@fuse
def standardize_grad(g, d, r, mean_g, mean_gd):
    """r (g - mean of g - y · mean of g y) for y = r d"""
    return r * (g - mean_g - d * (r * r * mean_gd))


@op(wide=True)
def cumsum(x, *, axis):
    """y = the sums of the first 1, 2, … elements of x along `axis`,  dL/dx = the sums of the last n, n - 1, … of g"""
    def vjp(g):
        xp = array_module(g)
        return xp.flip(xp.cumsum(xp.flip(g, axis=axis), axis=axis), axis=axis)

    return array_module(x).cumsum(x, axis=axis), vjp


@op
def max(x, *, axis=None, keepdims=False):
    """y = max x over `axis`,  dL/dx = g / k at the k elements that are the largest, else 0

    Elements that tie share g equally, as in PyTorch's max() and amax(dim).
    """
    return _extreme(x, array_module(x).max, axis, keepdims)


@op
def min(x, *, axis=None, keepdims=False):
    """y = min x over `axis`,  dL/dx = g / k at the k elements that are the smallest, else 0

    Elements that tie share g equally, as in PyTorch's min() and amin(dim).
    """
    return _extreme(x, array_module(x).min, axis, keepdims)


def _extreme(x, function, axis, keepdims):
    shape = x.shape
    y = function(x, axis=axis, keepdims=keepdims)

    def vjp(g):
        xp = array_module(x)
        peak = spread(y, shape, axis, keepdims)
        hit = x == peak
        if axis is None:  # the NaNs share g; along an axis PyTorch counts none, and all get NaN
            hit = hit | (xp.isnan(x) & xp.isnan(peak))
            return xp.where(hit, spread(g / xp.sum(xp.astype(hit, x.dtype)), shape, axis, keepdims), 0)
        share = xp.astype(hit, x.dtype)  # PyTorch multiplies here, too: an infinite g gives NaN elsewhere
        return spread(g, shape, axis, keepdims) * share / xp.sum(share, axis=axis, keepdims=True)

    return y, vjp


@op
def argmax(x, *, axis=None):
    """y = the index of the first largest element of x along `axis`,  no gradient"""
    return (array_module(x).argmax(x, axis=axis),)


@op
def argmin(x, *, axis=None):
    """y = the index of the first smallest element of x along `axis`,  no gradient"""
    return (array_module(x).argmin(x, axis=axis),)


def spread(g, shape, axis, keepdims):
    """g of a reduction, broadcast back to the shape that was reduced."""
    xp = array_module(g)
    if axis is not None and not keepdims:
        axes = normal_axes(axis, len(shape))
        g = xp.reshape(g, tuple(1 if i in axes else n for i, n in enumerate(shape)))
    return xp.broadcast_to(g, shape)


def normal_axes(axis, ndim):
    """`axis` as a tuple of numbers from 0; () for a 0-d array, which takes 0 and -1 as an axis although it has none."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(a % ndim for a in (axis if isinstance(axis, (tuple, list)) else (axis,))) if ndim else ()
