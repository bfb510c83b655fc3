"""vjp, jvp, jacobian, hessian, vhp and hvp of functions of several tensors; PyTorch is the oracle."""

import inspect

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.autograd import functional

DEEP = settings.get_current_profile_name() == "deep"
FUNCTIONS = {  # each takes the library and one or two tensors
    "one": lambda lib, x, y: x.tanh(),
    "a constant beside it": lambda lib, x, y: (x.exp(), lib.ones(2, dtype=lib.float64)),
    "no input": lambda lib, x, y: lib.ones(2, dtype=lib.float64),
    "itself": lambda lib, x, y: x,
    "itself, twice": lambda lib, x, y: (x, x),
    "linear": lambda lib, x, y: (3 * x).sum(),
    "product": lambda lib, x, y: (x * y.sum()).sum(),
    "both": lambda lib, x, y: (x * y.sum(), (y / (1 + (x * x).sum()),)[0]),
    "cubes": lambda lib, x, y: (x * x * x).sum() * (y * y).sum(),
    "outer": lambda lib, x, y: x.reshape(-1, 1) * y.reshape(1, -1),
    "detached": lambda lib, x, y: (x.detach() * y).sum(),
    "no number": lambda lib, x, y: 3.0,
    "a list": lambda lib, x, y: [x, y],
    "whole numbers": lambda lib, x, y: (x > 0).long(),
}
SHAPES = st.sampled_from([(), (1,), (0,), (2,), (3,), (2, 1), (1, 2), (2, 0)])
NAMES = ("vjp", "jvp", "jacobian", "hessian", "vhp", "hvp")


def nested(found):
    """Return tensors, and tuples of them, as lists."""
    if isinstance(found, tuple):
        return tuple(nested(part) for part in found)
    return tuple(found.shape), found.detach().tolist(), str(found.dtype).removeprefix("torch.")


def tensors_in(found):
    return [t for part in found for t in tensors_in(part)] if isinstance(found, tuple) else [found]


def outcome(lib, name, function, point, v, is_tuple, options):
    """Return what the function of torch.autograd.functional, or its counterpart, gives: results and what they can be differentiated by."""
    derivative = getattr(lib.autograd.functional, name)
    leaves = [lib.tensor(x, requires_grad=True) for x in point]
    vectors = v if v is None else tuple(lib.tensor(x) for x in v)
    given = [] if name in ("jacobian", "hessian") else [vectors if vectors is None or len(vectors) > 1 else vectors[0]]
    f = function if is_tuple else lambda lib, x: function(lib, x, x * 0 + 1)
    try:
        found = derivative(lambda *xs: f(lib, *xs), tuple(leaves) if is_tuple else leaves[0], *given, **options)
    except (RuntimeError, TypeError) as error:
        return "not compared" if "non-empty TensorList" in str(error) else type(error).__name__, None
    result = nested(found), [t.requires_grad for t in tensors_in(found)] if options["create_graph"] else None
    if options["create_graph"]:
        total = sum(((t * t).sum() for t in tensors_in(found) if t.requires_grad), lib.zeros((), dtype=lib.float64))
        if total.requires_grad:
            grads = lib.autograd.grad(total, leaves, allow_unused=True)
            result = (*result, [None if g is None else g.tolist() for g in grads])
    assert all(leaf.grad is None for leaf in leaves)
    return result


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=2_000 if DEEP else 60)
@given(data=st.data())
def test_derivatives_are_pytorchs(name, data):
    function = FUNCTIONS[data.draw(st.sampled_from(list(FUNCTIONS)), "function")]
    is_tuple, seed = data.draw(st.booleans(), "tuple"), data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    point = [rng.normal(0, 1, data.draw(SHAPES)) for _ in range(1 + is_tuple)]
    options = {"create_graph": data.draw(st.booleans(), "create"), "strict": data.draw(st.booleans(), "strict")}
    v = None
    if data.draw(st.booleans(), "v"):
        if name == "vjp":
            try:
                xs = [torch.tensor(x) for x in point]
                outputs = function(torch, *xs) if is_tuple else function(torch, xs[0], xs[0] * 0 + 1)
                v = [rng.normal(0, 1, tuple(t.shape)) for t in (outputs if isinstance(outputs, tuple | list) else (outputs,))]
            except (AttributeError, RuntimeError):  # it returns no tensor, or the shapes do not fit
                v = None
        else:
            v = [rng.normal(0, 1, x.shape) for x in point]
    expected = outcome(torch, name, function, point, v, is_tuple, options)
    if expected[0] != "not compared":  # PyTorch's jacobian of nothing
        close(outcome(mg, name, function, point, v, is_tuple, options), expected)


