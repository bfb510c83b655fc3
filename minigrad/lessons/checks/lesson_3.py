"""The judgement of lesson 3: sums over broadcast axes, and matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..answers import Answers, Wrong
from ..gradients import vjp

DRAW = np.random.default_rng(3)
M23, M32, V3, SQUARE = (np.round(DRAW.normal(size=shape), 1) for shape in ((2, 3), (3, 2), 3, (3, 3)))
SHAPES = [  # (shape of x, shape to which it is broadcast)
    ((3,), (2, 3)), ((2, 1), (2, 3)), ((1, 3), (2, 3)), ((2, 3), (2, 3)), ((1, 2), (2, 1, 2)), ((), (2, 3)), ((1, 1), (3, 2)),
    ((2, 1), (1, 2, 3)),
]  # fmt: skip


def bias_backward(answers: Answers) -> str:
    """Judge the backward of y = x + b."""
    return vjp(answers, "bias_backward", np.add, M23, V3, names="x b")


def unbroadcast(answers: Answers) -> str:
    """Judge the sum over broadcast axes, for several shapes."""
    function = answers.function("unbroadcast", "g", "shape")
    for shape, target in SHAPES:
        x = np.round(np.random.default_rng(0).normal(size=shape), 1)

        def forward(x: Any, target: Any = target) -> Any:
            return np.broadcast_to(x, target)

        try:
            vjp(Answers({"unbroadcast": lambda g, x: function(g, x.shape)}), "unbroadcast", forward, x, names="x")
        except Wrong as wrong:
            raise Wrong(wrong.kind, f"For shape {shape}, which was broadcast to {target}: {wrong.text}", wrong.picture) from None
    return f"{len(SHAPES)} shapes"


def linear_backward(answers: Answers) -> str:
    """Judge the backward of y = x @ w + b: for square matrices, where a missing transpose can be seen, and for others."""
    vjp(answers, "linear_backward", lambda x, w, b: x @ w + b, M23, SQUARE, V3, names="x w b")
    return vjp(answers, "linear_backward", lambda x, w, b: x @ w + b, M23, M32, V3[:2], names="x w b")
