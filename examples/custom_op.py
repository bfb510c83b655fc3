"""An operation of your own: its value, and how a gradient passes through it.

You learn what `@op` asks of you (a function that returns a value and one vector-Jacobian
product for each argument), how `gradcheck` checks its gradient, and what it says of a
wrong one.

Run it with `python examples/custom_op.py`.
"""

from typing import Any

import minigrad as mg
from minigrad.autograd import op
from minigrad.backend import array_module
from minigrad.testing import GradcheckError, gradcheck


@op
def silu(x: Any) -> Any:
    """y = x σ(x),  dL/dx = g σ(x) (1 + x (1 - σ(x)))"""
    s = 1 / (1 + array_module(x).exp(-x))
    return x * s, lambda g: g * s * (1 + x * (1 - s))


@op
def wrong_silu(x: Any) -> Any:
    """The same value with a gradient that forgets that σ(x) depends on x."""
    s = 1 / (1 + array_module(x).exp(-x))
    return x * s, lambda g: g * s


x = mg.linspace(-2.0, 2.0, 5, dtype=mg.float64, requires_grad=True)
y = silu(x)
print("silu:", [round(value, 4) for value in y.tolist()])

(first,) = mg.autograd.grad(y.sum(), [x], create_graph=True)
(second,) = mg.autograd.grad(first.sum(), [x])
print("its derivative:", [round(value, 4) for value in first.tolist()])
print("its second derivative:", [round(value, 4) for value in second.tolist()])

print("gradcheck says of it:", gradcheck(silu, [x]), sep="\n")
try:
    gradcheck(wrong_silu, [x])
except GradcheckError as error:
    print("gradcheck says of the wrong one:", error, sep="\n")
