"""A mixture density network, a contrastive loss of pairs, and attention: logsumexp, gathers, distances, masks and batched products."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import LinearLR, ReduceLROnPlateau, SequentialLR, CosineAnnealingWarmRestarts

rng = np.random.default_rng(15)
torch.set_default_dtype(torch.float64)


def start(module, scale=0.4):
    for p in module.parameters():
        p.data = torch.from_numpy(rng.normal(0, scale, tuple(p.shape)))
    return module


class MDN(nn.Module):
    def __init__(self, n_hidden, n_gaussians):
        super().__init__()
        self.z_h = nn.Sequential(nn.Linear(1, n_hidden), nn.Tanh())
        self.heads = nn.ModuleDict({name: nn.Linear(n_hidden, n_gaussians) for name in ("pi", "sigma", "mu")})

    def forward(self, x):
        z_h = self.z_h(x)
        return F.log_softmax(self.heads["pi"](z_h), -1), torch.exp(self.heads["sigma"](z_h)), self.heads["mu"](z_h)


def mdn_loss(log_pi, sigma, mu, target):
    log_component = -0.5 * ((target.expand_as(mu) - mu) * torch.reciprocal(sigma)) ** 2 - torch.log(sigma) - 0.5 * math.log(2 * math.pi)
    return -torch.logsumexp(log_pi + log_component, dim=1).mean()


t = torch.from_numpy(rng.uniform(-1, 1, (60, 1)))
s = t + 0.3 * torch.sin(2 * math.pi * t)
model = start(MDN(10, 4))
print(model)
optimizer = torch.optim.RMSprop(model.parameters(), lr=0.02, momentum=0.3)
warm, waves = LinearLR(optimizer, start_factor=0.1, total_iters=4), CosineAnnealingWarmRestarts(optimizer, T_0=3, T_mult=2)
scheduler = SequentialLR(optimizer, schedulers=[warm, waves], milestones=[4])
for epoch in range(12):
    loss = mdn_loss(*model(s), t)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(epoch, f"{loss.item():.12f} {optimizer.param_groups[0]['lr']:.10f}")
log_pi, sigma, mu = model(s[:5])
choice = log_pi.exp().argmax(dim=1, keepdim=True)
print([round(v, 9) for v in mu.gather(1, choice).squeeze(1).tolist()])


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Linear(8, 3))

    def forward(self, a, b):
        return self.body(a), self.body(b)


net = start(Siamese())
a, b = torch.from_numpy(rng.normal(0, 1, (20, 4))), torch.from_numpy(rng.normal(0, 1, (20, 4)))
same = torch.from_numpy(rng.integers(0, 2, (20, 1))).double()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
plateau = ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=1, threshold=0.2)
for epoch in range(8):
    out_a, out_b = net(a, b)
    distance = F.pairwise_distance(out_a, out_b, keepdim=True)
    loss = torch.mean(same * distance.pow(2) + (1 - same) * torch.clamp(2.0 - distance, min=0.0).pow(2))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    plateau.step(loss.item())
    print(epoch, f"{loss.item():.12f} {optimizer.param_groups[0]['lr']}")


class SelfAttention(nn.Module):
    def __init__(self, size, heads):
        super().__init__()
        self.heads, self.size = heads, size
        self.qkv = nn.Linear(size, 3 * size, bias=False)
        self.norm = nn.LayerNorm(size)
        self.position = nn.Parameter(torch.zeros(1, 5, size))
        self.register_buffer("mask", torch.tril(torch.ones(5, 5)).bool(), persistent=False)

    def forward(self, x):
        n, length, size = x.shape
        x = x + self.position
        q, k, v = (p.view(n, length, self.heads, -1).transpose(1, 2) for p in self.qkv(x).chunk(3, dim=-1))
        scores = q @ k.transpose(-2, -1) / math.sqrt(size // self.heads)
        weights = scores.masked_fill(~self.mask, float("-inf")).softmax(dim=-1)
        return self.norm((weights @ v).transpose(1, 2).contiguous().view(n, length, size)), weights


attention = start(SelfAttention(6, 2))
x = torch.from_numpy(rng.normal(0, 1, (4, 5, 6)))
out, weights = attention(x)
F.huber_loss(out, torch.zeros_like(out), delta=0.7).backward()
print(weights[0, 1].sum(-1).tolist(), round(weights[0, 0, 4].max().item(), 10))
print({name: round(p.grad.norm().item(), 10) for name, p in attention.named_parameters()}, list(attention.state_dict()))
scores = torch.bmm(x, x.transpose(1, 2)).flatten(1)
print(nn.MultiMarginLoss()(scores, torch.tensor([0, 7, 3, 24])).item(), nn.SmoothL1Loss()(scores, scores * 0.9).item())
