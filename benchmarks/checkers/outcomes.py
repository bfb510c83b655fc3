"""What a gradient checker said about one function, and what that counts as."""

import dataclasses
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

ACCEPTED, ACCUSED, CANNOT_TELL, FAILED, NO_ANSWER = "accepted", "accused", "cannot tell", "failed", "no answer"
ACCUSATIONS = ("AssertionError", "GradcheckError")  # what the checkers raise, and their subclasses


class CannotTellError(Exception):
    """The checker says that it cannot judge this function at these inputs."""


class CannotRunError(Exception):
    """The checker's documentation excludes such a function."""


@dataclass(frozen=True)
class Outcome:
    """What came of a check: ACCEPTED, ACCUSED, CANNOT_TELL, FAILED with another error than the checker's own, or NO_ANSWER in time."""

    kind: str
    text: str
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return dataclasses.asdict(self)


def outcome(check: Callable[[], Any]) -> Outcome:
    """Call a check, which returns whether the gradients are right, or raises. NumPy's warnings are not shown."""
    np.random.seed(0)
    started = time.perf_counter()
    kind, text = FAILED, ""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            kind = ACCEPTED if check() else ACCUSED
        except CannotTellError as error:
            kind, text = CANNOT_TELL, first_line(error)
        except Exception as error:
            accuses = any(kind.__name__ in ACCUSATIONS for kind in type(error).__mro__)
            kind, text = ACCUSED if accuses else FAILED, f"{type(error).__name__}: {first_line(error)}"
    return Outcome(kind, text, time.perf_counter() - started)


def first_line(error: Exception) -> str:
    """Return the first line of an error that is not empty, at most 200 characters of it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else ""


def judge_bug(wrong: str, right: str, repaired: bool) -> str:
    """Return "caught", "missed", "cannot tell", "cannot run" or "harmless" from what a checker said about a bug and its right version.

    Any error counts as caught, if the checker accepts the right version; an error at both says nothing about the bug.
    A bug that the library's engine repairs is harmless where it is accepted.
    """
    if wrong == FAILED:
        return "caught" if right == ACCEPTED else "cannot run"
    if wrong == ACCEPTED:
        return "harmless" if repaired else "missed"
    return {ACCUSED: "caught", CANNOT_TELL: "cannot tell", NO_ANSWER: "cannot run"}[wrong]


def judge_right(kind: str) -> str:
    """Return "accepted", "false alarm", "cannot tell" or "cannot run" from what a checker said about a right function."""
    return {ACCEPTED: "accepted", ACCUSED: "false alarm", CANNOT_TELL: "cannot tell"}.get(kind, "cannot run")
