"""Each option of a check does what `checking.Options` says."""

import collections
import dataclasses

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn, ops
from minigrad.autograd import Function, op
from minigrad.backend import array_module
from minigrad.testing import GradcheckError, check_torch, check_vjp, gradcheck, gradgradcheck
from minigrad.testing.checking import DEFAULTS, Options
from support.gradcheck_functions import draw, factor

X = np.array([0.3, -1.2, 2.0])


def verdict(function, inputs, **options):
    return gradcheck(function, inputs, raise_exception=False, **options).verdict


def square(x):
    return x * x


def off(relative=0.0, absolute=0.0):
    """Return a backward of `square` that is off by as much."""
    return lambda g, x: g * 2 * x * (1 + relative) + absolute


# ---- names of options


@pytest.mark.parametrize("given, near", [("rtoll", "rtol"), ("max_element", "max_elements"), ("allow_kink", "allow_kinks"),
                                         ("raise_exceptions", "raise_exception")])
def test_an_unknown_option_gets_the_nearest_name(given, near):
    with pytest.raises(TypeError, match=f"check_vjp: there is no option '{given}'; did you mean '{near}'"):
        check_vjp(square, off(), X, **{given: 1})


def test_an_unknown_option_that_is_near_nothing_gets_all_names():
    with pytest.raises(TypeError, match="gradcheck: there is no option 'zzz'; there are rtol, atol"):
        gradcheck(square, draw(3), zzz=1)


def test_each_option_has_a_type_a_default_and_a_word():
    assert set(Options.__annotations__) == set(DEFAULTS)
    assert all(name in Options.__doc__ for name in DEFAULTS)


# ---- tolerances


@pytest.mark.parametrize("backward, options, right", [
    (off(5e-7), {}, True), (off(1e-5), {}, False), (off(1e-5), {"rtol": 1e-4}, True), (off(1e-8), {"rtol": 1e-9}, False),
    (off(0, 5e-11), {"rtol": 0.0}, True), (off(0, 1e-6), {"rtol": 1e-9}, False), (off(0, 1e-6), {"rtol": 1e-9, "atol": 1e-5}, True),
])
def test_tolerances(backward, options, right):
    assert bool(check_vjp(square, backward, X, raise_exception=False, **options)) is right


@pytest.mark.parametrize("eps", [1e-6, 1e-3, 0.1])
def test_eps_is_the_first_step(eps):
    steps = []

    def forward(x):
        steps.append(float(np.abs(x - 0.3).max()))
        return np.sin(x)

    assert check_vjp(forward, lambda g, x: g * np.cos(x), np.array([0.3]), eps=eps, atol=1e-4)
    near = [step for step in steps if step < 0.015]  # the gradient is also checked at a point farther off
    assert 0.99 * eps <= max(near) <= 4.1 * eps if eps < 3e-3 else max(steps) >= 0.99 * eps


# ---- precision


@pytest.mark.parametrize("dtype", ["float32", np.float32, np.dtype("float32"), torch.float32, mg.float32])
def test_float32_by_any_of_its_names(dtype):
    x = X.astype("float32")
    assert check_vjp(lambda x: np.tanh(x), lambda g, x: g * (1 - np.tanh(x) ** 2), x, dtype=dtype)
    wrong = lambda g, x: g * (1 - np.tanh(x) ** 2) * np.float32(1.01)
    report = check_vjp(lambda x: np.tanh(x), wrong, x, dtype=dtype, raise_exception=False)
    assert report.accuses and report.reproducer


def test_precisions_of_minigrad_and_torch():
    x = mg.tensor(X, dtype=mg.float32, requires_grad=True)
    assert gradcheck(ops.tanh, x, dtype="float32") and verdict(lambda x: factor(x) * x.detach(), x, dtype="float32") != "right"
    assert check_torch(torch.tanh, torch.tensor(X, dtype=torch.float32, requires_grad=True), dtype=torch.float32)


def test_float16():
    x = X.astype("float16")
    assert check_vjp(square, off(), x, dtype="float16")
    assert check_vjp(square, lambda g, x: -g * 2 * x, x, dtype="float16", raise_exception=False).accuses


