"""Expressions for functions and classes, which a program imports or defines together with all that they use."""

from __future__ import annotations

import functools
import inspect
import sys
import types
from typing import Any

from ...backend.fuse.decorator import Fused
from . import sources

PUBLIC = ("numpy", "torch", "torch.nn", "torch.nn.functional", "jax.numpy", "jax", "jax.nn", "jax.lax", "cupy")  # which names are known in


def expression(program: Any, x: Any, name: str) -> str | None:
    """Return an expression for a module, function or class; None for anything else, or if its text is not found."""
    if isinstance(x, types.ModuleType):
        return program.module(x, name or x.__name__.rpartition(".")[2])
    text = imported(program, x)
    if text is not None:
        return text
    if isinstance(x, type):
        return of_class(program, x)
    home = sources.owner(x)
    if home is not None:
        return f"{program.value(home)}.{x.__name__}"
    steps = sources.chain(x)
    if len(steps) > 1:
        return decorated(program, x, steps)
    if not isinstance(x, types.FunctionType):
        return None
    return of_lambda(program, x, name) if x.__name__ == "<lambda>" else own_text(program, x)


def imported(program, x):
    """Return an expression for a function or class that the program can import; None if it cannot."""
    module, name, short = (getattr(x, key, "") for key in ("__module__", "__qualname__", "__name__"))
    for path in PUBLIC if isinstance(short, str) else ():
        if path in sys.modules and vars(sys.modules[path]).get(short) is x:
            return f"{program.library(path)}.{short}"
    if not isinstance(module, str) or not sources.is_installed(module) or sources.by_name(module, name) is not x:
        return None
    top, _, rest = name.partition(".")
    first = sources.by_name(module, top)
    alias = top if program.names.setdefault(top, first) is first else program.unique(top)
    program.names[alias] = first
    if module != "builtins" or alias != top:
        program.need(f"from {module} import {top}" + (f" as {alias}" if alias != top else ""))
    return f"{alias}.{rest}" if rest else alias


# ---- definitions


def own_text(program, x):
    """Define a function without its decorators, which made something else of it. A package's own text must be complete."""
    if sources.is_installed(x.__globals__.get("__name__", "")):
        return program.attempt(from_factory, program, x) or \
            program.attempt(lambda: pasted(program, x, sources.of_function(x, False, program.default)))
    return pasted(program, x, sources.of_function(x, False, program.default))


def of_class(program, x):
    """Define a class."""
    source = sources.of_class(x)
    if source is None and issubclass(x, tuple) and hasattr(x, "_fields"):
        named = f"{program.library('collections')}.namedtuple({x.__name__!r}, {list(x._fields)!r}"
        defaults = f", defaults={program.value(tuple(x._field_defaults.values()))}" if x._field_defaults else ""
        source = sources.Source(f"{x.__name__} = {named}{defaults})", x.__name__, 0, {}, [], False, set())
    return pasted(program, x, source)


def of_lambda(program, x, name):
    """Return a lambda's text. One that calls itself gets a definition, unless it is about to get one under `name`."""
    source = sources.of_lambda(x, program.default)
    if source is None:
        return None
    itself = next((n for n, v in source.needed.items() if v is x and n not in program.names), None)
    if itself is not None:
        program.names[itself], program.bound[id(x)] = x, (x, itself)
    passed = surroundings(program, source, x)
    text = f"(lambda {', '.join(passed)}: {source.text})({', '.join(passed.values())})" if passed else source.text
    if itself is None:
        return text
    program.definitions.append(f"{itself} = {text}")
    return itself


def pasted(program, x, source):
    """Define `x`, and whatever it refers to; return its name, which is another one if its own is taken."""
    if source is None:
        return None
    own, text = source.name, source.text.rstrip() + "\n"
    free = own not in program.names or program.names[own] is x
    name = own if free else program.unique(own)
    program.names[name], program.bound[id(x)] = x, (x, name)
    passed = surroundings(program, source, x)
    if passed or not free:
        make = program.unique(f"make_{own}")
        program.names[make] = None
        head, call = f"def {make}({', '.join(passed)}):", f"{name} = {make}({', '.join(passed.values())})"
        text = f"{head}\n{sources.indented(text)}    return {own}\n\n\n{call}\n"
    program.future |= source.future
    program.definitions.append(text)
    return name


