"""The program that repeats a failed check: it imports or defines the function, makes the inputs, and calls the check."""

from __future__ import annotations

import builtins
import collections
import contextlib
import copyreg
import dataclasses
import functools
import hashlib
import inspect
import keyword
import os
import pathlib
import re
import sys
import tempfile
import types
from typing import Any

from .. import backend
from ..backend.fuse.decorator import Fused
from . import elements, sources
from .elements import LARGE

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...))
LIBRARIES = {"minigrad", "numpy", "scipy", "torch", "jax", "jaxlib", "cupy", *sys.stdlib_module_names}  # the program imports from these
ALIASES = {"minigrad": "mg", "numpy": "np", "jax.numpy": "jnp", "cupy": "cp"}
PUBLIC = ("numpy", "torch", "torch.nn", "torch.nn.functional", "jax.numpy", "jax", "jax.nn", "jax.lax", "cupy")  # where names are looked for
USED_HERE = ("bytearray", "complex", "float", "frozenset", "object", "range", "set", "slice", "vars")  # builtins in what is written
LARGE_PROGRAM = 4000  # characters above which a program goes to a file
MOST_OBJECTS = 200  # objects inside one object, above which the program asks for it


def reproducer(call: str, function: Any, positional: Any, options: dict[str, Any]) -> str:
    """Return the program's text. What cannot be written stands in it as a name, and a comment asks for its value.

    call: the name of the check. function: what is checked, for `check_vjp` the pair (forward, backward). positional: the inputs.
    options: those of the check that differ from their defaults.
    """
    writer = Writer(call)
    functions = [writer.value(f) for f in (function if call == "check_vjp" else (function,))]
    keywords = "".join(f", {name}={writer.value(value)}" for name, value in options.items())
    inputs = []
    for i, x in enumerate(positional):
        text, name = writer.value(x), writer.unique(f"x{i}")
        writer.names[name] = x
        writer.remember(x, name)
        inputs.append((name, text))
    arguments = ", ".join(name for name, _ in inputs)
    if call == "gradcheck":
        arguments = f"({''.join(f'{name}, ' for name, _ in inputs).rstrip()})"
    lines = [*writer.lines(), *(f"{name} = {text}" for name, text in inputs)]
    parts = ", ".join([*functions, *([arguments] if arguments else [])])
    return "\n".join([*lines, f"{call}({parts}{keywords})"]) + "\n"


def save(text: str, name: str) -> pathlib.Path | None:
    """Write a large program to a new file and return its path; None for a text that is short, or if the folder cannot be written.

    The folder is MINIGRAD_GRADCHECK_DIR, or minigrad-gradcheck among the temporary files. The same program is written once.
    """
    if len(text) <= LARGE_PROGRAM:
        return None
    data = text.encode("utf-8", "backslashreplace")
    given = os.environ.get("MINIGRAD_GRADCHECK_DIR")
    folder = pathlib.Path(given or pathlib.Path(tempfile.gettempdir()) / "minigrad-gradcheck")
    stem = f"{re.sub(r'[^A-Za-z0-9_]+', '_', name).strip('_')[:60] or 'function'}_{hashlib.sha256(data).hexdigest()[:12]}"
    try:
        folder.mkdir(mode=0o777 if given else 0o700, parents=True, exist_ok=True)
        if not given and folder.stat().st_uid != os.getuid():
            return None  # someone else's, who could change what is written there
        return _write_new(folder, stem, data)
    except OSError:
        return None


def _write_new(folder, stem, data):
    """Write bytes to a file that does not exist yet, or find the one that holds them; the file appears when it is complete."""
    handle, temporary = tempfile.mkstemp(prefix=".", dir=folder)
    try:
        with open(handle, "wb") as file:
            file.write(data)
        for number in range(1, 1000):
            path = folder / (f"{stem}.py" if number == 1 else f"{stem}_{number}.py")
            try:
                os.link(temporary, path)
                return path
            except FileExistsError:
                if path.is_file() and path.read_bytes() == data:
                    return path
        return None
    finally:
        os.unlink(temporary)


