"""What a subject of a gradient check must do, whatever library it belongs to."""

import numpy as np
import pytest

from minigrad.testing.findings import Stop


def assert_right(subject, step=1e-5, tolerance=1e-7):
    """Assert that the gradients along random directions are the numeric ones, and that `inspect` finds nothing. Return the subject."""
    stream = np.random.default_rng(0)
    value = subject.value()
    np.testing.assert_array_equal(subject.record(), value)
    assert subject.n == len(value) == sum(int(np.prod(shape)) for _, shape in subject.outputs)
    subject.inspect(stream)
    for _ in range(2):
        w = stream.standard_normal(subject.n)
        directions = [stream.standard_normal(a.shape) for a in subject.arrays]
        ahead, behind = (subject.value([a + h * d for a, d in zip(subject.arrays, directions)]) for h in (step, -step))
        numeric = w @ (ahead - behind) / (2 * step)
        analytic = sum(float(g @ d.reshape(-1)) for g, d in zip(subject.gradients(w), directions))
        assert analytic == pytest.approx(numeric, rel=tolerance, abs=tolerance)
    np.testing.assert_array_equal(subject.value(), value)
    return subject


def stopped(subject):
    """Return (verdict, detail, number of the checked input or None) with which a subject stops a check."""
    with pytest.raises(Stop) as caught:
        subject.record()
        subject.inspect(np.random.default_rng(0))
        subject.gradients(np.ones(subject.n))
    return (*caught.value.args, None)[:3]


def outcome(report):
    """Return the verdict of a report, and the name of the argument that its worst finding is about."""
    return report.verdict, report.finding.argument_name if report.finding else ""
