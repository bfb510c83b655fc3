"""Random programs, run with minigrad and with PyTorch: python tests/hostile/programs_vs_torch.py FIRST COUNT

A program is a list of statements in which L is the library. What the statements leave (values, dtypes, shapes, strides, gradients,
second derivatives) must be the same in both. If PyTorch raises, minigrad may raise or go on. If only minigrad raises, the error must be
one of its own, and is counted. A disagreement is printed as a short program.
"""

import collections
import copy
import random
import re
import sys
import warnings

import numpy as np
import torch

import minigrad

FLOATS = ("float64", "float64", "float64", "float32")
DTYPES = (*FLOATS, *FLOATS, "int64", "int64", "int32", "uint8", "int8", "bool", "bool")
OWN = (RuntimeError, TypeError, IndexError, ValueError, NotImplementedError)
BARE = re.compile(r"numpy|ufunc|broadcast together|Python integer|out of bounds for (u?int|float)|maximum recursion|argument of type|"
                  r"object has no attribute|unsupported operand|not subscriptable|missing \d|unexpected keyword")


# ---- what a program may hold


class Writer:
    """A writer of statements that mostly make sense: it runs each with PyTorch before it writes the next.

    dtypes: those of the tensors that are made; order: the order of the derivatives at the end.
    """

    def __init__(self, seed, dtypes=DTYPES, order=2):
        self.dtypes, self.order = dtypes, order
        self.draw, self.names, self.lines = random.Random(seed), 0, []
        self.env = environment(torch)

    def tensors(self, test=lambda t: True):
        return [n for n, t in self.env.items() if isinstance(t, torch.Tensor) and test(t)]

    def pick(self, test=lambda t: True):
        """Return a tensor's name; newer tensors are likelier."""
        found = self.tensors(test)
        if not found:
            return None
        return self.draw.choice(found[-3:] if self.draw.random() < 0.6 else found)

    def new(self):
        self.names += 1
        return f"v{self.names}"

    def write(self, line):
        """Add a statement; one that PyTorch refuses is kept now and then."""
        state = self.draw.getstate()
        error = execute(line, self.env)
        if error is None or (random.Random(len(self.lines)).random() < 0.1 and "Deprecated" not in error):
            self.lines.append(line)
        self.draw.setstate(state)

    def number(self):
        return self.draw.choice(["2", "-1", "0.5", "3", "0", "1.5", "True", "-2.0"])

    def values(self, shape, dtype):
        if dtype.startswith(("float",)):
            pool = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.0, 2.0, 3.0]
        elif dtype == "bool":
            pool = [True, False]
        elif dtype == "uint8":
            pool = [0, 1, 2, 3, 200]
        else:
            pool = [-2, -1, 0, 1, 2, 3, 100]
        if not shape:
            return repr(self.draw.choice(pool))
        return "[" + ", ".join(self.values(shape[1:], dtype) for _ in range(shape[0])) + "]"

    def shape(self):
        return [self.draw.choice([1, 2, 3, 3, 2, 4]) for _ in range(self.draw.choice([0, 1, 1, 2, 2, 2, 3]))]

    def make(self):
        d = self.draw
        dtype = d.choice(self.dtypes)
        shape = self.shape()
        ask = ", requires_grad=True" if dtype.startswith("float") and d.random() < 0.6 else ""
        kind = d.random()
        if kind < 0.1:
            return f"{self.new()} = L.{d.choice(['zeros', 'ones'])}({tuple(shape)}, dtype=L.{dtype}{ask})"
        if kind < 0.15:
            return f"{self.new()} = L.from_numpy(np.array({self.values(shape, dtype)}, '{dtype}').reshape({tuple(shape)}))"
        return f"{self.new()} = L.tensor({self.values(shape, dtype)}, dtype=L.{dtype}{ask})"

    def key(self, t):
        """Return a key for `t`, as text."""
        d, parts, axes = self.draw, [], list(t.shape)
        if d.random() < 0.06:
            mask = self.pick(lambda m: m.dtype in (torch.bool, torch.uint8) and list(m.shape) == axes[:m.ndim])
            if mask:
                return mask
        if d.random() < 0.08 and t.ndim:
            name = self.pick(lambda m: m is t)
            return f"{name} {d.choice(['>', '<', '>=', '=='])} {d.choice(['0', '1'])}" if name else "..."
        arrays = d.random() < 0.4
        for n in axes[:d.randint(0, len(axes))]:
            r = d.random()
            if arrays and n and r < 0.4:
                numbers = [d.randrange(-n, n) for _ in range(d.choice([1, 2, 2, 3]))]
                column = [[k] for k in numbers]
                parts.append(d.choice([f"{numbers}", f"L.tensor({numbers})", f"L.tensor({column})", f"L.tensor({numbers[0]})"]))
            elif arrays and r < 0.5:
                parts.append(d.choice([f"{[d.random() < 0.6 for _ in range(n)]}",
                                       f"L.tensor({[d.randint(0, 1) for _ in range(n)]}, dtype=L.uint8)"]))
            elif r < 0.5 and n:
                parts.append(str(d.randrange(-n, n)))
            elif r < 0.9:
                parts.append(d.choice([":", ":", "1:", ":-1", "::2", "-2:", ":1"]))
            else:
                parts.append(d.choice(["0", "None", ":", "L.tensor(True)", "L.tensor(1, dtype=L.uint8)"] if arrays else ["None", ":"]))
        if d.random() < 0.15:
            parts.insert(d.randint(0, len(parts)), "...")
        if d.random() < 0.08:
            parts.insert(d.randint(0, len(parts)), "None")
        if not parts:
            return d.choice(["...", ":", "None"]) if axes else "..."
        return ", ".join(parts)

    def view(self):
        d, name = self.draw, self.pick()
        if not name:
            return None
        t, n = self.env[name], self.env[name].ndim
        new = self.new()
        which = d.randrange(12)
        if which < 4:
            return f"{new} = {name}[{self.key(t)}]"
        if which == 4:
            return f"{new} = {name}.{d.choice(['detach()', 'data', 'clone()', 'contiguous()'])}"
        if which == 5 and n >= 2:
            i, j = d.sample(range(-n, n), 2)
            return f"{new} = {name}.transpose({i}, {j})"
        if which == 6 and n >= 1:
            order = list(range(n))
            d.shuffle(order)
            return f"{new} = {name}.permute({', '.join(map(str, order))})"
        if which == 7:
            return f"{new} = {name}.{d.choice(['reshape', 'view'])}({d.choice(['-1', self.other_shape(t)])})"
        if which == 8:
            shape = [d.choice([2, 3])] * d.randint(0, 1) + [d.choice([2, 3, 4]) if k == 1 else d.choice([k, -1]) for k in t.shape]
            return f"{new} = {name}.expand({tuple(shape)})"
        if which == 9:
            return f"{new} = {name}.unsqueeze({d.randint(-n - 1, n)})"
        if which == 10:
            return f"{new} = {name}.{d.choice(['squeeze()', 'flatten()', f'squeeze({d.randint(-n, max(n - 1, 0))})'])}"
        return f"{new} = {name}[{self.key(t)}]"

    def other_shape(self, t):
        d, total = self.draw, t.numel()
        divisors = [k for k in range(1, total + 1) if total % k == 0] or [0]
        k = d.choice(divisors)
        return d.choice([f"{k}, -1", f"-1, {k}", f"{total}", f"1, {total}"])

    def other(self, t, name):
        """Return an operand for an operation with `t`."""
        if self.draw.random() < 0.3:
            return self.number()
        fits = self.pick(lambda o: can_stand_beside(o.shape, t.shape))
        return fits or name

    def sign(self, a, b, signs):
        """Return an operator; ⌊x / y⌋ has no derivative, bools no powers, and PyTorch's second derivatives of powers are NaN at 0."""
        a, b = (self.env.get(name) for name in (a, b))
        if not getattr(a, "requires_grad", False) and not getattr(b, "requires_grad", False):
            signs = [*signs, "//"]
        if torch.bool in (getattr(a, "dtype", None), getattr(b, "dtype", None)):
            signs = [sign for sign in signs if sign not in ("**", "-")]
        if self.order > 1:
            signs = [sign for sign in signs if sign != "**"]
        return self.draw.choice(signs)

    def into(self, t):
        """Return something that broadcasts into the shape of `t`."""
        if self.draw.random() < 0.3:
            return self.number()
        shape = tuple(t.shape)
        memory = t.untyped_storage().data_ptr()  # PyTorch's numbers are undefined if a tensor is written to a part of itself
        fits = lambda o: goes_into(o.shape, shape) and o.untyped_storage().data_ptr() != memory
        return self.pick(lambda o: fits(o) and (t.is_floating_point() or not o.requires_grad)) or self.number()

    def compute(self):
        d, name = self.draw, self.pick()
        if not name:
            return None
        t, n, new = self.env[name], self.env[name].ndim, self.new()
        dim = d.randint(-max(n, 1), max(n, 1) - 1)
        keep = d.choice(["", ", keepdim=True"])
        which = d.randrange(16)
        if which < 5:
            a, b = name, self.other(t, name)
            if d.random() < 0.3:
                a, b = b, a
            return f"{new} = {a} {self.sign(a, b, ['+', '-', '*', '*', '/', '+', '-', '*', '/', '%', '**'])} {b}"
        if which < 8:
            numeric = [] if t.dtype is torch.bool else ["abs", "relu", "square", "neg", "sign"]
            f = d.choice([*numeric, "exp", "tanh", "sigmoid", "sqrt", "log", "isnan", "logical_not"])
            return f"{new} = {name}.{f}()"
        if which == 8:
            return f"{new} = {name} {d.choice(['<', '<=', '>', '>=', '==', '!='])} {self.other(t, name)}"
        if which == 9:
            condition = self.pick(lambda o: o.dtype is torch.bool and can_stand_beside(o.shape, t.shape))
            if condition:
                return f"{new} = L.where({condition}, {name}, {self.other(t, name)})"
            return f"{new} = {name}.clamp({d.choice(['-1, 1', 'min=0', 'max=0.5', '0, 0', '1, -1', 'min=-0.5, max=2'])})"
        if which < 12:
            f = d.choice(["sum", "sum", "mean", "amax", "amin", "argmax", "argmin", "all", "any"])
            return f"{new} = {name}.{f}({d.choice(['', f'{dim}{keep}', f'{dim}{keep}'])})"
        if which == 12:
            f = d.choice(["max", "min"])
            return f"{new} = {name}.{f}({d.choice(['), ', f'{dim}{keep})[0], ', f'{dim}{keep})[1], '])[:-2]}"
        if which == 13:
            other = self.pick(lambda o: o.dtype == t.dtype and o.ndim in (1, 2) and n in (1, 2) and o.shape[0] == t.shape[-1])
            if other:
                return f"{new} = {name} @ {other}"
            other = self.pick(lambda o: can_stand_beside(o.shape, t.shape)) or name
            return f"{new} = L.{d.choice(['maximum', 'minimum'])}({name}, {other})"
        if which == 14:
            others = [self.pick(lambda o: o.shape == t.shape) or name for _ in range(d.randint(1, 2))]
            return f"{new} = L.{d.choice(['cat', 'stack'])}([{', '.join([name, *others])}], {dim})"
        soft = [f"softmax({dim})", f"log_softmax({dim})"] if t.is_floating_point() else []
        return f"{new} = {name}.{d.choice(['double()', 'float()', 'long()', 'bool()', 'int()', *soft])}"

    def change(self):
        d, name = self.draw, self.pick()
        if not name:
            return None
        t = self.env[name]
        which = d.randrange(12)
        if which < 3:
            line = f"{name}.{d.choice(['add_', 'sub_', 'mul_', 'div_', 'copy_', 'add_', 'mul_'])}({self.into(t)})"
        elif which < 5:
            value = self.into(t)
            line = f"{name} {self.sign(name, value, ['+', '-', '*', '/', '%', '**', '&', '|', '^', '<<', '>>'])}= {value}"
        elif which == 5:
            f = d.choice(["exp_", "neg_" if t.dtype is not torch.bool else "zero_", "abs_", "tanh_", "sigmoid_", "relu_", "sqrt_", "zero_"])
            line = f"{name}.{f}()"
        elif which == 6:
            line = f"{name}.{d.choice(['clamp_(0, 1)', 'clamp_(min=0)', 'fill_(2)', 'clamp_(max=1.5)', 'fill_(0.5)', 'pow_(2)'])}"
        else:
            key = self.key(t)
            try:
                part = eval(f"{name}[{key}]", self.env)
            except Exception:
                return None
            if not part.numel():
                return None
            sign = d.choice(["=", "=", "=", "+=", "*=", "-="])
            line = f"{name}[{key}] {sign} {self.into(part)}"
        return f"with L.no_grad(): {line}" if d.random() < 0.15 else line

    def various(self):
        d, name = self.draw, self.pick()
        if not name:
            return None
        return d.choice([
            f"{self.new()} = {name}.detach().numpy()", f"del {name}",
            f"{self.new()} = {name}.detach().requires_grad_()", f"with L.no_grad(): {self.new()} = {name} * 2",
            f"{self.new()} = {name} + 0",
        ])

    def program(self):
        d = self.draw
        for _ in range(d.randint(1, 3)):
            self.write(self.make())
        for _ in range(d.randint(2, 12)):
            line = d.choice([*[self.view] * 2, *[self.compute] * 3, *[self.change] * 2, self.make, self.various])()
            if line:
                self.write(line)
        ends = self.tensors(lambda t: t.requires_grad and t.dtype.is_floating_point)
        leaves = [n for n in ends if self.env[n].is_leaf]
        made = [n for n in ends if not self.env[n].is_leaf]
        if made and leaves:
            chosen = d.sample(made, min(len(made), d.randint(1, 3)))
            terms = " + ".join(f"({n} * L.tensor({d.choice([1.0, 2.0, -0.5])})).sum()" for n in chosen)
            terms = terms if d.random() < 0.5 else " + ".join(f"({n} * {n}).sum()" for n in chosen)
            if d.random() < 0.5 or self.order == 1:
                self.lines.append(f"loss = {terms}")
                self.lines.append(d.choice(["loss.backward()", "loss.backward()", "loss.backward(retain_graph=True); loss.backward()"]))
            else:
                inputs = ", ".join(d.sample(leaves, d.randint(1, len(leaves))))
                self.lines.append(f"loss = {terms}")
                self.lines.append(f"g = L.autograd.grad(loss, [{inputs}], create_graph=True, allow_unused=True)")
                self.lines.append("s = sum([(h * h).sum() for h in g if h is not None])")
                self.lines.append(f"k = L.autograd.grad(s, [{inputs}], allow_unused=True) if isinstance(s, L.Tensor) else None")
        return self.lines


