"""Functions and classes in the program that repeats a failed check: their texts, and what these use."""

import contextlib
import functools
import inspect
import linecache
import math
import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad import ops
from minigrad.autograd import Function, op
from minigrad.backend import fuse
from minigrad.testing.program import sources
from minigrad.testing.program.elements import LARGE
from minigrad.testing.program.writer import Writer
from support.gradcheck_functions import WrongFunction, factor
from support.programs_of_values import module_of, program_of, written


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


def test_a_text_that_was_read_once_is_not_changed_by_writing_it():
    def function(decorated):
        return lambda x, y=decorated: x * y

    first, second = function(mg.ones(2)), function(3.0)
    assert program_of(first) == program_of(function(mg.ones(2)))
    text, back = written(second)
    assert text == "(lambda x, y=3.0: x * y)" and back(2.0) == 6.0


def test_functions_are_written_with_their_globals_and_cells():
    writer, space = Writer(), {}
    assert writer.value((scaled, scaled, made(2.0))) == "(scaled, scaled, inner)"
    text = "\n".join(writer.lines())
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
    for function, name in ((space["made"], "made"), ([].append, "append")):
        writer = Writer()
        assert writer.value(function) == writer.value(function) == name
        assert writer.definitions == [f"{name} = ...  # put your {name} here: its source was not found"]
    for value, name in ((threading.Lock(), "lock"), ((x for x in ()), "generator")):
        writer = Writer()
        assert writer.value(value) == writer.value(value) == name
        assert writer.definitions == [f"{name} = ...  # put your {name} here: it cannot be written here"]


# ---- only names that are used are packed

g = np.random.default_rng(0).bytes(1_300_000)  # of a notebook, say; whatever names it makes a program of more than a megabyte
small = 3.0


def argument_of_a_lambda(x):
    return (lambda g: g * small)(x)


def argument_of_a_nested_function(x):
    def inner(g, *, k=small):
        return g * k

    return inner(x)


def variable_of_a_comprehension(x):
    return sum([x * g for g in (1, 2)]) + sum(x * g for g in (1, 2)) + sum({x * g for g in (1, 2)}) - 6 * x + small * 0


def local_variable(x):
    g = small
    return x * g


def variable_around_a_function(x):
    g = small

    def inner():
        return x * g

    return inner()


def attribute(x):
    space = contextlib.nullcontext()
    space.g = small
    return space.g * x


def keyword(x):
    return mg.Generator and dict(g=small)["g"] * x  # noqa: C408


def exception_and_pattern(x):
    try:
        raise ValueError
    except ValueError as g:
        assert g.args == ()
    match {"a": small}:
        case {"a": g}:
            return g * x


def in_a_text(x):
    "g"
    return len(f"{'g'}") * x * small


def class_inside(x):
    class Inner:
        g = small
        h = g * 1
        rows = [g + 1 for g in (1, 2)]

        def method(self, g=1):
            return g

    return Inner.h * x


NOT_PACKED = [argument_of_a_lambda, argument_of_a_nested_function, variable_of_a_comprehension, local_variable, variable_around_a_function,
              attribute, keyword, exception_and_pattern, in_a_text, class_inside]


@pytest.mark.parametrize("function", NOT_PACKED, ids=lambda f: f.__name__)
def test_a_global_that_shares_a_name_is_not_packed(function):
    _, back = written(function)
    assert len(program_of(function)) < 2000 and back is not function and back(2.0) == function(2.0) != 0


class BodyWithNames:
    g = 1
    h = g + 1
    rows = [g + 1 for g in (1, 2)]

    def method(self, x):
        return sum(g for g in [self.h * x])


def test_names_of_a_class_are_not_packed():
    assert len(program_of(BodyWithNames)) < 2000 and written(BodyWithNames().method)[1](2.0) == 4.0


def in_a_nested_function(x):
    def inner():
        return lambda: len(g)

    return inner()() * x


def in_a_default(x, n=len(g)):  # noqa: B008
    return n * x


def in_a_keyword_default(x, *, data=g):
    return len(data) * x


class InABody:
    size = len(g)

    def __call__(self, x):
        return x * self.size


class InAMethod:
    def __call__(self, x):
        return x * len(g)


def before_it_is_local_in_a_class(x):
    class Inner:
        g = len(g)

    return Inner.g * x


@pytest.mark.parametrize("function", [in_a_nested_function, in_a_default, in_a_keyword_default, InABody(), InAMethod(),
                                      before_it_is_local_in_a_class], ids=lambda f: getattr(f, "__name__", type(f).__name__))
def test_a_global_that_is_used_is_packed(function):
    _, back = written(function)
    assert back(2.0) == function(2.0) == 2.0 * len(g)


