"""The judgement of lesson 1: backward functions of numbers."""

from __future__ import annotations

import math

from ..answers import Answers
from ..gradients import Mistake, scalars

FIRST, SECOND, THIRD = [-1.5, 0.5, 2.0, 0.8], [0.7, -1.2, 1.6, 0.4], [0.3, 0.9, -0.6, 1.1]


def square_backward(answers: Answers) -> str:
    """Judge the backward of y = x²."""
    return scalars(answers, "square_backward", lambda x: x * x, FIRST, names="x")


def product_backward(answers: Answers) -> str:
    """Judge the backward of y = a · b."""
    return scalars(answers, "product_backward", lambda a, b: a * b, FIRST, SECOND, names="a b")


def tanh_backward(answers: Answers) -> str:
    """Judge the backward of y = tanh(x)."""
    return scalars(answers, "tanh_backward", math.tanh, FIRST, names="x")


def neuron_backward(answers: Answers) -> str:
    """Judge the backward of y = tanh(w · x + b) + x."""
    lost = Mistake(lambda x, w, b: math.tanh(w * x + b), "missing: one use of a value is missing",
                   "x is used twice, inside tanh and in `+ x`; your dL/dx has only the part that comes back through tanh.")

    def forward(x: float, w: float, b: float) -> float:
        return math.tanh(w * x + b) + x

    return scalars(answers, "neuron_backward", forward, FIRST, SECOND, THIRD, names="x w b", invited=[lost])
