"""Numeric derivatives: central differences at smaller and smaller steps, extrapolated to a step of 0, with error estimates and kinks."""

from __future__ import annotations

from ...backend import array_module

STEPS, SHRINK = 12, 4
ROUNDING = 2.0**-50  # a few units in the last place of float64


class Slope:
    """The derivative of an array-valued function of one number at 0, element by element.

    value: the derivative; error: the difference between the last extrapolations; noise: the error by the rounding of values.
    kink: whether the slopes from the left and from the right differ; jump: whether the values do.
    left, right: the slopes from the two sides.
    """

    def __init__(self, base):
        xp = array_module(base)
        self.value, self.error = base * float("nan"), xp.full(base.shape, float("inf"))
        self.noise, self.left, self.right = (xp.zeros(base.shape) for _ in range(3))
        self.kink = self.jump = self.noise != 0

    def take(self, better, **new):
        """Replace the attributes named in `new` at the elements where `better` is true."""
        xp = array_module(better)
        for name, array in new.items():
            setattr(self, name, xp.where(better, array, getattr(self, name)))

    def settled(self, goal):
        """Return whether every element is known to the relative error `goal`, or as exactly as rounding allows."""
        xp = array_module(self.value)
        return bool(xp.all(self.error <= goal * xp.absolute(self.value) + self.noise))


def slope(function, base, first, goal):
    """Return d function(h) / dh at h = 0 as a Slope. function(0) is `base` (1-d, float64); `first` is the largest step.

    The error of a central difference has even powers of the step only, so differences at h, h/4, h/16, … are combined such that these
    powers cancel one after another. Each element keeps the combination that differs least from its neighbours: a large step may reach
    a kink, and a small one suffers from rounding. Source: Ridders 1982.
    """
    xp = array_module(base)
    row: list = []
    found, bend, gap, h = Slope(base), xp.absolute(base), xp.absolute(base), float(first)
    for k in range(STEPS):
        above, below = function(h), function(-h)
        new = [(above - below) / (2 * h)]
        for m, coarse in enumerate(row):
            new.append(new[m] + (new[m] - coarse) / (SHRINK ** (2 * m + 2) - 1))
        last_bend, last_gap = bend, gap
        bend, gap = xp.absolute(above - 2 * base + below) / h, xp.absolute(above - below)
        size = xp.maximum(xp.maximum(xp.absolute(above), xp.absolute(below)), xp.absolute(base))
        noise, left, right = ROUNDING * size / h, (base - below) / h, (above - base) / h
        for m in range(1, k + 1):
            error = xp.maximum(xp.absolute(new[m] - new[m - 1]), xp.absolute(new[m] - row[m - 1]))
            sides = xp.maximum(xp.absolute(left), xp.absolute(right))
            kink = (bend > last_bend / 2) & (bend > 1e-5 * sides + 8 * noise)
            jump = (gap > last_gap / 2) & (error > 1e-3 * xp.absolute(new[m]) + noise)
            found.take(error < found.error, value=new[m], error=error, noise=noise, left=left, right=right, kink=kink, jump=jump)
        if k >= 2 and found.settled(goal):
            break
        row, h = new, h / SHRINK
    return found
