"""A `Function`, whose gradient is yours to choose: it need not be the derivative.

You learn PyTorch's way to write an operation (`forward`, `backward` and what is saved
between them) by the example of the straight-through estimator. The sign of a number has
no useful derivative, so the gradient passes as if no sign had been taken, where the number
is between -1 and 1. Networks with weights of ±1 are trained in this way.

Run it with `python examples/custom_function.py`.
"""

import sys
from typing import Any

import minigrad as mg
from minigrad.autograd import Function

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 200


class StraightThroughSign(Function):
    """y = sign(x),  dL/dx = g where -1 ≤ x ≤ 1, else 0: on purpose not the derivative, which is 0."""

    @staticmethod
    def forward(ctx: Any, x: mg.Tensor) -> mg.Tensor:
        ctx.save_for_backward(x)
        return x.sign()

    @staticmethod
    def backward(ctx: Any, g: mg.Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return g * (x.abs() <= 1)


x = mg.tensor([-3.0, -0.5, 0.5, 3.0], requires_grad=True)
y = StraightThroughSign.apply(x)
y.sum().backward()
print("signs:", y.tolist())
print("gradient:", x.grad)

mg.manual_seed(0)
inputs = mg.randn(200, 16)
hidden_signs = mg.randn(16).sign()  # what the network has to find
targets = inputs @ hidden_signs
weight = (0.1 * mg.randn(16)).requires_grad_()


def loss() -> mg.Tensor:
    """Return the mean squared error of the outputs of the network with the signs of its weights."""
    return (inputs @ StraightThroughSign.apply(weight) - targets).square().mean()


for _ in range(STEPS):
    (gradient,) = mg.autograd.grad(loss(), [weight])
    with mg.no_grad():
        weight.sub_(0.01 * gradient).clamp_(-1, 1)
found = int((weight.sign() == hidden_signs).sum().item())
print(f"{found} of 16 weights of ±1 found, loss {loss().item():.4f}")
