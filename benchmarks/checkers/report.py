"""What came of the comparison, as figures and as Markdown tables."""

import statistics
from typing import Any

from benchmarks.checkers.adapters import CHECKERS
from benchmarks.checkers.cases import BUGS, RIGHT, Case
from benchmarks.checkers.outcomes import Outcome, judge_bug, judge_right
from benchmarks.tables import markdown

HEAD = ["checker", "version", "bugs caught", "harmless", "cannot run", "false alarms", "at hard inputs", "cannot tell", "median ms"]
Outcomes = dict[tuple[str, bool], Outcome]  # by name of the case, and whether the wrong version was checked


def summary(name: str, version: str, outcomes: Outcomes) -> dict[str, Any]:
    """Return one checker's figures."""
    bugs = {case: judge(CHECKERS[name].repairs, case, outcomes) for case, wrong in outcomes if wrong}
    right = {case: judge_right(found.kind) for (case, wrong), found in outcomes.items() if not wrong}
    plain = {case: text for case, text in right.items() if not is_hard(case)}
    hard = {case: text for case, text in right.items() if is_hard(case)}
    return {
        "checker": name,
        "title": CHECKERS[name].title,
        "version": version,
        "bugs": len(bugs),
        "caught": count(bugs, "caught"),
        "harmless": count(bugs, "harmless"),
        "missed": names(bugs, "missed"),
        "plain": len(plain),
        "false_alarms": names(plain, "false alarm"),
        "hard": len(hard),
        "hard_false_alarms": names(hard, "false alarm"),
        "cannot_tell": names(bugs, "cannot tell") + names(right, "cannot tell"),
        "cannot_run": names(bugs, "cannot run") + names(right, "cannot run"),
        "median_ms": 1000 * statistics.median(found.seconds for found in outcomes.values()) if outcomes else None,
        "judged": {"bugs": bugs, "right": right},
        "outcomes": [{"case": case, "wrong": wrong, **found.as_dict()} for (case, wrong), found in outcomes.items()],
    }


def judge(repairs: tuple[str, ...], case: str, outcomes: Outcomes) -> str:
    """Return what a checker's outcomes for both versions of a bug count as."""
    return judge_bug(outcomes[case, True].kind, outcomes[case, False].kind, case in repairs)


def is_hard(case: str) -> bool:
    """Return whether a case is a right function at hard inputs."""
    return case in RIGHT and RIGHT[case].hard


def count(judged: dict[str, str], text: str) -> int:
    """Return for how many cases that was the judgement."""
    return list(judged.values()).count(text)


def names(judged: dict[str, str], text: str) -> list[str]:
    """Return the cases with that judgement."""
    return [case for case, found in judged.items() if found == text]


def table(summaries: list[dict[str, Any]]) -> str:
    """Return one line for each checker."""
    return markdown(HEAD, [row(found) for found in summaries])


def row(found: dict[str, Any]) -> list[str]:
    """Return the cells of one checker."""
    return [
        found["title"],
        found["version"],
        f"{found['caught']} of {found['bugs']}",
        str(found["harmless"]),
        str(len(found["cannot_run"])),
        f"{len(found['false_alarms'])} of {found['plain']}",
        f"{len(found['hard_false_alarms'])} of {found['hard']}",
        str(len(found["cannot_tell"])),
        "" if found["median_ms"] is None else f"{found['median_ms']:.3g}",
    ]


MARKS = {"caught": "yes", "missed": "NO", "accepted": "yes", "false alarm": "ALARM"}


def details(summaries: list[dict[str, Any]], cases: list[Case]) -> str:
    """Return two tables: which checker caught which bug, and which accepted which right function."""
    heads = [found["checker"] for found in summaries]
    bugs = [case for case in cases if case.name in BUGS]
    right = [case for case in cases if case.name in RIGHT]
    return "\n\n".join(
        markdown([title, *heads], [[text(case), *marks(kind, case.name, summaries)] for case in some])
        for title, text, kind, some in [("planted bug", about_bug, "bugs", bugs), ("right function", about_right, "right", right)]
        if some
    )


def marks(kind: str, case: str, summaries: list[dict[str, Any]]) -> list[str]:
    """Return each checker's judgement of a case."""
    return [MARKS.get(judged, judged) for judged in (found["judged"][kind].get(case, "") for found in summaries)]


def about_bug(case: Case) -> str:
    """Return the first cell of a bug's line."""
    return f"{case.name}: {case.about}"


def about_right(case: Case) -> str:
    """Return the first cell of a right function's line."""
    return f"{case.name}{' (hard)' if case.hard else ''}: {case.about}"


NOTES = """\
- "Bugs caught": the checker raised or returned False. Any other error counts too, if it accepts the right version of the same function.
- "Harmless": the library's engine itself brings gradients to the shape and dtype of their inputs.
- "Cannot run": its documentation excludes such functions, or it failed with another error, at the right version as well.
- "False alarms": it accused a right function; the right version of each planted bug is one. "Hard inputs" are near kinks and poles,
  very large or small, or the values noisy.
- "Cannot tell": it says that it can judge nothing there (at bugs and right functions together).
- Milliseconds: the median of all checks. Each checker runs in a process of its own, and all take turns at each function.
- Defaults throughout. JAX: `modes=["rev"], order=1`, float64, the NumPy functions in jax.pure_callback.
  HIPS autograd: `modes=["rev"], order=1`.
  MyGrad has no checker in its releases: its test suite's comparison was written anew, with the complex step, for one drawn gradient.
  numdifftools computes Jacobians only: they are compared by numpy.allclose."""
