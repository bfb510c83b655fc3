"""Meta-learning (MAML) of sine waves: gradients go through the gradient steps of an inner loop."""

import copy
from collections import OrderedDict

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(6)


class Task:
    def __init__(self):
        self.amplitude, self.phase = rng.uniform(0.1, 5.0), rng.uniform(0, np.pi)

    def sample(self, k=10):
        x = rng.uniform(-5, 5, (k, 1))
        return torch.tensor(x), torch.tensor(self.amplitude * np.sin(x - self.phase))


class Model(nn.Module):
    def __init__(self, hidden=16):
        super().__init__()
        self.net = nn.Sequential(OrderedDict([
            ("l1", nn.Linear(1, hidden)), ("relu1", nn.ReLU()), ("l2", nn.Linear(hidden, hidden)), ("relu2", nn.ReLU()),
            ("l3", nn.Linear(hidden, 1)),
        ]))

    def forward(self, x):
        return self.net(x)

    def argforward(self, x, weights):
        x = F.relu(F.linear(x, weights[0], weights[1]))
        x = F.relu(F.linear(x, weights[2], weights[3]))
        return F.linear(x, weights[4], weights[5])


model = Model().double()
for p in model.parameters():
    p.data.copy_(torch.from_numpy(rng.normal(0, 0.4, tuple(p.shape))))
weights = list(model.parameters())
optimizer = torch.optim.Adam(weights, 1e-2)
criterion = nn.MSELoss()
inner_lr = 0.01


def inner_loop(task, steps=2):
    temp_weights = [w.clone() for w in weights]
    for _ in range(steps):
        x, y = task.sample()
        loss = criterion(model.argforward(x, temp_weights), y)
        grad = torch.autograd.grad(loss, temp_weights, create_graph=True)
        temp_weights = [w - inner_lr * g for w, g in zip(temp_weights, grad)]
    x, y = task.sample()
    return criterion(model.argforward(x, temp_weights), y)


for iteration in range(6):
    metaloss = sum(inner_loop(Task()) for _ in range(3))
    metagrads = torch.autograd.grad(metaloss, weights)
    for w, g in zip(weights, metagrads):
        w.grad = g
    optimizer.step()
    print(f"{iteration} {metaloss.item() / 3:.12f} {sum(g.abs().sum() for g in metagrads).item():.10f}")

# first order, as in Reptile: a copy is trained, and the weights move towards it
before = copy.deepcopy(model.state_dict())
clone = Model().double()
clone.load_state_dict(before)
opt = torch.optim.SGD(clone.parameters(), lr=0.02, momentum=0.9)
task = Task()
for _ in range(5):
    x, y = task.sample()
    opt.zero_grad()
    loss = F.mse_loss(clone(x), y)
    loss.backward()
    opt.step()
after = clone.state_dict()
model.load_state_dict({name: before[name] + (after[name] - before[name]) * 0.5 for name in before})
print(f"{loss.item():.12f}", {name: round(v.sum().item(), 10) for name, v in model.state_dict().items()})

# implicit: the gradient of a validation loss by a learning rate that is itself a tensor
rate = torch.tensor(0.05, dtype=torch.float64, requires_grad=True)
w = torch.tensor([[0.3, -0.2]], dtype=torch.float64, requires_grad=True)
a, b = torch.from_numpy(rng.normal(size=(8, 2))), torch.from_numpy(rng.normal(size=(8, 1)))
fast = w
for _ in range(3):
    g, = torch.autograd.grad(((a @ fast.t() - b) ** 2).mean(), fast, create_graph=True)
    fast = fast - rate * g
F.mse_loss(a @ fast.t(), b).backward()
print(rate.grad.item(), w.grad.tolist())
