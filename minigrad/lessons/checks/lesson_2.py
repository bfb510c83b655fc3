"""The judgement of lesson 2: an engine for numbers, compared with minigrad's on random expressions."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import minigrad as mg

from ..answers import Answers, NotDone, Wrong, kind_of
from ..gradients import scalars

POINTS, OTHERS = [-1.5, 0.5, 2.0, 0.8], [0.7, -1.2, 1.6, 0.4]
EXPRESSIONS, LENGTH = 30, 12  # random expressions, and operations in each


def multiply(answers: Answers) -> str:
    """Judge Value.__mul__."""
    return _operation(answers, lambda a, b: a * b, lambda a, b: a * b, "a b", POINTS, OTHERS)


def tanh(answers: Answers) -> str:
    """Judge Value.tanh."""
    return _operation(answers, lambda x: x.tanh(), math.tanh, "x", POINTS)


def _operation(answers: Answers, operation: Callable[..., Any], forward: Callable[..., float], names: str, *points: list[float]) -> str:
    """Judge the functions that an operation gives to its value."""
    make = answers.value("Value")

    def backward(g: float, *numbers: float) -> Any:
        arguments = [make(x) for x in numbers]
        value = operation(*arguments)
        if not isinstance(value, make):
            raise Wrong("not a Value", f"the operation returned {kind_of(value)}; it must return a Value.")
        if any(function is ... for function in value.backwards):
            return ...
        if abs(value.data - forward(*numbers)) > 1e-9:
            raise Wrong("the value is wrong", f"at {numbers} the value is {value.data:.4g}; it must be {forward(*numbers):.4g}.")
        if len(value.backwards) != len(numbers) or len(value.parents) != len(numbers):
            raise Wrong("count: one function for each parent", f"There must be {len(numbers)}, and as many parents.")
        pairs = list(zip(value.parents, value.backwards))
        found = [[function(g) for parent, function in pairs if parent is argument] for argument in arguments]
        if not all(found):
            raise Wrong("the parents are not the arguments", "Keep the values themselves, not their numbers or copies of them.")
        return tuple(first for first, *_ in found)

    return scalars(Answers({"backward": backward}), "backward", forward, *points, names=names)


def in_order(answers: Answers) -> str:
    """Judge the order in which the values are visited."""
    function = answers.function("in_order", "loss")
    for number in range(EXPRESSIONS):
        values, _ = _expression(answers, number)
        order = list(function(values[-1]))
        users = _users(values[-1])
        known = {id(value) for value in order}
        if len(known) < len(order):
            raise Wrong("visited twice", "The list has a value twice: it would pass on its g twice. Remember which ones were found.")
        if known - users.keys():
            raise Wrong("too many values", "The list has a value that `loss` was not computed from.")
        if users.keys() - known:
            raise Wrong("values are missing", "The list lacks a value that `loss` was computed from. Follow the parents of parents, too, "
                                              "and begin with `loss` itself.")
        places = {id(value): i for i, value in enumerate(order)}
        early = [key for key, using in users.items() if any(places[user] > places[key] for user in using)]
        if early:
            kind = "from the oldest to the newest" if order[-1] is values[-1] else "a value comes before one that uses it"
            raise Wrong(f"order: {kind}", "When a value passes on its g, all values that use it must have passed on theirs: before that, "
                                          "its own g is not complete.")
    return f"{EXPRESSIONS} random expressions"


def _users(loss: Any) -> dict[int, list[int]]:
    """Return {id of a value that `loss` depends on: ids of the values that use it}."""
    users: dict[int, list[int]] = {id(loss): []}
    waiting = [loss]
    while waiting:
        value = waiting.pop()
        for parent in value.parents:
            if id(parent) not in users:
                users[id(parent)] = []
                waiting.append(parent)
            users[id(parent)].append(id(value))
    return users


def _expression(answers: Answers, number: int) -> tuple[list[Any], list[mg.Tensor]]:
    """Return a random expression: the student's values, the last of which is the loss, and minigrad's tensors beside them."""
    draw, make = random.Random(number), answers.value("Value")
    numbers = [draw.uniform(-1, 1) for _ in range(3)]
    values, tensors = [make(x) for x in numbers], [mg.tensor(x, dtype=mg.float64, requires_grad=True) for x in numbers]
    for _ in range(LENGTH):
        i, j = draw.randrange(len(values)), draw.randrange(len(values))
        kind = draw.choice(("add", "multiply", "tanh"))
        for found in (values, tensors):
            found.append(found[i] + found[j] if kind == "add" else found[i] * found[j] if kind == "multiply" else found[i].tanh())
    for found in (values, tensors):
        found.append(found[-1] + found[-2] * found[0])
    return values, tensors


def backward(answers: Answers) -> str:
    """Judge the backward pass, with the student's operations."""
    function = answers.value("backward")
    make = answers.value("Value")
    for operation in (multiply, tanh, in_order):
        try:
            operation(answers)
        except Wrong:
            raise Wrong("it needs the other exercises", "Put multiply, tanh and in_order right first: this one works with them.") from None
    a, b = make(2.0), make(3.0)
    loss = a + b
    function(loss)
    if a.grad == b.grad == 0 and loss.grad == 1:
        raise NotDone
    twice = make(2.0)
    function(twice + twice)
    if twice.grad == 1:
        text = "For L = a + a, dL/da is 2; yours is 1. A value that is used twice gets the sum of what comes back: `+=`, not `=`."
        raise Wrong("missing: a use was overwritten", text)
    for number in range(EXPRESSIONS):
        values, tensors = _expression(answers, number)
        function(values[-1])
        tensors[-1].backward()
        for name, value, tensor in zip("abc", values, tensors):
            expected = 0.0 if tensor.grad is None else tensor.grad.item()
            if abs(value.grad - expected) > 1e-9 * max(1, abs(expected)):
                raise Wrong("another gradient than minigrad's", f"In a random expression, dL/d{name} is {expected:.6g}; "
                                                                f"yours is {value.grad:.6g}. Each parent gets function(value.grad).")
    return f"it agrees with minigrad on {EXPRESSIONS} random expressions\n{_trained(make, function)}"


def _trained(make: Any, function: Any) -> str:
    """Train a network of five neurons on XOR with the student's engine, and say how far it came."""
    draw = random.Random(1)
    weights = [make(draw.uniform(-1, 1)) for _ in range(17)]
    losses = []
    for _ in range(60):
        loss = make(0.0)
        for x, y, target in ((-1, -1, -1), (-1, 1, 1), (1, -1, 1), (1, 1, -1)):
            out = weights[16]
            for k in range(4):
                w = weights[4 * k : 4 * k + 4]
                out = out + (w[0] * make(x) + w[1] * make(y) + w[2]).tanh() * w[3]
            error = out.tanh() + make(-float(target))
            loss = loss + error * error
        function(loss)
        losses.append(loss.data)
        for w in weights:
            w.data -= 0.2 * w.grad
    return f"It trained a network on XOR: loss {losses[0]:.2f}, after {len(losses)} steps {losses[-1]:.2f}."
