"""Fused bodies, run in blocks, as a compiled loop and on the device, equal the plain function to 4 ulp."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import ops, optim
from minigrad.backend import array_module, fuse, to_numpy
from minigrad.backend.cpu import threads
from minigrad.backend.cpu.numpy_names import numpy_names
from minigrad.backend.fuse.decorator import Fused
from minigrad.backend.gathering import Pieces
from minigrad.optim import adagrad, rmsprop
from support.backends import BACKENDS, Backend, on_cpu, parameters

MODULES = [ops.activations, ops.arithmetic, ops.losses, ops.penalties, ops.reductions, optim.adam, optim.sgd, rmsprop, adagrad, numpy_names]
BODIES = list({id(f): f for m in MODULES for f in vars(m).values() if isinstance(f, Fused)}.values())
each = pytest.mark.parametrize("fused", BODIES, ids=lambda f: f.__name__)
on_each_backend = pytest.mark.parametrize("backend", parameters(BACKENDS[1:]))


def test_there_are_bodies():
    assert len(BODIES) >= 10


NUMBERS = {"step_size", "one_minus_beta1", "beta2", "one_minus_beta2", "root", "eps", "weight_decay", "momentum",
           "one_minus_dampening", "lr", "factor", "alpha", "one_minus_alpha"}  # the optimizers pass these as numbers


RANGES = {"square": (1e4, 2e4), "probability": (0.05, 0.95)}


def values(rng, parameter, shape, dtype):
    """Return any values; positive ones for an optimizer's averages of squares and its rates, large ones where a square is subtracted."""
    if parameter in RANGES:
        return np.asarray(rng.uniform(*RANGES[parameter], shape), dtype)
    signed = parameter in ("p", "g", "m", "x", "y", "target", "buffer")
    return np.asarray(rng.normal(0, 1.5, shape) if signed else rng.uniform(0.1, 2, shape), dtype)


def arguments(fused, kinds, shape, dtype, rng):
    """Return an argument for each parameter's kind: f an array, r a row, s a number (a 0-d array if the body expects an array)."""
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
    """Run the fused and the plain function on copies; results and everything written must agree."""
    plain = [a.copy() if isinstance(a, np.ndarray) else a for a in given_arguments]
    expected = fused.plain(*plain)
    with backend.active():
        mine = [backend.array(a.copy()) if isinstance(a, np.ndarray) else a for a in given_arguments]
        result = fused(*mine)
        found = to_numpy(result) if fused.body.result else None
        written = [to_numpy(a) for a in mine if not isinstance(a, float)]
    if fused.reduce:
        close(found, np.asarray(expected.sum()), np.abs(expected).sum(), what)
    elif found is not None:  # a sum of logarithms is rounded as its terms are, which may cancel
        close(found, expected, max(np.abs(a).max() for a in plain) if "log1p" in fused.body.calls else 0, what)
    for a, b in zip(written, [b for b in plain if not isinstance(b, float)]):
        close(a, b, 0, what)


