"""The judgement of lesson 8: second derivatives, and a penalty on gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.autograd import grad

from ..answers import Answers, Wrong, kind_of
from ..gradients import vjp
from ..pictures import side_by_side

POINTS = [-1.2, 0.4, 0.9]
G, Y = np.array([[0.7, -1.1, 1.6], [0.3, 2.0, -0.8]]), np.array([[0.2, -0.6, 0.9], [0.5, -0.3, 0.8]])
CUT = ("missing: the graph is cut", "The value is right, but it remembers nothing: the inner `grad` needs create_graph=True.")


def second_derivative(answers: Answers) -> str:
    """Judge second derivatives of x³ and of tanh."""
    student = answers.function("second_derivative", "function", "x")
    for name, function, first, second in (
        ("x³", lambda x: x**3, lambda x: 3 * x**2, lambda x: 6 * x),
        ("tanh(x)", lambda x: x.tanh(), lambda x: 1 - np.tanh(x) ** 2, lambda x: -2 * np.tanh(x) * (1 - np.tanh(x) ** 2)),
    ):
        x = mg.tensor(POINTS, dtype=mg.float64, requires_grad=True)
        found = _numbers(_called(student, function, x), "second_derivative")
        expected, points = second(np.array(POINTS)), np.array(POINTS)
        if found.shape == expected.shape and np.allclose(found, expected):
            continue
        told = f"For y = {name} at {POINTS}. "
        picture = side_by_side(expected, found, "d²y/dx²:") if found.shape == expected.shape else ""
        for other, kind, text in (
            (first(points), "this is the first derivative", "Differentiate once more."),
            (first(points) ** 2, "this is the square of the first derivative", "Differentiate the first derivative again, instead."),
        ):
            if found.shape == other.shape and np.allclose(found, other):
                raise Wrong(kind, told + text, picture)
        if found.shape != expected.shape:
            raise Wrong("shape: the result has the wrong shape", f"{told}It must be that of x, {expected.shape}; it is {found.shape}.")
        raise Wrong("the value is wrong", told, picture)
    return "for x³ and tanh(x)"


def _called(student: Any, *arguments: Any) -> Any:
    """Call a student's function. Raise Wrong where it differentiates what was not recorded."""
    try:
        return student(*arguments)
    except RuntimeError as error:
        if "does not require a gradient" in str(error):
            text = "The inner `grad` recorded nothing, so there is nothing to differentiate again: create_graph=True."
            raise Wrong(CUT[0], text) from None
        raise


def _numbers(found: Any, name: str) -> np.ndarray:
    """Return a tensor, also in a tuple of one as `grad` returns it, as an array. Raise Wrong for anything else."""
    if isinstance(found, tuple) and len(found) == 1:
        raise Wrong("a tuple of one tensor", f"grad returns a tuple: unpack it, `(first,) = grad(...)`. {name} must return a tensor.")
    if not isinstance(found, mg.Tensor):
        raise Wrong("not a tensor", f"{name} must return a tensor; it returned {kind_of(found)}.")
    return np.array(found.detach().numpy(), "float64")


def tanh_backward_backward(answers: Answers) -> str:
    """Judge the backward of z = g · (1 - y²)."""
    return vjp(answers, "tanh_backward_backward", lambda g, y: g * (1 - y * y), G, Y, names="g y", upstream="h")


def gradient_penalty(answers: Answers) -> str:
    """Judge the value of the penalty, and its gradient by the critic's weights."""
    student = answers.function("gradient_penalty", "critic", "x")
    critic, x = _critic()
    result = _called(student, critic, x)
    slopes = _slopes(critic, x)
    _check_value(_numbers(result, "gradient_penalty"), slopes.detach().numpy())
    right = (slopes.square().sum(dim=1).sqrt() - 1).square().mean()
    weights = list(critic.parameters())
    if not result.requires_grad:
        raise Wrong(*CUT)
    for got, expected in zip(_by_weights(result, weights), _by_weights(right, weights)):
        if expected.any() and not got.any():
            raise Wrong(*CUT)
        if not np.allclose(got, expected):
            raise Wrong("the gradient by the weights is wrong", "The value is right, but a part of its graph is cut.")
    return f"the value and its gradient by {len(weights)} weights and biases\n{_trained(student)}"


def _check_value(found: np.ndarray, slopes: np.ndarray) -> None:
    """Raise Wrong unless a value is that of the penalty, for dD/dx = slopes (n, d)."""
    squares = slopes**2
    lengths = np.sqrt(squares.sum(axis=1))
    right = ((lengths - 1) ** 2).mean()
    if found.shape == () and np.allclose(found, right):
        return
    told = f"For a small critic, the penalty is {right:.6g}" + (f"; yours is {found.item():.6g}. " if found.size == 1 else ". ")
    for other, kind, text in (
        (((lengths - 1) ** 2).sum(), "constant factor: the sum, not the mean", "Take the mean over the examples."),
        ((np.sqrt(squares.sum()) - 1) ** 2, "wrong axis: one length for all examples", "Each row has a length: sum(dim=1)."),
        (((np.sqrt(squares.sum(axis=0)) - 1) ** 2).mean(), "wrong axis: lengths of columns", "An example is a row: sum(dim=1)."),
        (((squares.sum(axis=1) - 1) ** 2).mean(), "the root is missing", "The length is the root of the sum of squares."),
        ((lengths**2).mean(), "the 1 is missing", "The length should be 1, not 0: lengths - 1."),
        ((lengths - 1).mean(), "the square is missing", "Too short and too long must both cost something: square the difference."),
        (((slopes - 1) ** 2).mean(), "each slope is compared with 1", "The length of a row should be 1, not each number in it."),
        ((lengths - 1) ** 2, "the mean is missing", "Return one number: the mean over the examples."),
    ):
        if found.shape == np.shape(other) and np.allclose(found, other):
            raise Wrong(kind, told + text)
    raise Wrong("the value is wrong", told + "Compare with the two steps above.")


def _by_weights(penalty: mg.Tensor, weights: list[nn.Parameter]) -> list[np.ndarray]:
    """Return the gradient by each weight, 0 where the penalty does not depend on it."""
    found: Any = grad(penalty, weights, allow_unused=True)
    return [np.zeros(tuple(w.shape)) if g is None else g.numpy() for w, g in zip(weights, found)]


def _critic() -> tuple[nn.Module, mg.Tensor]:
    """Return a small critic, and examples (5, 3) that require a gradient."""
    random = np.random.default_rng(8)
    critic = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    with mg.no_grad():
        for p in critic.parameters():
            p.copy_(mg.from_numpy(random.normal(size=tuple(p.shape))))
    return critic, mg.from_numpy(random.normal(size=(5, 3))).requires_grad_()


def _slopes(critic: nn.Module, x: mg.Tensor) -> mg.Tensor:
    """Return dD/dx, recorded."""
    return grad(critic(x).sum(), [x], create_graph=True)[0]


def _trained(student: Any) -> str:
    """Train the critic on the penalty alone, and say how long its gradients are before and after."""
    critic, x = _critic()
    optimizer = mg.optim.Adam(critic.parameters(), lr=0.03)
    means = []
    for _ in range(60):
        means.append(_slopes(critic, x).detach().square().sum(dim=1).sqrt().mean().item())
        optimizer.zero_grad()
        student(critic, x).backward()
        optimizer.step()
    return f"Trained with it for 60 steps, the lengths go from {means[0]:.2f} to {means[-1]:.2f}, on average."
