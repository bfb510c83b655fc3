"""Planted bugs, first part: the eleven classic mistakes of a backward written by hand."""

import numpy as np

from benchmarks.checkers.cases import Functions, away_from_0, bug, uniform


def softmax(x, axis=-1):
    """Return exp(x) / Σ exp(x)."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def sigmoid(x):
    """Return 1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def batch_norm(x):
    """Return x with mean 0 and variance 1 in each column."""
    return (x - x.mean(axis=0)) / np.sqrt(((x - x.mean(axis=0)) ** 2).mean(axis=0) + 1e-5)


def batch_norm_gradient(g, x):
    """Return the gradient of batch_norm."""
    y, scale = batch_norm(x), 1 / np.sqrt(x.var(axis=0) + 1e-5)
    return scale * (g - g.mean(axis=0) - y * (g * y).mean(axis=0))


# ---- sign


@bug("sign", (3, 4))
def cos_sign():
    """The derivative of cos has lost its minus sign."""
    return Functions(np.cos, lambda g, x: -g * np.sin(x), lambda g, x: g * np.sin(x))


@bug("sign", (3, 4), (3, 4))
def subtract_sign():
    """The gradient of what is subtracted has the sign of a sum."""
    return Functions(np.subtract, lambda g, x, y: (g, -g), lambda g, x, y: (g, g.copy()))


@bug("sign", (3, 4), uniform(0.5, 2, 3, 4))
def divide_sign():
    """The gradient of the divisor has lost its minus sign."""

    def right(g, x, y):
        return g / y, -g * x / y**2

    return Functions(np.divide, right, lambda g, x, y: (g / y, g * x / y**2))


# ---- constant factor


@bug("constant factor", (3, 4))
def square_factor():
    """The derivative of x² is x, without the 2."""
    return Functions(np.square, lambda g, x: 2 * g * x, lambda g, x: g * x)


@bug("constant factor", (5, 3), (5, 3))
def mean_squared_error_not_divided():
    """The gradient of a mean of squares is not divided by the number of elements."""

    def right(g, x, y):
        dx = g * 2 * (x - y) / x.size
        return dx, -dx

    def wrong(g, x, y):
        dx = g * 2 * (x - y)
        return dx, -dx

    return Functions(lambda x, y: ((x - y) ** 2).mean(), right, wrong)


@bug("constant factor", (4, 6))
def mean_as_sum():
    """The gradient of a mean over an axis is that of the sum."""

    def right(g, x):
        return np.broadcast_to(g[:, None] / x.shape[1], x.shape).copy()

    return Functions(lambda x: x.mean(axis=1), right, lambda g, x: np.broadcast_to(g[:, None], x.shape).copy())


