"""Derivatives of derivatives: a gradient with `create_graph=True` can be differentiated again.

You learn how to compute Taylor coefficients and a Hessian, and to use the Hessian in
Newton's method.

Run it with `python examples/higher_derivatives.py`.
"""

import math

import minigrad as mg
from minigrad.autograd import grad

x = mg.tensor(0.0, dtype=mg.float64, requires_grad=True)
derivative = x.tanh()
coefficients = []
for order in range(1, 8):
    (derivative,) = grad(derivative, [x], create_graph=True)
    coefficients.append(derivative.item() / math.factorial(order))
print("tanh(x) =", " ".join(f"{c:+.6f} x^{n}" for n, c in enumerate(coefficients, 1) if c), "+ …")


def rosenbrock(p: mg.Tensor) -> mg.Tensor:
    """Return (1 - a)² + 100 (b - a²)² for p = (a, b): a curved valley whose lowest point is (1, 1)."""
    return (1 - p[0]).square() + 100 * (p[1] - p[0].square()).square()


def gradient_and_hessian(p: mg.Tensor) -> tuple[mg.Tensor, mg.Tensor]:
    """Return the gradient (2,) and the Hessian (2, 2), each of whose rows takes one more backward pass."""
    (gradient,) = grad(rosenbrock(p), [p], create_graph=True)
    rows = [grad(gradient[i], [p], retain_graph=True)[0] for i in range(2)]
    return gradient.detach(), mg.stack(rows)


p = mg.tensor([-1.0, 1.5], dtype=mg.float64, requires_grad=True)
for step in range(6):
    gradient, hessian = gradient_and_hessian(p)
    (a, b), (_, d) = hessian.tolist()
    inverse = mg.tensor([[d, -b], [-b, a]], dtype=mg.float64) / (a * d - b * b)
    print(f"Newton step {step}: f = {rosenbrock(p).item():.3e} at ({p[0].item():.6f}, {p[1].item():.6f})")
    p = (p - inverse @ gradient).detach().requires_grad_()
print(f"the lowest point: ({p[0].item():.6f}, {p[1].item():.6f})")
