"""A two-layer network with tensors alone: mm, clamp, t(), and the backward pass written by hand."""

import math

import torch

dtype = torch.double
device = torch.device("cpu")
N, D_in, H, D_out = 16, 20, 10, 5


def values(*size, scale=1.0):
    n = math.prod(size)
    return torch.tensor([scale * math.sin(1 + 5.3 * i * i) for i in range(n)], device=device, dtype=dtype).view(*size)


x = values(N, D_in)
y = values(N, D_out, scale=2.0)
w1 = values(D_in, H)
w2 = values(H, D_out)

learning_rate = 1e-3
for t in range(60):
    h = x.mm(w1)
    h_relu = h.clamp(min=0)
    y_pred = h_relu.mm(w2)

    loss = (y_pred - y).pow(2).sum().item()
    if t % 10 == 9:
        print(t, loss)

    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h_relu.t().mm(grad_y_pred)
    grad_h_relu = grad_y_pred.mm(w2.t())
    grad_h = grad_h_relu.clone()
    grad_h[h < 0] = 0
    grad_w1 = x.t().mm(grad_h)

    w1 -= learning_rate * grad_w1
    w2 -= learning_rate * grad_w2

print(w1[:2])
print((grad_h == 0).sum(), grad_h.shape, w2.stride())
