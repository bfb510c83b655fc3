"""Derivatives of derivatives: autograd.grad, Hessians, Newton's method, a gradient penalty, gradcheck."""

import torch
from torch import nn
from torch.autograd import grad, gradcheck

torch.set_default_dtype(torch.float64)
x = torch.tensor([1.0, 2.0, -0.5], requires_grad=True)
y = (x**4).sum() + x[0] * x[1] * x[2]
(g,) = grad(y, x, create_graph=True)
print(g)
hessian = torch.stack([grad(g[i], x, retain_graph=True)[0] for i in range(3)])
print(hessian)

point = torch.tensor(3.0, requires_grad=True)
for _ in range(6):
    value = point**4 - 3 * point**3 + 2
    (first,) = grad(value, point, create_graph=True)
    (second,) = grad(first, point)
    with torch.no_grad():
        point -= (first / second).detach()
    print(f"{point.item():.10f}")

t = torch.tensor(0.3, requires_grad=True)
derivatives, current = [], t.tanh()
for _ in range(4):
    derivatives.append(current.item())
    (current,) = grad(current, t, create_graph=True)
print(derivatives)

critic = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
for k, p in enumerate(critic.parameters()):
    p.data.copy_(torch.linspace(-1 - k, 1, p.numel()).view(p.shape))
optimizer = torch.optim.SGD(critic.parameters(), lr=0.01)
real = torch.linspace(-2, 2, 12).view(4, 3)
for step in range(5):
    points = real.clone().requires_grad_(True)
    score = critic(points)
    (gradient,) = grad(outputs=score, inputs=points, grad_outputs=torch.ones_like(score), create_graph=True, retain_graph=True)
    penalty = ((gradient.pow(2).sum(1) + 1e-12).sqrt() - 1).pow(2).mean()
    loss = -score.mean() + 10 * penalty
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item(), penalty.item())

a = torch.tensor([0.5, 1.5], requires_grad=True)
b = torch.tensor([2.0, -1.0], requires_grad=True)
print(grad((a * 2).sum(), [a, b], allow_unused=True))
print(grad([a.sum(), (a * b).sum()], [a, b]))
try:
    grad(a.sum(), [a, b])
except RuntimeError as error:
    print("RuntimeError", "allow_unused" in str(error))
(first,) = grad((a.exp() * b).sum(), a, create_graph=True)
first.pow(2).sum().backward()
print(a.grad, b.grad)
print(gradcheck(lambda u, v: (u * v).tanh().sum(), (a, b)))
print(gradcheck(torch.sigmoid, a))
