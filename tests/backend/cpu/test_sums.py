"""Sums of any length, over any axes, in any layout and on any number of threads lose no digits; float16 is summed in float32."""

import itertools

import numpy as np
import pytest
import torch

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.backend.cpu.numpy_names import numpy_names
from support.backends import on_cpu

SHAPES = [(300_000, 2), (70_000, 3), (200_000,), (1000, 784), (3, 100_000), (100, 5, 300), (5000, 7, 4), (4, 5000, 7), (4, 7, 5000),
          (129, 2), (40_000, 1), (1, 300), (2, 2, 2, 5000), (5000, 2, 2, 2)]  # fmt: skip
LAYOUTS = {
    "as it is": lambda x: x,
    "transposed": lambda x: x.T,
    "reversed": lambda x: x[::-1],
    "every second of the last axis": lambda x: x[..., ::2],
    "every third of the first axis": lambda x: x[::3],
    "in Fortran's order": np.asfortranarray,
    "one row repeated": lambda x: np.broadcast_to(x[:1], x.shape),
    "one number repeated": lambda x: np.broadcast_to(np.float32(0.1), x.shape),
}


def axes_of(x):
    return [None, *[a for r in range(1, x.ndim + 1) for a in itertools.combinations(range(x.ndim), r)]]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_of_float32_are_exact_to_the_last_digits(shape, layout):
    """If 300,000 rows of 0.1 are added one after the other, the sum is wrong by 1e-3."""
    for x in (np.full(shape, 0.1, "float32"), np.random.default_rng(0).random(shape, "float32")):
        x = LAYOUTS[layout](x)
        for axis in axes_of(x):
            for keepdims in (False, True):
                found = numpy_names.sum(x, axis=axis, keepdims=keepdims)
                expected = np.add.reduce(x, axis=axis, keepdims=keepdims, dtype="float64")
                assert found.dtype == "float32" and np.shape(found) == np.shape(expected)
                np.testing.assert_allclose(found, expected, 2e-6)


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_a_sum_over_rows_has_the_same_bits_on_any_number_of_threads(threads):
    x = np.random.default_rng(0).normal(size=(20_001, 30)).astype("float32")
    expected, before = numpy_names.sum(x, axis=0), mg.get_num_threads()
    try:
        mg.set_num_threads(threads)
        np.testing.assert_array_equal(numpy_names.sum(x, axis=0), expected)
    finally:
        mg.set_num_threads(before)


N = 200_000
GRADIENTS = {  # each element is a sum of so many tenths
    "a bias": (lambda b: F.linear(mg.ones(N, 2), mg.ones(3, 2), b) * 0.1, (3,), N),
    "a row": (lambda b: (mg.ones(N, 3) + b) * 0.1, (3,), N),
    "a row of factors": (lambda b: mg.full((N, 3), 0.1) * b, (3,), N),
    "a column": (lambda b: mg.full((3, N), 0.1) * b, (3, 1), N),
    "a column of a transposed matrix": (lambda b: mg.full((N, 3), 0.1).t() * b, (3, 1), N),
    "a number": (lambda b: mg.full((N, 3), 0.1) * b, (), 3 * N),
    "the first two axes": (lambda b: mg.full((N // 4, 4, 3), 0.1) * b, (3,), N),
    "the first axis of three": (lambda b: mg.full((N, 2, 3), 0.1) * b, (2, 3), N),
    "the middle axis": (lambda b: mg.full((2, N, 3), 0.1) * b, (2, 1, 3), N),
    "the outer axes": (lambda b: mg.full((N, 3, 2), 0.1) * b, (3, 1), 2 * N),
}


@pytest.mark.parametrize("numba", [False, True])
@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_of_what_was_broadcast_to_many_rows(name, numba):
    function, shape, count = GRADIENTS[name]
    b = mg.zeros(shape, requires_grad=True)
    with on_cpu(numba, 1 << 15):
        function(b).sum().backward()
    np.testing.assert_allclose(b.grad.numpy(), np.full(shape, np.float32(0.1) * np.float64(count)), 2e-6)


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_softmax_along_a_long_axis(dim):
    shape = [2, 2, 2]
    shape[dim] = 100_000
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    for name in ("softmax", "log_softmax"):
        in_minigrad, in_torch = getattr(mg.from_numpy(x), name)(dim), getattr(torch.from_numpy(x).double(), name)(dim)
        np.testing.assert_allclose(in_minigrad.numpy(), in_torch.numpy(), 3e-6)


def test_means_and_losses_over_many_rows():
    x = np.full((N, 3), 0.1, "float32")
    assert mg.from_numpy(x).mean(0).tolist() == pytest.approx([0.1] * 3, 2e-6)
    assert mg.from_numpy(x[:, ::2]).mean().item() == pytest.approx(0.1, 2e-6)
    assert F.mse_loss(mg.from_numpy(x), mg.zeros(N, 3)).item() == pytest.approx(0.01, 2e-6)
    assert F.l1_loss(mg.from_numpy(x[:, ::2]), mg.zeros(N, 2)).item() == pytest.approx(0.1, 2e-6)
    assert F.nll_loss(mg.from_numpy(x), mg.zeros(N, dtype=mg.int64)).item() == pytest.approx(-0.1, 2e-6)
    assert F.cross_entropy(mg.from_numpy(x), mg.zeros(N, dtype=mg.int64)).item() == pytest.approx(np.log(3), 2e-6)
