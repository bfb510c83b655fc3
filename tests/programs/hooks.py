"""Hooks on tensors and modules, retain_grad, and gradient clipping by hand."""

import math

import torch
import torch.nn as nn

torch.set_default_dtype(torch.float64)
x = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)
log = []
y = x * 2
z = y.pow(2)
z.retain_grad()
handle = y.register_hook(lambda grad: log.append(grad.clone()))
doubling = x.register_hook(lambda grad: grad * 2)
z.sum().backward()
print(log, x.grad, z.grad, y.is_leaf, z.retains_grad)
handle.remove()
doubling.remove()
x.grad = None
(x * x).sum().backward()
print(x.grad, len(log))

net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
for p in net.parameters():
    p.data.copy_(torch.tensor([math.cos(i * i) for i in range(p.numel())]).view_as(p))
features = {}


def keep(name):
    def hook(module, args, output):
        features[name] = output.detach()

    return hook


handles = [layer.register_forward_hook(keep(name)) for name, layer in net.named_children()]
out = net(torch.ones(1, 3))
for name, value in features.items():
    print(name, value)
for h in handles:
    h.remove()
features.clear()
net(torch.ones(1, 3))
print(features)

with net[0].register_forward_pre_hook(lambda module, args: (args[0] * 10,)):
    print(net(torch.ones(2, 3)))
with net[2].register_forward_hook(lambda module, args, output: output.clamp(-1, 1)):
    print(net(torch.ones(2, 3)))

clipped = []
for p in net.parameters():
    p.register_hook(lambda grad: clipped.append(1) or grad.clamp(-0.1, 0.1))
net(torch.tensor([[0.3, -0.2, 0.9]])).sum().backward()
for name, p in net.named_parameters():
    print(name, p.grad)
print(len(clipped))
total = math.sqrt(sum(p.grad.pow(2).sum().item() for p in net.parameters()))
print(f"{total:.10f}")

h = net[1](net[0](torch.ones(1, 3)))
h.retain_grad()
net[2](h).sum().backward()
print(h.grad)
