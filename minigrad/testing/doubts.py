"""What is asked before a gradient is blamed: whether its own rounding, the function's rounding or a special point explains the difference."""

from __future__ import annotations

import numpy as np

from .comparing import Comparison

CROWDED = 1e-9  # the distance between inputs, as part of their size, that is too small for numeric derivatives
JITTERS = 6  # points nearby at which a gradient is computed again, to measure its own rounding
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
        spread = own_rounding(check, number, step, rows[row][: check.subject.n])
        if compared.off[row] <= compared.allowed[row] + spread:
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
    special = broken | (compared.rough[left] & ~compared.at_kink[left]) | crowded(check.subject.arrays)
    if special.any() and right_nearby(check, number, step, rows[left[special][-1]]):
        compared.state[left[special]] = np.where(broken[special], "pole", "kink")


def own_rounding(check, number, step, w):
    """Return how much a gradient along `step` varies among points that differ from the given one by rounding only."""
    stream, subject, unit = np.random.default_rng(SEED), check.subject, check.resolution
    found = []
    for _ in range(JITTERS):
        near = [a * (1 + unit * stream.integers(-2, 3, a.shape)) + unit / 4 * stream.standard_normal(a.shape) for a in subject.arrays]
        subject.record([np.asarray(x, a.dtype) for x, a in zip(near, subject.arrays)])
        found.append(along(subject.gradients(w)[number], step))
    subject.record()
    found.append(along(subject.gradients(w)[number], step))
    return 4 * (max(found) - min(found)) if np.isfinite(found).all() else 0.0


def crowded(arrays):
    """Return whether some inputs are so close to 0 or to each other that no step of a numeric derivative fits between them, or three are equal."""
    values = np.sort(np.concatenate([[0.0], *[a.reshape(-1).astype("float64") for a in arrays]]))
    gaps = np.diff(values)
    near = (gaps > 0) & (gaps < CROWDED * np.maximum(0.25, np.abs(values[1:])))
    return bool(near.any() or ((gaps[1:] == 0) & (gaps[:-1] == 0)).any())


def right_from_afar(check, number, step, rows, analytic):
    """Return for each row whether the gradient is right for wide steps, where smaller ones are lost in the rounding beside other inputs."""
    far = max([256.0, *(float(np.abs(a[np.isfinite(a)]).max(initial=0)) / float(np.abs(step).max()) for a in check.subject.arrays)])
    reading = check.survey(number, step * far)
    there = Comparison(rows, analytic * far, reading.value, reading.error, 0.0, check.rtol)
    there.consider(reading, rows)
    return (there.state == "right") | (there.state == "noise")


def right_nearby(check, number, step, row):
    """Return whether the gradient along `step` is right at a point beside the given one."""
    stream, subject = np.random.default_rng(SEED + 1), check.subject
    beside = [np.asarray(a + 1e-3 * np.maximum(0.25, np.abs(a)) * stream.standard_normal(a.shape), a.dtype) for a in subject.arrays]
    subject.record(beside)
    analytic = along(subject.gradients(row[: subject.n])[number], step)
    subject.record()
    reading = check.survey(number, step, beside)
    there = Comparison(row[None], np.array([analytic]), reading.value, reading.error, check.atol * float(np.abs(step).max()), check.rtol)
    return bool(there.right[0])


def along(gradient, step):
    """Return the part of a gradient along `step`; the elements that do not move take no part, as one of them may be infinite."""
    flat = step.reshape(-1)
    return float(gradient[flat != 0] @ flat[flat != 0])