class TooManyError(Exception):
    """Raised where an object holds more objects than a program should."""


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
        except TooManyError:
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
        for define in (self.named, self.rebuilt):
            text = define(x, name)
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
        if id(x) in self.open:
            raise ValueError("it contains itself")
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
        if isinstance(x, tuple) and hasattr(kind, "_fields") and kind.__new__ is not tuple.__new__:
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
            known = x.isnative and sources.by_name("minigrad", "bool_" if x.name == "bool" else x.name)
            if "mg" in self.names and known is x:
                return f"mg.{'bool_' if x.name == 'bool' else x.name}"
            return f"{self.library('numpy')}.dtype({elements.dtype_text(self, x)})" if x.names is None else None
        if kind.__module__ == "numpy" and hasattr(x, "dtype") and type(x.item()) in PLAIN:
            return f"{self.library('numpy')}.{kind.__name__}({self.value(x.item())})"
        if kind.__module__ == "torch" and kind.__name__ in ("dtype", "layout", "memory_format", "device"):
            return f"{self.library('torch')}.{repr(x).removeprefix('torch.')}"
        return None

    def made(self, x: Any) -> str | None:
        """Return an expression for a partial function, or for a method of a class or object."""
        if isinstance(x, functools.partial):
            parts = [*map(self.value, (x.func, *x.args)), *(f"{k}={self.value(v)}" for k, v in x.keywords.items())]
            return f"{self.library('functools')}.partial({', '.join(parts)})"
        if isinstance(x, types.MethodType):
            if getattr(x.__self__, x.__func__.__name__, None) == x:
                return f"{self.value(x.__self__)}.{x.__func__.__name__}"
            return f"{self.library('types')}.MethodType({self.value(x.__func__)}, {self.value(x.__self__)})"
        if hasattr(x, "__objclass__") and getattr(x.__objclass__, x.__name__, None) is x:
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
        return next(n for n in (name, *(f"{name}_{i}" for i in range(1, 10**6))) if n not in self.names and not hasattr(builtins, n))

    def remember(self, x: Any, text: str, depth: int = 3) -> None:
        """Note that the program has `x`, and what is in it, under an expression, so that what is shared stays shared."""
        if type(x) in PLAIN or isinstance(x, (types.ModuleType, types.BuiltinFunctionType)):
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

    def unknown(self, x: Any, name: str = "") -> str:
        """Add a line that asks for the value of `x`, and return the name that it has there."""
        own = getattr(type(x), "__name__", "value")
        with contextlib.suppress(Exception):
            own = x.__name__ if isinstance(x.__name__, str) else own
        is_code = isinstance(x, type) or callable(x)
        if not name or self.names.get(name, self) is not x:
            name = self.unique(own if own.isidentifier() else "function" if is_code else "value")
            self.names[name] = x
        self.bound[id(x)] = (x, name)
        self.ask(name, "its source was not found" if is_code else "it cannot be written here")
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
        comment = "" if is_installed(path) else "  # your module: run this program where Python finds it"
        self.need((f"import {path} as {name}" if path != name else f"import {name}") + comment)
        return name

    def library(self, path: str) -> str:
        """Return an expression for a module, which the program imports."""
        module, base = sys.modules.get(path) or __import__(path), path.partition(".")[0]
        for name, value in self.names.items():
            if value is module:
                self.module(module, name)
                return name
        if path in ALIASES or path == base:
            text = self.module(module, ALIASES.get(path, path))
        elif self.names.setdefault(base, sys.modules[base]) is sys.modules[base]:
            self.need(f"import {path}")
            text = path
        else:
            text = self.module(module, path.replace(".", "_"))
        self.settings(base)
        return text

    def settings(self, base: str) -> None:
        """Repeat the settings of a library that change what its functions compute."""
        if base == "torch" and (default := sys.modules["torch"].get_default_dtype()) is not sys.modules["torch"].float32:
            self.set_up(f"{self.library('torch')}.set_default_dtype({self.value(default)})")
        if base == "jax" and sys.modules["jax"].config.jax_enable_x64:
            self.set_up(f'{self.library("jax")}.config.update("jax_enable_x64", True)')
        if base == "minigrad" and backend.get_default_dtype() != backend.float32:
            self.set_up(f"{self.library('minigrad')}.set_default_dtype({backend.get_default_dtype().name!r})")

    def imported(self, x: Any) -> str | None:
        """Return an expression for a function or class that the program can import; None if it cannot."""
        module, name, short = (getattr(x, key, None) for key in ("__module__", "__qualname__", "__name__"))
        for path in PUBLIC if isinstance(short, str) else ():
            if path in sys.modules and vars(sys.modules[path]).get(short) is x:
                return f"{self.library(path)}.{short}"
        if not isinstance(module, str) or not is_installed(module) or sources.by_name(module, name) is not x:
            return None
        top = name.partition(".")[0]
        first = sources.by_name(module, top)
        if self.names.setdefault(top, first) is first:
            if module != "builtins":
                self.need(f"from {module} import {top}")
            return name
        alias = self.unique(top)
        self.names[alias] = first
        self.need(f"from {module} import {top} as {alias}")
        return alias + name[len(top):]

    # ---- functions and classes

    def named(self, x: Any, name: str) -> str | None:
        """Return a name for a module, function or class, which the program imports if that is possible, and else defines."""
        if isinstance(x, types.ModuleType):
            return self.module(x, name or x.__name__.rpartition(".")[2])
        text = self.imported(x)
        if text is not None:
            return text
        if isinstance(x, type):
            return self.class_named(x)
        steps = sources.chain(x)
        raw = steps[-1]
        if not isinstance(raw, types.FunctionType):
            return None
        if len(steps) > 1:
            return self.wrapped(x, steps)
        if x.__name__ == "<lambda>":
            return self.lambda_text(x, name)
        home = sources.owner(raw)
        if home is not None:
            return f"{self.value(home)}.{x.__name__}"
        return self.own_text(x)

    def own_text(self, x: types.FunctionType) -> str | None:
        """Add a function's definition without its decorators, which made something else of it."""
        if is_installed(x.__module__):
            return self.attempt(self.pasted, x, sources.of_function(x, False, self.default))
        return self.pasted(x, sources.of_function(x, False, self.default))

    def class_named(self, x: type) -> str | None:
        """Add the definition of a class."""
        source = sources.of_class(x)
        if source is None and issubclass(x, tuple) and hasattr(x, "_fields"):
            named = f"{self.library('collections')}.namedtuple({x.__name__!r}, {self.value(list(x._fields))}"
            defaults = f", defaults={self.value(tuple(x._field_defaults.values()))}" if x._field_defaults else ""
            source = sources.Source(f"{x.__name__} = {named}{defaults})", x.__name__, 0, {}, [], False)
        return self.pasted(x, source)

    def default(self, x: Any) -> str | None:
        """Return an expression for the default of an argument; None if it cannot be written."""
        return self.attempt(self.value, x)

    def lambda_text(self, x: types.FunctionType, name: str) -> str | None:
        """Return a lambda's text. One that calls itself gets a definition."""
        source = sources.of_lambda(x, self.default)
        if source is None:
            return None
        itself = [n for n, v in source.needed.items() if v is x and n != name]
        if itself and self.names.setdefault(itself[0], x) is x:
            self.bound[id(x)] = (x, itself[0])
        passed = self.surroundings(source, x)
        text = f"(lambda {', '.join(passed)}: {source.text})({', '.join(passed.values())})" if passed else source.text
        if id(x) in self.bound:
            self.definitions.append(f"{itself[0]} = {text}")
            return itself[0]
        return text

    def pasted(self, x: Any, source: sources.Source | None) -> str | None:
        """Add the definition of `x`, and of whatever it refers to; return its name, which is another one if its own is taken."""
        if source is None:
            return None
        own, text = source.name, source.text.rstrip() + "\n"
        free = own not in self.names or _same(self.names[own], x)
        name = own if free else self.unique(own)
        self.names[name] = x
        self.bound[id(x)] = (x, name)
        passed = self.surroundings(source, x)
        self.future |= source.future
        if passed or not free:
            moved, make = sources.indented(text), self.unique(f"make_{own}")
            if moved is None:
                return None
            text = f"def {make}({', '.join(passed)}):\n{moved}    return {own}\n\n\n{name} = {make}({', '.join(passed.values())})\n"
            self.names[make] = None
        self.definitions.append(text)
        return name

    def surroundings(self, source: sources.Source, x: Any) -> dict[str, str]:
        """Define what a text uses, each under its name; return {name: expression} where the program has something else of that name."""
        passed = {}
        for name, value in source.needed.items():
            if name == source.name and sources.chain(value)[-1] is sources.chain(x)[-1]:
                continue
            if not self.bind(name, value):
                passed[name] = self.value(value)
        for name in source.missing:
            if name not in self.names:
                self.names[name] = None
                self.ask(name, "its value was not found")
        return passed

    def wrapped(self, x: Any, steps: list[Any]) -> str | None:
        """Return a name or expression for what decorators, or functions used like these, made of a function."""
        raw, inner, kind = steps[-1], steps[1], type(x).__name__
        if raw.__name__ != "<lambda>":
            source = sources.of_function(raw, True, self.default)
            top = sources.by_name(raw.__module__, raw.__qualname__)
            if source is not None and source.decorators >= len(steps) - 1 and x not in sources.chain(top)[1:]:
                return self.rules(x, self.pasted(x, source))
        if kind == "PjitFunction":
            return f"{self.library('jax')}.jit({self.value(inner)}{self.jit_options(x)})"
        if kind in ("custom_vjp", "custom_jvp"):
            more = f", nondiff_argnums={self.value(tuple(x.nondiff_argnums))}" if x.nondiff_argnums else ""
            name = self.unique(getattr(raw, "__name__", kind))
            self.names[name], self.bound[id(x)] = x, (x, name)
            self.definitions.append(f"{name} = {self.library('jax')}.{kind}({self.value(inner)}{more})")
            return self.rules(x, name)
        if isinstance(x, Fused):
            return f"{self.library('minigrad')}.backend.fuse({self.value(inner)}{', reduce=True' if x.reduce else ''})"
        if hasattr(x, "raw") and hasattr(x, "promotes"):
            given = {"promote": x.promotes, "product": x.product, "wide": x.wide, "steps": x.steps}
            more = "".join(f", {key}=True" for key, value in given.items() if value)
            return f"{self.library('minigrad')}.autograd.op({self.value(inner)}{more})"
        if kind == "_lru_cache_wrapper":
            return f"{self.library('functools')}.cache({self.value(inner)})"
        return self.own_text(x) if isinstance(x, types.FunctionType) else None

    def rules(self, x: Any, name: str | None) -> str | None:
        """Add the call that gives a function of JAX its derivative; return the name."""
        if name is not None and type(x).__name__ == "custom_vjp" and x.fwd is not None:
            self.definitions.append(f"{name}.defvjp({self.value(x.fwd)}, {self.value(x.bwd)})")
        if name is not None and type(x).__name__ == "custom_jvp" and x.jvp is not None:
            self.definitions.append(f"{name}.defjvp({self.value(x.jvp)})")
        return name

    def jit_options(self, x: Any) -> str:
        """Return the static arguments of a compiled function of JAX, as keyword arguments of `jax.jit`."""
        info = getattr(x, "_jit_info", None)
        given = {key: getattr(info, key, None) for key in ("static_argnums", "static_argnames")}
        return "".join(f", {key}={self.value(value)}" for key, value in given.items() if value)

    # ---- objects

    def rebuilt(self, x: Any, name: str) -> str | None:
        """Define an object by its class and attributes, without calling its `__init__`; return its name."""
        if isinstance(x, (type, types.FunctionType, types.BuiltinFunctionType)):
            return None
        mark, outermost, self.objects = self.mark(), not self.objects, self.objects + 1
        try:
            if self.objects > MOST_OBJECTS:
                raise TooManyError
            torch = sys.modules.get("torch")
            if torch is not None and isinstance(x, torch.nn.Module):
                return self.torch_module(x, name, torch)
            return self.from_parts(x, name)
        except TooManyError:
            if not outermost:
                raise
            self.back(mark)
            return None
        finally:
            if outermost:
                self.objects = 0

    def target(self, x: Any, name: str) -> str:
        """Return the name for an object that is to be defined: the given one if that is its own, else one like its class."""
        if not name or self.names.get(name, self) is not x:
            name = self.unique(type(x).__name__.lower())
            self.names[name] = x
        self.bound[id(x)] = (x, name)
        return name

    def from_parts(self, x: Any, name: str) -> str | None:
        """Define an object by what `pickle` would store of it."""
        make, arguments, state, items, pairs = (*x.__reduce_ex__(2), None, None, None)[:5]
        kind, name = type(x), self.target(x, name)
        if make is copyreg.__newobj__ and arguments == (kind,) and not hasattr(kind, "__del__") and _is_plain_class(kind):
            self.definitions.append(f"{name} = object.__new__({self.value(kind)})")
        elif make is copyreg.__newobj__:
            self.definitions.append(f"{name} = {self.value(kind)}.__new__({', '.join(map(self.value, arguments))})")
        else:
            del self.bound[id(x)]  # what made it cannot contain it
            text = f"{self.value(make)}({', '.join(map(self.value, arguments))})"
            self.bound[id(x)] = (x, name)
            self.definitions.append(f"{name} = {text}")
        if items is not None and (items := list(items)):
            self.definitions.append(f"{name}.extend({self.value(items)})")
        if pairs is not None and (pairs := dict(pairs)):
            self.definitions.append(f"{name}.update({self.value(pairs)})")
        if state is not None and hasattr(x, "__setstate__"):
            self.definitions.append(f"{name}.__setstate__({self.value(state)})")
        elif state is not None:
            attributes, slots = state if isinstance(state, tuple) else (state, {})
            self.attributes(x, name, attributes or {})
            for key, value in (slots or {}).items():
                self.definitions.append(f"object.__setattr__({name}, {key!r}, {self.value(value)})")
        return name

    def attributes(self, x: Any, name: str, values: dict[str, Any]) -> None:
        """Define attributes of an object, past its class's own `__setattr__`. A base class of networks prepares the object itself."""
        nn = sys.modules.get("minigrad.nn")
        if nn is not None and isinstance(x, nn.Module):
            self.module_parts(x, name, f"{self.library('minigrad')}.nn.Module", nn.Module())
            return
        if values:
            self.definitions.append(f"vars({name}).update({self.value(values)})")
        for key, value in values.items():
            if isinstance(key, str) and key.isidentifier():
                self.remember(value, f"{name}.{key}")

    def module_parts(self, x: Any, name: str, base: str, fresh: Any) -> None:
        """Define the parts and attributes of a network's module where they differ from those of a new Module."""
        self.definitions.append(f"{base}.__init__({name})")
        tables, own = ("_parameters", "_buffers", "_modules"), vars(fresh)
        for table in tables:
            for key, part in getattr(x, table).items():
                self.definitions.append(f"{name}.{table}[{key!r}] = {self.value(part)}")
                self.remember(part, f"{name}.{table}[{key!r}]")
        changed = {key: value for key, value in vars(x).items() if key not in tables and (key not in own or _differ(value, own[key]))}
        if changed:
            self.definitions.append(f"vars({name}).update({self.value(changed)})")
            for key, value in changed.items():
                self.remember(value, f"{name}.{key}")

    def torch_module(self, x: Any, name: str, torch: Any) -> str | None:
        """Define a module of PyTorch: by its class's arguments where these tell all of it, and else by its parts."""
        text = self.attempt(self.constructor, x, torch)
        name = self.target(x, name)
        if text is None or not _tells_all(x, torch):
            self.definitions.append(f"{name} = object.__new__({self.value(type(x))})")
            self.module_parts(x, name, f"{self.library('torch')}.nn.Module", torch.nn.Module())
            return name
        self.definitions.append(f"{name} = {text}")
        state = x.state_dict(keep_vars=True)
        if state:
            values = ", ".join(f"{key!r}: {self.value(value.detach())}" for key, value in state.items())
            self.definitions.append(f"{name}.load_state_dict({{{values}}}, assign=True)")
        for key, value in x.named_parameters():
            self.remember(value, f"{name}.get_parameter({key!r})")
        if not x.training:
            self.definitions.append(f"{name}.eval()")
        return name

    def constructor(self, x: Any, torch: Any) -> str | None:
        """Return the call that makes a module of PyTorch's own classes with other values in its parameters; None if it is not known."""
        kind, nn = type(x), f"{self.library('torch')}.nn"
        if vars(torch.nn).get(kind.__name__) is not kind:
            return None
        if kind is torch.nn.Sequential and list(x._modules) == [str(i) for i in range(len(x))]:
            inner = [self.constructor(child, torch) for child in x]
            return None if None in inner else f"{nn}.Sequential({', '.join(map(str, inner))})"
        return None if x._modules else f"{nn}.{x!r}"


