"""Functions on which `gradcheck` is tried: correct ones, and broken ones with the verdict that each must get."""

import pytest

import minigrad as mg
from minigrad import ops
from minigrad.autograd import Function, op
from minigrad.backend import array_module, device_of
from minigrad.testing import GradcheckError, gradcheck

F64 = mg.float64


def draw(*shape, seed=0, low=None):
    """Draw a Gaussian tensor, or one that is uniform on [low, low + 1)."""
    generator = mg.Generator().manual_seed(seed)
    drawn = mg.randn(*shape, dtype=F64, generator=generator)
    if low is not None:
        drawn = mg.rand(*shape, dtype=F64, generator=generator) + low
    return drawn.requires_grad_()


# ---- correct gradients

TRUE = {
    "add, broadcast": (ops.add, [(3, 4), (4,)]),
    "sub, broadcast": (ops.sub, [(3, 1), (1, 4)]),
    "mul, broadcast": (ops.mul, [(2, 3, 4), (3, 1)]),
    "div": (lambda x, y: x / (y * y + 1), [(3, 4), (4,)]),
    "pow": (lambda x: (x * x + 0.5) ** 1.7, [(3, 4)]),
    "pow, exponent": (lambda x, y: (x * x + 0.5) ** y, [(3, 4), (4,)]),
    "neg": (ops.neg, [(3, 4)]),
    "square": (ops.square, [(3, 4)]),
    "sqrt of small numbers": (lambda x: ops.sqrt(x * x * 1e-4 + 1e-6), [(3, 4)]),
    "exp": (ops.exp, [(3, 4)]),
    "log": (lambda x: ops.log(x * x), [(3, 4)]),
    "absolute": (ops.absolute, [(3, 4)]),
    "maximum": (ops.maximum, [(3, 4), (4,)]),
    "minimum": (ops.minimum, [(3, 4), (3, 1)]),
    "clip": (lambda x: ops.clip(x, -0.5, 0.7), [(3, 4)]),
    "where": (lambda x, y: ops.where(x.detach() > 0, x, y * y), [(3, 4), (4,)]),
    "matmul": (ops.matmul, [(3, 4), (4, 2)]),
    "matmul, stacks": (ops.matmul, [(2, 3, 4), (4, 2)]),
    "linear": (ops.linear, [(5, 4), (3, 4), (3,)]),
    "tanh": (ops.tanh, [(3, 4)]),
    "sigmoid": (ops.sigmoid, [(3, 4)]),
    "relu": (ops.relu, [(3, 4)]),
    "softmax": (lambda x: ops.softmax(x, axis=1), [(3, 4)]),
    "log_softmax": (lambda x: ops.log_softmax(x, axis=0), [(3, 4)]),
    "sum": (lambda x: ops.sum(x, axis=(0, 2), keepdims=True), [(2, 3, 4)]),
    "mean": (lambda x: ops.mean(x, axis=1), [(3, 4)]),
    "standardize": (lambda x: ops.standardize(x, axis=0, eps=1e-5), [(3, 4)]),
    "max": (lambda x: x.max(dim=1), [(3, 4)]),
    "amin": (lambda x: x.amin(), [(3, 4)]),
    "getitem with repeats": (lambda x: x[[0, 2, 0, 0]], [(3, 4)]),
    "join": (lambda x, y: mg.cat([x, y, x], 1), [(3, 4), (3, 1)]),
    "permute": (lambda x: x.permute(2, 0, 1), [(2, 3, 4)]),
    "expand": (lambda x: x.expand(5, 3, 4), [(3, 1)]),
    "mse": (ops.mse, [(3, 4), (3, 4)]),
    "nll": (lambda x: ops.nll(x, mg.tensor([1, 0, 3]), weight=None), [(3, 4)]),
    "0-d": (lambda x, y: x * y.exp(), [(), ()]),
    "empty": (lambda x: x * 2, [(0, 3)]),
}


class Slide(Function):
    """Lecture 20's L1 penalty: the identity, whose backward adds the gradient of weight · Σ|x|."""

    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x)
        ctx.weight = weight
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g + ctx.weight * x.sign(), None


