"""The values of a graph, which keeps only what its VJPs need, are computed again; what cannot be known is None."""

import gc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.autograd.visits import nodes_before
from minigrad.inspect.values import Values
from support.random_graphs import Run, programs, some


@some
@given(program=programs, seed=st.integers(0, 2**32 - 1))
def test_values_are_what_was_computed(program, seed):
    run = Run(mg, program, seed)
    roots = [value for value in run.values if value.node is not None]
    if roots:
        values = Values(roots[-1].node)
        behind = set(nodes_before([roots[-1].node]))
        for tensor in roots:
            if tensor.node in behind:
                found = values.of(tensor.node)
                assert found is not None and found.dtype == tensor.array.dtype and found.tobytes() == tensor.array.tobytes()


def test_float16_and_options():
    x = mg.tensor([[1.0, -2.0], [3.0, 300.0]], dtype=mg.float16, requires_grad=True)
    y = x.softmax(1)
    z = (y * x).mean(0, keepdim=True)
    values = Values(z.sum().node)
    assert np.array_equal(values.of(y.node), y.array) and np.array_equal(values.of(z.node), z.array)


def test_a_written_leaf_hides_the_values_behind_it():
    x, w = mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True)
    y = x.exp()
    z = w * 3 + y
    with mg.no_grad():
        x.mul_(2)
    values = Values(z.node)
    assert values.of(y.node) is None and values.of(z.node) is None


def test_lines_keeps_values_until_they_are_written_to():
    x = mg.ones(2, requires_grad=True)
    with mg.inspect.lines():
        y = x + 1
        z = y * 2
        out = z.sum()
    with mg.no_grad():
        x.mul_(2)
    y.detach().mul_(5)
    values = Values(out.node)
    assert values.of(y.node) is None and values.of(z.node).tolist() == [4, 4]


class Square(mg.autograd.Function):
    calls = 0

    @staticmethod
    def forward(ctx, x):
        Square.calls += 1
        return x * x

    @staticmethod
    def backward(ctx, g):
        return g


def test_the_forward_of_a_function_never_runs_again():
    x = mg.ones(2, requires_grad=True)
    y = Square.apply(x)
    kept, z = y.node, y * 3
    before = Square.calls
    assert Values(z.node).of(kept).tolist() == [1, 1]
    out = z.exp()
    del y, z
    gc.collect()
    values = Values(out.node)
    assert values.of(kept) is None and values.of(out.node) is None and Square.calls == before


def test_nothing_is_recorded():
    x = mg.ones(2, requires_grad=True)
    y = (x * 2).exp()
    values = Values(y.node)
    assert type(values.of(y.node)) is type(y.array)
