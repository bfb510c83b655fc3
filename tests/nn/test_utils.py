"""Clipped gradients, and parameters as one vector, are PyTorch's."""

import math
import warnings

import numpy as np
import pytest
import torch
from nn.test_layers import LIBRARIES, alike, numbers

import minigrad


def trained(T, scale=1.0, dtype="float64"):
    """Return two parameters with gradients, a third one that has none, and one of shape ()."""
    parameters = [T.nn.Parameter(numbers(T, *shape, seed=i).to(getattr(T, dtype))) for i, shape in enumerate([(3, 2), (4,), (2,), ()])]
    (sum((i + 1) * scale * (p ** 2).sum() for i, p in enumerate(parameters) if i != 2)).backward()
    return parameters


@pytest.mark.parametrize("order", [2.0, 1, 3, math.inf, "inf", -math.inf, 0.5])
@pytest.mark.parametrize("bound", [0.5, 1e6])
def test_clip_grad_norm(order, bound):
    def results(T):
        parameters = trained(T)
        total = T.nn.utils.clip_grad_norm_((p for p in parameters), bound, norm_type=order)
        alone = T.nn.utils.clip_grad_norm_(parameters[1], 0.1)
        return [total, total.requires_grad, alone, *[p.grad for p in parameters if p.grad is not None], parameters[2].grad is None]

    alike(results)


def test_clip_grad_norm_of_half_precision_and_of_nothing():
    alike(lambda T: [T.nn.utils.clip_grad_norm_(trained(T, dtype="float16"), 1.0), T.nn.utils.clip_grad_norm_([], 1.0)], 2e-3)
    alike(lambda T: [T.nn.utils.clip_grad_norm_([trained(T)[2]], 1.0)])


@pytest.mark.parametrize("scale", [math.inf, math.nan])
def test_gradients_that_are_not_finite(scale):
    for T in LIBRARIES:
        with pytest.raises(RuntimeError, match=r"The total norm of order 2\.0 for gradients from `parameters` is non-finite"):
            T.nn.utils.clip_grad_norm_(trained(T, scale), 1.0, error_if_nonfinite=True)
    alike(lambda T: [T.nn.utils.clip_grad_norm_(parameters := trained(T, scale), 1.0), *[p.grad for p in parameters[:2]]])


def test_clip_grad_value_and_the_old_name():
    def results(T):
        parameters, one = trained(T), trained(T)[0]
        T.nn.utils.clip_grad_value_(iter(parameters), 1.5)
        T.nn.utils.clip_grad_value_(one, 0.5)
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # PyTorch warns
            total = T.nn.utils.clip_grad_norm(parameters, 1.0)
        return [total, *[p.grad for p in parameters if p.grad is not None], one.grad]

    alike(results)


def test_clipping_leaves_no_history_and_works_on_recorded_gradients():
    for T in LIBRARIES:
        p = T.nn.Parameter(T.tensor([3.0, 4.0]))
        (p.grad,) = T.autograd.grad((p ** 3).sum(), p, create_graph=True)
        T.nn.utils.clip_grad_norm_([p], 1.0)
        assert abs(float(p.grad.detach().norm()) - 1) < 1e-5


def test_parameters_as_one_vector_and_back():
    def results(T):
        net = T.nn.Sequential(T.nn.Linear(2, 3), T.nn.Linear(3, 1)).double()
        vector = T.nn.utils.parameters_to_vector(net.parameters())
        vector.square().sum().backward()
        there = all(np.allclose(p.grad.numpy(), 2 * p.detach().numpy()) for p in net.parameters())
        new = numbers(T, vector.numel())
        T.nn.utils.vector_to_parameters(new, net.parameters())
        new[0] = 5.0  # the parameters show the vector's memory
        (T.nn.utils.parameters_to_vector(net.parameters()) - 1).square().sum().backward()
        return [tuple(vector.shape), vector.requires_grad, there, *net.parameters(), net[0].weight.grad.shape[0]]

    alike(results)
    for T in LIBRARIES:
        with pytest.raises(TypeError):
            T.nn.utils.vector_to_parameters([1.0], [])
        with pytest.raises(RuntimeError):
            T.nn.utils.vector_to_parameters(T.zeros(3), T.nn.Linear(2, 2).parameters())


def test_the_names_can_be_imported_as_in_pytorch():
    from minigrad.nn.parameter import Parameter
    from minigrad.nn.utils import clip_grad_norm_, clip_grad_value_, parameters_to_vector, vector_to_parameters  # noqa: F401

    assert Parameter is minigrad.nn.Parameter and clip_grad_norm_ is minigrad.nn.utils.clip_grad_norm_
    assert set(minigrad.nn.utils.__all__) <= set(dir(torch.nn.utils))