def test_the_value_of_a_default_is_written_instead_of_what_it_was_made_from():
    assert "n=1300000" in program_of(in_a_default) and len(program_of(in_a_default)) < 500


def in_an_annotation(x: small, y: "g" = None) -> float:
    z: g = x
    return z


def test_annotations_are_run_and_their_texts_are_not():
    program = program_of(in_an_annotation)
    assert "small = 3.0" in program and len(program) < 500
    assert written(in_an_annotation)[1].__annotations__ == {"x": 3.0, "y": "g", "return": float}


def test_annotations_that_a_module_leaves_as_texts(tmp_path):
    module = module_of("from __future__ import annotations\nimport dataclasses\ng = b'0' * 10 ** 6\n"
                       "def f(x: g, *, y: Missing = 3) -> g:\n    return x\n"
                       "@dataclasses.dataclass\nclass C:\n    a: g\n"
                       "class Plain:\n    a: Missing\n", tmp_path)
    text, (f, c, plain) = written((module.f, module.C(1), module.Plain))
    assert text == "(f, C(a=1), Plain)" and f(1) == 1 and c.a == 1
    assert f.__annotations__["x"] == "g" and plain.__annotations__ == {"a": "Missing"}
    program = Writer()
    program.value(module.f)
    assert program.lines()[0] == "from __future__ import annotations" and len("\n".join(program.lines())) < 500
    assert Writer().lines()[0] == "import minigrad as mg"


def counts(function):
    """A decorator that uses no functools.wraps."""

    def counted(x):
        return function(x) * 2

    return counted


def doubles(function):
    @functools.wraps(function)
    def doubled(*args):
        return 2 * function(*args)

    return doubled


def scales(by):
    def decorate(function):
        @functools.wraps(function)
        def scaled_function(x):
            return by * function(x)

        return scaled_function

    return decorate


@counts
def counted_once(x):
    return x + small


@doubles
def doubled_once(x):
    return x + small


@doubles
@scales(by=small)
def doubled_and_scaled(x):
    """Of two decorators."""
    return x + 1


def plain(x):
    return x + small


class HasDecorated:
    @staticmethod
    @doubles
    def static(x):
        return x + 1

    @classmethod
    def made(cls, x):
        return x + 2

    @doubles
    def method(self, x):
        return x + 3

    @property
    def value(self):
        return small

    def __call__(self, x):
        return self.value + self.static(x) + self.made(x) + self.method(x)


@pytest.mark.parametrize("function, lines", [
    (counted_once, 0), (doubled_once, 1), (doubled_and_scaled, 2), (doubles(plain), 0),
    (doubled_once.__wrapped__, 0), (doubled_and_scaled.__wrapped__, 0), (counts(doubled_once), 1), (scales(3)(lambda x: x + 1), 0),
    (HasDecorated(), 2), (HasDecorated().method, 2), (HasDecorated.made, 2), (HasDecorated().static, 2),
])
def test_decorated_functions_compute_the_same(function, lines):
    _, back = written(function)
    assert back(2.0) == function(2.0) and back is not function
    program = program_of(function)
    decorators = [line for line in program.split("\n") if line.strip() in ("@doubles", "@counts", "@scales(by=small)")]
    assert "put your" not in program and len(decorators) == lines


def test_a_local_decorated_function_keeps_its_decorators():
    @doubles
    def local(x):
        return x + 1

    assert "@doubles\ndef local(x):" in program_of(local) and written(local)[1](1.0) == 4.0


@op
def cube(x):
    return x * x * x, lambda g: 3 * g * x * x


@op(promote=False, steps=True)
def staircase(x):
    return x * 1, lambda g: g


def test_operations_keep_their_options():
    assert "@op(promote=False, steps=True)\ndef staircase" in program_of(staircase) and written(staircase)[1].steps
    assert written(cube)[1](mg.tensor([2.0])).tolist() == [8.0]
    assert written(total_square)[1](np.array([1.0, 2.0])) == 5.0
    made = op(cube.raw, product=True)
    assert written(made) == ("cube", ...) and written((cube, made))[1][1] is ...


@fuse(reduce=True)
def total_square(x):
    return x * x


# ---- several functions in one program


def with_np(np):
    def f(x):
        return np.multiply(x, 2)

    return f


def with_times(times):
    def f(x):
        return times * x

    return f


def plus(b):
    return lambda x: x + b


class Doubling:
    @staticmethod
    def multiply(x, y):
        return 2 * x * y


