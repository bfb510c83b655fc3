"""The check: it compares the gradients of a function with numeric derivatives, and names the mistake where they differ."""

from __future__ import annotations

import difflib
import time
from typing import Any, TypedDict

import numpy as np

from . import auditing, diagnosis, doubts
from .comparing import Comparison
from .findings import Finding, GradcheckError, Report, Stop
from .measuring import SCALES, quick, survey
from .subjects.base import unravel

DIRECTIONS_SEED = 0  # of the random cotangents and directions of every check
MOST_FINDINGS, MOST_IN_LARGE = 12, 4  # elements that disagree after which the search ends, in a small and in a large input


class Options(TypedDict, total=False):
    """What every check can be told.

    rtol, atol: gradients agree if they differ by at most atol + rtol · the larger of the two, and the measured error of the numeric one.
        rtol is 1e-6 in float64, and the root of the precision below.
    dtype: "float32" or "float16" for inputs and a function of this precision; by default they must be float64.
    eps: the first step of the numeric derivative; by default it is in proportion to the size of each element.
    expected: for a gradient that is on purpose not the derivative (straight-through, for example): a function (g, *inputs) that returns
        what each checked input must get. It replaces the numeric derivative.
    surrogate: for a gradient that is injected: the scalar function of the inputs that the backward adds to the objective, so that the
        gradient for g is that of Σ g · function(x) + surrogate(x).
    params: parameters that are checked as the inputs are: a module, or a dict.
    order: 2 checks also the gradient of the gradient, and so on.
    seed: for random functions: the library's generators are seeded with it before each run.
    inplace: the function may write into its inputs.
    complex_step: where the function accepts complex numbers, its derivative is also computed without rounding error.
    max_elements: inputs with more elements are checked along `directions` random directions that together move every element.
    allow_kinks, allow_vacuous: do not fail where no derivative exists, or where a wrong gradient could not have been noticed.
    audit: plant mistakes into the gradient, and report which of them would have been noticed.
    names: what the inputs are called in messages.
    raise_exception: raise GradcheckError unless all is right; the Report is returned in any case.
    """

    rtol: float | None
    atol: float
    dtype: Any
    eps: float | None
    expected: Any
    surrogate: Any
    params: Any
    order: int
    seed: int | None
    inplace: bool
    complex_step: bool
    max_elements: int
    directions: int
    allow_kinks: bool
    allow_vacuous: bool
    audit: bool
    names: Any
    raise_exception: bool


DEFAULTS: Options = {
    "rtol": None, "atol": 1e-10, "dtype": None, "eps": None, "expected": None, "surrogate": None, "params": None, "order": 1, "seed": None,
    "inplace": False, "complex_step": False, "max_elements": 256, "directions": 64, "allow_kinks": False, "allow_vacuous": False,
    "audit": False, "names": None, "raise_exception": True,
}
OF_THE_SUBJECT = ("params", "names", "seed", "inplace", "dtype")


def complete(given: dict[str, Any], call: str) -> dict[str, Any]:
    """Return all options, those that were not given with their defaults. Raise TypeError for an unknown one."""
    __tracebackhide__ = True
    for name in given:
        if name not in DEFAULTS:
            near = difflib.get_close_matches(name, DEFAULTS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(DEFAULTS)}"
            raise TypeError(f"{call}: there is no option {name!r}; {hint}")
    return {**DEFAULTS, **given}