def can_stand_beside(a, b):
    return all(m == n or 1 in (m, n) for m, n in zip(reversed(a), reversed(b)))


def goes_into(a, b):
    return len(a) <= len(b) and all(m in (n, 1) for m, n in zip(reversed(a), reversed(b)))


# ---- running it


def environment(library):
    return {"L": library, "np": np, "copy": copy}


def execute(line, env):
    """Run a statement; return what it raised, as text."""
    try:
        exec(line, env)
    except Exception as error:
        text = str(error).split("\n")[0]
        if isinstance(error, NameError) or (isinstance(error, AttributeError) and "'Tensor'" not in text):
            return f"unrelated {text}"
        if env["L"] is minigrad and (not isinstance(error, OWN) or BARE.search(text)):
            return f"BARE {type(error).__name__}: {text}"
        return f"{type(error).__name__}: {text}"
    return None


def compare(program, strides=True):
    """Return (kind, details) of the first disagreement or of an error that only one of the libraries raises; None if there is none."""
    in_minigrad, in_torch = environment(minigrad), environment(torch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raised = False
        for line in program:
            a, b = execute(line, in_minigrad), execute(line, in_torch)
            raised = raised or (a is not None and "backward" in line)
            if a is not None and a.startswith("BARE"):
                return "bare", f"{line}: {a} | {b}", line
            if a is None and b is not None:
                return "only PyTorch raises", f"{line}: {b}", line
            if b is None and a is not None:
                return "only minigrad raises", f"{line}: {a}", line
        for name in in_torch:
            if name.startswith("__"):
                continue
            if name not in in_minigrad:
                return "missing", name, name
            # after fill_ PyTorch's first derivatives require no gradient
            found = differ(in_minigrad[name], in_torch[name], strides and name != "s")
            if found and not (raised and "grad None" in found):  # the pass ended halfway
                return "different", f"{name}: {found}", name
    return None


def differ(found, expected, strides):
    """Return what differs between two values of one name, or None."""
    if isinstance(expected, tuple) and expected and isinstance(expected[0], torch.Tensor | None):
        for i, pair in enumerate(zip(found, expected)):
            difference = differ(*pair, False)
            if difference:
                return f"[{i}] {difference}"
        return None
    if isinstance(expected, np.ndarray):
        return None if same(found, expected) else f"array {found.tolist()} for {expected.tolist()}"
    if not isinstance(expected, torch.Tensor):
        return None
    if not isinstance(found, minigrad.Tensor):
        return f"{found!r} for a tensor"
    if str(found.dtype) != str(expected.dtype).removeprefix("torch."):
        return f"dtype {found.dtype} for {expected.dtype}"
    if tuple(found.shape) != tuple(expected.shape):
        return f"shape {tuple(found.shape)} for {tuple(expected.shape)}"
    try:
        needs = expected.requires_grad
    except RuntimeError:
        return None
    free = minigrad.autograd.sharing.is_free(found)  # otherwise its elements stay where they are in memory
    if strides and free and expected.is_contiguous() and expected.numel() and execute("x.view(-1)", {"L": minigrad, "x": found}):
        return f"strides {found.stride()} for {expected.stride()} of {tuple(found.shape)}"
    same_place_in_graph = (found.requires_grad, found.is_leaf) == (needs, expected.is_leaf)
    if strides and expected.is_floating_point() and expected.numel() and not same_place_in_graph:
        return f"requires_grad {found.requires_grad}, leaf {found.is_leaf} for {needs}, {expected.is_leaf}"
    if not same(found.detach().numpy(), expected.detach().numpy(force=True)):
        return f"{found.tolist()} for {expected.tolist()}"
    if expected.is_leaf or expected.retains_grad:
        if (found.grad is None) != (expected.grad is None) and expected.is_leaf:  # PyTorch loses some gradients of changed views
            return f"grad {found.grad} for {expected.grad}"
        if found.grad is None or expected.grad is None:
            return None
        if not same(found.grad.detach().numpy(), expected.grad.detach().numpy(force=True)):
            return f"grad {found.grad.tolist()} for {expected.grad.tolist()}"
    return None


def same(a, b):
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-5, equal_nan=True)


