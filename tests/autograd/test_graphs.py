"""Random graphs against PyTorch: Hypothesis draws programs, which run with both libraries and give the same, line by line.

There are 500 of each kind, and 20,000 with MINIGRAD_TEST_PROFILE=deep.
"""

import numpy as np
import pytest
import torch

import minigrad as mg
from support.random_graphs import SHAPES, Run, both, close, drawn, many, some


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
