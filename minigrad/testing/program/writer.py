"""The Writer of a program: expressions for values, and the imports and definitions that these need."""

from __future__ import annotations

import builtins
import contextlib
import copyreg
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
from . import elements, sources

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...))
ALIASES = {"minigrad": "mg", "numpy": "np", "jax.numpy": "jnp", "cupy": "cp"}
PUBLIC = ("numpy", "torch", "torch.nn", "torch.nn.functional", "jax.numpy", "jax", "jax.nn", "jax.lax", "cupy")  # which names are known in
RULES = {"custom_vjp": ("defvjp", "fwd", "bwd"), "custom_jvp": ("defjvp", "jvp")}  # how functions of JAX get their derivatives
USED_HERE = ("bytearray", "complex", "float", "object", "set", "slice", "range", "frozenset", "vars")  # builtins in what is written


class Writer:
    """Writes expressions for values, and collects the imports and definitions that these need.

    names: {name in the program: what it stands for}. bound: {id: (a value, the expression under which the program has it already)}.
    A function whose text uses a name that already stands for something else in the program is asked for.
    """

    def __init__(self, call: str = "gradcheck") -> None:
        self.imports: list[str] = []
        self.definitions: list[str] = []
        self.names: dict[str, Any] = {name: getattr(builtins, name) for name in USED_HERE}
        self.bound: dict[int, tuple[Any, str]] = {}
        self.future = False
        if call == "gradcheck":
            self.library("minigrad")
        self.need(f"from minigrad.testing import {call}")
        self.names[call] = sources.by_name("minigrad.testing", call)

    def lines(self) -> list[str]:
        """Return the program up to the inputs."""
        future = ["from __future__ import annotations"] if self.future else []
        return [*future, *self.imports, "", *self.definitions]

    # ---- values

    def value(self, x: Any) -> str:
        """Return an expression for `x`."""
        if id(x) in self.bound:
            return self.bound[id(x)][1]
        before = self.imports.copy(), self.definitions.copy(), self.names.copy(), self.bound.copy()
        try:
            text = self.expression(x)
        except Exception:  # whatever goes wrong with an unusual value, the program is written and asks for it
            self.imports[:], self.definitions[:], (self.names, self.bound) = before[0], before[1], before[2:]
            text = None
        return self.unknown(x) if text is None else text

    def expression(self, x: Any) -> str | None:
        """Return an expression for `x`; None if it cannot be written."""
        if isinstance(x, types.ModuleType):
            return self.module(x, x.__name__.rpartition(".")[2])
        text = self.plain(x) or self.container(x) or elements.expression(self, x) or self.constant(x) or self.imported(x)
        if text is not None:
            return text
        if isinstance(x, type):
            return self.define(x, x.__name__, sources.of_class(x))
        if sources.owner(x) is not None:
            return f"{self.value(sources.owner(x))}.{x.__name__}"
        return self.decorated(x) or self.function(x) or self.made(x)

    def plain(self, x: Any) -> str | None:
        """Return an expression for a number, a text, bytes, None or `...`."""
        if type(x) is float and (x != x or x in (float("inf"), -float("inf"))):
            return f'float("{x}")'
        if type(x) is complex:
            return f"complex({self.plain(x.real)}, {self.plain(x.imag)})"
        if type(x) is bytes and len(x) > elements.LARGE:
            return elements.encoded(self, x)
        return "..." if x is ... else repr(x) if type(x) in PLAIN else None

    def container(self, x: Any) -> str | None:
        """Return an expression for a tuple, list, dict, set, slice, range, named tuple or dataclass."""
        kind = type(x)
        if kind is dict:
            return "{" + ", ".join(f"{self.value(k)}: {self.value(v)}" for k, v in x.items()) + "}"
        if kind in (tuple, list, set, frozenset):
            inner = ", ".join(map(self.value, x))
            if kind is tuple:
                return f"({inner},)" if len(x) == 1 else f"({inner})"
            if kind is list:
                return f"[{inner}]"
            return f"{{{inner}}}" if kind is set and x else f"{kind.__name__}({f'[{inner}]' if x else ''})"
        if kind in (slice, range):
            return f"{kind.__name__}({self.value(x.start)}, {self.value(x.stop)}, {self.value(x.step)})"
        if isinstance(x, tuple) and hasattr(kind, "_fields"):
            return f"{self.value(kind)}({', '.join(map(self.value, x))})"
        if "__dataclass_params__" in vars(kind) and kind.__dataclass_params__.init and not hasattr(kind, "__post_init__"):
            fields = dataclasses.fields(x)
            if all(f.init for f in fields) and [f.name for f in fields] == list(getattr(x, "__dict__", {})):
                return f"{self.value(kind)}({', '.join(f'{f.name}={self.value(getattr(x, f.name))}' for f in fields)})"
        return None

    def constant(self, x: Any) -> str | None:
        """Return an expression for a dtype, a device, a number of NumPy, a partial function, a bound method or a member of an Enum."""
        kind = type(x)
        if isinstance(x, backend.device):
            return f"{self.library('minigrad')}.device({str(x)!r})"
        if isinstance(x, backend.dtype):
            name = "bool_" if x.kind == "b" else x.name
            is_minigrad = self.names.get("mg") is sys.modules["minigrad"] and sources.by_name("minigrad", name) is x
            return f"mg.{name}" if is_minigrad else f"{self.library('numpy')}.dtype({elements.dtype_text(self, x)})"
        if isinstance(x, backend.NumPyScalar) and type(x.item()) in PLAIN:
            return f"{self.library('numpy')}.{kind.__name__}({self.value(x.item())})"
        if kind.__module__ == "torch" and kind.__name__ in ("dtype", "layout", "memory_format", "device"):
            return f"{self.library('torch')}.{repr(x).removeprefix('torch.')}"
        if isinstance(x, functools.partial):
            parts = [*map(self.value, (x.func, *x.args)), *(f"{k}={self.value(v)}" for k, v in x.keywords.items())]
            return f"{self.library('functools')}.partial({', '.join(parts)})"
        if isinstance(x, types.MethodType) and getattr(x.__self__, x.__func__.__name__, None) == x:
            return f"{self.value(x.__self__)}.{x.__func__.__name__}"
        return f"{self.value(kind)}.{x.name}" if isinstance(x, enum.Enum) and x.name in kind.__members__ else None

    # ---- functions and classes

    def imported(self, x: Any) -> str | None:
        """Return an expression for a function or class that the program can import; None if it cannot."""
        module, name, short = (getattr(x, key, "") for key in ("__module__", "__qualname__", "__name__"))
        for path in PUBLIC if isinstance(short, str) else ():
            if path in sys.modules and vars(sys.modules[path]).get(short) is x:
                return f"{self.library(path)}.{short}"
        if not isinstance(module, str) or not sources.is_installed(module) or sources.by_name(module, name) is not x:
            return None
        top, _, rest = name.partition(".")
        first = sources.by_name(module, top)
        self.names.setdefault(top, first)
        alias = self.name_of(first, top)
        if module != "builtins" or alias != top:
            self.need(f"from {module} import {top}" + (f" as {alias}" if alias != top else ""))
        return f"{alias}.{rest}" if rest else alias

    def function(self, x: Any) -> str | None:
        """Define a function without its decorators, which made something else of it, or return a lambda's text."""
        if not isinstance(x, types.FunctionType) or sources.is_installed(x.__globals__.get("__name__", "")):
            return None
        source = sources.of_function(x, 0, self)
        if x.__code__.co_name != "<lambda>" or source is None:
            return self.define(x, x.__code__.co_name, source)
        text, at_once, later, _ = source
        self.bind({**at_once, **later})
        return self.bound[id(x)][1] if id(x) in self.bound else text  # it is bound if it calls itself

    def decorated(self, x: Any) -> str | None:
        """Return an expression for what decorators, or functions that are used like these, made of a function."""
        steps, kind = sources.chain(x), type(x).__name__
        if len(steps) == 1:
            return None
        raw = steps[-1]
        is_current = isinstance(raw, types.FunctionType) and sources.by_name(raw.__module__, raw.__qualname__) in (x, None)
        source = sources.of_function(raw, len(steps) - 1, self) if is_current else None
        if source is not None:
            name = self.define(x, raw.__name__, source)
        elif kind in ("PjitFunction", *RULES):
            maker, given = (kind, x) if kind in RULES else ("jit", x._jit_info)
            options = {key: getattr(given, key, None) for key in ("nondiff_argnums", "static_argnums", "static_argnames")}
            more = "".join(f", {key}={self.value(value)}" for key, value in options.items() if value)
            name = f"{self.library('jax')}.{maker}({self.value(steps[1])}{more})"
            name = self.assign(x, raw.__name__, name) if kind in RULES else name
        else:
            return None
        method, *parts = RULES.get(kind, ("",))
        if parts and getattr(x, parts[0]) is not None:
            self.definitions.append(f"{name}.{method}({', '.join(self.value(getattr(x, part)) for part in parts)})")
        return name

    def define(self, x: Any, name: str, source: Any) -> str | None:
        """Define `x` by its text, after what that uses at once and before the rest of what it uses; return its name."""
        if source is None and isinstance(x, type) and issubclass(x, tuple) and hasattr(x, "_fields"):
            made = f"{name} = {self.library('collections')}.namedtuple({name!r}, {list(x._fields)!r})"
            source = made, {}, {}, False
        if source is None:
            return None
        text, at_once, later, future = source
        self.bound[id(x)] = (x, name)
        self.bind({name: x})
        self.bind(at_once)
        self.future |= future
        self.definitions.append(text)
        self.bind(later)
        return name

    # ---- objects

    def made(self, x: Any) -> str | None:
        """Define an object by its class and attributes, without calling `__init__`; None if there is more to it."""
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(x, torch.nn.Module):
            return elements.torch_module(self, x, torch)
        make, arguments, state = (*x.__reduce_ex__(2), None)[:3]
        is_plain = (make, arguments) == (vars(copyreg)["__newobj__"], (type(x),)) and isinstance(state, (dict, type(None)))
        if not is_plain or hasattr(x, "__setstate__"):
            return None
        kind = self.value(type(x))
        if id(x) in self.bound:  # its class uses it
            return self.bound[id(x)][1]
        name = self.assign(x, type(x).__name__.lower(), f"object.__new__({kind})")
        if state:
            self.definitions.append(f"vars({name}).update({self.value(state)})")
            for key, value in state.items():
                self.remember(value, f"{name}.{key}")
        return name

    # ---- names

    def bind(self, values: dict[str, Any]) -> None:
        """Make each name mean its value in the program; raise ValueError if it means something else there."""
        for name, x in values.items():
            is_new = name not in self.names
            if self.names.setdefault(name, x) is not x:
                raise ValueError(f"{name} stands for something else in the program")
            if is_new and getattr(builtins, name, self) is not x:
                text = self.value(x)
                if text != name:
                    self.definitions.append(f"{name} = {text}")
                self.remember(x, name)

    def name_of(self, x: Any, like: str) -> str:
        """Return the name that stands for `x`, or make a new one."""
        name = next((name for name, value in self.names.items() if value is x), None) or self.unique(like)
        self.names[name], self.bound[id(x)] = x, (x, name)
        return name

    def assign(self, x: Any, like: str, text: str) -> str:
        """Define `x` by an expression; return its name."""
        name = self.name_of(x, like)
        self.definitions.append(f"{name} = {text}")
        return name

    def unique(self, name: str) -> str:
        """Return the name, or one with a number if it is taken."""
        name = name if name.isidentifier() and not keyword.iskeyword(name) else "value"
        numbered = itertools.chain([name], (f"{name}_{i}" for i in itertools.count(1)))
        return next(n for n in numbered if n not in self.names and not hasattr(builtins, n))

    def remember(self, x: Any, text: str) -> None:
        """Note that the program has `x`, and what is in it, under an expression, so that what is shared stays shared."""
        if type(x) in (*PLAIN, tuple) or isinstance(x, (types.BuiltinFunctionType, backend.dtype)) or id(x) in self.bound:
            return
        self.bound[id(x)] = (x, text)
        for key, part in x.items() if type(x) is dict else enumerate(x) if type(x) is list else ():
            if type(key) in (int, str):
                self.remember(part, f"{text}[{key!r}]")

    def unknown(self, x: Any) -> str:
        """Add a line that asks for the value of `x`, and return the name that it has there."""
        own = type(x).__name__.lower()
        with contextlib.suppress(Exception):
            own = x.__name__ if x.__name__.isidentifier() else own
        name = self.name_of(x, own)
        reason = "its source was not found" if callable(x) else "it cannot be written here"
        self.definitions.append(f"{name} = ...  # put your {name} here: {reason}")
        return name

    # ---- imports

    def need(self, line: str) -> None:
        """Add an import to the program, once."""
        self.imports.extend({line}.difference(self.imports))

    def module(self, x: types.ModuleType, like: str) -> str | None:
        """Import a module; return its name. None if the program could not import it."""
        path = x.__name__
        if sys.modules.get(path) is not x or path == "__main__":
            return None
        name = self.name_of(x, like)
        comment = "" if sources.is_installed(path) else "  # your module: run this program where Python finds it"
        self.need((f"import {path} as {name}" if path != name else f"import {name}") + comment)
        return name

    def library(self, path: str) -> str:
        """Return an expression for a module, which the program imports."""
        module, (base, _, rest) = importlib.import_module(path), path.partition(".")
        if id(module) not in self.bound and rest and path not in ALIASES:
            return f"{self.library(base)}.{rest}"
        return self.module(module, ALIASES.get(path, path)) or path
