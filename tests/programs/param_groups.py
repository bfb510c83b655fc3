"""Parameter groups, optimizer state dicts, freezing, and schedules on two groups."""

import copy
import math

import torch
import torch.nn as nn
import torch.optim as optim
from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, LambdaLR, MultiStepLR, StepLR

torch.set_default_dtype(torch.float64)


def build():
    net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 1))
    for p in net.parameters():
        p.data = torch.tensor([math.sin(i + 1) for i in range(p.numel())]).reshape(p.shape)
    return net


x = torch.linspace(-1, 1, 24).view(6, 4)
y = x.sum(1, keepdim=True) ** 2


def epoch(net, optimizer):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


net = build()
weights = [p for name, p in net.named_parameters() if name.endswith("weight")]
biases = [p for name, p in net.named_parameters() if name.endswith("bias")]
optimizer = optim.SGD([{"params": weights, "weight_decay": 1e-2}, {"params": biases, "lr": 0.02}], lr=0.05, momentum=0.5)
print(len(optimizer.param_groups), optimizer.param_groups[1]["momentum"], optimizer.defaults["lr"])
for _ in range(5):
    loss = epoch(net, optimizer)
print(loss)
for group in optimizer.param_groups:
    group["lr"] *= 0.1
state = copy.deepcopy(optimizer.state_dict())
print([(g["lr"], g["params"]) for g in state["param_groups"]], sorted(state["state"]))
model_state = copy.deepcopy(net.state_dict())
for _ in range(3):
    after = epoch(net, optimizer)

again = build()
again.load_state_dict(model_state)
second = optim.SGD([{"params": again[0].parameters()}, {"params": again[2].parameters()}], lr=1.0, momentum=0.5)
try:
    second.load_state_dict({"state": {}, "param_groups": state["param_groups"][:1]})
except ValueError as error:
    print("ValueError", "groups" in str(error))
ws = [p for name, p in again.named_parameters() if name.endswith("weight")]
bs = [p for name, p in again.named_parameters() if name.endswith("bias")]
third = optim.SGD([{"params": ws}, {"params": bs}], lr=1.0)
third.load_state_dict(state)
for _ in range(3):
    resumed = epoch(again, third)
print(after, resumed == after)

for p in again[0].parameters():
    p.requires_grad = False
before = again[0].weight.clone()
head = optim.Adam(filter(lambda p: p.requires_grad, again.parameters()), lr=0.01)
for _ in range(4):
    loss = epoch(again, head)
print(loss, torch.equal(before, again[0].weight), len(head.param_groups[0]["params"]))
head.add_param_group({"params": again[0].parameters(), "lr": 1e-4})
print(len(head.param_groups), head.param_groups[1]["lr"], head.param_groups[1]["betas"])

schedules = {
    "step": lambda o: StepLR(o, step_size=3, gamma=0.5),
    "multi": lambda o: MultiStepLR(o, milestones=[2, 5], gamma=0.1),
    "exp": lambda o: ExponentialLR(o, gamma=0.9),
    "cosine": lambda o: CosineAnnealingLR(o, T_max=5, eta_min=1e-3),
    "lambda": lambda o: LambdaLR(o, lr_lambda=[lambda t: 0.95**t, lambda t: 1 / (1 + t)]),
}
for name, make in schedules.items():
    net = build()
    optimizer = optim.Adam([{"params": net[0].parameters(), "lr": 0.1}, {"params": net[2].parameters()}], lr=0.05)
    scheduler = make(optimizer)
    rates = []
    for _ in range(8):
        loss = epoch(net, optimizer)
        rates.append(tuple(scheduler.get_last_lr()))
        scheduler.step()
    print(name, loss, rates[1], rates[-1])
    saved = scheduler.state_dict()
    print(saved["last_epoch"], saved["base_lrs"], saved["_last_lr"])
