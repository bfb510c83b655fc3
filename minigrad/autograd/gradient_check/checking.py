"""`gradcheck` itself: it compares the gradients that backward computes with numeric ones, and explains what differs."""

from __future__ import annotations

from typing import Any

from ... import backend
from ...backend import array_module
from . import diagnosis
from .differences import slope
from .findings import Finding, GradcheckError, Stop
from ...testing.reproducer import reproducer
from .snapshots import same, snapshot
from .subject import Subject, node_function, node_inputs, unravel

MOST_FINDINGS = 12  # elements that disagree after which the search ends


def gradcheck(
    function: Any,
    inputs: Any,
    *,
    eps: float | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-10,
    surrogate: Any = None,
    raise_exception: bool = True,
    allow_kinks: bool = False,
    max_elements: int = 256,
    directions: int = 64,
    seed: int = 0,
) -> bool:
    """Return whether the gradients of `function(*inputs)` agree with numeric ones to atol + rtol · the larger of the two.

    function: a function that returns one or several tensors.
    inputs: tensors and other values; the tensors that require a gradient, all float64, are checked. A tensor of at most `max_elements`
        elements is checked element by element, against every element of an output that is as small, and a larger tensor along
        `directions` random directions that together move every element.
    eps: the largest step of the numeric derivative; by default it is in proportion to the size of each element.
    surrogate: for an op whose backward is on purpose not its derivative, the scalar function of the inputs that backward adds to the
        objective. The gradient for g is then that of Σ g · function(x) + surrogate(x).
    allow_kinks: accept elements where the slopes from left and right differ and the gradient lies between them.

    It is also checked that running twice gives the same bits (on a GPU, where numbers at repeated indices add up in an order that varies,
    the same numbers up to rounding), and that no input, saved array or g is changed. The function and its backward run where the inputs
    live; numbers are compared on the host.
    Raise GradcheckError, which explains the mistake, unless raise_exception is False; raise TypeError or ValueError for inputs that
    cannot be checked.
    """
    given, defaults = locals(), gradcheck.__kwdefaults__ or {}
    options = {name: given[name] for name in defaults if name != "raise_exception"}
    finding, subject = backend.without_fp_warnings(Check(function, inputs, options).run)
    if finding is not None and raise_exception:
        changed = {name: value for name, value in options.items() if value != defaults[name]}
        raise GradcheckError(finding, reproducer("gradcheck", subject.function, subject.inputs, changed))
    return finding is None


