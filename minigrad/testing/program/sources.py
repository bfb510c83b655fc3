"""The source texts of functions and classes, and the values of the names that a text takes from its surroundings."""

from __future__ import annotations
import __future__

import ast
import builtins
import copy
import dis
import functools
import inspect
import pathlib
import sys
import textwrap
import types
from collections.abc import Iterator
from typing import Any

LIBRARIES = {"minigrad", "numpy", "scipy", "torch", "jax", "jaxlib", "cupy", *sys.stdlib_module_names}  # which a program imports from
LOADS = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}
OF_EVERY_MODULE = {"__name__", "__file__", "__doc__", "__builtins__", "__annotations__", "__spec__", "__package__", "__loader__"}
# (text of a definition, {name: value} of what is used when it is executed, the same of what is used later, whether its module has
# `from __future__ import annotations`)
Source = tuple[str, dict[str, Any], dict[str, Any], bool]


def of_function(x: types.FunctionType, decorators: int, program: Any) -> Source | None:
    """Return the Source of a function, or of a lambda in parentheses; None if its text is not found, or has too few decorators.

    decorators: how many there must be; they are left out if that is 0. program: the Writer, which writes the values of defaults.
    """
    lines, node = _node_of_function(x)
    if node is None or len(getattr(node, "decorator_list", ())) < decorators:
        return None
    node, space = copy.deepcopy(node), {**x.__globals__, **closure(x)}

    def default(node, value):
        stays = isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and space.get(node.id, space) is value)
        return node if stays else ast.parse(program.value(value), mode="eval").body

    if not decorators:
        node.decorator_list = []
    arguments, keywords = node.args, x.__kwdefaults__ or {}
    arguments.defaults = list(map(default, arguments.defaults, x.__defaults__ or ()))
    arguments.kw_defaults = [d and default(d, keywords[a.arg]) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults)]
    text = f"({ast.unparse(node)})" if isinstance(node, ast.Lambda) else _text(lines, node)
    return _source(text, {**program.names, **space}, x.__globals__)


def of_class(x: type) -> Source | None:
    """Return the Source of a class; None if its text is not found."""
    lines, node = _node_of_class(x)
    if node is None:
        return None
    module = vars(sys.modules.get(x.__module__, builtins))
    space = {**module, **{base.__name__: base for base in x.__bases__}}
    for function in functions_of(x):
        space = {**function.__globals__, **space, **closure(function)}
    return _source(_text(lines, node), space, module)


def _source(text, space, module):
    """Return the Source of a text whose names are looked up in `space`, then among the builtins.

    Raise NameError for an unknown name that is used when the text is executed.
    """
    future = module.get("annotations") is __future__.annotations
    code = compile(text, "<source>", "exec", __future__.annotations.compiler_flag if future else 0, dont_inherit=True)
    found: tuple[dict, dict] = {}, {}
    for name, at_once in sorted(names_used(code).items()):
        if name in space or hasattr(builtins, name):
            found[not at_once][name] = space[name] if name in space else getattr(builtins, name)
        elif at_once:
            raise NameError(name)
    return (text, *found, future)


def names_used(code: types.CodeType, at_once: bool = True, used: dict[str, bool] | None = None) -> dict[str, bool]:
    """Return {name: whether it is used when the code is executed, not only when a function in it is called}.

    A name counts that is read before the code itself gives it a value. Attributes, arguments and variables of functions do not.
    """
    used, stored = {} if used is None else used, set()
    for instruction in dis.get_instructions(code):
        name = instruction.argval
        if instruction.opname == "STORE_NAME":
            stored.add(name)
        elif instruction.opname in LOADS and name not in stored and name not in OF_EVERY_MODULE:
            used[name] = at_once or used.get(name, False)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            is_function = bool(constant.co_flags & inspect.CO_OPTIMIZED)  # the body of a class is executed at once
            names_used(constant, at_once and not is_function, used)
    return used


# ---- finding a text


def _nodes(x, name, kinds):
    """Return (lines of the file of a code or class, the syntax trees of such a kind and name there); ([], []) without a file."""
    try:
        lines = inspect.findsource(x)[0]
        nodes = _definitions("".join(lines))
    except Exception:  # inspect raises many kinds of errors where there is no file, or one that has been edited
        return [], []
    return lines, [n for n in nodes if isinstance(n, kinds) and getattr(n, "name", "<lambda>") == name]


