"""Change the code of loaded functions: edit a module's syntax tree, compile it, and put the new code into its functions.

Functions keep their identity, so the change holds wherever they were imported, wrapped or stored.
"""

import ast
import copy
import functools
import gc
import importlib
import pkgutil
import types
from contextlib import contextmanager
from pathlib import Path

import minigrad
from minigrad.backend.fuse.decorator import Fused

PACKAGE = str(Path(minigrad.__file__).parent)


@functools.cache
def modules_of(package):
    """Return the names of all modules of a package of minigrad, which are imported."""
    found = importlib.import_module(package)
    names = [package, *(info.name for info in pkgutil.walk_packages(found.__path__, f"{package}."))]
    for name in names:
        importlib.import_module(name)
    return names


@functools.cache
def text_of(module):
    """Return the source of a module of minigrad."""
    return Path(importlib.import_module(module).__file__).read_text(encoding="utf-8")


def definitions(tree, inside=""):
    """Yield (qualified name, node) of each function and method in a syntax tree, but not of those defined inside a function."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield f"{inside}{node.name}", node
        elif isinstance(node, ast.ClassDef):
            yield from definitions(node, f"{inside}{node.name}.")
        elif not isinstance(node, ast.expr):
            yield from definitions(node, inside)


@functools.cache
def defining_modules(package):
    """Return {qualified name: the modules of a package that define such a function}."""
    found = {}
    for module in modules_of(package):
        for name in dict(definitions(ast.parse(text_of(module)))):
            found.setdefault(name, []).append(module)
    return found


def module_of(function):
    """Return the module that defines a function: "ops.tanh" is `tanh` in any module of minigrad.ops, "optim.SGD.step" a method."""
    package, name = function.split(".", 1)
    found = defining_modules(f"minigrad.{package}").get(name, [])
    if len(found) != 1:
        raise LookupError(f"{function}: {name} is defined in {' and '.join(found) or 'no module'} of minigrad.{package}")
    return found[0]


def edited(function, old, new):
    """Return (module, its syntax tree with `old` replaced by `new` in a function), both one expression or one statement.

    They are compared as syntax trees, so spaces, line ends, comments and the names of files do not matter. `old` must occur in the
    function exactly once.
    """
    wanted, replacement = parsed(old), parsed(new)
    try:
        module = module_of(function)
    except LookupError as error:
        raise LookupError(f"{error}; {found_in(function, old)}") from None
    tree = ast.parse(text_of(module))
    body = next(node for name, node in definitions(tree) if name == function.split(".", 1)[1])
    if isinstance(wanted, ast.expr) != isinstance(replacement, ast.expr):
        raise ValueError(f"{function}: one of {old!r} and {new!r} is an expression, the other a statement")
    places = [place for place in children(body) if ast.dump(place[-1]) == ast.dump(wanted)]
    if len(places) != 1:
        raise LookupError(f"{function}: {old!r} stands in it {len(places)} times, not once; {found_in(function, old)}")
    ((parent, field, index, node),) = places
    put(parent, field, index, ast.copy_location(copy.deepcopy(replacement), node))
    return module, ast.fix_missing_locations(tree)


def found_in(function, piece):
    """Return a text that names the functions in the package of `function` that contain such a piece."""
    wanted = ast.dump(parsed(piece))
    names = [f"{module}.{name}" for module in modules_of(f"minigrad.{function.split('.', 1)[0]}")
             for name, node in definitions(ast.parse(text_of(module))) if any(ast.dump(n) == wanted for n in ast.walk(node))]
    return f"{piece!r} stands in {', '.join(names) or 'no function there'}"


def parsed(text):
    """Return the syntax tree of one expression, or of one statement."""
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        (statement,) = ast.parse(text).body
        return statement


def children(tree):
    """Yield (parent, name of the field, index in it or None, node) for all nodes below a syntax tree."""
    for name, value in ast.iter_fields(tree):
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(node, ast.AST):
                yield tree, name, index, node
                yield from children(node)


def put(parent, field, index, node):
    """Make `node` a child of `parent`: its field, or the element `index` of its field."""
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def objects():
    """Return all objects that the garbage collector knows, also those that were left out of its collections, see conftest.py."""
    gc.unfreeze()
    found = gc.get_objects()
    gc.freeze()
    return found


@functools.cache
def live_functions():
    """Return {file: the functions that were made from it}."""
    found = {}
    for f in objects():
        if type(f) is types.FunctionType and f.__code__.co_filename.startswith(PACKAGE):
            found.setdefault(f.__code__.co_filename, []).append(f)
    return found


def inner(code):
    """Return the code of the functions, lambdas and classes that are defined directly in `code`."""
    return [c for c in code.co_consts if isinstance(c, types.CodeType)]


def changed(old, new):
    """Yield (old code, new code) for each function whose code differs, and for the functions inside it if their number is the same."""
    if old == new:
        return
    yield old, new
    if len(inner(old)) == len(inner(new)):
        for a, b in zip(inner(old), inner(new)):
            yield from changed(a, b)


@contextmanager
def planted(module, tree):
    """Let the functions of a module have the code of a changed syntax tree, within this block."""
    file = importlib.import_module(module).__file__
    before = []
    try:
        if file not in live_functions():  # the module was imported just now
            live_functions.cache_clear()
        swaps = list(changed(compile(text_of(module), file, "exec"), compile(tree, file, "exec")))
        for f in live_functions()[file]:
            for old, code in swaps:
                if f.__code__ == old and f.__code__.co_qualname == old.co_qualname:
                    if old.co_name == "<lambda>" and len(old.co_freevars) != len(code.co_freevars):
                        break  # a VJP of a graph that is alive keeps its code; new VJPs come from the function around it
                    before.append((f, old))
                    f.__code__ = code
                    break
        if not before:
            raise LookupError(f"nothing in {module} that is alive was changed")
        yield
    finally:
        for f, old in before:
            f.__code__ = old
        _forget_bodies({f for f, _ in before})


def _forget_bodies(functions):
    """Let fused functions read their text again: while their code was changed, they found that no text belongs to it."""
    for fused in objects():
        if type(fused) is Fused and fused.plain in functions:
            vars(fused).pop("body", None)
