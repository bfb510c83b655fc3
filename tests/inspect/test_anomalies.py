"""`detect_anomaly` names the first number that is not finite: its operation, element, inputs, line and layer; PyTorch is the oracle."""

import re
import threading
import warnings

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn
from minigrad.autograd import AnomalyError, detect_anomaly, engine


def anomaly_of(program, **options):
    """Return (the error that the program raises in a block, or None; the first value that was not finite, or None)."""
    with detect_anomaly(**options) as found:
        try:
            program()
        except AnomalyError as error:
            return error, found.first
    return None, found.first


def without_numbers(error):
    """Return the lines of an error's text without the numbers of source lines."""
    return re.sub(r"(\.py:)\d+:", r"\1", str(error)).splitlines()


def test_a_gradient_of_a_value_that_was_masked():
    def program():
        x = mg.tensor([4.0, 0.0, 9.0], requires_grad=True)
        r = x.sqrt()
        mg.where(x > 0, r, 0 * r).sum().backward()

    error, first = anomaly_of(program)
    lines = without_numbers(error)
    assert lines[:3] == ["Function 'SqrtBackward0' returned nan values in its 0th output.",
                         "The first gradient that is not finite is dL/dx of sqrt: nan at [1] of shape (3,)", "  r = sqrt(x)"]
    assert lines[-2:] == ["  with g = 0, x = 0, value = 0", "  at test_anomalies.py: r = x.sqrt()"]
    assert first is None and error.anomaly.direction == "backward" and error.anomaly.operation == "sqrt"
    assert error.anomaly.flaw.index == (1,) and error.anomaly.flaw.is_nan and error.anomaly.flaw.count == 1


def test_a_loss_that_is_not_finite_names_where_that_began():
    def program():
        a = mg.tensor([[3.0, 1.0]], requires_grad=True)
        y = (a - 2).sqrt()
        loss = (y.exp() * 2).sum()
        loss.backward()

    error, first = anomaly_of(program)
    assert without_numbers(error) == [
        "loss is not finite: nan", "The first number that is not finite is a value of sqrt: nan at [0, 1] of shape (1, 2)",
        "  y = sqrt(sub(…))", "  with x = -1", "  at test_anomalies.py: y = (a - 2).sqrt()",
        "It came to the loss by sqrt → exp → mul → sum"]
    assert first.direction == "forward" and first.operation == "sqrt" and first.flaw == error.anomaly.flaw


def test_a_weight_that_is_not_finite_is_named_with_its_layer():
    net = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Tanh(), nn.Linear(4, 2)), nn.LogSoftmax(1))
    net[1][1].weight.data[1, 2] = mg.nan
    x = mg.tensor([[1.0, 0.5, -0.5]])
    error, _ = anomaly_of(lambda: nn.functional.nll_loss(net(x), mg.tensor([0])).backward())
    text = str(error)
    assert "The first number that is not finite was given to linear in weight (nan at [1, 2] of shape (2, 4))" in text
    assert "in layer net.1.1 (Linear)" in text and "linear(tanh(…), net.1.1.weight, net.1.1.bias)" in text
    assert "weight = 2×4 numbers from " in text and ", 1 not finite" in text


def test_an_infinite_gradient_of_a_leaf():
    """PyTorch says nothing here, and the next step of an optimizer would make the weight infinite."""
    x = mg.tensor([4.0, 0.0], requires_grad=True)
    error, _ = anomaly_of(lambda: x.sqrt().sum().backward())
    assert "returned infinite values" in str(error) and "inf at [1] of shape (2,)" in str(error) and "with g = 1, x = 0" in str(error)
    assert x.grad is None


def test_nan_that_is_made_of_an_infinite_gradient():
    """The infinity is the first number that is not finite, and the text says so before it says where NaN was made of it."""
    x = mg.tensor([0.0, 1.0], requires_grad=True)
    error, _ = anomaly_of(lambda: (x * 0).sqrt().sum().backward())
    text = str(error)
    assert text.startswith("Function 'MulBackward0' returned nan values in its 0th output.")
    parts = ["dL/dx of sqrt: inf at [0]", "Then NaN was made of it. The first gradient", "of mul: nan at [0]"]
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)


