"""No check accuses a right function: of minigrad, NumPy, PyTorch or JAX, at all kinds of numbers, shapes and sizes."""

import importlib.util
import os
import zlib

import numpy as np
import pytest

from support.optional_tools import needs
from support.right_checks import report_of, tables
from support.right_functions import MILD, MINIGRAD

DEEP = os.environ.get("MINIGRAD_TEST_PROFILE") == "deep"
EACH = {"minigrad": 1, "numpy": 1, "torch": 1, "jax": 1}  # the number of draws for each function
JAX = importlib.util.find_spec("jax")
TABLES = tables()
FUNCTIONS = [pytest.param(library, name, id=f"{library}-{name}") for library in TABLES for name in TABLES[library]]
WITHOUT_EFFECT = ("constant", "tiny", "itself_taken_away", "branch_never_taken", "second_argument_without_effect")
FLAT = ("rounded_down", "steep")  # of derivative 0 at ordinary points
NOISY = ("a_billion_added_and_taken_away", "half_precision_inside", "variance_by_cancellation", "sum_in_float32")  # may be noise anywhere


def stream_of(name, draw):
    """Return the generator for one draw of a function."""
    return np.random.default_rng([draw, zlib.crc32(name.encode())])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("library, name", FUNCTIONS)
def test_a_right_function_is_not_accused(library, name):
    right = TABLES[library][name]
    for draw in range(EACH[library] * (50 if DEEP else 1)):
        kinds, arrays = right.draw(stream_of(name, draw))
        report = report_of(library, right, arrays)
        assert not report.accuses, f"{kinds}, draw {draw}: {arrays}\n{report}"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("library, name", [f for f in FUNCTIONS if f.values[1] not in WITHOUT_EFFECT + FLAT + NOISY])
def test_a_right_function_is_found_right_at_ordinary_points(library, name):
    right = TABLES[library][name]
    found = []
    for draw in range(4):
        stream = stream_of(name, draw)
        arrays = [right.within_limits(stream.normal(size=shape)) for shape in right.shapes[0]]
        report = report_of(library, right, arrays)
        found.append(report.verdict)
        if report:
            break
    assert found[-1] == "right", found


@pytest.mark.parametrize("name", WITHOUT_EFFECT)
def test_what_cannot_be_noticed_is_said(name):
    right = MINIGRAD[name]
    arrays = [stream_of(name, 0).normal(size=shape) for shape in right.shapes[0]]
    report = report_of("minigrad", right, arrays)
    assert report.verdict == "vacuous", str(report)
    assert report_of("minigrad", right, arrays, allow_vacuous=True), "vacuity was to be allowed"


@needs(JAX, "needs JAX, from the extra peers")
def test_the_functions_of_jax_take_part():
    assert TABLES["jax"]


def test_the_corpus_is_as_large_as_it_says():
    assert len(MINIGRAD) >= 55
    assert len(TABLES["numpy"]) >= 15
    assert len(TABLES["torch"]) >= 10
    assert len(TABLES.get("jax", range(8))) >= 8
    assert set(MILD) < set(MINIGRAD["activations"].kinds)
