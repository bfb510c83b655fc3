"""Every op against PyTorch: each row of the tables, each check, each backend.

300 examples for each op over its checks; 10,000 with MINIGRAD_TEST_PROFILE=deep.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import checks
from backends import BACKENDS, NUMPY, parameters
from cases import OPS

DEEP = settings.get_current_profile_name() == "deep"
EXAMPLES = {"agrees": 120, "float32": 50, "special": 60, "backend": 20, "zero": 10, "twice": 10, "second": 30, "third": 10}


def examples(check):
    """How many examples a check takes."""
    return settings(max_examples=EXAMPLES[check] * (34 if DEEP else 1))


def rows(table):
    return pytest.mark.parametrize("row", table, ids=repr)


SMOOTH = [row for row in OPS if row.order]


@rows(OPS)
@examples("agrees")
@given(data=st.data())
def test_agrees_in_float64(row, data):
    with NUMPY.active():
        checks.agrees(row, checks.draw_case(data.draw, row), NUMPY)


@rows(OPS)
@examples("float32")
@given(data=st.data())
def test_agrees_in_float32(row, data):
    with NUMPY.active():
        checks.agrees(row, checks.draw_case(data.draw, row, "float32"), NUMPY)


@rows(OPS)
@examples("special")
@given(data=st.data(), dtype=st.sampled_from(["float32", "float64"]))
def test_special_values(row, data, dtype):
    with NUMPY.active():
        checks.special_values(row, checks.draw_case(data.draw, row, dtype, special=row.special), NUMPY)


@pytest.mark.parametrize("backend", parameters(BACKENDS[1:]))
@rows(OPS)
@examples("backend")
@given(data=st.data(), dtype=st.sampled_from(["float32", "float64"]))
def test_agrees_on_every_backend(row, backend, data, dtype):
    with backend.active():
        checks.agrees(row, checks.draw_case(data.draw, row, dtype), backend)


@rows([row for row in SMOOTH if not row.surrogate])
@examples("zero")
@given(data=st.data())
def test_zero_cotangent_gives_zero(row, data):
    with NUMPY.active():
        checks.zero_cotangent(row, checks.draw_case(data.draw, row), NUMPY)


@rows(SMOOTH)
@examples("twice")
@given(data=st.data())
def test_second_backward_adds_the_same(row, data):
    with NUMPY.active():
        checks.same_twice(row, checks.draw_case(data.draw, row), NUMPY)


@rows(SMOOTH)
@examples("second")
@given(data=st.data())
def test_second_derivatives(row, data):
    with NUMPY.active():
        checks.higher(row, checks.draw_case(data.draw, row), NUMPY, 2)
