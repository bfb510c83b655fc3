"""NumPy and CuPy functions with a backward written by hand, as subjects of a check."""

import random

import numpy as np
import pytest

from minigrad.testing import check_vjp
from minigrad.testing.findings import Stop
from minigrad.testing.subjects.layouts import differ
from minigrad.testing.subjects.of_vjp import VjpSubject, seeded
from support.backends import BACKENDS, parameters
from support.subjects import assert_right, outcome, stopped


def draw(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def tanh_backward(g, x):
    return g * (1 - np.tanh(x) ** 2)


class Linear:
    """A layer that keeps its input, and puts the gradients of its weights into attributes."""

    def __init__(self):
        self.weight, self.bias = draw(4, 2), draw(2)

    def forward(self, x):
        self.x = x
        return x @ self.weight + self.bias

    def backward(self, g):
        self.weight_grad, self.bias_grad = self.x.T @ g, g.sum(0)
        return g @ self.weight.T

    def subject(self):
        grads = lambda: {"weight": self.weight_grad, "bias": self.bias_grad}
        return VjpSubject(self.forward, self.backward, [draw(3, 4)], params={"weight": self.weight, "bias": self.bias}, grads=grads)


def case(forward, backward, arrays, **options):
    return lambda: VjpSubject(forward, backward, arrays, **options)


def scatter(x, i, g):
    found = np.zeros_like(x)
    np.add.at(found, i, g)
    return found


def dropout():
    kept = {}

    def forward(x):
        kept["mask"] = (np.random.rand(*x.shape) > 0.5) * 2.0 + random.random()
        return x * kept["mask"]

    return forward, lambda g: g * kept["mask"]


def double_in_place(x):
    x *= 2
    return x


# ---- right functions, in each form

RIGHT = {
    "one array": case(np.tanh, tanh_backward, [draw(3, 4)]),
    "0-d": case(np.tanh, tanh_backward, [np.array(0.3)]),
    "a scalar output": case(lambda x: (x * x).sum(), lambda g, x: 2 * g * x, [draw(3, 4)]),
    "a Python number as output": case(lambda x: float((x * x).sum()), lambda g, x: 2 * g * x, [draw(3)]),
    "two arrays": case(lambda x, y: x * y, lambda g, x, y: (g * y, (g * x).sum(0)), [draw(3, 4), draw(4)]),
    "one function for each": case(np.matmul, [lambda g, x, y: g @ y.T, lambda g, x, y: x.T @ g], [draw(3, 4), draw(4, 2)]),
    "cache": case(lambda x: (np.tanh(x), np.tanh(x)), lambda g, y: g * (1 - y * y), [draw(3)], cache=True),
    "a layer": lambda: Linear().subject(),
    "constants": case(lambda x, i, n: n * x[i], lambda g, x, i, n: (scatter(x, i, n * g), None, None), [draw(4), np.array([0, 2, 0]), 3]),
    "a gradient for the floating-point input alone": case(lambda x, i: x[i], lambda g, x, i: scatter(x, i, g), [draw(4), np.array([1, 1])]),
    "a dict in another order": case(lambda p, x: x @ p["w"] + p["b"], lambda g, p, x: ({"b": g.sum(0), "w": x.T @ g}, g @ p["w"].T),
                                    [{"w": draw(4, 2), "b": draw(2)}, draw(3, 4)]),
    "one dict": case(lambda p: p["w"] * p["b"], lambda g, p: {"b": g * p["w"], "w": g * p["b"]}, [{"w": draw(3), "b": draw(3) + 1}]),
    "several outputs, one of whole numbers": case(
        lambda x: (x.max(1), x.argmax(1), x.sum()),
        lambda g, x: (x == x.max(1, keepdims=True)) * g[0][:, None] + g[2], [draw(3, 4)]),
    "Fortran's order": case(np.tanh, tanh_backward, [np.asfortranarray(draw(3, 4))]),
    "reversed": case(np.tanh, tanh_backward, [draw(3, 4)[::-1, ::-1]]),
    "random, seeded": case(*dropout(), [draw(3, 4)], seed=5),
    "in place": case(double_in_place, lambda g, x: 2 * g, [draw(3, 4)], inplace=True),
    "no elements": case(np.tanh, tanh_backward, [draw(0, 4)]),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_function(name):
    assert_right(RIGHT[name]())


def test_a_memory_map_is_an_array(tmp_path):
    x = np.memmap(tmp_path / "x", "float64", "w+", shape=(3,))
    x[:] = draw(3)
    assert assert_right(VjpSubject(np.tanh, tanh_backward, [x])).names == ["x"]


def test_a_list_of_numbers_is_the_gradient_of_a_vector():
    assert_right(VjpSubject(lambda x: (x * x).sum(), lambda g, x: [2 * float(g) * v for v in x], [draw(3)]))


# ---- faults


def aliasing_backward(g, x):
    g *= 1 - np.tanh(x) ** 2
    return g


def backward_that_reads_memory(g, x):
    return np.ravel(g, "K").reshape(g.shape) * (1 - np.tanh(x) ** 2)


def backward_that_reshapes(g, x):
    flat = g[:]
    flat.shape = (-1,)  # raises where g is not contiguous
    return 2 * flat.reshape(x.shape)


FAULTS = {
    "g is overwritten": ("mutation", case(np.tanh, aliasing_backward, [draw(3, 4)])),
    "g is read in the order of memory": ("layout", case(np.tanh, backward_that_reads_memory, [draw(3, 4)])),
    "g must be contiguous": ("layout", case(lambda x: 2 * x, backward_that_reshapes, [draw(3, 4)])),
    "the forward writes to its input": ("mutation", case(double_in_place, lambda g, x: 2 * g, [draw(3)])),
    "the forward writes to a constant": ("mutation", case(lambda x, i: x[i.__imul__(0)], lambda g, x, i: scatter(x, i, g),
                                                          [draw(3), np.array([1, 2])])),
    "the backward writes to its input": ("mutation", case(np.tanh, lambda g, x: g * (1 - np.tanh(x, out=x) ** 2), [draw(3)])),
    "the backward writes to a constant": ("mutation", case(lambda x, m: x * m, lambda g, x, m: (g * m, m.fill(0))[0],
                                                           [draw(3), np.array([True, False, True])])),
    "a gradient too few": ("count", case(lambda x, y: x * y, lambda g, x, y: g * y, [draw(3), draw(3)])),
    "a gradient too many": ("count", case(np.tanh, lambda g, x: (g, g), [draw(3)])),
    "a missing sum": ("broadcast", case(lambda x, y: x + y, lambda g, x, y: (g, g), [draw(3, 4), draw(4)])),
    "a missing sum over an axis": ("broadcast", case(lambda x, y: x + y, lambda g, x, y: (g, g), [draw(3, 4), draw(3, 1)])),
    "another shape": ("shape", case(lambda x: 2 * x, lambda g, x: 2 * g[0], [draw(3, 4)])),
    "a transposed shape": ("transposed", case(lambda x: 2 * x, lambda g, x: 2 * g.T, [draw(3, 4)])),
    "a complex gradient": ("wrong", case(np.copy, lambda g, x: np.fft.ifft(np.fft.fft(g)), [draw(4)])),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_stops_the_check(name):
    verdict, make = FAULTS[name]
    assert stopped(make())[0] == verdict


def test_the_detail_says_what_was_changed():
    def backward(g, x, y):
        y += 1
        return g, g

    verdict, detail, argument = stopped(VjpSubject(lambda x, y: x + y, backward, [draw(3), draw(3)]))
    assert (verdict, argument) == ("mutation", 1)
    assert "the backward changed its input y" in detail


def test_rounding_that_depends_on_the_layout_is_no_fault():
    """How much of a gradient is rounding is seen where the cotangent is tripled: where terms cancel, it may be much."""
    exact, off = np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-7])
    assert differ(exact, off, 3 * exact)
    assert not differ(exact, off, 3 * (exact + 1e-9))
    assert not differ(exact, exact + 1e-10, 3 * exact)
    assert not differ(exact.astype("float32"), (exact + 1e-4).astype("float32"), (3 * exact).astype("float32"))
    assert differ(exact.astype("float32"), (exact + 0.1).astype("float32"), (3 * exact).astype("float32"))
    assert not differ(np.array([np.nan, 1.0]), np.array([np.nan, 1.0]), np.array([np.nan, 3.0]))
    assert differ(exact, None, None)
    assert not differ(None, None, None)
    assert not differ(np.zeros(0), np.zeros(0), np.zeros(0))


def test_a_function_that_needs_a_seed_is_not_repeatable_without_one():
    forward, backward = dropout()
    subject = VjpSubject(forward, backward, [draw(3, 4)])
    assert not subject.repeats(subject.value(), subject.value())


# ---- nothing is left behind


def test_parameters_are_put_back_also_after_an_error():
    layer = Linear()
    before, memory = layer.weight.copy(), layer.weight
    subject = layer.subject()
    subject.record()
    subject.value([a + 1 for a in subject.arrays])
    layer.forward = lambda x: 1 / 0
    subject.function = layer.forward
    with pytest.raises(ZeroDivisionError):
        subject.value([a + 1 for a in subject.arrays])
    assert layer.weight is memory
    np.testing.assert_array_equal(layer.weight, before)


def test_inputs_and_constants_are_never_written():
    x, mask = draw(3), np.array([True, False, True])
    copies = x.copy(), mask.copy()

    def forward(x, mask):
        x *= 2
        mask[:] = False
        return x

    subject = VjpSubject(forward, lambda g, x, mask: 2 * g, [x, mask], inplace=True)
    subject.record()
    subject.gradients(np.ones(3))
    for array, copy in zip((x, mask), copies):
        np.testing.assert_array_equal(array, copy)


def test_a_seeded_check_leaves_the_generators_as_they_were():
    np.random.seed(3)
    random.seed(3)
    wanted = np.random.rand(), random.random()
    np.random.seed(3)
    random.seed(3)
    forward, backward = dropout()
    assert check_vjp(forward, backward, draw(3), seed=1)
    assert (np.random.rand(), random.random()) == wanted
    with pytest.raises(ZeroDivisionError), seeded(1):
        raise ZeroDivisionError
    with seeded(None):
        assert np.random.rand() != wanted[0]


# ---- what is written wrongly


def test_messages_about_the_call():
    with pytest.raises(ValueError, match="no input of tanh is an array of floating-point numbers"):
        VjpSubject(np.tanh, tanh_backward, [3, np.arange(3)])
    with pytest.raises(TypeError, match=r'x of tanh is float32; .*x.astype\("float64"\), or pass dtype="float32"'):
        VjpSubject(np.tanh, tanh_backward, [draw(3).astype("float32")])
    with pytest.raises(TypeError, match=r"must return \(output, cache\), not a ndarray"):
        VjpSubject(np.tanh, tanh_backward, [draw(3)], cache=True).value()
    with pytest.raises(TypeError, match=r"the backward of tanh takes .*must take \(g, input0, input1\), g alone"):
        VjpSubject(np.tanh, lambda a, b, c, d: None, [draw(3), draw(3)])
    with pytest.raises(ValueError, match="pass grads="):
        VjpSubject(np.tanh, tanh_backward, [draw(3)], params={"w": draw(3)})
    with pytest.raises(ValueError, match="1 names for the 2 inputs of multiply"):
        VjpSubject(np.multiply, tanh_backward, [draw(3), draw(3)], names=["x"])
    with pytest.raises(TypeError, match="returned a dict"):
        stopped(VjpSubject(np.tanh, lambda g, x: {"x": g}, [draw(3)]))


# ---- further looks


def test_complex_values_go_through_the_forward():
    x = draw(3)
    (found,) = VjpSubject(np.tanh, tanh_backward, [x]).complex_run([x + 1e-30j])
    np.testing.assert_allclose(found.imag / 1e-30, 1 - np.tanh(x) ** 2)
    assert VjpSubject(np.abs, tanh_backward, [x]).complex_run([x + 1e-30j]) is None
    assert VjpSubject(lambda x: np.floor(x), tanh_backward, [x]).complex_run([x + 1e-30j]) is None
    cached = VjpSubject(lambda x: (np.sin(x), x), tanh_backward, [x], cache=True)
    np.testing.assert_allclose(cached.complex_run([x + 1e-30j])[0].imag / 1e-30, np.cos(x))


def test_expected_gradients_and_surrogates():
    subject = VjpSubject(np.round, lambda g, x: g, [draw(3)])
    subject.record()
    cotangent = draw(3) + 1
    np.testing.assert_array_equal(subject.expected(lambda g, x: g, [cotangent])[0], cotangent)
    with pytest.raises(ValueError, match="expected= must return one gradient for each of 1 checked inputs of round"):
        subject.expected(lambda g, x: (g, g, g), [cotangent])
    assert subject.surrogate(lambda x: abs(x).sum(keepdims=True), [np.array([1.0, -2.0, 3.0])]) == 6
    layer = Linear().subject()
    layer.record()
    found = layer.expected(lambda g, x: (x * 0, np.zeros((4, 2)), np.ones(2)), [np.ones((3, 2))])
    assert [g.shape for g in found] == [(3, 4), (4, 2), (2,)]


def test_gradients_of_parameters_that_are_not_floating_point_are_skipped():
    layer = Linear()
    grads = lambda: {"weight": layer.weight_grad, "bias": layer.bias_grad}
    params = {"steps": np.array(3), "weight": layer.weight, "bias": layer.bias}
    assert_right(VjpSubject(layer.forward, layer.backward, [draw(3, 4)], params=params, grads=grads))


# ---- CuPy


@pytest.mark.parametrize("backend", parameters([b for b in BACKENDS if b.device == "cuda"]))
def test_arrays_of_a_device(backend):
    with backend.active():
        x, i = (backend.array(a) for a in (draw(3, 4), draw(4)))
        assert_right(VjpSubject(lambda x, y: x * y, lambda g, x, y: (g * y, (g * x).sum(0)), [x, i]))
        assert stopped(VjpSubject(lambda x: x * 2, lambda g, x: g.__imul__(2), [x]))[0] == "mutation"


# ---- through check_vjp


def test_from_end_to_end():
    assert check_vjp(np.tanh, tanh_backward, draw(3, 4), complex_step=True)
    found = check_vjp(lambda x, y: x + y, lambda g, x, y: (g, g), draw(3, 4), draw(4), raise_exception=False)
    assert outcome(found) == ("broadcast", "y")
    layer = Linear().subject()
    wrong = check_vjp(layer.function, layer.backward, draw(3, 4), params=layer.params,
                      grads=lambda: {**layer.grads(), "bias": 2 * layer.grads()["bias"]}, raise_exception=False)
    assert outcome(wrong) == ("constant factor", "params['bias']")
    with pytest.raises(ValueError, match="order=2 needs a backward that can itself be differentiated"):
        check_vjp(np.tanh, tanh_backward, draw(3), order=2)


def test_stop_is_no_error_of_a_user():
    assert not issubclass(Stop, RuntimeError)