@pytest.mark.parametrize("program", [
    lambda x: mg.where(x > 1, x, -mg.inf).softmax(0)[0].backward(),
    lambda x: (x.sum() + mg.where(x > 0, x.log(), 0 * x).detach().sum()).backward(),
    lambda x: (x * ~(x * 1e308 * 10).isfinite()).sum().backward(),
])
def test_what_does_no_harm_is_no_error(program):
    error, first = anomaly_of(lambda: program(mg.tensor([4.0, 0.0, 9.0], dtype=mg.float64, requires_grad=True)))
    assert error is None and first is not None


def test_the_first_value_without_a_backward_pass():
    x = mg.tensor([1.0, 0.0], requires_grad=True)
    with detect_anomaly() as found:
        z = 1 / x
        (z - z).exp()
    assert found.first.operation == "div" and found.first.flaw.index == (1,) and dict(found.first.flaw.inputs) == {"x": "1", "y": "0"}


CASES = {  # name: the loss of x in a library
    "sqrt": lambda lib, x: lib.sqrt(x).sum(),
    "masked": lambda lib, x: lib.where(x > 0, lib.sqrt(x), 0 * x).sum(),
    "times zero": lambda lib, x: (lib.sqrt(x) * 0).sum(),
    "log": lambda lib, x: lib.log(x + 1).sum(),
    "exp": lambda lib, x: lib.exp(x * 0.1).sum(),
    "pow": lambda lib, x: (x**1.5).sum(),
    "normalised": lambda lib, x: (x / (x * x).sum().sqrt()).sum(),
    "0 / 0": lambda lib, x: (x / (x + lib.abs(x))).sum(),
}


@pytest.mark.parametrize("values", [[1.0, 2.0], [0.0, 1.0], [0.0, 0.0], [-1.0, 2.0]])
@pytest.mark.parametrize("case", CASES)
def test_it_raises_where_pytorch_does(case, values):
    """It also raises where PyTorch lets an infinite gradient or loss pass."""
    x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    with warnings.catch_warnings(action="ignore"), torch.autograd.detect_anomaly():
        try:
            loss = CASES[case](torch, x)
            loss.backward()
            expected = not bool(torch.isfinite(x.grad).all() and torch.isfinite(loss))
        except RuntimeError as error:
            assert "returned nan values" in str(error)
            expected = True
    y = mg.tensor(values, dtype=mg.float64, requires_grad=True)
    error, _ = anomaly_of(lambda: CASES[case](mg, y).backward())
    assert (error is not None) == expected


def test_second_derivatives_and_grad():
    x = mg.tensor([0.0, 2.0], dtype=mg.float64, requires_grad=True)

    def second():
        (g,) = mg.autograd.grad((x**1.5).sum(), x, create_graph=True)
        g.sum().backward()

    error, _ = anomaly_of(second)
    assert error is not None and error.anomaly.flaw.index == (0,)
    with detect_anomaly():
        (g,) = mg.autograd.grad((x * x * x).sum(), x, create_graph=True)
        g.sum().backward()
    assert x.grad.tolist() == [0, 12]


def test_gradients_are_those_without_the_block():
    found = []
    for inside in (False, True):
        mg.manual_seed(0)
        net = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3), nn.LogSoftmax(1))
        x, targets = mg.randn(7, 5), mg.randint(0, 3, (7,))
        if inside:
            with detect_anomaly():
                nn.functional.nll_loss(net(x), targets).backward()
        else:
            nn.functional.nll_loss(net(x), targets).backward()
        found.append([p.grad.array.tobytes() for p in net.parameters()])
    assert found[0] == found[1]


def test_a_graph_from_outside_the_block_and_another_thread():
    x = mg.tensor([0.0], requires_grad=True)
    loss, other = (x.sqrt() * 0).sum(), (x.sqrt() * 0).sum()
    with detect_anomaly():
        thread = threading.Thread(target=other.backward)
        thread.start()
        thread.join()
        assert np.isnan(x.grad.array).all()
        with pytest.raises(AnomalyError, match="recorded outside of detect_anomaly"):
            loss.backward()
    assert engine.observers == ()


def test_check_nan_and_set_detect_anomaly():
    def fails():
        (mg.zeros(1, requires_grad=True).sqrt() * 0).sum().backward()

    error, _ = anomaly_of(fails, check_nan=False)
    assert error is None
    mg.autograd.set_detect_anomaly(True)
    try:
        with pytest.raises(AnomalyError):
            fails()
        with mg.autograd.set_detect_anomaly(False):
            fails()
        with pytest.raises(AnomalyError):
            fails()
    finally:
        mg.autograd.set_detect_anomaly(False)
    fails()
    assert engine.observers == ()


