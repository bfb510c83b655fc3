"""Planted bugs, second part: convolutions, pooling, losses, embeddings and what else layers are made of."""

import numpy as np

from benchmarks.checkers.cases import Functions, away_from_0, bug, uniform
from benchmarks.checkers.classic import sigmoid, softmax

# ---- convolution and pooling


def correlate(x, w):
    """Return y[t] = Σ_k w[k] x[t + k]."""
    return sum(w[k] * x[k : x.size - w.size + k + 1] for k in range(w.size))


@bug("transposed", (8,), (3,))
def conv1d_not_flipped():
    """The gradient of a convolution's input is convolved with the kernel that is not flipped."""

    def right(g, x, w):
        return np.convolve(g, w), np.array([(g * x[k : k + g.size]).sum() for k in range(w.size)])

    return Functions(correlate, right, lambda g, x, w: (np.convolve(g, w[::-1]), right(g, x, w)[1]))


@bug("the wrong element", (9,), (3,))
def strided_conv1d_without_stride():
    """The backward of a convolution with stride 2 collects as if the stride were 1."""

    def forward(x, w):
        return correlate(x, w)[::2]

    def backward(stride):
        def run(g, x, w):
            dx, dw = np.zeros_like(x), np.zeros_like(w)
            for t in range(g.size):
                dx[stride * t : stride * t + 3] += g[t] * w
                dw += g[t] * x[stride * t : stride * t + 3]
            return dx, dw

        return run

    return Functions(forward, backward(2), backward(1))


@bug("missing gradient", (7,), (3,))
def conv1d_last_element():
    """The loop over the positions of a convolution ends one too early."""

    def backward(skipped):
        def run(g, x, w):
            dx, dw = np.zeros_like(x), np.zeros_like(w)
            for t in range(g.size - skipped):
                dx[t : t + 3] += g[t] * w
                dw += g[t] * x[t : t + 3]
            return dx, dw

        return run

    return Functions(correlate, backward(0), backward(1))


@bug("the wrong element", (1, 6, 6))
def max_pooling_first_element():
    """Max pooling gives the gradient to each window's first element."""

    def windows(x):
        return x.reshape(1, 3, 2, 3, 2).transpose(0, 1, 3, 2, 4).reshape(1, 3, 3, 4)

    def backward(choose):
        def run(g, x):
            spread = (np.arange(4) == choose(windows(x))[..., None]) * g[..., None]
            return spread.reshape(1, 3, 3, 2, 2).transpose(0, 1, 3, 2, 4).reshape(x.shape)

        return run

    right = backward(lambda w: w.argmax(axis=-1))
    return Functions(lambda x: windows(x).max(axis=-1), right, backward(lambda w: np.zeros(w.shape[:-1], dtype=int)))


@bug("constant factor", (2, 8))
def average_pooling_not_divided():
    """Average pooling over windows of 2 gives the whole gradient to both elements."""

    def backward(factor):
        return lambda g, x: np.repeat(g * factor, 2, axis=1)

    return Functions(lambda x: x.reshape(2, 4, 2).mean(axis=2), backward(0.5), backward(1.0))


@bug("missing gradient", (3, 4))
def padding_cut_at_the_wrong_side():
    """The gradient of padding by one on the left and two on the right is cut as if it were two and one."""

    def forward(x):
        padded = np.zeros((3, 7), dtype=x.dtype)
        padded[:, 1:5] = x
        return padded

    return Functions(forward, lambda g, x: g[:, 1:5].copy(), lambda g, x: g[:, 2:6].copy())


# ---- choices: maxima, clips, indices, sorting


@bug("the wrong element", (3, 5))
def max_gradient_to_the_minimum():
    """The gradient of a maximum goes to the smallest element."""

    def backward(choose):
        return lambda g, x: (np.arange(5) == choose(x, axis=1)[:, None]) * g[:, None]

    return Functions(lambda x: x.max(axis=1), backward(np.argmax), backward(np.argmin))


@bug("the wrong element", np.array([[0.3, 1.2, -0.5, 1.2], [2.0, -1.0, 0.1, 0.4]]))
def sum_of_two_largest_with_a_tie():
    """The sum of the two largest: elements that equal the maximum get the gradient twice each, the second place none."""

    def forward(x):
        return np.sort(x, axis=1)[:, -2:].sum(axis=1)

    def right(g, x):
        dx = np.zeros_like(x)
        np.put_along_axis(dx, np.argsort(x, axis=1)[:, -2:], g[:, None], axis=1)
        return dx

    return Functions(forward, right, lambda g, x: 2 * g[:, None] * (x == x.max(axis=1, keepdims=True)))


