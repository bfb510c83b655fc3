"""Values in the program that repeats a failed check: numbers, containers, arrays and tensors, objects."""

import ast
import collections
import dataclasses
import enum
import fractions
import functools
import math
import threading
import types
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import ops
from minigrad.testing.program import elements
from minigrad.testing.program.elements import LARGE
from minigrad.testing.program.writer import Writer
from minigrad.testing.reproducer import reproducer
from support.programs_of_values import program_of, written
from support.strict_device import strict_device


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


# ---- more values of Python


class Colour(enum.Enum):
    RED = 1
    BLUE = enum.auto()


class Pair(NamedTuple):
    first: object
    second: object = 3


Untyped = collections.namedtuple("Untyped", "first second", defaults=(5,))


@dataclasses.dataclass(frozen=True)
class Weights:
    weight: object
    bias: object = 0.0


@pytest.mark.parametrize("value, text", [
    (..., "..."), (b"ab", "b'ab'"), (1 + 2j, "complex(1.0, 2.0)"), (complex(-0.0, math.inf), 'complex(-0.0, float("inf"))'),
    ({}, "{}"), ({"a": [1], 2: None}, "{'a': [1], 2: None}"), (set(), "set()"), ({3}, "{3}"), (frozenset(), "frozenset()"),
    (frozenset([3]), "frozenset([3])"),
    (range(1, 9, 2), "range(1, 9, 2)"), (Colour.RED, "Colour.RED"), (int, "int"), (len, "len"), ("\0\n\u2028é", "'\\x00\\n\\u2028é'"),
    (np.float32(0.1), "np.float32(0.10000000149011612)"),
    (np.int8(-3), "np.int8(-3)"), (np.bool(True), "np.bool(True)"), (np.dtype(">f4"), "np.dtype('>f4')"), (np.tanh, "np.tanh"),
    (np.float64, "np.float64"), (np.dtype("uint16"), "np.dtype('uint16')"), (np.dtype("complex64"), "np.dtype('complex64')"),
], ids=lambda value: value if type(value) is str else "")
def test_more_values_come_back(value, text):
    found, back = written(value)
    assert found == text and type(back).__name__ == type(value).__name__
    assert back == value or back.value == value.value


def test_named_tuples_and_dataclasses_and_enums_come_back():
    for value in (Pair(1, 2.0), Untyped(1), Weights(1.0), Colour.RED, Colour.BLUE):
        _, back = written(value)
        assert repr(back) == repr(value)
    text, back = written({"w": Weights(np.ones(2)), "b": [Pair(np.zeros(1), None)]})
    assert text == "{'w': Weights(weight=np.array([1.0, 1.0]), bias=0.0), 'b': [Pair(np.array([0.0]), None)]}"
    assert back["w"].weight.tolist() == [1, 1] and back["b"][0].first.tolist() == [0]


def test_numbers_of_numpy_that_are_none():
    assert math.isnan(written(np.float32("nan"))[1]) and written(np.float64("-inf"))[1] == -math.inf


def test_long_bytes_are_compressed():
    for data in (b"a" * 1000, bytes(range(256)) * 2, np.random.default_rng(0).bytes(LARGE + 1)):
        text, back = written(data)
        assert back == data and len(text) < 2 * len(data)
        assert ("zlib" in text) == (len(set(data)) == 1 or len(data) == 512)


def test_a_value_that_raises_whatever_is_asked_is_asked_for():
    class Rude:
        def __getattribute__(self, name):
            raise RuntimeError(name)

    assert written([Rude(), 1])[1] == [..., 1]


def deep(depth):
    return [deep(depth - 1)] if depth else []


