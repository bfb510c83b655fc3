"""The source texts of functions and classes, and the values of the names that a text takes from its surroundings."""

from __future__ import annotations
import __future__

import ast
import builtins
import contextlib
import dis
import functools
import inspect
import pathlib
import sys
import textwrap
import types
from collections.abc import Iterator
from typing import Any, NamedTuple

LIBRARIES = {"minigrad", "numpy", "scipy", "torch", "jax", "jaxlib", "cupy", *sys.stdlib_module_names}  # which a program imports from
LOADS = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}
OF_EVERY_MODULE = {"__name__", "__file__", "__doc__", "__builtins__", "__annotations__", "__spec__", "__package__", "__loader__"}
NUMBERS = (bool, int, float, complex, str, bytes, type(None))


class Source(NamedTuple):
    """A text that defines a function or class (or is an expression: a lambda, whose name is "").

    decorators: how many stand in the text. needed: {name: value} of what the text uses. missing: the names whose value is not known, which
    are used when the text is executed. future: whether the text was compiled under `from __future__ import annotations`.
    shared: the names that the text assigns, which must be the program's own.
    """

    text: str
    name: str
    decorators: int
    needed: dict[str, Any]
    missing: list[str]
    future: bool
    shared: set[str]


def of_function(x: types.FunctionType, decorated: bool, write: Any) -> Source | None:
    """Return the definition of a function without its decorators, unless it is `decorated`; None if its text is not found.

    write: a function that returns an expression for a value, or None. A default that is not what its text means now is written by it.
    """
    found = _definition(x)
    if found is None:
        return None
    text, node = found
    text = _with_defaults(text, node.args, x, write)
    decorators = len(node.decorator_list) if decorated else 0
    if not decorators:
        lines = text.encode().splitlines(keepends=True)  # of bytes: a str is split at more characters than a program
        first = min([d.lineno for d in node.decorator_list], default=node.lineno)
        text = b"".join([*lines[:first - 1], *lines[node.lineno - 1:]]).decode()
    return _source(text, node.name, decorators, [x], _surroundings([x]), _future(x.__globals__, [x]))


def of_lambda(x: types.FunctionType, write: Any) -> Source | None:
    """Return the text of a lambda, in parentheses; None if it is not found, or cannot be told from others on its line."""
    node = _lambda_node(x)
    if node is None:
        return None
    for part, value in reversed(_defaults(node.args, x)):
        expression = _default(part, value, _surroundings([x]), write)
        if expression is not None:
            _replace(node.args, part, ast.parse(expression, mode="eval").body)
    return _source(f"({ast.unparse(node)})", "", 0, [x], _surroundings([x]), _future(x.__globals__, [x]))


def of_class(x: type) -> Source | None:
    """Return the definition of a class; None if its text is not found."""
    text = _class_text(x)
    if text is None:
        return None
    functions = list(functions_of(x))
    module = vars(sys.modules.get(x.__module__, builtins))
    space = {**module, **_surroundings(functions), **{base.__name__: base for base in x.__bases__ if base is not object}}
    node = _only(ast.parse(text))
    return _source(text, node.name, len(node.decorator_list), functions, space, _future(module, functions))


def _source(text, name, decorators, functions, space, future):
    """Return the Source of a text with these functions; the names that it needs are looked up in `space`."""
    text, shared = _with_globals(text, {name for f in functions for name in f.__code__.co_freevars})
    flags = __future__.annotations.compiler_flag if future else 0
    needed, missing = {}, []
    for used, at_once in sorted(names_used(compile(text, "<source>", "exec", flags, True)).items()):
        if used in space:
            needed[used] = space[used]
        elif hasattr(builtins, used):
            needed[used] = getattr(builtins, used)
        elif at_once and used in sys.modules:  # imported in the function around the text
            needed[used] = sys.modules[used]
        elif at_once:
            missing.append(used)
    return Source(text, name, decorators, needed, missing, future, shared)


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


