"""The program that repeats a failed check: it imports or defines the function, makes the inputs, and calls `gradcheck`."""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import sys
import textwrap
import types

from .. import backend
from ..autograd import graph

PLAIN = (bool, int, float, str, type(None))
SHIPPED = {"minigrad", "numpy", *sys.stdlib_module_names}  # packages that the program imports from
LARGE = 256  # elements above which a tensor is written as bytes


def reproducer(call, function, inputs, options):
    """Return the program's text; a comment stands in it for a function whose source is not found.

    options: those of `gradcheck` that differ from their defaults.
    """
    if call != "gradcheck":
        return ""
    writer = Writer()
    arguments = [writer.value(x) for x in inputs]
    chosen = "".join(f", {name}={writer.value(value)}" for name, value in options.items())
    target = writer.value(function)
    lines = [*writer.imports, "", *writer.definitions]
    lines += [f"x{i} = {text}" for i, text in enumerate(arguments)]
    names = "".join(f"x{i}, " for i in range(len(arguments)))
    return "\n".join([*lines, f"gradcheck({target}, ({names.rstrip()}){chosen})"]) + "\n"


class Writer:
    """Writes expressions for values, and collects the imports and definitions that these need."""

    def __init__(self):
        self.imports = ["import minigrad as mg", "from minigrad.autograd import gradcheck"]
        self.definitions = []
        self.done = {"mg", "gradcheck"}

    def value(self, x):
        """Return an expression for `x`."""
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
            parts = [*map(self.value, (x.func, *x.args)), *(f"{k}={self.value(v)}" for k, v in x.keywords.items())]
            self.need("import functools")
            return f"functools.partial({', '.join(parts)})"
        if isinstance(x, types.MethodType) and isinstance(x.__self__, type):
            return f"{self.value(x.__self__)}.{x.__name__}"
        return self.defined(x)

    def tensor(self, x):
        """Return an expression for a tensor with exactly these elements, on its device."""
        device = backend.device_of(x.array)
        options = (f", device={device!r}" if device != "cpu" else "") + (", requires_grad=True" if x.requires_grad else "")
        array = backend.to_numpy(x.array)
        if array.size > LARGE or not array.size:
            self.need("import numpy as np")
            elements = f"np.frombuffer(bytes.fromhex({array.tobytes().hex()!r}), {array.dtype.name!r})"
            return f"mg.tensor({elements}.reshape({tuple(array.shape)}){options})"
        text = repr(array.tolist()).replace("nan", "mg.nan").replace("inf", "mg.inf")
        return f"mg.tensor({text}, dtype=mg.{array.dtype.name if array.dtype != bool else 'bool_'}{options})"

    def need(self, line):
        """Add an import to the program, once."""
        if line not in self.imports:
            self.imports.append(line)

    def defined(self, x):
        """Return a name for a function or class, which the program imports if that is possible, and else defines."""
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
        """Import a module under a name, and return the name."""
        self.need(f"import {x.__name__} as {name}" if x.__name__ != name else f"import {name}")
        return name

    def pasted(self, x):
        """Add the definition of `x`, and of whatever it refers to; return its name."""
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
        """Add a line that asks for the definition of `x`, whose source is not found; return its name."""
        name = getattr(x, "__name__", type(x).__name__)
        name = name if name.isidentifier() else "function"
        if name not in self.done:
            self.done.add(name)
            self.definitions.append(f"{name} = ...  # put your {name} here: its source was not found")
        return name

    def source_of(self, x, text):
        """Return `text`, the source of `x`, after adding definitions of everything that its names refer to."""
        try:
            used = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
        except SyntaxError:
            return self.unknown(x)
        space = _names(x)
        if inspect.isfunction(x):
            used -= set(x.__code__.co_varnames)  # its arguments and variables, whatever the module calls so
        for name in sorted(used & set(space)):
            value = space[name]
            if name not in self.done and value is not x:
                expression = self.module(value, name) if isinstance(value, types.ModuleType) else self.value(value)
                if expression != name:
                    self.definitions.append(f"{name} = {expression}")
                self.done.add(name)
        return text


def _found(module, name):
    """Return the object that `module.name` names now; None if there is none."""
    try:
        return functools.reduce(getattr, name.split("."), sys.modules[module])
    except (AttributeError, KeyError):
        return None


def _names(x):
    """Return {name: value} of the globals and the closure of a function, or of a class's methods."""
    candidates = [getattr(f, "__func__", f) for f in vars(x).values()] if isinstance(x, type) else [x]
    functions = [f for f in candidates if inspect.isfunction(f)]
    space: dict = {}
    for f in functions:
        space.update(f.__globals__)
    for f in functions:
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ()):
            with contextlib.suppress(ValueError):  # the cell is not filled yet
                space[name] = cell.cell_contents
    if isinstance(x, type):
        space.update({base.__name__: base for base in x.__bases__ if base is not object})
    return space


def _lambda_text(x):
    """Return the source of a lambda: of those on its line the one that compiles to the same code."""
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
    """Return what tells two lambdas on one line apart. A variable may be free in one compilation and global in the other."""
    constants = [c for c in code.co_consts if not isinstance(c, types.CodeType)]
    return sorted((*code.co_names, *code.co_freevars)), code.co_varnames, constants


def save(text, name):
    """Return None."""
    return None
