"""Numeric derivatives of a function of one number h at h = 0, with many outputs: a quick one, and a careful one that measures its error.

`quick` takes central differences at smaller and smaller steps and extrapolates them. It may agree with a gradient, but never blames one.

`survey` decides the rest. At each of many scales it evaluates the function at 24 points on both sides of 0 and fits a polynomial of degree
5. What the polynomial leaves over (the residual) is what the function does beside being smooth: rounding noise, a kink, a pole, a higher
power. So the error of the slope is measured, whatever its cause, and the scale with the least error is taken. Fits of each side alone tell
a kink from noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STEPS, SHRINK = 12, 4  # of `quick`
POINTS, DEGREE, SIDE_DEGREE = 24, 5, 3
SAFETY = 40.0  # standard deviations in the error of a fitted slope; a smooth remainder of the next degree stays below it, too
SCALES = 18  # of `survey`: the widest is 4 times the first step, each next one a quarter of the last
POOR = 0.05  # the part of a function's spread that a polynomial may leave over and still be close to it
FLAT = 2.0**-12  # the part of the first step below which the steps of a staircase may be made by rounding


def quick(function, base, first, goal):
    """Return (d function(h) / dh at 0, its error, whether the function may have a kink or a jump at 0) for each output.

    The error of a central difference has even powers of the step only, so differences at h, h/4, h/16, … are combined such that these
    powers cancel one after another (Ridders 1982). Each output keeps the combination that differs least from its neighbours. The search
    ends when all errors are below `goal` times the derivative. At a kink, the slopes of both sides differ by as much at each step.
    """
    value, error = np.full(base.shape, np.nan), np.full(base.shape, np.inf)
    row: list[np.ndarray] = []
    bend, h = np.full(base.shape, np.inf), first
    for k in range(STEPS):
        above, below = function(h), function(-h)
        new = [(above - below) / (2 * h)]
        for m, coarse in enumerate(row):
            new.append(new[m] + (new[m] - coarse) / (SHRINK ** (2 * m + 2) - 1))
        last, bend = bend, np.abs(above - 2 * base + below) / h
        rounding = 2.0**-48 * np.maximum(np.maximum(np.abs(above), np.abs(below)), np.abs(base))
        bent = (bend > last / 2) & (bend * h > 1e-5 * (np.abs(above - base) + np.abs(base - below)) + rounding)
        for m in range(1, k + 1):
            off = np.maximum(np.abs(new[m] - new[m - 1]), np.abs(new[m] - row[m - 1]))
            better = off < error
            value, error = np.where(better, new[m], value), np.where(better, off, error)
        if k >= 2 and (error <= goal * np.abs(value)).all() and not bent.any():
            break
        row, h = new, h / SHRINK
    return value, error, bent


@dataclass
class Reading:
    """What is known of the derivative at 0, output by output.

    value, error: the derivative and a bound of its error (infinite where it is not known).
    left, right, side_error: the slopes of each side alone; kink: whether they differ; jump: whether the function itself does at 0.
    other, other_error: a second derivative that the function has at another scale, where nobody can say which of the two is meant: it
        may be a staircase, or smooth and badly rounded. NaN where there is none.
    rough: whether the function is not close to a polynomial at any scale, although its values change by more than rounding.
    hopeless: whether no polynomial says anything about it at any scale, and that not for rounding's sake.
    noise: how much the function's values scatter about a smooth curve. growing: whether its values grow without end towards 0.
    finite: whether the function is finite all around 0.
    """

    value: np.ndarray
    error: np.ndarray
    left: np.ndarray
    right: np.ndarray
    side_error: np.ndarray
    kink: np.ndarray
    jump: np.ndarray
    other: np.ndarray
    other_error: np.ndarray
    rough: np.ndarray
    hopeless: np.ndarray
    noise: np.ndarray
    growing: np.ndarray
    finite: np.ndarray

    def column(self, size):
        """Return (derivatives, their errors, whether any is in doubt) for a step of another size."""
        doubt = self.kink | self.jump | ~np.isnan(self.other) | ~np.isfinite(self.error)
        return self.value / size, self.error / size, bool(doubt.any())


def survey(function, base, first, goal, resolution, scales=SCALES):
    """Return the Reading of `function`, which returns (all outputs at h, the step that was really made).

    goal(value): the error at which an output counts as known. resolution: the spacing of the numbers near 1 in the outputs' precision.
    """
    fits: list[Fit] = []
    for k in range(scales):
        fits.append(Fit(function, base, first * 4.0 ** (1 - k), resolution))
        if k >= 3:
            best, errors = _best(fits, first)
            if (np.min(errors, axis=0) <= goal(_pick(fits, "whole", "slope", best))).all():
                break
    alone = np.stack([f.whole.gap for f in fits]).any()
    nearest = Fit(function, base, first * 4.0 ** (2 - scales), resolution) if alone else fits[-1]
    return _read(fits, base, first, nearest.whole.gap)


class Fit:
    """The function at one scale: polynomial fits of all points, of those on the left, and of those on the right."""

    def __init__(self, function, base, scale, resolution):
        self.scale = scale
        points = [function(scale * t) for t in _NODES]
        rows = np.stack([row for row, _ in points])
        t = np.array([step for _, step in points]) / scale
        self.finite = np.isfinite(rows).all(axis=0)
        self.largest = np.where(self.finite, np.max(np.abs(rows), axis=0, initial=0), np.inf)
        rows, base = np.where(self.finite, rows, 0.0), np.where(np.isfinite(base), base, 0.0)
        rounding = 0.3 * resolution * np.max(np.abs(rows), axis=0, initial=0) + 5e-324
        parts = [(slice(None), DEGREE), (t < 0, SIDE_DEGREE), (t > 0, SIDE_DEGREE)]
        self.whole, self.left, self.right = [Polynomial(t[at], rows[at], base, degree, rounding, scale) for at, degree in parts]
        for fit in (self.whole, self.left, self.right):
            fit.error = np.where(self.finite, fit.error, np.inf)


# `POINTS` fixed places between -1 and 1, dense at the ends as good fits need, and irregular so that roundings do not repeat.
_NODES = np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS) * (1 - 0.05 * ((np.arange(POINTS) * 0.6180339887498949) % 1))


class Polynomial:
    """A polynomial fitted to some points of a function, output by output.

    slope, error: its slope at 0 and the bound of its error. scatter: the standard deviation of what it leaves over; quality: that, as a
    part of the function's own spread. unit: half of this spread, 1 if it is 0. gap: how far the function's value at 0 is from the
    polynomial's, 0 if it is not certainly far. few: whether the function has few different values, as a staircase has, in steps larger than
    a few units in the last place; constant: whether it has one.
    """

    def __init__(self, t, rows, base, degree, rounding, scale):
        if len(np.unique(t)) <= degree + 1:  # the steps are lost in the rounding of the input
            self.slope, self.quality, self.gap, self.few = 0 * rounding, 0 * rounding, 0 * rounding, rounding < 0
            self.error = self.scatter = np.full(rounding.shape, np.inf)
            self.constant, self.unit = self.few, 0 * rounding
            return
        middle = rows.mean(axis=0)  # taken away so that a large constant does not add its own rounding
        unit = np.max(np.abs(rows - middle), axis=0, initial=0)
        self.unit = unit = np.where((unit > 0) & np.isfinite(unit), unit, 1.0)  # so that no square overflows or vanishes
        y = (rows - middle) / unit
        self.few = ((np.diff(np.sort(rows, axis=0), axis=0) > 0).sum(axis=0) < len(rows) // 3) & (np.ptp(rows, axis=0) > 32 * rounding)
        self.constant = (rows == rows[0]).all(axis=0)
        powers = t[:, None] ** np.arange(degree + 1)
        inverse = np.linalg.pinv(powers)
        coefficients = inverse @ y
        left_over = np.sqrt(((y - powers @ coefficients) ** 2).sum(axis=0) / (len(t) - degree - 1))
        self.quality = left_over / np.maximum(y.std(axis=0), 1e-300)
        self.scatter = left_over * unit
        certain = SAFETY * np.maximum(self.scatter, rounding)
        self.slope, self.error = coefficients[1] * unit / scale, certain * np.linalg.norm(inverse[1]) / scale
        gap = np.abs(coefficients[0] * unit + middle - base) - certain * np.linalg.norm(inverse[0])
        self.gap = np.where(gap > 1e-3 * unit * ~self.constant, gap, 0.0)


def _usable(fits, first, part):
    """Return the errors of the fits of one part ("whole", "left" or "right"), scale by scale; infinite where a fit is not to be believed.

    A staircase is believed only where it is one wide step, or constant at every scale: narrow steps are rounding. A bad fit is not
    believed where a finer scale has a good one: the function has a detail there that the wide scale does not see.
    """
    found = [getattr(f, part) for f in fits]
    always = np.all([p.constant for p in found], axis=0)
    errors, good = [], np.zeros(always.shape, bool)
    for fit, p in zip(reversed(fits), reversed(found)):  # from the finest
        step = p.constant & (fit.scale >= FLAT * first)
        believed = (~(p.few | p.constant) | always | step) & ~(good & (p.quality > POOR))
        errors.append(np.where(believed, p.error, np.inf))
        good |= ~p.few & (p.quality < 0.01)
    return np.stack(errors[::-1])


def _best(fits, first, part="whole"):
    """Return the number of the scale with the least error, output by output, and all errors."""
    errors = _usable(fits, first, part)
    return np.argmin(errors, axis=0), errors


def _pick(fits, part, name, best):
    """Return an attribute of one part's fits, each output's from its best scale."""
    return np.stack([getattr(getattr(f, part), name) for f in fits])[best, np.arange(len(best))]


def _read(fits, base, first, nearest):
    best, errors = _best(fits, first)
    value, error = _pick(fits, "whole", "slope", best), np.min(errors, axis=0)
    slopes, scales = np.stack([f.whole.slope for f in fits]), np.array([f.scale for f in fits])
    wider, finer = scales[:, None] > scales[best], scales[:, None] < scales[best]
    flat = _pick(fits, "whole", "constant", best)
    steps = np.stack([f.whole.constant | f.whole.few for f in fits])
    # A scale contradicts the best one if both are certain and differ: then nobody can tell which of the two is meant. A flat piece, which
    # is exact, is no better than a smooth curve from afar.
    differ = np.isfinite(errors) & (np.abs(slopes - value) > errors + error)
    differ |= flat & wider & np.isfinite(errors) & ~steps
    second, column = np.argmin(np.where(differ, errors, np.inf), axis=0), np.arange(len(best))
    found = differ.any(axis=0)
    other, other_error = np.where(found, slopes[second, column], np.nan), np.where(found, errors[second, column], 0.0)
    between = (steps & finer).any(axis=0) & np.isnan(other) & (np.abs(value) > error)
    other = np.where(between, 0.0, other)  # the function is constant between its steps
    sides = {}
    for part in ("left", "right"):
        at, side_errors = _best(fits, first, part)
        sides[part] = _pick(fits, part, "slope", at), np.min(side_errors, axis=0), _pick(fits, part, "gap", at)
    (left, left_error, left_gap), (right, right_error, right_gap) = sides["left"], sides["right"]
    side_error = left_error + right_error
    known = np.isfinite(side_error) & (side_error < error / 4) & ~(error <= 1e-3 * np.abs(value))
    with np.errstate(invalid="ignore"):
        turn = np.abs(right - left)
    kink = known & (turn > side_error)
    near = FLAT * first * turn  # a kink at this distance from 0 is taken for one at 0, where the sides do not quite meet
    alone = _pick(fits, "whole", "gap", best)  # how far the value at 0 is from all others, also from the nearest
    jump = (known & ((left_gap > near) | (right_gap > near))) | (np.isfinite(error) & (np.minimum(alone, nearest) > near))
    largest = np.stack([f.largest for f in fits])[-6:]
    growing = (largest[1:] > 1.5 * largest[:-1]).sum(axis=0) >= 3
    rough = (_pick(fits, "whole", "quality", best) > POOR) & (_pick(fits, "whole", "unit", best) > 1e-10 * np.abs(base))
    hopeless = (_pick(fits, "whole", "quality", best) > 0.3) & (_pick(fits, "whole", "unit", best) > 1e-4 * np.abs(base)) & ~flat
    finite = np.stack([f.finite for f in fits])[-3:].all(axis=0) & np.isfinite(base)
    return Reading(value, error, left, right, side_error, kink, jump, other, other_error, rough, hopeless,
                   _pick(fits, "whole", "scatter", best), growing | ~np.isfinite(base), finite)
