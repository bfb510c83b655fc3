"""The eleven classic mistakes of a hand-written backward, and traps beside them, each as minigrad, NumPy, PyTorch and JAX code.

A mistake is written once: forward(xp, *arrays) and backward(xp, g, y, *arrays), where xp is the library's module and y the output.
`in_minigrad`, `in_numpy`, `in_torch` and `in_jax` turn it into what that library's users write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ALL = ("minigrad", "numpy", "torch", "jax")


@dataclass
class Mistake:
    """A function with a wrong backward, and what a check must say of it.

    verdicts: those that are right. arguments: the numbers of the arguments of which one must be named. low: the least value of the
    inputs, which are Gaussian where it is None. libraries: those whose users can make the mistake.
    """

    name: str
    verdicts: tuple
    arguments: tuple
    shapes: tuple
    forward: Callable
    backward: Callable
    low: float | None = None
    libraries: tuple = ALL

    def __str__(self):
        return f"{self.verdicts[0]}: {self.name}"

    def draw(self, seed=0):
        """Return arrays of the shapes."""
        stream = np.random.default_rng([seed, len(self.name)])
        if self.low is None:
            return [stream.normal(size=shape) for shape in self.shapes]
        return [self.low + stream.random(shape) for shape in self.shapes]


def in_minigrad(mistake):
    """Return the mistake as an operation."""
    from minigrad.autograd import op
    from minigrad.backend import array_module

    def vjp(i, y, arrays):
        def gradient(g):
            found = mistake.backward(array_module(g), g, y, *arrays)[i]
            return array_module(g).zeros_like(arrays[i]) if found is None else found

        return gradient

    def function(*arrays):
        y = mistake.forward(array_module(arrays[0]), *arrays)
        return (y, *[vjp(i, y, arrays) for i in range(len(arrays))])

    function.__name__ = _identifier(mistake)
    return op(function)


def in_numpy(mistake):
    """Return the mistake as (forward, backward)."""

    def forward(*arrays):
        return mistake.forward(np, *arrays)

    def backward(g, *arrays):
        found = mistake.backward(np, g, forward(*arrays), *arrays)
        return found[0] if len(arrays) == 1 else found

    forward.__name__ = _identifier(mistake)
    return forward, backward


def in_torch(mistake):
    """Return the mistake as a subclass of torch.autograd.Function."""
    import torch

    def forward(ctx, *tensors):
        y = mistake.forward(torch, *tensors)
        ctx.save_for_backward(y, *tensors)
        return y

    def backward(ctx, g):
        y, *tensors = ctx.saved_tensors
        return mistake.backward(torch, g, y, *tensors)

    return type(_identifier(mistake), (torch.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})


def in_jax(mistake):
    """Return the mistake as a function with a custom VJP."""
    import jax
    import jax.numpy as jnp

    def value(*arrays):
        return mistake.forward(jnp, *arrays)

    def forward(*arrays):
        y = value(*arrays)
        return y, (y, arrays)

    def backward(saved, g):
        y, arrays = saved
        return tuple(mistake.backward(jnp, g, y, *arrays))

    value.__name__ = _identifier(mistake)
    function = jax.custom_vjp(value)
    function.defvjp(forward, backward)
    return function


def _identifier(mistake):
    return "".join(c if c.isalnum() else "_" for c in mistake.name)


def softmax(xp, x, axis=-1):
    e = xp.exp(x)
    return e / xp.sum(e, axis=axis, keepdims=True)


def log_softmax(xp, x, axis=-1):
    return x - xp.log(xp.sum(xp.exp(x), axis=axis, keepdims=True))


def sigmoid(xp, x):
    return 1 / (1 + xp.exp(-x))


def normalized(xp, x, axis=-1):
    """Return (x with mean 0 and variance 1, its deviation) along an axis."""
    centred = x - xp.mean(x, axis=axis, keepdims=True)
    deviation = xp.sqrt(xp.mean(centred**2, axis=axis, keepdims=True) + 1e-5)
    return centred / deviation, deviation


def layer_norm_grad(xp, g, x, axis=-1):
    """Return the right gradient of `normalized` along -1, if `axis` is -1."""
    y, deviation = normalized(xp, x)
    return (g - xp.mean(g, axis=axis, keepdims=True) - y * xp.mean(g * y, axis=axis, keepdims=True)) / deviation


def reversed_sum(xp, g, axis):
    """Return the gradient of cumsum along `axis`."""
    return xp.flip(xp.cumsum(xp.flip(g, (axis,)), axis), (axis,))


def number(xp, mask, like):
    """Return 1 where the mask holds, else 0, as floating-point numbers."""
    return xp.where(mask, xp.ones_like(like), xp.zeros_like(like))


M34, M44, M33 = (3, 4), (4, 4), (3, 3)
ELEMENTS = (M34,)

SIGN = [
    ("difference", (1,), (M34, M34), lambda xp, x, y: x - y, lambda xp, g, z, x, y: (g, g)),
    ("difference of vectors", (1,), ((5,), (5,)), lambda xp, x, y: x - y, lambda xp, g, z, x, y: (g, g)),
    ("quotient", (1,), (M34, M34), lambda xp, x, y: x / y, lambda xp, g, z, x, y: (g / y, g * x / y**2), 0.5),
    ("cosine", (0,), ELEMENTS, lambda xp, x: xp.cos(x), lambda xp, g, y, x: (g * xp.sin(x),)),
    ("logistic loss", (0,), ELEMENTS, lambda xp, x: xp.log(1 + xp.exp(-x)), lambda xp, g, y, x: (g / (1 + xp.exp(x)),)),
    ("squared error", (1,), (M34, M34), lambda xp, x, t: xp.sum((x - t) ** 2), lambda xp, g, y, x, t: (2 * g * (x - t), 2 * g * (x - t))),
    ("negation of a product", (0,), ((2, 3), (3, 2)), lambda xp, x, w: -(x @ w), lambda xp, g, y, x, w: (g @ w.T, -x.T @ g)),
]
FACTOR = [
    ("square without its 2", (0,), ELEMENTS, lambda xp, x: x * x, lambda xp, g, y, x: (g * x,)),
    ("root without its 2", (0,), ELEMENTS, lambda xp, x: xp.sqrt(x), lambda xp, g, y, x: (g / y,), 0.5),
    ("mean without its n", (0,), ELEMENTS, lambda xp, x: xp.mean(x), lambda xp, g, y, x: (g * xp.ones_like(x),)),
    ("mean of rows over all", (0,), ELEMENTS, lambda xp, x: xp.mean(x, axis=1, keepdims=True),
        lambda xp, g, y, x: (g * xp.ones_like(x) / 12,)),
    ("squared error without its n", (0, 1), (M34, M34), lambda xp, x, t: xp.mean((x - t) ** 2),
        lambda xp, g, y, x, t: (2 * g * (x - t), -2 * g * (x - t))),
    ("squared error without its 2", (0, 1), ((5,), (5,)), lambda xp, x, t: xp.mean((x - t) ** 2),
        lambda xp, g, y, x, t: (g * (x - t) / 5, -g * (x - t) / 5)),
    ("cube with a 2", (0,), ELEMENTS, lambda xp, x: x**3, lambda xp, g, y, x: (2 * g * x * x,)),
    ("hyperbolic tangent, 1e-4 too large", (0,), ELEMENTS, lambda xp, x: xp.tanh(x), lambda xp, g, y, x: (g * (1 - y * y) * 1.0001,)),
    ("scale forgotten in one argument", (1,), ((3, 2), (2, 4)), lambda xp, q, k: (q @ k) / 8,
        lambda xp, g, y, q, k: (g @ k.T / 8, q.T @ g)),
    ("inverted dropout", (0,), ELEMENTS, lambda xp, x: xp.where(abs(x) > 0.5, x / 0.7, 0 * x),
        lambda xp, g, y, x: (xp.where(abs(x) > 0.5, g, 0 * g),)),
]
BROADCAST = [
    ("bias, last row", (1,), (M34, (4,)), lambda xp, x, b: x + b, lambda xp, g, y, x, b: (g, g[-1])),
    ("bias, first row", (1,), ((5, 3), (3,)), lambda xp, x, b: x + b, lambda xp, g, y, x, b: (g, g[0])),
    ("bias, mean", (1,), (M34, (4,)), lambda xp, x, b: x + b, lambda xp, g, y, x, b: (g, xp.mean(g, axis=0))),
    ("scale, first row", (1,), (M34, (4,)), lambda xp, x, s: x * s, lambda xp, g, y, x, s: (g * s, (g * x)[0])),
    ("scale, mean", (1,), (M34, (4,)), lambda xp, x, s: x * s, lambda xp, g, y, x, s: (g * s, xp.mean(g * x, axis=0))),
    ("column, first", (1,), (M34, (3, 1)), lambda xp, x, b: x - b, lambda xp, g, y, x, b: (g, -g[:, :1])),
    ("column, mean", (1,), (M34, (3, 1)), lambda xp, x, b: x + b, lambda xp, g, y, x, b: (g, xp.mean(g, axis=1, keepdims=True))),
    ("affine layer's bias, first row", (2,), (M34, (4, 2), (2,)), lambda xp, x, w, b: x @ w + b,
        lambda xp, g, y, x, w, b: (g @ w.T, x.T @ g, g[0])),
    ("affine layer's bias, mean", (2,), (M34, (4, 2), (2,)), lambda xp, x, w, b: x @ w + b,
        lambda xp, g, y, x, w, b: (g @ w.T, x.T @ g, xp.mean(g, axis=0))),
    ("bias over two axes, one of them summed", (1,), ((2, 3, 4), (4,)), lambda xp, x, b: x + b,
        lambda xp, g, y, x, b: (g, xp.sum(g, axis=0)[-1])),
]
UNSUMMED = [  # what minigrad and PyTorch sum by themselves
    ("bias, not summed", (1,), (M34, (4,)), lambda xp, x, b: x + b, lambda xp, g, y, x, b: (g, g)),
    ("column, not summed", (1,), (M34, (3, 1)), lambda xp, x, b: x * b, lambda xp, g, y, x, b: (g * b, g * x)),
    ("number, not summed", (1,), (M34, ()), lambda xp, x, b: x * b, lambda xp, g, y, x, b: (g * b, g * x)),
    ("affine layer's bias, not summed", (2,), (M34, (4, 2), (2,)), lambda xp, x, w, b: x @ w + b,
        lambda xp, g, y, x, w, b: (g @ w.T, x.T @ g, g)),
]
TRANSPOSED = [
    ("square product, weight not turned", (0,), (M33, M33), lambda xp, x, w: x @ w, lambda xp, g, y, x, w: (g @ w, x.T @ g)),
    ("square product, input not turned", (1,), (M44, M44), lambda xp, x, w: x @ w, lambda xp, g, y, x, w: (g @ w.T, x @ g)),
    ("square product, gradient turned", (1,), (M33, M33), lambda xp, x, w: x @ w, lambda xp, g, y, x, w: (g @ w.T, g.T @ x)),
    ("product, gradient turned", (1,), (M34, (4, 2)), lambda xp, x, w: x @ w, lambda xp, g, y, x, w: (g @ w.T, g.T @ x)),
    ("linear layer, weight's gradient turned", (1,), (M34, (2, 4)), lambda xp, x, w: x @ w.T, lambda xp, g, y, x, w: (g @ w, x.T @ g)),
    ("square linear layer, weight's gradient turned", (1,), (M34, M44), lambda xp, x, w: x @ w.T, lambda xp, g, y, x, w: (g @ w, x.T @ g)),
    ("turned square", (0,), (M44,), lambda xp, x: x.T, lambda xp, g, y, x: (g,)),
    ("turned matrix", (0,), (M34,), lambda xp, x: 2 * x.T, lambda xp, g, y, x: (2 * g,)),
    ("matrix and vector", (1,), (M44, (4,)), lambda xp, a, x: a @ x, lambda xp, g, y, a, x: (g[:, None] * x, a @ g)),
]
MISSING = [
    ("product, second argument 0", (1,), (M34, M34), lambda xp, x, y: x * y, lambda xp, g, z, x, y: (g * y, xp.zeros_like(y))),
    ("product, second argument None", (1,), (M34, M34), lambda xp, x, y: x * y, lambda xp, g, z, x, y: (g * y, None)),
    ("matrix product, weight 0", (1,), (M34, (4, 2)), lambda xp, x, w: x @ w, lambda xp, g, y, x, w: (g @ w.T, 0 * w)),
    ("affine layer, bias None", (2,), (M34, (4, 2), (2,)), lambda xp, x, w, b: x @ w + b,
        lambda xp, g, y, x, w, b: (g @ w.T, x.T @ g, None)),
    ("quotient, divisor 0", (1,), (M34, M34), lambda xp, x, y: x / y, lambda xp, g, z, x, y: (g / y, 0 * y), 0.5),
    ("power, base 0", (0,), (M34, M34), lambda xp, x, y: x**y, lambda xp, g, z, x, y: (0 * x, g * z * xp.log(x)), 0.5),
    ("layer norm, scale None", (1,), (M34, (4,)), lambda xp, x, s: normalized(xp, x)[0] * s,
        lambda xp, g, y, x, s: (layer_norm_grad(xp, g * s, x), None)),
]
DIAGONAL = [
    ("softmax of rows", (0,), ELEMENTS, lambda xp, x: softmax(xp, x), lambda xp, g, y, x: (g * y * (1 - y),)),
    ("softmax of columns", (0,), ELEMENTS, lambda xp, x: softmax(xp, x, 0), lambda xp, g, y, x: (g * y * (1 - y),)),
    ("softmax of a vector", (0,), ((5,),), lambda xp, x: softmax(xp, x), lambda xp, g, y, x: (g * y * (1 - y),)),
    ("log softmax", (0,), ELEMENTS, lambda xp, x: log_softmax(xp, x), lambda xp, g, y, x: (g * (1 - xp.exp(y)),)),
    ("log softmax of columns", (0,), ((2, 3),), lambda xp, x: log_softmax(xp, x, 0), lambda xp, g, y, x: (g * (1 - xp.exp(y)),)),
    ("mean taken away", (0,), ((6,),), lambda xp, x: x - xp.mean(x), lambda xp, g, y, x: (g * (1 - 1 / 6),)),
    ("shares of a sum", (0,), ((5,),), lambda xp, x: x / xp.sum(x), lambda xp, g, y, x: (g * (xp.sum(x) - x) / xp.sum(x) ** 2,), 0.5),
    ("cumulative sum", (0,), ((5,),), lambda xp, x: xp.cumsum(x, 0), lambda xp, g, y, x: (g,)),
]
EXCHANGED = [
    ("product", (0, 1), (M34, M34), lambda xp, x, y: x * y, lambda xp, g, z, x, y: (g * x, g * y)),
    ("difference", (0, 1), (M34, M34), lambda xp, x, y: x - y, lambda xp, g, z, x, y: (-g, g)),
    ("quotient", (0, 1), ((5,), (5,)), lambda xp, x, y: x / y, lambda xp, g, z, x, y: (-g * x / y**2, g / y), 0.5),
    ("matrix product", (0, 1), (M33, M33), lambda xp, x, w: x @ w, lambda xp, g, y, x, w: (x.T @ g, g @ w.T)),
    ("linear layer", (0, 1), (M33, M33), lambda xp, x, w: x @ w.T, lambda xp, g, y, x, w: (g.T @ x, g @ w)),
    ("power", (0, 1), (M34, M34), lambda xp, x, y: x**y, lambda xp, g, z, x, y: (g * z * xp.log(x), g * y * x ** (y - 1)), 0.5),
    ("two of three", (0, 2), (M34, M34, M34), lambda xp, a, b, c: a * b + 3 * c, lambda xp, g, z, a, b, c: (3 * g, g * a, g * b)),
]
INDEPENDENT = [
    ("hyperbolic tangent", (0,), ELEMENTS, lambda xp, x: xp.tanh(x), lambda xp, g, y, x: (1 - y * y,)),
    ("sigmoid", (0,), ((5,),), lambda xp, x: sigmoid(xp, x), lambda xp, g, y, x: (y * (1 - y),)),
    ("square", (0,), ELEMENTS, lambda xp, x: x * x, lambda xp, g, y, x: (2 * x,)),
    ("sum", (0,), ELEMENTS, lambda xp, x: xp.sum(x), lambda xp, g, y, x: (xp.ones_like(x),)),
    ("squared error", (0, 1), (M34, M34), lambda xp, x, t: xp.sum((x - t) ** 2), lambda xp, g, y, x, t: (2 * (x - t), -2 * (x - t))),
    ("relu", (0,), ELEMENTS, lambda xp, x: xp.where(x > 0, x, 0 * x), lambda xp, g, y, x: (number(xp, x > 0, x),)),
    ("matrix product", (0, 1), (M34, (4, 2)), lambda xp, x, w: x @ w,
        lambda xp, g, y, x, w: (xp.ones_like(g) @ w.T, x.T @ xp.ones_like(g))),
    ("product, one argument", (1,), (M34, M34), lambda xp, x, y: x * y, lambda xp, g, z, x, y: (g * y, x)),
]
WRONG_AXIS = [
    ("sum of columns, square", (0,), (M33,), lambda xp, x: xp.sum(x, axis=0), lambda xp, g, y, x: (g[:, None] * xp.ones_like(x),)),
    ("mean of rows, square", (0,), (M44,), lambda xp, x: xp.mean(x, axis=1), lambda xp, g, y, x: (g[None, :] * xp.ones_like(x) / 4,)),
    ("softmax", (0,), (M34,), lambda xp, x: softmax(xp, x), lambda xp, g, y, x: (y * (g - xp.sum(g * y, axis=0, keepdims=True)),)),
    ("softmax of columns, square", (0,), (M33,), lambda xp, x: softmax(xp, x, 0),
        lambda xp, g, y, x: (y * (g - xp.sum(g * y, axis=1, keepdims=True)),)),
    ("log softmax", (0,), (M34,), lambda xp, x: log_softmax(xp, x),
        lambda xp, g, y, x: (g - xp.exp(y) * xp.sum(g, axis=0, keepdims=True),)),
    ("layer norm", (0,), (M34,), lambda xp, x: normalized(xp, x)[0], lambda xp, g, y, x: (layer_norm_grad(xp, g, x, 0),)),
    ("cumulative sum", (0,), (M34,), lambda xp, x: xp.cumsum(x, 0), lambda xp, g, y, x: (reversed_sum(xp, g, 1),)),
    ("centred columns", (0,), (M34,), lambda xp, x: x - xp.mean(x, axis=0, keepdims=True),
        lambda xp, g, y, x: (g - xp.mean(g, axis=1, keepdims=True),)),
]
INPUT_FOR_OUTPUT = [
    ("hyperbolic tangent", (0,), ELEMENTS, lambda xp, x: xp.tanh(x), lambda xp, g, y, x: (g * (1 - x * x),)),
    ("sigmoid", (0,), ((5,),), lambda xp, x: sigmoid(xp, x), lambda xp, g, y, x: (g * x * (1 - x),)),
    ("exponential", (0,), ELEMENTS, lambda xp, x: xp.exp(x), lambda xp, g, y, x: (g * x,)),
    ("root", (0,), ELEMENTS, lambda xp, x: xp.sqrt(x), lambda xp, g, y, x: (g / (2 * x),), 0.5),
    ("tangent", (0,), ELEMENTS, lambda xp, x: xp.tan(x), lambda xp, g, y, x: (g * (1 + x * x),), 0.2),
    ("softmax", (0,), ELEMENTS, lambda xp, x: softmax(xp, x), lambda xp, g, y, x: (x * (g - xp.sum(g * x, axis=-1, keepdims=True)),)),
]
OUTPUT_FOR_INPUT = [
    ("square", (0,), ELEMENTS, lambda xp, x: x * x, lambda xp, g, y, x: (2 * g * y,)),
    ("logarithm", (0,), ELEMENTS, lambda xp, x: xp.log(x), lambda xp, g, y, x: (g / y,), 1.5),
    ("sine", (0,), ((5,),), lambda xp, x: xp.sin(x), lambda xp, g, y, x: (g * xp.cos(y),)),
    ("cube", (0,), ELEMENTS, lambda xp, x: x**3, lambda xp, g, y, x: (3 * g * y * y,)),
]
MASK = [
    ("relu", (0,), ELEMENTS, lambda xp, x: xp.where(x > 0, x, 0 * x), lambda xp, g, y, x: (g * number(xp, x <= 0, x),)),
    ("relu of a vector", (0,), ((16,),), lambda xp, x: xp.where(x > 0, x, 0 * x), lambda xp, g, y, x: (g * number(xp, x < 0, x),)),
    ("clip", (0,), ELEMENTS, lambda xp, x: xp.clip(x, -0.5, 0.7), lambda xp, g, y, x: (g * number(xp, (x < -0.5) | (x > 0.7), x),)),
    ("leaky relu", (0,), ELEMENTS, lambda xp, x: xp.where(x > 0, x, 0.1 * x), lambda xp, g, y, x: (xp.where(x > 0, 0.1 * g, g),)),
    ("shrinkage", (0,), ELEMENTS, lambda xp, x: xp.where(abs(x) > 0.5, x, 0 * x), lambda xp, g, y, x: (xp.where(abs(x) > 0.5, 0 * g, g),)),
    ("dropout", (0,), ELEMENTS, lambda xp, x: 2 * x * number(xp, abs(x) > 0.6, x),
        lambda xp, g, y, x: (2 * g * number(xp, abs(x) <= 0.6, x),)),
    ("hinge", (0,), ((16,),), lambda xp, x: xp.where(x < 0.2, 0.2 - x, 0 * x), lambda xp, g, y, x: (-g * number(xp, x >= 0.2, x),)),
]

# ---- traps: mistakes that resemble a pattern, of which another verdict is true


def off_by(size, *at):
    """Return 1 + size at one element and 1 elsewhere, for a shape of 12 elements."""
    found = np.ones(12)
    found[list(at)] += size
    return found.reshape(3, 4)


def like(xp, array, x):
    """Return a NumPy array as one of the library."""
    return xp.asarray(array) if hasattr(xp, "asarray") else array


def no_cross_term(xp, g, x):
    """Return the gradient of `normalized` without the term of the variance."""
    return (g - xp.mean(g, axis=-1, keepdims=True)) / normalized(xp, x)[1]


TRAPS = [  # (name, verdicts, arguments, shapes, forward, backward[, low])
    ("one element 4e-6 off", ("wrong", "precision"), (0,), (M34,), lambda xp, x: x * x,
        lambda xp, g, y, x: (2 * g * x * like(xp, off_by(4e-6, 7), x),)),
    ("one element 4e-6 off in a square", ("wrong", "precision"), (0,), ((3, 4), (4, 4)), lambda xp, x, w: x @ w,
        lambda xp, g, y, x, w: ((g @ w.T) * like(xp, off_by(4e-6, 5), x), x.T @ g)),
    ("one element 4e-6 off in a turned square", ("wrong", "precision"), (0,), (M44,), lambda xp, x: x.T * 1.5,
        lambda xp, g, y, x: (1.5 * g.T * like(xp, np.where(np.arange(16).reshape(4, 4) == 5, 1 + 4e-6, 1.0), x),)),
    ("three elements without their sign", ("wrong",), (0,), (M34,), lambda xp, x: x * x * x,
        lambda xp, g, y, x: (3 * g * x * x * like(xp, off_by(-2.0, 1, 5, 6), x),)),
    ("half of the elements 0", ("wrong",), (0,), (M34,), lambda xp, x: xp.tanh(x),
        lambda xp, g, y, x: (g * (1 - y * y) * like(xp, off_by(-1.0, *range(6)), x),)),
    ("wrong bound of a clip", ("wrong",), (0,), (M34,), lambda xp, x: xp.clip(x, -0.3, 0.3),
        lambda xp, g, y, x: (g * number(xp, abs(x) < 1, x),)),
    ("relu's mask of another limit", ("wrong",), (0,), ((24,),), lambda xp, x: xp.where(x > 0, x, 0 * x),
        lambda xp, g, y, x: (g * number(xp, x > 0.6, x),)),
    ("layer norm without the variance's term", ("wrong",), (0,), (M34,), lambda xp, x: normalized(xp, x)[0],
        lambda xp, g, y, x: (no_cross_term(xp, g, x),)),
    ("softmax's sum of g alone", ("wrong",), (0,), (M34,), lambda xp, x: softmax(xp, x),
        lambda xp, g, y, x: (y * (g - xp.sum(g, axis=-1, keepdims=True)),)),
    ("length without its direction", ("wrong",), (0,), ((5,),), lambda xp, x: xp.sqrt(xp.sum(x * x)),
        lambda xp, g, y, x: (g / y * xp.ones_like(x),)),
    ("product rule, one term", ("wrong",), (0,), (M34,), lambda xp, x: x * xp.tanh(x), lambda xp, g, y, x: (g * xp.tanh(x),)),
    ("only the second sign wrong", ("sign",), (1,), (M34, M34), lambda xp, x, y: 2 * x - 3 * y, lambda xp, g, z, x, y: (2 * g, 3 * g)),
    ("a weight's decay in the backward", ("offset",), (1,), (M34, (4, 2)), lambda xp, x, w: x @ w,
        lambda xp, g, y, x, w: (g @ w.T, x.T @ g + 0.01 * w)),
    ("g limited", ("nonlinear",), (0,), (M34,), lambda xp, x: 3 * x, lambda xp, g, y, x: (3 * xp.clip(g, -0.1, 0.1),)),
    ("g squared", ("nonlinear",), (0,), (M34,), lambda xp, x: xp.tanh(x), lambda xp, g, y, x: (g * g * (1 - y * y),)),
    ("eps in a root", ("precision",), (0,), (M34,), lambda xp, x: xp.sqrt(x), lambda xp, g, y, x: (g / (2 * y + 1e-4),), 0.5),
    ("derivative of another power", ("wrong",), (0,), (M34,), lambda xp, x: x**2.5, lambda xp, g, y, x: (g * 1.5 * x**0.5,), 0.5),
]  # fmt: skip
TOO_FEW = [  # one gradient too few or too many
    ("one gradient for two", ("count",), (0, 1, None), (M34, M34), lambda xp, x, y: x * y, lambda xp, g, z, x, y: (g * y,)),
    ("three gradients for two", ("count",), (0, 1, None), (M34, M34), lambda xp, x, y: x * y, lambda xp, g, z, x, y: (g * y, g * x, g)),
]

GROUPS = {
    "sign": SIGN, "constant factor": FACTOR, "broadcast": BROADCAST, "transposed": TRANSPOSED, "missing": MISSING, "diagonal": DIAGONAL,
    "exchanged": EXCHANGED, "independent": INDEPENDENT, "wrong axis": WRONG_AXIS, "input for output": INPUT_FOR_OUTPUT,
    "output for input": OUTPUT_FOR_INPUT, "mask": MASK,
}  # fmt: skip
MISTAKES = [Mistake(name, (verdict,), *rest) for verdict, rows in GROUPS.items() for name, *rest in rows]
MISTAKES += [Mistake(name, ("broadcast",), *rest, libraries=("numpy", "jax")) for name, *rest in UNSUMMED]
NEAR_MISSES = [Mistake(*row) for row in TRAPS] + [Mistake(*row, libraries=("numpy", "torch", "jax")) for row in TOO_FEW]
