"""Each backward agrees with numeric derivatives of its forward."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minigrad.testing.strategies import layouts, tensors

from tinylayers import LayerNorm, Linear, ReLU, Sequential, Tanh
from tinylayers import functions as F

rng = np.random.default_rng(0)


def test_linear(gradcheck):
    x, weight, bias = rng.normal(size=(5, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
    gradcheck.vjp(F.linear_forward, F.linear_backward, x, weight, bias, cache=True)


def test_tanh(gradcheck):
    gradcheck.vjp(F.tanh_forward, F.tanh_backward, rng.normal(size=(2, 5)), cache=True)


def test_conv1d(gradcheck):
    x, weight, bias = rng.normal(size=(2, 3, 7)), rng.normal(size=(4, 3, 2)), rng.normal(size=4)
    gradcheck.vjp(F.conv1d_forward, F.conv1d_backward, x, weight, bias, cache=True)


def test_batch_norm(gradcheck):
    x, gamma, beta = rng.normal(size=(6, 4)), rng.normal(size=4), rng.normal(size=4)
    gradcheck.vjp(F.batch_norm_forward, F.batch_norm_backward, x, gamma, beta, cache=True)


@pytest.mark.gradcheck(audit=True)  # also tells which mistakes this test would not notice
def test_layer_norm(gradcheck):
    x, gamma, beta = rng.normal(size=(4, 6)), rng.normal(size=6), rng.normal(size=6)
    gradcheck.vjp(F.layer_norm_forward, F.layer_norm_backward, x, gamma, beta, cache=True)


def test_softmax_cross_entropy(gradcheck):
    logits, targets = rng.normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
    gradcheck.vjp(F.softmax_cross_entropy_forward, F.softmax_cross_entropy_backward, logits, targets, cache=True)


@pytest.mark.gradcheck(dtype="float32")
def test_linear_float32(gradcheck):
    x, weight, bias = [rng.normal(size=shape).astype("float32") for shape in [(5, 3), (3, 4), (4,)]]
    gradcheck.vjp(F.linear_forward, F.linear_backward, x, weight, bias, cache=True)


@settings(max_examples=30, deadline=None)
@given(x=layouts(tensors(shape=st.tuples(st.integers(1, 4), st.integers(1, 4)), away_from=[0], library="numpy")))
def test_relu(gradcheck, x):
    gradcheck.vjp(F.relu_forward, F.relu_backward, x, cache=True)


@pytest.mark.parametrize("layer", [
    Linear(3, 4, rng),
    LayerNorm(3),
    Tanh(),
    ReLU(),
    Sequential(Linear(3, 4, rng), Tanh(), LayerNorm(4), Linear(4, 2, rng)),
], ids=lambda layer: type(layer).__name__)
def test_layers(gradcheck, layer):
    for value in layer.params.values():
        value += rng.normal(size=value.shape)  # a gamma of 1 or a beta of 0 would hide mistakes
    gradcheck.vjp(layer.forward, layer.backward, rng.normal(size=(5, 3)), params=layer.params, grads=lambda: layer.grads)
