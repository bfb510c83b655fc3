"""Copies and comparisons of arrays, made on the host wherever the arrays live."""

from __future__ import annotations

import numpy as np

from ..backend import device_of, to_numpy

REORDERED = 2.0**-40  # how much of the largest number may change if float64 numbers are added in another order


def snapshot(array):
    """Return a copy of `array` on the host."""
    return to_numpy(array) if device_of(array) != "cpu" else np.copy(array)


def same(a, b):
    """Return whether two arrays hold the same numbers; NaN equals NaN."""
    a, b = to_numpy(a), to_numpy(b)
    return bool(((a == b) | ((a != a) & (b != b))).all())


def same_but_for_order(a, b):
    """Return whether two arrays hold the same numbers up to rounding.

    A GPU adds numbers at a repeated index in an order that varies, so that their sum may be rounded differently at each run.
    """
    numbers = np.isfinite(a) & np.isfinite(b)
    size = np.abs(np.where(numbers, a, 0.0))
    near = np.abs(a - b) <= REORDERED * np.max(size, initial=0.0)
    return bool(((a == b) | ((a != a) & (b != b)) | (near & numbers)).all())
