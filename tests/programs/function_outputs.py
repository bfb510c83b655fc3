"""Functions of one's own with several outputs, a context set up apart, outputs without a gradient, and inputs that are changed."""

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

torch.set_default_dtype(torch.float64)
torch.set_printoptions(precision=10)


class Polar(Function):
    @staticmethod
    def forward(ctx, x, y):
        r, phi = (x**2 + y**2).sqrt(), torch.atan2(y, x)
        ctx.save_for_backward(x, y, r)
        return r, phi

    @staticmethod
    def backward(ctx, g_r, g_phi):
        x, y, r = ctx.saved_tensors
        return g_r * x / r - g_phi * y / r**2, g_r * y / r + g_phi * x / r**2


class Scaled(Function):
    @staticmethod
    def forward(x, factor):
        return x * factor

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, ctx.factor = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx, g):
        print("saved", ctx.saved_tensors[0].sum().item(), ctx.needs_input_grad)
        return g * ctx.factor, None


class SortWithOrder(Function):
    @staticmethod
    def forward(ctx, x):
        values, order = x.sort()
        ctx.mark_non_differentiable(order)
        ctx.save_for_backward(order)
        ctx.set_materialize_grads(False)
        return values, order

    @staticmethod
    @once_differentiable
    def backward(ctx, g, g_order):
        (order,) = ctx.saved_tensors
        return None if g is None else torch.zeros_like(g).scatter_(0, order, g)


class AddOne(Function):
    @staticmethod
    def forward(ctx, x):
        x.add_(1)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, g):
        return g


x = torch.tensor([3.0, 1.0, -2.0], requires_grad=True)
y = torch.tensor([4.0, -1.0, 0.5], requires_grad=True)
r, phi = Polar.apply(x, y)
print(r, phi)
gx, gy = torch.autograd.grad((r * phi).sum(), (x, y), create_graph=True)
print(gx, gy)
print(torch.autograd.grad(gx.pow(2).sum() + gy.sum(), (x, y)))
print(torch.autograd.grad(Polar.apply(x, y)[1].sum(), x))
print(torch.autograd.gradcheck(Polar.apply, (x, y)), torch.autograd.gradgradcheck(Polar.apply, (x, y)))
Scaled.apply(x, 2.5).sum().backward()
print(x.grad)
values, order = SortWithOrder.apply(x)
print(values.tolist(), order.tolist(), order.requires_grad)
(values * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
print(x.grad)
leaf = torch.zeros(3, requires_grad=True)
z = leaf * 2
same = AddOne.apply(z)
print(same is z, z)
(z**2).sum().backward()
print(leaf.grad)
with torch.inference_mode():
    print(Scaled.apply(x, 2.0).requires_grad, torch.is_inference_mode_enabled())
