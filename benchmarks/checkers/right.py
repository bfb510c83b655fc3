"""Right functions: plain ones, and hard ones at which a gradient check may be mistaken. Each checker should accept them."""

import numpy as np

from benchmarks.checkers.cases import Functions, away_from_0, right, uniform
from benchmarks.checkers.classic import sigmoid

# ---- plain


@right((3, 4))
def sine():
    """sin x."""
    return Functions(np.sin, lambda g, x: g * np.cos(x))


@right((3, 4))
def exponential():
    """exp x."""
    return Functions(np.exp, lambda g, x: g * np.exp(x))


@right(uniform(0.5, 3, 3, 4))
def logarithm():
    """log x."""
    return Functions(np.log, lambda g, x: g / x)


@right((3, 4), (4, 2), (2,))
def affine():
    """x w + b."""
    return Functions(lambda x, w, b: x @ w + b, lambda g, x, w, b: (g @ w.T, x.T @ g, g.sum(axis=0)))


@right((5,), (5,))
def inner_product():
    """Σ x y."""
    return Functions(np.dot, lambda g, x, y: (g * y, g * x))


@right(uniform(0.5, 2, 4), uniform(0.5, 2, 4))
def power():
    """x to the y."""
    return Functions(np.power, lambda g, x, y: (g * y * x ** (y - 1), g * x**y * np.log(x)))


@right((), ())
def numbers_without_axes():
    """x exp y for 0-d arrays."""
    return Functions(lambda x, y: x * np.exp(y), lambda g, x, y: (g * np.exp(y), g * x * np.exp(y)))


@right((4, 4))
def inverse_of_a_matrix():
    """The inverse of x + 4 I."""

    def forward(x):
        return np.linalg.inv(x + 4 * np.eye(4))

    def backward(g, x):
        y = forward(x)
        return -y.T @ g @ y.T

    return Functions(forward, backward)


@right((3, 4))
def several_outputs():
    """sin x, and the sums of x² over the rows."""

    def backward(g, x):
        return g[0] * np.cos(x) + 2 * g[1][:, None] * x

    return Functions(lambda x: (np.sin(x), (x * x).sum(axis=1)), backward)


@right((3, 4))
def gradient_as_a_view():
    """The backward of a sum returns a read-only view of g that fills no memory."""
    return Functions(lambda x: x.sum(axis=1), lambda g, x: np.broadcast_to(g[:, None], x.shape))


@right((3, 4), (3, 4))
def gradient_is_g():
    """The backward of a sum returns g itself for both arguments."""
    return Functions(np.add, lambda g, x, y: (g, g))


@right(away_from_0(20))
def leaky_relu():
    """Leaky relu, away from its kink."""
    return Functions(lambda x: np.where(x > 0, x, 0.1 * x), lambda g, x: g * np.where(x > 0, 1, 0.1))


# ---- very small and very large inputs


@right(np.array([1e-38, -2e-38, 0.7, 3e-39]), hard=True)
def logarithm_near_a_kink_of_tiny_numbers():
    """log(|x| + 1e-3) near its kink at 0."""
    return Functions(lambda x: np.log(np.abs(x) + 1e-3), lambda g, x: g * np.sign(x) / (np.abs(x) + 1e-3))


@right(np.array([0.0, -999.0, 1e-7, 766.0]), hard=True)
def mean_square_of_half():
    """mean((x/2)²) of numbers of very different size."""
    return Functions(lambda x: ((x / 2) ** 2).mean(), lambda g, x: g * x / 2 / x.size)


@right(uniform(-1, 1, 8), hard=True)
def variance_by_cancellation():
    """mean((x + 1e4)²) - mean(x + 1e4)², of which 8 digits cancel."""

    def forward(x):
        return ((x + 1e4) ** 2).mean() - (x + 1e4).mean() ** 2

    return Functions(forward, lambda g, x: g * 2 * (x - x.mean()) / x.size)


