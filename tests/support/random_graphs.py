"""Programs that Hypothesis draws, which record random graphs with minigrad and PyTorch."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg

DEEP = settings.get_current_profile_name() == "deep"
many = settings(max_examples=20_000 if DEEP else 500)
some = settings(max_examples=4_000 if DEEP else 150)
SHAPES = [(2, 3), (3,), (), (2, 1), (2, 3)]  # the leaves' shapes; the last leaf needs no gradient


def narrow(y, like):
    """Return y if it broadcasts into the shape of `like`, else one number of it."""
    fits = np.broadcast_shapes(tuple(y.shape), tuple(like.shape)) == tuple(like.shape)
    return y if fits else y.sum()


def changed(x, method, y):
    """Return a copy of x after an in-place method."""
    z = x * 1
    getattr(z, method)(narrow(y, z))
    return z


def fanned(x, n):
    """Return the sum of n uses of x."""
    total = x * 0
    for i in range(n):
        total = total + x * (0.5 + i / n)
    return total


def joined(lib, x, y):
    """Return a value of both, as rows of one tensor that are cut apart again."""
    rows = lib.cat([x.reshape(-1), y.reshape(-1), x.reshape(-1)])
    return rows[x.numel():].sum() * x + rows[:x.numel()].reshape(x.shape)


# each operation takes the library, two values, and a number from 0 to 63
STEPS = {
    "add": lambda lib, x, y, n: x + y,
    "sub": lambda lib, x, y, n: x - y,
    "mul": lambda lib, x, y, n: x * y,
    "div": lambda lib, x, y, n: x / (1.5 + y * y),
    "twice": lambda lib, x, y, n: x * x + x,
    "diamond": lambda lib, x, y, n: lib.tanh(x) * y + lib.tanh(x) - lib.exp(-x * x),
    "tanh": lambda lib, x, y, n: lib.tanh(x),
    "sigmoid": lambda lib, x, y, n: lib.sigmoid(x),
    "relu": lambda lib, x, y, n: lib.relu(x + n / 63.3),
    "log": lambda lib, x, y, n: lib.log(1.1 + x * x),
    "maximum": lambda lib, x, y, n: lib.maximum(x, y + n / 63.3),
    "where": lambda lib, x, y, n: lib.where(x > n / 63.3, x, y),
    "sum": lambda lib, x, y, n: x.sum() + y,
    "mean": lambda lib, x, y, n: x.mean(-1, keepdim=True) * y if x.ndim else x,
    "fan": lambda lib, x, y, n: fanned(x, n + 1),
    "slice": lambda lib, x, y, n: x[..., :1] + x[..., -1:] if x.ndim else x,
    "repeat": lambda lib, x, y, n: x[[0, 0, n % len(x)]].sum(0) if x.ndim else x,
    "transposed": lambda lib, x, y, n: (x.t() @ x).sum() * y if x.ndim == 2 else x,
    "viewed": lambda lib, x, y, n: x.reshape(-1).unsqueeze(0).expand(2, x.numel()).sum(0).reshape(x.shape),
    "cat": lambda lib, x, y, n: joined(lib, x, y),
    "add_": lambda lib, x, y, n: changed(x, "add_", y),
    "mul_": lambda lib, x, y, n: changed(x, "mul_", y),
    "sub_": lambda lib, x, y, n: changed(x, "sub_", y),
    "tanh_": lambda lib, x, y, n: (x * 1).tanh_(),
    "clone": lambda lib, x, y, n: x.clone(),
    "detach": lambda lib, x, y, n: x.detach() * y + x,
    "constant": lambda lib, x, y, n: without_grad(lib, x) * y,
}


def without_grad(lib, x):
    with lib.no_grad():
        return x * 2


steps = st.tuples(st.sampled_from(list(STEPS)), st.integers(0, 40), st.integers(0, 40), st.integers(0, 63))
programs = st.lists(steps, min_size=1, max_size=14)


class Run:
    """A program that a library ran: its leaves, every value, and the factors that keep the numbers small."""

    def __init__(self, lib, program, seed, factors=None):
        rng = np.random.default_rng(seed)
        self.lib = lib
        self.leaves = [lib.tensor(rng.normal(0, 1, shape).tolist(), dtype=lib.float64, requires_grad=i < 4)
                       for i, shape in enumerate(SHAPES)]
        self.values = list(self.leaves)
        self.factors = [] if factors is None else factors
        for i, (name, a, b, n) in enumerate(program):
            x, y = (self.values[k % len(self.values)] for k in (a, b))
            value = STEPS[name](lib, x, y, n)
            if factors is None:
                self.factors.append(1 / max(1.0, float(abs(value.detach()).max())))
            self.values.append(value * self.factors[i])

    def roots(self, picks):
        """Return those of the picked values that require a gradient; picks count from the last value."""
        found = [self.values[-1 - p % (len(self.values) - len(SHAPES))] for p in picks]
        return [v for v in found if v.requires_grad]

    def gradients(self):
        return [leaf.grad for leaf in self.leaves]

    def weights(self, value, seed):
        return self.lib.tensor(np.random.default_rng(seed).normal(0, 1, tuple(value.shape)).tolist(), dtype=self.lib.float64)


def both(program, seed):
    reference = Run(torch, program, seed)
    return Run(mg, program, seed, reference.factors), reference


def close(found, expected, exact=1e-10):
    """Assert that each gradient is None if PyTorch's is, and else differs from it only by rounding of the largest number."""
    assert len(found) == len(expected)
    for i, (a, b) in enumerate(zip(found, expected)):
        assert (a is None) == (b is None), f"gradient {i}: {a}, PyTorch has {b}"
        if a is not None:
            b = b.detach().numpy(force=True)
            atol = exact * max(1, np.abs(b).max(initial=0))
            np.testing.assert_allclose(a.detach().numpy(), b, rtol=0, atol=atol, err_msg=f"gradient {i}")


drawn = given(program=programs, seed=st.integers(0, 2**32 - 1), picks=st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True))