@op
def sign_flipped(x):
    return array_module(x).tanh(x), lambda g: -g * (1 - array_module(x).tanh(x) ** 2)


@op
def factor(x):
    y = array_module(x).tanh(x)
    return y, lambda g: g * (1 - y * y) * 1.0001


@op
def half(x):
    return x * x, lambda g: g * x


@op
def last_row_only(x, bias):
    return x + bias, lambda g: g, lambda g: g[-1]


@op
def mean_for_sum(x, bias):
    return x + bias, lambda g: g, lambda g: array_module(g).sum(g, axis=0) / len(g)


@op
def not_transposed(x, y):
    return x @ y, lambda g: g @ y, lambda g: array_module(x).swapaxes(x, 0, 1) @ g


@op
def weight_transposed(x, y):
    return (
        x @ y,
        lambda g: g @ array_module(y).swapaxes(y, 0, 1),
        lambda g: array_module(g).swapaxes(g, 0, 1) @ x,
    )


@op
def dropped_term(x):
    xp = array_module(x)
    e = xp.exp(x)
    y = e / xp.sum(e, axis=-1, keepdims=True)
    return y, lambda g: g * y


@op
def float32_inside(x):
    xp = array_module(x)
    return xp.tanh(x), lambda g: xp.astype(xp.astype(g * (1 - xp.tanh(x) ** 2), "float32"), "float64")


@op
def eps_added(x):
    xp = array_module(x)
    return xp.sqrt(x), lambda g: g / (2 * xp.sqrt(x) + 1e-4)


@op
def changes_g(x):
    def vjp(g):
        g *= 2
        return g

    return x * 2, vjp


@op
def changes_what_it_saved(x):
    y = array_module(x).exp(x)

    def vjp(g):
        nonlocal y
        y *= g
        return y

    return array_module(x).copy(y), vjp


@op
def changes_its_input(x):
    x += 1e-12
    return x * 2, lambda g: g * 2


@op
def forgets_it(x, y):
    return x * y, lambda g: g * y, lambda g: array_module(g).zeros_like(g)


@op
def not_linear_in_g(x):
    return x * 3, lambda g: 3 * g * abs(g)


@op
def one_element(x):
    wrong = array_module(x).arange(x.size).reshape(x.shape) == 7
    return x * x, lambda g: 2 * g * x * (1 + 1e-4 * wrong)


@op
def random_gradient(x):
    return x * 2, lambda g: g * 2 + 1e-9 * mg.randn(*g.shape, dtype=F64, device=device_of(g)).array


class WrongFunction(Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * y, -g * x


BROKEN = {  # function: (shapes, argument, verdict)
    sign_flipped: ([(3, 4)], 0, "sign"),
    factor: ([(3, 4)], 0, "constant factor"),
    half: ([(3, 4)], 0, "constant factor"),
    last_row_only: ([(3, 4), (4,)], 1, "broadcast"),
    mean_for_sum: ([(3, 4), (4,)], 1, "broadcast"),
    not_transposed: ([(3, 3), (3, 3)], 0, "transposed"),
    weight_transposed: ([(3, 3), (3, 3)], 1, "transposed"),
    dropped_term: ([(3, 4)], 0, "diagonal"),
    float32_inside: ([(3, 4)], 0, "precision"),
    eps_added: ([(3, 4)], 0, "precision"),
    changes_g: ([(3, 4)], 0, "mutation"),
    changes_what_it_saved: ([(3, 4)], 0, "mutation"),
    changes_its_input: ([(3, 4)], 0, "mutation"),
    forgets_it: ([(3, 4), (4,)], 1, "missing"),
    not_linear_in_g: ([(3, 4)], 0, "nonlinear"),
    one_element: ([(3, 4)], 0, "wrong"),
    random_gradient: ([(3, 4)], None, "nondeterministic"),
    WrongFunction.apply: ([(3, 4), (3, 4)], 1, "sign"),
}
NAMES = [getattr(f, "__self__", f).__name__ for f in BROKEN]


def rejection(function, inputs, **options):
    assert not gradcheck(function, inputs, raise_exception=False, **options)
    with pytest.raises(GradcheckError) as caught:
        gradcheck(function, inputs, **options)
    return caught.value