def test_sizes_0_and_float16():
    with detect_anomaly() as found:
        x = mg.ones(0, 3, requires_grad=True)
        x.exp().sum().backward()
        y = mg.tensor([6e4], dtype=mg.float16, requires_grad=True)
        assert (y * 2).isinf().item()
    assert found.first.operation == "mul" and found.first.flaw.number == np.inf


def test_a_tensor_of_which_only_some_numbers_are_infinite_is_no_loss():
    x = mg.tensor([2.0, 0.0], requires_grad=True)
    masked = [lambda: mg.where(x > 1, x, -mg.inf).backward(mg.tensor([1.0, 0.0]))]
    assert anomaly_of(masked[0])[0] is None
    error, _ = anomaly_of(lambda: mg.where(x > 1, x, mg.nan).backward(mg.tensor([1.0, 0.0])))
    assert str(error).startswith("the loss is not finite: nan at [1] of shape (2,)") and "came to the loss" not in str(error)
    error, _ = anomaly_of(lambda: x.log().sum().backward())
    assert str(error).startswith("the loss is not finite: -inf\n")


def test_nan_that_is_made_of_infinities_comes_from_where_these_began():
    def program():
        x = mg.tensor([1.0, 0.0], requires_grad=True)
        q = 1 / x
        (q - q).sum().backward()

    error, _ = anomaly_of(program)
    assert "is a value of div: inf at [1] of shape (2,)" in str(error) and str(error).endswith("div → sub → sum")


def test_of_two_ways_that_of_the_nan_is_shown():
    x = mg.tensor([0.0], requires_grad=True)
    error, _ = anomaly_of(lambda: (x.log() + (x - 1).sqrt()).sum().backward())
    assert str(error).endswith("sqrt → add → sum") and "a value of sqrt: nan" in str(error)


def test_a_long_way_is_shortened():
    def program(n):
        x = mg.tensor([-1.0], requires_grad=True).sqrt()
        for _ in range(n):
            x = x * 1
        x.sum().backward()

    assert str(anomaly_of(lambda: program(10))[0]).endswith("sqrt" + " → mul" * 10 + " → sum")
    assert str(anomaly_of(lambda: program(11))[0]).endswith("sqrt" + " → mul" * 5 + " → … 4 more … → mul → mul → sum")


def test_numbers_that_the_program_gave():
    x = mg.tensor([[1.0, 2.0]], requires_grad=True)
    _, first = anomaly_of(lambda: x * mg.inf)
    assert first.flaw.given == "y (inf)" and "was given to mul in y (inf)" in str(first)
    _, first = anomaly_of(lambda: x * 2.5 + mg.tensor([3.0, mg.nan]))
    assert first.flaw.given == "y (nan at [1] of shape (2,))" and dict(first.flaw.inputs) == {"x": "5", "y": "nan"}
    _, first = anomaly_of(lambda: (x * mg.nan).sum())
    assert dict(first.flaw.inputs) == {"x": "1", "y": "nan"} and first.flaw.count == 2


def test_ranges_of_what_a_reduction_was_given():
    x = mg.full((3, 4), 1e308, dtype=mg.float64, requires_grad=True)
    _, first = anomaly_of(lambda: x.sum(0).max())
    assert first.operation == "sum" and dict(first.flaw.inputs) == {"x": "3×4 numbers from 1e+308 to 1e+308"}
    _, first = anomaly_of(lambda: mg.where(mg.tensor([True, False]), x[0, :2], mg.nan).sum())
    assert dict(first.flaw.inputs) == {"condition": "False", "x": "1e+308", "y": "nan"}


def test_the_first_of_two_infinite_gradients_is_told():
    x, y = mg.tensor([0.0], requires_grad=True), mg.tensor([0.0], requires_grad=True)
    error, _ = anomaly_of(lambda: ((x * 1).sqrt() + (y * 1).sqrt()).sum().backward())
    assert error.anomaly.operation in ("sqrt", "mul") and "dL/dx of sqrt: inf at [0]" in str(error)


def test_a_function_that_gives_no_gradient():
    class Nothing(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return None

    x = mg.ones(2, requires_grad=True)
    error, _ = anomaly_of(lambda: Nothing.apply(x * 2).sum().backward())
    assert error is None and x.grad is None
