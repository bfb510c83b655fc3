"""The Writer of a program: expressions for values, and the imports and definitions that these need."""

from __future__ import annotations

import builtins
import collections
import contextlib
import dataclasses
import enum
import functools
import importlib
import itertools
import keyword
import sys
import types
from typing import Any

from ... import backend
from . import elements, functions, objects, sources
from .elements import LARGE

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...))
ALIASES = {"minigrad": "mg", "numpy": "np", "jax.numpy": "jnp", "cupy": "cp"}
DEEPEST = 50  # levels of nested containers, below which the program asks for what is there
USED_HERE = ("bytearray", "complex", "float", "frozenset", "object", "range", "set", "slice", "vars")  # builtins in what is written


class Writer:
    """Writes expressions for values, and collects the imports and definitions that these need.

    names: {name in the program: what it stands for}. bound: {id: (a value, the expression under which the program has it already)}.
    definitions: texts of one or several lines, in the order in which they were written. asked: the names that a comment asks for.
    """

    def __init__(self, call: str = "gradcheck") -> None:
        self.imports: list[str] = []
        self.setup: list[str] = []
        self.definitions: list[str] = []
        self.asked: list[str] = []
        self.names: dict[str, Any] = {name: getattr(builtins, name) for name in USED_HERE}
        self.bound: dict[int, tuple[Any, str]] = {}
        self.open: list[int] = []  # ids of the containers that are being written
        self.objects = 0  # objects written inside the outermost one that is being written
        self.future = False
        if call == "gradcheck":
            self.library("minigrad")
        self.imports.append(f"from minigrad.testing import {call}")
        self.names[call] = sources.by_name("minigrad.testing", call)

    def lines(self) -> list[str]:
        """Return the program up to the inputs."""
        future = ["from __future__ import annotations"] if self.future else []
        return [*future, *self.imports, *self.setup, "", *in_order(self.definitions)]

    # ---- values

    def value(self, x: Any, name: str = "") -> str:
        """Return an expression for `x`. If it needs a definition of its own, that has the given name."""
        mark = self.mark()
        try:
            text = self.expression(x, name)
        except objects.TooManyError:
            raise
        except Exception:  # whatever goes wrong with an unusual value, the program is written and asks for it
            self.back(mark)
            text = None
        return self.unknown(x, name) if text is None else text

    def expression(self, x: Any, name: str) -> str | None:
        """Return an expression for `x`; None if it cannot be written."""
        if type(x) in PLAIN:
            return self.plain(x)
        if id(x) in self.bound:
            return self.bound[id(x)][1]
        for write in (self.container, self.array, self.constant, self.made):
            text = write(x)
            if text is not None:
                return text
        for define in (functions.expression, objects.expression):
            text = define(self, x, name)
            if text is not None:
                return text
        return None

    def plain(self, x: Any) -> str:
        """Return an expression for a number, a text, bytes, None or `...`."""
        if type(x) is float and (x != x or x in (float("inf"), -float("inf"))):
            return f'float("{x}")'
        if type(x) is complex:
            return f"complex({self.plain(x.real)}, {self.plain(x.imag)})"
        if type(x) is bytes and len(x) > LARGE:
            elements.check_size(len(x))
            return elements.encoded(self, x)
        return "..." if x is ... else repr(x)

    def container(self, x: Any) -> str | None:
        """Return an expression for a tuple, list, dict, set, slice, range, named tuple or dataclass."""
        if id(x) in self.open or len(self.open) > DEEPEST:
            raise ValueError("it contains itself, or Python's parser might refuse what is nested so deeply")
        self.open.append(id(x))
        try:
            return self.contents(x)
        finally:
            self.open.pop()

    def contents(self, x: Any) -> str | None:
        """Return the expression of `container`."""
        kind = type(x)
        if kind is dict:
            return "{" + ", ".join(f"{self.value(k)}: {self.value(v)}" for k, v in x.items()) + "}"
        if kind in (tuple, list, set, frozenset):
            inner = ", ".join(map(self.value, x))
            if kind is list:
                return f"[{inner}]"
            if kind is tuple:
                return f"({inner},)" if len(x) == 1 else f"({inner})"
            return f"frozenset([{inner}])" if kind is frozenset else f"{{{inner}}}" if x else "set()"
        if kind in (slice, range):
            return f"{kind.__name__}({self.value(x.start)}, {self.value(x.stop)}, {self.value(x.step)})"
        if isinstance(x, tuple) and hasattr(kind, "_fields"):
            return f"{self.value(kind)}({', '.join(map(self.value, x))})"
        if "__dataclass_params__" in vars(kind) and kind.__dataclass_params__.init and not hasattr(kind, "__post_init__"):
            fields = dataclasses.fields(x)
            if all(f.init for f in fields) and [f.name for f in fields] == list(getattr(x, "__dict__", {})):
                return f"{self.value(kind)}({', '.join(f'{f.name}={self.value(getattr(x, f.name))}' for f in fields)})"
        return None

    def array(self, x: Any) -> str | None:
        """Return an expression for an array or tensor of any library, after the settings that its library needs."""
        text = elements.expression(self, x)
        if text is not None and (jax := sys.modules.get("jax")) is not None and isinstance(x, jax.Array) and x.dtype.itemsize >= 8:
            self.set_up(f'{self.library("jax")}.config.update("jax_enable_x64", True)')
        return text

    def constant(self, x: Any) -> str | None:
        """Return an expression for a dtype, a device or a number of an array library."""
        kind = type(x)
        if isinstance(x, backend.device):
            return f"{self.library('minigrad')}.device({str(x)!r})"
        if isinstance(x, backend.dtype):
            name = "bool_" if x.name == "bool" else x.name
            if "mg" in self.names and sources.by_name("minigrad", name) is x:
                return f"{self.library('minigrad')}.{name}"
            return f"{self.library('numpy')}.dtype({elements.dtype_text(self, x)})"
        if isinstance(x, backend.NumPyScalar) and type(x.item()) in PLAIN:
            return f"{self.library('numpy')}.{kind.__name__}({self.value(x.item())})"
        if kind.__module__ == "torch" and kind.__name__ in ("dtype", "layout", "memory_format", "device"):
            return f"{self.library('torch')}.{repr(x).removeprefix('torch.')}"
        return None

    def made(self, x: Any) -> str | None:
        """Return an expression for a partial function, a method of a class or object, or a member of an Enum."""
        if isinstance(x, functools.partial):
            parts = [*map(self.value, (x.func, *x.args)), *(f"{k}={self.value(v)}" for k, v in x.keywords.items())]
            return f"{self.library('functools')}.partial({', '.join(parts)})"
        if isinstance(x, types.MethodType):
            if getattr(x.__self__, x.__func__.__name__, None) == x:
                return f"{self.value(x.__self__)}.{x.__func__.__name__}"
            return f"{self.library('types')}.MethodType({self.value(x.__func__)}, {self.value(x.__self__)})"
        if isinstance(x, enum.Enum) and x.name in type(x).__members__:
            return f"{self.value(type(x))}.{x.name}"
        if isinstance(x, (types.MethodDescriptorType, types.WrapperDescriptorType)):
            return f"{self.value(x.__objclass__)}.{x.__name__}"
        return None

    # ---- names

    def bind(self, name: str, x: Any) -> bool:
        """Make `name` mean `x` in the program; return False if it means something else there."""
        if name in self.names:
            return _same(self.names[name], x)
        self.names[name] = x
        if getattr(builtins, name, self) is not x:
            text = self.module(x, name) if isinstance(x, types.ModuleType) else self.value(x, name)
            if text != name:
                self.definitions.append(f"{name} = {text}")
            self.remember(x, name)
        return True

    def unique(self, name: str) -> str:
        """Return the name, or one with a number if it is taken."""
        name = name if name.isidentifier() and not keyword.iskeyword(name) else "value"
        numbered = itertools.chain([name], (f"{name}_{i}" for i in itertools.count(1)))
        return next(n for n in numbered if n not in self.names and not hasattr(builtins, n))

    def remember(self, x: Any, text: str, depth: int = 3) -> None:
        """Note that the program has `x`, and what is in it, under an expression, so that what is shared stays shared."""
        if type(x) in PLAIN or isinstance(x, (types.ModuleType, types.BuiltinFunctionType, backend.dtype, backend.device)):
            return
        if type(x) is not tuple:
            self.bound.setdefault(id(x), (x, text))
        if depth and type(x) in (tuple, list, dict) and len(x) <= 1000:
            for key, part in x.items() if type(x) is dict else enumerate(x):
                if type(key) in (int, str):
                    self.remember(part, f"{text}[{key!r}]", depth - 1)

    def mark(self) -> tuple[int, ...]:
        """Return how much has been written."""
        return tuple(map(len, (self.imports, self.setup, self.definitions, self.asked, self.names, self.bound, self.open)))

    def back(self, mark: tuple[int, ...]) -> None:
        """Forget what has been written since `mark`."""
        for part, length in zip((self.imports, self.setup, self.definitions, self.asked, self.open), (*mark[:4], mark[6])):
            del part[length:]  # type: ignore[attr-defined]
        for table, length in ((self.names, mark[4]), (self.bound, mark[5])):
            while len(table) > length:
                table.popitem()

    def attempt(self, write: Any, *arguments: Any) -> str | None:
        """Return what `write` returns; None, as if nothing had been written, if a comment would have to ask for something."""
        mark = self.mark()
        text = write(*arguments)
        if text is None or len(self.asked) > mark[3]:
            self.back(mark)
            return None
        return text

    def default(self, x: Any) -> str | None:
        """Return an expression for the default of an argument; None if it cannot be written."""
        return self.attempt(self.value, x)

    def unknown(self, x: Any, name: str = "") -> str:
        """Add a line that asks for the value of `x`, and return the name that it has there."""
        own = type(x).__name__
        with contextlib.suppress(Exception):
            own = x.__name__ if x.__name__.isidentifier() else own
        if not name or self.names.get(name, self) is not x:
            name = self.unique(own)
            self.names[name] = x
        self.bound[id(x)] = (x, name)
        self.ask(name, "its source was not found" if callable(x) else "it cannot be written here")
        return name

    def ask(self, name: str, reason: str) -> None:
        """Add a line that asks for what `name` stands for."""
        self.asked.append(name)
        self.definitions.append(f"{name} = ...  # put your {name} here: {reason}")

    # ---- imports

    def need(self, line: str) -> None:
        """Add an import to the program, once."""
        if line not in self.imports:
            self.imports.append(line)

    def set_up(self, line: str) -> None:
        """Add a line that follows the imports, once."""
        if line not in self.setup:
            self.setup.append(line)

    def module(self, x: types.ModuleType, name: str) -> str:
        """Import a module under a name, or another one if the name is taken; return that."""
        path = x.__name__
        if sys.modules.get(path) is not x or path == "__main__" or not all(map(str.isidentifier, path.split("."))):
            return self.unknown(x, name)
        if self.names.get(name) is not x:
            name = self.unique(name)
            self.names[name] = x
        comment = "" if sources.is_installed(path) else "  # your module: run this program where Python finds it"
        self.need((f"import {path} as {name}" if path != name else f"import {name}") + comment)
        base = path.partition(".")[0]
        if base == path:
            self.settings(path, name)
        elif base in ("jax", "torch", "minigrad"):
            self.library(base)
        return name

    def library(self, path: str) -> str:
        """Return an expression for a module, which the program imports."""
        module, (base, _, rest) = importlib.import_module(path), path.partition(".")
        for name, value in self.names.items():
            if value is module:
                return self.module(module, name)
        if rest and path not in ALIASES:
            return f"{self.library(base)}.{rest}"
        return self.module(module, ALIASES.get(path, path))

    def settings(self, library: str, name: str) -> None:
        """Repeat the settings of a library, imported as `name`, that change what its functions compute."""
        if library == "torch" and (dtype := sys.modules["torch"].get_default_dtype()) is not sys.modules["torch"].float32:
            self.set_up(f"{name}.set_default_dtype({name}.{str(dtype).partition('.')[2]})")
        if library == "jax" and sys.modules["jax"].config.jax_enable_x64:
            self.set_up(f'{name}.config.update("jax_enable_x64", True)')
        if library == "minigrad" and backend.get_default_dtype() != backend.float32:
            self.set_up(f"{name}.set_default_dtype({backend.get_default_dtype().name!r})")


def in_order(blocks: list[str]) -> list[str]:
    """Return definitions in their order, except that each follows those that it needs when it is executed."""
    codes = [compile(text, "<definition>", "exec", dont_inherit=True) for text in blocks]
    needed = [{name for name, at_once in sources.names_used(code).items() if at_once} for code in codes]
    stored = [sources.names_stored(code) for code in codes]
    waiting = collections.Counter(name for names in stored for name in names)
    left, found = list(range(len(blocks))), []
    while left:
        ready = next((i for i in left if not any(waiting[name] > (name in stored[i]) for name in needed[i])), left[0])
        left.remove(ready)
        waiting.subtract(stored[ready])
        found.append(blocks[ready])
    return found



def _same(a, b):
    """Return whether a name may stand for both values."""
    return a is b or (type(a) is type(b) and type(a) in PLAIN and repr(a) == repr(b))
