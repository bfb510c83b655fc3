"""Indexing, masks, writing into parts, and their gradients."""

import torch

torch.set_default_dtype(torch.float64)
x = torch.arange(12.0).view(3, 4).requires_grad_()
rows = torch.tensor([0, 2, 2])
(x[rows] * torch.tensor([[1.0], [2.0], [3.0]])).sum().backward()
print(x.grad)
x.grad = None
(x[:, 1:3].sum() + x[1].pow(2).sum() + x[..., -1].sum() + x[0, 0] * 5).backward()
print(x.grad)
x.grad = None
x[x > 5].sum().backward()
print(x.grad)
x.grad = None
picked = x[torch.arange(3), torch.tensor([3, 0, 1])]
print(picked)
picked.pow(2).sum().backward()
print(x.grad)

y = x * 1
y[0] = 0
y[1, 2] = x[2, 3] * 10
y[:, 0] = y[:, 0] + 100
print(y.detach())
x.grad = None
y.sum().backward()
print(x.grad)

z = torch.zeros(3, 4)
z[z == 0] = 7
z[1:, ::2] = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
z[0] = torch.arange(4)
z[[0, 2], [1, 3]] = -1
z[2][0] = 99
print(z)
z[z < 0] *= 2
print(z, (z > 3).sum(), (z > 3).any(), (z > 3).all(), z[(z > 3) & (z < 50)])

scores = torch.tensor([[0.1, 0.9, 0.0], [0.8, 0.1, 0.1], [0.2, 0.2, 0.6]], requires_grad=True)
labels = torch.tensor([1, 0, 1])
loss = -scores[range(3), labels].log().mean()
loss.backward()
print(loss, scores.grad)
_, best = scores.max(dim=1)
print(best, (best == labels).sum().item(), best.eq(labels).double().mean())
top = torch.max(scores, 1, keepdim=True)
print(top.values.shape, top[1].t())
hits = [0, 0, 0]
for i in range(3):
    hits[labels[i]] += (best[i] == labels[i]).item()
print(hits)
print(torch.where(scores > 0.5, 1.0, 0.0), torch.where(scores > 0.5)[1])
print(torch.cat([scores, scores[:1]]).shape, torch.cat((scores.detach(), torch.ones(3, 1)), dim=1))
print(torch.index_select(scores.detach(), 0, torch.tensor([2, 0])))

a = torch.ones(2, 3, requires_grad=True)
b = torch.ones(3, requires_grad=True)
c = torch.tensor(2.0, requires_grad=True)
out = (a * b - c / b).max(dim=0)[0].sum() + torch.maximum(a, b).sum() + a.t().expand(4, 3, 2).sum()
out.backward()
print(a.grad, b.grad, c.grad)
u = torch.tensor([1.0, 3.0, 3.0], requires_grad=True)
u.max().backward()
print(u.grad)
u.grad = None
(u.clamp(1, 2).sum() + u.abs().sum() + u.sign().sum() + torch.relu(u - 3).sum()).backward()
print(u.grad)
