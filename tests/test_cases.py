"""Every op against PyTorch: each row of the tables, each check, each backend.

A check of a drawn call at one dtype is an example: each op has at least 300 of them, 10,000 with MINIGRAD_TEST_PROFILE=deep.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import checks
from backends import BACKENDS, NUMPY, parameters
from cases import OPS

DEEP = settings.get_current_profile_name() == "deep"
CALLS = {"agree": 60, "special": 40, "second": 25, "third": 10, "backend": 10}
CHECKS_OF_A_CALL = {"agree": 4, "special": 2, "second": 1, "third": 1, "backend": 2 * len(BACKENDS[1:-1])}
DTYPES = ("float64", "float32")
SMOOTH = [row for row in OPS if row.order]


def test_there_are_enough_examples():
    without_gradient = ("agree", "special", "backend")
    for names in [CALLS, without_gradient]:
        assert sum(CALLS[n] * CHECKS_OF_A_CALL[n] for n in names) * (30 if DEEP else 1) >= (10_000 if DEEP else 300)


def drawn(check):
    """As many drawn calls as this check takes."""
    return lambda test: settings(max_examples=CALLS[check] * (30 if DEEP else 1))(given(data=st.data())(test))


def each(table):
    return pytest.mark.parametrize("row", table, ids=repr)


@each(OPS)
@drawn("agree")
def test_agrees_with_pytorch(row, data):
    call = checks.draw_call(data.draw, row)
    with NUMPY.active():
        for dtype in DTYPES:
            checks.agrees(row, call.case(dtype), NUMPY)
        if row.order:
            checks.same_twice(row, call.case(), NUMPY)
            if not row.surrogate:
                checks.zero_cotangent(row, call.case(), NUMPY)


@each(OPS)
@drawn("special")
def test_special_values_as_in_pytorch(row, data):
    call = checks.draw_call(data.draw, row)
    with NUMPY.active():
        for dtype in DTYPES:
            checks.special_values(row, call.case(dtype, row.special), NUMPY)


@pytest.mark.parametrize("backend", parameters(BACKENDS[1:]))
@each(OPS)
@drawn("backend")
def test_agrees_on_every_backend(row, backend, data):
    call = checks.draw_call(data.draw, row)
    with backend.active():
        for dtype in DTYPES:
            checks.agrees(row, call.case(dtype), backend)


@each(SMOOTH)
@drawn("second")
def test_second_derivatives(row, data):
    call = checks.draw_call(data.draw, row)
    with NUMPY.active():
        checks.higher(row, call.case(), NUMPY, 2)
