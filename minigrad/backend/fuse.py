"""`fuse`: one element-wise body, run as plain NumPy, as one compiled loop (Numba) or as one CUDA kernel (CuPy).

The body is ordinary Python over arrays and numbers: operators, comparisons, and `xp.where`, `xp.sqrt`, `xp.absolute`
with `xp = array_module(…)`. It returns one expression, or changes parameters with `+=`, `-=`, `*=`, `p[...] =`. Called as written
it is the oracle. For large arrays the same text is turned into a loop: see `loop_source` and `kernel_source`.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from typing import Any

import numpy
from numpy import empty, ndarray

from . import arrays, compiled, cuda, threads

SUMMED = 1 << 12  # elements that are summed before the next partial sum begins, so that the threads do not matter
BLOCK = 1 << 14  # elements that a plain body takes at a time, so that its temporaries stay in the cache


class Body:
    """What a fused function's text says: parameters, those changed in place, statements, and the returned expression.

    `stages` is None, or, where a statement `e = xp.exp(…)` (or tanh, log) stands in the body, (the body that computes the
    argument, the name of NumPy's function, the body that goes on with e as a further parameter).
    """

    def __init__(self, name, parameters, statements, result):
        self.name, self.parameters, self.statements, self.result = name, parameters, statements, result
        self.written = list(dict.fromkeys(name for name in map(_target, statements) if name in parameters))
        nodes = [n for s in [*statements, result] if s is not None for n in ast.walk(s)]
        self.literals = list(dict.fromkeys(n.value for n in nodes if isinstance(n, ast.Constant)))
        self.stages = self._stages()

    def _stages(self):
        for i, s in enumerate(self.statements):
            function = _numpy_function(s.value)
            if function is not None:
                before = Body(f"{self.name}_{function}", self.parameters, self.statements[:i], s.value.args[0])
                return before, function, Body(self.name, [*self.parameters, _target(s)], self.statements[i + 1:], self.result)
        return None


def read(function):
    """The Body of a function; a SyntaxError names a line that the dialect does not have."""
    tree: Any = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
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
        body.result = None  # what was changed in place is returned as it is
    return body


def _target(statement):
    """The name that an assignment, plain or augmented, changes."""
    target: Any = statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0]
    return target.id


def _numpy_function(value):
    """The name of the function that NumPy computes faster than a compiled loop would, if `value` is a call of one."""
    name = getattr(getattr(value, "func", None), "attr", None)
    return name if name in ("exp", "tanh", "log") else None


_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.USub: "-", ast.Gt: ">", ast.GtE: ">=",
              ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=", ast.BitAnd: "&", ast.BitOr: "|"}


def expression(node, literal, call, select):
    """`node` as text: `literal(value)` writes a number, `call[name]` names a function, `select` is a format for `where`."""

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
    for s in body.statements:
        name, value = _target(s), text(s.value)
        yield assign(name, f"{name} {_OPERATORS[type(s.op)]} {value}" if isinstance(s, ast.AugAssign) else value)


def loop_source(body, kinds, reduce=False):
    """The body as the text of one loop for Numba. `kinds`: for each parameter f (like the output), r (a row) or s (a number).

    With `reduce` the sums of blocks of SUMMED elements are stored.
    """
    literals = {value: f"c{i}" for i, value in enumerate(body.literals)}
    call = {"sqrt": "sqrt", "absolute": "abs"}
    text = functools.partial(expression, literal=literals.__getitem__, call=call, select="({1} if {0} else {2})")
    rows = "r" in kinds
    index = {"f": "[r, i]" if rows else "[i]", "r": "[i]"}
    lead = next(p for p, k in zip(body.parameters, kinds) if k == "f")
    names = [*(["out_"] if body.result else []), *[f"{p}_" for p in body.parameters], *literals.values()]
    lines = [f"{p} = {p}_{index.get(k, '')}" for p, k in zip(body.parameters, kinds)]
    lines += _lines(body, text, lambda name, value: f"{name} = {value}")
    lines += [f"{p}_{index['f']} = {p}" for p in body.written]
    if body.result:
        lines.append(f"total += {text(body.result)}" if reduce else f"out_{index['f']} = {text(body.result)}")
    loops = [f"for r in range({lead}_.shape[0]):", f"    for i in range({lead}_.shape[1]):"] if rows else \
        [f"for i in range({lead}_.size):"]
    lines = loops + [("        " if rows else "    ") + line for line in lines]
    if reduce:
        cuts = [f"{p}_ = {p}_all[b * {SUMMED}:(b + 1) * {SUMMED}]" for p, k in zip(body.parameters, kinds) if k == "f"]
        lines = ["for b in range(out_.size):", *["    " + line for line in [*cuts, "total = zero_", *lines, "out_[b] = total"]]]
        full = {f"{p}_": f"{p}_all" for p, k in zip(body.parameters, kinds) if k == "f"}
        names = [*[full.get(n, n) for n in names], "zero_"]
    return f"def {body.name}({', '.join(names)}):\n" + textwrap.indent("\n".join(lines), "    ") + "\n"


def kernel_source(body):
    """The body as C for an ElementwiseKernel: (input parameters, output parameters, operation)."""
    call = {"sqrt": "sqrt", "absolute": "fabs", "exp": "exp", "tanh": "tanh", "log": "log"}
    text = functools.partial(expression, literal=lambda v: f"T({v!r})", call=call, select="({0} ? {1} : {2})")
    known = set(body.parameters)

    def assign(name, value):
        fresh = "" if name in known else "T "
        known.add(name)
        return f"{fresh}{name} = {value};"

    # written parameters are loaded into locals once and stored once
    lines = [f"T {p} = {p}_;" for p in body.written] + list(_lines(body, text, assign)) + [f"{p}_ = {p};" for p in body.written]
    if body.result:
        lines.append(f"out_ = {text(body.result)};")
    inputs = ", ".join(f"T {p}" for p in body.parameters if p not in body.written)
    outputs = ", ".join([*(f"T {p}_" for p in body.written), *(["T out_"] if body.result else [])])
    return inputs, outputs, "\n".join(lines)


class Fused:
    """A fused function; call it as the plain one. `reduce=True` returns the sum of the body's result over all elements."""

    def __init__(self, function, reduce=False):
        functools.update_wrapper(self, function)
        self.plain, self.reduce = function, reduce

    @functools.cached_property
    def body(self):
        """What the text says; None where there is no text (a function typed at a prompt)."""
        try:
            return read(self.plain)
        except OSError:
            return None

    def __call__(self, *args):
        large = 0
        for a in args:
            kind = type(a)
            if kind is ndarray:
                if a.size > large:
                    large = a.size
            elif kind in _device_types:
                return cuda.launch(self, args)
        if large < threads.LARGE:
            return self._whole(*args)
        return self._large(args)

    def _whole(self, *args):
        y = self.plain(*args)
        return arrays.array_module(y).sum(y) if self.reduce else y

    def _large(self, args):
        plan = _plan(args) if self.body is not None else None
        if plan is None or any(k != "f" for p, k in zip(self.body.parameters, plan[0]) if p in self.body.written):
            return self._whole(*args)
        kinds, views, n, block = plan
        dtype, shape = next((v.dtype, a.shape) for v, a, k in zip(views, args, kinds) if k == "f")
        if self.reduce:
            return self._sum(kinds, views, n, dtype)
        out = empty(shape, dtype) if self.body.result else None
        target = None if out is None else out.reshape(next(v.shape for v, k in zip(views, kinds) if k == "f"))
        run = self._runner(kinds, dtype, block)

        def part(low, high):
            run(None if target is None else target[low:high], [v[low:high] if k == "f" else v for v, k in zip(views, kinds)])

        threads.share(part, n, 16)
        if out is not None:
            return out
        return args[self.body.parameters.index(self.body.written[0])]

    def _runner(self, kinds, dtype, block):
        """A function (target, parts of the arguments) that does the work for these parts in one thread."""
        body = self.body
        if compiled.numba() is None:
            return lambda target, parts: _in_blocks(self.plain, target, parts, kinds, block)
        if body.stages is None:
            loop = compiled.loop(body, kinds, dtype)
            return lambda target, parts: loop(*([] if target is None else [target]), *parts)
        before, function, after = body.stages
        ufunc, first, second = getattr(numpy, function), compiled.loop(before, kinds, dtype), compiled.loop(after, kinds + "f", dtype)

        def staged(target, parts):
            length = len(target)
            e = empty((min(4 * block, length), *target.shape[1:]), dtype)
            for i in range(0, length, len(e)):
                cut = [p[i:i + len(e)] if k == "f" else p for p, k in zip(parts, kinds)]
                piece = e[:length - i]
                first(piece, *cut)
                ufunc(piece, piece)
                second(target[i:i + len(e)], *cut, piece)

        return staged

    def _sum(self, kinds, views, n, dtype):
        """Sums of blocks of fixed length, then the sum of those: the same bits for any number of threads."""
        partial = empty(-(-n // SUMMED), "float64")
        loop = None if compiled.numba() is None else compiled.loop(self.body, kinds, dtype, reduce=True)

        def part(low, high):
            cut = [v[low * SUMMED:high * SUMMED] if k == "f" else v for v, k in zip(views, kinds)]
            if loop is not None:
                loop(partial[low:high], *cut)
                return
            for b in range(high - low):
                partial[low + b] = self.plain(*[c[b * SUMMED:(b + 1) * SUMMED] if k == "f" else c for c, k in zip(cut, kinds)]).sum()

        threads.share(part, len(partial))
        return partial.sum().astype(dtype)


def _in_blocks(plain, target, parts, kinds, block):
    """The plain body on pieces that stay in the cache."""
    for i in range(0, len(next(p for p, k in zip(parts, kinds) if k == "f")), block):
        y = plain(*[p[i:i + block] if k == "f" else p for p, k in zip(parts, kinds)])
        if target is not None:
            target[i:i + block] = y


_device_types: set = cuda.device_types


def _plan(args):
    """How to loop over `args`: (kinds, flat or row views and numbers, length of the shared axis, block), or None."""
    lead = next(iter(sorted((a for a in args if type(a) is ndarray), key=lambda a: -a.size)))
    shape, dtype = lead.shape, lead.dtype
    if dtype.kind != "f":
        return None
    kinds = ""
    views: list[Any] = []
    for a in args:
        if type(a) is not ndarray:
            if not isinstance(a, (float, int, arrays.NumPyScalar)):
                return None
            kinds, views = kinds + "s", [*views, dtype.type(a)]
        elif a.dtype != dtype:
            return None
        elif a.shape == shape and a.flags.c_contiguous and a.flags.writeable:
            kinds, views = kinds + "f", [*views, a]
        elif not any(a.strides) and (a.ndim == 0 or a.size == lead.size):
            kinds, views = kinds + "s", [*views, a.item() if a.ndim == 0 else a[(0,) * a.ndim]]
            views[-1] = dtype.type(views[-1])
        elif a.ndim == 1 and len(shape) == 2 and a.shape == shape[1:] and a.flags.c_contiguous and a.flags.writeable:
            kinds, views = kinds + "r", [*views, a]
        else:
            return None
    if "f" not in kinds:
        return None
    if "r" in kinds:
        return kinds, views, shape[0], max(1, BLOCK // shape[1])
    return kinds, [v.reshape(-1) if k == "f" else v for v, k in zip(views, kinds)], lead.size, BLOCK


def fuse(function=None, *, reduce=False):
    """Mark an element-wise helper for fusing. With `reduce=True` the sum over all elements is returned instead."""
    return functools.partial(fuse, reduce=reduce) if function is None else Fused(function, reduce)
