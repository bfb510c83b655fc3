"""Definitions of objects by their class and attributes: layers, networks, generators of random numbers."""

from __future__ import annotations

import collections
import contextlib
import copyreg
import sys
import types
from typing import Any

import numpy

MOST = 200  # objects inside one object, above which the program asks for it
TABLES = ("_parameters", "_buffers", "_modules")  # where the parts of a network are


class TooManyError(Exception):
    """Raised where an object holds more objects than a program should."""


def expression(program: Any, x: Any, name: str) -> str | None:
    """Define an object without calling its class's `__init__`, and return its name; None if that is not possible."""
    if isinstance(x, (type, types.FunctionType, types.BuiltinFunctionType)):
        return None
    outermost, mark = not program.objects, program.mark()
    program.objects += 1
    try:
        if program.objects > MOST:
            raise TooManyError
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(x, torch.nn.Module):
            return torch_module(program, x, name, torch)
        return from_parts(program, x, name)
    except TooManyError:
        if not outermost:
            raise
        program.back(mark)
        return None
    finally:
        if outermost:
            program.objects = 0


def target(program, x, name):
    """Return the name for an object: the given one if that stands for it, else one like that of its class."""
    if not name or program.names.get(name, program) is not x:
        kind = type(x).__name__
        name = program.unique(kind.lower() if kind.lower() != kind else f"{kind}_1")
        program.names[name] = x
    program.bound[id(x)] = (x, name)
    return name


def written(program, x):
    """Return an expression for the class or function that makes an object; raise ValueError if a comment would have to ask for it."""
    text = program.attempt(program.value, x)
    if text is None:
        raise ValueError("what makes it is not known")
    return text


def from_parts(program, x, name):
    """Define an object by what `pickle` would store of it."""
    if isinstance(x, numpy.random.Generator):
        return random_generator(program, x, name)
    reduced = copyreg.dispatch_table[type(x)](x) if type(x) in copyreg.dispatch_table else x.__reduce_ex__(2)
    make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    kind, add = type(x), program.definitions.append
    name, is_new = target(program, x, name), make is vars(copyreg)["__newobj__"]
    maker = written(program, kind if is_new else make)
    if is_new and len(arguments) == 1 and not hasattr(kind, "__del__") and is_plain(kind):
        text = f"object.__new__({maker})"
    else:
        text = f"{maker}{'.__new__' if is_new else ''}({', '.join(map(program.value, arguments))})"
    add(f"{name} = {text}")
    if items is not None and (items := list(items)):
        add(f"{name}.extend({program.value(items)})")
    if pairs is not None and (pairs := dict(pairs)):
        add(f"{name}.update({program.value(pairs)})")
    if state is not None and hasattr(x, "__setstate__"):
        add(f"{name}.__setstate__({program.value(state)})")
    elif state is not None:
        own, slots = state if isinstance(state, tuple) else (state, None)
        attributes(program, x, name, own or {})
        for key, value in (slots or {}).items():
            add(f"object.__setattr__({name}, {key!r}, {program.value(value)})")
            program.remember(value, f"{name}.{key}")
    return name


def random_generator(program, x, name):
    """Define a generator of NumPy's random numbers in the state that it has now."""
    bits, np, name = x.bit_generator, program.library("numpy"), target(program, x, name)
    program.definitions.append(f"{name} = {np}.random.Generator({np}.random.{type(bits).__name__}())")
    program.definitions.append(f"{name}.bit_generator.state = {program.value(bits.state)}")
    return name


def attributes(program, x, name, values):
    """Define attributes of an object, past its class's own `__setattr__`."""
    nn = sys.modules.get("minigrad.nn")
    if nn is not None and isinstance(x, nn.Module):
        module_parts(program, x, name, f"{program.library('minigrad')}.nn.Module", nn.Module())
    elif values:
        program.definitions.append(f"vars({name}).update({program.value(values)})")
        for key, value in values.items():
            program.remember(value, f"{name}.{key}")


# ---- networks