def names_stored(code: types.CodeType) -> set[str]:
    """Return the names to which the code itself gives values."""
    return {instruction.argval for instruction in dis.get_instructions(code) if instruction.opname == "STORE_NAME"}


def _with_globals(text, free):
    """Return (the text in which the variables `free` of a function around it are global where it assigns them, the names of these)."""
    shared: set[str] = set()
    lines = text.encode().splitlines(keepends=True)
    for node in [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Nonlocal)]:
        outside = [name for name in node.names if name in free]
        if outside:
            shared |= set(outside)
            inside = [name for name in node.names if name not in free]
            new = f"global {', '.join(outside)}" + (f"; nonlocal {', '.join(inside)}" if inside else "")
            (row, column), (_, end) = _start(node), _end(node)
            lines[row - 1] = lines[row - 1][:column] + new.encode() + lines[row - 1][end:]
    return b"".join(lines).decode(), shared


def indented(text: str) -> str:
    """Return the text four columns to the right; raise ValueError if that would change a string in it."""
    moved = textwrap.indent(text, "    ")
    below = ast.parse("if True:\n" + moved).body[0]
    if ast.dump(ast.Module(getattr(below, "body", []), [])) != ast.dump(ast.parse(text)):
        raise ValueError("a string of several lines cannot be moved")
    return moved


# ---- finding a text


def _definition(x):
    """Return (the text of a function's `def` statement with its decorators, the statement); None if it is not found."""
    try:
        text = _at_margin(inspect.getsource(x.__code__))
        node = _only(ast.parse(text))
        arguments = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    except Exception:  # no file, or one that has been edited since: inspect raises many kinds of errors for these
        return None
    names = x.__code__.co_varnames[:x.__code__.co_argcount + x.__code__.co_kwonlyargcount]
    return (text, node) if node.name == x.__code__.co_name and arguments == list(names) else None


def _at_margin(text):
    """Return a text of an indented block as it stands at the left margin; below `if True:` if moving it would change a string."""
    flat = _parsed(textwrap.dedent(text))
    if not text[:1].isspace():
        return text
    below = _parsed("if True:\n" + text)
    same = flat is not None and below is not None and ast.dump(flat) == ast.dump(ast.Module(below.body[0].body, []))
    return textwrap.dedent(text) if same else "if True:\n" + text


def _parsed(text):
    try:
        return ast.parse(text)
    except SyntaxError:
        return None


def _only(tree):
    """Return the statement that a text consists of."""
    return tree.body[0].body[0] if isinstance(tree.body[0], ast.If) else tree.body[0]


def _lambda_node(x):
    """Return the syntax tree of a lambda: of those that begin on its line the innermost in which all of its instructions lie."""
    code = x.__code__
    try:
        tree = ast.parse("".join(inspect.findsource(code)[0]))
    except (OSError, SyntaxError):
        return None
    places = [p for p in code.co_positions() if None not in p and p[2:] != (0, 0)]
    here = [n for n in ast.walk(tree) if isinstance(n, ast.Lambda) and n.lineno == code.co_firstlineno]
    if places:
        here = [n for n in here if all(_start(n.body) <= (p[0], p[2]) and (p[1], p[3]) <= _end(n.body) for p in places)]
    if len(here) > 1 and not places:
        return None
    node = max(here, key=_start, default=None)
    names = code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]
    if node is None or [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)] != list(names):
        return None
    return node


def _start(node):
    return node.lineno, node.col_offset


def _end(node):
    return node.end_lineno, node.end_col_offset


def _class_text(x):
    """Return the text of a class with its decorators: around one of its methods, which a notebook's classes have too, or by its name."""
    for function in functions_of(x):
        with contextlib.suppress(OSError, SyntaxError, TypeError):
            if function.__qualname__.startswith(x.__qualname__ + "."):
                lines, line = inspect.findsource(function.__code__)[0], function.__code__.co_firstlineno
                around = [n for n in ast.walk(ast.parse("".join(lines))) if isinstance(n, ast.ClassDef) and n.name == x.__name__
                          and n.lineno <= line <= (n.end_lineno or 0)]
                node = max(around, key=_start, default=None)
                if node is not None:
                    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                    return _at_margin("".join(lines[first - 1:node.end_lineno]))
    try:
        text = _at_margin(inspect.getsource(x))
        return text if _only(ast.parse(text)).name == x.__name__ else None
    except Exception:  # as in _definition
        return None