def close(found, expected):
    """Assert that two results are alike, numbers up to rounding."""
    if isinstance(expected, list | tuple):
        assert type(found) is type(expected) and len(found) == len(expected), f"{found} instead of {expected}"
        for a, b in zip(found, expected):
            close(a, b)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-10, abs=1e-12)
    else:
        assert found == expected


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_pytorchs(name):
    here, there = (inspect.signature(getattr(lib.autograd.functional, name)).parameters.values() for lib in (mg, torch))
    assert [(p.name, p.default) for p in here] == [(p.name, p.default) for p in there]


def test_the_jacobian_of_nothing_has_no_rows():
    x, y = mg.ones(0, requires_grad=True), mg.ones(2)
    assert tuple(functional.jacobian(lambda x: x * 2, x).shape) == (0, 0)
    rows = functional.jacobian(lambda x, y: (x.sum() * y, x), (x, y))
    assert [[tuple(part.shape) for part in row] for row in rows] == [[(2, 0), (2, 2)], [(0, 0), (0, 2)]]


def test_no_gradient_is_needed_or_left():
    x = mg.tensor([1.0, 2.0])
    with mg.no_grad():
        value, g = functional.vjp(lambda x: (x * x).sum(), x)
        assert value.item() == 5 and g.tolist() == [2, 4] and not value.requires_grad and not g.requires_grad
        assert functional.jacobian(lambda x: x * x, x).tolist() == [[2, 0], [0, 4]]
    assert x.grad is None and not x.requires_grad


def test_mistakes_are_named():
    x, y = mg.ones(2), mg.ones(3)
    for call, error, message in (
        (lambda: functional.vjp(lambda x: x * 2, x), RuntimeError, "vjp: v may be left out for one output of one element only"),
        (lambda: functional.vjp(lambda x: x * 2, x, y), RuntimeError, r"expected \(2,\), got \(3,\)"),
        (lambda: functional.vjp(lambda x: x * 2, x, (x, x)), RuntimeError, r"expected \(2,\), got \(2,\), \(2,\)"),
        (lambda: functional.jvp(lambda x: x * 2, x), RuntimeError, "jvp: v may be left out for one input of one element only"),
        (lambda: functional.jvp(lambda x: x * 2, [x], x), TypeError, "inputs must be a Tensor or a tuple of Tensors, not list"),
        (lambda: functional.jacobian(lambda x: x.sum().item(), x), TypeError, "outputs of func must be a Tensor .* not float"),
        (lambda: functional.hessian(lambda x: x * 2, x), RuntimeError, r"but it returned a tensor of shape \(2,\)"),
        (lambda: functional.hessian(lambda x: (x.sum(),), x), RuntimeError, "but it returned 1 tensors"),
        (lambda: functional.jacobian(lambda x, y: x, (x, y), strict=True), RuntimeError, "output 0 of func does not depend on input 1"),
        (lambda: functional.hessian(lambda x: x.sum(), x, strict=True), RuntimeError, "strict=True"),
        (lambda: functional.jacobian(lambda x: x, x, strategy="forward-mode"), NotImplementedError, "'reverse-mode', which gives the same"),
        (lambda: functional.hessian(lambda x: x.sum(), x, outer_jacobian_strategy="both"), ValueError, "got 'both'"),
    ):
        with pytest.raises(error, match=message):
            call()


def test_the_results_can_be_differentiated_again():
    """The third derivative of x⁴, by the Hessian of the result of hvp, and a Jacobian of a Jacobian."""
    x = mg.tensor([1.0, 2.0], dtype=mg.float64, requires_grad=True)
    hessian = functional.hessian(lambda x: (x**4).sum(), x, create_graph=True)
    (third,) = mg.autograd.grad(hessian.sum(), x)
    assert third.tolist() == [24, 48]
    twice = functional.jacobian(lambda x: functional.jacobian(lambda x: x**3, x, create_graph=True), x)
    assert twice[0, 0, 0] == 6 and twice[1, 1, 1] == 12 and np.count_nonzero(twice.numpy()) == 2
    assert functional.jacobian(lambda x: x**3, x, vectorize=True).tolist() == [[3, 0], [0, 12]]
