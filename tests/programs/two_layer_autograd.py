"""The same network with autograd: weights updated in place under no_grad, gradients zeroed by hand."""

import math

import torch

torch.set_default_dtype(torch.float64)


def values(*size):
    return torch.tensor([math.cos(2 + 3.1 * i * i) for i in range(math.prod(size))]).reshape(size)


x, y = values(12, 8), values(12, 3)
w1 = values(8, 6).requires_grad_()
w2 = torch.tensor(values(6, 3).tolist(), requires_grad=True)
b = torch.zeros(3, requires_grad=True)
print(w1.requires_grad, w1.is_leaf, w1.grad)

learning_rate = 2e-3
for t in range(80):
    y_pred = x.mm(w1).clamp(min=0).mm(w2) + b
    loss = (y_pred - y).pow(2).sum()
    if t % 20 == 0:
        print(t, loss.item())
    loss.backward()
    with torch.no_grad():
        w1 -= learning_rate * w1.grad
        w2 -= learning_rate * w2.grad
        b -= learning_rate * b.grad
        w1.grad.zero_()
        w2.grad.zero_()
        b.grad = None
print(loss)
print(b)
print(w1.grad.abs().sum(), w1.requires_grad, y_pred.requires_grad, y_pred.detach().requires_grad)

try:
    w1 += 1
except RuntimeError as error:
    print(type(error).__name__, "leaf" in str(error))
try:
    loss.backward()
except RuntimeError as error:
    print(type(error).__name__, "retain_graph=True" in str(error))