def test_another_precision_than_the_inputs_have_is_refused():
    with pytest.raises(TypeError, match=r'x of square is float32.*dtype="float32"'):
        check_vjp(square, off(), X.astype("float32"))
    with pytest.raises(TypeError, match="x of square is float64"):
        check_vjp(square, off(), X, dtype="float32")


# ---- expected gradients


@op
def rounded(x):
    return array_module(x).round(x), lambda g: g


def test_expected_replaces_the_numeric_derivative():
    x = draw(3, 4)
    assert gradcheck(rounded, x, expected=lambda g, x: g)
    assert gradcheck(rounded, x, expected=lambda g, x: (g,))
    report = gradcheck(rounded, x, expected=lambda g, x: 2 * g, raise_exception=False)
    assert report.verdict == "wrong" and "expected" in report.finding.detail
    assert report.finding.ratio == pytest.approx(0.5) and report.finding.argument_name == "x"
    assert verdict(ops.tanh, x, expected=lambda g, x: g * (1 - x.tanh() ** 2)) == "right"


def test_an_expected_gradient_that_does_not_fit():
    with pytest.raises(ValueError, match="expected= returned 3 numbers for x, which has 12"):
        gradcheck(rounded, draw(3, 4), expected=lambda g, x: g[:, 0])
    with pytest.raises(ValueError, match="expected="):
        gradcheck(ops.mul, (draw(3), draw(3)), expected=lambda g, x, y: (g, g, g))


def test_an_expected_gradient_of_none_is_0():
    function = lambda x, y: x * y.detach() + 0 * y
    assert gradcheck(function, (draw(3), draw(3, seed=1)), expected=lambda g, x, y: (g * y, None), allow_vacuous=True)
    assert verdict(ops.mul, (draw(3), draw(3, seed=1)), expected=lambda g, x, y: (g * y, None)) == "wrong"


