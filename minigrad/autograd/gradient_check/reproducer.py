"""A failed check as a program to paste: the function (imported, or its source), the inputs, and the call."""

from __future__ import annotations

import ast
import base64
import functools
import inspect
import sys
import textwrap
import types
import zlib

from ... import backend
from .. import graph

DEFAULTS = {
    "eps": None,
    "rtol": 1e-6,
    "atol": 1e-10,
    "surrogate": None,
    "allow_kinks": False,
    "max_elements": 256,
    "directions": 64,
    "seed": 0,
}
PLAIN = (bool, int, float, str, type(None))
SHIPPED = {"minigrad", "math", "functools", "operator", "numpy"}  # packages to import from
LARGE = 256  # elements; a larger tensor is written as packed bytes


def reproducer(function, inputs, options):
    """The program's text. Where a function's source cannot be found, a comment says what to put there."""
    writer = Writer()
    arguments = [writer.value(x) for x in inputs]
    changed = {name: value for name, value in options.items() if value != DEFAULTS[name]}
    call = "".join(f", {name}={writer.value(value)}" for name, value in changed.items())
    target = writer.value(function)
    lines = [*writer.imports, "", *writer.definitions]
    lines += [f"x{i} = {text}" for i, text in enumerate(arguments)]
    names = "".join(f"x{i}, " for i in range(len(arguments)))
    return "\n".join([*lines, f"gradcheck({target}, ({names.rstrip()}){call})"]) + "\n"


class Writer:
    """Expressions for values, and the imports and definitions that they need."""

    def __init__(self):
        self.imports = ["import minigrad as mg", "from minigrad.autograd import gradcheck"]
        self.definitions = []
        self.done = {"mg", "gradcheck"}

    def value(self, x):
        """An expression for `x`."""
        if isinstance(x, graph.Tensor):
            return self.tensor(x)
        if isinstance(x, float) and (x != x or x in (float("inf"), -float("inf"))):
            return f'float("{x}")'
        if isinstance(x, PLAIN):
            return repr(x)
        if type(x) in (tuple, list):
            inner = ", ".join(map(self.value, x))
            return f"[{inner}]" if type(x) is list else f"({inner},)" if len(x) == 1 else f"({inner})"
        if isinstance(x, slice):
            return f"slice({self.value(x.start)}, {self.value(x.stop)}, {self.value(x.step)})"
        if isinstance(x, backend.dtype):
            return f"mg.{x.name}"
        if isinstance(x, backend.device):
            return f"mg.device({str(x)!r})"
        if backend.is_array(x):
            return f"{self.tensor(graph.wrap(x))}.array"
        if isinstance(x, functools.partial):
            parts = [
                self.value(x.func),
                *map(self.value, x.args),
                *(f"{k}={self.value(v)}" for k, v in x.keywords.items()),
            ]
            self.need("import functools")
            return f"functools.partial({', '.join(parts)})"
        if isinstance(x, types.MethodType) and isinstance(x.__self__, type):
            return f"{self.value(x.__self__)}.{x.__name__}"
        return self.defined(x)

    def tensor(self, x):
        """A tensor with exactly these elements, on its device."""
        device = backend.device_of(x.array)
        options = (f", device={device!r}" if device != "cpu" else "") + (", requires_grad=True" if x.requires_grad else "")
        array = backend.to_numpy(x.array)
        if array.size > LARGE or not array.size:
            self.need("import base64")
            self.need("import zlib")
            self.need("import numpy as np")
            packed = base64.b64encode(zlib.compress(array.tobytes(), 9)).decode()
            return (
                f"mg.tensor(np.frombuffer(zlib.decompress(base64.b64decode({packed!r})), {array.dtype.name!r})"
                f".reshape({tuple(array.shape)}){options})"
            )
        text = repr(array.tolist()).replace("nan", "mg.nan").replace("inf", "mg.inf")
        return f"mg.tensor({text}, dtype=mg.{array.dtype.name if array.dtype != bool else 'bool_'}{options})"

    def need(self, line):
        """An import, once."""
        if line not in self.imports:
            self.imports.append(line)

    def defined(self, x):
        """A name for a function or class: imported where it can be, else its source is pasted."""
        module, name = getattr(x, "__module__", ""), getattr(x, "__qualname__", "")
        if isinstance(x, types.ModuleType):
            return self.module(x, x.__name__.split(".")[-1])
        if _found(module, name) is x and module.split(".")[0] in SHIPPED:
            self.need(f"from {module} import {name.split('.')[0]}")
            return name
        if isinstance(x, types.LambdaType) and x.__name__ == "<lambda>":
            return self.source_of(x, f"({_lambda_text(x)})")
        has_source = inspect.isfunction(x) or isinstance(x, type) or hasattr(x, "plain")
        return self.pasted(x) if has_source else self.unknown(x)

    def module(self, x, name):
        """A module under a name."""
        self.need(f"import {x.__name__} as {name}" if x.__name__ != name else f"import {name}")
        return name

    def pasted(self, x):
        """The definition of `x`, with what it refers to."""
        plain = getattr(x, "raw", None) or getattr(x, "plain", None) or x
        try:
            text = textwrap.dedent(inspect.getsource(plain))
        except (OSError, TypeError):
            return self.unknown(x)
        name = plain.__name__
        if name not in self.done:
            self.done.add(name)
            self.source_of(plain, text)
            self.definitions += [*text.rstrip().splitlines(), ""]
        return name

    def unknown(self, x):
        """Where no source is found."""
        name = getattr(x, "__name__", type(x).__name__)
        name = name if name.isidentifier() else "function"
        if name not in self.done:
            self.done.add(name)
            self.definitions.append(f"{name} = ...  # put your {name} here: its source was not found")
        return name

    def source_of(self, x, text):
        """`text`, after everything that its names refer to has been written."""
        try:
            used = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
        except SyntaxError:
            return self.unknown(x)
        space = _names(x)
        for name in sorted(used & set(space)):
            value = space[name]
            if name in self.done or value is x:
                continue
            if isinstance(value, types.ModuleType):
                self.module(value, name)
                self.done.add(name)
                continue
            expression = self.value(value)
            if expression != name:
                self.definitions.append(f"{name} = {expression}")
            self.done.add(name)
        return text


