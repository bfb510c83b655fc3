"""A hundred epochs with every schedule, two optimizers and chained schedules: rates and losses."""

import torch
from torch import nn, optim
from torch.optim import lr_scheduler

torch.set_default_dtype(torch.float64)
x = torch.linspace(-1, 1, 16).view(8, 2)
y = (x[:, :1] * x[:, 1:]).tanh()


def build():
    net = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1))
    for p in net.parameters():
        p.data.copy_(torch.linspace(-0.9, 1.1, p.numel()).view(p.shape))
    return net


schedules = {
    "StepLR": lambda o: [lr_scheduler.StepLR(o, 30)],
    "MultiStepLR": lambda o: [lr_scheduler.MultiStepLR(o, [10, 40, 40, 80], gamma=0.7)],
    "ExponentialLR": lambda o: [lr_scheduler.ExponentialLR(o, 0.97)],
    "CosineAnnealingLR": lambda o: [lr_scheduler.CosineAnnealingLR(o, T_max=30, eta_min=1e-4)],
    "LambdaLR": lambda o: [lr_scheduler.LambdaLR(o, lambda epoch: 1 / (1 + 0.1 * epoch))],
    "chained": lambda o: [lr_scheduler.ExponentialLR(o, 0.99), lr_scheduler.StepLR(o, 20, gamma=0.5)],
}
for name, make in schedules.items():
    for maker in (lambda p: optim.SGD(p, lr=0.1, momentum=0.9), lambda p: optim.Adam(p, lr=0.05)):
        net = build()
        optimizer = maker(net.parameters())
        chain = make(optimizer)
        trace = []
        for epoch in range(100):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(x), y)
            loss.backward()
            optimizer.step()
            for scheduler in chain:
                scheduler.step()
            if epoch % 25 == 24:
                trace.append(optimizer.param_groups[0]["lr"])
        print(name, type(optimizer).__name__, loss.item())
        print("   ", *trace)
