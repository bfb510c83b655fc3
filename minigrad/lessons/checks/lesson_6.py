"""The judgement of lesson 6: optimizers, compared with minigrad's for some steps.

A wrong one is compared with what known mistakes give.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg

from ..answers import Answers, Wrong, as_numbers
from ..pictures import side_by_side

LR, MOMENTUM, BETA1, BETA2, EPS = 0.1, 0.8, 0.7, 0.9, 0.05  # an eps that can be seen
STEPS = 4
START = np.array([1.0, -2.0, 0.5])
GRADIENTS = np.array([[0.6, -1.2, 0.1], [0.5, 0.8, -0.2], [-0.4, 1.1, 0.3], [0.7, -0.3, 0.2]])

Step = Callable[..., Any]


def sgd_step(answers: Answers) -> str:
    """Judge gradient descent."""
    wrong = [
        ("sign: uphill", "This adds lr · g: the loss grows. Subtract.", lambda t, p, g: p + LR * g),
        ("the learning rate is missing", "The step is lr · g, not g.", lambda t, p, g: p - g),
        ("this is the step, not the new p", "Return where p is after the step.", lambda t, p, g: LR * g),
    ]
    return _judged(answers, "sgd_step", "p g lr", mg.optim.SGD, {"lr": LR}, 0, lambda step, t, p, g: step(p, g, LR), wrong)


def momentum_step(answers: Answers) -> str:
    """Judge gradient descent with momentum."""
    def rule(change: Step) -> Step:
        return lambda t, p, g, b: change(p, g, b, MOMENTUM * b + g)

    wrong = [
        ("sign: uphill", "This adds lr · b: the loss grows. Subtract.", rule(lambda p, g, b, new: (p + LR * new, new))),
        ("the step is made with g, not with b", "p moves by the buffer: p - lr · b.", rule(lambda p, g, b, new: (p - LR * g, new))),
        ("the step is made with the old b", "First renew b, then use it.", rule(lambda p, g, b, new: (p - LR * b, new))),
        ("g is multiplied by 1 - momentum", "That is a running mean, as in Adam. Here g is added as it is.",
         rule(lambda p, g, b, new: (p - LR * (new - MOMENTUM * g), new - MOMENTUM * g))),
        ("the new b is lost", "The buffer that is returned must be the new one.", rule(lambda p, g, b, new: (p - LR * new, b))),
        ("this is Nesterov's variant", "It looks ahead: g + momentum · b. Plain momentum steps by b.",
         rule(lambda p, g, b, new: (p - LR * (g + MOMENTUM * new), new))),
    ]
    options = {"lr": LR, "momentum": MOMENTUM}
    return _judged(answers, "momentum_step", "p g b lr momentum", mg.optim.SGD, options, 1,
                   lambda step, t, p, g, b: step(p, g, b, LR, MOMENTUM), wrong)


def adam_step(answers: Answers) -> str:
    """Judge Adam."""
    def rule(first: int = 1, second: int = 1, shift: int = 0, sign: int = -1, power: int = 2, root: Step | None = None) -> Step:
        """Return Adam with a mistake: without a correction (0), with t too large by `shift`, with another power of g, another root."""

        def step(t: int, p: Any, g: Any, m: Any, v: Any) -> Any:
            m, v = BETA1 * m + (1 - BETA1) * g, BETA2 * v + (1 - BETA2) * g**power
            m_hat, v_hat = m / (1 - BETA1 ** (t + shift)) ** first, v / (1 - BETA2 ** (t + shift)) ** second
            return p + sign * LR * m_hat / (root(v_hat, v, t) if root else np.sqrt(v_hat) + EPS), m, v

        return step

    def kept(t: int, p: Any, g: Any, m: Any, v: Any) -> Any:
        new, m, v = rule()(t, p, g, m, v)
        return new, m / (1 - BETA1**t), v / (1 - BETA2**t)

    def outside(v_hat: Any, v: Any, t: int) -> Any:
        return (np.sqrt(v) + EPS) / np.sqrt(1 - BETA2**t)

    wrong = [
        ("sign: uphill", "The step must be subtracted.", rule(sign=1)),
        ("the bias correction is missing", "Divide m by 1 - β₁^t and v by 1 - β₂^t.", rule(0, 0)),
        ("the bias correction of m is missing", "Divide m by 1 - β₁^t.", rule(0, 1)),
        ("the bias correction of v is missing", "Divide v by 1 - β₂^t.", rule(1, 0)),
        ("t is too large by 1", "The first step has t = 1; use t as it is given.", rule(shift=1)),
        ("v is the mean of g, not of g²", "Square g in the second mean.", rule(power=1)),
        ("eps stands inside the root", "√v̂ + eps, not √(v̂ + eps).", rule(root=lambda v_hat, v, t: np.sqrt(v_hat + EPS))),
        ("the root is missing", "Divide by √v̂ + eps, not by v̂ + eps.", rule(root=lambda v_hat, v, t: v_hat + EPS)),
        ("eps is added before the bias correction", "First correct v, then take the root, then add eps.", rule(root=outside)),
        ("m̂ and v̂ are kept", "Return m and v without the correction: it is made afresh in each step.", kept),
    ]
    options = {"lr": LR, "betas": (BETA1, BETA2), "eps": EPS}
    return _judged(answers, "adam_step", "p g m v t lr beta1 beta2 eps", mg.optim.Adam, options, 2,
                   lambda step, t, p, g, m, v: step(p, g, m, v, t, LR, BETA1, BETA2, EPS), wrong)


def _judged(answers: Answers, name: str, parameters: str, optimizer: Any, options: dict[str, Any], states: int, call: Step,
            wrong: list[tuple[str, str, Step]]) -> str:
    """Compare the student's steps with an optimizer's.

    call(step, t, p, g, *state) calls the student's function in step t. wrong: (kind, text, function (t, p, g, *state)) of known mistakes.
    """
    student = answers.function(name, *parameters.split())
    expected = _right(optimizer, options)

    def step(t: int, p: Any, g: Any, *state: Any) -> Any:
        before = p.copy(), g.copy()
        found = call(student, t, p, g, *state)
        if not (np.array_equal(p, before[0]) and np.array_equal(g, before[1])):
            raise Wrong("mutation: an array was overwritten", "Return new arrays: no `p -= ...`, which changes the array of the caller.")
        parts = found if isinstance(found, tuple) else (found,)
        if len(parts) != 1 + states:
            raise Wrong("count: another number of results", f"{name} must return {1 + states}; it returned {len(parts)}.")
        return tuple(as_numbers(part, name) for part in parts)

    places = _path(step, states)
    if np.allclose(places, expected, rtol=1e-9, atol=1e-12):
        return f"{STEPS} steps agree with minigrad.optim.{optimizer.__name__}"
    picture = side_by_side(expected, places, "p after each step, a row for each:")
    for kind, text, change in wrong:
        if np.allclose(places, _path(change, states), rtol=1e-9, atol=1e-12):
            raise Wrong(kind, text, picture)
    first = int(np.argmin(np.isclose(places, expected, rtol=1e-9, atol=1e-12).all(axis=1))) + 1
    raise Wrong("another step", f"It differs from step {first} on. Compare with the formula, line by line.", picture)


def _right(optimizer: Any, options: dict[str, Any]) -> np.ndarray:
    """Return where minigrad's optimizer takes the parameters, a row for each step."""
    p = mg.tensor(START, requires_grad=True)
    steps, places = optimizer([p], **options), []
    for g in GRADIENTS:
        p.grad = mg.tensor(g)
        steps.step()
        places.append(p.detach().numpy().copy())
    return np.array(places)


def _path(step: Step, states: int) -> np.ndarray:
    """Return where `step(t, p, g, *state)` takes the parameters; each state starts at 0."""
    p, state, places = START.copy(), [np.zeros_like(START)] * states, []
    for t, g in enumerate(GRADIENTS, 1):
        found = step(t, p, g.copy(), *state)
        p, *state = found if isinstance(found, tuple) else (found,)
        places.append(np.broadcast_to(p, START.shape))
    return np.array(places)