def run_check(make_subject: Any, given: dict[str, Any], call: str, writing: Any) -> Report:
    """Check the subject that `make_subject(**options of the subject)` returns; return the Report, or raise GradcheckError.

    writing: (function or functions, positional arguments, further options), from which the program that repeats the check is written.
    """
    __tracebackhide__ = True
    options = complete(given, call)
    if options["dtype"] is not None:
        options["dtype"] = _dtype(options["dtype"])
    start = time.perf_counter()
    subject = make_subject(**{name: options[name] for name in OF_THE_SUBJECT})
    with np.errstate(all="ignore"):
        check = Check(subject, options)
        check.run()
        order, stream = 1, check.stream
        while not check.findings and order < options["order"]:
            order += 1
            subject = subject.of_gradient(stream)
            check = Check(subject, options)
            check.run()
        report = check.report()
    report.seconds = time.perf_counter() - start
    if report.findings:
        from .reproducer import reproducer, save

        function, positional, more = writing
        changed = {name: value for name, value in {**given, **more}.items() if name not in DEFAULTS or {**DEFAULTS}[name] is not value}
        changed.pop("raise_exception", None)
        if check.blamed is not None:  # an operation inside the function
            changed.pop("params", None)
            function, positional = check.blamed.function, check.blamed.inputs
        report.reproducer = reproducer(call, function, positional, changed)
        report.reproducer_file = save(report.reproducer, report.function)
    if report.findings and options["raise_exception"]:
        raise GradcheckError(report)
    return report


def _dtype(given):
    """Return NumPy's dtype for one of its names, or for a dtype of minigrad, PyTorch or JAX."""
    try:
        return np.dtype(given)
    except TypeError:
        return np.dtype(str(given).split(".")[-1])


