"""Differences that are no mistake: the gradient's own rounding, the function's rounding, and special points nearby."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import check_vjp, gradcheck
from minigrad.testing.doubts import along, crowded


def report_of(forward, backward, *arrays, **options):
    return check_vjp(forward, backward, *arrays, raise_exception=False, **options)


# ---- the gradient's own rounding


def cancelling(x):
    return (x * x).sum()


def cancelling_back(g, x):
    return g * 2 * (1e7 * x - (1e7 - 1) * x)  # right, but for 1e-9 of rounding


def test_a_gradient_may_be_rounded_badly():
    x = np.array([0.3, 1.7, -2.2])
    assert np.abs(cancelling_back(1.0, x) / (2 * x) - 1).max() > 1e-11
    assert not report_of(cancelling, cancelling_back, x, rtol=1e-11).accuses
    report = report_of(cancelling, lambda g, x: cancelling_back(g, x) * (1 + 1e-5), x)
    assert report.accuses


def test_a_mistake_that_does_not_come_from_rounding_stays_one():
    x = np.linspace(1, 2, 12)
    report = report_of(lambda x: x**3, lambda g, x: 3 * g * x * x * (1 + 1e-5 * (np.arange(12) == 4)), x)
    assert report.accuses and report.finding.index == (4,) and len(report.findings) == 1


# ---- points at special places


@pytest.mark.parametrize("arrays, near", [
    ([[1.0, 2.0]], False), ([[1.0, 1.0]], False), ([[1.0, 1.0, 1.0]], True), ([[0.0, 0.0]], True), ([[0.0]], False),
    ([[1.0, 1.0 + 1e-12]], True), ([[1e-12]], True), ([[-1e-12]], True), ([[1e6], [1e6 + 0.1]], True), ([[1e6], [1e6 + 10.0]], False),
    ([[1e-5]], False), ([[]], False),
])
def test_inputs_may_be_too_close_together_for_a_step(arrays, near):
    assert crowded([np.array(a) for a in arrays]) is near


def log_of_abs(x):
    return np.log(np.abs(x) + 1e-3)


def log_of_abs_back(g, x):
    return g * np.sign(x) / (np.abs(x) + 1e-3)


def test_a_kink_closer_than_numbers_can_tell_is_no_mistake():
    report = report_of(log_of_abs, log_of_abs_back, np.array([1e-38, 1.0]))
    assert report.verdict == "kink" and report.finding.index == (0,)
    assert report_of(log_of_abs, lambda g, x: -log_of_abs_back(g, x), np.array([0.5, 1.0])).verdict == "sign"


def test_a_wrong_gradient_at_a_crowded_point_is_still_found_elsewhere():
    report = report_of(log_of_abs, lambda g, x: 2 * log_of_abs_back(g, x), np.array([1e-38, 1.0, 2.0]))
    assert report.verdict == "constant factor"


def test_a_gradient_that_is_right_only_from_afar_is_noise():
    """Beside 1e9, steps of less than 1e-7 are lost."""
    shift = lambda x: (x + 1e9) - 1e9
    assert not report_of(shift, lambda g, x: g, np.array([0.3, -1.0])).accuses
    assert report_of(shift, lambda g, x: -g, np.array([0.3, -1.0])).accuses


def test_a_gradient_that_is_not_finite_where_the_derivative_is():
    """It is a mistake of a backward that was written by hand; of several functions, each of which is right, it is a doubt."""
    root = lambda x: np.sqrt(np.abs(x)) ** 4  # x², whose backward divides 0 by 0 at 0

    def back(g, x):
        with np.errstate(all="ignore"):
            return g * 4 * np.sqrt(np.abs(x)) ** 3 * np.sign(x) / (2 * np.sqrt(np.abs(x)))

    report = report_of(root, back, np.array([0.0, 1.0]))
    assert report.verdict == "wrong" and "not finite" in report.finding.detail
    x = mg.tensor([0.0, 1.0], dtype=mg.float64, requires_grad=True)
    assert gradcheck(lambda x: x.abs().sqrt() ** 4, (x,), raise_exception=False).verdict == "pole"
    assert report_of(root, lambda g, x: 3 * back(g, x), np.array([0.5, 1.0])).verdict == "constant factor"


@pytest.mark.parametrize("x", [np.array([0.0, -999.0, 1e-7, 766.0]), np.array([1e-7, 1e7])])
def test_numbers_of_very_different_size(x):
    mse = lambda x: ((x - 0.5 * x[::-1]) ** 2).mean()

    def back(g, x):
        d = 2 * g * (x - 0.5 * x[::-1]) / len(x)
        return d - 0.5 * d[::-1]

    assert not report_of(mse, back, x).accuses
    assert report_of(mse, lambda g, x: -back(g, x), x).accuses


def test_only_elements_that_move_take_part():
    assert along(np.array([2.0, np.inf, 3.0]), np.array([1.0, 0.0, -2.0])) == -4.0
    assert np.isnan(along(np.array([2.0, np.nan]), np.array([[1.0, 1.0]])))