def shorter(program, kind):
    """Return the program without the statements that a disagreement of this kind does not need."""
    changed = True
    while changed:
        changed = False
        for i in reversed(range(len(program))):
            less = program[:i] + program[i + 1:]
            found = compare(less)
            if found and found[0] == kind and "unrelated" not in found[1]:
                program, changed = less, True
    return program


def check(seed, **options):
    """Run the program of a seed; return [(kind, details, program)] of what is wrong, and Counter of the errors that only one raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = list(Writer(seed, **options).program())
    raised = collections.Counter()
    while found := compare(program):
        kind, details, line = found
        if not kind.startswith("only"):
            return [(kind, details, program)], raised
        raised[kind, re.sub(r"v\d+", "v", re.sub(r"-?\d+(\.\d+)?", "#", details.partition(": ")[2]))[:200]] += 1
        program = [other for other in program if other != line]
    return [], raised


def main(first, count):
    seen, raised, examples = collections.Counter(), collections.Counter(), {}
    for seed in range(first, first + count):
        wrong, more = check(seed)
        for key in more:
            examples.setdefault(key, seed)
        raised.update(more)
        for kind, _, program in wrong:
            program = shorter(program, kind)
            details = compare(program)[1]
            key = kind, re.sub(r"v\d+|-?\d+(\.\d+)?", "#", program[-1] if kind == "different" else details)[:60]
            seen[key] += 1
            if seen[key] <= 2:
                print(f"seed {seed}: {kind}: {details}", *program, sep="\n    ", flush=True)
    print("disagreements:", sum(seen.values()))
    for (kind, text), n in raised.most_common():
        print(f"{n:6} {kind}: {text}   (seed {examples[kind, text]})")
    return sum(seen.values())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])) > 0)