class Check:
    """The check of one subject: each input is moved along some directions, and the outputs are weighted by some cotangents.

    findings: what was found, the worst first. blamed: the subject inside this one that is to blame, if there is one.
    trials: for each checked input what a planted mistake is judged by.
    """

    def __init__(self, subject, options):
        self.subject, self.options = subject, options
        self.stream = np.random.default_rng(DIRECTIONS_SEED)
        self.dtype = options["dtype"] or np.dtype("float64")
        self.resolution = float(np.finfo(self.dtype).eps)
        self.rtol = options["rtol"] if options["rtol"] is not None else 1e-6 if self.dtype == np.float64 else self.resolution**0.5
        self.atol = options["atol"]
        self.findings: list[Finding] = []
        self.notes: list[str] = []
        self.blamed, self.most = None, MOST_FINDINGS
        self.mixing = None  # the rows of weights of the outputs that `value` returns in place of many outputs
        self.trials: list[auditing.Trial] = []
        self.columns: dict = {}  # (input, element): (numeric derivatives of all outputs, their errors, whether they are in doubt)

    def run(self):
        """Check everything; set `findings`."""
        try:
            self.repeat()
            if self.options["expected"] is not None:
                found = self.compare_expected()
            else:
                found = [f for i in range(len(self.subject.arrays)) for f in self.compare(i)]
                if not found and self.dtype == np.float64:
                    diagnosis.check_precision(self)
                    doubts.check_state(self)
        except Stop as stop:
            found = [self.stopped(stop)]
        if self.options["allow_kinks"]:
            found = [f for f in found if f.verdict != "kink"]
        found.sort(key=lambda f: (f.verdict == "", f.excess), reverse=True)
        if found and not found[0].verdict:
            inner = self.subject.blame(self)
            if inner is None and self.subject.composed:
                doubts.take_back_broken(self, found)
            if inner is not None:
                self.findings, self.subject, self.blamed = inner.findings, inner.subject, inner.subject
                return
            if not found[0].verdict:
                diagnosis.explain(self, found)
        inner = None if found else self.subject.imprecise_part(self)
        if inner is not None:
            self.findings, self.subject, self.blamed = inner.findings, inner.subject, inner.subject
            return
        self.findings = found or ([] if self.options["allow_vacuous"] else auditing.vacuous(self))

    def stopped(self, stop):
        """Return the Finding for a fault that ended the check."""
        verdict, detail, argument = (*stop.args, None)[:3]
        name = self.subject.names[argument] if argument is not None and argument < len(self.subject.names) else ""
        number = None if argument is None else argument if not name else self.subject.numbers[argument]
        return Finding(self.subject.name, verdict, detail, number, argument_name=name)

    def report(self):
        """Return the Report of a check that was run."""
        spots = auditing.audit(self) if self.options["audit"] and not self.findings else []
        precision, unjudged, count = auditing.precision(self.trials)
        if unjudged and not (self.findings and self.findings[0].accuses):
            self.notes.append(f"{unjudged} of {count} derivatives are too small beside the rounding of the function to be judged")
        return Report(self.subject.name, self.subject.library, self.findings, precision, count, 0.0, DIRECTIONS_SEED, spots, self.notes)

    def value(self, arrays=None):
        """Return all output elements as a row, followed by the surrogate objective; where outputs are mixed, the mixtures of these."""
        row = self.subject.value(arrays)
        surrogate = self.options["surrogate"]
        if surrogate is not None:
            row = np.append(row, self.subject.surrogate(surrogate, arrays or self.subject.arrays))
        return row if self.mixing is None else self.mixing @ row

    def cotangent(self, row):
        """Return the cotangents of all outputs for a row of weights of what `value` returns."""
        return (row if self.mixing is None else row @ self.mixing)[: self.subject.n]

    def random_row(self):
        """Return random weights for what `value` returns; a surrogate objective counts once."""
        if self.options["surrogate"] is None:
            return self.stream.standard_normal(self.subject.n)
        return np.append(self.stream.standard_normal(self.subject.n), 1.0)

    def repeat(self):
        """Run forward and backward twice; raise Stop if the results differ, or if anything was changed."""
        subject = self.subject
        self.base = self.value()
        if not subject.repeats(self.base, self.value()):
            raise Stop("nondeterministic", "two runs on the same inputs gave different values; pass seed= if that is on purpose")
        subject.record()
        subject.inspect(self.stream)
        w = self.stream.standard_normal(subject.n)
        first, second = subject.gradients(w), subject.gradients(w)
        if not all(map(subject.repeats, first, second)):
            raise Stop("nondeterministic", "two backward passes over the same values gave different gradients")

    # ---- comparison with numeric derivatives

    def compare(self, number):
        """Return the findings for one input. A group of elements that disagrees is halved until single elements are left."""
        rows, gradients = self.cotangents(number)
        all_outputs = self.base
        if self.subject.n > self.options["max_elements"]:  # look at the mixtures alone, which are few
            self.mixing, self.base, rows = rows, rows @ self.base, np.eye(len(rows))
        try:
            return self.compare_rows(number, rows, gradients)
        finally:
            self.mixing, self.base = None, all_outputs

    def compare_rows(self, number, rows, gradients):
        """Return the findings for one input, for these weights of the outputs and the gradients for them."""
        self.trials.append(auditing.Trial(self.subject.names[number], self.subject.arrays[number].shape, rows, gradients))
        groups = self.groups(self.subject.arrays[number].size) if self.subject.n else []
        small = len(groups) == self.subject.arrays[number].size
        self.most = MOST_FINDINGS if small else MOST_IN_LARGE
        findings: list[Finding] = []
        wrong: list = []  # (finding, its elements) that nothing was asked for yet
        while groups and (small or len(findings) < self.most):
            group = groups.pop()
            found = self.judge(number, group, rows, gradients)
            if found is None:
                continue
            half = len(group) // 2
            parts = [p for p in (group[:half], group[half:]) if half and self.judge(number, p, rows, gradients)]
            groups += parts
            if not parts and found.verdict:
                findings.append(found)
            elif not parts:
                wrong.append((found, group))
            if len(wrong) >= self.most or not groups:
                findings += self.confirm(number, wrong, rows, gradients)
                wrong = []
                if any([not f.verdict for f in findings]):
                    break
        return findings + self.confirm(number, wrong, rows, gradients)

    def confirm(self, number, wrong, rows, gradients):
        """Return the findings that are left when every reason to doubt is asked for, from the worst one until one is confirmed."""
        left: list[Finding] = []
        for found, group in sorted(wrong, key=lambda pair: -pair[0].excess):
            if not left or left[-1].verdict:
                found = self.judge(number, group, rows, gradients, thorough=True)
            left += [] if found is None else [found]
        return left

    def cotangents(self, number):
        """Return (cotangents, the gradients of one input for each): one for each element of a small output, then random ones."""
        n, few = self.subject.n, self.subject.n <= self.options["max_elements"]
        rows = self.stream.standard_normal((2 if few else 4, n))
        if few:
            rows = np.concatenate([np.eye(n), rows])
        gradients = np.stack([self.subject.gradients(w)[number] for w in rows])
        if self.options["surrogate"] is not None:
            rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
        return rows, gradients

    def groups(self, n):
        """Return the groups of elements that are moved at once: single elements, or a random partition of a large input."""
        if n <= self.options["max_elements"]:
            return [[i] for i in reversed(range(n))]
        order = self.stream.permutation(n).tolist()
        count = min(self.options["directions"], n)
        return [order[i::count] for i in range(count)]

    def direction(self, number, group):
        """Return a step that moves the elements of `group`, each in proportion to its size."""
        array = self.subject.arrays[number]
        step, flat = np.zeros(array.size), array.reshape(-1)[group].astype("float64")
        signs = np.ones(1) if len(group) == 1 else np.sign(self.stream.standard_normal(len(group)))
        step[group] = signs if self.options["eps"] else signs * np.maximum(0.25, np.abs(flat))
        return step.reshape(array.shape)

    def mover(self, number, step, arrays=None):
        """Return the function h → (all outputs with h · step added to one input, the part of it that was not lost in rounding)."""
        arrays, square = list(arrays or self.subject.arrays), float((step * step).sum())
        start = arrays[number].astype("float64")

        def moved(h):
            arrays[number] = np.asarray(start + h * step, self.subject.arrays[number].dtype)
            made = arrays[number].astype("float64") - start
            return self.value(arrays), float((made * step).sum()) / square

        return moved

    def survey(self, number, step, arrays=None, whole=False):
        """Return the careful Reading of the derivatives of all outputs along `step`, at other values of the inputs if they are given.

        whole: look at all scales, also when the derivatives are known well enough.
        """
        goal = lambda value: -1.0 if whole else 0.1 * self.rtol * np.abs(value) + 0.1 * self.atol
        scales = min(SCALES, int(2 - np.log2(self.resolution) / 2))
        base = self.base if arrays is None else self.value(arrays)
        reading = survey(self.mover(number, step, arrays), base, self.options["eps"] or 2.0**-4, goal, self.resolution, scales)
        if self.options["complex_step"] and arrays is None:
            self.refine(number, step, reading)
        return reading

    def refine(self, number, step, reading):
        """Replace derivatives by those of a complex step, f(x + ih) = f(x) + ihf'(x), which loses nothing by rounding, where both agree."""
        arrays = [a.astype("complex128") for a in self.subject.arrays]
        arrays[number] = arrays[number] + 1e-30j * step
        outputs = self.subject.complex_run(arrays)
        if outputs is None:
            note = "complex_step=True had no effect: the function does not accept complex numbers"
            self.notes += [note] if note not in self.notes else []
            return
        value = np.concatenate([np.imag(y).reshape(-1) for y in outputs]) / 1e-30
        n = len(value)
        agrees = (np.abs(value - reading.value[:n]) <= reading.error[:n]) & (reading.error[:n] <= 0.01 * np.abs(value))
        reading.value[:n] = np.where(agrees, value, reading.value[:n])
        reading.error[:n] = np.where(agrees, 8 * self.resolution * np.abs(value), reading.error[:n])

    def quick(self, number, step, arrays=None):
        """Return (derivatives along `step`, their errors, whether they are in doubt), of few evaluations."""
        if self.dtype != np.float64:
            return self.base, self.base, True
        moved = self.mover(number, step, arrays)
        base = self.base if arrays is None else self.value(arrays)
        value, error, bent = quick(lambda h: moved(h)[0], base, self.options["eps"] or 2.0**-4, self.rtol / 100)
        return value, error, bool(bent.any())

    def judge(self, number, group, rows, gradients, thorough=False):
        """Compare the derivatives along one direction; return a Finding if they disagree or cannot be judged, else None.

        thorough: doubt a disagreement for every reason there is.
        """
        step = self.direction(number, group)
        size = float(np.abs(step).max())
        analytic = gradients[:, group] @ step.reshape(-1)[group]  # of the other elements one may be infinite
        value, error, bent = self.quick(number, step)
        if not bent:
            quickly = Comparison(rows, analytic, value, 0 * value, self.atol * size, self.rtol)
            if quickly.right.all():
                self.keep(number, group, step, quickly, (value / size, error / size, False))
                return None
        for whole in (False, True):
            reading = self.survey(number, step, whole=whole)
            careful = Comparison(rows, analytic, reading.value, reading.error, self.atol * size, self.rtol)
            careful.consider(reading, rows)
            if not thorough or not (careful.state == "wrong").any():
                break
        doubts.take_back(self, number, step, rows, careful, thorough)
        self.keep(number, group, step, careful, reading.column(size))
        row = careful.worst(self.subject.n if self.mixing is None else len(rows))
        return None if row is None else self.describe(number, group[0], row, careful, size)

    def keep(self, number, group, step, compared, column):
        """Keep what a planted mistake, or the kind of a found one, is judged by."""
        self.trials[-1].add(step, compared)
        if len(group) == 1 and self.mixing is None:
            self.columns[number, group[0]] = column

    def describe(self, number, element, row, found, size):
        """Return the Finding for a row that cannot be accepted. For a mistake, `explain` fills in the verdict later."""
        subject, state = self.subject, found.state[row]
        numeric, analytic = float(found.numeric[row]) / size, float(found.analytic[row]) / size
        alone = self.mixing is None and row < subject.n and len(found.numeric) > subject.n
        name, output, _ = subject.place(row) if alone else ("", None, 0)
        if abs(numeric) <= min(float(found.error[row]) / size, 1e-3 * abs(analytic)):
            numeric = 0.0
        verdict, detail = ("", "") if state == "wrong" else (state, found.reason(row, size))
        return Finding(subject.name, verdict, detail, subject.numbers[number], unravel(element, subject.arrays[number].shape), output,
                       numeric, analytic, subject.names[number], name, float(found.excess[row]), element)

    # ---- comparison with declared gradients

    def compare_expected(self):
        """Return the findings where a gradient is not the one that `expected` gives."""
        subject, findings = self.subject, []
        trials = [auditing.Trial(name, a.shape, None, None) for name, a in zip(subject.names, subject.arrays)]
        for _ in range(4):
            w = self.stream.standard_normal(subject.n)
            wanted = subject.expected(self.options["expected"], subject.split(w))
            for i, (g, expected) in enumerate(zip(subject.gradients(w), wanted)):
                expected = np.zeros(g.size) if expected is None else np.asarray(expected, "float64").reshape(-1)
                if expected.size != g.size:
                    raise ValueError(f"gradcheck: expected= returned {expected.size} numbers for {subject.names[i]}, which has {g.size}")
                allowed = self.atol + self.rtol * np.maximum(np.abs(g), np.abs(expected))
                trials[i].add_direct(g, expected, allowed)
                bad = ~((np.isfinite(g) & (np.abs(g - expected) <= allowed)) | (g == expected) | (np.isnan(g) & np.isnan(expected)))
                if bad.any():
                    at = int(np.argmax(np.where(bad, np.abs(g - expected), -1)))
                    detail = f"the gradient is not the expected one in {int(bad.sum())} of {g.size} elements"
                    findings.append(Finding(subject.name, "wrong", detail, subject.numbers[i], unravel(at, subject.arrays[i].shape), None,
                                            float(expected[at]), float(g[at]), subject.names[i]))
        self.trials = trials
        return findings
