"""`gradcheck`: compares the gradients that backward computes with numeric ones, and explains what differs."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

from .. import backend
from ..backend import array_module
from . import diagnosis, engine
from .differences import slope
from .modes import enable_grad, no_grad
from .reproducer import reproducer

MOST_FINDINGS = 12  # elements that disagree, of which an explanation is made


class GradcheckError(RuntimeError):
    """The gradient is wrong, or cannot be judged. Attributes: op, argument, index, output, numeric, analytic, ratio, verdict, reproducer.

    verdict: "sign", "constant factor", "broadcast" (a sum over a broadcast axis is missing), "transposed", "precision", "kink",
    "missing", "offset", "shape", "mutation", "nondeterministic", "unsure" or "wrong".
    """

    def __init__(self, finding: Finding, text: str) -> None:
        self.op, self.argument, self.index, self.output = finding.op, finding.argument, finding.index, finding.output
        self.numeric, self.analytic, self.ratio = finding.numeric, finding.analytic, finding.ratio
        self.verdict, self.reproducer = finding.verdict, text
        super().__init__(f"{finding}\nto reproduce:\n\n{text}")


@dataclass
class Finding:
    """One disagreement. index: the element of the argument; output: the element of the output, where one was looked at."""

    op: str
    verdict: str
    detail: str
    argument: int | None = None
    index: tuple[int, ...] | None = None
    output: tuple[int, ...] | None = None
    numeric: float | None = None
    analytic: float | None = None
    excess: float = 0.0
    element: int = 0
    rows: Any = field(default=None, repr=False)

    @property
    def ratio(self) -> float | None:
        """analytic / numeric"""
        if self.numeric is None or self.analytic is None:
            return None
        return self.analytic / self.numeric if self.numeric else float("nan") if not self.analytic else float("inf")

    def __str__(self) -> str:
        place = "" if self.argument is None else f", argument {self.argument}"
        place += "" if self.index is None else f", element {self.index}"
        place += "" if self.output is None else f", output element {self.output}"
        numbers = "" if self.numeric is None else \
            f"\n  numeric   {self.numeric!r}\n  analytic  {self.analytic!r}\n  ratio     {self.ratio!r}"
        return f"gradcheck: {self.op}{place}{numbers}\n  verdict   {self.verdict}: {self.detail}"


def gradcheck(function: Any, inputs: Any, *, eps: float | None = None, rtol: float = 1e-6, atol: float = 1e-10,
              surrogate: Any = None, raise_exception: bool = True, allow_kinks: bool = False, max_elements: int = 256,
              directions: int = 64, seed: int = 0) -> bool:
    """Whether the gradients of `function(*inputs)` agree with numeric ones: |analytic - numeric| ≤ atol + rtol · the larger.

    function: returns one or several tensors. inputs: tensors and other values; the tensors that require a gradient, all float64,
        are checked. An input of at most `max_elements` elements is checked element by element against every output element (of
        outputs that small), a larger one along `directions` random directions that together move every element.
    eps: the largest step of the numeric derivative (chosen by the size of each element).
    surrogate: for an op whose backward is on purpose not its derivative: the scalar function of the inputs that its backward
        adds to the objective. The gradient for the cotangent g is then that of Σ g · function(x) + surrogate(x).
    allow_kinks: accept elements where the slopes from left and right differ and the gradient lies between them.

    Also checked: that running twice gives the same bits, and that neither inputs, nor saved arrays, nor g are changed.
    Raises GradcheckError, which explains itself (with raise_exception=False: returns False), and TypeError or ValueError for
    inputs that cannot be checked.
    """
    options = dict(eps=eps, rtol=rtol, atol=atol, surrogate=surrogate, allow_kinks=allow_kinks, max_elements=max_elements,
                   directions=directions, seed=seed)
    check = Check(function, inputs, **options)  # type: ignore[arg-type]
    token = backend.silence()
    try:
        finding, blamed = check.finding()
    finally:
        backend.unsilence(token)
    if finding is not None and raise_exception:
        raise GradcheckError(finding, reproducer(blamed.function, blamed.inputs, options))
    return finding is None


def name_of(function: Any) -> str:
    """What to call a function in a message: an op's name, a Function's class, the name it was defined with."""
    if isinstance(function, functools.partial):
        return name_of(function.func)
    owner = getattr(function, "__self__", None)
    return str(owner.__name__ if isinstance(owner, type) else getattr(function, "__name__", type(function).__name__))


class Stop(Exception):
    """Carries a Finding that ends the check."""


class Check:
    """One function, its inputs, and how they are checked."""

    def __init__(self, function: Any, inputs: Any, *, eps: Any, rtol: float, atol: float, surrogate: Any, allow_kinks: bool,
                 max_elements: int, directions: int, seed: int) -> None:
        self.function, self.surrogate = function, surrogate
        self.inputs = (inputs,) if isinstance(inputs, engine.Tensor) else tuple(inputs)
        self.eps, self.rtol, self.atol, self.allow_kinks = eps, rtol, atol, allow_kinks
        self.max_elements, self.directions, self.seed = max_elements, directions, seed
        self.stream = backend.random.Stream(seed)
        self.name = name_of(function)
        self.positions = [i for i, x in enumerate(self.inputs) if isinstance(x, engine.Tensor) and x.requires_grad]
        self._check_inputs()

    def _check_inputs(self) -> None:
        if not self.positions:
            raise ValueError(f"gradcheck: no input of {self.name} requires a gradient; make one with requires_grad=True")
        for i, x in enumerate(self.inputs):
            if isinstance(x, engine.Tensor) and x.dtype.kind == "f" and x.dtype != backend.float64:
                raise TypeError(f"gradcheck: input {i} of {self.name} is {x.dtype}; numeric derivatives to {self.rtol:g} need "
                                "float64: pass input.detach().double().requires_grad_()")

    def draw(self, shape: Any, like: Any) -> Any:
        """Random numbers, Gaussian, in float64, on the device of `like`."""
        drawn = backend.random.normal(tuple(shape), backend.float64, 0, 1, self.stream)
        return backend.to_device(drawn, backend.device_of(like))

    # ---- the function and its gradients

    def outputs(self) -> list:
        """The floating-point tensors that the function returns."""
        found = self.function(*self.inputs)
        found = found if isinstance(found, (tuple, list)) else (found,)
        found = [t for t in found if isinstance(t, engine.Tensor) and t.dtype.kind == "f"]
        if not found:
            raise TypeError(f"gradcheck: {self.name} returned no floating-point tensor")
        return found

    def value(self) -> Any:
        """All elements of all outputs, and of the surrogate objective, in a row."""
        with no_grad():
            parts = [t.array.reshape(-1).astype(backend.float64) for t in self.outputs()]
            if self.surrogate is not None:
                parts.append(self.surrogate(*self.inputs).array.reshape(1))
        return array_module(parts[0]).concatenate(parts)

    def moved(self, position: int, step: Any) -> Any:
        """`value` with one input moved; the input is as before afterwards."""
        x = self.inputs[position]
        array = x.array
        try:
            x.array = array + step
            return self.value()
        finally:
            x.array = array

    def gradients(self, w: Any) -> list:
        """For each input checked d(Σ w · outputs) in a row, by backward. `w` is a row over all output elements."""
        tensors = [self.inputs[i] for i in self.positions]
        roots, cotangents, start = [], [], 0
        for t in self.recorded:
            part = array_module(w).copy(w[start:start + t.array.size]).reshape(t.array.shape)
            start += t.array.size
            if t.requires_grad:
                roots, cotangents = [*roots, t], [*cotangents, part]
        if not roots:
            return [array_module(t.array).zeros(t.array.size) for t in tensors]
        before = [array_module(c).copy(c) for c in cotangents]
        try:
            found = engine.grad(roots, tensors, [engine.wrap(c) for c in cotangents], retain_graph=True, allow_unused=True)
        except RuntimeError as error:
            raise Stop(Finding(self.name, *diagnosis.refused(self, error))) from error
        if not all(map(same, cotangents, before)):
            raise Stop(Finding(self.name, "mutation", "backward changed the gradient that it was given; other operations see the same array"))
        return [array_module(t.array).zeros(t.array.size) if g is None else g.array.reshape(-1) for t, g in zip(tensors, found)]

    # ---- the check

    def finding(self) -> tuple[Finding | None, Check]:
        """What is wrong, or None; and the check of the very operation that is to blame."""
        try:
            self.repeat()
            found = [f for i in range(len(self.positions)) for f in self.compare(i)]
        except Stop as stop:
            found = [stop.args[0]]
        if self.allow_kinks:
            found = [f for f in found if f.verdict != "kink"]
        if not found:
            return None, self
        worst = max(found, key=lambda f: (f.verdict != "kink", f.excess))
        inner = self.blame(worst.verdict)
        if inner is not None:
            return inner
        if worst.verdict == "":
            diagnosis.explain(self, worst, [f for f in found if f.argument == worst.argument and f.verdict == ""])
        return worst, self

    def repeat(self) -> None:
        """Run forward and backward twice: same bits, nothing changed; then the backward functions of each operation."""
        arrays = [x.array for x in self.inputs if isinstance(x, engine.Tensor)]
        before = [array_module(a).copy(a) for a in arrays]
        self.base = self.value()
        again = self.value()
        with enable_grad():
            self.recorded = self.outputs()
        self.n = sum(t.array.size for t in self.recorded)
        self.untouched(arrays, before, "the function")
        if not same(self.base, again):
            raise Stop(Finding(self.name, "nondeterministic", "two runs on the same inputs gave different values; seed what is random in it"))
        for node in self.nodes():
            diagnosis.check_node(self, node)
        w = self.draw((self.n,), self.base)
        first, second = self.gradients(w), self.gradients(w)
        self.untouched(arrays, before, "backward")
        if not all(map(same, first, second)):
            raise Stop(Finding(self.name, "nondeterministic", "two backward passes over the same graph gave different gradients; "
                                                              "does backward change what was saved for it?"))

    def stop(self, verdict: str, detail: str, argument: int | None = None) -> None:
        """End the check."""
        raise Stop(Finding(self.name, verdict, detail, argument))

    def untouched(self, arrays: list, before: list, who: str) -> None:
        """Stop if an input was changed."""
        for i, (a, b) in enumerate(zip(arrays, before)):
            if not same(a, b):
                raise Stop(Finding(self.name, "mutation", f"{who} changed its tensor input {i}; compute with a clone() of it", i))

    def nodes(self) -> list:
        """The recorded operations between inputs and outputs, oldest first."""
        given = {x.node for x in self.inputs if isinstance(x, engine.Tensor)}
        starts = [t.node for t in self.recorded if t.node is not None]
        return [node for node in engine._graph(starts, given) if node not in given] if starts else []

    def compare(self, number: int) -> list:
        """The findings for one input. Groups of elements that disagree are halved until single elements are left."""
        weights, gradients = self.rows(number)
        x = self.inputs[self.positions[number]].array
        groups, findings = self.groups(x.size), []
        while groups and len(findings) < MOST_FINDINGS:
            group = groups.pop()
            found = self.judge(number, group, weights, gradients)
            if found is None:
                continue
            if len(group) == 1:
                findings.append(found)
                continue
            half = len(group) // 2
            parts = [(part, self.judge(number, part, weights, gradients)) for part in (group[:half], group[half:])]
            groups += [part for part, seen in parts if seen is not None]
            if all(seen is None for _, seen in parts):
                findings.append(found)
        return findings

    def rows(self, number: int) -> tuple:
        """(cotangents as rows, for each the gradient of one input): random ones, and one for each element of small outputs."""
        n, xp = self.n, array_module(self.base)
        weights = self.draw((2 if n <= self.max_elements else 4, n), self.base)
        if n <= self.max_elements:
            weights = xp.concatenate([xp.eye(n), weights])
        gradients = xp.stack([self.gradients(w)[number] for w in weights])
        if self.surrogate is not None:
            weights = xp.concatenate([weights, xp.ones((len(weights), 1))], axis=1)
        return weights, gradients

    def groups(self, n: int) -> list:
        """Every element by itself, or, of a large input, a random partition."""
        if n <= self.max_elements:
            return [[i] for i in reversed(range(n))]
        order = backend.random.permutation(n, backend.int64, self.stream).tolist()
        return [order[i::self.directions] for i in range(self.directions)]

    def direction(self, array: Any, group: list) -> Any:
        """A direction that moves the elements of `group`, each in proportion to its size."""
        xp = array_module(array)
        step, flat = xp.zeros(array.size), array.reshape(-1)[group]
        signs = xp.ones(1) if len(group) == 1 else xp.sign(self.draw((len(group),), array))
        step[group] = signs if self.eps else signs * xp.maximum(0.25, xp.absolute(flat))
        return step.reshape(array.shape)

    def derivative(self, number: int, step: Any) -> Any:
        """The numeric derivative of all outputs along `step`, a Slope."""
        position = self.positions[number]
        return slope(lambda h: self.moved(position, h * step), self.base, self.eps or 2.0**-4, self.rtol / 100)

    def judge(self, number: int, group: list, weights: Any, gradients: Any) -> Finding | None:
        """Compare the derivatives along one direction; a Finding where they disagree (its verdict left open) or at a kink."""
        x = self.inputs[self.positions[number]].array
        xp, step = array_module(x), self.direction(x, group)
        found, size = self.derivative(number, step), float(xp.max(xp.absolute(step)))
        numeric, analytic = weights @ found.value, gradients @ step.reshape(-1)
        largest = xp.maximum(xp.absolute(numeric), xp.absolute(analytic))
        slack = xp.minimum(2 * (xp.absolute(weights) @ found.error),
                           10 * (xp.absolute(weights) @ found.noise) + 0.01 * self.rtol * xp.max(xp.absolute(weights) @ xp.absolute(found.value)))
        allowed = self.atol * size + self.rtol * largest + slack
        off = xp.absolute(numeric - analytic)
        kink = xp.absolute(weights) @ (found.kink | found.jump) > 0
        sides = xp.stack([weights @ found.left, weights @ found.right])
        margin = allowed + 1e-3 * xp.max(xp.absolute(sides), axis=0)
        between = (analytic >= xp.min(sides, axis=0) - margin) & (analytic <= xp.max(sides, axis=0) + margin)
        jump = xp.absolute(weights) @ found.jump > 0
        bad = ~(off <= allowed) & ~(kink & (between | jump))
        if not xp.any(bad) and not xp.any(kink):
            return None
        excess = xp.where(bad if xp.any(bad) else kink, xp.where(off == off, off / allowed, float("inf")), -1.0)
        if len(excess) > self.n and xp.any(excess[:self.n] >= 0):
            excess[self.n:] = -1.0  # a single output element tells more than a random mixture
        row = int(xp.argmax(excess))
        return self.describe(number, group, row, float(numeric[row]) / size, float(analytic[row]) / size, float(excess[row]),
                             bad, sides[:, row] / size, bool(jump[row]), float((xp.absolute(weights) @ found.error)[row]) / size)

    def describe(self, number: int, group: list, row: int, numeric: float, analytic: float, excess: float, bad: Any,
                 sides: Any, jump: bool, error: float) -> Finding:
        """A Finding for the row that disagrees most."""
        place = unravel(group[0], self.inputs[self.positions[number]].array.shape)
        output = unravel(row, self.recorded[0].array.shape) if self.n <= self.max_elements and row < self.n and len(self.recorded) == 1 else None
        verdict, detail = "", ""
        if not bool(bad[row]):
            verdict = "kink"
            detail = "no mistake: the function jumps here and has no derivative" if jump else \
                f"no mistake: the slope is {float(sides[0])!r} on the left and {float(sides[1])!r} on the right, and the gradient lies between"
            detail += "; check at another point, or pass allow_kinks=True"
        elif not error < abs(numeric - analytic) / 2:
            verdict = "unsure"
            detail = f"the numeric derivative is uncertain by {error:.2g}; the function is not smooth or not finite around this point, or rtol is too small for it"
        return Finding(self.name, verdict, detail, self.positions[number], place, output, numeric, analytic, excess, group[0], bad)

    def blame(self, verdict: str) -> tuple[Finding, Check] | None:
        """Where the function is made of several operations: the first whose own gradient is wrong, checked by itself."""
        nodes = self.nodes() if hasattr(self, "recorded") else []
        if len(nodes) < 2 or self.surrogate is not None:
            return None
        try:
            _, values = engine.replay([t.node for t in self.recorded if t.node is not None], [x for x in self.inputs if isinstance(x, engine.Tensor)])
        except RuntimeError:
            return None
        for node in nodes:
            if node not in values:
                continue
            check = Check(node_function(node), node_inputs(node, values), eps=self.eps, rtol=self.rtol, atol=self.atol, surrogate=None,
                          allow_kinks=verdict != "kink", max_elements=self.max_elements, directions=self.directions, seed=self.seed)
            found, blamed = check.finding()
            if found is not None:
                found.detail += f" (found inside {self.name})"
                return found, blamed
        return None


def node_function(node: Any) -> Any:
    """The recorded operation as a function of its array arguments."""
    apply = getattr(node.op, "cls", None)
    return apply.apply if apply is not None else functools.partial(node.op, **node.options) if node.options else node.op


def node_inputs(node: Any, values: dict) -> list:
    """The arguments of a recorded operation as new leaves."""
    arguments = []
    for parent, constant in zip(node.parents, node.constants or (None,) * len(node.parents)):
        if parent is None:
            arguments.append(constant)
        else:
            array = (values[parent] if isinstance(parent, engine.Node) else parent).array
            leaf = engine.wrap(array_module(array).copy(array))
            leaf.requires_grad = True
            arguments.append(leaf)
    return arguments


def same(a: Any, b: Any) -> bool:
    """Whether two arrays hold the same numbers; NaN equals NaN."""
    xp = array_module(a)
    return bool(xp.all((a == b) | ((a != a) & (b != b))))


def unravel(i: int, shape: Any) -> tuple[int, ...]:
    """The index of element number `i` of an array of `shape`."""
    index: tuple[int, ...] = ()
    for n in reversed(shape):
        index, i = (i % n, *index), i // n
    return index