class Check:
    """The check of one function: each input is moved along some directions, and the outputs are weighted by some cotangents."""

    def __init__(self, function, inputs, options):
        self.options, self.eps, self.rtol = options, options["eps"], options["rtol"]
        self.subject = Subject(function, inputs, options["surrogate"], self.rtol, options["seed"])

    def run(self):
        """Return (a Finding or None, the Subject that is to blame: the function, or an operation inside it)."""
        subject = self.subject
        try:
            self.repeat()
            found = [f for i in range(len(subject.positions)) for f in self.compare(i)]
        except Stop as stop:
            found = [Finding(subject.name, *stop.args)]
        if self.options["allow_kinks"]:
            found = [f for f in found if f.verdict != "kink"]
        if not found:
            return None, subject
        worst = max(found, key=lambda f: (f.verdict != "kink", f.excess))
        inner = self.blame(worst.verdict)
        if inner is not None:
            return inner
        if not worst.verdict:
            diagnosis.explain(self, worst, [f for f in found if f.argument == worst.argument and not f.verdict])
        return worst, subject

    def repeat(self):
        """Run forward and backward twice; raise Stop if the results differ, or if anything was changed."""
        subject = self.subject
        before = [snapshot(x.array) for x in subject.tensors]
        self.base = subject.value()
        again = subject.value()
        subject.record()
        self.untouched(before, "the function")
        if not subject.repeats(self.base, again):
            raise Stop("nondeterministic", "two runs on the same inputs gave different values; seed what is random")
        for node in subject.nodes():
            diagnosis.check_node(subject, node)
        w = subject.draw((subject.n,))
        first, second = subject.gradients(w), subject.gradients(w)
        self.untouched(before, "backward")
        if not all(map(subject.repeats, first, second)):
            raise Stop("nondeterministic", "two backward passes over the same graph gave different gradients")

    def untouched(self, before, culprit):
        """Raise Stop if an input is not as `before`."""
        for i, (x, copy) in enumerate(zip(self.subject.tensors, before)):
            if not same(x.array, copy):
                raise Stop("mutation", f"{culprit} changed its tensor input {i}; compute with a clone() of it", i)

    def compare(self, number):
        """Return the findings for one input. A group of elements that disagrees is halved until single elements are left."""
        cotangents = self.cotangents(number)
        groups = self.groups(self.subject.arrays[number].size)
        findings: list = []
        while groups and len(findings) < MOST_FINDINGS:
            group = groups.pop()
            found = self.judge(number, group, *cotangents)
            if found is None:
                continue
            half = len(group) // 2
            parts = [p for p in (group[:half], group[half:]) if half and self.judge(number, p, *cotangents)]
            groups += parts
            if not parts:
                findings.append(found)
        return findings

    def cotangents(self, number):
        """Return (cotangents, the gradients of one input for each): one for each element of a small output, then random ones."""
        n, xp, few = self.subject.n, array_module(self.base), self.subject.n <= self.options["max_elements"]
        rows = self.subject.draw((2 if few else 4, n))
        if few:
            rows = xp.concatenate([xp.eye(n), rows])
        gradients = xp.stack([self.subject.gradients(w)[number] for w in rows])
        if self.options["surrogate"] is not None:
            rows = xp.concatenate([rows, xp.ones((len(rows), 1))], axis=1)
        return rows, gradients

    def groups(self, n):
        """Return the groups of elements that are moved at once: single elements, or a random partition of a large input."""
        if n <= self.options["max_elements"]:
            return [[i] for i in reversed(range(n))]
        order = backend.random.permutation(n, backend.int64, self.subject.stream).tolist()
        count = self.options["directions"]
        return [order[i::count] for i in range(count)]

    def direction(self, number, group):
        """Return a step that moves the elements of `group`, each in proportion to its size."""
        array = self.subject.arrays[number]
        xp = array_module(array)
        step, flat = xp.zeros(array.size), array.reshape(-1)[group]
        signs = xp.ones(1) if len(group) == 1 else xp.sign(self.subject.draw((len(group),)))
        step[group] = signs if self.eps else signs * xp.maximum(0.25, xp.absolute(flat))
        return step.reshape(array.shape)

    def derivative(self, number, step):
        """Return the numeric derivative of all outputs along `step`, a Slope."""
        first = self.eps or 2.0**-4
        return slope(lambda h: self.subject.moved(number, h * step), self.base, first, self.rtol / 100)

    def judge(self, number, group, rows, gradients):
        """Compare the derivatives along one direction; return a Finding if they disagree, or if there is a kink, else None."""
        step = self.direction(number, group)
        xp, found, size = array_module(step), self.derivative(number, step), float(abs(step).max())
        verdicts = Comparison(rows, gradients @ step.reshape(-1), found, self.options["atol"] * size, self.rtol)
        if not xp.any(verdicts.bad | verdicts.kink):
            return None
        excess = xp.where(verdicts.bad if xp.any(verdicts.bad) else verdicts.kink, verdicts.excess, -1.0)
        n = self.subject.n
        alone = len(excess) > n and bool(xp.any(excess[:n] >= 0))  # a single output element tells more than a random mixture
        row = int(xp.argmax(excess[:n] if alone else excess))
        return self.describe(number, group[0], row, verdicts, float(excess[row]), size, alone)

    def describe(self, number, element, row, found, excess, size, alone):
        """Return the Finding for the row that disagrees most. For a mistake, `explain` fills in the verdict later."""
        subject, outputs = self.subject, self.subject.recorded
        numeric, analytic = float(found.numeric[row]) / size, float(found.analytic[row]) / size
        verdict = detail = ""
        if not bool(found.bad[row]):
            left, right = (float(s) / size for s in found.sides[:, row])
            what = "the function jumps here, it has no derivative" if bool(found.jump[row]) else \
                f"the slope is {left!r} on the left and {right!r} on the right, and the gradient lies between"
            verdict, detail = "kink", f"no mistake: {what}; check at another point, or pass allow_kinks=True"
        elif not float(found.error[row]) / size < abs(numeric - analytic) / 2:
            verdict = "unsure"
            detail = f"the numeric derivative is uncertain by {float(found.error[row]) / size:.2g}: " \
                     "the function is not smooth or not finite around this point, or rtol is too small for it"
        place = unravel(element, subject.arrays[number].shape)
        output = unravel(row, outputs[0].array.shape) if alone and len(outputs) == 1 else None
        return Finding(subject.name, verdict, detail, subject.positions[number], place, output, numeric, analytic,
                       excess, element, found.bad)

    def blame(self, verdict):
        """Return (Finding, Subject) for the first of the function's operations that is wrong when checked alone; None if there is none."""
        nodes = self.subject.nodes() if hasattr(self.subject, "recorded") else []
        if len(nodes) < 2 or self.options["surrogate"] is not None:
            return None
        try:
            values = self.subject.values(nodes)
        except RuntimeError:  # what an operation was computed from no longer exists
            return None
        for node in nodes:
            options = {**self.options, "allow_kinks": verdict != "kink"}
            found, subject = Check(node_function(node), node_inputs(node, values), options).run()
            if found is not None:
                found.detail += f" (found inside {self.subject.name})"
                return found, subject
        return None


class Comparison:
    """Analytic and numeric derivatives along one direction for each cotangent: which are wrong (`bad`), and which lie at a kink."""

    def __init__(self, rows, analytic, found, atol, rtol):
        xp, weights = array_module(rows), abs(rows)
        self.numeric, self.analytic = rows @ found.value, analytic
        self.error = weights @ found.error
        rounding = 10 * (weights @ found.noise) + 0.01 * rtol * xp.max(weights @ abs(found.value))
        allowed = atol + rtol * xp.maximum(abs(self.numeric), abs(analytic)) + xp.minimum(2 * self.error, rounding)
        off = abs(self.numeric - analytic)
        self.excess = xp.where(off == off, off / allowed, float("inf"))
        self.sides = xp.stack([rows @ found.left, rows @ found.right])
        self.jump = weights @ found.jump > 0
        margin = allowed + 1e-3 * xp.max(abs(self.sides), axis=0)
        between = (analytic >= xp.min(self.sides, axis=0) - margin) & (analytic <= xp.max(self.sides, axis=0) + margin)
        kink = weights @ found.kink > 0
        self.bad = ~(off <= allowed) & ~(kink & between) & ~self.jump
        self.kink = kink | self.jump
