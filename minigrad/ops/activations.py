"""Activations: tanh, sigmoid, relu, leaky relu, softmax and its logarithm; nn.functional makes others of these."""

from __future__ import annotations

from ..autograd import op
from ..backend import array_module, fuse
from .reductions import normal_axes, spread


@op(wide=True)
def tanh(x):
    """y = tanh(x),  dL/dx = g (1 - y²)"""
    y = array_module(x).tanh(x)
    return y, lambda g: tanh_grad(g, y)


@fuse
def tanh_grad(g, y):
    """g times the derivative of tanh where its value is y."""
    return g * (1 - y * y)


@op(wide=True)
def sigmoid(x):
    """y = 1 / (1 + e^-x),  dL/dx = g y (1 - y)"""
    y = sigmoid_value(x)
    return y, lambda g: sigmoid_grad(g, y)


@fuse
def sigmoid_value(x):
    """1 / (1 + e^-x), computed from e^-|x|: nothing overflows, and the tail of large negative x is kept. NaN passes through."""
    xp = array_module(x)
    e = xp.exp(xp.where(x >= 0, -x, x))  # -|x| whose derivative at 0 is that of its branch below
    return xp.where(x >= 0, 1, e) / (1 + e)


@fuse
def sigmoid_grad(g, y):
    """g times the derivative of the sigmoid where its value is y."""
    return g * (y * (1 - y))


@op(steps=True)
def relu(x):
    """y = max(x, 0),  dL/dx = g where y > 0, else 0

    The derivative at 0 is 0; NaN passes through, and so does g there, as in PyTorch.
    """
    y = relu_value(x)
    return y, lambda g: relu_grad(g, y)


@fuse
def relu_value(x):
    """max(x, 0); NaN passes through."""
    xp = array_module(x)
    return xp.where(x < 0, 0, x)


@fuse
def relu_grad(g, y):
    """g where y > 0 and, as in PyTorch, where y is NaN; else 0"""
    xp = array_module(g)
    return xp.where(y <= 0, 0, g)


@op(wide=True, steps=True)
def leaky_relu(x, *, slope):
    """y = x where x > 0, else slope x,  dL/dx = g where x > 0, else slope g

    The derivative at 0 is the slope, as in PyTorch.
    """
    return leak(x, x, slope), lambda g: leak(g, x, slope)


@fuse
def leak(g, x, slope):
    """g where x > 0, else slope g."""
    xp = array_module(x)
    return xp.where(x > 0, g, slope * g)


@op(wide=True)
def softmax(x, *, axis):
    """y = e^x / Σ e^x along `axis`,  dL/dx = y (g - Σ g y)"""
    xp = array_module(x)
    e = xp.exp(x - _peak("softmax", x, axis))
    y = e / xp.sum(e, axis=axis, keepdims=True)

    def vjp(g):
        gy = g * y
        return gy - y * array_module(g).sum(gy, axis=axis, keepdims=True)

    return y, vjp


@op(wide=True)
def log_softmax(x, *, axis):
    """y = x - log Σ e^x along `axis`,  dL/dx = g - e^y Σ g

    x is shifted by its maximum first, which changes nothing but overflow.
    """
    xp = array_module(x)
    shifted = x - _peak("log_softmax", x, axis)
    y = shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))
    return y, lambda g: g - array_module(y).exp(y) * array_module(g).sum(g, axis=axis, keepdims=True)


@op(wide=True)
def logsumexp(x, *, axis=None, keepdims=False):
    """y = log Σ e^x over `axis`,  dL/dx = g e^(x - y)

    x is shifted by its maximum first, unless that is infinite, which changes nothing but overflow.
    """
    xp, shape = array_module(x), x.shape
    peak = _peak("logsumexp", x, axis)
    peak = xp.where(peak - peak == 0, peak, 0) if 0 not in shape else peak
    total = xp.sum(xp.exp(x - peak), axis=axis, keepdims=True)
    y = xp.log(total) + peak
    y = y if keepdims else xp.squeeze(y, axis=normal_axes(axis, x.ndim))

    def vjp(g):
        xp = array_module(g)
        return spread(g, shape, axis, keepdims) * xp.exp(x - spread(y, shape, axis, keepdims))

    return y, vjp


def _peak(name, x, axis):
    """The maximum along `axis`, taken as a constant, as a shift does not change the result; 0 where x is empty."""
    if x.dtype.kind != "f":
        raise NotImplementedError(f"{name}: expected a floating-point tensor, got {x.dtype}; use .float() or .double() first")
    xp = array_module(x)
    return xp.stop_gradient(xp.max(x, axis=axis, keepdims=True)) if 0 not in x.shape else 0
