"""Numeric derivatives with a measured error: the true derivative lies within it, and kinks, jumps, poles and staircases are found."""

import math
import struct

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigrad.testing.measuring import SCALES, Polynomial, quick, survey

FIRST = 2.0**-4  # the first step of a check
EPS = 2.0**-52
WIDEST = 4 * FIRST  # how far the survey looks
few = settings(max_examples=settings.default.max_examples * 2 // 5)  # each draws many evaluations of a function
SHAPES = {  # name: (function, derivative)
    "exp": (lambda x: math.exp(min(x, 700.0)), math.exp),
    "sin": (math.sin, math.cos),
    "tanh": (math.tanh, lambda x: 1 - math.tanh(x) ** 2),
    "polynomial": (lambda x: ((0.3 * x - 1) * x + 0.5) * x * x - x + 2, lambda x: 1.2 * x**3 - 3 * x * x + x - 1),
    "1/x": (lambda x: 1 / (x + 4), lambda x: -1 / (x + 4) ** 2),
}


def powers_of_ten(low, high):
    """Return a strategy of positive numbers, all sizes between 10^low and 10^high being as likely."""
    return st.floats(low, high).map(lambda e: 10.0**e)


class Smooth:
    """h → size · shape(speed · h + shift) + constant, and `noise` in addition: numbers that look random, the same for the same h."""

    def __init__(self, name, size, speed, shift, constant, noise, seed):
        self.values, self.key = (name, size, speed, shift, constant, noise, seed), seed * 0x9E3779B97F4A7C15
        self.shape, slope = SHAPES[name]
        self.size, self.speed, self.shift, self.constant, self.noise = size, speed, shift, constant * size, noise * size
        self.slope = size * speed * slope(shift)

    def __call__(self, h):
        return self.size * self.shape(self.speed * h + self.shift) + self.constant + self.noise * scatter(h, self.key)

    def __repr__(self):
        return f"Smooth{self.values}"


def scatter(h, key):
    """Return a number between -1 and 1 that depends on each bit of h (the last steps of SplitMix64)."""
    x = (struct.unpack("Q", struct.pack("d", h))[0] + key) % 2**64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
    return (x ^ (x >> 31)) / 2.0**63 - 1


NO_NOISE, NOISE = st.just(0.0), powers_of_ten(-14, -3)


def smooth(noise=NO_NOISE, speed=(-2, 1)):
    """Return a strategy of smooth functions with noise."""
    return st.builds(Smooth, st.sampled_from(sorted(SHAPES)), powers_of_ten(-8, 8), powers_of_ten(*speed), st.floats(-1.25, 1.25),
                     st.just(0.0) | powers_of_ten(-3, 2), noise, st.integers(0, 2**32))


def read(*functions, first=FIRST, rtol=1e-6, atol=0.0, resolution=EPS, made=lambda h: h):
    """Return the Reading of functions of one number, as the outputs of one function."""
    values = lambda h: np.array([f(h) for f in functions], "float64")
    with np.errstate(all="ignore"):
        goal = lambda value: 0.1 * rtol * np.abs(value) + 0.1 * atol
        return survey(lambda h: (values(h), made(h)), values(0.0), first, goal, resolution)


def doubts(reading):
    """Return the names of what a reading says besides the derivative, of its first output."""
    names = ("kink", "jump", "rough", "growing")
    found = {name for name in names if getattr(reading, name)[0]}
    return found | ({"other"} if not math.isnan(reading.other[0]) else set()) | ({"broken"} if not reading.finite[0] else set())


# ---- smooth functions


@few
@given(smooth())
def test_the_derivative_of_a_smooth_function_is_known_exactly(f):
    reading = read(f)
    assert abs(reading.value[0] - f.slope) <= reading.error[0]
    assert reading.error[0] <= 1e-6 * (abs(f.slope) + f.size * f.speed) + 1e-10 * f.constant
    assert not doubts(reading) - {"other"}


@few
@given(smooth(NOISE))
def test_the_error_is_measured_where_there_is_noise(f):
    reading = read(f)
    assert abs(reading.value[0] - f.slope) <= reading.error[0]
    assert reading.noise[0] <= 2 * (f.noise + EPS * (f.constant + 10 * f.size)) + 1e-3 * f.size
    assert not doubts(reading) & {"kink", "growing", "broken"}


@few
@given(smooth(NOISE, speed=(1, 3)))
def test_the_error_covers_a_function_with_fine_details(f):
    assume(f.values[0] in ("sin", "tanh"))
    reading = read(f)
    assert abs(reading.value[0] - f.slope) <= reading.error[0]


@few
@given(st.sampled_from([1e-12, 1e-9, 1e-6, 1e-3]))
def test_the_noise_is_that_of_the_function(size):
    f = Smooth("sin", 1.0, 1.0, 0.3, 0.0, size, 1)
    reading = read(f)
    assert 0.1 * size < reading.noise[0] < 2 * size
    assert reading.error[0] < 3000 * size  # not more than the noise makes it, over a distance of 1/4


def test_each_output_has_its_own_scale_error_and_doubts():
    fine = lambda h: math.sin(500 * h)
    reading = read(math.exp, fine, abs, lambda h: Smooth("sin", 1, 1, 0, 0, 1e-4, 0)(h), lambda h: 3.0, lambda h: 1 / h if h else math.inf)
    assert np.allclose(reading.value[[0, 1, 3]], [1, 500, 1], rtol=0.05)
    assert reading.error[0] < 1e-6 and reading.error[1] < 1e-2 and 1e-4 < reading.error[3] < 0.3
    assert reading.kink.tolist() == [False, False, True, False, False, False]
    assert reading.growing.tolist() == [False] * 5 + [True]
    assert reading.value[4] == 0 and reading.error[4] < 1e-12
    assert reading.finite.tolist() == [True] * 5 + [False]


@few
@given(smooth(), st.integers(-300, 250))
def test_huge_and_tiny_functions(f, exponent):
    scale = 10.0**exponent
    reading = read(lambda h: scale / f.size * f(h))
    true = scale / f.size * f.slope
    assert abs(reading.value[0] - true) <= reading.error[0] + 1e-15 * abs(true) + 5e-324
    assert reading.error[0] <= 1e-6 * (abs(true) + scale * f.speed) + 1e-10 * scale / f.size * f.constant + 1e-300


@few
@given(smooth(), powers_of_ten(-3, 3))
def test_the_step_is_what_was_asked_for(f, first):
    """A wide step may be too wide for the function; the survey goes on to smaller ones."""
    reading = read(f, first=first)
    assert abs(reading.value[0] - f.slope) <= reading.error[0]
    scales = []
    survey(lambda h: (scales.append(abs(h)), (np.array([f(h)]), h))[1], np.array([f(0.0)]), 1e-3, lambda v: np.inf, EPS)
    assert 3e-3 < max(scales) <= 4e-3 and len(scales) == 4 * 24


def test_the_search_ends_when_the_goal_is_reached_or_after_all_scales():
    counts = []
    for f, rtol in ((lambda h: 2 * h + 1, 1e-6), (Smooth("sin", 1, 1, 0.3, 0, 1e-4, 0), 1e-6)):
        calls = []
        read(lambda h, f=f, calls=calls: (calls.append(h), f(h))[1], rtol=rtol)
        counts.append(len(calls) - 1)
    assert counts == [4 * 24, SCALES * 24]


@few
@given(smooth(), st.sampled_from(["float32", "float16"]))
def test_functions_of_less_precision(f, dtype):
    assume(f.constant <= 10 * f.size)
    kind = np.dtype(dtype).type
    unit = float(np.finfo(dtype).eps)
    reading = read(lambda h: kind(f(h) / f.size), resolution=unit, rtol=unit**0.5)
    assert abs(reading.value[0] - f.slope / f.size) <= reading.error[0] or not math.isnan(reading.other[0])


def test_what_rounding_makes_of_a_step_is_taken_into_account():
    """At x = 1e6 steps are rounded to 1e-10: the derivative is that by the step which was really made."""
    x = 1.0e6 + 0.3
    reading = read(lambda h: math.sin(3 * (x + h)), made=lambda h: (x + h) - x)
    assert abs(reading.value[0] - 3 * math.cos(3 * x)) <= reading.error[0] < 1e-4
    lost = read(lambda h: 1e17 + h - 1e17, made=lambda h: 1e17 + h - 1e17)
    assert lost.error[0] == np.inf  # no step is left


# ---- kinks and jumps


@few
@given(smooth(NO_NOISE | powers_of_ten(-14, -7)), powers_of_ten(-1, 3), st.sampled_from([-1, 1]))
def test_a_kink_at_the_point_is_found_with_both_slopes(f, turn, sign):
    turn *= sign * (abs(f.slope) + f.size * f.speed)
    assume(f.constant + f.size < 1e4 * abs(turn))
    reading = read(lambda h: f(h) + turn / 2 * abs(h))
    assert reading.kink[0] and not reading.jump[0]
    assert abs(reading.left[0] - (f.slope - turn / 2)) + abs(reading.right[0] - (f.slope + turn / 2)) <= 2 * reading.side_error[0]
    assert reading.side_error[0] < 0.1 * abs(turn)


@few
@given(smooth(), powers_of_ten(-8, 3))
def test_a_kink_that_is_not_seen_lies_within_the_error(f, turn):
    turn *= f.size * f.speed
    reading = read(lambda h: f(h) + turn / 2 * abs(h))
    assert reading.kink[0] or abs(reading.value[0] - f.slope) + turn / 2 <= reading.error[0]


@few
@given(smooth(), powers_of_ten(-3, 3), powers_of_ten(-0.6, 1), st.sampled_from([-1, 1]))
def test_a_kink_far_away_does_no_harm(f, turn, distance, side):
    assert distance > WIDEST
    turn *= f.size * f.speed
    reading = read(lambda h: f(h) + turn * abs(h - side * distance))
    true = f.slope - side * turn
    assert abs(reading.value[0] - true) <= reading.error[0]
    assert reading.error[0] <= 1e-6 * (abs(true) + f.size * f.speed + turn) + 1e-10 * (f.constant + turn * distance)
    assert not doubts(reading) - {"other"}


@few
@given(smooth(NO_NOISE | NOISE), powers_of_ten(-3, 3), powers_of_ten(-9, -0.6), st.sampled_from([-1, 1]))
def test_the_error_covers_a_kink_nearby(f, turn, distance, side):
    turn *= f.size * f.speed
    reading = read(lambda h: f(h) + turn * abs(h - side * distance))
    true = f.slope - side * turn
    assert abs(reading.value[0] - true) <= reading.error[0] or doubts(reading) & {"kink", "jump", "other"}


@few
@given(smooth(), powers_of_ten(-1, 2), powers_of_ten(-5, -0.6), st.sampled_from([-1, 1]))
def test_a_kink_at_some_distance_is_not_taken_for_one_at_the_point(f, turn, distance, side):
    turn *= f.size * f.speed
    assume(f.constant <= f.size)
    reading = read(lambda h: f(h) + turn * abs(h - side * distance))
    true = f.slope - side * turn
    assume(abs(true) > 0.1 * turn)
    assert not reading.kink[0] and abs(reading.value[0] - true) <= reading.error[0] <= 1e-3 * (abs(true) + turn)


@few
@given(smooth(), powers_of_ten(-2, 2), st.sampled_from([-1, 1]), st.sampled_from([0.0, 1.0, 0.5]))
def test_a_jump_at_the_point_is_found(f, height, sign, at):
    """The value at the point may be that on the left, that on the right, or another one."""
    height *= sign * f.size
    assume(f.constant <= 10 * f.size)
    reading = read(lambda h: f(h) + height * np.heaviside(h, at))
    assert reading.jump[0]


@few
@given(smooth(), powers_of_ten(-2, 2))
def test_a_single_other_value_at_the_point_is_a_jump(f, height):
    assume(f.constant <= 10 * f.size)
    assert read(lambda h: f(h) + height * f.size * (h == 0)).jump[0]


@few
@given(smooth(), powers_of_ten(-2, 2), powers_of_ten(-0.6, 1), st.sampled_from([-1, 1]))
def test_a_jump_far_away_does_no_harm(f, height, distance, side):
    reading = read(lambda h: f(h) + height * f.size * (h * side > distance))
    assert abs(reading.value[0] - f.slope) <= reading.error[0] and not doubts(reading) - {"other"}


# ---- staircases, poles, and where a function ends


@few
@given(st.floats(0.5, 20) | st.floats(-20, -0.5), st.floats(-1, 1), st.integers(4, 9))
def test_a_staircase_has_another_slope_from_afar(slope, shift, power):
    """Rounding to 2^-power: constant at fine scales, and the slope of what was rounded at wide ones."""
    unit = 2.0**-power / 64
    assume(abs(((slope * 0 + shift) / unit) % 1 - 0.5) > 0.05)  # the point is not at the edge of a stair
    reading = read(lambda h: round((slope * h + shift) / unit) * unit)
    assert not math.isnan(reading.other[0])
    near, afar = sorted([(reading.value[0], reading.error[0]), (reading.other[0], reading.other_error[0])], key=lambda pair: abs(pair[0]))
    assert near[0] == 0 and abs(afar[0] - slope) <= max(afar[1], 0.05 * abs(slope))


@few
@given(smooth(), st.integers(10, 40))
def test_rounding_of_a_smooth_function_is_noise_or_a_staircase(f, power):
    unit = 2.0**-power
    reading = read(lambda h: round(f(h) / f.size / unit) * unit)
    true = f.slope / f.size
    known = abs(reading.value[0] - true) <= reading.error[0]
    flat = reading.value[0] == 0  # within one wide step
    assert known or flat or not math.isnan(reading.other[0]) or reading.kink[0] or reading.jump[0]


POLES = {
    "1/h": lambda h: 1 / h,
    "1/h²": lambda h: 1 / h**2,
    "1/√|h|": lambda h: 1 / math.sqrt(abs(h)),
    "log |h|": lambda h: math.log(abs(h)),
}


@pytest.mark.parametrize("name", POLES)
@pytest.mark.parametrize("at_0", [math.inf, -math.inf, math.nan])
def test_a_function_that_is_not_finite_at_the_point_grows(name, at_0):
    reading = read(lambda h: POLES[name](h) if h else at_0)
    assert reading.growing[0] and not reading.finite[0]


@pytest.mark.parametrize("name", ["1/h", "1/h²", "1/√|h|"])
def test_a_pole_is_seen_by_its_growth_where_the_point_has_a_number(name):
    reading = read(lambda h: POLES[name](h) if h else 7.0)
    assert reading.growing[0] and reading.finite[0]


@few
@given(smooth(), powers_of_ten(-2, 1), st.sampled_from([-1, 1]))
def test_a_pole_at_some_distance_does_no_harm(f, distance, side):
    at = side * distance
    reading = read(lambda h: f(h) + f.size / (h - at))
    true = f.slope - f.size / at**2
    assert not reading.growing[0] and abs(reading.value[0] - true) <= reading.error[0]
    assert reading.error[0] <= 1e-5 * (abs(true) + f.size * (f.speed + 1)) + 1e-8 * f.constant


@pytest.mark.parametrize("function", [math.sqrt, lambda h: h * math.sqrt(h)], ids=["√h", "h√h"])
def test_a_function_that_ends_at_the_point_has_no_known_derivative(function):
    reading = read(lambda h: function(h) if h >= 0 else math.nan)
    assert reading.error[0] == np.inf and not reading.finite[0] and not reading.growing[0]


@few
@given(powers_of_ten(-4, -1))
def test_a_function_that_ends_nearby_is_judged_on_this_side(distance):
    reading = read(lambda h: math.sqrt(h + distance) if h >= -distance else math.nan)
    assert abs(reading.value[0] - 0.5 / math.sqrt(distance)) <= reading.error[0] < 1e-3 / math.sqrt(distance)


def test_a_vertical_slope_is_rough_or_a_jump_and_not_known():
    reading = read(lambda h: math.copysign(abs(h) ** 0.5, h))
    assert reading.rough[0] or reading.jump[0] or reading.error[0] == np.inf


@few
@given(st.integers(0, 1000))
def test_random_values_are_rough(seed):
    reading = read(lambda h: scatter(h, seed))
    assert reading.rough[0] and 0.3 < reading.noise[0] < 1
    assert reading.error[0] > 5


# ---- one reading as a column


def test_a_column_is_for_a_step_of_another_size():
    reading = read(lambda h: math.sin(4 * h), math.exp)
    value, error, doubt = reading.column(4.0)
    assert np.allclose(value, [1, 0.25]) and np.array_equal(error, reading.error / 4) and doubt is False
    for f in (abs, lambda h: float(h > 0), lambda h: round(h * 4096) / 4096, lambda h: math.sqrt(h) if h >= 0 else math.nan):
        assert read(math.exp, f).column(1.0)[2] is True


# ---- the polynomial


@few
@given(st.lists(st.floats(-5, 5), min_size=6, max_size=6), powers_of_ten(-6, 6), powers_of_ten(-8, 2))
def test_a_polynomial_is_fitted_exactly(coefficients, size, scale):
    t = np.cos(np.pi * (np.arange(24) + 0.5) / 24)
    rows = size * (t[:, None] ** np.arange(6) @ np.array(coefficients))[:, None]
    rounding = 0.3 * EPS * np.abs(rows).max(axis=0) + 5e-324
    fit = Polynomial(t, rows, np.array([size * coefficients[0]]), 5, rounding, scale)
    assert abs(fit.slope[0] - size * coefficients[1] / scale) <= fit.error[0] <= 1e-12 * size * (1 + max(map(abs, coefficients))) / scale
    assert fit.gap[0] == 0 and not fit.few[0]
    assert fit.constant[0] == (len(set(rows[:, 0].tolist())) == 1)


def test_the_gap_is_how_far_the_value_at_0_lies_from_the_polynomial():
    t = np.linspace(-1, 1, 24)
    rows, rounding = (2 * t + 5)[:, None], np.array([1e-15])
    assert Polynomial(t, rows, np.array([5.0]), 5, rounding, 1.0).gap[0] == 0
    assert Polynomial(t, rows, np.array([5.5]), 5, rounding, 1.0).gap[0] == pytest.approx(0.5)


# ---- the quick derivative


@few
@given(smooth())
def test_the_quick_derivative_of_a_smooth_function(f):
    with np.errstate(all="ignore"):
        value, error, bent = quick(lambda h: np.array([f(h)]), np.array([f(0.0)]), FIRST, 1e-8)
    size = abs(f.slope) + f.size * f.speed
    assert abs(value[0] - f.slope) <= 100 * error[0] + 1e-6 * size + 1e-8 * f.constant
    assert not bent[0] or abs(f.slope) <= 0.1 * size or size <= f.constant


@few
@given(smooth(), powers_of_ten(-1, 2), st.sampled_from([-1, 1]))
def test_the_quick_derivative_at_a_kink_or_a_jump_is_in_doubt(f, turn, sign):
    turn *= sign * (abs(f.slope) + f.size * f.speed)
    assume(f.constant <= f.size)
    for bump in (abs, lambda h: float(h > 0), lambda h: float(h >= 0), lambda h: float(h == 0)):
        function = lambda h, bump=bump: np.array([f(h) + turn * bump(h)])
        assert quick(function, function(0.0), FIRST, 1e-8)[2][0]


def test_the_quick_derivative_needs_few_evaluations():
    calls = []
    function = lambda h: (calls.append(h), np.array([h**3 + 2 * h, 5.0, math.sin(h)]))[1]
    value, error, bent = quick(function, np.array([0.0, 5.0, 0.0]), FIRST, 1e-8)
    assert len(calls) <= 8 and np.allclose(value, [2, 0, 1], rtol=1e-8, atol=0) and not bent.any() and (error <= 1e-8).all()
