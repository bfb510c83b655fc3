"""The functions of tensors that programs use beside layers: statistics, sorting, products of many kinds, choosing and placing elements."""

import math

import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(14)
torch.set_default_dtype(torch.float64)
torch.set_printoptions(precision=10)
x = torch.from_numpy(rng.normal(0, 1, (3, 4))).requires_grad_()
y = torch.from_numpy(rng.uniform(0.5, 2, (3, 4))).requires_grad_()


def gradients(value):
    """Print a value, and the sum of squares of each gradient of its weighted sum."""
    weights = torch.cos(torch.arange(value.numel(), dtype=torch.float64)).view(value.shape)
    found = torch.autograd.grad((value * weights).sum(), (x, y), allow_unused=True)
    print(round(value.sum().item(), 9), [None if g is None else round(g.pow(2).sum().item(), 8) for g in found])


for value in (
    x.sin() * y.cos() + torch.tan(x / 3), torch.atan2(x, y), torch.log1p(y) + torch.expm1(x) + y.log2() * y.log10(),
    y.rsqrt() + y.reciprocal() + torch.erf(x), x.floor() + x.ceil() * y.round() + x * y, x.var(dim=1) * y.std(0)[:3].norm(),
    x.std() + y.var(unbiased=False) + x.norm() + x.norm(1) + x.norm(float("inf")), torch.norm(x, p=2, dim=1, keepdim=True) * y,
    x.prod(dim=0) + y.prod(), torch.cumsum(x * y, dim=1), torch.logsumexp(x + y, dim=(0, 1)), x.sort(dim=1, descending=True)[0] * y,
    torch.topk(x, 2, dim=0).values.sum() * y, x.gather(1, torch.tensor([[0, 3], [1, 1], [2, 0]])) * y[:, :2],
    torch.zeros(3, 4).scatter(1, torch.tensor([[0], [2], [3]]), x[:, :1]) + y, x.masked_fill(x > 0, -1.0) * y,
    torch.dot(x[0], y[1]).view(1), torch.bmm(x.view(3, 2, 2), y.view(3, 2, 2)), torch.outer(x[0], y[:, 0]),
    torch.einsum("ij,kj->ik", x, y), torch.einsum("bi,bi,bj->j", x, y, x), torch.einsum("ii->i", x[:, :3] @ y[:, :3].T),
    torch.cat(x.chunk(2, dim=1), dim=0) * 2, torch.stack([a * (i + 1) for i, a in enumerate(x.split([1, 3], dim=1)[1].unbind(0))]),
    x.repeat(2, 1) * y.repeat(2, 1), torch.flip(x, dims=[0, 1]) * y, torch.diag(x[:, :3]) + torch.diag(y[0, :3]).sum(1),
    torch.triu(x) + torch.tril(y, -1), x.triu(1).abs().sqrt().sum() * 0 + y.sum(0), x.addmm(y[:, :3], y, beta=0.5, alpha=2),
    F.normalize(x, dim=1) * F.normalize(y, p=1, dim=0), torch.lerp(x, y, 0.3), x.unsqueeze(1).expand(-1, 2, -1).transpose(0, 1)[1] * y,
    F.gelu(x) + F.silu(y) + F.elu(x) + F.softplus(x, beta=2), F.leaky_relu(x, 0.2).mean(dim=(0, 1), keepdim=True) * y,
):
    gradients(value)

z = x.detach()
print(F.one_hot(torch.tensor([0, 2, 1]), 4), torch.eye(3)[[2, 0]], z.argsort(dim=1)[0], z.median().item() <= z.max().item())
print(torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")[1], torch.linspace(0, math.pi, 4).sin())
print(torch.unique(torch.tensor([3, 1, 1, 2])), torch.tensor([3, 1, 1]).bincount(), torch.nonzero(z > 1).shape[1], z.clamp(0, 1).tolist()[0])
print((torch.tensor([1, 2]) << 3).tolist(), (torch.tensor([40]) >> 2).item(), torch.tensor([6]).bitwise_and(torch.tensor([3])).item())
print(torch.arange(6).view(2, 3).flip(0).tolist(), torch.tensor([1.5, -2.5, 2.5]).round().tolist(), torch.full((2,), 7).prod().item())
h = torch.autograd.functional.hessian(lambda v: torch.logsumexp(v * v.norm(), 0) + v.var() + v.prod(), z[0])
print(h, torch.trace(h).item())
