"""A multi-layer perceptron on two moons, max-margin loss and L2 penalty, plain gradient descent, as in small engines' demos."""

import math
import random

import numpy as np
import torch

random.seed(1337)
np.random.seed(1337)
n = 40
angle = np.linspace(0, math.pi, n // 2)
outer = np.stack([np.cos(angle), np.sin(angle)], 1)
inner = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], 1)
X = np.concatenate([outer, inner]) + 0.1 * np.random.randn(n, 2)
y = np.concatenate([np.ones(n // 2), -np.ones(n // 2)])


class Neuron:
    def __init__(self, nin, nonlin=True):
        self.w = [torch.tensor(random.uniform(-1, 1), dtype=torch.float64, requires_grad=True) for _ in range(nin)]
        self.b = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
        self.nonlin = nonlin

    def __call__(self, x):
        act = sum((wi * xi for wi, xi in zip(self.w, x)), self.b)
        return act.relu() if self.nonlin else act

    def parameters(self):
        return [*self.w, self.b]


class MLP:
    def __init__(self, nin, nouts):
        sz = [nin, *nouts]
        self.layers = [
            [Neuron(sz[i], nonlin=i != len(nouts) - 1) for _ in range(sz[i + 1])] for i in range(len(nouts))
        ]

    def __call__(self, x):
        for layer in self.layers:
            x = [neuron(x) for neuron in layer]
        return x[0] if len(x) == 1 else x

    def parameters(self):
        return [p for layer in self.layers for neuron in layer for p in neuron.parameters()]


model = MLP(2, [4, 4, 1])
print("number of parameters", len(model.parameters()))


def loss():
    columns = [torch.from_numpy(X[:, 0].copy()), torch.from_numpy(X[:, 1].copy())]
    scores = model(columns)
    losses = (1 + -torch.tensor(y) * scores).relu()
    data_loss = losses.sum() * (1.0 / len(losses))
    reg_loss = 1e-4 * sum(p * p for p in model.parameters())
    accuracy = ((scores > 0) == (torch.tensor(y) > 0)).double().mean()
    return data_loss + reg_loss, accuracy.item()


for k in range(12):
    total_loss, acc = loss()
    for p in model.parameters():
        p.grad = None
    total_loss.backward()
    learning_rate = 1.0 - 0.9 * k / 12
    for p in model.parameters():
        p.data -= learning_rate * p.grad
    print(f"step {k} loss {total_loss.item():.8f}, accuracy {acc * 100}%")

a = torch.Tensor([-4.0]).double()
b = torch.Tensor([2.0]).double()
a.requires_grad = True
b.requires_grad = True
c = a + b
d = a * b + b**3
c = c + c + 1
c = c + 1 + c + (-a)
d = d + d * 2 + (b + a).relu()
d = d + 3 * d + (b - a).relu()
e = c - d
f = e**2
g = f / 2.0
g = g + 10.0 / f
g.backward()
print(g.data.item(), a.grad.item(), b.grad.item())