class Injects(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g + x


def test_a_surrogate_objective_is_added():
    x = draw(3)
    assert gradcheck(Injects.apply, x, surrogate=lambda x: (x * x).sum() / 2)
    assert verdict(Injects.apply, x, surrogate=lambda x: (x * x).sum()) not in ("right", "kink", "unsure", "noise", "vacuous")
    assert verdict(Injects.apply, x) == "offset"


# ---- higher orders


@op
def cube(x):
    return x * x * x, lambda g: 3 * g * x * x


class CubeCut(Function):
    """The third power, whose gradient is right; the gradient of that is not, as a part of it is cut off."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * g * x * x.detach()


def test_the_second_order_finds_what_the_first_does_not():
    x = draw(3)
    assert gradcheck(lambda x: x**3, x, order=2)
    assert gradcheck(lambda x: x**3, x, order=3) and gradgradcheck(lambda x, y: (x * y).tanh(), (x, draw(3, seed=1)))
    assert gradcheck(CubeCut.apply, x)
    report = gradcheck(CubeCut.apply, x, order=2, raise_exception=False)
    assert report.accuses and "gradient of" in str(report)
    with pytest.raises(GradcheckError):
        gradgradcheck(CubeCut.apply, x)


def test_a_mistake_of_the_third_order():
    class Quartic(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**4

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * CubeCut.apply(x) * 4

    assert gradcheck(Quartic.apply, draw(3))
    assert gradcheck(Quartic.apply, draw(3), order=2)
    assert not gradcheck(Quartic.apply, draw(3), order=3, raise_exception=False)


def test_a_backward_that_cannot_be_differentiated():
    with pytest.raises(ValueError, match="order=2 needs a backward that can itself be differentiated"):
        check_vjp(square, off(), X, order=2)


# ---- random, in-place and complex functions


def test_a_random_function_needs_a_seed():
    assert verdict(lambda x: x * mg.rand(3, dtype=mg.float64), draw(3)) == "nondeterministic"
    assert verdict(lambda x: x * mg.rand(3, dtype=mg.float64), draw(3), seed=3) == "right"
    mask = []

    def forward(x):
        mask[:] = [np.random.random(3) > 0.3]
        return x * mask[0]

    assert check_vjp(forward, lambda g, x: g * mask[0], X, seed=1)
    assert check_vjp(forward, lambda g, x: g * mask[0], X, raise_exception=False).verdict == "nondeterministic"


def test_the_generators_go_on_as_if_nothing_had_happened():
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    assert check_vjp(square, off(), X, seed=1)
    assert np.random.random() == expected


def test_a_function_may_write_into_its_inputs():
    def forward(x):
        x *= 2
        return x * x

    x = X.copy()
    assert check_vjp(forward, lambda g, x: 8 * g * x, x, inplace=True, raise_exception=False).verdict != "mutation"
    assert check_vjp(forward, lambda g, x: 8 * g * x, x, raise_exception=False).verdict == "mutation"
    assert np.array_equal(x, X)

    def doubled(x):
        y = x * 1
        y *= 2
        return y

    assert gradcheck(doubled, draw(3))
    assert gradcheck(lambda x: x.mul_(2) * x, draw(3) * 1, inplace=True)


def test_a_complex_step_is_exact_where_differences_are_lost():
    """The numbers are 1e9 times as large as what changes them: real differences leave 1e-5 uncertain."""
    forward = lambda x: (np.sin(x) + 1e9)
    real = check_vjp(forward, lambda g, x: g * np.cos(x), X)
    exact = check_vjp(forward, lambda g, x: g * np.cos(x), X, complex_step=True)
    assert exact.precision < 3e-6 < real.precision
    wrong = lambda g, x: g * np.cos(x) * (1 + 0.2 * real.precision)
    assert check_vjp(forward, wrong, X)
    assert not check_vjp(forward, lambda g, x: g * np.cos(x) * (1 + 1e-5), X, complex_step=True, raise_exception=False)


def test_a_complex_step_of_a_function_that_refuses_complex_numbers_is_noted():
    forward = lambda x: 1e9 + np.sin(x if x.dtype.kind == "f" else x.does_not_exist)
    report = check_vjp(forward, lambda g, x: g * np.cos(x), X, complex_step=True)
    assert report and report.notes == ["complex_step=True had no effect: the function does not accept complex numbers"]


# ---- inputs, parameters, names


def test_the_parameters_of_a_module_have_names():
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1)).double()
    x = draw(4, 3)
    assert gradcheck(net, x, params=net)
    report = gradcheck(lambda x: factor(x @ net[0].weight.T.detach()) + net(x).sum() * 0, x, params=net, raise_exception=False, rtol=1e-7)
    assert not report
    cut = lambda x: (x @ net[0].weight.detach().T).tanh() @ net[2].weight.T
    report = gradcheck(cut, x, params={"0.weight": net[0].weight}, raise_exception=False)
    assert (report.verdict, report.finding.argument_name, report.finding.argument) == ("missing", "params['0.weight']", 1)


@dataclasses.dataclass
class State:
    w: object
    rate: float = 2.0


Pair = collections.namedtuple("Pair", "first second")


@pytest.mark.parametrize("make, take, name", [
    (lambda t: {"w": t, "n": 3}, lambda x: x["w"], "x['w']"),
    (lambda t: [1, t], lambda x: x[1], "x[1]"),
    (lambda t: (t, None), lambda x: x[0], "x[0]"),
    (lambda t: State(t), lambda x: x.w, "x.w"),
    (lambda t: Pair(0, t), lambda x: x.second, "x.second"),
    (lambda t: {"a": [State(Pair(t, 1))]}, lambda x: x["a"][0].w.first, "x['a'][0].w.first"),
])
def test_nested_inputs_have_names(make, take, name):
    assert gradcheck(lambda x: take(x).tanh(), (make(draw(3)),))
    report = gradcheck(lambda x: factor(take(x)), (make(draw(3)),), raise_exception=False, rtol=1e-7)
    assert report.verdict == "constant factor"
    report = gradcheck(lambda x: take(x) * take(x).detach(), (make(draw(3)),), raise_exception=False)
    assert (report.verdict, report.finding.argument_name) == ("constant factor", name)
    vjp = check_vjp(lambda x: take(x) ** 2, lambda g, x: make(g * take(x)), make(X), raise_exception=False)
    assert (vjp.verdict, vjp.finding.argument_name) == ("constant factor", name)


def test_names_of_inputs():
    report = gradcheck(lambda x, y: x.detach() * y, (draw(3), draw(3, seed=1)), names=["left", "right"], raise_exception=False)
    assert report.finding.argument_name == "left" and "d left[" in report.finding.headline.replace("/", " ")
    with pytest.raises(ValueError, match="1 names for the 2 inputs"):
        gradcheck(ops.mul, (draw(3), draw(3)), names=["left"])


def test_several_outputs_have_names():
    report = gradcheck(lambda x: (x.exp(), x * x.detach()), draw(3), raise_exception=False)
    assert report.finding.output_name == "out[1]" and report.finding.output == report.finding.index
    assert gradcheck(lambda x: {"a": x.exp(), "b": [x.sum(), 3]}, draw(3))


def test_integers_and_constants_are_not_checked():
    x, rows = draw(4), mg.tensor([0, 2, 2])
    report = gradcheck(lambda x, rows, how, y: (x[rows] * how).tanh() * y, (x, rows, 2, mg.ones(3, dtype=mg.float64)))
    assert report and report.derivatives == 4 * 5
    assert check_vjp(lambda x, n, how: x[n] * how, lambda g, x, n, how: (np.bincount(n, g * how, 3), None, None), X, np.array([0, 2, 1]), 2)


# ---- size


def test_large_inputs_are_moved_along_directions():
    report = gradcheck(lambda x: (x * x).sum(), draw(30), max_elements=10, directions=3)
    assert report and report.derivatives == 3 * 3  # one output and two mixtures of it
    assert gradcheck(lambda x: (x * x).sum(), draw(30), max_elements=30).derivatives == 30 * 3


@pytest.mark.parametrize("directions", [1, 3])
def test_directions_move_every_element(directions):
    for element in (0, 4, 9):
        def backward(g, x, element=element):
            g = 2 * g * x
            g[element] *= 1.5
            return g

        x = np.linspace(1, 2, 10)
        report = check_vjp(lambda x: (x * x).sum(), backward, x, max_elements=8, directions=directions, raise_exception=False)
        assert report.finding.index == (element,)


def test_more_directions_than_elements():
    report = check_vjp(lambda x: (x * x).sum(), off(), np.linspace(1, 2, 10), max_elements=8, directions=64)
    assert report and report.derivatives == 10 * 3


# ---- what is accepted


def test_kinks_are_accepted_where_they_are_allowed():
    x = mg.tensor([0.0, 1.0], dtype=mg.float64, requires_grad=True)
    assert verdict(ops.relu, x) == "kink" and verdict(ops.relu, x, allow_kinks=True) == "right"
    assert verdict(lambda x: ops.relu(x) * x.detach() * 2 + x, x, allow_kinks=True) not in ("right", "kink")


def test_vacuity_is_accepted_where_it_is_allowed():
    x = draw(3)
    assert verdict(lambda x: x * 1e-12, x) == "vacuous" and verdict(lambda x: x * 1e-12, x, allow_vacuous=True) == "right"
    assert verdict(lambda x: x.detach() * 2, x, allow_vacuous=True) == "missing"


def test_the_error_is_raised_or_the_report_returned():
    with pytest.raises(GradcheckError) as caught:
        check_vjp(square, off(0.5), X)
    report = check_vjp(square, off(0.5), X, raise_exception=False)
    assert caught.value.report.findings == report.findings and not report
    assert "raise_exception" not in report.reproducer and "check_vjp(" in report.reproducer
    assert str(caught.value).splitlines()[0] == report.finding.headline


def test_the_audit_is_made_on_request_of_what_is_right():
    assert check_vjp(square, off(), X).blind_spots == []
    assert check_vjp(square, off(), X, audit=True).blind_spots
    assert check_vjp(square, off(0.5), X, audit=True, raise_exception=False).blind_spots == []


def test_a_report_knows_what_was_checked():
    report = check_vjp(square, off(), X)
    assert (report.function, report.library, report.derivatives, report.verdict) == ("square", "numpy", 3 * 5, "right")
    assert report.seconds > 0 and 5e-7 < report.precision < 2e-6 and report.reproducer == "" and report.reproducer_file is None


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("allow_vacuous", [False, True])
def test_a_gradient_that_is_not_finite_is_wrong(bad, allow_vacuous):
    backward = lambda g, x: np.where(np.arange(3) == 1, bad, 2 * x) * g
    report = check_vjp(lambda x: (x * x).sum(), backward, X, raise_exception=False, allow_vacuous=allow_vacuous)
    assert report.verdict == "wrong" and report.finding.index == (1,)