# ---- looking at values


def in_order(blocks: list[str]) -> list[str]:
    """Return definitions in their order, except that each follows those that it needs when it is executed."""
    stored, needed = [], []
    for text in blocks:
        code = compile(text, "<definition>", "exec", dont_inherit=True)
        used = sources.names_used(code)
        stored.append({i for i in code.co_names if f"{i}" not in used} & _names_stored(code))
        needed.append({name for name, at_once in used.items() if at_once})
    left, done, found = list(range(len(blocks))), set(), []  # type: ignore[var-annotated]
    while left:
        waiting = set().union(*(stored[i] for i in left))
        ready = next((i for i in left if not (needed[i] - done) & (waiting - stored[i])), left[0])
        left.remove(ready)
        done |= stored[ready]
        found.append(blocks[ready])
    return found


def is_installed(module: str) -> bool:
    """Return whether a module belongs to Python or to a package that is installed, not to the user's own files."""
    top = module.partition(".")[0]
    file = getattr(sys.modules.get(top), "__file__", None) or ""
    return top in LIBRARIES or not {"site-packages", "dist-packages"}.isdisjoint(pathlib.Path(file).parts)


def _names_stored(code):
    import dis

    return {i.argval for i in dis.get_instructions(code) if i.opname == "STORE_NAME"}


