"""L-BFGS with and without a line search: Rosenbrock's function, logistic regression, a small network; and other optimizers beside it."""

import numpy as np
import torch
from torch import nn, optim

rng = np.random.default_rng(10)
torch.set_default_dtype(torch.float64)


def rosenbrock(xy):
    x, y = xy.unbind(0)
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


for options in ({"line_search_fn": "strong_wolfe"}, {"lr": 0.02}, {"lr": 1, "max_iter": 6, "history_size": 3, "line_search_fn": "strong_wolfe"}):
    xy = torch.tensor([-1.2, 1.0], requires_grad=True)
    optimizer = optim.LBFGS([xy], **options)
    calls = 0

    def closure():
        global calls
        calls += 1
        optimizer.zero_grad()
        loss = rosenbrock(xy)
        loss.backward()
        return loss

    for step in range(3):
        loss = optimizer.step(closure)
        print(step, calls, f"{loss.item():.9f}", [round(v, 7) for v in xy.tolist()])

x = torch.from_numpy(rng.normal(0, 1, (50, 4)))
truth = torch.tensor([1.0, -2.0, 0.5, 0.0])
y = torch.bernoulli(torch.zeros(50)) + (torch.sigmoid(x @ truth) > torch.from_numpy(rng.random(50))).double()
w, b = torch.zeros(4, requires_grad=True), torch.zeros((), requires_grad=True)
optimizer = optim.LBFGS([w, b], lr=0.5, max_iter=10, tolerance_change=1e-12)
criterion = nn.BCEWithLogitsLoss()


def closure():
    if torch.is_grad_enabled():
        optimizer.zero_grad()
    loss = criterion(x.mv(w) + b, y) + 0.01 * w.dot(w)
    if loss.requires_grad:
        loss.backward()
    return loss


for i in range(3):
    print(f"logistic {optimizer.step(closure).item():.10f} {w.grad.abs().max().item() < 1:}")
print([round(v, 8) for v in w.tolist()], round(b.item(), 8))

seq = nn.Sequential(nn.Linear(1, 10), nn.Tanh(), nn.Linear(10, 1))
start = [torch.from_numpy(rng.normal(0, 0.7, tuple(p.shape))) for p in seq.parameters()]
t = torch.linspace(0, 1, 20).unsqueeze(1)
target = torch.sin(6 * t) * torch.exp(-t)
kinds = {
    "LBFGS": lambda ps: optim.LBFGS(ps, lr=0.8, max_iter=4),
    "SGD": lambda ps: optim.SGD(ps, lr=0.05, momentum=0.9, dampening=0.1),
    "RMSprop": lambda ps: optim.RMSprop(ps, lr=0.01, alpha=0.9, centered=True, momentum=0.5),
    "Adagrad": lambda ps: optim.Adagrad(ps, lr=0.1, initial_accumulator_value=0.1),
    "AdamW": lambda ps: optim.AdamW(ps, lr=0.02, amsgrad=True),
    "Adam, maximize": lambda ps: optim.Adam(ps, lr=torch.tensor(0.02), maximize=True),
}
for name, build in kinds.items():
    for p, value in zip(seq.parameters(), start):
        p.data.copy_(value)
    optimizer = build(seq.parameters())
    sign = -1 if "maximize" in name else 1

    def closure():
        optimizer.zero_grad()
        loss = sign * nn.functional.mse_loss(seq(t), target)
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(8)]
    print(name, " ".join(f"{v:.10f}" for v in losses[::2]), list(optimizer.state_dict()["state"][0])[:2] if name != "LBFGS" else "")
