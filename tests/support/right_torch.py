"""Right functions of PyTorch tensors, for `check_torch`."""

import torch
from torch.nn import functional as F

from support.right_functions import ANY, MILD, NO_DENORMAL, PAIR, ROWS, VECTOR, registrar, squares_vanish_nowhere

TORCH: dict = {}
right = registrar(TORCH)


@right(ANY)
def gelu(x):
    return F.gelu(x)


@right(ANY)
def softplus_with_a_threshold(x):
    return F.softplus(x)


@right(ROWS)
def softmax_of_large_logits(x):
    return torch.softmax(100 * x, 1)


@right(ROWS)
def log_of_sum_of_exponentials(x):
    return x.logsumexp(1), x.mean()


@right([((3, 4), (4,), (4,)), ((2, 1), (1,), (1,))])
def layer_norm(x, weight, bias):
    return F.layer_norm(x, weight.shape, weight, bias)


@right([((3, 4),)], constants=(torch.tensor([1, 0, 3]),))
def cross_entropy(x, labels):
    return F.cross_entropy(x, labels)


@right(PAIR, smooth=False)
def huber(x, y):
    return F.huber_loss(x, y, reduction="none")


@right([((1, 2, 7), (3, 2, 3), (3,))])
def convolution(x, weight, bias):
    return F.conv1d(x, weight, bias)


@right([((1, 1, 6),)], smooth=False)
def max_pool(x):
    return F.max_pool1d(x, 2)


@right(VECTOR, kinds=NO_DENORMAL)
def cumulative_product(x):
    return x.cumprod(0)


@right(ROWS, fits=squares_vanish_nowhere)
def length_of_rows(x):
    return torch.linalg.norm(x, dim=1)


@right(VECTOR, smooth=False)
def two_largest(x):
    return x.sort().values, x.topk(1).values


@right(ANY)
def reciprocal(x):
    return 1 / (x + 0.5)


@right(ANY)
def float32_inside(x):
    return x.float().sin().double()


@right(VECTOR)
def variance_by_cancellation(x):
    return ((x + 1e4) ** 2).mean() - (x + 1e4).mean() ** 2


@right([((2, 3),), ((1, 1),)])
def written_in_place_on_a_clone(x):
    y = x.clone()
    y[0] = y[0] * 3
    return y.mul_(2).t()


@right(VECTOR, limit=1e6)
def derivative_taken_inside(x):
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        (first,) = torch.autograd.grad((x**3).sigmoid().sum() + (x**2).sum(), x, create_graph=True)
    return first * x


@right([((3, 3),)], kinds=MILD)
def log_of_a_determinant(x):
    return torch.logdet(x @ x.T + torch.eye(3, dtype=x.dtype))


@right([((4, 3),)], kinds=MILD, options={"seed": 3})
def dropout(x):
    return F.dropout(x, 0.4)


class Tanh(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.tanh()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * (1 - y * y)


class Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return factor * x

    @staticmethod
    def backward(ctx, g):
        return ctx.factor * g, None


@right(ANY)
def own_tanh(x):
    return Tanh.apply(x) + Scale.apply(x, 3.0)
