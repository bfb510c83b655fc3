"""What an array holds, looked at on the host wherever it lives: copies, and whether two arrays hold the same numbers."""

from __future__ import annotations

from ...backend import array_module, device_of, to_numpy

REORDERED = 2.0**-40  # of the largest number: what adding float64 numbers up in another order may change


def snapshot(array):
    """A copy of `array` on the host."""
    return to_numpy(array) if device_of(array) != "cpu" else array_module(array).copy(array)


def same(a, b):
    """Whether two arrays hold the same numbers; NaN equals NaN."""
    a, b = to_numpy(a), to_numpy(b)
    return bool(((a == b) | ((a != a) & (b != b))).all())


def same_but_for_order(a, b):
    """`same`, but for the rounding of sums whose order is left to chance: what a GPU adds up at a repeated index."""
    xp = array_module(a)
    numbers = xp.where(xp.isfinite(a) & xp.isfinite(b), 1.0, 0.0)
    size = abs(xp.where(numbers > 0, a, 0.0))
    near = abs(a - b) <= REORDERED * xp.max(size, initial=0.0)
    return bool(((a == b) | ((a != a) & (b != b)) | (near & (numbers > 0))).all())
