"""Judge a backward that a student wrote: the gradient check names the mistake, and small Jacobians show it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..testing import Report, check_vjp
from ..testing.findings import VERDICTS
from .answers import Answers, Wrong, kind_of
from .hints import HINTS
from .pictures import side_by_side

LARGEST = 6  # rows and columns of a Jacobian that is shown
STEP = 1e-6  # of the differences from which the expected numbers are computed, which are shown with few digits


@dataclass(frozen=True)
class Mistake:
    """A mistake that an exercise invites, and the check does not know: the answer is the right backward of another function, `forward`.

    kind and text say what it is.
    """

    forward: Callable[..., Any]
    kind: str
    text: str


def vjp(answers: Answers, name: str, forward: Callable[..., Any], *arrays: Any, names: str, invited: Sequence[Mistake] = (),
        upstream: str = "g") -> str:
    """Judge the student's function `name`(g, *arrays) as the backward of `forward`; raise Wrong, or return what to say of a right one.

    names: the arguments of `forward`, as one text. Arrays of integers are arguments that have no gradient. invited: mistakes to name.
    upstream: what the student's function calls g.
    """
    arguments = names.split()
    student = answers.function(name, upstream, *arguments)
    numbers = [i for i, array in enumerate(arrays) if np.asarray(array).dtype.kind == "f"]

    def backward(g: Any, *given: Any) -> Any:
        try:
            found = student(g, *given)
        except (ValueError, IndexError, TypeError) as error:
            if not hasattr(error, "__notes__"):
                shapes = [f"{argument} {np.shape(x)}" for argument, x in zip((upstream, *arguments), (g, *given))]
                error.add_note(f"The shapes were {', '.join(shapes)}.")
            raise
        return _as_arrays(found, name, [arguments[i] for i in numbers])

    return _judged(forward, backward, arrays, arguments, invited,
                   lambda number: _picture(forward, backward, arrays, number, numbers.index(number), arguments))


def scalars(answers: Answers, name: str, forward: Callable[..., float], *points: Sequence[float], names: str,
            invited: Sequence[Mistake] = ()) -> str:
    """Judge a backward that the student wrote for numbers, at several points; see `vjp`.

    points: for each argument the list of its values.
    """
    arguments = names.split()
    student = answers.function(name, "g", *arguments)

    def each(function: Callable[..., float]) -> Callable[..., Any]:
        return lambda *arrays: np.array([function(*map(float, row)) for row in zip(*arrays)])

    def backward(g: Any, *arrays: Any) -> Any:
        rows = [_as_arrays(student(*map(float, row)), name, arguments) for row in zip(g, *arrays)]
        if any(np.shape(value) for row in rows for value in row):
            raise Wrong("not a number", f"{name} must return numbers; it returned an array.")
        return tuple(np.array([0.0 if part is None else part for part in column]) for column in zip(*rows))

    arrays = [np.array(values, "float64") for values in points]
    others = [Mistake(each(other.forward), other.kind, other.text) for other in invited]
    return _judged(each(forward), backward, arrays, arguments, others,
                   lambda number: _table(each(forward), backward, arrays, number, arguments))


def _judged(forward: Any, backward: Any, arrays: Sequence[Any], names: list[str], invited: Sequence[Mistake],
            picture: Callable[[int], str]) -> str:
    """Check a backward; raise Wrong, or return what to say of a right one. `picture(number)` shows the gradient of an argument."""
    report = _report(forward, backward, arrays, names)
    finding = report.finding
    if finding is None:
        return f"{report.derivatives} derivatives agree"
    formal = finding.argument is None or finding.verdict in ("count", "shape", "mutation")
    shown = "" if formal else picture(finding.argument or 0)
    for other in invited if finding.verdict == "wrong" else ():
        if _report(other.forward, backward, arrays, names):
            raise Wrong(other.kind, other.text, shown)
    place = f"dL/d{finding.argument_name}: " if finding.argument_name else ""
    detail = re.sub(r" \((every element|.*\d+ of \d+ elements)\)$", "", finding.detail)
    detail = detail.replace("analytic = ", "yours = ").replace("numeric", "expected")
    hint = "" if "not finite" in detail else HINTS.get(finding.verdict, "")
    raise Wrong(f"{finding.verdict}: {VERDICTS[finding.verdict]}", f"{place}{detail}. {hint}".strip(), shown)


def _report(forward: Any, backward: Any, arrays: Sequence[Any], names: list[str]) -> Report:
    """Return what the gradient check finds."""
    report = check_vjp(forward, backward, *arrays, names=names, raise_exception=False, allow_kinks=True)
    if report.reproducer_file is not None:  # of no use to a student
        report.reproducer_file.unlink(missing_ok=True)
    return report


def _as_arrays(found: Any, name: str, arguments: list[str]) -> tuple[Any, ...]:
    """Return the gradients as a tuple of arrays. Raise Wrong if one is no number or array."""
    parts = found if isinstance(found, tuple) or (isinstance(found, list) and len(arguments) > 1) else (found,)
    gradients: list[Any] = []
    for i, part in enumerate(parts):
        if part is None:
            gradients.append(None)
            continue
        try:
            gradients.append(np.array(part, "float64"))
        except (TypeError, ValueError):
            what = f"dL/d{arguments[i]}" if i < len(arguments) else "a gradient"
            raise Wrong("not a number or an array", f"{name} returned {kind_of(part)} for {what}.") from None
    return tuple(gradients)


def jacobian(forward: Callable[..., Any], arrays: Sequence[Any], number: int) -> np.ndarray:
    """Return dy/dx for one argument, of differences: a row for each element of y, a column for each of x."""
    columns = []
    for index in np.ndindex(np.shape(arrays[number])):
        values = []
        for step in (STEP, -STEP):
            moved = [np.array(array) for array in arrays]
            moved[number][index] += step
            values.append(np.asarray(forward(*moved), "float64").reshape(-1))
        columns.append((values[0] - values[1]) / (2 * STEP))
    return np.stack(columns, axis=1)


def _gradient(backward: Callable[..., Any], g: np.ndarray, arrays: Sequence[Any], number: int, position: int) -> np.ndarray:
    """Return what a backward gives for g, for one argument, which is the `position`-th that has a gradient; 0 where it gives None."""
    part = backward(g, *[np.array(array) for array in arrays])[position]
    return np.zeros(np.shape(arrays[number])) if part is None else part


def _picture(forward: Any, backward: Any, arrays: Sequence[Any], number: int, position: int, arguments: list[str]) -> str:
    """Return the expected and the given Jacobian, or where it is too large the gradients for one g; "" if these are too large, too."""
    y, x = np.asarray(forward(*arrays), "float64"), arrays[number]
    right, name = jacobian(forward, arrays, number), arguments[number]
    g = np.round(np.cos(np.arange(y.size)), 1).reshape(y.shape)
    units = np.eye(y.size).reshape(y.size, *y.shape)
    given = [_gradient(backward, w, arrays, number, position) for w in (g, *units[:LARGEST])]
    if any(one.shape != x.shape for one in given):
        return ""
    if max(right.shape) <= LARGEST:
        shown = side_by_side(right, np.reshape(given[1:], right.shape), f"the Jacobian dy/d{name}, a row for each element of y:")
        if shown:
            return shown
    return side_by_side((g.reshape(-1) @ right).reshape(x.shape), given[0], f"dL/d{name} for g = {g.tolist()}:")


def _table(each: Any, backward: Any, arrays: Sequence[np.ndarray], number: int, arguments: list[str]) -> str:
    """Return a line for each point: the arguments, the expected and the given gradient for g = 2."""
    g = np.full(len(arrays[0]), 2.0)
    expected, yours = g @ jacobian(each, arrays, number), _gradient(backward, g, arrays, number, number)
    yours = np.broadcast_to(yours, expected.shape)
    heads = ["g", *arguments, "expected", "yours"]
    rows = [[f"{x:.4g}" for x in (2.0, *(array[i] for array in arrays), expected[i], yours[i])] for i in range(len(g))]
    widths = [max(len(head), *(len(row[i]) for row in rows)) for i, head in enumerate(heads)]
    lines = ["  ".join(text.rjust(width) for text, width in zip(row, widths)) for row in (heads, *rows)]
    return "\n".join([f"dL/d{arguments[number]} at some points:", *lines])
