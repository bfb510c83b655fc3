"""The judgement of lesson 5: activations, and the size of initial weights."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg

from ..answers import Answers, Wrong, as_numbers
from ..gradients import vjp

X = np.array([[-1.4, 0.6, 2.1], [0.9, -0.3, -2.2]])
SIZES = [(400, 100), (100, 400), (1000, 50)]
LAYERS, WIDTH = 20, 100


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def sigmoid_backward(answers: Answers) -> str:
    """Judge the backward of the sigmoid, which is given its value."""
    student = answers.function("sigmoid_backward", "g", "y")

    def judged(forward: Any, given: Any) -> str:
        of_x = Answers({"sigmoid_backward": lambda g, x: student(g, given(x))})
        return vjp(of_x, "sigmoid_backward", forward, X, names="x")

    try:
        return judged(_sigmoid, _sigmoid)
    except Wrong as wrong:
        for forward, given, kind, text in (
            (np.tanh, np.tanh, "the backward of another function", "This is right for tanh, whose slope is 1 - y²."),
            (_sigmoid, lambda x: x, "output for input: the backward uses the output where it needs the input",
             "This formula computes the sigmoid of what it is given; but it is given y, which is the sigmoid of x already."),
        ):
            try:
                judged(forward, given)
            except Wrong:
                continue
            raise Wrong(kind, text, wrong.picture) from None
        raise


def relu_backward(answers: Answers) -> str:
    """Judge the backward of relu, also at 0."""
    said = vjp(answers, "relu_backward", lambda x: np.maximum(x, 0), X, names="x")
    at_0 = np.asarray(answers.function("relu_backward", "g", "x")(np.array([1.0]), np.array([0.0])))
    if at_0.item() != 0:
        raise Wrong("the convention at 0", f"At x = 0 the gradient must be 0; yours is {at_0.item():.3g}. Is it x > 0, or x >= 0?")
    return said


def initial_weights(answers: Answers) -> str:
    """Judge the standard deviation of weights."""
    function = answers.function("initial_weights", "inputs", "outputs", "random")
    for inputs, outputs in SIZES:
        w = as_numbers(function(inputs, outputs, np.random.default_rng(0)), "initial_weights")
        if w.shape != (inputs, outputs):
            raise Wrong("shape: the weights have the wrong shape", f"They must be ({inputs}, {outputs}); yours are {w.shape}.")
        found, right = float(w.std()), inputs**-0.5
        if abs(found / right - 1) < 0.03 and abs(w.mean()) < 0.1 * right:
            continue
        told = f"For {inputs} inputs and {outputs} outputs the deviation must be {right:.3g}; yours is {found:.3g}. "
        for other, kind, text in (
            (1.0, "the weights are not scaled", "Then var(y) is n times var(x)."),
            (1 / inputs, "the variance is used as the deviation", "1/n is the variance; the deviation is its square root."),
            (outputs**-0.5, "exchanged: outputs for inputs", "Each y is a sum over the inputs: n is their number."),
            (inputs**0.5, "multiplied where it must be divided", "More terms in the sum need smaller weights."),
            ((2 / inputs) ** 0.5, "this is the deviation after relu", "The 2 makes up for the half that relu sets to 0; here is no relu."),
            ((2 / (inputs + outputs)) ** 0.5, "this is the compromise", "Here the forward alone counts: it depends on the inputs only."),
        ):
            if abs(found / other - 1) < 0.03:
                raise Wrong(kind, told + text)
        if abs(w.mean()) >= 0.1 * right:
            raise Wrong("the mean is not 0", told + "With a mean, the terms of the sum do not cancel.")
        raise Wrong("another deviation", told + "Solve n · var(w) = 1.")
    return f"{len(SIZES)} sizes\n{_demonstrated(function)}"


def _demonstrated(function: Any) -> str:
    """Say what is left of the gradient after some layers of tanh, with these weights."""
    random = np.random.default_rng(0)
    x = mg.from_numpy(random.normal(size=(50, WIDTH))).requires_grad_()
    y = x
    for _ in range(LAYERS):
        y = (y @ mg.from_numpy(np.array(function(WIDTH, WIDTH, random), "float64"))).tanh()
    y.sum().backward()
    assert x.grad is not None
    return f"After {LAYERS} layers of tanh with your weights, dL/dx has size {x.grad.square().mean().sqrt().item():.2g}."
