"""What is asked before a gradient is blamed: does its own rounding, the function's rounding, or a special point explain the difference?"""

from __future__ import annotations

import numpy as np

from .comparing import Comparison
from .findings import Stop
from .measuring import Fit

CROWDED = 1e-6  # the distance between inputs, as part of their size, that is too small for numeric derivatives
JITTERS = 12  # points nearby at which a gradient is computed again, to measure its own rounding
SMOOTH = 4  # the degree of a smooth curve through these points
MOST_ROWS = 8  # rows of which the rounding is measured
SEED = 1


def take_back(check, number, step, rows, compared, thorough):
    """Change the state of the wrong rows of a comparison that are right, or not to be judged, for a reason that is found here.

    thorough: ask for all reasons; otherwise only whether the rounding of the gradient explains the worst row.
    """
    wrong = np.flatnonzero(compared.state == "wrong")
    worst_first = wrong[np.argsort(-np.nan_to_num(compared.excess[wrong], nan=np.inf), kind="stable")]
    smooth = [row for row in worst_first if not compared.at_kink[row]]
    looked_at = smooth[: MOST_ROWS if thorough else 1]
    for row in looked_at:
        spread = own_rounding(check, number, step, check.cotangent(rows[row]))
        if np.isfinite(compared.analytic[row]) and compared.off[row] <= compared.allowed[row] + spread:
            compared.state[row] = "right"
            compared.allowed[row] += spread
    if looked_at and all(compared.state[row] == "right" for row in looked_at):
        compared.state[smooth] = "right"
        compared.allowed[smooth] = np.inf
    left = np.flatnonzero(compared.state == "wrong")
    if not thorough or not left.size:
        return
    smooth = left[~compared.at_kink[left]]
    if smooth.size:
        compared.state[smooth[right_from_afar(check, number, step, rows[smooth], compared.analytic[smooth])]] = "noise"
    left = np.flatnonzero(compared.state == "wrong")
    broken = ~np.isfinite(compared.analytic[left])
    if broken.any() and compared.at_pole:
        compared.state[left[broken]] = "pole"
        left = left[~broken]
    special = (compared.rough[left] & ~compared.at_kink[left]) | crowded(check.subject.arrays)
    if special.any() and right_nearby(check, number, step, rows[left[special][-1]]):
        compared.state[left[special]] = "kink"


def take_back_broken(check, found):
    """Make a doubt of each gradient that is not finite at this point but right beside it, in a function composed of several others.

    None of these is to blame: a value inside the function divides by 0 or is infinite. The findings that are left come first.
    """
    for finding in found:
        if not finding.verdict and not np.isfinite(finding.analytic):
            number = check.subject.numbers.index(finding.argument)
            step = check.direction(number, [finding.element])
            if right_nearby(check, number, step, check.random_row()):
                finding.verdict = "pole"
                finding.detail = "the gradient is not finite at this point, although it is right beside it: a value inside the function " \
                                 "divides by 0 or is infinite; check at another point"
    found.sort(key=lambda f: (f.verdict == "", f.excess), reverse=True)


def check_state(check):
    """Raise Stop if the gradient at another point is exactly that of the given one, and wrong there: it was kept from an earlier call."""
    subject, w = check.subject, check.random_row()
    here = subject.gradients(w[: subject.n])
    stream = np.random.default_rng(SEED + 3)
    other = [np.asarray(a + 0.1 * np.maximum(0.25, np.abs(a)) * stream.standard_normal(a.shape), a.dtype) for a in subject.arrays]
    subject.record(other)
    there = subject.gradients(w[: subject.n])
    subject.record()
    for i, (g, kept) in enumerate(zip(there, here)):
        if g.size and g.any() and np.array_equal(g, kept):
            step = check.direction(i, list(range(g.size)))
            reading = check.survey(i, step, other)
            analytic, atol = np.array([along(g, step)]), check.atol * float(np.abs(step).max())
            compared = Comparison(w[None], analytic, reading.value, reading.error, atol, check.rtol)
            compared.consider(reading, w[None])
            large = np.abs(analytic[0]) > 1000 * compared.allowed[0]
            if large and compared.state[0] == "wrong" and not right_from_afar(check, i, step, w[None], analytic, other).any():
                raise Stop("stale", f"the gradient of {subject.names[i]} is the same at another point, where it is wrong: "
                                    "the backward uses what was kept from an earlier call", i)


