"""`gradcheck` passes correct gradients, rejects broken ones, and says what is wrong with them."""

import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, ops
from minigrad.autograd import gradcheck, op
from minigrad.backend import array_module
from minigrad.testing.findings import GradcheckError
from minigrad.testing.snapshots import REORDERED, same, same_but_for_order
from support.gradcheck_functions import (
    BROKEN,
    F64,
    NAMES,
    TRUE,
    Slide,
    WrongFunction,
    changes_g,
    draw,
    factor,
    last_row_only,
    one_element,
    rejection,
)


@pytest.mark.parametrize("name", TRUE)
def test_true_gradients_pass(name):
    function, shapes = TRUE[name]
    assert gradcheck(function, [draw(*shape, seed=i) for i, shape in enumerate(shapes)])


def test_a_network_and_its_parameters():
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3), nn.LogSoftmax(dim=1)).double()
    x, targets = draw(6, 4), mg.tensor([0, 1, 2, 0, 1, 2])
    loss = lambda *_: nn.NLLLoss()(net(x), targets)
    assert gradcheck(loss, [x, *net.parameters()])


def test_large_inputs_are_checked_along_directions():
    calls = []

    def layer(x, w):
        calls.append(1)
        return (x @ w).tanh()

    assert gradcheck(layer, (draw(60, 50), draw(50, 40, seed=1)))
    assert len(calls) < 4_000  # 5,000 elements × 6 values would be 30,000 calls, one by one


def test_a_very_steep_and_a_very_flat_function():
    assert gradcheck(lambda x: (100 * x).exp(), (draw(5),))
    assert gradcheck(ops.sigmoid, (mg.tensor([-30.0, -10, 0, 10, 30], dtype=F64, requires_grad=True),))
    assert gradcheck(ops.log, (mg.tensor([1e-3, 1, 1e3], dtype=F64, requires_grad=True),))
    assert gradcheck(lambda x: 1e-12 * x * x, (draw(5),), atol=0)


def test_eps_and_tolerances_as_in_pytorch():
    assert gradcheck(ops.tanh, (draw(3, 4),), eps=1e-6, atol=1e-4)


def test_a_penalty_is_checked_against_the_objective_that_it_declares():
    x = draw(3, 4)
    penalty = lambda x: 0.3 * x.abs().sum()
    assert gradcheck(lambda x: ops.l1_penalty(x, weight=0.3), (x,), surrogate=penalty)
    assert gradcheck(lambda x: nn.L1Penalty(0.3)(x), (x,), surrogate=penalty)
    assert gradcheck(Slide.apply, (x, 0.3), surrogate=lambda x, weight: weight * x.abs().sum())
    assert gradcheck(
        lambda x: ops.l1_penalty_slide(x, weight=0.3), (x,), surrogate=lambda x: 0.15 * (x * x).sum()
    )
    with pytest.raises(GradcheckError) as caught:
        gradcheck(lambda x: ops.l1_penalty_slide(x, weight=0.3), (x,), surrogate=penalty)
    assert caught.value.verdict == "wrong"
    with pytest.raises(GradcheckError, match="surrogate=") as caught:
        gradcheck(lambda x: ops.l1_penalty(x, weight=0.3), (x,))
    assert caught.value.verdict == "offset"


# ---- broken ones


@pytest.mark.parametrize("function", BROKEN, ids=NAMES)
def test_broken_backwards_are_rejected_with_the_right_verdict(function):
    shapes, argument, verdict = BROKEN[function]
    error = rejection(function, [draw(*s, seed=i, low=0.5) for i, s in enumerate(shapes)])
    assert (error.verdict, error.argument) == (verdict, argument), str(error)
    assert error.op == getattr(function, "__self__", function).__name__
    assert f"verdict   {verdict}" in str(error) and error.op in str(error)


def test_the_error_has_the_numbers():
    x = draw(3, 4)
    error = rejection(factor, (x,))
    i = error.index
    assert error.output == i
    assert error.numeric == pytest.approx(1 - x[i].tanh().item() ** 2, rel=1e-9)
    assert error.analytic == pytest.approx(error.numeric * 1.0001, rel=1e-9)
    assert error.ratio == pytest.approx(1.0001, rel=1e-9)
    assert "1.0001" in str(error)


def test_the_worst_element_is_found():
    assert rejection(one_element, (draw(3, 4, low=0.5),)).index == (1, 3)


def test_a_wrong_element_among_thousands_is_found():
    error = rejection(one_element, (draw(50, 60, low=0.5),))
    assert error.index == (0, 7)
    assert error.ratio == pytest.approx(1.0001, rel=1e-8)


def test_a_wrong_factor_is_found_in_a_large_input():
    assert rejection(factor, (draw(50, 60),)).verdict == "constant factor"


def test_a_missing_sum_is_found_with_a_large_output():
    assert rejection(last_row_only, (draw(300, 4), draw(4, seed=1))).verdict == "broadcast"