@functools.lru_cache(maxsize=16)
def _definitions(text):
    """Return the syntax trees of all functions, lambdas and classes in a text. They are kept: copy one before you change it."""
    return [n for n in ast.walk(ast.parse(text)) if isinstance(n, (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]


def _node_of_function(x):
    """Return (lines of the file, syntax tree) of a function; the tree is None if it is not found."""
    code = x.__code__
    lines, nodes = _nodes(code, code.co_name, (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef))
    here = [n for n in nodes if _first_line(n) == code.co_firstlineno]
    if len(here) > 1:  # lambdas on one line: the innermost in which all instructions lie
        places = [p for p in code.co_positions() if None not in p and p[2:] != (0, 0)]
        first, last = min((p[0], p[2]) for p in places), max((p[1], p[3]) for p in places)
        here = [n for n in here if (n.body.lineno, n.body.col_offset) <= first and last <= (n.body.end_lineno, n.body.end_col_offset)]
    return lines, max(here, key=lambda n: (n.lineno, n.col_offset), default=None)


def _node_of_class(x):
    """Return (lines of the file, syntax tree) of a class: the one around one of its methods, as a notebook has no other way."""
    codes = [f.__code__ for f in functions_of(x) if f.__qualname__.startswith(f"{x.__qualname__}.")]
    code = next((code for code in codes if code.co_filename != "<string>"), None)  # not a method that dataclasses made
    lines, nodes = _nodes(code or x, x.__name__, ast.ClassDef)
    line = code.co_firstlineno if code else inspect.findsource(x)[1] + 1 if nodes else 0
    return lines, max((n for n in nodes if _first_line(n) <= line <= n.end_lineno), key=_first_line, default=None)


def _text(lines, node):
    """Return the text of a definition at the left margin: as it stands in the file if that means the same."""
    text = textwrap.dedent("".join(lines[_first_line(node) - 1:node.end_lineno]))
    try:
        same = ast.dump(ast.parse(text)) == ast.dump(ast.Module([node], []))
    except SyntaxError:  # a string of several lines keeps the text from moving to the margin
        same = False
    return (text.rstrip() if same else ast.unparse(node)) + "\n"


def _first_line(node):
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])


# ---- the surroundings of functions


def functions_of(x: type) -> Iterator[types.FunctionType]:
    """Yield the functions in the body of a class: methods, static and class methods, those of properties, and those below decorators."""
    for value in vars(x).values():
        for part in (value, *(getattr(value, name, None) for name in ("__func__", "fget", "fset", "func"))):
            function = chain(part)[-1]
            if isinstance(function, types.FunctionType):
                yield function


def chain(x: Any) -> list[Any]:
    """Return [x, what it wraps, what that wraps, …], as `functools.wraps` has recorded it."""
    steps = [x]
    while len(steps) < 50 and "__wrapped__" in getattr(steps[-1], "__dict__", ()):
        steps.append(steps[-1].__wrapped__)
    return steps


def closure(function: types.FunctionType) -> dict[str, Any]:
    """Return {name: value} of the variables around a function that it uses; raise ValueError if one has no value."""
    return {name: cell.cell_contents for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ())}


def owner(x: Any) -> type | None:
    """Return the class in which a function was defined, if that has it as an attribute of its own."""
    found = by_name(getattr(x, "__module__", None), str(getattr(x, "__qualname__", None)).rpartition(".")[0])
    own = vars(found).get(x.__name__) if isinstance(found, type) else None
    return found if own is not None and getattr(own, "__func__", own) is x else None


def by_name(module: Any, name: Any) -> Any:
    """Return the object that `module.name` names now; None if there is none."""
    try:
        return functools.reduce(getattr, name.split("."), sys.modules[module])
    except Exception:  # no such module or attribute; module and name may also be anything, and attributes may raise anything
        return None


def is_installed(module: str) -> bool:
    """Return whether a module belongs to Python or to a package that is installed, not to the user's own files."""
    top = module.partition(".")[0]
    file = getattr(sys.modules.get(top), "__file__", None) or ""
    in_a_package_folder = not {"site-packages", "dist-packages"}.isdisjoint(pathlib.Path(file).parts)
    return top in LIBRARIES or (in_a_package_folder and top != "__main__")
