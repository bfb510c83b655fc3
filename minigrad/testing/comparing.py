"""`Comparison`: analytic and numeric derivatives along one direction, and why a difference may be none."""

from __future__ import annotations

import numpy as np


class Comparison:
    """Analytic and numeric derivatives along one direction, for each cotangent (row).

    state: "right", "wrong", or why a row cannot be judged: "kink", "pole", "noise", "unsure".
    allowed: how much the two may differ; off: how much they do.
    """

    def __init__(self, rows, analytic, value, error, atol, rtol):
        self.rtol, self.weights = rtol, np.abs(rows)
        self.analytic, self.numeric = analytic, _weighted(rows, value)
        self.error = _weighted(self.weights, error)
        self.floor = atol + 0.01 * rtol * _weighted(self.weights, np.abs(value))
        self.allowed = self.floor + rtol * np.maximum(np.abs(self.numeric), np.abs(analytic)) + self.error
        self.off = np.abs(self.numeric - analytic)
        self.right = np.isfinite(analytic) & (self.off <= self.allowed)
        self.state = np.where(self.right, "right", "wrong").astype(object)

    @property
    def excess(self):
        """Return how many times the allowed difference was found."""
        return np.where(np.isfinite(self.off), self.off / np.maximum(self.allowed, 5e-324), np.inf)

    def consider(self, reading, rows):
        """Set the state of the rows that touch a kink, a pole, or a staircase."""
        self.reading, self.rows = reading, rows
        kinked = reading.kink | reading.jump
        left, right = np.where(kinked, reading.left, reading.value), np.where(kinked, reading.right, reading.value)
        self.left, self.right_side = _weighted(rows, left), _weighted(rows, right)
        positive, negative = np.maximum(rows, 0), np.minimum(rows, 0)  # each output may take either of its slopes
        least, most = np.minimum(left, right), np.maximum(left, right)
        lower, upper = _weighted(positive, least) + _weighted(negative, most), _weighted(positive, most) + _weighted(negative, least)
        margin = self.floor + self.rtol * np.abs(self.analytic) + 1e-3 * np.maximum(np.abs(lower), np.abs(upper))
        margin = margin + _weighted(self.weights, np.where(kinked, reading.side_error, reading.error))
        between = (self.analytic >= lower - margin) & (self.analytic <= upper + margin)
        self.jump = self._touches(reading.jump)
        staircase = ~np.isnan(reading.other)
        other = _weighted(rows, np.where(staircase, reading.other, reading.value))
        other_off = np.abs(other - self.analytic)
        other_error = _weighted(self.weights, np.where(staircase, reading.other_error, 0.0))
        other_fits = np.isfinite(self.analytic) & (other_off <= self.allowed + other_error)
        growing, unknown = self._touches(reading.growing), self._touches(~np.isfinite(reading.error))
        self.at_kink, touches_stairs = self._touches(kinked), self._touches(staircase)
        self.rough, hopeless = self._touches(reading.rough), self._touches(reading.hopeless)
        self.at_pole = bool((reading.growing | ~reading.finite).any())
        blurred = ~np.isfinite(self.analytic) & ~(self.error <= 1e-3 * np.abs(self.numeric) + self.floor)
        for row in range(len(self.state)):
            if growing[row] or (reading.growing.any() and not np.isfinite(self.analytic[row])):
                self.state[row] = "pole"
            elif self.at_kink[row] and (self.jump[row] or between[row]):
                self.state[row] = "kink"
            elif self.at_kink[row]:
                self.state[row], self.allowed[row] = "wrong", margin[row]
                self.off[row] = max(lower[row] - self.analytic[row], self.analytic[row] - upper[row])
            elif unknown[row] or hopeless[row] or (self.state[row] == "wrong" and blurred[row]):
                self.state[row] = "unsure"
            elif self.state[row] == "wrong" and touches_stairs[row] and other_fits[row]:
                self.state[row] = "noise"

    def worst(self, n):
        """Return the row that disagrees most; a single output element before a mixture, a mistake before a doubt. None if all is right."""
        for states in (("wrong",), ("kink", "pole", "noise", "unsure")):
            bad = np.isin(self.state.astype(str), states)
            if bad.any():
                alone = len(bad) > n and bad[:n].any()
                excess = np.where(bad, np.nan_to_num(self.excess, nan=np.inf), -1.0)
                return int(np.argmax(excess[:n] if alone else excess))
        return None

    def reason(self, row, size):
        """Return in words why a row cannot be judged."""
        reading, state = self.reading, self.state[row]
        if state == "kink":
            if not self.at_kink[row]:
                return "no mistake: the gradient is right beside this point, which lies too close to a kink, a pole or a cancellation " \
                       "for a numeric derivative; check at another point, or pass allow_kinks=True"
            what = "the function jumps here, it has no derivative" if self.jump[row] else \
                f"the slope is {self.left[row] / size:.9g} on the left and {self.right_side[row] / size:.9g} on the right, " \
                "and the gradient lies between"
            return f"no mistake: {what}; check at another point, or pass allow_kinks=True"
        if state == "pole":
            if not np.isfinite(self.analytic[row]) and np.isfinite(self.numeric[row]):
                return "the gradient is not finite at this point, where the function or a value inside it divides by 0 or is infinite; " \
                       "check at another point"
            return "the function is not finite at this point, or grows without end towards it; check at another point"
        if state == "noise":
            return "the function moves in small steps, as by rounding, or as a staircase does, and has one slope seen from near and " \
                   "another seen from afar; the gradient agrees with one of the two; check at another point or in a higher precision, " \
                   "or declare a gradient that is meant to be so with expected="
        if not bool(np.all(reading.finite | (self.weights[row] == 0))):
            return "the function is not finite on both sides of this point; check at another point"
        return f"the numeric derivative is uncertain by {self.error[row] / size:.2g}: the function is not smooth around this point"

    def _touches(self, outputs):
        return (self.weights[:, outputs] > 0).any(axis=1)


def _weighted(rows, values):
    """Return rows @ values, in which a weight of 0 takes no part, whatever the value."""
    if np.isfinite(values).all():
        return rows @ values
    finite = np.where(np.isfinite(values), values, 0.0)
    lost = (rows[:, ~np.isfinite(values)] != 0).any(axis=1)
    return np.where(lost, np.inf if (values >= 0).all() else np.nan, rows @ finite)