@bug("constant factor", (4, 6))
def variance_ddof():
    """The variance divides by n - 1 = 5, its gradient by n."""

    def backward(n):
        return lambda g, x: g[:, None] * 2 * (x - x.mean(axis=1, keepdims=True)) / n

    def forward(x):
        return ((x - x.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) / 5

    return Functions(forward, backward(5), backward(6))


@bug("constant factor", (2, 3, 4), (2, 5, 4), (2, 5, 4))
def attention_scale():
    """The backward of attention forgets the factor 1/√d of the scores."""

    def backward(scale):
        def run(g, q, k, v):
            weights = softmax(q @ k.swapaxes(-1, -2) / np.sqrt(4))
            dw = g @ v.swapaxes(-1, -2)
            ds = weights * (dw - (dw * weights).sum(axis=-1, keepdims=True)) * scale
            return ds @ k, ds.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ g

        return run

    def forward(q, k, v):
        return softmax(q @ k.swapaxes(-1, -2) / np.sqrt(4)) @ v

    return Functions(forward, backward(0.5), backward(1.0))


# ---- a missing sum over a broadcast axis


@bug("missing sum over a broadcast axis", (5, 3), (4, 3), (4,))
def linear_bias_not_summed():
    """The bias' gradient is that of one row, not the sum over the batch."""

    def right(g, x, w, b):
        return g @ w, g.T @ x, g.sum(axis=0)

    return Functions(lambda x, w, b: x @ w.T + b, right, lambda g, x, w, b: (g @ w, g.T @ x, g[0].copy()))


@bug("missing sum over a broadcast axis", (5, 3), (3,))
def add_bias_mean():
    """The bias' gradient is the mean over the batch, not the sum."""
    return Functions(np.add, lambda g, x, b: (g, g.sum(axis=0)), lambda g, x, b: (g, g.mean(axis=0)))


@bug("missing sum over a broadcast axis", (3, 4), (4,), shows="form")
def multiply_broadcast_shape():
    """The gradient of the broadcast factor has the shape of the product."""
    return Functions(np.multiply, lambda g, x, y: (g * y, (g * x).sum(axis=0)), lambda g, x, y: (g * y, g * x))


# ---- transposed


@bug("transposed", (4, 4), (4, 4))
def matmul_transposed():
    """The gradient of a square matrix product's left factor is multiplied by the right one, not by its transpose."""

    def right(g, x, w):
        return g @ w.T, x.T @ g

    return Functions(np.matmul, right, lambda g, x, w: (g @ w, x.T @ g))


@bug("transposed", (3, 4, 4), (3, 4, 4))
def matmul_of_stacks():
    """The transpose of stacked matrices turns all axes round, then gets its shape by reshape."""

    def right(g, x, w):
        return g @ w.swapaxes(-1, -2), x.swapaxes(-1, -2) @ g

    return Functions(np.matmul, right, lambda g, x, w: (g @ w.T.reshape(w.shape), x.swapaxes(-1, -2) @ g))


@bug("transposed", (2, 3, 4))
def permute_with_the_same_permutation():
    """The backward of a transpose permutes by the same permutation, not by its inverse, and reshapes."""

    def forward(x):
        return x.transpose(1, 2, 0).copy()

    return Functions(forward, lambda g, x: g.transpose(2, 0, 1).copy(), lambda g, x: g.transpose(1, 2, 0).reshape(x.shape))


@bug("transposed", (4, 3))
def reshape_for_transpose():
    """The gradient of a transpose is reshaped, not transposed."""
    return Functions(lambda x: x.T.copy(), lambda g, x: g.T.copy(), lambda g, x: g.reshape(x.shape).copy())


# ---- missing gradient


@bug("missing gradient", (3, 4), (3, 4))
def multiply_zero():
    """The gradient of the second factor is 0."""
    return Functions(np.multiply, lambda g, x, y: (g * y, g * x), lambda g, x, y: (g * y, np.zeros_like(y)))


@bug("missing gradient", (3, 4))
def second_path_missing():
    """x · tanh(x): the path through tanh is missing."""

    def right(g, x):
        return g * (np.tanh(x) + x * (1 - np.tanh(x) ** 2))

    return Functions(lambda x: x * np.tanh(x), right, lambda g, x: g * np.tanh(x))


@bug("missing gradient", (6, 4))
def batch_norm_without_the_mean_term():
    """Batch norm's backward leaves out how the mean and the variance depend on x."""

    return Functions(batch_norm, batch_norm_gradient, lambda g, x: g / np.sqrt(x.var(axis=0) + 1e-5))


@bug("missing gradient", (6, 4))
def batch_norm_without_the_variance_term():
    """Batch norm's backward leaves out how the variance depends on x."""

    return Functions(batch_norm, batch_norm_gradient, lambda g, x: (g - g.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5))


@bug("missing gradient", (4, 6))
def layer_norm_without_the_variance_term():
    """Layer norm's backward leaves out how the variance depends on x."""

    def forward(x):
        centred = x - x.mean(axis=1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)

    def right(g, x):
        y = forward(x)
        scale = 1 / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
        return scale * (g - g.mean(axis=1, keepdims=True) - y * (g * y).mean(axis=1, keepdims=True))

    def wrong(g, x):
        return (g - g.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)

    return Functions(forward, right, wrong)


# ---- only the diagonal of the Jacobian


@bug("only the diagonal of the Jacobian", (3, 5))
def softmax_diagonal():
    """The gradient of softmax is g · y · (1 - y), the diagonal of its Jacobian."""

    def right(g, x):
        y = softmax(x)
        return y * (g - (g * y).sum(axis=-1, keepdims=True))

    return Functions(softmax, right, lambda g, x: g * softmax(x) * (1 - softmax(x)))


@bug("only the diagonal of the Jacobian", (3, 5))
def log_softmax_without_the_sum():
    """The gradient of log softmax has g · softmax in place of softmax · Σ g."""

    def forward(x):
        shifted = x - x.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    def right(g, x):
        return g - softmax(x) * g.sum(axis=1, keepdims=True)

    return Functions(forward, right, lambda g, x: g - softmax(x) * g)


@bug("only the diagonal of the Jacobian", (3, 5))
def cumsum_diagonal():
    """The gradient of a cumulative sum is g alone, without what the later sums add."""

    def right(g, x):
        return np.cumsum(g[:, ::-1], axis=1)[:, ::-1].copy()

    return Functions(lambda x: np.cumsum(x, axis=1), right, lambda g, x: g.copy())


# ---- arguments exchanged


@bug("arguments exchanged", (3, 4), (3, 4))
def multiply_exchanged():
    """The two gradients of a product are returned in the wrong order."""
    return Functions(np.multiply, lambda g, x, y: (g * y, g * x), lambda g, x, y: (g * x, g * y))


@bug("arguments exchanged", uniform(0.5, 2, 3, 4), uniform(0.5, 2, 3, 4))
def power_exchanged():
    """The two gradients of a power are returned in the wrong order."""

    def right(g, x, y):
        return g * y * x ** (y - 1), g * x**y * np.log(x)

    return Functions(np.power, right, lambda g, x, y: right(g, x, y)[::-1])


@bug("arguments exchanged", (3, 4), (3, 4))
def two_outputs_exchanged():
    """Of two outputs, each gets the other's g."""

    def forward(x, y):
        return np.sin(x) * y, np.exp(0.3 * x) + y

    def right(g, x, y):
        first, second = g
        return first * np.cos(x) * y + second * 0.3 * np.exp(0.3 * x), first * np.sin(x) + second

    return Functions(forward, right, lambda g, x, y: right(g[::-1], x, y))


@bug("missing gradient", (3, 4))
def second_output_ignored():
    """Of two outputs, only the first one's g is used."""

    def forward(x):
        return np.sin(x), x**2

    def right(g, x):
        return g[0] * np.cos(x) + g[1] * 2 * x

    return Functions(forward, right, lambda g, x: g[0] * np.cos(x))


# ---- independent of g


@bug("independent of g", (3, 4))
def tanh_without_g():
    """The gradient of tanh is not multiplied by g."""
    return Functions(np.tanh, lambda g, x: g * (1 - np.tanh(x) ** 2), lambda g, x: 1 - np.tanh(x) ** 2)


@bug("independent of g", (3, 4))
def loss_without_g():
    """A loss takes for granted that g is 1."""
    return Functions(lambda x: (x**3).sum(), lambda g, x: g * 3 * x**2, lambda g, x: 3 * x**2, None)


# ---- the wrong axis


@bug("the wrong axis", (4, 4))
def sum_wrong_axis():
    """The gradient of a sum over rows is repeated along the columns."""

    def right(g, x):
        return np.repeat(g[:, None], 4, axis=1)

    return Functions(lambda x: x.sum(axis=1), right, lambda g, x: np.repeat(g[None, :], 4, axis=0))


@bug("the wrong axis", (4, 4))
def softmax_wrong_axis():
    """The backward of softmax sums over the other axis."""

    def backward(axis):
        def run(g, x):
            y = softmax(x)
            return y * (g - (g * y).sum(axis=axis, keepdims=True))

        return run

    return Functions(softmax, backward(1), backward(0))


@bug("the wrong axis", (3, 4), (3, 4))
def concatenation_split_at_the_wrong_axis():
    """The gradient of a concatenation is split along the other axis and reshaped."""

    def right(g, x, y):
        return g[:, :4].copy(), g[:, 4:].copy()

    def wrong(g, x, y):
        first, second = np.split(g.reshape(6, 4), 2)
        return first.copy(), second.copy()

    return Functions(lambda x, y: np.concatenate([x, y], axis=1), right, wrong)


# ---- the input used for the output


@bug("the input used for the output", (3, 4))
def tanh_of_the_input():
    """The gradient of tanh is 1 - x², with the input in place of the output."""
    return Functions(np.tanh, lambda g, x: g * (1 - np.tanh(x) ** 2), lambda g, x: g * (1 - x**2))


@bug("the input used for the output", (3, 4))
def sigmoid_of_the_input():
    """The gradient of the sigmoid is x (1 - x), with the input in place of the output."""
    return Functions(sigmoid, lambda g, x: g * sigmoid(x) * (1 - sigmoid(x)), lambda g, x: g * x * (1 - x))


@bug("the output used for the input", uniform(0.5, 2, 3, 4))
def log_of_the_output():
    """The gradient of log is g / y, with the output in place of the input."""
    return Functions(np.log, lambda g, x: g / x, lambda g, x: g / np.log(x))


# ---- the mask inverted


@bug("the mask inverted", away_from_0(4, 5))
def relu_mask():
    """The gradient of relu passes where x is negative."""
    return Functions(lambda x: x * (x > 0), lambda g, x: g * (x > 0), lambda g, x: g * (x <= 0))


@bug("the mask inverted", away_from_0(4, 5), away_from_0(4, 5))
def maximum_mask():
    """The larger of two numbers: the smaller one gets the gradient."""

    def right(g, x, y):
        return g * (x > y), g * (x <= y)

    return Functions(lambda x, y: np.where(x > y, x, y), right, lambda g, x, y: (g * (x <= y), g * (x > y)))
