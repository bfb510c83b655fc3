"""The judgement of lesson 7: three groups of functions, in each of which one has a bug that the student names and mends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..answers import Answers, NotDone, Wrong
from ..gradients import vjp

X, Y = np.array([[0.6, 1.4, 2.1], [0.9, 1.7, 0.5]]), np.array([[1.2, 0.8, 1.9], [0.7, 2.3, 1.1]])
STACK = np.round(np.random.default_rng(7).normal(size=(2, 1, 3)), 1)
CASES = {"case_1": "root_backward", "case_2": "transpose_backward", "case_3": "maximum_backward"}
SIGNED = X - 1.1


def case_1(answers: Answers) -> str:
    """Judge the group with the root."""
    return _judged(answers, 1, {
        "subtract_backward": lambda name: vjp(answers, name, np.subtract, X, Y, names="x y"),
        "divide_backward": lambda name: vjp(answers, name, np.divide, X, Y, names="x y"),
        "root_backward": lambda name: vjp(answers, name, np.sqrt, X, names="x"),
    })


def case_2(answers: Answers) -> str:
    """Judge the group with the transpose."""
    return _judged(answers, 2, {
        "softmax_backward": lambda name: vjp(answers, name, _softmax, SIGNED, names="x"),
        "mean_backward": lambda name: vjp(answers, name, lambda x: x.mean(axis=-1), X, names="x"),
        "transpose_backward": lambda name: _transpose(answers, name),
    })


def case_3(answers: Answers) -> str:
    """Judge the group with the maximum."""
    return _judged(answers, 3, {
        "relu_backward": lambda name: vjp(answers, name, lambda x: np.maximum(x, 0), SIGNED, names="x"),
        "clip_backward": lambda name: _clip(answers, name),
        "maximum_backward": lambda name: _maximum(answers, name),
    })


def _judged(answers: Answers, number: int, checks: dict[str, Callable[[str], str]]) -> str:
    """Judge the name that the student says, then all functions of the group."""
    said, guilty = answers.value(f"guilty_{number}"), CASES[f"case_{number}"]
    said = getattr(said, "__name__", said)  # the function itself, for its name
    if said not in checks:
        raise Wrong("no function of this group", f"guilty_{number} is {said!r}; it must be one of {', '.join(checks)}.")
    if said != guilty:
        raise Wrong("another one has the bug", f"As it was given, {said} is right at all inputs. Check the others.")
    for name, check in checks.items():
        try:
            check(name)
        except NotDone:
            raise
        except Wrong as wrong:
            now = "it is this one, and it is not mended yet" if name == guilty else f"{name} was right, and is wrong now"
            raise Wrong(f"{now} ({wrong.kind})", wrong.text, wrong.picture) from None
    return f"{guilty} had the bug, and all {len(checks)} are right now"


def _softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _transpose(answers: Answers, name: str) -> str:
    """Judge the backward of transpose, for all permutations of three axes."""
    said = ""
    for axes in ((1, 0, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)):
        student = answers.function(name, "g", "x", "axes")

        def backward(g: Any, x: Any, axes: Any = axes, student: Any = student) -> Any:
            return student(g, x, axes)

        def forward(x: Any, axes: Any = axes) -> Any:
            return np.transpose(x, axes)

        try:
            said = vjp(Answers({name: lambda g, x, backward=backward: backward(g, x)}), name, forward, STACK, names="x")
        except Wrong as wrong:
            raise Wrong(wrong.kind, f"For axes {axes}: {wrong.text}", wrong.picture) from None
    return said


def _clip(answers: Answers, name: str) -> str:
    """Judge the backward of clip, also at its bounds."""
    student = answers.function(name, "g", "x", "low", "high")
    said = vjp(Answers({name: lambda g, x: student(g, x, -0.3, 0.7)}), name, lambda x: np.clip(x, -0.3, 0.7), SIGNED, names="x")
    found = np.asarray(student(np.ones(2), np.array([-0.3, 0.7]), -0.3, 0.7), "float64")
    if not np.array_equal(found, [1, 1]):
        raise Wrong("the convention at the bounds", f"At x = low and x = high the gradient is g; for g = 1 yours are {found.tolist()}.")
    return said


def _maximum(answers: Answers, name: str) -> str:
    """Judge the backward of the maximum, also where both numbers are equal."""
    said = vjp(answers, name, np.maximum, X, Y, names="x y")
    ties = np.array([1.0, -2.0])
    first, second = (np.asarray(part, "float64") for part in answers.function(name, "g", "x", "y")(np.ones(2), ties, ties.copy()))
    if np.allclose(first + second, 2):
        raise Wrong("ties: both get all of g", "Where x = y, move both by d: the maximum moves by d, so the two must add up to g.")
    if not (np.allclose(first, 0.5) and np.allclose(second, 0.5)):
        raise Wrong("the convention at ties", f"Where x = y, each gets half of g; for g = 1 yours are {first[0]:g} and {second[0]:g}.")
    return said
