"""Control flow and weight sharing: a network that uses its middle layer a different number of times each call."""

import math
import random

import torch
import torch.nn as nn

torch.set_default_dtype(torch.float64)
random.seed(4)


class DynamicNet(torch.nn.Module):
    def __init__(self, D_in, H, D_out):
        super(DynamicNet, self).__init__()
        self.input_linear = torch.nn.Linear(D_in, H)
        self.middle_linear = torch.nn.Linear(H, H)
        self.output_linear = torch.nn.Linear(H, D_out)

    def forward(self, x):
        h_relu = self.input_linear(x).clamp(min=0)
        for _ in range(random.randint(0, 3)):
            h_relu = self.middle_linear(h_relu).clamp(min=0)
        return self.output_linear(h_relu)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(5, 3)
        self.bias = nn.Parameter(torch.zeros(5))

    def forward(self, x):
        code = torch.tanh(self.encode(x))
        return nn.functional.linear(code, self.encode.weight.t(), self.bias)


class Polynomial3(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(0.1))
        self.b = nn.Parameter(torch.tensor(0.2))

    def forward(self, x):
        y = self.a + self.b * x
        for exp in range(4, random.randint(4, 6)):
            y = y + self.b * x**exp
        return y

    def string(self):
        return f"y = {self.a.item():.10f} + {self.b.item():.10f} x"


def values(*size):
    return torch.tensor([math.sin(1.7 * i * i) for i in range(math.prod(size))]).view(size)


def train(model, x, y, steps, lr):
    for p in model.parameters():
        p.data.copy_(0.3 * values(*p.shape) if p.dim() else p.data)
    criterion = torch.nn.MSELoss(reduction="sum")
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    for t in range(steps):
        loss = criterion(model(x), y)
        if t % 10 == 0:
            print(type(model).__name__, t, loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


train(DynamicNet(7, 6, 2), values(10, 7), values(10, 2), 40, 1e-3)
tied = Tied()
train(tied, values(10, 5), values(10, 5), 30, 1e-2)
print([name for name, _ in tied.named_parameters()], tied.bias.data)
poly = Polynomial3()
train(poly, torch.linspace(-1, 1, 9), torch.linspace(0, 1, 9) ** 2, 20, 1e-3)
print(poly.string())

shared = nn.Linear(4, 4)
stack = nn.Sequential(shared, nn.Tanh(), shared)
print(stack)
print(len(list(stack.parameters())), [name for name, _ in stack.named_modules()], list(stack.state_dict()))
