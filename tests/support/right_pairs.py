"""Right pairs of a forward and a backward in plain NumPy, as people write them by hand, for `check_vjp`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from support.right_functions import ANY, BROADCAST, NO_DENORMAL, PAIR, ROWS, VECTOR, Right, squares_vanish_nowhere


@dataclass
class Pair(Right):
    """A function and its backward, or a list of one VJP for each argument."""

    backward: object = None


NUMPY: dict[str, Pair] = {}


def pair(shapes, **properties):
    """Return a decorator for a function that returns (forward, backward)."""

    def enter(define):
        forward, backward = define()
        forward.__name__ = define.__name__
        NUMPY[define.__name__] = Pair(forward, tuple(shapes), backward=backward, **properties)
        return define

    return enter


def softmax_of(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def summed_to(g, shape):
    """Return g, added up over the axes that broadcasting added or stretched."""
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True).reshape(shape)


@pair(ROWS)
def softmax():
    def backward(g, x):
        y = softmax_of(x)
        return y * (g - (g * y).sum(axis=-1, keepdims=True))

    return softmax_of, backward


@pair(ROWS)
def log_softmax():
    def forward(x):
        shifted = x - x.max(axis=0)
        return shifted - np.log(np.exp(shifted).sum(axis=0))

    return forward, lambda g, x: g - softmax_of(x, 0) * g.sum(axis=0)


@pair(ANY, smooth=False)
def relu():
    return lambda x: np.maximum(x, 0), lambda g, x: g * (x > 0)


@pair(ANY, limit=700)
def sigmoid():
    def forward(x):
        return 1 / (1 + np.exp(-x))

    return forward, lambda g, x: g * forward(x) * forward(-x)


@pair(ANY)
def tanh():
    return lambda x: np.tanh(x), lambda g, x: g * (1 - np.tanh(x) ** 2)


@pair(ANY)
def sine():
    return lambda x: np.sin(3 * x), lambda g, x: 3 * g * np.cos(3 * x)


@pair(ANY)
def arctangent():
    return lambda x: np.arctan(x), lambda g, x: g / (1 + x * x)


@pair([((3, 4), (4, 2), (2,)), ((1, 1), (1, 1), (1,)), ((3, 3), (3, 3), (3,))])
def affine():
    return lambda x, w, b: x @ w + b, lambda g, x, w, b: (g @ w.T, x.T @ g, g.sum(axis=0))


@pair([((3, 4), (4,), (4,)), ((1, 3), (3,), (3,)), ((2, 1), (1,), (1,))])
def layer_norm():
    def normalized(x):
        centred = x - x.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
        return centred / deviation, deviation

    def backward(g, x, weight, bias):
        y, deviation = normalized(x)
        gy = g * weight
        dx = gy - gy.mean(axis=-1, keepdims=True) - y * (gy * y).mean(axis=-1, keepdims=True)
        return dx / deviation, (g * y).sum(axis=0), g.sum(axis=0)

    return lambda x, weight, bias: normalized(x)[0] * weight + bias, backward


@pair([((4, 3),), ((1, 2),), ((5, 1),)], options={"cache": True})
def batch_norm_with_a_cache():
    def forward(x):
        centred = x - x.mean(axis=0)
        deviation = np.sqrt((centred**2).mean(axis=0) + 1e-5)
        return centred / deviation, (centred / deviation, deviation)

    def backward(g, cache):
        y, deviation = cache
        return (g - g.mean(axis=0) - y * (g * y).mean(axis=0)) / deviation

    return forward, backward


@pair([((3, 4),)], constants=(np.array([1, 0, 3]),))
def cross_entropy():
    rows = np.arange(3)

    def forward(x, labels):
        shifted = x - x.max(axis=1, keepdims=True)
        return (np.log(np.exp(shifted).sum(axis=1)) - shifted[rows, labels]).mean()

    def backward(g, x, labels):
        dx = softmax_of(x)
        dx[rows, labels] -= 1
        return g * dx / 3, None

    return forward, backward


@pair([((7,), (3,)), ((4,), (1,)), ((3,), (3,))])
def convolution():
    def windows(x, k):
        return np.lib.stride_tricks.sliding_window_view(x, len(k))

    def backward(g, x, k):
        dx = np.zeros_like(x)
        for i in range(len(k)):
            dx[i : i + len(g)] += g * k[i]
        return dx, windows(x, k).T @ g

    return lambda x, k: windows(x, k) @ k, backward


@pair([((6,),), ((2,),)], smooth=False)
def max_pool():
    def backward(g, x):
        pairs = x.reshape(-1, 2)
        dx = np.zeros_like(pairs)
        dx[np.arange(len(pairs)), pairs.argmax(axis=1)] = g
        return dx.reshape(-1)

    return lambda x: x.reshape(-1, 2).max(axis=1), backward


@pair(VECTOR)
def cumulative_sum():
    return lambda x: np.cumsum(x), lambda g, x: np.cumsum(g[::-1])[::-1]


@pair(VECTOR, kinds=NO_DENORMAL)
def cumulative_product():
    def backward(g, x):
        others = [[np.prod(np.delete(x[: k + 1], i)) if i <= k else 0.0 for i in range(len(x))] for k in range(len(x))]
        return np.array(others).T @ g

    return lambda x: np.cumprod(x), backward


@pair(ROWS, fits=squares_vanish_nowhere)
def unit_rows():
    def backward(g, x):
        n = np.sqrt((x * x).sum(axis=1, keepdims=True))
        return (g - x / n * (g * (x / n)).sum(axis=1, keepdims=True)) / n

    return lambda x: x / np.sqrt((x * x).sum(axis=1, keepdims=True)), backward


@pair(BROADCAST)
def product_of_broadcast_arrays():
    return lambda x, y: x * y, lambda g, x, y: (summed_to(g * y, x.shape), summed_to(g * x, y.shape))


@pair(BROADCAST, fits=lambda x, y: (np.abs(y) > 1e-100).all())
def quotient_with_a_list_of_vjps():
    return lambda x, y: x / y, [lambda g, x, y: summed_to(g / y, x.shape), lambda g, x, y: summed_to(-g * (x / y) / y, y.shape)]


@pair([((4, 2),)], constants=(np.array([0, 3, 0, 0]),))
def rows_of_a_table():
    def backward(g, table, index):
        dtable = np.zeros_like(table)
        np.add.at(dtable, index, g)
        return dtable, None

    return lambda table, index: table[index], backward


@pair(ROWS)
def log_of_sum_of_exponentials():
    def forward(x):
        peak = x.max(axis=1)
        return peak + np.log(np.exp(x - peak[:, None]).sum(axis=1))

    return forward, lambda g, x: g[:, None] * softmax_of(x)


@pair(ANY, smooth=False)
def limited():
    return lambda x: np.clip(x, -0.5, 0.5), lambda g, x: np.where((x >= -0.5) & (x <= 0.5), g, 0)


@pair(PAIR)
def squared_error():
    return lambda x, y: ((x - y) ** 2).mean(), lambda g, x, y: (2 * g * (x - y) / x.size, -2 * g * (x - y) / x.size)


@pair(VECTOR)
def variance_by_cancellation():
    def forward(x):
        return ((x + 1e4) ** 2).mean() - (x + 1e4).mean() ** 2

    return forward, lambda g, x: g * 2 * (x - x.mean()) / x.size


@pair(ANY, smooth=False)
def huber():
    return lambda x: np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5), lambda g, x: g * np.clip(x, -1, 1)


@pair(VECTOR, smooth=False)
def sort():
    def backward(g, x):
        dx = np.empty_like(x)
        dx[np.argsort(x, kind="stable")] = g
        return dx

    return lambda x: np.sort(x, kind="stable"), backward


@pair(VECTOR)
def differences():
    def backward(g, x):
        dx = np.zeros_like(x)
        dx[1:] += g
        dx[:-1] -= g
        return dx

    return lambda x: x[1:] - x[:-1], backward


@pair([((2, 3), (3, 4), (4, 2)), ((1, 1), (1, 1), (1, 1))])
def three_factors_by_einsum():
    def backward(g, a, b, c):
        return (np.einsum("il,jk,kl->ij", g, b, c), np.einsum("il,ij,kl->jk", g, a, c), np.einsum("il,ij,jk->kl", g, a, b))

    return lambda a, b, c: np.einsum("ij,jk,kl->il", a, b, c), backward


@pair(ANY, limit=1e18)
def float32_forward():
    return lambda x: np.square(x.astype(np.float32)).astype(np.float64), lambda g, x: 2 * g * x


@pair(ANY)
def a_billion_added_and_taken_away():
    return lambda x: (x + 1e9) - 1e9, lambda g, x: g * 1.0


@pair(ANY, options={"complex_step": True}, limit=600)
def entire_function_by_complex_steps():
    return lambda x: np.exp(-x * x) * np.cos(x), lambda g, x: -g * np.exp(-x * x) * (2 * x * np.cos(x) + np.sin(x))


@pair([((3,),), ((1,),)], options={"inplace": True}, smooth=False)
def relu_in_place():
    return lambda x: np.maximum(x, 0, out=x), lambda g, x: g * (x > 0)


@pair([((3, 4),), ((5,),)], options={"seed": 5})
def dropout_of_a_seeded_generator():
    kept = []

    def forward(x):
        kept[:] = [np.random.rand(*x.shape) > 0.5]
        return 2 * x * kept[0]

    return forward, lambda g, x: 2 * g * kept[0]


@pair(ANY)
def gradient_that_is_g_itself():
    return lambda x: x + 1, lambda g, x: g


@pair([((2, 3),), ((3, 3),)])
def transpose_as_a_view():
    return lambda x: x.T, lambda g, x: g.T


class Layer:
    """A layer that remembers its input, as courses write it."""

    def forward(self, x, w):
        self.x, self.w = x, w
        return np.tanh(x @ w)

    def backward(self, g):
        h = g * (1 - np.tanh(self.x @ self.w) ** 2)
        return h @ self.w.T, self.x.T @ h


@pair([((3, 2), (2, 4)), ((1, 1), (1, 1))])
def layer_object():
    layer = Layer()
    return lambda x, w: layer.forward(x, w), layer.backward
