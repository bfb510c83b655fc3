"""The check that indices are in range, on the host at once, on a device at the host's next read."""

from __future__ import annotations

from . import arrays
from .cuda import range_checks


def check_range(values, low, high, message, ignored=None):
    """Raise IndexError(message.format(value)) for the first of `values` outside low … high-1 that is not `ignored`.

    Values on a device are checked there, and the error is raised at the host's next read.
    """
    if arrays.device_of(values) != "cpu":
        range_checks.check(values, low, high, message, ignored)
        return
    wrong = (values < low) | (values >= high)
    if ignored is not None:
        wrong &= values != ignored
    if wrong.any():
        raise IndexError(message.format(int(values[wrong][0])))
