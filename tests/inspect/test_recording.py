"""`lines` notes where an operation was called, in which layer, and its value."""

import threading

import pytest

import minigrad as mg
from minigrad import nn
from minigrad.autograd import engine, graph
from minigrad.inspect.names import Names
from minigrad.inspect.recording import made_of, program_frame


class Doubled(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(2, 3), nn.Tanh())

    def forward(self, x):
        return self.inner(x) * 2  # the line of the layer


def test_lines_layers_and_values():
    net, x = nn.Sequential(Doubled(), nn.Linear(3, 1)), mg.ones(4, 2)
    with mg.inspect.lines():
        y = net(x)
        total = y.sum()
    names = Names(None, {"net": net})
    steps = list(mg.inspect.steps(total))
    assert [step.made.text for step in steps] == [
        "total = y.sum()", "y = net(x)", *["return self.inner(x) * 2  # the line of the layer"] * 3]
    assert [step.made.layer_name(names) for step in steps] == [
        "", "net.1 (Linear)", "net.0 (Doubled)", "net.0.inner.1 (Tanh)", "net.0.inner.0 (Linear)"]
    assert steps[0].made.place().startswith("test_recording.py:") and steps[0].made.function == "test_lines_layers_and_values"
    assert made_of(y.node).value is y.array and made_of(y.node).layer_name() == "1 (Linear)"


def test_nothing_is_noted_outside_the_block_or_in_another_thread():
    x, made = mg.ones(2, requires_grad=True), []
    with mg.inspect.lines() as block:
        thread = threading.Thread(target=lambda: made.append(made_of((x * 2).node)))
        thread.start()
        thread.join()
        with mg.no_grad():
            assert (x * 2).node is None
        with block, mg.inspect.lines():
            both = x * 2
        inside = x * 2
    assert made == [None] and made_of(inside.node).text == "inside = x * 2" and made_of(both.node).text == "both = x * 2"
    assert made_of((x * 2).node) is None
    assert engine.observers == ()


def test_a_block_ends_after_an_error():
    with pytest.raises(RuntimeError, match="from within"), mg.inspect.lines():
        raise RuntimeError("from within")
    assert engine.observers == ()


def test_functions_are_noted():
    class Same(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g

    with mg.inspect.lines():
        y = Same.apply(mg.ones(2, requires_grad=True))
    assert made_of(y.node).text == "y = Same.apply(mg.ones(2, requires_grad=True))"


def test_source_that_is_not_known_has_no_text():
    names = {"mg": mg}
    exec(compile("with mg.inspect.lines():\n    y = mg.ones(2, requires_grad=True) * 2", "<made up>", "exec"), names)
    assert made_of(names["y"].node).place() == "<made up>:2"
    assert program_frame(None) is None


def test_a_cell_of_a_notebook_is_called_so():
    names = {"mg": mg}
    exec(compile("with mg.inspect.lines():\n    y = mg.ones(2, requires_grad=True) * 2", "ipykernel_12/345.py", "exec"), names)
    assert made_of(names["y"].node).place() == "cell:2"


def test_lines_of_the_lectures_are_those_of_a_program():
    from minigrad.experiments import denoising, training
    from minigrad.experiments.config import LECTURES
    from minigrad.inspect.recording import is_of_program

    assert is_of_program(training.__file__) and is_of_program(denoising.__file__) and LECTURES
    assert not is_of_program(graph.__file__) and not is_of_program(nn.module.__file__) and is_of_program(__file__)


def test_a_callable_of_the_program_is_no_layer():
    class Callable:
        def __call__(self, x):
            return x * 2

    with mg.inspect.lines():
        y = Callable()(mg.ones(2, requires_grad=True))
    assert made_of(y.node).layer_name() == "" and made_of(y.node).text == "return x * 2"


def test_a_block_that_is_entered_twice():
    x = mg.ones(2, requires_grad=True)
    with mg.inspect.lines() as block:
        with block:
            pass
        y = x * 2
    assert made_of(y.node) is not None and made_of((x * 2).node) is None
