"""Norms and standard deviations where they are 0: the derivatives are PyTorch's, and none is NaN."""

import numpy as np
import pytest
import torch

import minigrad

INF = float("inf")


@pytest.mark.parametrize("rows", [[[0.0, 0.0], [3.0, -4.0]], [[0.0, 2.0], [-1.0, 0.0]]], ids=["a row of zeros", "single zeros"])
@pytest.mark.parametrize("p", [1, 2, 3, 2.5, 1.5, 0.5, -1, -2.5, INF, -INF])
def test_the_gradient_of_a_norm_at_zeros(p, rows):
    results = []
    for T in (torch, minigrad):
        x = T.tensor(rows, dtype=T.float64, requires_grad=True)
        y = x.norm(p, dim=1)
        y.backward(T.tensor([1.0, 2.0], dtype=T.float64))
        results.append(np.concatenate([y.detach().numpy(), x.grad.numpy().ravel()]))
    np.testing.assert_allclose(results[1], results[0], rtol=1e-14)


@pytest.mark.parametrize("function", [lambda x: x.std(0), lambda x: x.norm(2, 0), lambda x: x.norm(3, 0), lambda x: x.norm(1.5, 0)])
def test_second_derivatives_at_zero_are_zero(function):
    x = minigrad.zeros(3, 2, dtype=minigrad.float64, requires_grad=True)
    (g,) = minigrad.autograd.grad(function(x).sum(), x, create_graph=True)
    (second,) = minigrad.autograd.grad((g * g).sum(), x, allow_unused=True, materialize_grads=True)
    assert not g.detach().numpy().any() and not second.numpy().any()


@pytest.mark.parametrize("number", [0.1, 1e8 / 3, -7.3])
def test_equal_numbers_deviate_by_exactly_0(number):
    for n in (2, 3, 7, 1000):
        x = minigrad.full((n,), number, dtype=minigrad.float64, requires_grad=True)
        x.std().backward()
        assert x.std().item() == 0 and not x.grad.numpy().any()


def test_without_enough_elements_the_variance_is_pytorch_s():
    for code in ("x.var(0)", "x.std(0)", "x[:0].var(0)", "x.var(correction=5)", "x.var(1, correction=3)"):
        with pytest.warns(UserWarning, match="degrees of freedom"):
            wanted = eval(code, {"x": torch.tensor([[1.0, 2.0]])})
        assert np.array_equal(eval(code, {"x": minigrad.tensor([[1.0, 2.0]])}).numpy(), wanted.numpy(), equal_nan=True), code


@pytest.mark.parametrize("function", [lambda x: x.var(0), lambda x: x.std()])
def test_a_second_derivative_after_another_tensor_was_changed_in_place(function):
    results = []
    for T in (torch, minigrad):
        w, other = T.tensor([[1.0, 3.0], [2.0, 7.0]], dtype=T.float64, requires_grad=True), T.zeros(2)
        y = function(w * 1)
        other.add_(1)  # as the running statistics of a batch norm are
        (g,) = T.autograd.grad((y**2).sum(), w, create_graph=True)
        results.append(T.autograd.grad((g**3).sum(), w)[0].numpy())
    np.testing.assert_allclose(results[1], results[0], rtol=1e-13)


@pytest.mark.parametrize("function", [lambda x: x.norm(), lambda x: x.norm(3), lambda x: x.std()])
@pytest.mark.parametrize("numbers", [[100.0, -300.0], [1e-4, 3e-4]])
def test_float16_is_computed_in_float32(function, numbers):
    results = []
    for T, dtype in ((torch, torch.float64), (minigrad, minigrad.float16)):
        x = T.tensor(np.float16(numbers).tolist(), dtype=dtype, requires_grad=True)
        y = function(x)
        y.backward()
        results.append([y.item(), *x.grad.tolist()])
    np.testing.assert_allclose(results[1], results[0], rtol=2e-3)