def _same(a, b):
    return a is b or (type(a) is type(b) and type(a) in PLAIN and repr(a) == repr(b))


def _differ(a, b):
    """Return whether two attributes of modules differ; True for values that cannot be compared."""
    return type(a) is not type(b) or type(a) not in (*PLAIN, dict, set, list, tuple, collections.OrderedDict) or not a == b


def _is_plain_class(kind):
    try:
        object.__new__(kind)
    except TypeError:
        return False
    return True


def _tells_all(x, torch):
    """Return whether a module of PyTorch is one that its printed form makes again, with its parameters and attributes."""
    if len({m.training for m in x.modules()}) > 1 or not all(p.requires_grad for p in x.parameters()):
        return False
    if len(list(x.named_parameters(remove_duplicate=False))) != len(list(x.parameters())):
        return False
    with torch.device("meta"), contextlib.suppress(Exception):
        again = eval(_printed(x, torch), {"torch": torch}).train(x.training)
        return all(map(_alike, x.modules(), again.modules())) and len(list(x.modules())) == len(list(again.modules()))
    return False


def _printed(x, torch):
    return f"torch.nn.Sequential({', '.join(_printed(c, torch) for c in x)})" if type(x) is torch.nn.Sequential else f"torch.nn.{x!r}"


def _alike(a, b):
    """Return whether two modules have parameters and buffers of the same names and shapes, and the same attributes."""
    if type(a) is not type(b) or vars(a).keys() != vars(b).keys():
        return False
    for table in ("_parameters", "_buffers"):
        shapes = [{key: part is not None and part.shape for key, part in getattr(m, table).items()} for m in (a, b)]
        if shapes[0] != shapes[1]:
            return False
    parts = ("_parameters", "_buffers", "_modules")
    return not any(_differ(value, vars(b)[key]) for key, value in vars(a).items() if key not in parts)
