"""The smallest network: it learns XOR, with nothing but tensors.

You learn what training is: compute a loss, ask for its gradients, and change each weight
a little in the direction opposite to its gradient.

Run it with `python examples/smallest_net.py` (one optional argument: the number of steps).
"""

import sys

import minigrad as mg

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 100

mg.manual_seed(0)
inputs = mg.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
targets = mg.tensor([[0.0], [1.0], [1.0], [0.0]])
hidden_weight = mg.randn(2, 8, requires_grad=True)
hidden_bias = mg.zeros(8, requires_grad=True)
output_weight = mg.randn(8, 1, requires_grad=True)
output_bias = mg.zeros(1, requires_grad=True)
parameters = [hidden_weight, hidden_bias, output_weight, output_bias]


def network(x: mg.Tensor) -> mg.Tensor:
    """Return the outputs (n, 1) for the inputs (n, 2)."""
    hidden = (x @ hidden_weight + hidden_bias).tanh()
    return hidden @ output_weight + output_bias


for step in range(STEPS + 1):
    loss = (network(inputs) - targets).square().mean()
    if step % (STEPS // 5) == 0:
        print(f"step {step:4}: loss {loss.item():.4f}")
    gradients = mg.autograd.grad(loss, parameters)
    with mg.no_grad():  # the updates are not part of the next loss's graph
        for parameter, gradient in zip(parameters, gradients):
            parameter.sub_(0.1 * gradient)

for example, output in zip(inputs.tolist(), network(inputs).tolist()):
    print(f"{example} -> {output[0]:.2f}")
