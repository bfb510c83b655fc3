"""Random programs with writes between any two operations, run in minigrad or PyTorch: first and second derivatives of their result."""

import random

import numpy as np

import minigrad as mg
from minigrad.autograd import op
from minigrad.backend import array_module


@op
def keeps_exp(x):
    """Return e^(2x). The VJP holds neither x nor the value, but e^x."""
    e = array_module(x).exp(x)
    return e * e, lambda g: 2 * g * e * e


@op
def keeps_square(x):
    """Return x⁴. The VJP holds neither x nor the value, but x² and |x|."""
    square, size = x * x, array_module(x).absolute(x)
    return square * square, lambda g: 4 * g * square * array_module(g).where(x_is_positive(x), size, -size)


def x_is_positive(x):
    return x > 0


def function_of(lib, name):
    """Return a Function of the library that saves its input, its output, or a tensor of its own."""

    class Chosen(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            if name == "input":
                ctx.save_for_backward(x)
                return x * x * x
            if name == "output":
                y = (x * 0.5).exp()
                ctx.save_for_backward(y)
                return y
            kept = x * 3
            ctx.save_for_backward(kept)
            return x * x * 1.5

        @staticmethod
        def backward(ctx, g):
            (kept,) = ctx.saved_tensors
            return g * 3 * kept * kept if name == "input" else g * 0.5 * kept if name == "output" else g * kept

    return Chosen.apply


UNARY = {
    "x * 1": lambda lib, x: x * 1,
    "exp": lambda lib, x: (x * 0.3).exp(),
    "tanh": lambda lib, x: x.tanh(),
    "sigmoid": lambda lib, x: x.sigmoid(),
    "relu": lambda lib, x: x.relu(),
    "abs": lambda lib, x: x.abs(),
    "square": lambda lib, x: x.square(),
    "x ** 3": lambda lib, x: x**3,
    "sqrt": lambda lib, x: (x * x + 0.5).sqrt(),
    "log": lambda lib, x: (x * x + 0.5).log(),
    "neg": lambda lib, x: -x,
    "clamp": lambda lib, x: x.clamp(-1.0, 1.5),
    "softmax": lambda lib, x: x.softmax(0),
    "log_softmax": lambda lib, x: x.log_softmax(1),
    "sum": lambda lib, x: x + x.sum(0, keepdim=True),
    "mean": lambda lib, x: x * x.mean(),
    "max": lambda lib, x: x - x.amax(1, keepdim=True),
    "t": lambda lib, x: x.t() * 2,
    "view": lambda lib, x: x.reshape(9)[[0, 3, 3, 1, 8, 5, 2, 2, 7]].reshape(3, 3),
    "slice": lambda lib, x: lib.cat([x[1:], x[:1] * x[1:2]]),
    "mask": lambda lib, x: lib.where(x > 0.2, x * x, x * 0.1),
    "keeps_exp": lambda lib, x: keeps_exp(x * 0.2) if lib is mg else (x * 0.4).exp(),
    "keeps_square": lambda lib, x: keeps_square(x * 0.5) if lib is mg else (x * 0.5) ** 4,
    "Function, input": lambda lib, x: function_of(lib, "input")(x),
    "Function, output": lambda lib, x: function_of(lib, "output")(x),
    "Function, own": lambda lib, x: function_of(lib, "own")(x),
}
BINARY = {
    "add": lambda lib, x, y: x + y,
    "sub": lambda lib, x, y: x - y,
    "mul": lambda lib, x, y: x * y,
    "div": lambda lib, x, y: x / (y * y + 1),
    "pow": lambda lib, x, y: (x * x + 0.3) ** (y * 0.2),
    "maximum": lambda lib, x, y: lib.maximum(x, y),
    "matmul": lambda lib, x, y: x @ y * 0.3,
    "linear": lambda lib, x, y: lib.nn.functional.linear(x, y, y[0]) * 0.3,
    "linear in 3-d": lambda lib, x, y: lib.nn.functional.linear(x.reshape(1, 3, 3), y, y[0])[0] * 0.3,
    "mse": lambda lib, x, y: x * lib.nn.functional.mse_loss(x, y),
}
WRITES = {
    "mul_": lambda lib, x: x.mul_(-1.5),
    "view": lambda lib, x: x[1:].clamp_(max=0.3),
    "data": lambda lib, x: x.data.add_(0.25),
    "assign": lambda lib, x: x.__setitem__((0, slice(None)), 0.7),
    "numpy": lambda lib, x: np.multiply(x.detach().numpy(), -0.5, out=x.detach().numpy()),
    "transposed": lambda lib, x: x.t()[0].neg_(),
}
UNNOTICED = ("data", "numpy")  # after such a write PyTorch computes with the new numbers, so it is no oracle


def draw(seed):
    """Return a random program: a list of (kind, name, numbers of tensors)."""
    rng, steps, count = random.Random(seed), [], 3  # two leaves and a constant
    for _ in range(rng.randint(2, 9)):
        kind = rng.choice(["unary", "unary", "binary", "binary", "write"])
        if kind == "write":
            steps.append((kind, rng.choice(list(WRITES)), (rng.randrange(count),)))
            continue
        table = UNARY if kind == "unary" else BINARY
        recent = [max(rng.randrange(count), rng.randrange(count)) for _ in range(1 + (kind == "binary"))]
        steps.append((kind, rng.choice(list(table)), tuple(recent)))
        count += 1
    return steps


def run(lib, seed, steps):
    """Return the outcomes of grad, of grad with create_graph, and of a second derivative: each a list of arrays, or the error."""
    rng = np.random.default_rng(seed)
    made = [lib.tensor(rng.uniform(-1, 1, (3, 3)), dtype=lib.float64, requires_grad=i < 2) for i in range(3)]
    for kind, name, places in steps:
        inputs = [made[i] for i in places]
        if kind == "write":
            with lib.no_grad():
                WRITES[name](lib, *inputs)
        else:
            made.append((UNARY if kind == "unary" else BINARY)[name](lib, *inputs))
    weights, leaves = lib.tensor(rng.uniform(-1, 1, (3, 3)), dtype=lib.float64), made[:2]
    total = (made[-1] * weights).sum() + (made[0] * made[1] * 0.1).sum()
    first, again = (attempt(lib.autograd.grad, total, leaves, retain_graph=True, create_graph=create) for create in (False, True))
    if isinstance(again, Exception):
        return [first, again, again]
    return [first, again, attempt(lib.autograd.grad, sum((g * weights * g).sum() for g in again), leaves)]


def attempt(function, *args, **options):
    """Return function(*args, **options), or the RuntimeError that it raises."""
    try:
        return function(*args, **options)
    except RuntimeError as error:
        return error


def disagreement(seed, torch):
    """Return what differs from PyTorch in the program of this seed, or None."""
    steps = draw(seed)
    in_minigrad, reference = run(mg, seed, steps), run(torch, seed, steps)
    first, again, _ = in_minigrad
    if isinstance(first, Exception) and not isinstance(again, Exception):
        return "create_graph computes what the first derivative refuses", steps
    if any(kind == "write" and name in UNNOTICED for kind, name, _ in steps):
        reference = [RuntimeError()] * 3
    for order, (a, b) in enumerate(zip(in_minigrad, reference)):
        if isinstance(a, Exception):
            if "changed in place" not in str(a) and "cannot be differentiated twice" not in str(a):
                return f"outcome {order}: {a}", steps
            continue
        others = [b] if order != 1 or isinstance(first, Exception) else [b, first]
        for wanted in others:
            if not isinstance(wanted, Exception):
                for x, y in zip(a, wanted):
                    if not np.allclose(x.detach().numpy(), y.detach().numpy(), 1e-9, 1e-9, equal_nan=True):
                        return f"outcome {order}: {x.tolist()} instead of {y.tolist()}", steps
    return None
