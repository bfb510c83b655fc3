"""LBFGS takes PyTorch's steps, with and without a line search, and calls its closure as often."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import optim
from support.strict_device import strict_device


def rosenbrock(lib, x, y):
    """Return Σ 100 (y - x²)² + (1 - x)²."""
    return (100 * (y - x * x) ** 2 + (1 - x) ** 2).sum()


def path(lib, function, start, steps, dtype="float64", move=lambda t: t, **options):
    """Return the parameters at each call of the closure, what each step returned, and the final state."""
    params = [move(lib.tensor(np.asarray(value, dtype))).requires_grad_() for value in start]
    optimizer, seen = lib.optim.LBFGS(params, **options), []

    def closure():
        seen.append(np.concatenate([p.detach().cpu().numpy().reshape(-1) for p in params]))
        optimizer.zero_grad()
        loss = function(lib, *params)
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(steps)]
    return np.array(seen), losses, optimizer.state[params[0]]


searches = pytest.mark.parametrize("search", [None, "strong_wolfe"])


@searches
@pytest.mark.parametrize("options", [{}, {"history_size": 3}, {"max_iter": 4}, {"max_iter": 7, "max_eval": 9}, {"tolerance_change": 1e-3}])
def test_each_call_of_the_closure_is_pytorch_s(search, options):
    found, wanted = (path(lib, rosenbrock, [[-1.2, 0.5], [1.0, -0.3]], 2, line_search_fn=search, lr=1 if search else 1e-3, **options)
                     for lib in (mg, torch))
    np.testing.assert_allclose(found[0], wanted[0], 1e-9, 1e-9)
    np.testing.assert_allclose(found[1], wanted[1], 1e-9)
    assert found[2]["func_evals"] == wanted[2]["func_evals"] == len(wanted[0]) and found[2]["n_iter"] == wanted[2]["n_iter"]


def test_a_line_search_goes_on_though_the_points_are_nearer_than_tolerance_change():
    options = {"line_search_fn": "strong_wolfe", "lr": 3, "tolerance_change": 0.05}
    found, wanted = (path(lib, rosenbrock, [[-1.2, 0.5], [1.0, -0.3]], 2, **options)[0] for lib in (mg, torch))
    np.testing.assert_allclose(found, wanted, 1e-9, 1e-9)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**16), n=st.integers(1, 6), lr=st.sampled_from([0.01, 0.3, 1.0]), history=st.integers(1, 8),
       most=st.integers(1, 12), search=st.sampled_from([None, "strong_wolfe"]))
def test_any_quadratic_form_beside_a_quartic_one(seed, n, lr, search, history, most):
    rng = np.random.default_rng(seed)
    matrix, start = rng.normal(0, 1, (n, n)), [rng.normal(0, 1, n), rng.normal(0, 1, ())]

    def function(lib, x, c):
        y = lib.tensor(matrix @ matrix.T + np.eye(n)) @ x
        return (x * y).sum() / 2 + (x ** 4).sum() / 10 + (c - 1) ** 2 + x.sum() * c / n

    options = {"lr": lr, "line_search_fn": search, "history_size": history, "max_iter": most}
    found, wanted = (path(lib, function, start, 2, **options) for lib in (mg, torch))
    np.testing.assert_allclose(found[0], wanted[0], 1e-9, 1e-9)


def test_in_float32():
    found, wanted = (path(lib, rosenbrock, [[-1.2, 0.5], [1.0, -0.3]], 1, "float32", lr=1e-3) for lib in (mg, torch))
    np.testing.assert_allclose(found[0], wanted[0], 1e-4)
    assert str(found[2]["d"].dtype) == str(found[2]["al"][0].dtype) == "float32"


@searches
@pytest.mark.parametrize("function", [
    lambda lib, x: (x * float("nan")).sum(), lambda lib, x: -(x * x).sum(), lambda lib, x: (x * 0).sum(), lambda lib, x: (x * 1e-30).sum(),
    lambda lib, x: x.abs().sum(), lambda lib, x: (1 / x).sum(), lambda lib, x: (x * x).sum() * 1e200, lambda lib, x: x.sum(),
], ids=["NaN", "concave", "flat", "almost flat", "edge", "pole", "steep", "line"])  # fmt: skip
def test_losses_without_a_minimum_that_can_be_found(search, function):
    found, wanted = (path(lib, function, [[0.5, -1.5]], 1, line_search_fn=search) for lib in (mg, torch))
    assert len(found[0]) == len(wanted[0])
    np.testing.assert_allclose(found[0][:7], wanted[0][:7], 1e-9, 1e-9)  # then nothing but rounding errors decides
    np.testing.assert_allclose(found[1], wanted[1], 1e-9)


@searches
def test_parameters_without_a_gradient_stay(search):
    results = []
    for lib in (mg, torch):
        p, q = lib.ones(2, requires_grad=True), lib.ones(3, requires_grad=True)
        optimizer = lib.optim.LBFGS([q, p], line_search_fn=search)

        def closure(p=p, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (p * p * p * p).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        assert q.tolist() == [1, 1, 1] and q.grad is None
        results.append(p.tolist())
    assert results[0] == pytest.approx(results[1], rel=1e-5)


def test_what_is_refused():
    p, q = (mg.ones(1, requires_grad=True) for _ in range(2))
    with pytest.raises(ValueError, match="parameter groups"):
        optim.LBFGS([{"params": [p]}, {"params": [q]}])
    with pytest.raises(RuntimeError, match="'wolfe': only 'strong_wolfe' is supported"):
        optim.LBFGS([p], line_search_fn="wolfe").step(lambda: p * 1)
    with pytest.raises(TypeError):
        optim.LBFGS([p]).step()


def test_the_closure_is_recorded_and_the_rest_is_not():
    p = mg.ones(2, requires_grad=True)
    optimizer, modes = optim.LBFGS([p], max_iter=2), []

    def closure():
        modes.append(mg.is_grad_enabled())
        p.grad = None
        loss = (p * p).sum()
        loss.backward(create_graph=True)
        return loss

    with mg.no_grad(), pytest.warns(UserWarning, match="create_graph"):
        loss = optimizer.step(closure)
    assert set(modes) == {True} and loss.requires_grad and loss.item() == 2
    assert not any(t.requires_grad for t in optimizer.state[p].values() if isinstance(t, mg.Tensor))


@searches
def test_on_a_device(search):
    with strict_device():
        options = {"line_search_fn": search, "lr": 1 if search else 1e-3}
        here, there = (path(mg, rosenbrock, [[-1.2, 0.5], [1.0, -0.3]], 2, move=move, **options)
                       for move in (lambda t: t, lambda t: t.cuda()))
    np.testing.assert_allclose(there[0], here[0], 1e-9, 1e-9)
