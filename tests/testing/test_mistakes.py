"""The eleven classic mistakes get their verdict in minigrad, NumPy, PyTorch and JAX, and what resembles them gets another one."""

import importlib.util
import os

import pytest

import minigrad as mg
from minigrad import testing
from minigrad.autograd import op
from support import mistakes
from support.optional_tools import needs

needs_jax = needs(importlib.util.find_spec("jax"), "needs JAX, from the extra peers")
CLASSIC = {"sign", "constant factor", "broadcast", "transposed", "missing", "diagonal", "exchanged", "independent", "wrong axis",
           "input for output", "mask"}
DEEP = os.environ.get("MINIGRAD_TEST_PROFILE") == "deep"
CASES = [*mistakes.MISTAKES, *mistakes.NEAR_MISSES]
FIRST = [case for case in CASES if [c for c in CASES if c.verdicts == case.verdicts].index(case) < 1]  # of each kind


def rows():
    """Return the pairs (mistake, library) of the tests: in NumPy all, in the others one of each kind, unless the profile is deep."""
    found = [(case, library) for case in CASES for library in case.libraries if library == "numpy" or DEEP or case in FIRST]
    return [pytest.param(case, library, id=f"{case}-{library}", marks=[needs_jax] * (library == "jax")) for case, library in found]


def report_of(mistake, library, seed=0):
    """Return the report of a check of a mistake as a user of the library writes it."""
    arrays = mistake.draw(seed)
    if library == "minigrad":
        return testing.gradcheck(mistakes.in_minigrad(mistake), [mg.tensor(x, requires_grad=True) for x in arrays], raise_exception=False)
    if library == "numpy":
        return testing.check_vjp(*mistakes.in_numpy(mistake), *arrays, raise_exception=False)
    if library == "torch":
        import torch

        tensors = [torch.tensor(x, requires_grad=True) for x in arrays]
        return testing.check_torch(mistakes.in_torch(mistake), *tensors, raise_exception=False)
    return testing.check_jax(mistakes.in_jax(mistake), *arrays, raise_exception=False)


@pytest.mark.parametrize("mistake, library", rows())
def test_each_mistake_gets_its_verdict(mistake, library):
    for seed in range(10 if DEEP and library != "jax" else 1):
        report = report_of(mistake, library, seed)
        assert report.verdict in mistake.verdicts, str(report)
        assert report.finding.argument in mistake.arguments, str(report)


def test_each_classic_mistake_is_made_with_three_operations_at_least():
    counts = {verdict: sum(verdict in m.verdicts for m in mistakes.MISTAKES) for verdict in CLASSIC}
    assert min(counts.values()) >= 3, counts


def test_one_vjp_too_few_is_counted():
    @op
    def product(x, y):
        return x * y, lambda g: g * y

    report = testing.gradcheck(product, [mg.randn(3, 4, dtype=mg.float64, requires_grad=True) for _ in range(2)], raise_exception=False)
    assert report.verdict == "count", str(report)


# ---- the graph is cut, or what was computed in between is wrong


def cut(x, w):
    return x.tanh() * w.detach()


def test_an_argument_cut_from_the_graph_is_missing():
    tensors = [mg.randn(3, 4, dtype=mg.float64, requires_grad=True) for _ in range(2)]
    report = testing.gradcheck(cut, tensors, raise_exception=False)
    assert (report.verdict, report.finding.argument) == ("missing", 1), str(report)


def test_an_argument_cut_from_the_graph_of_torch_is_missing():
    import torch

    tensors = [torch.randn(3, 4, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    report = testing.check_torch(cut, *tensors, raise_exception=False)
    assert (report.verdict, report.finding.argument) == ("missing", 1), str(report)


@needs_jax
def test_an_argument_cut_from_the_graph_of_jax_is_missing():
    import jax
    import jax.numpy as jnp
    import numpy as np

    arrays = np.random.default_rng(0).normal(size=(2, 3, 4))
    report = testing.check_jax(lambda x, w: jnp.tanh(x) * jax.lax.stop_gradient(w), *arrays, raise_exception=False)
    assert (report.verdict, report.finding.argument) == ("missing", 1), str(report)


def test_half_of_a_square_cut_from_the_graph_is_a_factor():
    x = mg.randn(3, 4, dtype=mg.float64, requires_grad=True)
    report = testing.gradcheck(lambda x: x * x.detach(), x, raise_exception=False)
    assert (report.verdict, report.finding.argument) == ("constant factor", 0), str(report)
