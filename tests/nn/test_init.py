"""Initial values that are not drawn element by element: orthogonal matrices, truncated Gaussians, identities; and the old names."""

import math
import warnings

import numpy as np
import pytest
import torch
from nn.test_layers import LIBRARIES, alike

import minigrad
from minigrad.nn import init


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (2, 3, 2), (1, 1), (0, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_orthogonal_matrices(shape, dtype):
    minigrad.manual_seed(0)
    x = minigrad.nn.Parameter(minigrad.empty(*shape, dtype=getattr(minigrad, dtype)))
    assert init.orthogonal_(x, gain=2) is x and x.requires_grad and x.is_leaf
    q = x.detach().double().numpy().reshape(shape[0], math.prod(shape[1:])) / 2
    product = q @ q.T if len(q) <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(product, np.eye(len(product)), atol={"float32": 1e-6, "float64": 1e-13, "float16": 5e-3}[dtype])


def test_orthogonal_matrices_are_drawn_evenly():
    """With the signs of R's diagonal each direction is as likely as its opposite."""
    minigrad.manual_seed(1)
    drawn = np.stack([init.orthogonal_(minigrad.empty(2, 2)).numpy() for _ in range(400)])
    assert np.abs(drawn.mean(0)).max() < 0.12 and 0.4 < (np.linalg.det(drawn) > 0).mean() < 0.6


def test_orthogonal_matrix_has_the_signs_of_pytorch_s():
    """Of the same Gaussian numbers, PyTorch's decomposition and this one make the same matrix."""
    minigrad.manual_seed(2)
    given = minigrad.empty(4, 3, dtype=minigrad.float64).normal_()
    minigrad.manual_seed(2)
    mine = init.orthogonal_(minigrad.empty(4, 3, dtype=minigrad.float64)).numpy()
    q, r = torch.linalg.qr(torch.from_numpy(given.numpy()))
    np.testing.assert_allclose(mine, (q * torch.diag(r).sign()).numpy(), atol=1e-12)


@pytest.mark.parametrize("mean, std, a, b", [(0, 1, -2, 2), (0.5, 0.02, -2, 2), (0, 1, 2.0, 3.0), (1, 2, -0.1, 0.1), (0, 1, -1, 4)])
def test_truncated_gaussians(mean, std, a, b):
    minigrad.manual_seed(3)
    x = minigrad.nn.Parameter(minigrad.empty(100, 200, dtype=minigrad.float64))
    assert init.trunc_normal_(x, mean, std, a, b) is x and x.is_leaf
    v = np.sort(x.detach().numpy().reshape(-1))
    assert a <= v[0] and v[-1] <= b
    below = lambda t: 0.5 * math.erfc(-(t - mean) / (std * math.sqrt(2)))
    expected = np.array([(below(t) - below(a)) / (below(b) - below(a)) for t in v[::100]])
    assert np.abs(expected - np.arange(0, v.size, 100) / v.size).max() < 0.015


def test_truncated_gaussians_far_away_warn():
    for T in LIBRARIES:
        with pytest.warns(UserWarning, match="mean is more than 2 std from"):
            T.nn.init.trunc_normal_(T.empty(3), mean=9.0)


def test_truncated_gaussians_of_no_number_are_refused():
    for mean, std in ((math.nan, 1.0), (0.0, math.nan), (math.inf, 1.0)):
        with pytest.raises(ValueError, match="expected a finite mean"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            init.trunc_normal_(minigrad.empty(3), mean, std)


def test_identities_and_what_is_refused():
    alike(lambda T: [T.nn.init.eye_(T.empty(2, 3)), T.nn.init.eye_(T.nn.Parameter(T.empty(3, 2).double())), T.nn.init.eye_(T.empty(0, 2))])
    for T in LIBRARIES:
        for name in ("eye_", "orthogonal_"):
            with pytest.raises(ValueError, match="dimensions are supported"):
                getattr(T.nn.init, name)(T.empty(3))


@pytest.mark.parametrize("name", [
    "uniform", "normal", "constant", "eye", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal",
])  # fmt: skip
def test_old_names_are_those_of_the_same_functions(name):
    assert getattr(init, name) is getattr(init, f"{name}_")
