"""The judgement of lesson 4: log-softmax and the negative log-likelihood."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops

from ..answers import Answers, Wrong, as_numbers
from ..gradients import Mistake, vjp
from ..pictures import side_by_side

X = np.array([[0.2, -0.9, 1.1], [0.7, 0.4, -1.3]])
TARGETS = np.array([2, 0])
LARGE = np.array([[1000.0, 0.0, -1000.0], [-1000.0, -1000.0, -999.0]])


def log_softmax(answers: Answers) -> str:
    """Judge the value of log-softmax, also for large logits."""
    function = answers.function("log_softmax", "x")
    for x in (X, LARGE, np.array([[3.0]])):
        expected, found = _log_softmax(x), as_numbers(function(x.copy()), "log_softmax")
        if found.shape != x.shape:
            raise Wrong("shape: the result has the wrong shape", f"x has shape {x.shape}, and the result {found.shape}.")
        if np.allclose(found, expected):
            continue
        picture = side_by_side(expected, found, f"log_softmax({x.tolist()}):")
        if x is LARGE:
            text = "e^1000 is inf, and log 0 is -inf. Subtract the largest x of each row first."
            raise Wrong("overflow: it fails for large logits", text, picture)
        for other, kind, text in (
            (np.exp(expected), "softmax, not its logarithm", "The logarithm of the probabilities is asked for."),
            (_log_softmax(x.T).T, "wrong axis: it runs along the wrong axis", "The classes of an example are a row: sum along axis 1."),
            (x - np.log(np.exp(x).sum()), "wrong axis: the sum runs over all elements", "Each row has its own sum: axis=1, keepdims=True."),
            (-expected, "sign: the sign is wrong", "Logarithms of probabilities are negative."),
        ):
            if np.allclose(found, other):
                raise Wrong(kind, text, picture)
        raise Wrong("the value is wrong", "x - log Σ e^x, for each row.", picture)
    return "also for logits of 1000"


def _log_softmax(x: Any) -> Any:
    return ops.log_softmax(x, axis=1)


def _nll(y: Any, targets: Any) -> Any:
    return -y[np.arange(len(targets)), targets].mean()


def log_softmax_backward(answers: Answers) -> str:
    """Judge the backward of log-softmax."""
    softmax = Mistake(lambda x: np.exp(_log_softmax(x)), "the backward of another function", "This is right for softmax, not for its log.")
    return vjp(answers, "log_softmax_backward", _log_softmax, X, names="x", invited=[softmax])


def nll_backward(answers: Answers) -> str:
    """Judge the backward of the loss."""
    return vjp(answers, "nll_backward", _nll, _log_softmax(X), TARGETS, names="y targets")


def cross_entropy_backward(answers: Answers) -> str:
    """Judge the backward of both together."""
    return vjp(answers, "cross_entropy_backward", lambda x, t: _nll(_log_softmax(x), t), X, TARGETS, names="x targets")
