"""Functions whose gradients are right at all inputs, and how inputs are drawn for them: no check may accuse one of them.

MINIGRAD holds functions of minigrad tensors. The tables of NumPy pairs, PyTorch and JAX functions lie in right_peers.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.autograd import Function, grad, op
from minigrad.backend import array_module
from minigrad.nn import functional as F

# ---- the inputs

NASTY = np.array([0.0, -0.0, 1e-38, -1e-38, 1e-7, -1e-7, 1e-3, 0.5, -0.5, 1.0, -999.0, 766.0, 1e4, 1e9, -1e9])
DENORMAL = np.array([5e-324, -5e-324, 1e-310, -3e-308, 0.0, 1.0])


def one_huge_among_small(stream, shape):
    """Return small numbers, one of which is replaced by a billion times larger one."""
    x = np.array(stream.normal(size=shape))
    if x.size:
        x.reshape(-1)[stream.integers(x.size)] = stream.choice([1e9, -1e9, 3e7])
    return x


KINDS: dict[str, Callable] = {
    "gaussian": lambda stream, shape: stream.normal(size=shape),
    "uniform": lambda stream, shape: stream.uniform(-2, 2, shape),
    "nasty": lambda stream, shape: stream.choice(NASTY, shape),
    "ties": lambda stream, shape: stream.choice(stream.choice([*NASTY, *stream.normal(size=8)], 2), shape),
    "equal": lambda stream, shape: np.full(shape, stream.choice([*NASTY[:-2], *stream.normal(size=8)])),
    "nearly equal": lambda stream, shape: stream.normal() + stream.choice([0.0, 1e-12, 1e-9, 1e-6], shape),
    "one huge": one_huge_among_small,
    "whole": lambda stream, shape: stream.integers(-3, 4, shape).astype(float),
    "denormal": lambda stream, shape: stream.choice(DENORMAL, shape),
    "large": lambda stream, shape: 1e4 + stream.normal(size=shape),
    "scales": lambda stream, shape: stream.normal(size=shape) * 10.0 ** stream.integers(-12, 9, shape),
}
MILD = ("gaussian", "uniform", "ties", "whole", "nearly equal")


@dataclass
class Right:
    """A function with a right gradient, and the inputs that it takes.

    shapes: tuples of one shape for each argument. kinds: the names of the kinds of numbers it takes. limit: the largest size of a number.
    positive: whether all numbers are positive or 0. fits: whether the arrays are accepted. constants: further arguments. smooth: whether
    all derivatives exist everywhere. twice: whether the second derivative is right, too. options: of the check.
    """

    function: Callable
    shapes: tuple
    kinds: tuple = tuple(KINDS)
    limit: float = np.inf
    positive: bool = False
    fits: Callable[..., Any] = lambda *arrays: True
    constants: tuple = ()
    smooth: bool = True
    twice: bool = True
    options: dict = field(default_factory=dict)

    @property
    def name(self):
        return self.function.__name__

    def draw(self, stream):
        """Return (the kind of each array, the arrays), drawn with a NumPy generator."""
        for _ in range(50):
            shapes = self.shapes[stream.integers(len(self.shapes))]
            kinds = [str(stream.choice(self.kinds)) for _ in shapes]
            arrays = [self.within_limits(KINDS[kind](stream, shape)) for kind, shape in zip(kinds, shapes)]
            if len(set(shapes)) == 1 < len(shapes) and stream.random() < 0.1:
                kinds, arrays = [f"{kinds[0]}, the same in all"], [arrays[0].copy() for _ in arrays]
            if self.fits(*arrays):
                return kinds, arrays
        stream = np.random.default_rng(1)
        return ["gaussian"], [self.within_limits(stream.normal(size=shape)) for shape in self.shapes[0]]

    def within_limits(self, x):
        """Return an array of the numbers, cut to those that the function takes."""
        x = np.clip(np.array(x, dtype=float), -self.limit, self.limit)
        return np.asarray(np.abs(x) if self.positive else x)  # NumPy makes numbers of 0-d arrays


def registrar(table):
    """Return a decorator that enters a function in a table, with what `Right` says about it."""

    def right(shapes, **properties):
        def enter(function):
            assert function.__name__ not in table
            table[function.__name__] = Right(function, tuple(shapes), **properties)
            return function

        return enter

    return right


MINIGRAD: dict[str, Right] = {}
right = registrar(MINIGRAD)

ANY = [((4,),), ((2, 3),), ((1,),), ((),), ((0,),), ((2, 1, 3),)]
VECTOR = [((4,),), ((5,),), ((1,),), ((7,),)]
ROWS = [((3, 4),), ((1, 4),), ((3, 1),), ((2, 5),)]
PAIR = [((4,), (4,)), ((2, 3), (2, 3)), ((1,), (1,)), ((), ())]
BROADCAST = [((3, 4), (4,)), ((3, 1), (1, 4)), ((), (3,)), ((2, 3), (2, 3)), ((1,), (3,)), ((0, 3), (3,)), ((2, 1, 3), (4, 1))]
NO_DENORMAL = tuple(kind for kind in KINDS if kind != "denormal")


def squares_vanish_nowhere(*arrays):
    """Return whether each row has an element whose square is not lost."""
    return all((np.abs(x).max(axis=-1, initial=0) > 1e-100).all() for x in arrays)


# ---- as strangers choose them


@right(ANY, smooth=False)
def activations(x):
    return x.tanh() + x.sigmoid() + x.relu()


@right(PAIR)
def squared_error(x, target):
    return F.mse_loss(x, target)


@right([s for s in ANY if s != ((0,),)])
def squared_error_to_half_of_itself(x):
    return F.mse_loss(x, 0.5 * x)


@right(ROWS)
def cross_entropy(x):
    return F.cross_entropy(x, mg.arange(x.shape[0]) % x.shape[1])


@right(ROWS)
def likelihood_of_classes(x):
    return F.nll_loss(x.log_softmax(1), mg.zeros(x.shape[0], dtype=mg.int64), reduction="sum")


@right(ANY, smooth=False)
def log_of_abs(x):
    return (x.abs() + 1e-3).log()


@right([((4,),), ((2, 3),), ((1,),), ((6,),)])
def variance_by_cancellation(x):
    return ((x + 1e4) ** 2).mean() - ((x + 1e4).mean()) ** 2


@right(ANY)
def a_billion_added_and_taken_away(x):
    return (x + 1e9) - 1e9


@right(ANY, limit=1e30)
def float32_inside(x):
    return x.float().tanh().double()


@right(ANY)
def reciprocal(x):
    return 1 / (x + 0.5)


@right(ROWS)
def softmax_of_large_logits(x):
    return (100 * x).softmax(1)


@right(ROWS)
def log_softmax(x):
    return x.log_softmax(0)


@right(ANY)
def softened_length(x):
    return ((x * x).sum() + 1e-12).sqrt()


@right(ROWS, fits=squares_vanish_nowhere)
def length_of_rows(x):
    return (x * x).sum(1).sqrt()


@right([((2, 3), (3, 2), (2, 2)), ((1, 1), (1, 1), (1, 1)), ((2, 2), (2, 2), (2, 2))])
def chain_of_products(x, y, z):
    return x @ y @ z


@right([((3, 4), (4,), (3, 1), ()), ((1,), (3,), (), (2, 3)), ((0, 2), (2,), (1, 1), ())], limit=1e5)
def broadcast_in_every_argument(a, b, c, d):
    return (a + b) * c / (1 + d * d)


@right([((4,),), ((3, 2),), ((5,),)])
def repeated_indices(x):
    return x[[0, 2, 0, 0, 1]] * x[1]


@right(ROWS, smooth=False)
def largest_and_smallest(x):
    return x.max(1).values, x.amin()


@right(ANY, smooth=False)
def limited(x):
    return x.clamp(-0.5, 0.5) * x.clamp(min=0)


@right(BROADCAST, smooth=False)
def choice_of_two(x, y):
    return mg.where(x > 0, x * y, y - x)


@right(BROADCAST, limit=700)
def real_powers(x, y):
    return (0.5 + x * x) ** (y / 100)


@right(VECTOR)
def cumulative_products(x):
    products = [x[0]]
    for i in range(1, len(x)):
        products.append(products[-1] * x[i])
    return mg.stack(products)


@right([((3,), (2, 3)), ((1,), (1, 1))], limit=1e3)
def penalty_on_the_gradient(x, weight):
    with mg.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        y = (weight @ x).tanh().sum() * x.sum()
        (slope,) = grad(y, x, create_graph=True)
    return ((slope * slope).sum() + 1).sqrt()


@right(ROWS)
def log_of_sum_of_exponentials(x):
    peak = x.max(1).values.detach()
    return peak + (x - peak.unsqueeze(1)).exp().sum(1).log()


@right([((3, 4), (4,)), ((1, 1), (1,))])
def several_outputs(x, y):
    return x.tanh() @ y, x.sum(0), (y * y).sum()


# ---- rounding: more noise than the size of the output suggests


@right(ANY)
def outputs_of_all_scales(x):
    return mg.cat([(x * 1e9).reshape(-1), (x * 1e-9).reshape(-1), x.tanh().reshape(-1)])


@right(ANY)
def difference_of_large_numbers(x):
    return 1e8 * x.tanh() - 1e8 * (x - 1e-6).tanh()


@right(ANY, limit=500)
def exponential_less_one_over_x(x):
    safe = mg.where(x.abs() < 1e-9, 1.0, x)
    return mg.where(x.abs() < 1e-9, 1 + x / 2, (safe.exp() - 1) / safe)


@right(ANY)
def ninth_power_expanded(x):
    y = x * 0 + 1
    for coefficient in (-9, 36, -84, 126, -126, 84, -36, 9, -1):
        y = y * x + coefficient
    return y


@right([((4,),), ((2, 3),), ((1,),)])
def inverse_deviation_by_cancellation(x):
    variance = (x * x).mean() - x.mean() ** 2
    return 1 / (variance.clamp(min=0) + 1e-3).sqrt()


@right([((3, 2), (2, 2)), ((1, 3), (2, 3))], smooth=False)
def distances_by_expansion(x, y):
    squares = (x * x).sum(1).unsqueeze(1) + (y * y).sum(1) - 2 * (x @ y.T)
    return (squares.clamp(min=0) + 1e-9).sqrt()


@right(ANY, limit=1e4)
def half_precision_inside(x):
    return (x.half() * 2).double() + x


@right(ANY, limit=1e18)
def float32_in_the_middle(x):
    return ((x * x).float() + 1).double().log()


@right(VECTOR)
def sum_in_float32(x):
    return x.float().sum().double() + x.mean()


@right(ANY)
def scaled_down_and_up(x):
    return (x * 1e-9 + 1) * 1e9


# ---- steep, flat and curved


@right(ANY)
def steep(x):
    return (1000 * x).tanh()


@right(ANY)
def narrow_peak(x):
    return 1 / (1 + (100 * x) ** 2)


@right(ANY)
def flat_at_zero(x):
    large = x.abs() > 1e-2
    return mg.where(large, (-1 / mg.where(large, x, 1.0) ** 2).exp(), 0 * x)


@right(VECTOR)
def logistic_map(x):
    y = x.sigmoid()
    for _ in range(8):
        y = 3.7 * y * (1 - y)
    return y


@right(ANY)
def continued_fraction(x):
    return 1 / (1 + x / (1 + x / (1 + x)))


@right(ANY, limit=300)
def hyperbolic_sine(x):
    return (x.exp() - (-x).exp()) / 2


@right(ANY)
def exponential(x):
    return x.exp()


@right(ANY, positive=True)
def square_root(x):
    return x.sqrt()


@right(ANY, positive=True)
def logarithm(x):
    return x.log()


@right(ANY, positive=True)
def small_power(x):
    return x**0.3


@right(ANY)
def negative_power(x):
    return x**-2 + x**3


@right([((2, 2),)])
def inverse_of_two_by_two(x):
    determinant = x[0, 0] * x[1, 1] - x[0, 1] * x[1, 0]
    return mg.stack([x[1, 1], -x[0, 1], -x[1, 0], x[0, 0]]) / determinant


@right([((3, 3),)])
def determinant(x):
    minors = [x[1, (i + 1) % 3] * x[2, (i + 2) % 3] - x[1, (i + 2) % 3] * x[2, (i + 1) % 3] for i in range(3)]
    return x[0, 0] * minors[0] + x[0, 1] * minors[1] + x[0, 2] * minors[2]


@right([((4,),), ((2,),)], limit=1e20)
def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


# ---- kinks, jumps and changes of the second derivative


@right(ANY, smooth=False)
def huber(x):
    return mg.where(x.abs() < 1, x * x / 2, x.abs() - 0.5)


@right(ANY, smooth=False)
def squared_relu(x):
    return x.relu() ** 2


@right(ANY, smooth=False)
def three_halves(x):
    return x.abs() ** 1.5


@right(ANY, smooth=False)
def x_times_abs(x):
    return x * x.abs()


@right(ANY, smooth=False)
def root_of_abs(x):
    return x.abs().sqrt()


@right(ANY, smooth=False)
def sawtooth(x):
    return x % 1.0


@right(ANY, smooth=False)
def rounded_down(x):
    return x - x % 1.0


@right(ANY, smooth=False)
def jump(x):
    return (x > 0.5).double() * x


@right(VECTOR, smooth=False)
def element_at_the_largest(x):
    return x[int(x.detach().argmax())] * 2


@right(VECTOR, smooth=False)
def median(x):
    order = np.argsort(x.detach().array, kind="stable")
    return x[int(order[len(order) // 2])]


@right(VECTOR, smooth=False)
def mean_of_the_two_largest(x):
    order = np.argsort(x.detach().array, kind="stable")
    return x[order[-2:].tolist()].mean()


@right(VECTOR, smooth=False)
def branch_on_the_sum(x):
    return x.tanh() if float(x.sum()) > 0 else x * 2


@right(PAIR, smooth=False)
def larger_of_two(x, y):
    return mg.maximum(x, y + 1e-9) - mg.minimum(x, y)


@right([((3, 4), (3,))], smooth=False)
def hinge(x, y):
    return (1 - x * y.unsqueeze(1)).relu().mean()


@right(PAIR, smooth=False)
def quantile_loss(x, y):
    return mg.maximum(0.9 * (x - y), -0.1 * (x - y)).sum()


@right([((2, 6),), ((1, 3),)], smooth=False)
def maxout(x):
    return x.reshape(x.shape[0], -1, 3).max(2).values


@right(ANY, smooth=False)
def logarithm_where_positive(x):
    return mg.where(x > 0, mg.where(x > 0, x, 1.0).log(), 0 * x)


# ---- activations and losses, written out


@right(ANY)
def softplus(x):
    return (1 + mg.where(x > 0, -x, x).exp()).log() + mg.where(x > 0, x, 0.0)


@right(ANY)
def gelu(x):
    return 0.5 * x * (1 + (0.7978845608 * (x + 0.044715 * x**3)).tanh())


@right(ANY)
def silu(x):
    return x * x.sigmoid()


@right(ANY)
def mish(x):
    return x * softplus(x).tanh()


@right(ANY, smooth=False)
def elu(x):
    return mg.where(x > 0, x, mg.where(x > 0, 0.0, x).exp() - 1)


@right(ANY)
def log_of_hyperbolic_cosine(x):
    return x.abs() + (1 + (-2 * x.abs()).exp()).log()


@right([((3, 4), (3, 4)), ((1, 2), (1, 2))], limit=1e6)
def divergence_of_two_softmaxes(x, y):
    p, q = x.log_softmax(1), y.log_softmax(1)
    return (p.exp() * (p - q)).sum(1)


@right(ROWS, limit=1e6)
def entropy_of_a_softmax(x):
    logs = x.log_softmax(1)
    return -(logs.exp() * logs).sum(1)


@right([((4,), (4,)), ((1,), (1,))])
def cosine_of_the_angle(x, y):
    return (x * y).sum() / (((x * x).sum() + 1e-8) * ((y * y).sum() + 1e-8)).sqrt()


@right([((3, 2), (3, 2))])
def smoothed_labels(x, y):
    return F.cross_entropy(x, y.softmax(1), label_smoothing=0.1)


# ---- layers


@right([((3, 4), (4,), (4,)), ((1, 3), (3,), (3,)), ((2, 1), (1,), (1,))])
def layer_norm(x, weight, bias):
    centred = x - x.mean(1, keepdim=True)
    return centred / ((centred * centred).mean(1, keepdim=True) + 1e-5).sqrt() * weight + bias


@right([((4, 3),), ((1, 2),)])
def batch_norm(x):
    return (x - x.mean(0)) / (((x - x.mean(0)) ** 2).mean(0) + 1e-5).sqrt()


@right([((3, 2), (3, 2), (3, 2))], limit=1e4)
def attention_with_a_mask_of_infinities(query, key, value):
    later = mg.tensor(np.triu(np.full((3, 3), -np.inf), 1), dtype=query.dtype)
    return (query @ key.T / 2**0.5 + later).softmax(1) @ value


@right([((3, 3),)])
def softmax_with_a_mask_of_a_billion(x):
    return (x - 1e9 * mg.tensor(np.triu(np.ones((3, 3)), 1))).softmax(1)


@right([((2, 3), (2, 3), (8, 3), (2, 2))], limit=1e6)
def lstm_cell(x, hidden, weight, cell):
    a, b = (x + hidden) @ weight[:4].T, (x - hidden) @ weight[4:].T
    forget, enter, out, new = a[:, :2].sigmoid(), a[:, 2:].sigmoid(), b[:, :2].sigmoid(), b[:, 2:].tanh()
    cell = forget * cell + enter * new
    return out * cell.tanh(), cell


@right([((7,), (3,)), ((4,), (1,))])
def convolution(x, kernel):
    n, k = len(x), len(kernel)
    return x[(np.arange(n - k + 1)[:, None] + np.arange(k)).tolist()] @ kernel


@right([((3, 4), (2, 4), (2,)), ((1, 1), (1, 1), (1,))])
def linear_and_softmax(x, weight, bias):
    return F.linear(x, weight, bias).softmax(1)


@right([((3, 4),)], kinds=MILD)
def dropout_of_a_fixed_seed(x):
    kept = mg.rand(3, 4, generator=mg.Generator().manual_seed(3)) > 0.4
    return x * kept.double() / 0.6


# ---- how functions are written


@right(VECTOR, limit=1e6)
def hessian_times_vector(x):
    with mg.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        (first,) = grad((x**3 * x.sigmoid()).sum(), x, create_graph=True)
        (second,) = grad((first * mg.arange(1.0, len(x) + 1, dtype=mg.float64)).sum(), x, create_graph=True)
    return second


@right(ANY, limit=1e12)
def newton_with_a_fixed_count(x):
    y = x * x + 1
    root = y
    for _ in range(60):
        root = (root + y / root) / 2
    return root


@right(ANY, limit=1e12)
def newton_until_it_converges(x):
    y = x * x + 1
    root = y
    for _ in range(200):
        last, root = root, (root + y / root) / 2
        if float((root - last).abs().sum()) <= 1e-13 * float(root.abs().sum()):
            break
    return root


@right(ANY, twice=False)
def one_newton_step_from_a_detached_root(x):
    y = x * x + 1
    root = y.detach().sqrt()
    return root - (root * root - y) / (2 * root)


@right(ROWS)
def softmax_with_a_detached_shift(x):
    e = (x - x.detach().amax(1).unsqueeze(1)).exp()
    return e / e.sum(1, keepdim=True)


@right(ANY)
def detached_scale_taken_out_again(x):
    scale = x.detach().abs().sum() + 1
    return (x / scale).tanh() * 0 + (x / scale) * scale


@right([((4,),), ((3, 2),)])
def written_in_place_on_a_clone(x):
    y = x.clone()
    y[0] = 2 * x[1]
    y *= 3
    y[1:] += x[0]
    return y


@right(ROWS)
def views_and_joins(x):
    return mg.cat([x.T.reshape(-1), x[:, 0], x.flatten()[:1].expand(3)]) * 2


@right([((2, 3),), ((1, 1),)])
def outer_product_and_trace(x):
    return (x.unsqueeze(2) * x.unsqueeze(1)).permute(2, 1, 0), (x @ x.T)[0, 0]


@right([((4,),)], constants=(3, mg.tensor([2, 0, 0])))
def whole_number_arguments(x, power, index):
    return x.index_select(0, index) ** power


@right([((20, 20),), ((300,),)], kinds=(*MILD, "nasty", "one huge"))
def large_input(x):
    return x.tanh().sum() + (x * x).mean()


@right([((300,),), ((17, 17),)], kinds=(*MILD, "nasty", "scales"), smooth=False)
def large_input_and_output(x):
    return x.relu() * x.sigmoid()


@right(VECTOR)
def sum_of_many_terms(x):
    total = x.sum() * 0
    for i in range(50):
        total = total + (x * (i / 10)).tanh().sum()
    return total


# ---- what a check cannot notice


@right(ANY)
def constant(x):
    return x * 0 + 1


@right(ANY)
def tiny(x):
    return x * 1e-12


@right(ANY)
def itself_taken_away(x):
    return x - x


@right(ANY, smooth=False)
def branch_never_taken(x):
    return mg.where(x > 1e30, x * x, 0 * x + 3)


@right(PAIR)
def second_argument_without_effect(x, y):
    return x.sigmoid() + 0 * y


# ---- operations with a hand-written backward


@op
def stable_softplus(x):
    xp = array_module(x)
    e = xp.exp(-xp.absolute(x))
    return xp.where(x > 0, x, 0) + xp.log(1 + e), lambda g: g * xp.where(x >= 0, 1, e) / (1 + e)


@op
def turned(x):
    return array_module(x).swapaxes(x, 0, 1), lambda g: array_module(g).swapaxes(g, 0, 1)


@op
def scaled_difference(x, y, *, factor):
    return factor * (x - y), lambda g: factor * g, lambda g: -factor * g


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * g * x * x


class Pick(Function):
    @staticmethod
    def forward(ctx, x, i):
        ctx.i, ctx.shape = i, x.shape
        return x[i].clone()

    @staticmethod
    def backward(ctx, g):
        out = mg.zeros(*ctx.shape, dtype=g.dtype)
        out[ctx.i] = g
        return out, None


@right(ANY)
def own_softplus(x):
    return stable_softplus(x)


@right([((2, 3),), ((3, 3),), ((1, 2),), ((0, 2),)])
def own_transpose(x):
    return turned(x)


@right(BROADCAST)
def own_difference(x, y):
    return scaled_difference(x, y, factor=3.0) + scaled_difference(x, x, factor=1.0)


@right(ANY)
def own_cube(x):
    return Cube.apply(x)


@right([((3, 2),), ((2,),)])
def own_row(x):
    return Pick.apply(x, 1) * Pick.apply(x, 0)