def module_parts(program, x, name, base, fresh):
    """Define the parts and attributes of a network's module where they differ from those of `fresh`, a new Module of its library."""
    program.definitions.append(f"{base}.__init__({name})")
    for table in TABLES:
        for key, part in getattr(x, table).items():
            program.definitions.append(f"{name}.{table}[{key!r}] = {program.value(part)}")
            program.remember(part, f"{name}.{table}[{key!r}]")
    changed = {k: v for k, v in vars(x).items() if k not in TABLES and (k not in vars(fresh) or differ(v, vars(fresh)[k]))}
    if changed:
        program.definitions.append(f"vars({name}).update({program.value(changed)})")
        for key, value in changed.items():
            program.remember(value, f"{name}.{key}")


def torch_module(program, x, name, torch):
    """Define a module of PyTorch: by its class's arguments where these tell all of it, else by its parts."""
    call = constructor(x, "torch", torch)
    library = program.library("torch")
    if call is None or not tells_all(x, call, torch):
        name = target(program, x, name)
        program.definitions.append(f"{name} = object.__new__({written(program, type(x))})")
        module_parts(program, x, name, f"{library}.nn.Module", torch.nn.Module())
        return name
    name = target(program, x, name)
    program.definitions.append(f"{name} = {constructor(x, library, torch)}")
    state = x.state_dict()
    if state:
        values = ", ".join(f"{key!r}: {program.value(value)}" for key, value in state.items())
        program.definitions.append(f"{name}.load_state_dict({{{values}}}, assign=True)")
    for key, value in x.named_parameters():
        program.remember(value, f"{name}.get_parameter({key!r})")
    if not x.training:
        program.definitions.append(f"{name}.eval()")
    return name


def constructor(x, library, torch):
    """Return the call that makes a module of PyTorch's own classes, which its printed form is; None for other modules."""
    kind = type(x)
    if kind is torch.nn.Sequential and list(x._modules) == [str(i) for i in range(len(x))]:
        inner = [constructor(child, library, torch) for child in x]
        return None if None in inner else f"{library}.nn.Sequential({', '.join(inner)})"
    is_leaf = vars(torch.nn).get(kind.__name__) is kind and not x._modules and "\n" not in repr(x)
    return f"{library}.nn.{x!r}" if is_leaf else None


def tells_all(x, call, torch):
    """Return whether `call` makes a module of the same kind, apart from the values of parameters and buffers."""
    parameters = dict(x.named_parameters(remove_duplicate=False)).values()
    if len({m.training for m in x.modules()}) > 1 or not all(p.requires_grad for p in parameters) \
            or len(set(map(id, parameters))) < len(parameters) or x.state_dict().keys() != dict(tensors_of(x)).keys():
        return False
    with torch.device("meta"), contextlib.suppress(Exception):
        again = eval(call, {"torch": torch}).train(x.training)
        pairs = list(zip(x.modules(), again.modules()))
        return len(pairs) == len(list(x.modules())) and all(alike(a, b) for a, b in pairs)
    return False


def tensors_of(x):
    """Return the (name, parameter or buffer) pairs of a module of PyTorch."""
    return [*x.named_parameters(remove_duplicate=False), *x.named_buffers(remove_duplicate=False)]


def alike(a, b):
    """Return whether two modules have parameters and buffers of the same names and shapes, and the same attributes."""
    if type(a) is not type(b) or vars(a).keys() != vars(b).keys():
        return False
    for table in ("_parameters", "_buffers"):
        shapes = [{key: part is not None and part.shape for key, part in getattr(m, table).items()} for m in (a, b)]
        if shapes[0] != shapes[1]:
            return False
    made_of_parameters = {"_flat_weights", "_flat_weight_refs"}  # in recurrent layers
    return not any(differ(value, vars(b)[key]) for key, value in vars(a).items() if key not in {*TABLES, *made_of_parameters})


# ---- looking at values


def differ(a, b):
    """Return whether two attributes differ; True for values that are not of Python's plain types."""
    comparable = (bool, int, float, str, type(None), dict, set, list, tuple, collections.OrderedDict)
    return type(a) is not type(b) or type(a) not in comparable or bool(a != b)


def is_plain(kind):
    """Return whether `object.__new__` makes objects of a class."""
    try:
        object.__new__(kind)
    except TypeError:
        return False
    return True