def test_names_that_mean_different_things_do_not_meet():
    text, (one, two, three) = written((with_np(np), with_np(Doubling), lambda x: np.multiply(x, 1) + 1))
    assert text == "(f, f_1, (lambda x: np.multiply(x, 1) + 1))" and one(3.0) == 6 and two is ... and three(3.0) == 4
    assert "f_1 = ...  # put your f_1 here" in program_of((with_np(np), with_np(Doubling)))
    assert written([lambda x, a=a: x * a for a in (1, 2)] + [plus(3)])[1][1](10) == 20
    assert written((plus(3), plus(4)))[1][0](10) == 13 and written((plus(3), plus(4)))[1][1] is ...
    assert written([with_np(np), np.ones(1)])[0] == "[f, np.array([1.0])]"
    assert written([with_np(Doubling), np.ones(1)])[0] == "[f, np_1.array([1.0])]"

    def gradcheck(x):
        return mg.tanh(x)

    assert written((gradcheck, 1)) == ("(gradcheck_1, 1)", (..., 1))


def test_a_class_with_the_name_of_its_base_is_asked_for(tmp_path):
    module = module_of("class Base:\n    def value(self, x):\n        return x\n"
                       "class Base(Base):\n    def value(self, x):\n        return super().value(x) * 10\n", tmp_path)
    assert "put your" in program_of(module.Base().value) and written(module.Base.__bases__[0]().value)[1](2) == 2


# ---- variables around functions


def layer_of_closures(rebinds):
    seen, calls = [], 0

    def forward(x):
        seen.append(x)
        return x * small

    def counted_forward(x):
        nonlocal calls
        calls += 1
        return x

    def backward(g):
        return g * small * len(seen)

    return counted_forward if rebinds else forward, backward


def test_functions_around_a_common_object_share_it():
    _, (forward, backward) = written(layer_of_closures(False))
    assert forward(2.0) == 6.0 and backward(1.0) == 3.0 and forward(2.0) and backward(1.0) == 6.0


def test_a_function_that_assigns_a_variable_around_it_is_asked_for():
    assert "counted_forward = ...  # put your counted_forward here" in program_of(layer_of_closures(True))



def test_what_a_text_needs_at_once_and_is_not_found_is_asked_for():
    local = 3

    def f(x, k=lambda: local):
        return x

    class Inner:
        scale = local

    exec("def hidden(function): return function", space := {})
    hidden = space["hidden"]

    @hidden
    class Decorated:
        pass

    assert "Inner = ...  # put your Inner here: its source was not found" in program_of(Inner)
    assert "Decorated = ...  # put your Decorated here: its source was not found" in program_of(Decorated)
    assert "put your" not in program_of(f)


# ---- defaults


def made_in_a_loop():
    found = []
    for k, array in ((1, np.ones(1)), (2, np.zeros(1))):
        def f(x, k=k, *, array=array, plain=plain, dtype=np.float32, n=-1, size=2 * k, text="a"):
            return x * k + float(array[0]) + n + size

        found.append(f)
    return found


def test_defaults_have_the_values_that_they_had():
    for original in made_in_a_loop():
        _, back = written(original)
        assert back(10.0) == original(10.0) and back.__kwdefaults__["dtype"] is np.float32
        assert "plain=plain, dtype=np.float32, n=-1" in program_of(original) and "text='a'" in program_of(original)
    one, two = [lambda x, *, k=k, m=[k]: x * k + m[0] for k in (1, 2)]
    assert [written(f)[1](10) for f in (one, two)] == [11, 22]


LOCK = threading.Lock()


def with_a_lock(x, lock=LOCK, locks=[LOCK]):  # noqa: B006
    return x


def test_a_default_that_cannot_be_written_is_asked_for():
    assert "def with_a_lock(x, lock=LOCK, locks=[lock]):" in program_of(with_a_lock)
    assert "lock = ...  # put your lock here: it cannot be written here\nLOCK = lock\n" in program_of(with_a_lock)


def é(ö, x="ü", *, scale=2 * small):
    return (ö, x, scale)  # after letters of more than one byte


def test_texts_with_letters_of_several_bytes():
    assert written(é)[1](1) == (1, "ü", 6.0) and "def é(ö, x='ü', *, scale=6.0):" in program_of(é)


# ---- functions and objects that refer to one another


def table_user(x):
    return TABLE["f"](x - 1) + 1 if x else ALIAS is table_user


TABLE = {"f": table_user}
ALIAS = table_user


class Registered:
    def count(self):
        return len(REGISTRY) + (REGISTRY[0] is self)


REGISTRY = [Registered()]
factorial = lambda n: n * factorial(n - 1) if n else 1
even = lambda n: odd(n - 1) if n else True
odd = lambda n: even(n - 1) if n else False


def test_definitions_follow_what_they_need():
    assert written(table_user)[1](3) == 4
    assert written(REGISTRY[0].count)[1]() == 2
    assert written(factorial)[0] == "factorial" and written(factorial)[1](4) == 24
    assert written((even, factorial))[1][0](4) is True and written({"f": odd})[1]["f"](3) is True


# ---- texts that are hard to find