def test_what_is_nested_too_deeply_is_asked_for():
    assert written(deep(20))[1] == deep(20)
    inside: list = [1]
    inside.append(inside)
    for depth in (150, 300, 100_000):
        nested: list = []
        for _ in range(depth):
            nested = [nested]
        for value in (inside, {"a": nested}):
            text = reproducer("check_vjp", (deep, deep), [value], {})
            ast.parse(text)
            assert ("put your" in text) == (value is inside or depth > 150)


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text() | st.binary(max_size=20)
    | st.sampled_from([..., math.sin, np.float32, mg.float64, ops.tanh, threading.Lock(), len, np.linalg, deep, Weights(1.0)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    | st.tuples(inner, inner) | st.builds(Pair, inner, inner) | st.builds(Weights, inner) | st.builds(slice, inner, inner, st.none())
    | st.builds(functools.partial, st.just(deep), inner) | st.builds(types.SimpleNamespace, a=inner),
    max_leaves=8)


@settings(deadline=None, max_examples=60)
@given(plain_values)
def test_a_program_for_any_value_runs(value):
    back = written(value)[1]
    if "..." not in program_of(value) and "deep" not in program_of(value):
        assert repr(back) == repr(value)


# ---- arrays of NumPy

RANDOM = np.random.default_rng(0).standard_normal((40, 8))


@pytest.mark.parametrize("dtype", [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "longdouble",
    "complex64", "complex128", "clongdouble", ">f8", ">i2", "U3", "S2", "datetime64[s]",
])
def test_every_dtype_comes_back(dtype):
    for shape in ((), (2, 3), (1, 0), (30, 20)):
        array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
        if array.dtype.kind == "c":
            array = np.asarray(array * np.array(1 - 2j, dtype))
        text, back = written(array)
        assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())
        assert type(back) is np.ndarray and back.flags.writeable
        assert "dtype" not in text or dtype not in ("float64", "int64", "bool", "complex128")


def test_small_arrays_are_written_as_numbers_that_can_be_read():
    assert written(np.array([[1.0, -0.0], [math.nan, math.inf]]))[0] == "np.array([[1.0, -0.0], [np.nan, np.inf]])"
    assert written(np.array([1, 2], "uint8"))[0] == "np.array([1, 2], dtype='uint8')"
    assert written(np.array([True]))[0] == "np.array([True])"
    assert written(np.array([0.1], "float16"))[0] == "np.array([0.0999755859375], dtype='float16')"


def test_arrays_keep_their_values_in_any_layout():
    for array in (RANDOM.T, RANDOM[::-2, 1:3], RANDOM[:, ::3], np.broadcast_to(RANDOM[0], (3, 8)), RANDOM[:5].T, RANDOM[3:4].T):
        back = written(array)[1]
        assert back.tobytes() == array.tobytes() and back.shape == array.shape


def test_large_arrays_are_compressed_where_that_is_shorter(monkeypatch):
    zeros, noise = np.zeros(100_000), np.frombuffer(np.random.default_rng(1).bytes(8000))
    text, back = written(zeros)
    assert len(text) < 1200 and "zlib.decompress(base64.b85decode(" in text and back.tobytes() == zeros.tobytes()
    text, back = written(noise)
    assert 8000 < len(text) < 1.3 * 8000 and "zlib" not in text and back.tobytes() == noise.tobytes()
    monkeypatch.setattr(elements, "MOST", 800_000)
    assert "decompress" in written(zeros)[0]
    assert written(np.zeros(100_001)) == ("ndarray", ...)


def test_the_border_between_small_and_large():
    assert "frombuffer" not in written(RANDOM.reshape(-1)[:LARGE])[0] and "frombuffer" in written(RANDOM.reshape(-1)[:LARGE + 1])[0]


# ---- what is shared stays shared

SHARED = {"w": np.ones(2), "list": [np.zeros(1)]}


def uses_shared(x):
    return x * SHARED["w"] + SHARED["list"][0]


def test_what_a_function_reads_is_the_same_object_among_the_values():
    text, (function, table, weight, inner) = written((uses_shared, SHARED, SHARED["w"], SHARED["list"][0]))
    assert text == "(uses_shared, SHARED, SHARED['w'], SHARED['list'][0])"
    weight += 1
    inner += 5
    assert function(1.0).tolist() == [7, 7] and table["w"] is weight