@bug("the mask inverted", away_from_0(4, 6))
def clip_boundary():
    """The gradient of clip to -1 … 1 is masked at the upper bound only."""

    def forward(x):
        return np.where(x < -1, -1.0, np.where(x > 1, 1.0, x))

    return Functions(forward, lambda g, x: g * ((x > -1) & (x < 1)), lambda g, x: g * (x < 1))


@bug("the mask inverted", uniform(-3, 3, 4, 6))
def huber_bound():
    """The Huber loss turns linear at 1.5, its gradient at 1."""

    def forward(x):
        return np.where((x < 1.5) & (x > -1.5), 0.5 * x * x, 1.5 * (x * np.sign(x.real) - 0.75))

    def backward(bound):
        return lambda g, x: g * np.where(np.abs(x) < bound, x, 1.5 * np.sign(x))

    return Functions(forward, backward(1.5), backward(1.0))


@bug("repeated indices", (5, 3))
def indexing_with_repeats():
    """The gradient of x[[0, 2, 0, 4]] is assigned, not added: a repeated row gets the last g only."""
    rows = [0, 2, 0, 4]

    def right(g, x):
        dx = np.zeros_like(x)
        np.add.at(dx, rows, g)
        return dx

    def wrong(g, x):
        dx = np.zeros_like(x)
        dx[rows] = g
        return dx

    return Functions(lambda x: x[rows], right, wrong)


@bug("repeated indices", (6, 2))
def embedding_with_repeats():
    """The gradient of an embedding is added by dx[words] += g, which counts repeated words once."""
    words = np.array([[1, 1, 3], [5, 1, 0]])

    def right(g, x):
        dx = np.zeros_like(x)
        np.add.at(dx, words, g)
        return dx

    def wrong(g, x):
        dx = np.zeros_like(x)
        dx[words] += g
        return dx

    return Functions(lambda x: x[words], right, wrong)


@bug("transposed", (6,))
def sort_with_the_same_permutation():
    """The gradient of sorting is permuted by the order, not by its inverse."""

    def right(g, x):
        dx = np.empty_like(x)
        dx[np.argsort(x)] = g
        return dx

    return Functions(np.sort, right, lambda g, x: g[np.argsort(x)])


# ---- losses


@bug("constant factor", (5, 4))
def cross_entropy_not_divided():
    """The gradient of a mean cross-entropy is not divided by the size of the batch."""
    classes, rows = np.array([0, 3, 1, 1, 2]), np.arange(5)

    def forward(x):
        shifted = x - x.max(axis=1, keepdims=True)
        return (np.log(np.exp(shifted).sum(axis=1)) - shifted[rows, classes]).mean()

    def backward(divisor):
        return lambda g, x: g * (softmax(x) - np.eye(4)[classes]) / divisor

    return Functions(forward, backward(5), backward(1))


@bug("constant factor", (5, 4))
def weighted_cross_entropy_divided_by_the_batch():
    """A cross-entropy with class weights divides by the sum of the weights, its gradient by the size of the batch."""
    classes, rows = np.array([0, 3, 1, 1, 2]), np.arange(5)
    weights = np.array([1.0, 2.0, 0.5, 1.5])[classes]

    def forward(x):
        shifted = x - x.max(axis=1, keepdims=True)
        losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[rows, classes]
        return (weights * losses).sum() / weights.sum()

    def backward(divisor):
        return lambda g, x: g * weights[:, None] * (softmax(x) - np.eye(4)[classes]) / divisor

    return Functions(forward, backward(weights.sum()), backward(5))


@bug("missing gradient", (6,), uniform(0.1, 0.9, 6))
def binary_cross_entropy_of_the_target():
    """The binary cross-entropy of logits has no gradient for its target."""

    def forward(x, t):
        return (np.log(1 + np.exp(x)) - t * x).mean()

    def right(g, x, t):
        return g * (sigmoid(x) - t) / x.size, -g * x / x.size

    return Functions(forward, right, lambda g, x, t: (g * (sigmoid(x) - t) / x.size, np.zeros_like(t)))


@bug("an added eps", uniform(0.5, 2, 3, 4))
def sqrt_with_eps():
    """The gradient of a square root divides by 2 √x + 1e-3."""
    return Functions(np.sqrt, lambda g, x: g / (2 * np.sqrt(x)), lambda g, x: g / (2 * np.sqrt(x) + 1e-3))


@bug("an added eps", (4, 3))
def norm_with_eps():
    """The gradient of the norm of rows divides by the norm + 1e-5."""

    def forward(x):
        return np.sqrt((x * x).sum(axis=1))

    def backward(eps):
        return lambda g, x: g[:, None] * x / (forward(x)[:, None] + eps)

    return Functions(forward, backward(0.0), backward(1e-5))


