"""Activations far out, at their kinks and in place: values, first and second derivatives as PyTorch's."""

import numpy as np
import pytest
import torch

import minigrad as mg

CALLS = [
    ("leaky_relu", {}), ("elu", {}), ("elu", {"alpha": 0.5}), ("selu", {}), ("gelu", {}), ("gelu", {"approximate": "tanh"}), ("silu", {}),
    ("softplus", {}), ("softplus", {"beta": 2.0, "threshold": 3.0}), ("logsigmoid", {}), ("hardtanh", {}),
    ("relu6", {}),
]  # fmt: skip
SIDES = np.array([1e-300, 1e-8, 0.3, 1, 5, 6, 20.5, 39.9, 40.1, 88.8, 745, 1e4, 1e38])
POINTS = np.array([0.0, -0.0, *SIDES, *-SIDES])


def derivatives(lib, name, options, points):
    """Return the value and the first two derivatives of an activation at these points."""
    x = lib.tensor(points.copy(), requires_grad=True)
    y = getattr(lib.nn.functional, name)(x, **options)
    (first,) = lib.autograd.grad(y.sum(), x, create_graph=True)
    if not first.requires_grad:
        return y, first, lib.zeros_like(first)
    (second,) = lib.autograd.grad(first.sum(), x)
    return y, first, second


@pytest.mark.parametrize("name, options", CALLS)
def test_far_out_and_at_the_kinks(name, options):
    for have, want in zip(derivatives(mg, name, options, POINTS), derivatives(torch, name, options, POINTS)):
        np.testing.assert_allclose(have.detach().numpy(), want.detach().numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name, options", CALLS)
def test_float16_is_computed_in_float32(name, options):
    points = np.float16([2.4, -15, 15, 12, -12, 100])  # e^12 is no float16
    for have, want in zip(derivatives(mg, name, options, points)[:2], derivatives(torch, name, options, points)):
        assert have.dtype == mg.float16
        np.testing.assert_allclose(have.tolist(), want.tolist(), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("name", ["leaky_relu", "elu", "selu", "silu", "hardtanh", "relu6"])
def test_in_place(name):
    for recorded in (False, True):
        found = []
        for lib in (mg, torch):
            x = lib.tensor(np.array([-2.0, 0.5, 3.0]), requires_grad=recorded)
            y = x * 2
            assert getattr(lib.nn.functional, name)(y, inplace=True) is y
            if recorded:
                y.backward(lib.tensor(np.array([1.0, 2.0, 3.0])))
            found.append([*y.tolist(), *(x.grad.tolist() if recorded else ())])
        np.testing.assert_allclose(*found, rtol=1e-14)


@pytest.mark.parametrize("shape, weight", [((3,), "ones(3)"), ((2, 1), "ones(3)"), ((2, 2), "ones(2, 1)"), ((2, 2), "ones(2).double()")])
def test_slopes_that_fit_no_channels_are_refused(shape, weight):
    for lib in (torch, mg):
        with pytest.raises(RuntimeError, match="expected a weight of float32" if lib is mg else None):
            lib.nn.functional.prelu(lib.ones(*shape), eval(f"lib.{weight}", {"lib": lib}))


def test_limits_of_hardtanh_and_nan():
    for lib in (torch, mg):
        x = lib.tensor([float("nan"), 1.0, 0.5], requires_grad=True)
        lib.nn.functional.hardtanh(x).sum().backward()
        assert x.grad.tolist() == [1, 0, 1]
        with pytest.raises(ValueError, match="min_val cannot be greater than max_val"):
            lib.nn.functional.hardtanh(x, 1.0, -1.0)


def test_a_leaf_is_not_changed_in_place():
    x = mg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="silu_: a leaf tensor that requires a gradient is changed in place"):
        mg.nn.functional.silu(x, inplace=True)