@right(uniform(-1, 1, 8), hard=True)
def sum_and_difference_with_1e9():
    """(x + 1e9) - 1e9, which rounds to steps of 1e-7."""
    return Functions(lambda x: (x + 1e9) - 1e9, lambda g, x: 1.0 * g)


@right((3, 4), hard=True)
def forward_in_float32():
    """tanh computed in float32 only, its gradient in float64."""

    def forward(x):
        return np.tanh(x.astype(np.float32)).astype(np.float64)

    return Functions(forward, lambda g, x: g * (1 - np.tanh(x) ** 2))


@right((3, 4), hard=True)
def both_in_float32():
    """sin computed in float32 only, and so is its gradient."""

    def forward(x):
        return np.sin(x.astype(np.float32)).astype(np.float64)

    return Functions(forward, lambda g, x: (g.astype(np.float32) * np.cos(x.astype(np.float32))).astype(np.float64))


@right(np.array([1e-200, -3e-150, 1e-12, 0.5]), hard=True)
def tiny_inputs():
    """x³ + x at numbers down to 1e-200."""
    return Functions(lambda x: x**3 + x, lambda g, x: g * (3 * x**2 + 1))


@right(np.array([1e100, -3e150, 1e12, 0.5]), hard=True)
def huge_inputs():
    """x² at numbers up to 3e150."""
    return Functions(np.square, lambda g, x: 2 * g * x)


@right(uniform(1e6, 2e6, 4, 5), hard=True)
def sums_of_squares_of_millions():
    """Σ x² at about 1e6."""
    return Functions(lambda x: (x * x).sum(), lambda g, x: g * 2 * x)


@right(uniform(-1, 1, 2000), hard=True)
def huge_sum():
    """Σ (1000 + x³), 2 million plus something of about 1."""
    return Functions(lambda x: (1000 + x**3).sum(), lambda g, x: g * 3 * x**2)


@right((3, 4), hard=True)
def large_factor():
    """1e12 tanh x."""
    return Functions(lambda x: 1e12 * np.tanh(x), lambda g, x: 1e12 * g * (1 - np.tanh(x) ** 2))


@right((3, 4), hard=True)
def small_factor():
    """1e-12 sin x."""
    return Functions(lambda x: 1e-12 * np.sin(x), lambda g, x: 1e-12 * g * np.cos(x))


@right(np.array([1e-9, 1e-12, 1e-6, 2.0]), hard=True)
def square_root_of_small_numbers():
    """√x near 0, where its derivative is unbounded."""
    return Functions(np.sqrt, lambda g, x: g / (2 * np.sqrt(x)))


@right(np.array([1e-8, 1e-5, 3.0]), hard=True)
def logarithm_of_small_numbers():
    """log x near 0."""
    return Functions(np.log, lambda g, x: g / x)


@right(np.array([700.0, -700.0, 30.0, -30.0, 0.5]), hard=True)
def softplus_at_700():
    """log(1 + exp x) at ±700."""

    def forward(x):
        return np.where(x > 0, x + np.log1p(np.exp(-x)), np.log1p(np.exp(x)))

    return Functions(forward, lambda g, x: g * sigmoid(np.clip(x, -709, 709)))


@right(np.array([[700.0, -700.0, 0.0], [1e3, 999.0, -1e3]]), hard=True)
def log_sum_exp_of_large_numbers():
    """log Σ exp x with the maximum subtracted."""

    def forward(x):
        top = x.max(axis=1, keepdims=True)
        return np.log(np.exp(x - top).sum(axis=1)) + top[:, 0]

    return Functions(forward, lambda g, x: g[:, None] * np.exp(x - forward(x)[:, None]))


@right(np.array([20.0, -25.0, 12.0, 0.1]), hard=True)
def saturated_tanh():
    """tanh where it is 1 to all digits."""
    return Functions(np.tanh, lambda g, x: g / np.cosh(x) ** 2)


# ---- poles, kinks and steps


@right(np.array([-0.5 + 1e-6, -0.5 - 1e-5, 0.3]), hard=True)
def near_a_pole():
    """1/(x + 0.5) at distances of 1e-6 and 1e-5 of its pole."""
    return Functions(lambda x: 1 / (x + 0.5), lambda g, x: -g / (x + 0.5) ** 2)


