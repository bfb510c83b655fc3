"""Operations of one's own: autograd.Function with saved tensors, non-tensor arguments, several inputs."""

import math

import torch
from torch.autograd import Function, gradcheck

torch.set_default_dtype(torch.double)


class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[input < 0] = 0
        return grad_input


class LegendrePolynomial3(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


class LinearFunction(Function):
    @staticmethod
    def forward(ctx, input, weight, bias=None):
        ctx.save_for_backward(input, weight, bias)
        output = input.mm(weight.t())
        if bias is not None:
            output += bias.unsqueeze(0).expand_as(output)
        return output

    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


class MulConstant(Function):
    @staticmethod
    def forward(ctx, tensor, constant):
        ctx.constant = constant
        return tensor * constant

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * ctx.constant, None


class Exp(Function):
    @staticmethod
    def forward(ctx, i):
        result = i.exp()
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        (result,) = ctx.saved_tensors
        return grad_output * result


class Wrong(Function):
    @staticmethod
    def forward(ctx, a, b):
        return a * b

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output


x = torch.linspace(-math.pi, math.pi, 50)
y = torch.tensor([math.sin(v) for v in x.tolist()])
a, b, c, d = (torch.full((), v, requires_grad=True) for v in (0.0, -1.0, 0.0, 0.3))
learning_rate = 5e-4
for t in range(40):
    P3 = LegendrePolynomial3.apply
    y_pred = a + b * P3(c + d * x)
    loss = (y_pred - y).pow(2).sum()
    if t % 10 == 9:
        print(t, loss.item())
    loss.backward()
    with torch.no_grad():
        for p in (a, b, c, d):
            p -= learning_rate * p.grad
            p.grad = None
print(f"Result: y = {a.item():.8f} + {b.item():.8f} * P3({c.item():.8f} + {d.item():.8f} x)")

relu = MyReLU.apply
v = torch.tensor([[-1.0, 2.0, 0.0], [3.0, -4.0, 0.5]], requires_grad=True)
relu(v).sum().backward()
print(v.grad)
print(gradcheck(LinearFunction.apply, (torch.ones(4, 3, requires_grad=True) / 3, v * 2, None), eps=1e-6, atol=1e-4))
bias = torch.tensor([0.1, -0.2], requires_grad=True)
out = LinearFunction.apply(torch.ones(4, 3), v, bias)
print(out.shape, out.grad_fn is not None)
out.pow(2).sum().backward()
print(bias.grad, v.grad)
w = torch.tensor([1.0, 2.0], requires_grad=True)
MulConstant.apply(Exp.apply(w), 5.5).sum().backward()
print(w.grad)
(g,) = torch.autograd.grad(Exp.apply(w).sum(), w, create_graph=True)
(h,) = torch.autograd.grad(g.sum(), w)
print(g, h)
try:
    Wrong.apply(w, w).sum().backward()
except RuntimeError as error:
    print("RuntimeError", "1" in str(error), "2" in str(error))
