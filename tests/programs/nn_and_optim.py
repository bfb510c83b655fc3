"""The tutorial's last steps: nn.Sequential with a loss module, then an optimizer, then a module of one's own."""

import math

import torch
from torch import nn, optim

torch.set_default_dtype(torch.float64)


def values(*size):
    return torch.tensor([math.sin(0.5 + 2.3 * i * i) for i in range(math.prod(size))]).view(*size)


def settle(module):
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(values(*p.shape) * 0.4)
    return module


x, y = values(14, 6), values(14, 2)
loss_fn = nn.MSELoss(reduction="sum")

model = settle(nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 2)))
for t in range(30):
    y_pred = model(x)
    loss = loss_fn(y_pred, y)
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for param in model.parameters():
            param -= 1e-2 * param.grad
print("by hand", loss.item())


class TwoLayerNet(nn.Module):
    def __init__(self, D_in, H, D_out):
        super().__init__()
        self.linear1 = nn.Linear(D_in, H)
        self.linear2 = nn.Linear(H, D_out, bias=False)

    def forward(self, x):
        h_relu = self.linear1(x).clamp(min=0)
        return self.linear2(h_relu)


makers = {
    "sgd": lambda p: optim.SGD(p, lr=1e-2),
    "momentum": lambda p: optim.SGD(p, lr=5e-3, momentum=0.9),
    "dampening": lambda p: optim.SGD(p, lr=5e-3, momentum=0.9, dampening=0.3, weight_decay=1e-2),
    "nesterov": lambda p: optim.SGD(p, lr=5e-3, momentum=0.8, nesterov=True),
    "adam": lambda p: optim.Adam(p, lr=1e-2),
    "adam betas": lambda p: optim.Adam(p, lr=1e-2, betas=(0.8, 0.99), eps=1e-6, weight_decay=1e-3),
    "amsgrad": lambda p: optim.Adam(p, lr=1e-2, amsgrad=True),
}
for name, maker in makers.items():
    model = settle(TwoLayerNet(6, 9, 2))
    optimizer = maker(model.parameters())
    for t in range(40):
        loss = loss_fn(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(name, loss.item(), model.linear2.weight.abs().max().item())
print(model)
print(type(optimizer).__name__, optimizer.param_groups[0]["amsgrad"])
print([tuple(p.shape) for p in model.parameters()], model.linear2.bias)


def closure():
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    return loss


print(optimizer.step(closure).item())