# ---- the values of names


def functions_of(x: type) -> Iterator[types.FunctionType]:
    """Yield the functions in the body of a class: methods, static and class methods, those of properties, and those below decorators."""
    for value in vars(x).values():
        for part in (value, *(getattr(value, name, None) for name in ("__func__", "fget", "fset", "fdel", "func"))):
            function = chain(part)[-1]
            if isinstance(function, types.FunctionType):
                yield function


def chain(x: Any) -> list[Any]:
    """Return [x, what it wraps, what that wraps, …], as `functools.wraps` has recorded it."""
    steps = [x]
    while len(steps) < 50 and "__wrapped__" in getattr(steps[-1], "__dict__", ()):
        steps.append(steps[-1].__wrapped__)
    return steps


def owner(x: Any) -> type | None:
    """Return the class in which a function was defined, if that has it as an attribute of its own."""
    name = getattr(x, "__qualname__", None)
    found = closure(x).get("__class__") or by_name(getattr(x, "__module__", None), str(name).rpartition(".")[0])
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


def _surroundings(functions):
    """Return {name: value} of the globals and the closures of functions."""
    space: dict = {}
    for f in functions:
        space.update(f.__globals__)
    for f in functions:
        space.update(closure(f))
    return space


def closure(function: Any) -> dict[str, Any]:
    """Return {name: value} of the variables around a function that it uses; {} for anything else."""
    names = function.__code__.co_freevars if isinstance(function, types.FunctionType) else ()
    return {name: cell.cell_contents for name, cell in zip(names, function.__closure__ or ()) if _is_filled(cell)} if names else {}


def _is_filled(cell):
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _future(space, functions):
    """Return whether annotations are not evaluated in the module with the globals `space`."""
    flag = __future__.annotations.compiler_flag
    return any(f.__code__.co_flags & flag for f in functions) if functions else space.get("annotations") is __future__.annotations


# ---- defaults of arguments


def _defaults(arguments, x):
    """Return [(syntax tree, value)] of the defaults of a function's arguments, in the order of the text."""
    pairs = list(zip(arguments.defaults[::-1], (x.__defaults__ or ())[::-1]))[::-1]
    keywords = x.__kwdefaults__ or {}
    return pairs + [(node, keywords[a.arg]) for a, node in zip(arguments.kwonlyargs, arguments.kw_defaults) if node and a.arg in keywords]


def _default(node, value, space, write):
    """Return the expression that replaces a default's text; None if its text stays."""
    if isinstance(node, ast.Constant):
        return None
    if isinstance(node, ast.Name) and type(value) not in NUMBERS and space.get(node.id, getattr(builtins, node.id, space)) is value:
        return None
    if isinstance(node, ast.Attribute) and all(n in space for n in names_used(compile(ast.Expression(node), "<default>", "eval"))):
        return None
    return write(value)


def _with_defaults(text, arguments, x, write):
    """Return the text of a definition with new texts for the defaults that need one."""
    lines, space = text.encode().splitlines(keepends=True), _surroundings([x])
    for node, value in sorted(_defaults(arguments, x), key=lambda pair: _start(pair[0]), reverse=True):
        expression = _default(node, value, space, write)
        if expression is not None:
            (first, column), (last, end) = _start(node), _end(node)
            new = lines[first - 1][:column] + expression.encode() + lines[last - 1][end:]
            lines[first - 1:last] = [new]
    return b"".join(lines).decode()


def _replace(arguments, old, new):
    """Put a syntax tree in the place of a default."""
    for defaults in (arguments.defaults, arguments.kw_defaults):
        defaults[:] = [new if node is old else node for node in defaults]