class Layer:
    """A layer as a user of NumPy writes it."""

    scale = 2.0

    def __init__(self):
        self.weight = np.ones((2, 2))
        self.seen = None

    def forward(self, x):
        self.seen = x
        return x @ self.weight * self.scale

    def backward(self, g):
        self.grad = self.seen.T @ g * self.scale
        return g @ self.weight.T * self.scale


def test_the_methods_of_a_layer_belong_to_one_layer():
    layer = Layer()
    layer.scale = 3.0
    text, (forward, backward, parameters) = written((layer.forward, layer.backward, {"weight": layer.weight}))
    assert text == "(layer.forward, layer.backward, {'weight': layer.weight})"
    assert forward(np.ones((1, 2))).tolist() == [[6, 6]] and backward(np.ones((1, 2))).tolist() == [[6, 6]]
    assert forward.__self__ is backward.__self__ and forward.__self__.weight is parameters["weight"]
    assert written((layer.forward, Layer().forward))[0] == "(layer.forward, layer_1.forward)"


class Guarded:
    """An object that refuses what `__init__` alone may do."""

    def __init__(self, x):
        vars(self)["x"] = x

    def __setattr__(self, name, value):
        raise AttributeError(name)

    def __call__(self, x):
        return x * self.x


def test_objects_come_back_unless_there_is_more_to_them_than_attributes():
    assert written(Guarded(3.0))[1](2.0) == 6
    a, b = Layer(), Layer()
    a.other, b.other = b, a
    back = written(a)[1]
    assert back.other.other is back and type(back.other).__name__ == "Layer"
    for value in (fractions.Fraction(1, 3), collections.OrderedDict(a=1), types.SimpleNamespace(a=1), np.random.default_rng(3),
                  np.array([None]), np.zeros(2, [("a", "i4")]), np.ma.masked_array([1.0, 2.0], [True, False])):
        name = type(value).__name__.lower()
        assert f"\n{name} = ...  # put your {name} here: it cannot be written here" in program_of(value)


def test_one_attribute_that_cannot_be_written_is_asked_for_alone():
    layer = Layer()
    layer.lock, layer.weight = threading.Lock(), 2.0
    _, back = written(layer)
    assert back.lock is ... and back.weight == 2.0 and "put your lock here: it cannot be written here" in program_of(layer)


def test_networks_of_minigrad_come_back():
    class Net(mg.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = mg.nn.Sequential(mg.nn.Linear(2, 3), mg.nn.Tanh())
            self.again = self.inner
            self.factor = 2.0
            self.register_buffer("offset", mg.ones(3), persistent=False)

        def forward(self, x):
            return self.again(x) * self.factor + self.offset

    net, x = Net().eval(), mg.randn(4, 2)
    net.inner[0].bias.requires_grad_(False)
    _, (back, weight) = written((net, net.inner[0].weight))
    assert back(x).tolist() == net(x).tolist() and back.inner is back.again and back.inner[0].weight is weight
    assert type(weight) is mg.nn.Parameter and weight.requires_grad and not back.inner[0].bias.requires_grad
    assert back.training is False and list(back.state_dict()) == list(net.state_dict())
    with pytest.raises(KeyError):
        back.register_buffer("factor", mg.ones(1))


# ---- the writer's names


def test_modules_of_the_user_are_named_in_a_comment(tmp_path, monkeypatch):
    from support.programs_of_values import module_of

    module = module_of("VALUE = 3\n", tmp_path)
    writer = Writer()
    assert writer.value(module) == "of_a_user"
    assert writer.imports[2:] == ["import of_a_user  # your module: run this program where Python finds it"]
    assert writer.value(types.ModuleType("made_by_hand")) == "made_by_hand" and "put your made_by_hand here" in writer.lines()[-1]
    assert Writer().value(__import__("__main__")) == "__main__"


