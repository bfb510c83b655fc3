"""Losses: mean squared error, negative log-likelihood and binary cross-entropy."""

from __future__ import annotations

from math import prod

from .. import backend
from ..autograd import op
from ..backend import array_module, fuse
from .activations import sigmoid_value


@op(promote=True, wide=True)
def mse(x, target):
    """y = Σ (x - target)² / n,  dL/dx = 2 g (x - target) / n,  dL/dtarget = 2 g (target - x) / n

    The sum is over all n elements.
    """
    n = prod(x.shape)
    scale = 2 / max(n, 1)
    return squared_distance.mean(x, target, count=n), lambda g: mse_grad(g, x, target, scale), lambda g: mse_grad(g, target, x, scale)


@fuse(reduce=True)
def squared_distance(x, target):
    """Σ (x - target)²"""
    d = x - target
    return d * d


@fuse
def mse_grad(g, x, target, scale):
    """g scale (x - target), the scale being 2 / n"""
    return g * scale * (x - target)


@op(wide=True)
def nll(log_probs, targets, *, weight=None, ignore_index=-100):
    """y = -Σ w_i log_probs[i, targets[i]] / Σ w_i,  dL/dlog_probs = -g w_i / Σ w_i at [i, targets[i]], else 0,  no gradient for targets

    log_probs (N, C), targets (N,), w_i = weight[targets[i]], or 1 without weight. Targets equal to `ignore_index` do not count; where
    none is left the loss is NaN, as in PyTorch. A target outside 0 … C-1 is an IndexError that names it.
    """
    w = backend.one_hot(targets, log_probs, weight, ignore_index)
    total = array_module(w).sum(w)
    y = -picked(log_probs, w) / total
    if weight is None:
        return y, lambda g: picked_grad(-g / total, w, w)
    return y, lambda g: picked_grad(-g / total, w, backend.one_hot(targets, w, None, ignore_index))


@fuse(reduce=True)
def picked(log_probs, w):
    """Σ w log_probs without the terms where w is 0, as log_probs may be -∞ there"""
    xp = array_module(log_probs)
    return xp.where(w != 0, log_probs * w, 0)


@fuse
def picked_grad(g, w, hit):
    """g w where `hit` is not 0, else 0, whatever g is. If all weights are 0, g is infinite and g w is NaN at a target, as in PyTorch."""
    xp = array_module(g)
    return xp.where(hit != 0, g * w, 0)


@op(wide=True)
def nll_each(log_probs, targets, *, weight=None, ignore_index=-100):
    """y = -w_i log_probs[i, targets[i]] for each i,  dL/dlog_probs = -g w_i at [i, targets[i]], else 0,  no gradient for targets

    As nll, but not summed; 0 for an ignored target.
    """
    xp, w = array_module(log_probs), backend.one_hot(targets, log_probs, weight, ignore_index)
    hit = w if weight is None else backend.one_hot(targets, w, None, ignore_index)
    return -xp.sum(xp.where(hit != 0, log_probs * w, 0), axis=1), lambda g: picked_grad(-array_module(g).expand_dims(g, 1), w, hit)


@op(promote=True, wide=True)
def bce(x, target):
    """y = -target log x - (1 - target) log(1 - x),  dL/dx = g (x - target) / (x (1 - x)),  dL/dtarget = g (log(1 - x) - log x)

    As in PyTorch, both logarithms count as at least -100 in the value, and x (1 - x) as at least 1e-12 (rounded to float32).
    """
    return bce_value(x, target), lambda g: bce_grad(g, x, target), lambda g: g * (array_module(x).log1p(-x) - array_module(x).log(x))


@fuse
def bce_value(probability, target):
    """-target log p - (1 - target) log(1 - p) for the probability p, with logarithms of at least -100"""
    xp = array_module(probability)
    a = xp.log(probability)
    b = xp.log1p(-probability)
    return (target - 1) * xp.where(b < -100, -100, b) - target * xp.where(a < -100, -100, a)


@fuse
def bce_grad(g, x, target):
    """g (x - target) / (x (1 - x)), the divisor being at least PyTorch's bound, which is 1e-12 rounded to float32"""
    xp = array_module(x)
    d = (1 - x) * x
    return g * (x - target) / xp.where(d < 9.999999960041972e-13, 9.999999960041972e-13, d)


@op(promote=True, wide=True)
def bce_logits(x, target):
    """y = (1 - target) x + log(1 + e^-x),  dL/dx = g (1 / (1 + e^-x) - target),  dL/dtarget = -g x

    This is `bce` of the sigmoid of x, computed from e^-|x|, so that nothing overflows.
    """
    return logits_value(x, target), lambda g: g * (sigmoid_value(x) - target), lambda g: -g * x


@fuse
def logits_value(x, target):
    """(1 - target) x + log(1 + e^-x)"""
    xp = array_module(x)
    return (1 - target) * x + xp.where(x >= 0, 0, -x) + xp.log1p(xp.exp(xp.where(x >= 0, -x, x)))
