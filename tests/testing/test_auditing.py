"""Which mistakes a check would notice: planted ones, vacuous checks, and the precision that was reached."""

import numpy as np
import pytest

from minigrad.testing import check_vjp
from minigrad.testing.auditing import Trial, precision
from minigrad.testing.comparing import Comparison

X = np.array([[0.3, -1.2, 2.0], [0.7, 0.1, -0.4], [1.5, -0.6, 0.9]])
ALWAYS = {"wrong sign", "factor 1.0001", "factor 2", "zero", "elements in another order", "one element off by 1 % of the largest"}


def spots(forward, backward, *arrays, **options):
    """Return {(mistake, argument): BlindSpot} of a right function."""
    report = check_vjp(forward, backward, *arrays, audit=True, **options)
    return {(s.mistake, s.argument): s for s in report.blind_spots}


def unnoticed(*args, **options):
    return {mistake for (mistake, _), s in spots(*args, **options).items() if not s.noticed}


def cubes(x):
    return x**3


def cubes_back(g, x):
    return 3 * g * x * x


def test_all_planted_mistakes_are_noticed_in_an_ordinary_check():
    found = spots(cubes, cubes_back, X)
    axes = {"mean instead of sum over axis 0", "mean instead of sum over axis 1"}
    assert {mistake for mistake, _ in found} == ALWAYS | axes | {"transposed"}
    assert all(s.noticed and not s.detail for s in found.values())


@pytest.mark.parametrize("shape, extra", [
    ((), set()), ((1,), set()), ((3,), {"elements in another order", "mean instead of sum over axis 0"}),
    ((2, 3), {"elements in another order", "mean instead of sum over axis 0", "mean instead of sum over axis 1"}),
    ((2, 2), {"elements in another order", "mean instead of sum over axis 0", "mean instead of sum over axis 1", "transposed"}),
    ((2, 1), {"elements in another order", "mean instead of sum over axis 0"}),
])
def test_the_mistakes_that_a_shape_allows(shape, extra):
    x = np.linspace(1, 2, int(np.prod(shape))).reshape(shape)
    assert {mistake for mistake, _ in spots(cubes, cubes_back, x)} == (ALWAYS - {"elements in another order"}) | extra


def test_each_argument_has_its_own():
    x, y = X, np.array([1.0, 2.0, 3.0])
    found = spots(lambda x, y: x * y, lambda g, x, y: (g * y, (g * x).sum(0)), x, y)
    assert ("transposed", "x") in found and ("transposed", "y") not in found and found["factor 2", "y"].noticed


def test_a_transposed_symmetric_gradient_is_not_noticed():
    found = spots(lambda x: 3 * x.sum(), lambda g, x: np.full_like(x, 3 * g), X)
    for mistake in ("transposed", "elements in another order"):
        assert not found[mistake, "x"].noticed and found[mistake, "x"].detail == "it changes nothing: the gradient is the same with it"
    assert found["wrong sign", "x"].noticed


def test_relu_of_negative_numbers_notices_nothing():
    relu = lambda x: np.maximum(x, 0), lambda g, x: g * (x > 0)
    report = check_vjp(*relu, -np.abs(X), raise_exception=False)
    assert report.verdict == "vacuous" and "its gradient is 0 everywhere" in report.finding.detail
    assert not report.accuses and report.finding.argument == 0
    assert ALWAYS - {"one element off by 1 % of the largest"} <= unnoticed(*relu, -np.abs(X), allow_vacuous=True)
    assert check_vjp(*relu, X)


def test_a_tiny_gradient_notices_nothing():
    report = check_vjp(lambda x: x * 1e-12, lambda g, x: g * 2e-12, X, raise_exception=False)
    assert report.verdict == "vacuous" and "smaller than atol" in report.finding.detail
    assert report.notes and "too small" in report.notes[0]
    found = spots(lambda x: x * 1e-12, lambda g, x: g * 1e-12, X, allow_vacuous=True)
    assert found["factor 2", "x"].detail == "the change is smaller than what the check can tell" and not found["zero", "x"].noticed
    assert check_vjp(lambda x: x * 1e-12, lambda g, x: g * 2e-12, X, atol=0.0, raise_exception=False).verdict == "constant factor"


def test_an_input_that_does_not_matter():
    report = check_vjp(lambda x, y: 2 * x, lambda g, x, y: (2 * g, 0 * y), X, X, raise_exception=False)
    assert (report.verdict, report.finding.argument_name, len(report.findings)) == ("vacuous", "y", 1)