@on_each_backend
@each
@settings(max_examples=8)
@given(data=st.data(), dtype=st.sampled_from(["float32", "float64"]))
def test_small_arrays_equal_the_plain_body(fused, backend, data, dtype):
    """For every mix of arrays and numbers, each of which has its own compiled loop, in one or two dimensions."""
    parameters = fused.body.parameters
    kinds = ["s" if p in NUMBERS else "f" for p in parameters]
    kinds[data.draw(st.integers(0, len(kinds) - 1))] = data.draw(st.sampled_from("fsr"))
    if "f" not in kinds:
        kinds[0] = "f"
    shape = (data.draw(st.integers(1, 5)), data.draw(st.integers(1, 9)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    what = f"{fused.__name__}, {''.join(kinds)}, {dtype}, {backend.name}"
    compare(fused, backend, arguments(fused, kinds, shape, dtype, rng), what)


@fuse
def names_of_a_loop(r, b, total, c0):
    """A body whose parameters have names that a loop could use itself."""
    return r * r + 2 * b - total / 3 + c0


@fuse(reduce=True)
def names_of_a_sum(r, b, total, c0):
    """The same, summed."""
    return r * r + 2 * b - total / 3 + c0


@on_each_backend
@pytest.mark.parametrize("fused", [names_of_a_loop, names_of_a_sum], ids=lambda f: f.__name__)
@pytest.mark.parametrize("kinds", ["ffff", "frsf", "sfrf"])
def test_parameters_may_have_any_name(fused, backend, kinds):
    kinds = kinds.replace("r", "f") if fused.reduce else kinds
    compare(fused, backend, arguments(fused, kinds, (3, 5), "float64", np.random.default_rng(1)), f"{fused.__name__}, {kinds}")


@each
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_arrays_equal_the_plain_body(fused, dtype):
    """With more elements than LARGE, and not a multiple of any block."""
    kinds = ["s" if p in NUMBERS else "f" for p in fused.body.parameters]
    given_arguments = arguments(fused, kinds, (threads.LARGE // 64 + 3, 65), dtype, np.random.default_rng(7))
    compare(fused, Backend("as it is"), given_arguments, f"{fused.__name__}, {dtype}, large")


@pytest.mark.parametrize("fused", [f for f in BODIES if f.__module__.startswith("minigrad.optim")], ids=lambda f: f.__name__)
@pytest.mark.parametrize("sizes", [(3, 0, 5), (threads.LARGE, 1, 700)], ids=str)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("numba", [False, True])
@pytest.mark.parametrize("source", [False, True])
def test_pieces_are_computed_where_they_lie(fused, sizes, dtype, numba, source):
    """They give the bits of one flat array, whether or not the text of the body is known; arrays that are only read may have any layout."""
    rng, n = np.random.default_rng(3), sum(sizes)
    names = fused.body.parameters
    wholes = [float(rng.uniform(0.1, 2)) if p in NUMBERS else values(rng, p, (n,), dtype) for p in names]
    cuts = np.cumsum(sizes)[:-1]
    function = Fused(fused.plain)
    if not source:
        function.body = None
    given_arguments = []
    for p, whole in zip(names, wholes):
        parts = whole if p in NUMBERS else [part.copy().reshape(-1, 1) for part in np.split(whole, cuts)]
        if p == "g":
            parts[-1] = np.repeat(parts[-1], 2)[::2]
            parts[0].flags.writeable = False
        given_arguments.append(whole if p in NUMBERS else (Pieces(parts), parts))
    with on_cpu(numba, 1 << 10):
        expected = fused(*wholes)
        found = function(*[a if isinstance(a, float) else a[0] for a in given_arguments])
    if fused.body.result:
        np.testing.assert_array_equal(found, expected)
    for a, whole in zip(given_arguments, wholes):
        if not isinstance(a, float):
            np.testing.assert_array_equal(np.concatenate([part.reshape(-1) for part in a[1]]), whole)


# ---- e^x in the loops


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_the_loops_exponential_is_within_one_ulp_everywhere(kind):
    """Also if the result overflows, is subnormal, or is 0."""
    pytest.importorskip("numba", reason="needs the extra `fast`, which is not installed")
    draw, top = np.random.default_rng(0), float(np.log(np.finfo(kind).max))
    tiny = float(np.log(np.finfo(kind).smallest_subnormal))
    x = np.concatenate([draw.uniform(tiny - 2, top + 2, 200_000), draw.normal(0, 1, 200_000), draw.normal(0, 1e-6, 50_000),
                        np.log(2) * (np.arange(-1100, 1100) / 2), [0, -0.0, top, tiny, np.inf, -np.inf, np.nan, 1e30, -1e30]]).astype(kind)
    with on_cpu(True, 1):
        found = Fused(exponential)(x)
    with np.errstate(all="ignore"):
        expected = np.exp(x.astype(np.longdouble))
        rounded = expected.astype(kind)
        error = np.abs(found.astype(np.longdouble) - expected) / np.spacing(rounded).astype(np.longdouble)
    ordinary = np.isfinite(rounded) & np.isfinite(found)
    np.testing.assert_array_equal(found[~ordinary], rounded[~ordinary])
    assert error[ordinary].max() <= 1
    assert (found[x == 0] == 1).all() and (found[x == -np.inf] == 0).all()


def exponential(x):
    xp = array_module(x)
    return xp.exp(x)


def other_functions(x):
    xp = array_module(x)
    y = xp.absolute(x)
    return xp.tanh(x) * xp.sqrt(y)


def logarithm(x):
    xp = array_module(x)
    return xp.log(xp.exp(x) + 2)


@on_each_backend
@pytest.mark.parametrize("body", [exponential, other_functions, logarithm])
def test_every_function_of_the_dialect(backend, body):
    compare(Fused(body), backend, [np.random.default_rng(0).normal(0, 1, 1000)], body.__name__)


def test_one_element_in_an_axis_beside_one_in_none():
    """The result has the shape of the argument with more axes, even if that repeats one element."""
    with on_cpu(numba=True, large=1):
        for x in (np.broadcast_to(np.array(2.0), (1,)), np.array([2.0]), np.broadcast_to(np.array(2.0), (1, 1))):
            assert ops.losses.mse_grad(np.array(1.0), x, x, 2.0).shape == x.shape