def own_rounding(check, number, step, w):
    """Return how much a gradient along `step` scatters about a smooth curve among points near the given one.

    Points very near show rounding in the gradient itself. In low precision, a value inside the function may round to steps so wide that
    only points farther off differ.
    """
    arrays, unit = check.subject.arrays, check.resolution
    reaches = [[max(1e-6, 8 * unit) * a for a in arrays], [1e-3 * a for a in arrays]]
    if check.dtype != np.float64:
        reaches[1] = [0.03 * np.maximum(0.25, np.abs(a)) for a in arrays]
    return max(_scatter(check, number, step, w, reach) for reach in reaches)


def _scatter(check, number, step, w, reach):
    """Return how much a gradient along `step` scatters about a smooth curve on a way through the given point, of these lengths."""
    stream, subject = np.random.default_rng(SEED), check.subject
    ways = [stream.standard_normal(a.shape) * r for a, r in zip(subject.arrays, reach)]
    places = np.linspace(-1, 1, JITTERS)
    found = []
    for t in places:
        near = [a + t * v + check.resolution / 4 * stream.standard_normal(a.shape) for a, v in zip(subject.arrays, ways)]
        subject.record([np.asarray(x, a.dtype) for x, a in zip(near, subject.arrays)])
        found.append(along(subject.gradients(w)[number], step))
    subject.record()
    if not np.isfinite(found).all():
        return 0.0
    size = max(np.abs(found).max(), 1e-300)
    powers, y = places[:, None] ** np.arange(SMOOTH + 1), np.array(found) / size
    return float(8 * size * np.abs(y - powers @ (np.linalg.pinv(powers) @ y)).max())


def crowded(arrays):
    """Return whether three inputs are equal, or some are so close to 0 or to each other that no step of a derivative fits between them."""
    values = np.sort(np.concatenate([[0.0], *[a.reshape(-1).astype("float64") for a in arrays]]))
    gaps = np.diff(values)
    near = (gaps > 0) & (gaps < CROWDED * np.maximum(0.25, np.abs(values[1:])))
    return bool(near.any() or ((gaps[1:] == 0) & (gaps[:-1] == 0)).any())


def right_from_afar(check, number, step, rows, analytic, arrays=None):
    """Return for each row whether the gradient is right for wide steps, where small ones are lost in the rounding beside other inputs.

    In low precision, the function may move in a few large steps only; then the slope of the staircase is enough for a doubt.
    """
    far = max([256.0, *(float(np.abs(a[np.isfinite(a)]).max(initial=0)) / float(np.abs(step).max()) for a in check.subject.arrays)])
    reading = check.survey(number, step * far, arrays)
    there = Comparison(rows, analytic * far, reading.value, reading.error, 0.0, check.rtol)
    there.consider(reading, rows)
    fits = (there.state == "right") | (there.state == "noise")
    for wide in (0.25, 1.0, 4.0, 16.0, 64.0, far) if check.dtype != np.float64 else ():
        fit = Fit(check.mover(number, step * wide, arrays), check.base, 1.0, check.resolution).whole
        stairs = (np.abs(rows[:, fit.few]) > 0).any(axis=1)
        fits |= stairs & Comparison(rows, analytic * wide, fit.slope, fit.error, 0.0, check.rtol).right
    return fits


def right_nearby(check, number, step, row):
    """Return whether the gradient along `step` is right at one of four points beside the given one: larger, smaller or mixed numbers."""
    stream, subject = np.random.default_rng(SEED + 1), check.subject
    for sign, far in ((1, 1e-3), (-1, 1e-3), (0, 1e-3), (0, 0.1)):
        beside = []
        for a in subject.arrays:
            drawn = stream.standard_normal(a.shape)
            drawn = sign * np.abs(drawn) if sign else drawn
            beside.append(np.asarray(a + far * np.maximum(0.25, np.abs(a)) * drawn, a.dtype))
        base = subject.record(beside)
        analytic = along(subject.gradients(check.cotangent(row))[number], step)
        subject.record()
        if np.isfinite(base).all() and np.isfinite(analytic):
            reading = check.survey(number, step, beside)
            atol = check.atol * float(np.abs(step).max())
            there = Comparison(row[None], np.array([analytic]), reading.value, reading.error, atol, check.rtol)
            if there.right[0] and np.isfinite(there.error[0]):
                return True
    return False


def along(gradient, step):
    """Return the part of a gradient along `step`; the elements that do not move take no part, as one of them may be infinite."""
    flat = step.reshape(-1)
    return float(gradient[flat != 0] @ flat[flat != 0])
