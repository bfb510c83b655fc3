"""JAX functions, also jitted ones and those with a custom VJP, as subjects of a check."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pytest

from minigrad.testing import check_jax
from support.optional_tools import needs
from support.subjects import assert_right, outcome, stopped

try:
    import jax
    from jax import numpy as jnp

    from minigrad.testing.subjects.of_jax import JaxSubject
except ImportError:
    jax = None

pytestmark = needs(jax is not None, 'needs JAX: pip install -e ".[peers]"')


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def custom(forward, backward):
    """Return a function with a custom VJP, whose backward gets g, the output and the arguments."""

    @jax.custom_vjp
    def operation(*arguments):
        return forward(*arguments)

    def forward_rule(*arguments):
        y = forward(*arguments)
        return y, (y, arguments)

    def backward_rule(saved, g):
        found = backward(g, saved[0], *saved[1])
        return found if isinstance(found, (tuple, list)) else (found,)

    operation.defvjp(forward_rule, backward_rule)
    return operation


class Layer(NamedTuple):
    weight: object
    bias: object


@dataclasses.dataclass
class Batch:
    values: object
    size: int


@dataclasses.dataclass
class Unregistered:
    values: object


def model(layer, key, batch):
    y = jnp.tanh(batch["x"] @ layer.weight + layer.bias)
    return {"y": y + jax.random.normal(key, y.shape), "n": jnp.arange(3), "last": (y.sum(),)}


def model_inputs(key):
    return [Layer(draw(4, 2), draw(2)), key, {"x": draw(3, 4), "k": 3}]


RIGHT = {
    "one array": lambda: JaxSubject(jnp.tanh, [draw(3, 4)]),
    "0-d": lambda: JaxSubject(jnp.tanh, [np.array(0.3)]),
    "two arrays": lambda: JaxSubject(lambda x, y: x * y, [draw(3, 4), draw(4)]),
    "jitted": lambda: JaxSubject(jax.jit(lambda x: jnp.tanh(x) @ x.T), [draw(3, 4)]),
    "a custom VJP": lambda: JaxSubject(custom(jnp.tanh, lambda g, y, x: g * (1 - y * y)), [draw(3, 4)]),
    "a jitted custom VJP": lambda: JaxSubject(jax.jit(custom(jnp.sin, lambda g, y, x: g * jnp.cos(x))), [draw(3, 4)]),
    "pytrees, a typed key": lambda: JaxSubject(model, model_inputs(jax.random.key(0))),
    "pytrees, a raw key": lambda: JaxSubject(jax.jit(model), model_inputs(jax.random.PRNGKey(0))),
    "a registered dataclass": lambda: JaxSubject(lambda b: Registered(jnp.tanh(b.values) * b.size, 2), [Registered(draw(3), 2)]),
    "another dataclass": lambda: JaxSubject(lambda b: jnp.tanh(b.values["x"]), [Unregistered({"x": draw(3)})]),
    "whole numbers and None": lambda: JaxSubject(lambda x, i, n, nothing: x[i] * n, [draw(4), np.array([0, 2, 0]), 3, None]),
    "an output of whole numbers": lambda: JaxSubject(lambda x: (x.argmax(), x.max(1)), [draw(3, 4)]),
    "an input that does not matter": lambda: JaxSubject(lambda x, y: jnp.tanh(x), [draw(3), draw(2)]),
    "a gradient inside": lambda: JaxSubject(lambda x: jax.grad(lambda x: (x**3).sum())(x), [draw(3)]),
    "complex numbers": lambda: JaxSubject(lambda z, x: jnp.fft.fft(z * jnp.abs(z)) * x + jnp.conj(z) ** 3,
                                          [draw(4) + 1j * draw(4, seed=1), draw(4)]),
    "complex outputs": lambda: JaxSubject(jnp.fft.rfft, [draw(5)]),
    "random, seeded": lambda: JaxSubject(lambda x: x * np.random.rand(), [draw(3)], seed=3),
    "scan": lambda: JaxSubject(lambda x: jax.lax.scan(lambda c, a: (c * a + 1, jnp.sin(c)), 1.0, x), [draw(4)]),
    "no elements": lambda: JaxSubject(jnp.tanh, [draw(0, 3)]),
}
Registered = Batch if jax is None else jax.tree_util.register_dataclass(Batch, ["values"], ["size"])


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_function(name):
    assert_right(RIGHT[name]())


@pytest.mark.parametrize("name", [
    "two arrays", "a jitted custom VJP", "pytrees, a typed key", "a registered dataclass", "complex numbers", "complex outputs",
    "random, seeded",
])
def test_a_right_gradient(name):
    """The gradient is itself a function with gradients; so is the gradient of that."""
    second = assert_right(RIGHT[name]().of_gradient(np.random.default_rng(1)))
    assert second.name.startswith("gradient of ")
    if name == "two arrays":
        assert_right(second.of_gradient(np.random.default_rng(2)))


def test_everything_is_computed_in_float64_and_the_users_setting_stays():
    kinds = []

    def function(x):
        kinds.append(x.dtype)
        return x * jnp.ones(3)

    before = jnp.ones(3).dtype
    assert_right(JaxSubject(function, [draw(3)]))
    assert set(kinds) == {np.dtype("float64")}
    assert jnp.ones(3).dtype == before
    with pytest.raises(ZeroDivisionError):
        JaxSubject(lambda x: 1 / 0, [draw(3)]).value()
    assert jnp.ones(3).dtype == before


def test_a_lower_precision():
    x = jnp.asarray(draw(3), "float32")
    subject = JaxSubject(jnp.tanh, [x], dtype=np.dtype("float32"))
    assert_right(subject, step=1e-2, tolerance=1e-2)
    assert subject.run(subject.arrays)[0].dtype == np.float32


def test_names():
    subject = RIGHT["pytrees, a typed key"]()
    assert subject.names == ["layer.weight", "layer.bias", "batch['x']"]
    subject.record()
    assert [name for name, _ in subject.outputs] == ["out['last'][0]", "out['y']"]
    second = RIGHT["two arrays"]().of_gradient(np.random.default_rng(0))
    second.record()
    assert [name for name, _ in second.outputs] == ["(d/d x)", "(d/d y)"]
    assert second.names == ["x", "y", "g"]
    assert JaxSubject(lambda x: x, [draw(3)], names=["left"]).names == ["left"]
    assert RIGHT["another dataclass"]().names == ["b.values['x']"]


def test_inputs_are_never_written():
    x = draw(3)
    before = x.copy()
    assert_right(JaxSubject(jnp.tanh, [x]))
    np.testing.assert_array_equal(x, before)


# ---- faults

FAULTS = {
    "a gradient too few": ("count", None, lambda g, a, b: (g * b,), (3, 4)),
    "a gradient too many": ("count", None, lambda g, a, b: (g * b, g * a, g), (3, 4)),
    "another shape": ("shape", 1, lambda g, a, b: (g * b, (g * a)[0]), (3, 4)),
    "a transposed shape": ("transposed", 0, lambda g, a, b: ((g * b).T, g * a), (3, 4)),
    "a missing sum": ("broadcast", 1, lambda g, a, b: (g * b, g * a), (4,)),
    "a missing sum over an axis": ("broadcast", 1, lambda g, a, b: (g * b, g * a), (3, 1)),
}


@pytest.mark.parametrize("jitted", [False, True])
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_stops_the_check(name, jitted):
    wanted, argument, backward, shape = FAULTS[name]
    function = custom(lambda a, b: a * b, lambda g, y, a, b: backward(g, a, b))
    assert stopped(JaxSubject(jax.jit(function) if jitted else function, [draw(3, 4), draw(*shape)]))[::2] == (wanted, argument)


def test_a_fault_of_an_inner_function_names_no_argument():
    inner = custom(lambda a, b: a * b, lambda g, y, a, b: (g * b, (g * a)[0]))
    verdict, detail, argument = stopped(JaxSubject(lambda a, b: inner(b, a) * 2, [draw(3, 4), draw(3, 4)]))
    assert (verdict, argument) == ("shape", None)
    assert "has shape (4,), not (3, 4)" in detail


def test_other_errors_are_raised_as_they_are():
    def fails(x):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        JaxSubject(fails, [draw(3)]).value()
    assert caught.value.__notes__[-1] == "raised in the function of fails, which the gradient check ran"


def test_messages_about_the_call():
    with pytest.raises(TypeError, match=r'x of <lambda> is float32; .*numpy.asarray\(x, "float64"\), with which JAX computes in float64'):
        JaxSubject(lambda x: x, [jnp.ones(3, "float32")])
    with pytest.raises(TypeError, match="is bfloat16, which cannot be checked"):
        JaxSubject(lambda x: x, [jnp.ones(3, "bfloat16")])
    with pytest.raises(ValueError, match="no input of <lambda> is an array of floating-point numbers"):
        JaxSubject(lambda x: x, [3.0])
    with pytest.raises(ValueError, match="pass them as an input, not as params="):
        JaxSubject(lambda x: x, [draw(3)], params={"w": draw(3)})
    with pytest.raises(TypeError, match="<lambda> returned no floating-point array"):
        JaxSubject(lambda x: x.argmax(), [draw(3)]).value()


# ---- further looks


def test_complex_values_go_through_the_function():
    x = draw(3)
    subject = JaxSubject(lambda x, n: jnp.tanh(x) * n, [x, 2])
    (found,) = subject.complex_run([x + 1e-30j])
    np.testing.assert_allclose(found.imag / 1e-30, 2 * (1 - np.tanh(x) ** 2))
    assert JaxSubject(jnp.abs, [x]).complex_run([x + 1e-30j]) is None
    assert JaxSubject(jnp.floor, [x]).complex_run([x + 1e-30j]) is None


def test_expected_gradients_and_surrogates():
    subject = JaxSubject(jnp.round, [draw(3)])
    subject.record()
    cotangent = np.array([1.0, -2.0, 3.0])
    np.testing.assert_array_equal(subject.expected(lambda g, x: g * 2, [cotangent])[0], cotangent * 2)
    with pytest.raises(ValueError, match="expected= must return one gradient for each of 1 checked inputs"):
        subject.expected(lambda g, x: (g, g, g), [cotangent])
    assert subject.surrogate(lambda x: jnp.abs(x).sum(), [cotangent]) == 6
    nested = JaxSubject(lambda p: (p["a"], p["b"]), [{"b": draw(3), "a": draw(2)}])
    nested.record()
    found = nested.expected(lambda g, p: {"b": g[1], "a": g[0]}, [np.ones(2), 2 * np.ones(3)])
    assert [g.tolist() for g in found] == [[1, 1], [2, 2, 2]]  # in JAX's order, which sorts keys
    assert [g.tolist() for g in nested.expected(lambda g, p: g, [np.ones(2), 2 * np.ones(3)])] == [[1, 1], [2, 2, 2]]
    constants = JaxSubject(lambda x, n, nothing: x * n, [draw(2), 2, None])
    constants.record()
    assert constants.expected(lambda g, x, n, nothing: (g, None), [np.ones(2)])[0].tolist() == [1, 1]


# ---- through check_jax

MISTAKES = {
    "sign": (lambda x: jnp.tanh(x), lambda g, y, x: -g * (1 - y * y), 1),
    "constant factor": (lambda x: jnp.tanh(x), lambda g, y, x: 1.0001 * g * (1 - y * y), 1),
    "transposed": (lambda x, w: x.T @ w.T, lambda g, y, x, w: ((g @ w).T, (g.T @ x.T).T), 2),
    "missing": (lambda a, b: a * b, lambda g, y, a, b: (g * b, None), 2),
    "diagonal": (lambda x: jax.nn.softmax(x, 1), lambda g, y, x: g * y * (1 - y), 1),
    "exchanged": (lambda a, b: a * a * b, lambda g, y, a, b: (g * a * a, 2 * g * a * b), 2),
    "independent": (lambda x: jnp.tanh(x), lambda g, y, x: 1 - y * y, 1),
    "wrong axis": (lambda x: jax.nn.softmax(x, 1), lambda g, y, x: y * (g - (g * y).sum(0, keepdims=True)), 1),
    "input for output": (lambda x: jnp.tanh(x), lambda g, y, x: g * (1 - x * x), 1),
    "mask": (lambda x: jnp.maximum(x, 0), lambda g, y, x: g * (x < 0), 1),
}


@pytest.mark.parametrize("verdict", MISTAKES)
def test_a_mistake_gets_its_name(verdict):
    forward, backward, count = MISTAKES[verdict]
    report = check_jax(jax.jit(custom(forward, backward)), *(draw(3, 3, seed=i) for i in range(count)), raise_exception=False)
    assert report.verdict == verdict, report


def test_a_missing_sum_over_a_broadcast_axis():
    wrong = custom(lambda a, b: a + b, lambda g, y, a, b: (g, g))
    assert outcome(check_jax(wrong, draw(3, 4), draw(4), raise_exception=False)) == ("broadcast", "arguments[1]")


def test_options_from_end_to_end():
    assert check_jax(jax.jit(lambda p, x: jnp.tanh(x @ p["w"])), {"w": draw(2, 2)}, draw(1, 2), order=2, complex_step=True)
    assert check_jax(lambda x: x + jax.lax.stop_gradient(jnp.round(x) - x), draw(3), expected=lambda g, x: g)
    assert check_jax(jnp.tanh, draw(3), audit=True).blind_spots
    assert outcome(check_jax(lambda x: x * np.random.rand(), draw(3), raise_exception=False))[0] == "nondeterministic"