def _found(module, name):
    """What `module.name` is now; None if there is no such thing."""
    try:
        return functools.reduce(getattr, name.split("."), sys.modules[module])
    except (AttributeError, KeyError):
        return None


def _names(x):
    """The globals and closure of a function, or of a class's methods."""
    functions = [getattr(f, "__func__", f) for f in vars(x).values()] if isinstance(x, type) else [x]
    space: dict = {}
    for f in functions:
        if inspect.isfunction(f):
            space.update(f.__globals__)
    for f in functions:
        if inspect.isfunction(f) and f.__closure__:
            for name, cell in zip(f.__code__.co_freevars, f.__closure__):
                try:
                    space[name] = cell.cell_contents
                except ValueError:  # not filled yet
                    pass
    if isinstance(x, type):
        space.update({base.__name__: base for base in x.__bases__ if base is not object})
    return space


def _lambda_text(x):
    """The source of a lambda: the one on its line that compiles to the same code."""
    try:
        tree = ast.parse("".join(inspect.findsource(x)[0]))
    except (OSError, SyntaxError):
        return "..."
    here = [n for n in ast.walk(tree) if isinstance(n, ast.Lambda) and n.lineno == x.__code__.co_firstlineno]
    for node in here:
        text = ast.unparse(node)
        code = next(c for c in compile(text, "", "eval").co_consts if isinstance(c, types.CodeType))
        if len(here) == 1 or _content(code) == _content(x.__code__):
            return text
    return "..."


def _content(code):
    """What tells two lambdas on one line apart. A variable may be free in one compilation, global in the other."""
    constants = [c for c in code.co_consts if not isinstance(c, types.CodeType)]
    return sorted((*code.co_names, *code.co_freevars)), code.co_varnames, constants
