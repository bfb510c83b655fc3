"""What a check reports: `Finding`, a gradient that disagrees; `BlindSpot`; `Report`, the whole outcome; and `GradcheckError`."""

from __future__ import annotations

import dataclasses
import pathlib
from dataclasses import dataclass, field
from typing import Any

NOT_ACCUSING = ("kink", "pole", "noise", "unsure", "vacuous")  # the check cannot tell, and blames nobody
VERDICTS = {  # what each verdict says, in a few words
    "sign": "the sign is wrong",
    "constant factor": "a constant factor is wrong",
    "broadcast": "a sum over a broadcast axis is missing",
    "transposed": "the gradient is transposed",
    "wrong axis": "the backward works along the wrong axis",
    "exchanged": "the gradients of two arguments are exchanged",
    "diagonal": "the backward is diagonal",
    "mask": "the mask is inverted",
    "input for output": "the backward uses the input where it needs the output",
    "output for input": "the backward uses the output where it needs the input",
    "missing": "the gradient is missing",
    "independent": "the gradient does not depend on g",
    "nonlinear": "the gradient is not linear in g",
    "offset": "the backward adds something of its own",
    "precision": "the gradient is imprecise",
    "count": "the backward returns another number of gradients than there are arguments",
    "shape": "a gradient has the wrong shape",
    "layout": "the backward depends on the memory layout of g",
    "mutation": "an array was overwritten",
    "stale": "the backward uses what an earlier call kept",
    "nondeterministic": "two runs differ",
    "wrong": "the gradient is wrong",
    "kink": "no derivative exists here",
    "pole": "the function or its gradient is not finite here",
    "noise": "the function's rounding noise hides its derivative",
    "unsure": "no numeric derivative was found",
    "vacuous": "this check could not have noticed a mistake",
}


@dataclass
class Finding:
    """A gradient that disagrees with the numeric one, or cannot be judged.

    It is the gradient for the element `index` of the argument; `output` is the element of the output if a single one was differentiated.
    """

    op: str
    verdict: str
    detail: str
    argument: int | None = None
    index: tuple[int, ...] | None = None
    output: tuple[int, ...] | None = None
    numeric: float | None = None
    analytic: float | None = None
    argument_name: str = ""
    output_name: str = ""
    excess: float = field(default=0.0, repr=False)
    element: int = field(default=0, repr=False)

    @property
    def ratio(self) -> float | None:
        """Return analytic / numeric."""
        if self.numeric is None or self.analytic is None:
            return None
        if self.numeric:
            return self.analytic / self.numeric
        return float("inf") if self.analytic else float("nan")

    @property
    def accuses(self) -> bool:
        """Return whether the verdict says that the gradient is wrong; it is false where the check only cannot tell."""
        return self.verdict not in NOT_ACCUSING

    @property
    def headline(self) -> str:
        """Return one line: the function, the derivative, the two numbers, and what the verdict says."""
        place = ""
        if self.argument is not None:
            x = (self.argument_name or f"input {self.argument}") + _subscript(self.index)
            y = (self.output_name or "out") + _subscript(self.output) if self.output is not None else "(Σ w·out)"
            place = f" d {y}/d {x}:" if self.index is not None else f" d/d {x}:"
        if self.numeric is not None and self.analytic is not None and self.accuses:
            place += f" analytic {_short(self.analytic, self.numeric)}, numeric {_short(self.numeric, self.analytic)}:"
        said = VERDICTS.get(self.verdict, self.verdict)
        if self.numeric is None and self.detail:
            said += f": {self.detail.split(';')[0]}"
        return f"{self.op}:{place} {said}"

    def __str__(self) -> str:
        text = f"{self.headline}\n  verdict   {self.verdict}: {self.detail}"
        if self.numeric is not None:
            text += f"\n  numeric   {self.numeric!r}\n  analytic  {self.analytic!r}\n  ratio     {self.ratio!r}"
        return text


@dataclass
class BlindSpot:
    """A mistake that was planted into the returned gradient, and whether the check would have noticed it."""

    mistake: str
    argument: str
    noticed: bool
    detail: str = ""


@dataclass
class Report:
    """The outcome of one check. It is true if nothing was found.

    verdict: "right", or that of the worst finding. precision: the relative precision that was reached, the worst of all derivatives
    that were judged. derivatives: how many were compared. blind_spots: with audit=True, which planted mistakes would have been noticed.
    """

    function: str
    library: str
    findings: list[Finding] = field(default_factory=list)
    precision: float = 0.0
    derivatives: int = 0
    seconds: float = 0.0
    seed: int = 0
    blind_spots: list[BlindSpot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reproducer: str = field(default="", repr=False)
    reproducer_file: pathlib.Path | None = None

    @property
    def finding(self) -> Finding | None:
        """Return the worst finding; None if there is none."""
        return self.findings[0] if self.findings else None

    @property
    def verdict(self) -> str:
        """Return "right", or the verdict of the worst finding."""
        return self.findings[0].verdict if self.findings else "right"

    @property
    def accuses(self) -> bool:
        """Return whether the verdict says that the gradient is wrong; it is false where the check only cannot tell."""
        return bool(self.findings) and self.findings[0].accuses

    def __bool__(self) -> bool:
        return not self.findings

    def __str__(self) -> str:
        lines = [str(self.finding) if self.findings else f"{self.function}: right in {self.derivatives} derivatives"]
        if not self.findings:
            lines.append(f"  precision {self.precision:.1g}: a mistake of this relative size would have been noticed at these inputs")
        lines += [f"  note      {note}" for note in self.notes]
        for spot in self.blind_spots:
            said = "noticed  " if spot.noticed else "UNNOTICED"
            lines.append(f"  {said} {spot.mistake} of {spot.argument}{spot.detail and ': '}{spot.detail}")
        if self.reproducer_file is not None:
            lines.append(f"to reproduce: python {self.reproducer_file}")
        elif self.reproducer:
            lines.append(f"to reproduce:\n\n{self.reproducer}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as a dict of what JSON can hold."""
        found = dataclasses.asdict(self)
        for one, finding in zip(found["findings"], self.findings):
            one.update(headline=finding.headline, ratio=finding.ratio)
        file = self.reproducer_file
        return {**found, "verdict": self.verdict, "accuses": self.accuses, "reproducer_file": None if file is None else str(file)}


class Stop(Exception):
    """Raised with (verdict, detail, argument) where a fault is found that makes further comparisons useless."""


class GradcheckError(RuntimeError):
    """The gradient is wrong, or cannot be judged.

    Attributes: report, and of its worst finding op, argument, index, output, numeric, analytic, ratio, verdict; and reproducer.
    The verdicts are the keys of `findings.VERDICTS`. Those in `findings.NOT_ACCUSING` say that the check cannot tell.
    """

    def __init__(self, report: Report) -> None:
        finding = report.findings[0]
        self.report = report
        self.op, self.argument, self.verdict = finding.op, finding.argument, finding.verdict
        self.index, self.output = finding.index, finding.output
        self.numeric, self.analytic, self.ratio = finding.numeric, finding.analytic, finding.ratio
        self.reproducer = report.reproducer
        super().__init__(str(report))

    def __reduce__(self) -> Any:
        return type(self), (self.report,)


def _subscript(index):
    return f"[{','.join(map(str, index))}]" if index else ""


def _short(a, b):
    """Return `a` with as many digits as tell it from `b`, and at least three."""
    for digits in range(3, 17):
        if f"{a:.{digits}g}" != f"{b:.{digits}g}" or a == b:
            text = f"{a:.{digits}g}"
            return text if any(c in text for c in ".en") else text + ".0"
    return repr(a)
