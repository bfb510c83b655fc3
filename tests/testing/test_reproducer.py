"""The program that shows a failed check again: what it defines and imports, and the values in it."""

import functools
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import ops
from minigrad.autograd import Function
from minigrad.backend import fuse
from minigrad.testing.reproducer import LARGE, Writer, reproducer
from support.gradcheck_functions import WrongFunction, factor
from support.strict_device import strict_device

# ---- the program


def test_the_program_defines_what_it_checks_and_checks_it():
    text = reproducer("gradcheck", factor, [mg.tensor([0.5]), 2.0], {"rtol": 1e-9, "allow_kinks": True})
    assert text.startswith("import minigrad as mg\nfrom minigrad.testing import gradcheck\n") and "\ndef factor(x):\n" in text
    assert text.endswith("\nx0 = mg.tensor([0.5], dtype=mg.float32)\nx1 = 2.0\n"
                         "gradcheck(factor, (x0, x1,), rtol=1e-09, allow_kinks=True)\n")


# ---- values in the program


def written(value):
    """The expression for a value, and what it is in a program with the imports and definitions that were written for it."""
    writer, space = Writer(), {}
    text = writer.value(value)
    exec("\n".join([*writer.imports, *writer.definitions]), space)
    return text, eval(text, space)


@pytest.mark.parametrize("value, text", [
    (None, "None"), (True, "True"), (3, "3"), (1.5, "1.5"), ("a'b", '"a\'b"'), (math.inf, 'float("inf")'), (-math.inf, 'float("-inf")'),
    ((), "()"), ((1,), "(1,)"), ((1, 2.0), "(1, 2.0)"), ([], "[]"), ([1], "[1]"), ([1, (2,)], "[1, (2,)]"),
    (slice(1, None, 2), "slice(1, None, 2)"), (mg.float32, "mg.float32"), (mg.device("cpu"), "mg.device('cpu')"),
    (math.sin, "sin"), (math, "math"), (np.linalg, "linalg"), (ops.tanh, "tanh"),
], ids=lambda value: value if type(value) is str else "")  # the text of a function has its address
def test_a_value_is_written_so_that_it_comes_back(value, text):
    found, back = written(value)
    assert found == text and back == value and type(back) is type(value)


def test_numbers_that_are_none():
    assert written(math.nan)[0] == 'float("nan")' and math.isnan(written([math.nan])[1][0])


def test_modules_keep_the_names_that_they_have():
    writer = Writer()
    assert (writer.module(np, "np"), writer.module(math, "math"), writer.module(math, "math")) == ("np", "math", "math")
    assert writer.imports[2:] == ["import numpy as np", "import math"]


def test_what_is_imported_is_imported_once():
    writer = Writer()
    assert writer.value((ops.tanh, ops.tanh)) == "(tanh, tanh)"
    assert writer.imports[2:] == ["from minigrad.ops.activations import tanh"] and writer.definitions == []


@pytest.mark.parametrize("array", [
    np.array(2.5), np.array([1.0, -0.0, math.nan, math.inf, -math.inf], "float32"), np.array([[True, False]]), np.array([1, 2], "int8"),
    np.zeros((0, 3)), np.linspace(0, 1, LARGE).reshape(2, -1), np.linspace(0, 1, LARGE + 2, dtype="float32").reshape(2, -1),
], ids=lambda a: f"{a.dtype}, {a.shape}")
def test_tensors_are_written_with_every_bit(array):
    wants = array.dtype.kind == "f"
    for x in (mg.tensor(array), mg.tensor(array, requires_grad=wants), array):
        text, back = written(x)
        found = back if x is array else back.array
        assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())
        assert type(back) is type(x) and getattr(back, "requires_grad", False) == getattr(x, "requires_grad", False)
        assert "device" not in text and ("frombuffer" in text) == (array.size > LARGE or array.size == 0)


def test_tensors_are_written_with_their_device():
    with strict_device():
        text, back = written(mg.tensor([1.0, 2.0]).cuda().requires_grad_())
        assert text == "mg.tensor([1.0, 2.0], dtype=mg.float32, device='cuda', requires_grad=True)"
        assert back.device.type == "cuda" and back.tolist() == [1.0, 2.0]


# ---- functions in the program


def helper(x):
    return x * np.pi


def uses_others(x):
    return helper(factor(x)) + math.sin(1.0)


@fuse
def fused(x):
    x *= 2


def test_functions_are_written_with_all_that_they_use():
    x = mg.tensor([0.5])
    text, back = written(uses_others)
    assert text == "uses_others" and back is not uses_others and back(x).tolist() == uses_others(x).tolist()
    text, back = written(fused)
    assert text == "fused" and back is not fused and type(back) is type(fused)
    text, back = written(lambda x: helper(x) + 1)
    assert text == "(lambda x: helper(x) + 1)" and back(2.0) == 2 * np.pi + 1
    text, back = written(functools.partial(uses_others))
    assert text == "functools.partial(uses_others)" and back(x).tolist() == uses_others(x).tolist()
    text, back = written(functools.partial(ops.sum, axis=0))
    assert text == "functools.partial(sum, axis=0)" and back(mg.ones(3)).item() == 3


SCALE = 3.0


def scaled(x, n=2):
    return scaled(x, n - 1) if n else x * SCALE


def made(times):
    def inner(x):
        return scaled(x) * times

    return inner


def test_functions_are_written_with_their_globals_and_cells():
    writer, space = Writer(), {}
    assert writer.value((scaled, scaled, made(2.0))) == "(scaled, scaled, inner)"
    text = "\n".join([*writer.imports, *writer.definitions])
    exec(text, space)
    assert text.count("def scaled(") == text.count("SCALE = 3.0") == text.count("times = 2.0") == 1 and "scaled = " not in text
    assert space["scaled"](1.0) == 3.0 and space["inner"](1.0) == 6.0


def test_a_lambda_is_told_from_others():
    first, second = (lambda x: x * 2), (lambda x: x * 3)
    other, names = (lambda x: x + SCALE), (lambda x: x + LARGE)
    for function in (first, second, other, names):
        text, back = written(function)
        assert text.startswith("(lambda x: ") and back(5.0) == function(5.0)


class Half(Function):
    forward = staticmethod(lambda ctx, x: x * 0.5)


class Child(Half):
    @staticmethod
    def forward(ctx, x):
        return x * SCALE


def test_classes_are_written_with_their_bases():
    text, back = written(Child.apply)
    assert text == "Child.apply" and back.__self__.__mro__[1].__name__ == "Half" and back(mg.ones(2)).tolist() == [3, 3]


def test_classes_are_written_with_their_methods():
    text, back = written(WrongFunction.apply)
    assert text == "WrongFunction.apply" and back.__self__ is not WrongFunction and back(mg.ones(2), mg.ones(2)).tolist() == [1, 1]


def test_what_has_no_source_is_asked_for():
    space = {}
    exec("def made(x):\n    return x\n", space)
    for function, name in ((space["made"], "made"), ([].append, "append"), (mg.Generator().manual_seed, "manual_seed")):
        writer = Writer()
        assert writer.value(function) == writer.value(function) == name
        assert writer.definitions == [f"{name} = ...  # put your {name} here: its source was not found"]