pair = [lambda x: x * x, lambda x: x + x]
nested = lambda x: (lambda y: y * 2)(x) + 1
outer = lambda: lambda y: y * 3
over_lines = (lambda x:
              x * small +
              1)
three = (lambda x: x, lambda y: y, lambda x, *z, k=2: (x, z, k))


def test_lambdas_are_told_apart_by_their_place():
    for f in (*pair, nested, over_lines, three[0], three[1], outer(), *[lambda x: x - 1, lambda x: x - 2]):
        assert written(f)[1](5.0) == f(5.0)
    assert written(outer)[1]()(2) == 6 and written(three[2])[1](1, 2) == (1, (2,), 2) and written(three[1])[0] == "(lambda y: y)"


def test_lambdas_without_places_are_found_if_they_are_alone_on_their_line(tmp_path):
    module = module_of("alone = lambda x: x * 2\ntwo = [lambda x: x * 2, lambda x: x * 3]\n", tmp_path)
    for f in (module.alone, *module.two):
        f.__code__ = f.__code__.replace(co_linetable=lines_only(f.__code__))
    assert written(module.alone)[1](2) == 4 and written(module.two)[1] == [..., ...]


def lines_only(code):
    """A table of the places of a code's instructions that has lines and no columns."""
    words = len(code.co_code) // 2
    entries = []
    while words:
        entries += [0x80 | (13 << 3) | (min(words, 8) - 1), 0]
        words -= min(words, 8)
    return bytes(entries)


class Holder:
    def text(self, x):
        return """a
  b
c""" + x

    def call(self, x):
        return self.text(x) + type(self).__name__


def test_strings_of_several_lines_stay_as_they_are():
    def text(x):
        return """a
  b
""" + x

    def aligned(x):
        return """a
        b
        """ + x

    def uses(times):
        def text(x):
            return """a
b""" * times + x

        return text

    for function in (text, aligned, Holder().call, uses(2)):
        assert written(function)[1]("x") == function("x")


def test_classes_of_a_notebook_are_found(monkeypatch):
    text = ("import functools\nclass Cell:\n    def value(self, x):\n        return x * 2\n"
            "    class Inner:\n        def f(self): return 3\nclass Empty: pass\n")
    name = "<ipython-input-1>"
    monkeypatch.setitem(linecache.cache, name, (len(text), None, text.splitlines(keepends=True), name))
    exec(compile(text, name, "exec"), space := {"__name__": "__main__"})
    assert written(space["Cell"]().value)[1](2) == 4 and written(space["Cell"].Inner().f)[1]() == 3
    assert written(space["Empty"])[1] is ...


def test_a_class_that_is_defined_twice_is_the_right_one(tmp_path):
    module = module_of("class C:\n    def f(self): return 1\nfirst = C\nclass C:\n    def f(self): return 2\n", tmp_path)
    assert written(module.first().f)[1]() == 1 and written(module.C().f)[1]() == 2
    assert "# put your C_1 here" in program_of([module.C().f, module.first().f])


def generator(n):
    yield from range(n)


async def coroutine(n):
    return n


class Private:
    def __hidden(self, x):
        return x + 1

    def call(self, x):
        return self.__hidden(x)


class Descends(Private):
    __slots__ = ()

    def call(self, x):
        return super().call(x) + 1


def test_functions_of_every_kind():
    assert list(written(generator)[1](3)) == [0, 1, 2] and inspect.iscoroutinefunction(written(coroutine)[1])
    assert written(Descends().call)[1](1) == 3 and written(Private.call)[0] == "Private.call"
    assert written(Descends.call)[0] == "Descends.call"

    class Local(Private):
        def call(self, x):
            return super().call(x) + 5

    text, (kind, local) = written((Local, Local()))
    assert text == "(Local, local)" and kind.call(local, 1) == 7


def test_functions_are_imported_where_that_is_possible():
    for function, text, module in ((np.linalg.norm, "norm", "numpy.linalg"), (ops.tanh, "tanh", "minigrad.ops.activations"),
                                   (mg.nn.Linear, "Linear", mg.nn.Linear.__module__), (math.sin, "sin", "math")):
        writer = Writer()
        assert writer.value(function) == text and f"from {module} import {text}" in writer.imports
    assert written(contextlib.ExitStack.close)[0] == "ExitStack.close" and written(np.random.Generator.normal)[0] == "Generator.normal"


def test_installed_packages_are_known_by_their_folder():
    assert all(map(sources.is_installed, ("numpy.linalg", "math", "hypothesis.strategies", "minigrad.ops", "os.path", "_pytest")))
    assert not any(map(sources.is_installed, ("support.programs_of_values", "__main__", __name__, "no_such_module")))


def test_helpers_that_a_library_made_are_called_again():
    @contextlib.contextmanager
    def manager():
        yield small

    with written(manager)[1]() as value:
        assert value == 3.0
