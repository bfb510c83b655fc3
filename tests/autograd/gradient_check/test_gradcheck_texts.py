"""What `gradcheck` prints: where a gradient is wrong, with its numbers."""

import math

import pytest

from minigrad.autograd.gradient_check.findings import Finding


def test_a_finding_says_what_is_known():
    assert str(Finding("tanh", "sign", "flipped")) == "gradcheck: tanh\n  verdict   sign: flipped"
    where = Finding("tanh", "sign", "flipped", 1, (0, 2), (3,))
    assert str(where) == "gradcheck: tanh, argument 1, element (0, 2), output element (3,)\n  verdict   sign: flipped"
    assert str(Finding("tanh", "sign", "flipped", output=(3,), numeric=2.0, analytic=-1.0)) == (
        "gradcheck: tanh, output element (3,)\n  numeric   2.0\n  analytic  -1.0\n  ratio     -0.5\n  verdict   sign: flipped")


@pytest.mark.parametrize("numeric, analytic, ratio", [
    (None, None, None), (2.0, None, None), (None, 2.0, None), (4.0, 2.0, 0.5), (4.0, 0.0, 0.0), (0.0, 2.0, math.inf), (0.0, 0.0, math.nan),
])
def test_the_ratio_of_a_finding(numeric, analytic, ratio):
    assert repr(Finding("tanh", "wrong", "", numeric=numeric, analytic=analytic).ratio) == repr(ratio)
