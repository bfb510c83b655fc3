"""Every op against PyTorch: each row of the tables, each check, each backend.

A check of a drawn call at one dtype is an example. Each op has at least 300, and 10,000 with MINIGRAD_TEST_PROFILE=deep.
"""

import inspect

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from support import checks
from support.backends import BACKENDS, NUMPY, parameters
from support.cases import OPS, THRICE
from support.public_cases import FACES

DEEP = settings.get_current_profile_name() == "deep"
CALLS = {"agree": 80, "special": 40, "second": 25, "third": 10, "backend": 10, "device": 4, "face": 15}
HERE = [backend for backend in BACKENDS[1:] if not backend.marks]
DTYPES = ("float64", "float32")
SMOOTH = [row for row in OPS if row.order]


def test_every_op_has_examples_enough():
    for row in OPS:
        checked = {"agree": 2 + 2 * bool(row.order) - row.surrogate, "special": 2, "second": bool(row.order), "backend": 2 * len(HERE)}
        assert sum(CALLS[check] * times for check, times in checked.items()) >= 300


def drawn(check):
    """Let Hypothesis draw as many calls as this check takes."""
    return lambda test: settings(max_examples=CALLS[check] * (34 if DEEP else 1))(given(data=st.data())(test))


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


@pytest.mark.parametrize("backend", parameters([b for b in BACKENDS if b.device == "cuda"]))
@each([*OPS, *FACES])
@drawn("device")
def test_special_values_second_derivatives_and_faces_on_devices(row, backend, data):
    call = checks.draw_call(data.draw, row)
    with backend.active():
        if row.face:
            checks.agrees(row, call.case(), backend)
        for dtype in DTYPES:
            checks.special_values(row, call.case(dtype, row.special), backend)
        if row.order:
            checks.higher(row, call.case(), backend, 2)
            if not row.surrogate:
                checks.zero_cotangent(row, call.case(), backend)


@each(SMOOTH)
@drawn("second")
def test_second_derivatives(row, data):
    call = checks.draw_call(data.draw, row)
    with NUMPY.active():
        checks.higher(row, call.case(), NUMPY, 2)


@each([row for row in OPS if row.name.removeprefix("ops.") in THRICE])
@drawn("third")
def test_third_derivatives(row, data):
    call = checks.draw_call(data.draw, row)
    with NUMPY.active():
        checks.higher(row, call.case(), NUMPY, 3)


@each(FACES)
@drawn("face")
def test_face_agrees_with_pytorch(row, data):
    call = checks.draw_call(data.draw, row)
    with NUMPY.active():
        for dtype in DTYPES:
            checks.agrees(row, call.case(dtype), NUMPY)
        if row.special:
            checks.special_values(row, call.case("float32", row.special), NUMPY)
        if row.order:
            checks.higher(row, call.case(), NUMPY, 2)


# ---- nothing public without a row


def has_row(name):
    return any(row.name == name or row.name.startswith((f"{name},", f"{name} ")) or name in row.covers for row in [*OPS, *FACES])


def test_every_op_has_a_row():
    ops = [name for name in mg.ops.__all__ if callable(getattr(mg.ops, name))]
    assert len(ops) > 60
    assert [name for name in ops if not has_row(f"ops.{name}")] == []


def test_every_function_has_a_row():
    no_tensor = {"allclose", "equal", "is_floating_point", "is_tensor", "numel"}  # they return no tensor, see below
    making = {"minigrad.functions.creation", "minigrad.functions.random"}  # they take no tensor
    homes = {name: getattr(getattr(mg, name), "__module__", "") for name in mg.__all__ if inspect.isfunction(getattr(mg, name))}
    named = [name for name, home in homes.items() if home.startswith("minigrad.functions.") and home not in making]
    assert len(named) > 60
    assert [name for name in named if name not in no_tensor and not has_row(f"mg.{name}")] == []


def test_every_layer_and_loss_has_a_row():
    F = mg.nn.functional
    found = [("F", name) for name in F.__all__]
    containers = {"Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential", "Parameter", "LayerError"}
    found += [("nn", name) for name in mg.nn.__all__ if isinstance(getattr(mg.nn, name), type) and name not in containers]
    assert [f"{place}.{name}" for place, name in found if not has_row(f"{place}.{name}")] == []


def test_questions_answered_in_python():
    for lib in (mg, torch):
        x, y = lib.tensor([1.0, 2.0]), lib.tensor([1.0, 2.0 + 1e-7])
        assert lib.allclose(x, y) and not lib.allclose(x, y + 1)
        assert lib.equal(x, x) and not lib.equal(x, x[:1]) and not lib.equal(x, x + 1)
        assert lib.is_tensor(x) and not lib.is_tensor([1.0]) and lib.numel(x) == 2
        assert lib.is_floating_point(x) and not lib.is_floating_point(x > 1) and not x.long().is_floating_point()
        with pytest.raises(TypeError):
            lib.is_floating_point(3.0)
