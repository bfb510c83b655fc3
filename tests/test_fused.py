"""Fused bodies: in blocks, as a compiled loop, on the device, each equals its plain oracle to 4 ulp."""

import numpy as np
import pytest
from backends import BACKENDS, Backend, parameters
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import ops, optim
from minigrad.backend import cpu, threads, to_numpy
from minigrad.backend.fuse import Fused

MODULES = [ops.activations, ops.arithmetic, ops.losses, ops.penalties, ops.reductions, optim.adam, optim.sgd, cpu]
BODIES = list({id(f): f for m in MODULES for f in vars(m).values() if isinstance(f, Fused)}.values())
each = pytest.mark.parametrize("fused", BODIES, ids=lambda f: f.__name__)
on_each_backend = pytest.mark.parametrize("backend", parameters(BACKENDS[1:]))


def test_there_are_bodies():
    assert len(BODIES) >= 10


NUMBERS = {"step_size", "one_minus_beta1", "beta2", "one_minus_beta2", "root", "eps", "weight_decay", "momentum",
           "one_minus_dampening", "lr"}  # what the optimizers give as numbers


def values(rng, parameter, shape, dtype):
    """Any values; positive for an optimizer's averages of squares and its rates."""
    signed = parameter in ("p", "g", "m", "x", "y", "target", "buffer")
    return np.asarray(rng.normal(0, 1.5, shape) if signed else rng.uniform(0.1, 2, shape), dtype)


def arguments(fused, kinds, shape, dtype, rng):
    """For each parameter f: an array, r: a row, s: a number (a 0-d array where the body expects an array)."""
    found = []
    for parameter, kind in zip(fused.body.parameters, kinds):
        if parameter in NUMBERS and kind == "s":
            found.append(float(np.float32(rng.uniform(0.1, 2))))
        else:
            whole = kind == "f" or parameter in fused.body.written
            found.append(values(rng, parameter, shape if whole else shape[1:] if kind == "r" else (), dtype))
    return found


def close(found, expected, total, what):
    assert found.shape == expected.shape and found.dtype == expected.dtype, what
    ulp = np.spacing(np.maximum(np.abs(expected), total).astype(expected.dtype))
    assert (np.abs(found - expected) <= 4 * ulp).all(), f"{what}: {found} instead of {expected}"


def compare(fused, backend, given_arguments, what):
    """Run fused and plain on copies; the result and everything written must agree."""
    plain = [a.copy() if isinstance(a, np.ndarray) else a for a in given_arguments]
    expected = fused.plain(*plain)
    with backend.active():
        mine = [backend.array(a.copy()) if isinstance(a, np.ndarray) else a for a in given_arguments]
        result = fused(*mine)
        found = to_numpy(result) if fused.body.result else None
        written = [to_numpy(a) for a in mine if not isinstance(a, float)]
    if fused.reduce:
        close(found, np.asarray(expected.sum()), np.abs(expected).sum(), what)
    elif found is not None:
        close(found, expected, 0, what)
    for a, b in zip(written, [b for b in plain if not isinstance(b, float)]):
        close(a, b, 0, what)


@on_each_backend
@each
@settings(max_examples=8)
@given(data=st.data(), dtype=st.sampled_from(["float32", "float64"]))
def test_small_arrays_equal_the_plain_body(fused, backend, data, dtype):
    """Every mix of arrays and numbers (a compiled loop for each), in one or two dimensions."""
    parameters = fused.body.parameters
    kinds = ["s" if p in NUMBERS else "f" for p in parameters]
    kinds[data.draw(st.integers(0, len(kinds) - 1))] = data.draw(st.sampled_from("fsr"))
    if "f" not in kinds:
        kinds[0] = "f"
    shape = (data.draw(st.integers(1, 5)), data.draw(st.integers(1, 9)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    what = f"{fused.__name__}, {''.join(kinds)}, {dtype}, {backend.name}"
    compare(fused, backend, arguments(fused, kinds, shape, dtype, rng), what)


@each
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_arrays_equal_the_plain_body(fused, dtype):
    """More elements than LARGE, not a multiple of any block, as they come in training."""
    kinds = ["s" if p in NUMBERS else "f" for p in fused.body.parameters]
    given_arguments = arguments(fused, kinds, (threads.LARGE // 64 + 3, 65), dtype, np.random.default_rng(7))
    compare(fused, Backend("as it is"), given_arguments, f"{fused.__name__}, {dtype}, large")
