"""Random graphs against PyTorch: Hypothesis draws programs, which run with both libraries and give the same, line by line.

There are 500 of each kind, and 20,000 with MINIGRAD_TEST_PROFILE=deep.
"""

import numpy as np
import pytest
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


@many
@drawn
def test_several_roots_at_once(program, seed, picks):
    runs = both(program, seed)
    for run in runs:
        roots = run.roots(picks)
        if roots:
            run.lib.autograd.backward(roots, [run.weights(root, seed + i) for i, root in enumerate(roots)])
    close(*[run.gradients() for run in runs])
    for leaf in runs[0].leaves:
        assert leaf.grad is None or leaf.grad.array.flags.writeable


@many
@drawn
def test_one_root_after_the_other_with_the_graph_retained(program, seed, picks):
    runs = both(program, seed)
    for run in runs:
        for i, root in enumerate(run.roots(picks)):
            root.sum().backward(retain_graph=True)
            (root * root).backward(run.weights(root, seed + i), retain_graph=True)
    close(*[run.gradients() for run in runs])


@some
@drawn
def test_hooks_and_retained_gradients(program, seed, picks):
    runs = both(program, seed)
    seen = []
    for run in runs:
        calls = []
        for i, value in enumerate(run.values):
            if value.requires_grad and i % 3 != 1:
                value.register_hook(lambda g, i=i, calls=calls: calls.append(i) or (g * 2 if i % 2 else None))
            if value.requires_grad:
                value.retain_grad()
        roots = run.roots(picks)
        if roots:
            sum(root.sum() for root in roots).backward()
        seen.append(sorted(calls))
    assert seen[0] == seen[1], "each hook is called once, where PyTorch calls it"
    close(*[[value.grad for value in run.values if value.requires_grad] for run in runs])


@some
@drawn
def test_grad_of_leaves_and_of_values_between(program, seed, picks):
    runs = both(program, seed)
    found = []
    for run in runs:
        roots = run.roots(picks)
        inputs = [v for v in run.values[:len(SHAPES) + 4] if v.requires_grad]
        weights = [run.weights(root, seed + i) for i, root in enumerate(roots)]
        found.append(run.lib.autograd.grad(roots, inputs, weights, allow_unused=True) if roots else [])
        assert all(leaf.grad is None for leaf in run.leaves)
    close(*found)


@some
@drawn
def test_second_derivatives_of_graphs(program, seed, picks):
    runs = both(program[:8], seed)
    for run in runs:
        roots = run.roots(picks)
        if not roots:
            continue
        total = sum((root * root).sum() for root in roots)
        first = run.lib.autograd.grad(total, run.leaves[:4], create_graph=True, allow_unused=True)
        second = [(g * g).sum() + g.sum() for g in first if g is not None and g.requires_grad]
        if second:
            sum(second).backward()
    scale = max([1.0, *[float(leaf.grad.abs().max()) for leaf in runs[1].leaves if leaf.grad is not None]])
    close(*[[None if g is None else g / scale for g in run.gradients()] for run in runs])


@some
@drawn
def test_writes_raise_or_change_nothing(program, seed, picks):
    """After a write to leaves, constants or detached values, backward raises if PyTorch's does, and only then; else it is right."""
    right = Run(torch, program, seed)
    runs = [Run(torch, program, seed, right.factors), Run(mg, program, seed, right.factors)]
    outcome = []
    for run in runs:
        roots = run.roots(picks)
        for p in picks:
            with run.lib.no_grad():
                run.values[p % len(run.values)].detach().add_(1)
        try:
            if roots:
                sum(root.sum() for root in roots).backward()
            outcome.append(None)
        except RuntimeError as error:
            outcome.append(str(error))
    in_torch, in_minigrad = outcome
    if in_torch is None:
        assert in_minigrad is None, f"PyTorch raises nothing here: {in_minigrad}"
    if in_minigrad is None:
        roots = right.roots(picks)
        if roots:
            sum(root.sum() for root in roots).backward()
        close(runs[1].gradients(), right.gradients())
    else:
        assert "changed in place" in in_minigrad and "shape" in in_minigrad


@pytest.mark.parametrize("n", [*range(1, 10), 16, 31, 32, 33, 63, 64])
def test_fan_out(n):
    """If x is used n times, its gradient is the sum of n contributions, each counted once."""
    for form in (lambda lib, x: sum([x * k for k in range(n)]), lambda lib, x: lib.cat([x] * n).sum(), lambda lib, x: sum([x] * n) * x):
        found = []
        for lib in (mg, torch):
            x = lib.tensor([1.5, -2.0], dtype=lib.float64, requires_grad=True)
            form(lib, x).sum().backward()
            found.append(x.grad.tolist())
        np.testing.assert_allclose(*found, rtol=1e-14)


def test_second_derivatives_past_a_constant_that_was_changed_in_place():
    for lib in (mg, torch):
        x = lib.tensor([2.0, 3.0], requires_grad=True)
        constant = lib.tensor([5.0, 7.0])
        constant.mul_(x)  # now it has a history, and another value
        first = lib.autograd.grad((constant * constant).sum(), x, create_graph=True)[0]
        (second,) = lib.autograd.grad(first.sum(), x)
        assert first.tolist() == [100, 294] and second.tolist() == [50, 98]