def test_an_input_without_elements_is_not_vacuous():
    assert check_vjp(lambda x, y: 2 * x + y.sum(), lambda g, x, y: (2 * g, np.zeros(0)), X, np.zeros(0))


def test_a_small_mistake_hides_in_noise():
    noisy = lambda x: np.sin(x) + 1e9
    assert unnoticed(noisy, lambda g, x: g * np.cos(x), X) <= {"factor 1.0001"}
    coarse = unnoticed(noisy, lambda g, x: g * np.cos(x), X, rtol=1e-2)
    assert "factor 1.0001" in coarse and "factor 2" not in coarse


def test_a_small_element_among_large_ones():
    found = spots(lambda x: (np.array([1.0, 1e-14]) * x), lambda g, x: g * np.array([1.0, 1e-14]), np.array([1.0, 2.0]))
    assert found["factor 2", "x"].noticed and found["one element off by 1 % of the largest", "x"].noticed


def test_a_line_that_is_never_run_is_a_blind_spot():
    def forward(x):
        if x.sum() > 1e9:
            x = x / 1e9
        return x * x

    found = spots(forward, lambda g, x: 2 * g * x, X)
    (spot,) = [s for (mistake, _), s in found.items() if mistake == "a mistake in a line that is never run"]
    assert not spot.noticed and spot.argument == "forward" and spot.detail.endswith(": x = x / 1e9") and "test_auditing.py:" in spot.detail


def test_declared_gradients_are_audited_too():
    straight = np.round, lambda g, x: g
    found = spots(*straight, X, expected=lambda g, x: g)
    assert all(s.noticed for (mistake, _), s in found.items()) and len(found) == 9
    assert check_vjp(lambda x: x, lambda g, x: 0 * g, X, expected=lambda g, x: 0 * g, raise_exception=False).verdict == "vacuous"


def test_large_inputs_are_audited_by_some_elements():
    x = np.linspace(1, 2, 1000)
    found = spots(cubes, cubes_back, x)
    one = found["one element off by 1 % of the largest", "x"]
    assert found["factor 1.0001", "x"].noticed and found["elements in another order", "x"].noticed
    assert one.noticed or one.detail.startswith(tuple(f"{n} of 256 elements" for n in range(1, 257)))


# ---- one trial


def trial(numeric, allowed, steps=None, gradients=None):
    """Return the trial of an input of two elements for one output."""
    numeric, steps = np.atleast_1d(numeric), np.eye(2) if steps is None else steps
    made = Trial("x", (2,), np.ones((1, 1)), np.array([numeric]) if gradients is None else np.array([gradients]))
    for step, value, room in zip(steps, numeric, allowed):
        compared = Comparison(np.ones((1, 1)), np.array([value]), np.array([value]), np.array([0.0]), room, 0.0)
        made.add(step, compared)
    return made


def test_a_trial_notices_what_is_beyond_its_tolerance():
    t = trial([2.0, 3.0], [0.1, 1.0])
    assert t.notices(lambda g: g + np.array([0.2, 0])) == (True, True)
    assert t.notices(lambda g: g + np.array([0.05, 0])) == (False, True)
    assert t.notices(lambda g: g + np.array([0, 0.5])) == (False, True)
    assert t.notices(lambda g: g) == (False, False)
    assert np.allclose(t.resolutions(), [0.05, 1 / 3])
    assert np.allclose(precision([t]), (1 / 3, 0, 2))


def test_rows_that_were_not_judged_notice_nothing():
    made = Trial("x", (1,), np.ones((1, 1)), np.array([[2.0]]))
    compared = Comparison(np.ones((1, 1)), np.array([2.0]), np.array([2.0]), np.array([0.0]), 0.0, 0.0)
    compared.state[0] = "kink"
    made.add(np.ones(1), compared)
    assert made.notices(lambda g: 5 * g) == (False, True) and made.resolutions().tolist() == [0.0]


def test_the_precision_is_the_worst_of_what_was_judged():
    assert precision([]) == (0.0, 0, 0)
    assert precision([trial([2.0, 1.0], [0.1, 0.9])]) == (pytest.approx(0.05), 1, 2)
    assert precision([trial([2.0, 0.0], [0.1, 0.9]), trial([1.0, 1.0], [0.2, 0.3])]) == (pytest.approx(0.3), 0, 4)
    direct = Trial("x", (2,), None, None)
    direct.add_direct(np.array([1.0, 0.0]), np.array([1.0, 0.0]), np.array([0.25, 0.9]))
    assert precision([direct]) == (0.25, 0, 2)
    assert direct.notices(lambda g: g * 1.2) == (False, True) and direct.notices(lambda g: g * 1.3) == (True, True)