def surroundings(program, source, x):
    """Define what a text uses, each under its name; return {name: expression} of what it must be given as arguments."""
    passed = {}
    for name, value in source.needed.items():
        is_itself = name == source.name and sources.chain(value)[-1] is sources.chain(x)[-1]
        if not is_itself and not program.bind(name, value):
            passed[name] = program.value(value)
    if not source.shared.isdisjoint(passed):
        raise ValueError("the text assigns a variable whose name stands for something else in the program")
    for name in source.missing:
        if name not in program.names:
            program.names[name] = None
            program.ask(name, "its value was not found")
    return passed


# ---- what decorators made


def decorated(program, x, steps):
    """Return an expression for what decorators, or functions that are used like these, made of a function."""
    raw, inner, kind = steps[-1], steps[1], type(x).__name__
    if isinstance(raw, types.FunctionType) and raw.__name__ != "<lambda>":
        top = sources.by_name(raw.__module__, raw.__qualname__)
        is_other = top is not x and any(step is raw for step in sources.chain(top))  # not what the decorators made in the end
        source = None if is_other else sources.of_function(raw, True, program.default)
        if source is not None and source.decorators >= len(steps) - 1:
            return with_rules(program, x, pasted(program, x, source))
    if kind == "PjitFunction":
        info = getattr(x, "_jit_info", None)
        static = {key: getattr(info, key, None) for key in ("static_argnums", "static_argnames")}
        more = "".join(f", {key}={program.value(value)}" for key, value in static.items() if value)
        return f"{program.library('jax')}.jit({program.value(inner)}{more})"
    if kind in ("custom_vjp", "custom_jvp"):
        more = f", nondiff_argnums={program.value(tuple(x.nondiff_argnums))}" if x.nondiff_argnums else ""
        own = getattr(raw, "__name__", kind)
        name = program.unique(own if own.isidentifier() else kind)
        program.names[name], program.bound[id(x)] = x, (x, name)
        program.definitions.append(f"{name} = {program.library('jax')}.{kind}({program.value(inner)}{more})")
        return with_rules(program, x, name)
    if isinstance(x, Fused):
        return f"{program.library('minigrad')}.backend.fuse({program.value(inner)}{', reduce=True' if x.reduce else ''})"
    if hasattr(x, "raw") and hasattr(x, "promotes"):
        given = {"promote": x.promotes, "product": x.product, "wide": x.wide, "steps": x.steps}
        more = "".join(f", {key}=True" for key, value in given.items() if value)
        return f"{program.library('minigrad')}.autograd.op({program.value(inner)}{more})"
    if isinstance(x, functools._lru_cache_wrapper):
        return f"{program.library('functools')}.cache({program.value(inner)})"
    return own_text(program, x) if isinstance(x, types.FunctionType) else None


def with_rules(program, x, name):
    """Add the call that gives a function of JAX its derivative; return the function's name."""
    kind = type(x).__name__
    if name is not None and kind == "custom_vjp" and x.fwd is not None:
        program.definitions.append(f"{name}.defvjp({program.value(x.fwd)}, {program.value(x.bwd)})")
    if name is not None and kind == "custom_jvp" and x.jvp is not None:
        program.definitions.append(f"{name}.defjvp({program.value(x.jvp)})")
    return name


def from_factory(program, x):
    """Return the call of an installed package's function that made the function `x` (`jax.vmap`, say); None if it is not known.

    Its arguments are found in the closure of `x`, and of the functions there.
    """
    maker, _, inner = x.__code__.co_qualname.partition(".<locals>.")
    if inner == "reraise_with_filtered_traceback":  # around each of JAX's public functions
        return program.value(sources.closure(x)["fun"])
    module = x.__globals__.get("__name__", "")
    factory = sources.by_name(module, maker)
    if factory is None or "<locals>" in inner or not sources.is_installed(module):
        return None
    found = sources.closure(x)
    for value in list(found.values()):
        inside = sources.closure(value).get("fun", value)
        if getattr(inside, "__globals__", None) is x.__globals__:
            found = {**sources.closure(inside), **found}
    arguments = []
    for key, parameter in inspect.signature(factory).parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            return None
        value = found.get(key, parameter.default)
        if value is parameter.empty:
            return None
        if parameter.default is parameter.empty:
            arguments.append(program.value(value) if parameter.kind != parameter.KEYWORD_ONLY else f"{key}={program.value(value)}")
        elif value is not parameter.default and type(value) is not object:  # an object() stands for an argument that was not given
            arguments.append(f"{key}={program.value(value)}")
    return f"{program.value(factory)}({', '.join(arguments)})"