def test_the_operation_to_blame_is_found_inside_a_function():
    error = rejection(lambda x, w: ops.tanh(factor(x @ w)).sum(0), (draw(3, 4), draw(4, 2, seed=1)))
    assert (error.op, error.verdict, error.argument) == ("factor", "constant factor", 0)
    assert "inside <lambda>" in str(error)


def test_a_function_with_a_constant_is_found_inside_a_function():
    error = rejection(lambda x: WrongFunction.apply(mg.full((3,), 2.0, dtype=mg.float64), x.exp()).tanh(), (draw(3),))
    assert (error.op, error.argument, error.verdict) == ("WrongFunction", 1, "sign")
    assert "found inside" in str(error)


def test_a_shape_that_the_engine_refuses_is_explained():
    @op
    def turned(x, y):
        return x @ y, lambda g: g @ y.T, lambda g: g.T @ x

    error = rejection(turned, (draw(3, 4), draw(4, 2, seed=1)))
    assert (error.verdict, error.argument) == ("transposed", 1)

    @op
    def too_long(x):
        return x * 1, lambda g: array_module(g).concatenate([g, g])

    error = rejection(too_long, (draw(3),))
    assert error.verdict == "shape" and "too_long" in str(error)


def test_a_cut_graph_is_seen():
    assert rejection(lambda x: x * x.detach(), (draw(3),)).verdict == "constant factor"
    assert rejection(lambda x: x.detach() * 2, (draw(3),)).verdict == "missing"


def test_float32_inside_the_forward_is_no_mistake_but_costs_precision():
    report = gradcheck(lambda x: x.tanh().float().double(), (draw(3, 4),))
    assert report and 1e-7 < report.precision < 1e-2
    assert gradcheck(lambda x: x.tanh(), (draw(3, 4),)).precision < 2e-6


def test_random_values_are_seen():
    error = rejection(lambda x: x * mg.rand(3, dtype=F64), (draw(3),))
    assert error.verdict == "nondeterministic"


# ---- kinks


def at(*values):
    return mg.tensor(values, dtype=F64, requires_grad=True)


@pytest.mark.parametrize(
    "function, point",
    [
        (ops.relu, 0.0),
        (ops.absolute, 0.0),
        (lambda x: ops.clip(x, -1, 1), 1.0),
        (lambda x: ops.maximum(x, 2.0), 2.0),
        (ops.sign, 0.0),
    ],
)
def test_kinks_are_distinguished_from_errors(function, point):
    error = rejection(function, (at(-1.5, point, 1.5),))
    assert (error.verdict, error.index) == ("kink", (1,)), str(error)
    assert "no mistake" in str(error)
    assert gradcheck(function, (at(-1.5, point, 1.5),), allow_kinks=True, allow_vacuous=True)


def test_kinks_near_the_point_do_no_harm():
    assert gradcheck(ops.relu, (at(-1e-3, 1e-3, 1e-5, -1e-5),))
    assert gradcheck(ops.absolute, (at(0.01, -0.02, 0.3),))


def test_kinks_in_a_large_input():
    x = draw(100, 10)
    with mg.no_grad():
        x[3, 4] = 0
    error = rejection(ops.relu, (x,))
    assert (error.verdict, error.index) == ("kink", (3, 4))
    assert gradcheck(ops.relu, (x,), allow_kinks=True)


def test_an_error_is_not_excused_by_a_kink():
    @op
    def steep(x):
        return abs(x), lambda g: g * (array_module(x).sign(x) + 2.0 * (x == 0))

    error = rejection(steep, (at(0.0, 1.0),))
    assert error.verdict not in ("", "kink") and error.index == (0,)
    assert not gradcheck(steep, (at(0.0, 1.0),), allow_kinks=True, raise_exception=False)

    @op
    def wrong_elsewhere(x):
        return abs(x), lambda g: -g * array_module(x).sign(x)

    error = rejection(wrong_elsewhere, (at(0.0, 1.0, 2.0),))
    assert error.verdict == "sign" and error.index != (0,)


def test_a_function_without_values_nearby_is_not_judged():
    assert rejection(ops.sqrt, (at(0.0, 1.0),)).verdict == "unsure"


# ---- inputs


def test_kind_errors():
    with pytest.raises(TypeError, match=r"x of tanh is float32.*double\(\)"):
        gradcheck(ops.tanh, (mg.ones(3, requires_grad=True),))
    with pytest.raises(ValueError, match=r"no input of tanh requires a gradient.*requires_grad=True"):
        gradcheck(ops.tanh, (mg.ones(3, dtype=F64),))
    with pytest.raises(TypeError, match="returned no floating-point tensor"):
        gradcheck(ops.argmax, (draw(3),))