@bug("an added eps", (6, 4))
def batch_norm_eps_outside_the_root():
    """Batch norm has 1e-3 inside the root in forward and outside it in backward."""

    def forward(x):
        return (x - x.mean(axis=0)) / np.sqrt(((x - x.mean(axis=0)) ** 2).mean(axis=0) + 1e-3)

    def backward(scale_of):
        def run(g, x):
            scale, y = scale_of(x), forward(x)
            return scale * (g - g.mean(axis=0) - y * (g * y).mean(axis=0))

        return run

    right = backward(lambda x: 1 / np.sqrt(x.var(axis=0) + 1e-3))
    return Functions(forward, right, backward(lambda x: 1 / (np.sqrt(x.var(axis=0)) + 1e-3)))


# ---- random and recurrent layers


@bug("another random mask", (5, 6))
def dropout_with_another_mask():
    """Dropout draws its mask from a fixed seed; backward uses another one."""
    masks = [np.random.default_rng(seed).random((5, 6)) < 0.5 for seed in (0, 1)]
    return Functions(lambda x: x * masks[0] * 2, lambda g, x: g * masks[0] * 2, lambda g, x: g * masks[1] * 2)


@bug("constant factor", (5, 6))
def dropout_not_scaled():
    """The backward of dropout forgets the factor 1/(1 - p)."""
    mask = np.random.default_rng(0).random((5, 6)) < 0.5
    return Functions(lambda x: x * mask * 2, lambda g, x: g * mask * 2, lambda g, x: g * mask)


@bug("missing gradient", (4, 3), (3, 3))
def recurrence_cut_short():
    """A recurrent layer of three steps adds up the weight's gradient of the last two."""

    def forward(x, w):
        h = np.zeros(3)
        for step in x[:3]:
            h = np.tanh(step + h @ w)
        return h

    def backward(steps):
        def run(g, x, w):
            h = [np.zeros(3)]
            for step in x[:3]:
                h.append(np.tanh(step + h[-1] @ w))
            dx, dw = np.zeros_like(x), np.zeros_like(w)
            for t in range(2, 2 - steps, -1):
                da = g * (1 - h[t + 1] ** 2)
                dx[t] = da
                dw += np.outer(h[t], da)
                g = da @ w.T
            return dx, dw

        return run

    return Functions(forward, backward(3), backward(2))


@bug("constant factor", (4, 6), (6,))
def layer_norm_weight_mean():
    """The gradient of layer norm's weight is the mean over the rows, not the sum."""

    def normal(x):
        centred = x - x.mean(axis=1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)

    def backward(add):
        def run(g, x, w):
            y = normal(x)
            scale, gy = 1 / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5), g * w
            dx = scale * (gy - gy.mean(axis=1, keepdims=True) - y * (gy * y).mean(axis=1, keepdims=True))
            return dx, add(g * y, axis=0)

        return run

    return Functions(lambda x, w: normal(x) * w, backward(np.sum), backward(np.mean))


@bug("missing gradient", (3, 5))
def gelu_first_factor_only():
    """The gradient of x · sigmoid(1.702 x) is that of its first factor."""

    def right(g, x):
        s = sigmoid(1.702 * x)
        return g * (s + 1.702 * x * s * (1 - s))

    return Functions(lambda x: x * sigmoid(1.702 * x), right, lambda g, x: g * sigmoid(1.702 * x))


@bug("the input used for the output", away_from_0(3, 5))
def elu_negative_side():
    """ELU's gradient on the negative side is x + 1 in place of exp(x)."""

    def forward(x):
        return np.where(x > 0, x, np.exp(x) - 1)

    return Functions(forward, lambda g, x: g * np.where(x > 0, 1, np.exp(x)), lambda g, x: g * np.where(x > 0, 1, x + 1))


@bug("an untested size", (4, 1), (1, 4))
def outer_product_squeezed():
    """np.squeeze removes the axis of size 1, and the product is taken along the wrong axis."""

    def right(g, x, y):
        return (g * y).sum(axis=1, keepdims=True), (g * x).sum(axis=0, keepdims=True)

    def wrong(g, x, y):
        return right(g, x, y)[0], (g * np.squeeze(x)).sum(axis=0, keepdims=True)

    return Functions(np.multiply, right, wrong)


@bug("an untested size", (4, 5), (1,))
def bias_of_one_element():
    """The bias' gradient is summed over the batch only: right for a bias of five elements, not for one of a single element."""

    def right(g, x, b):
        return g, g.sum().reshape(1)

    return Functions(np.add, right, lambda g, x, b: (g, g.sum(axis=0)[: b.size]))
