"""What gradcheck reports: a disagreement with its place, its numbers and a verdict, and the error that is raised for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Finding:
    """A gradient that disagrees with the numeric one.

    It is that for the element `index` of the argument; `output` is the element of the output if a single one was differentiated.
    """

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
        """Return analytic / numeric."""
        if self.numeric is None or self.analytic is None:
            return None
        if self.numeric:
            return self.analytic / self.numeric
        return float("inf") if self.analytic else float("nan")

    def __str__(self) -> str:
        place = "" if self.argument is None else f", argument {self.argument}"
        place += "" if self.index is None else f", element {self.index}"
        place += "" if self.output is None else f", output element {self.output}"
        if self.numeric is not None:
            place += f"\n  numeric   {self.numeric!r}\n  analytic  {self.analytic!r}\n  ratio     {self.ratio!r}"
        return f"gradcheck: {self.op}{place}\n  verdict   {self.verdict}: {self.detail}"


class Stop(Exception):
    """Raised with (verdict, detail, argument) where a fault is found that makes further comparisons useless."""


class GradcheckError(RuntimeError):
    """The gradient is wrong, or cannot be judged.

    Attributes: op, argument, index, output, numeric, analytic, ratio, verdict, reproducer.
    verdict: "sign", "constant factor", "broadcast" (a sum over a broadcast axis is missing), "transposed",
        "precision", "kink", "missing", "offset", "shape", "mutation", "nondeterministic", "unsure" or "wrong".
    """

    def __init__(self, finding: Finding, text: str) -> None:
        self.op, self.argument = finding.op, finding.argument
        self.index, self.output = finding.index, finding.output
        self.numeric, self.analytic, self.ratio = finding.numeric, finding.analytic, finding.ratio
        self.verdict, self.reproducer = finding.verdict, text
        super().__init__(f"{finding}\nto reproduce:\n\n{text}")
