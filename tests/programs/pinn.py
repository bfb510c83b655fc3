"""A network is fitted to a differential equation: derivatives by its input, of first and second order, are part of the loss."""

import math

import numpy as np
import torch
import torch.nn as nn

rng = np.random.default_rng(5)
torch.set_default_dtype(torch.float64)
torch.set_printoptions(precision=10)


class PINN(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.linears = nn.ModuleList([nn.Linear(layers[i], layers[i + 1]) for i in range(len(layers) - 1)])
        self.activation = nn.Tanh()
        for i in range(len(layers) - 1):
            fan = layers[i] + layers[i + 1]
            self.linears[i].weight.data = torch.from_numpy(rng.normal(0, math.sqrt(2 / fan), (layers[i + 1], layers[i])))
            self.linears[i].bias.data = torch.from_numpy(rng.normal(0, 0.1, layers[i + 1]))

    def forward(self, x):
        a = x
        for linear in self.linears[:-1]:
            a = self.activation(linear(a))
        return self.linears[-1](a)


def derivative(y, x):
    return torch.autograd.grad(y, x, torch.ones_like(y), retain_graph=True, create_graph=True)[0]


# u'' = -π² sin(π x) on [-1, 1], u(±1) = 0: the solution is sin(π x)
model = PINN([1, 10, 10, 1])
x = torch.linspace(-1, 1, 24).view(-1, 1).requires_grad_(True)
ends = torch.tensor([[-1.0], [1.0]])
mse = nn.MSELoss()


def loss_of():
    u = model(x)
    u_xx = derivative(derivative(u, x), x)
    residual = u_xx + math.pi**2 * torch.sin(math.pi * x)
    return (residual**2).mean() + 10 * mse(model(ends), torch.zeros(2, 1))


optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=15, gamma=0.5)
for step in range(30):
    optimizer.zero_grad()
    loss = loss_of()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 5 == 0:
        print(f"{step:3d} {loss.item():.10e} {scheduler.get_last_lr()[0]:.6f}")

optimizer = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=15, history_size=8, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = loss_of()
    loss.backward()
    return loss


first = optimizer.step(closure)
print(f"{first.item():.8e} {loss_of().item():.6e}")

# Burgers' equation in two variables: u_t + u u_x = ν u_xx
points = torch.from_numpy(rng.uniform(-1, 1, (16, 2)))
t, s = points[:, 0:1].clone().requires_grad_(), points[:, 1:2].clone().requires_grad_()
burgers = nn.Sequential(nn.Linear(2, 8), nn.Softplus(), nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 1))
for p in burgers.parameters():
    p.data = torch.from_numpy(rng.normal(0, 0.4, tuple(p.shape)))
optimizer = torch.optim.AdamW(burgers.parameters(), lr=1e-2, weight_decay=1e-3)
for step in range(8):
    u = burgers(torch.cat([t, s], dim=1))
    u_t, u_s = torch.autograd.grad(u.sum(), (t, s), create_graph=True)
    u_ss = torch.autograd.grad(u_s, s, grad_outputs=torch.ones_like(u_s), create_graph=True)[0]
    f = u_t + u * u_s - (0.01 / math.pi) * u_ss
    loss = torch.mean(torch.square(f)) + torch.mean((u - torch.cos(t) * torch.exp(-s)) ** 2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, f"{loss.item():.12f}")