@right(np.array([-0.5 + 1e-9, 0.3]), hard=True)
def very_near_a_pole():
    """1/(x + 0.5) at a distance of 1e-9 of its pole."""
    return Functions(lambda x: 1 / (x + 0.5), lambda g, x: -g / (x + 0.5) ** 2)


@right(np.array([np.pi / 2 - 1e-4, 0.2]), hard=True)
def tangent_near_its_pole():
    """tan x at a distance of 1e-4 of its pole."""
    return Functions(np.tan, lambda g, x: g / np.cos(x) ** 2)


@right(np.array([1e-9, -1e-9, 1e-7, -1e-4, 0.5]), hard=True)
def relu_near_0():
    """Relu at distances of 1e-9 to 1e-4 of its kink."""
    return Functions(lambda x: x * (x > 0), lambda g, x: g * (x > 0))


@right(np.array([0.0, 1.0, -1.0]), hard=True)
def relu_at_0():
    """Relu at its kink, where the gradient is 0 by convention."""
    return Functions(lambda x: x * (x > 0), lambda g, x: g * (x > 0))


@right(np.array([1e-10, -2e-5, 0.4]), hard=True)
def absolute_near_0():
    """|x| near its kink."""
    return Functions(np.abs, lambda g, x: g * np.sign(x))


@right(np.array([[1.0, 1.0 + 1e-8, 0.2], [0.5, -0.5, 0.5 - 1e-6]]), hard=True)
def maximum_nearly_tied():
    """The maximum of rows whose two largest numbers are 1e-8 and 1e-6 apart."""
    return Functions(lambda x: x.max(axis=1), lambda g, x: g[:, None] * (x == x.max(axis=1, keepdims=True)))


@right(np.array([1.0 - 1e-7, 1.0 + 1e-7, -1.0 + 1e-5, 0.2]), hard=True)
def clip_near_its_bounds():
    """Clip to -1 … 1 near the bounds."""

    def forward(x):
        return np.where(x < -1, -1.0, np.where(x > 1, 1.0, x))

    return Functions(forward, lambda g, x: g * ((x > -1) & (x < 1)))


@right(np.array([[3e-8, 4e-8], [3.0, 4.0]]), hard=True)
def norm_of_a_short_vector():
    """The norm of rows, one of which is 5e-8 long."""

    def forward(x):
        return np.sqrt((x * x).sum(axis=1))

    return Functions(forward, lambda g, x: g[:, None] * x / forward(x)[:, None])


@right(np.array([0.3, 1.7, -2.4, 5.5]), hard=True)
def staircase():
    """floor x between its steps: the derivative is 0."""
    return Functions(np.floor, lambda g, x: np.zeros_like(x))


@right(np.array([0.25, -0.731, 0.9]), hard=True)
def fine_staircase():
    """x rounded to steps of 1e-3, plus sin x: the derivative is that of sin x."""
    return Functions(lambda x: np.round(x * 1e3) / 1e3 + np.sin(x), lambda g, x: g * np.cos(x))


@right(np.array([0.1, 0.7, -0.4]), hard=True)
def fast_oscillation():
    """sin(1e5 x)."""
    return Functions(lambda x: np.sin(1e5 * x), lambda g, x: 1e5 * g * np.cos(1e5 * x))


@right(np.array([0.0, 0.3, -0.2]), hard=True)
def third_power_at_0():
    """x³ at 0, where derivative and second derivative are 0."""
    return Functions(lambda x: x**3, lambda g, x: 3 * g * x**2)


@right(np.array([0.5, 2.0, 3.0]), uniform(1, 2, 3), hard=True)
def steep_exponential():
    """exp(20 x) y at up to 1e26."""

    def backward(g, x, y):
        return 20 * g * np.exp(20 * x) * y, g * np.exp(20 * x)

    return Functions(lambda x, y: np.exp(20 * x) * y, backward)
