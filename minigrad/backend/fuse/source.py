"""The text of a fused body: read, and written anew as a loop for Numba or as a kernel for CuPy."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import textwrap
import tokenize
import types
from typing import Any

CALLS = {name: name for name in ("erf", "exp", "expm1", "log", "log1p", "sqrt", "tanh")}  # those of one name in NumPy, Numba and CUDA
SUMMED = 1 << 12  # elements in each partial sum, a fixed number, so that a sum does not depend on the number of threads


class Body:
    """The content of a fused function's text: its parameters, its statements, and the returned expression or None.

    written: the parameters that are changed in place, and their `places`; literals: the numbers in it; calls: the functions it calls.
    """

    def __init__(self, name, parameters, statements, result):
        self.name, self.parameters, self.statements, self.result = name, parameters, statements, result
        self.written = list(dict.fromkeys(name for name in map(_target, statements) if name in parameters))
        self.places = [parameters.index(name) for name in self.written]
        nodes = [n for s in [*statements, result] if s is not None for n in ast.walk(s)]
        self.literals = list(dict.fromkeys(n.value for n in nodes if isinstance(n, ast.Constant)))
        self.calls = {n.func.attr for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)}


def text_of(function):
    """Return the lines of the file that defines a function, as they are when it is defined; the file may be edited later."""
    return linecache.getlines(function.__code__.co_filename, function.__globals__)


def read(function, lines):
    """Return the Body of a function that is defined in these lines.

    Raise SyntaxError for a line that cannot be fused, and OSError where the text is missing or is not what the function was compiled from.
    """
    first = function.__code__.co_firstlineno - 1
    try:
        tree: Any = ast.parse(textwrap.dedent("".join(inspect.getblock(lines[first:])))).body[0]
    except (IndexError, SyntaxError, tokenize.TokenError) as error:
        raise OSError(f"{function.__name__}: its source is not there") from error
    if not isinstance(tree, ast.FunctionDef) or not _is_compiled_from(function, tree):
        raise OSError(f"{function.__name__}: its source was edited after it was read")
    statements: list[ast.stmt] = []
    result = None
    for s in tree.body:
        if isinstance(s, ast.Return):
            result = s.value
        elif isinstance(s, ast.AugAssign):
            statements.append(s)
        elif isinstance(s, ast.Assign) and getattr(getattr(s.value, "func", None), "id", "") == "array_module":
            continue
        elif isinstance(s, ast.Assign):
            if isinstance(s.targets[0], ast.Subscript):  # largest[...] = …
                s.targets[0] = s.targets[0].value
            statements.append(s)
        elif not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)):
            raise SyntaxError(f"@fuse {function.__name__}: line {s.lineno}: only assignments and one return are allowed")
    body = Body(function.__name__, [a.arg for a in tree.args.args], statements, result)
    if isinstance(result, ast.Name) and result.id in body.written:
        body.result = None  # a parameter changed in place is returned as it is
    return body


def _is_compiled_from(function, tree):
    """Return whether the definition in a syntax tree compiles to the code of a function."""
    tree.decorator_list = []
    code = next(c for c in compile(ast.Module([tree], []), "", "exec").co_consts if isinstance(c, types.CodeType))
    return all(getattr(code, name) == getattr(function.__code__, name) for name in ("co_code", "co_consts", "co_names", "co_varnames"))


def _target(statement):
    """Return the name that an assignment, plain or augmented, changes."""
    target: Any = statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0]
    return target.id


_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.USub: "-", ast.Gt: ">", ast.GtE: ">=",
              ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=", ast.BitAnd: "&", ast.BitOr: "|"}


def expression(node, literal, call, select):
    """Return `node` as text: `literal(value)` writes a number, `call[name]` names a function, `select` is the format of `where`."""

    def text(n):
        if isinstance(n, ast.Name):
            return n.id
        if isinstance(n, ast.Constant):
            return literal(n.value)
        if isinstance(n, ast.BinOp):
            return f"({text(n.left)} {_OPERATORS[type(n.op)]} {text(n.right)})"
        if isinstance(n, ast.UnaryOp):
            return f"({_OPERATORS[type(n.op)]}{text(n.operand)})"
        if isinstance(n, ast.Compare) and len(n.ops) == 1:
            return f"({text(n.left)} {_OPERATORS[type(n.ops[0])]} {text(n.comparators[0])})"
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute):
            arguments = [text(a) for a in n.args]
            return select.format(*arguments) if n.func.attr == "where" else f"{call[n.func.attr]}({', '.join(arguments)})"
        raise SyntaxError(f"@fuse: {ast.unparse(n)} cannot be compiled")

    return text(node)


def _lines(body, text, assign):
    """Yield the statements of a body as text: assign(name, value) writes one, and text(node) an expression."""
    for s in body.statements:
        name, value = _target(s), text(s.value)
        yield assign(name, f"{name} {_OPERATORS[type(s.op)]} {value}" if isinstance(s, ast.AugAssign) else value)


def loop_source(body, kinds, reduce=False):
    """Return the body as the text of one loop for Numba. `kinds`: f (like the output), r (a row) or s (a number) for each parameter.

    With `reduce` the loop stores the sums of blocks of SUMMED elements. Its own names begin with _, as a parameter may be called r.
    """
    literals = {value: f"_c{i}" for i, value in enumerate(body.literals)}
    call = CALLS | {"absolute": "abs"}
    text = functools.partial(expression, literal=literals.__getitem__, call=call, select="({1} if {0} else {2})")
    rows = "r" in kinds
    index = {"f": "[_r, _i]" if rows else "[_i]", "r": "[_i]"}
    lead = next(p for p, k in zip(body.parameters, kinds) if k == "f")
    names = [*(["out_"] if body.result else []), *[f"{p}_" for p in body.parameters], *literals.values()]
    lines = [f"{p} = {p}_{index.get(k, '')}" for p, k in zip(body.parameters, kinds)]
    lines += _lines(body, text, lambda name, value: f"{name} = {value}")
    lines += [f"{p}_{index['f']} = {p}" for p in body.written]
    if body.result:
        lines.append(f"_total += {text(body.result)}" if reduce else f"out_{index['f']} = {text(body.result)}")
    loops = [f"for _r in range({lead}_.shape[0]):", f"    for _i in range({lead}_.shape[1]):"] if rows else \
        [f"for _i in range({lead}_.size):"]
    lines = loops + [("        " if rows else "    ") + line for line in lines]
    if reduce:
        cuts = [f"{p}_ = {p}_all[_b * {SUMMED}:(_b + 1) * {SUMMED}]" for p, k in zip(body.parameters, kinds) if k == "f"]
        lines = ["for _b in range(out_.size):", *["    " + line for line in [*cuts, "_total = zero_", *lines, "out_[_b] = _total"]]]
        full = {f"{p}_": f"{p}_all" for p, k in zip(body.parameters, kinds) if k == "f"}
        names = [*[full.get(n, n) for n in names], "zero_"]
    return f"def {body.name}({', '.join(names)}):\n" + textwrap.indent("\n".join(lines), "    ") + "\n"


def kernel_source(body):
    """Return the body as C for an ElementwiseKernel: (input parameters, output parameters, operation)."""
    call = CALLS | {"absolute": "fabs"}
    text = functools.partial(expression, literal=lambda v: f"T({v!r})", call=call, select="({0} ? {1} : {2})")
    known = set(body.parameters)

    def assign(name, value):
        fresh = "" if name in known else "T "
        known.add(name)
        return f"{fresh}{name} = {value};"

    # parameters that are written are loaded into locals once and stored once
    lines = [f"T {p} = {p}_;" for p in body.written] + list(_lines(body, text, assign)) + [f"{p}_ = {p};" for p in body.written]
    if body.result:
        lines.append(f"out_ = {text(body.result)};")
    inputs = ", ".join(f"T {p}" for p in body.parameters if p not in body.written)
    outputs = ", ".join([*(f"T {p}_" for p in body.written), *(["T out_"] if body.result else [])])
    return inputs, outputs, "\n".join(lines)