def test_inputs_and_gradients_stay_as_they_were():
    x = draw(3, 4)
    array, copy = x.array, x.array.copy()
    assert gradcheck(ops.tanh, x)
    rejection(factor, (x,))
    assert x.array is array and (x.array == copy).all() and x.grad is None


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_views_and_read_only_inputs():
    base = draw(4, 3).detach()
    x = base.t()[:, 1:].requires_grad_()
    assert gradcheck(ops.tanh, (x,))
    array = base.array.copy()
    array.flags.writeable = False
    assert gradcheck(ops.tanh, (mg.from_numpy(array).requires_grad_(),))


def test_the_same_tensor_twice_and_computed_inputs():
    x = draw(3, 4)
    assert gradcheck(ops.mul, (x, x))
    assert gradcheck(ops.tanh, (x * 2,))


def test_other_inputs_and_outputs_than_numbers_to_differentiate():
    n, x = mg.tensor([2, 0, 1]), draw(3)
    assert gradcheck(lambda x, n, how: (x[n] * 2, "text", how, n, x.sum(), x.exp()), (x, n, None))
    error = rejection(lambda x, n: (x[n], x.tanh(), factor(x)), (x, n))
    assert (error.op, error.argument, error.verdict) == ("factor", 0, "constant factor")


def test_the_operation_to_blame_is_found_behind_computed_inputs():
    error = rejection(lambda x, y: ops.tanh(factor(x) + y), (draw(3) * 2, draw(3, seed=1)))
    assert (error.op, error.argument, error.verdict) == ("factor", 0, "constant factor")


@pytest.mark.parametrize("equal", [same, same_but_for_order])
@np.errstate(invalid="ignore")
def test_numbers_are_the_same_where_nan_is_nan(equal):
    nan, inf = np.nan, np.inf
    for a, b in (([], []), ([0.0, nan, inf, -inf, 1.0], [-0.0, nan, inf, -inf, 1.0]), ([nan], [nan]), ([0.0], [0.0])):
        assert equal(np.array(a), np.array(b)) is True
    for a, b in (([nan], [1.0]), ([1.0], [nan]), ([inf], [-inf]), ([inf], [1.0]), ([1.0], [inf]), ([1.0, nan], [2.0, nan]),
                 ([0.0], [1e-30]), ([inf, 1.0], [inf, 1.1]), ([inf, 1.0], [1.0, 1.0]), ([inf, 1e-12], [inf, 1.1e-12])):
        assert equal(np.array(a), np.array(b)) is False


@np.errstate(invalid="ignore")
def test_sums_in_another_order_differ_by_rounding_of_the_largest():
    a = np.array([1000.0, 1e-9, -3.0])
    for off, near in ((0.5 * REORDERED, True), (2 * REORDERED, False), (2000 * REORDERED, False)):
        for i in range(3):
            b = a.copy()
            b[i] += 1000 * off
            assert same_but_for_order(a, b) is near and not same(a, b)
    assert same_but_for_order(np.append(a, np.inf), np.append(a + 500 * REORDERED, np.inf))


# ---- the reproducer

FACTOR = 1.0001


def uses_globals(x):
    return factor(x) * FACTOR


@pytest.mark.parametrize(
    "function",
    [
        factor,
        last_row_only,
        changes_g,
        WrongFunction.apply,
        uses_globals,
        lambda x: ops.sum(factor(x), axis=0),
    ],
    ids=lambda f: getattr(f, "__name__", "f"),
)
def test_the_reproducer_runs_and_fails_in_the_same_way(function, tmp_path):
    shapes = BROKEN.get(function, ([(3, 4)],))[0]
    error = rejection(function, [draw(*s, seed=i, low=0.5) for i, s in enumerate(shapes)], rtol=1e-7)
    assert error.reproducer in str(error)
    assert failure_of(error.reproducer, tmp_path) == (error.verdict, error.op, error.index)


def test_the_reproducer_of_a_large_input(tmp_path):
    error = rejection(one_element, (draw(50, 60, low=0.5),))
    assert failure_of(error.reproducer, tmp_path) == (error.verdict, error.op, error.index)


def test_the_reproducer_of_a_kink(tmp_path):
    error = rejection(ops.relu, (at(0.0, 1.0),))
    assert failure_of(error.reproducer, tmp_path) == ("kink", "relu", (0,))


def test_the_reproducer_of_a_surrogate(tmp_path):
    weight = 0.3
    error = rejection(
        lambda x: ops.l1_penalty_slide(x, weight=weight),
        (draw(3, 4),),
        surrogate=lambda x: weight * x.abs().sum(),
    )
    assert failure_of(error.reproducer, tmp_path)[0] == error.verdict


def failure_of(text, folder):
    """Return (verdict, op, index) of the GradcheckError that ends the program `text`, which runs in a process of its own."""
    lines = text.rstrip().splitlines()
    assert lines[-1].startswith("gradcheck(")
    told = "    print(repr((error.verdict, error.op, error.index)))"
    lines[-1:] = ["try:", "    " + lines[-1], "except RuntimeError as error:", told]
    program = folder / "reproducer.py"
    program.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-W", "error", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return eval(done.stdout)
