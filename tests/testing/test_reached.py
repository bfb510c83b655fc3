"""The lines of a function that are never run."""

import functools
import sys

from minigrad.testing.reached import never_run


def branches(x):
    """Return something."""
    if x > 0:
        y = x
    else:
        y = -x  # negative
    if x > 100:
        raise ValueError("too large")

    def inner():
        return y + 1

    if x == 7:
        return [
            y,
        ]
    return inner()


def lines(call, *functions):
    """Return the sources of the lines that are never run, without their places."""
    return [line.split(": ", 1)[1] for line in never_run(call, functions)]


def test_the_lines_that_are_not_run_are_named():
    assert set(lines(lambda: branches(3), branches)) == {"y = -x  # negative", "return [", "y,"}
    assert set(lines(lambda: branches(-3), branches)) == {"y = x", "return [", "y,"}
    assert "return y + 1" in lines(lambda: branches(7), branches)
    (line,) = [line for line in never_run(lambda: branches(3), [branches]) if "negative" in line]
    assert line == f"test_reached.py:{branches.__code__.co_firstlineno + 5}: y = -x  # negative"


def test_all_runs_of_a_call_count():
    assert "y = x" not in lines(lambda: [branches(3), branches(-3)], branches) and "y = -x  # negative" not in lines(
        lambda: [branches(3), branches(-3)], branches)


class Layer:
    def forward(self, x):
        if x is None:
            return 0
        return x


@functools.wraps(branches)
def wrapper(x):
    return branches(x)


def test_methods_and_wrapped_functions_are_looked_into():
    assert lines(lambda: Layer().forward(1), Layer().forward) == ["return 0"]
    assert "y = -x  # negative" in lines(lambda: wrapper(3), wrapper)


def test_what_has_no_lines_is_left_out():
    assert lines(lambda: 1, len, functools.partial(branches, 1), Layer) == []


def test_a_trace_goes_on_afterwards():
    def trace(frame, event, argument):
        return None

    before = sys.gettrace()
    try:
        sys.settrace(trace)
        never_run(lambda: branches(1), [branches])
        after = sys.gettrace()
        try:
            never_run(lambda: branches("no number"), [branches])
        except TypeError:
            after_error = sys.gettrace()
    finally:
        sys.settrace(before)
    assert after is after_error is trace
