"""The 'blitz' on autograd: what is recorded, what backward gives, what detach and no_grad do; all is printed."""

import torch

x = torch.ones(2, 2, requires_grad=True)
print(x)
y = x + 2
print(y)
print(y.grad_fn is not None, x.grad_fn)
z = y * y * 3
out = z.mean()
print(z, out)

a = torch.tensor([[0.5, -1.5], [2.0, 4.0]])
a = (a * 3) / (a - 1)
print(a.requires_grad)
a.requires_grad_(True)
print(a.requires_grad)
b = (a * a).sum()
print(b.grad_fn.name(), b)

out.backward()
print(x.grad)

x = torch.tensor([0.25, -0.5, 1.0], requires_grad=True)
y = x * 2
steps = 0
while y.data.abs().max() < 100:
    y = y * 2
    steps += 1
print(y, steps)
v = torch.tensor([0.1, 1.0, 0.0001], dtype=torch.float)
y.backward(v)
print(x.grad)

print(x.requires_grad)
print((x**2).requires_grad)
with torch.no_grad():
    print((x**2).requires_grad)
    with torch.enable_grad():
        print((x**2).requires_grad)
y = x.detach()
print(y.requires_grad, x.eq(y).all())

a = torch.tensor([2.0, 3.0], requires_grad=True)
b = torch.tensor([6.0, 4.0], requires_grad=True)
Q = 3 * a**3 - b**2
external_grad = torch.tensor([1.0, 1.0])
Q.backward(gradient=external_grad)
print(9 * a**2 == a.grad)
print(-2 * b == b.grad)

x = torch.rand(5, 5)
y = torch.rand(5, 5)
z = torch.rand((5, 5), requires_grad=True)
a = x + y
print(f"Does `a` require gradients?: {a.requires_grad}")
b = x + z
print(f"Does `b` require gradients?: {b.requires_grad}")


@torch.no_grad()
def evaluate(t):
    return t * 2


print(evaluate(z).requires_grad)
print(torch.is_grad_enabled())
with torch.set_grad_enabled(False):
    print(torch.is_grad_enabled(), (z * 2).is_leaf)

w = torch.tensor(1.5, requires_grad=True)
loss = (w * 2 - 1) ** 2
loss.backward(retain_graph=True)
loss.backward()
print(w.grad, w.grad.item())
w.grad.zero_()
print(w.grad, w)
for wrong in (lambda: torch.tensor([1, 2], requires_grad=True), lambda: (z * 2).backward(), lambda: x.sum().backward(),
              lambda: z.numpy()):
    try:
        wrong()
    except RuntimeError as error:
        print("RuntimeError", len(str(error)) > 20)
