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

from numpy import empty, ndarray

from . import arrays, compiled, cuda, threads

BLOCK = 1 << 14  # elements that a plain body takes at a time, so that its temporaries stay in the cache


class Body:
    """What a fused function's text says: parameters, those changed in place, statements, and the returned expression."""

    def __init__(self, function):
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        self.name = function.__name__
        self.parameters = [a.arg for a in tree.args.args]
        self.statements, self.result = [], None
        self.written = []
        for statement in tree.body:
            self._read(statement)
        self.literals = []
        for statement in [*self.statements, self.result]:
            self.literals += [n.value for n in ast.walk(statement) if isinstance(n, ast.Constant)] if statement else []
        self.literals = list(dict.fromkeys(self.literals))

    def _read(self, statement):
        if isinstance(statement, ast.Return):
            if not (isinstance(statement.value, ast.Name) and statement.value.id in self.written):
                self.result = statement.value
        elif isinstance(statement, ast.AugAssign):
            self.statements.append(statement)
            if statement.target.id in self.parameters:
                self.written.append(statement.target.id)
        elif isinstance(statement, ast.Assign) and getattr(statement.value, "func", None) is not None \
                and getattr(statement.value.func, "id", "") == "array_module":
            pass
        elif isinstance(statement, ast.Assign):
            target = statement.targets[0]
            if isinstance(target, ast.Subscript):  # largest[...] = …
                statement.targets[0] = target.value
                self.written.append(target.value.id)
            self.statements.append(statement)
        elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            raise SyntaxError(f"@fuse {self.name}: line {statement.lineno}: only assignments and one return are allowed")
        self.written = list(dict.fromkeys(self.written))


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
        if isinstance(n, ast.Call) and n.func.attr == "where":
            return select.format(*map(text, n.args))
        if isinstance(n, ast.Call):
            return f"{call[n.func.attr]}({', '.join(map(text, n.args))})"
        raise SyntaxError(f"@fuse: {ast.unparse(n)} cannot be compiled")

    return text(node)


def _lines(body, text, assign):
    for s in body.statements:
        if isinstance(s, ast.AugAssign):
            yield assign(s.target.id, f"{s.target.id} {_OPERATORS[type(s.op)]} {text(s.value)}")
        else:
            yield assign(s.targets[0].id, text(s.value))


def loop_source(body, kinds, reduce=False):
    """The body as the text of one loop for Numba. `kinds`: for each parameter f (like the output), r (a row) or s (a number)."""
    literals = {value: f"c{i}" for i, value in enumerate(body.literals)}
    call = {"sqrt": "sqrt", "absolute": "abs"}
    text = functools.partial(expression, literal=literals.__getitem__, call=call, select="({1} if {0} else {2})")
    rows = "r" in kinds
    index = {"f": "[r, i]" if rows else "[i]", "r": "[i]"}
    lead = next(p for p, k in zip(body.parameters, kinds) if k == "f")
    names = [*(["out_"] if body.result and not reduce else []), *[f"{p}_" for p in body.parameters], *literals.values()]
    inner = [f"{p} = {p}_{index.get(k, '')}" for p, k in zip(body.parameters, kinds)]
    inner += _lines(body, text, lambda name, value: f"{name} = {value}")
    inner += [f"{p}_{index['f']} = {p}" for p in body.written]
    if body.result:
        inner.append(f"total += {text(body.result)}" if reduce else f"out_{index['f']} = {text(body.result)}")
    loops = [f"for r in range({lead}_.shape[0]):", f"    for i in range({lead}_.shape[1]):"] if rows else \
        [f"for i in range({lead}_.size):"]
    pad = "        " if rows else "    "
    body_lines = loops + [pad + line for line in inner]
    if reduce:
        body_lines = ["total = zero_", *body_lines, "return total"]
        names.append("zero_")
    return f"def {body.name}({', '.join(names)}):\n" + textwrap.indent("\n".join(body_lines), "    ") + "\n"


def kernel_source(body):
    """The body as C for an ElementwiseKernel: (input parameters, output parameters, operation)."""
    text = functools.partial(expression, literal=lambda v: f"T({v!r})", call={"sqrt": "sqrt", "absolute": "fabs"},
                             select="({0} ? {1} : {2})")
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
            return Body(self.plain)
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
        loop = compiled.loop(self, kinds, views)
        dtype, shape = next((v.dtype, a.shape) for v, a, k in zip(views, args, kinds) if k == "f")
        if self.reduce:
            return self._sum(loop, kinds, views, n, dtype)
        out = empty(shape, dtype) if self.body.result else None
        target = None if out is None else out.reshape(next(v.shape for v, k in zip(views, kinds) if k == "f"))

        def part(low, high):
            cut = [v[low:high] if k == "f" else v for v, k in zip(views, kinds)]
            if loop is not None:
                loop(*([] if target is None else [target[low:high]]), *cut)
                return
            for i in range(0, high - low, block):
                small = [v[i:i + block] if k == "f" else v for v, k in zip(cut, kinds)]
                y = self.plain(*small)
                if target is not None:
                    target[low + i:min(low + i + block, high)] = y

        threads.share(part, n, 16)
        if out is not None:
            return out
        return args[self.body.parameters.index(self.body.written[0])]

    def _sum(self, loop, kinds, views, n, dtype):
        """Sums of blocks of fixed length, then the sum of those: the same bits for any number of threads."""
        length = 1 << 12
        partial = empty(-(-n // length), "float64")

        def part(low, high):
            for b in range(low, high):
                cut = [v[b * length:(b + 1) * length] if k == "f" else v for v, k in zip(views, kinds)]
                partial[b] = self.plain(*cut).sum() if loop is None else loop(*cut)

        threads.share(part, len(partial))
        return partial.sum().astype(dtype)


_device_types: set = cuda.device_types


def _plan(args):
    """How to loop over `args`: (kinds, flat or row views and numbers, length of the shared axis, block), or None."""
    lead = next(iter(sorted((a for a in args if type(a) is ndarray), key=lambda a: -a.size)))
    shape, dtype = lead.shape, lead.dtype
    if dtype.kind != "f":
        return None
    kinds, views = "", []
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
