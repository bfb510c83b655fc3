"""The PyTorch twin of every op in minigrad.ops: the same name, the same arguments, PyTorch's own computation.

What minigrad writes as a formula and its VJPs is one call here, and PyTorch's autograd derives the VJPs. Only
the penalties, whose gradient is on purpose not the derivative, are written out (reference/functional.py).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from reference.functional import L1Penalty, L1PenaltySlide

# ---- arithmetic


def add(x, y):
    """x + y"""
    return x + y


def sub(x, y):
    """x - y"""
    return x - y


def mul(x, y):
    """x · y"""
    return x * y


def div(x, y):
    """x / y"""
    return x / y


def neg(x):
    """-x"""
    return -x


def pow(x, y):
    """x ** y"""
    return x**y


def square(x):
    """x²"""
    return torch.square(x)


def sqrt(x):
    """√x"""
    return torch.sqrt(x)


def exp(x):
    """e^x"""
    return torch.exp(x)


def log(x):
    """Natural logarithm"""
    return torch.log(x)


def absolute(x):
    """|x|"""
    return torch.abs(x)


def sign(x):
    """-1, 0 or 1"""
    return torch.sign(x)


def arctan2(x, y):
    """The angle of the point (y, x)"""
    return torch.arctan2(x, y)


def maximum(x, y):
    """The larger of x and y"""
    return torch.maximum(x, y)


def minimum(x, y):
    """The smaller of x and y"""
    return torch.minimum(x, y)


def floor_divide(x, y):
    """⌊x / y⌋, not differentiated"""
    return (x // y).detach()


def remainder(x, y):
    """x - y ⌊x / y⌋"""
    return torch.remainder(torch.as_tensor(x, dtype=y.dtype), y) if isinstance(x, float | int) else x % y


def clip(x, min, max):
    """x limited to [min, max], either of which may be None"""
    return torch.clamp(x, min, max)


def where(condition, x, y):
    """x where the condition holds, else y"""
    return torch.where(condition, x, y)


def matmul(x, y):
    """x @ y"""
    return x @ y


def linear(x, weight, bias):
    """x weightᵀ + bias"""
    return F.linear(x, weight, bias)


def greater(x, y):
    """x > y"""
    return x > y


def greater_equal(x, y):
    """x ≥ y"""
    return x >= y


def less(x, y):
    """x < y"""
    return x < y


def less_equal(x, y):
    """x ≤ y"""
    return x <= y


def equal(x, y):
    """x = y, element by element"""
    return x == y


def not_equal(x, y):
    """x ≠ y, element by element"""
    return x != y


def logical_and(x, y):
    """x and y, element by element"""
    return torch.logical_and(x, y)


def logical_or(x, y):
    """x or y, element by element"""
    return torch.logical_or(x, y)


def logical_not(x):
    """not x, element by element"""
    return torch.logical_not(x)


def isnan(x):
    """Whether each element is NaN"""
    return torch.isnan(x)


# ---- functions of one variable


def sin(x):
    """sin x"""
    return torch.sin(x)


def cos(x):
    """cos x"""
    return torch.cos(x)


def tan(x):
    """tan x"""
    return torch.tan(x)


def sinh(x):
    """sinh x"""
    return torch.sinh(x)


def cosh(x):
    """cosh x"""
    return torch.cosh(x)


def arctan(x):
    """The angle whose tangent is x"""
    return torch.arctan(x)


def expm1(x):
    """e^x - 1"""
    return torch.expm1(x)


def log1p(x):
    """log(1 + x)"""
    return torch.log1p(x)


def log2(x):
    """Logarithm to base 2"""
    return torch.log2(x)


def log10(x):
    """Logarithm to base 10"""
    return torch.log10(x)


def reciprocal(x):
    """1 / x"""
    return torch.reciprocal(x)


def rsqrt(x):
    """1 / √x"""
    return torch.rsqrt(x)


def erf(x):
    """2 / √π ∫ e^(-t²) dt from 0 to x"""
    return torch.erf(x)


def floor(x):
    """⌊x⌋"""
    return torch.floor(x)


def ceil(x):
    """⌈x⌉"""
    return torch.ceil(x)


def trunc(x):
    """x cut towards 0"""
    return torch.trunc(x)


def round(x, *, decimals=0):
    """x rounded to `decimals` digits"""
    return torch.round(x, decimals=decimals)


# ---- activations


def tanh(x):
    """tanh(x)"""
    return torch.tanh(x)


def sigmoid(x):
    """1 / (1 + e^-x)"""
    return torch.sigmoid(x)


def relu(x):
    """max(x, 0)"""
    return torch.relu(x)


def leaky_relu(x, *, slope):
    """x where x > 0, else slope x"""
    return F.leaky_relu(x, slope)


def softmax(x, *, axis):
    """e^x / Σ e^x along `axis`"""
    return torch.softmax(x, dim=axis)


def log_softmax(x, *, axis):
    """x - log Σ e^x along `axis`"""
    return torch.log_softmax(x, dim=axis)


# ---- reductions


def sum(x, *, axis=None, keepdims=False):
    """Σ x"""
    return torch.sum(x, dim=axis, keepdim=keepdims)


def mean(x, *, axis=None, keepdims=False):
    """Σ x / n"""
    return torch.mean(x, dim=axis, keepdim=keepdims)


def max(x, *, axis=None, keepdims=False):
    """The largest element; elements that tie share the gradient equally"""
    return torch.max(x).reshape((1,) * (x.ndim * keepdims)) if axis is None else torch.amax(x, axis, keepdims)


def min(x, *, axis=None, keepdims=False):
    """The smallest element; elements that tie share the gradient equally"""
    return torch.min(x).reshape((1,) * (x.ndim * keepdims)) if axis is None else torch.amin(x, axis, keepdims)


def argmax(x, *, axis=None):
    """The index of the first largest element"""
    return torch.argmax(x, dim=axis)


def argmin(x, *, axis=None):
    """The index of the first smallest element"""
    return torch.argmin(x, dim=axis)


def var(x, *, axis=None, keepdims=False, correction=1):
    """Σ (x - mean)² / (n - correction)"""
    return torch.var(x, dim=axis, keepdim=keepdims, correction=correction)


def standardize(x, *, axis, eps):
    """(x - mean) / √(variance + eps) along `axis`"""
    variance, mean = torch.var_mean(x, dim=axis, correction=0, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps)


def cumsum(x, *, axis):
    """The sums of the first 1, 2, … elements along `axis`"""
    return torch.cumsum(x, dim=axis)


def logsumexp(x, *, axis=None, keepdims=False):
    """log Σ e^x"""
    return torch.logsumexp(x, dim=tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims)


# ---- shaping


def reshape(x, shape):
    """The same elements in another shape"""
    return torch.reshape(x, shape)


def transpose(x, axes=None):
    """Axes in another order (reversed by default)"""
    return torch.permute(x, tuple(reversed(range(x.ndim))) if axes is None else axes)


def swapaxes(x, axis1, axis2):
    """Two axes exchanged"""
    return torch.swapaxes(x, axis1, axis2)


def expand_dims(x, axis):
    """A new axis of size 1"""
    return torch.unsqueeze(x, axis)


def squeeze(x, *, axis=None):
    """Without the axes of size 1"""
    return torch.squeeze(x) if axis is None else torch.squeeze(x, axis)


def broadcast_to(x, shape):
    """Repeated along axes of size 1 and new leading axes"""
    return torch.broadcast_to(x, shape)


def getitem(x, *, key):
    """x[key]"""
    return x[key]


def scatter(x, *, key, shape):
    """Zeros of `shape` with x added at [key]; where a key repeats, its values add up"""
    index = torch.arange(torch.Size(shape).numel(), device=x.device).reshape(shape)[key]
    return x.new_zeros(shape).flatten().index_add(0, index.flatten(), x.flatten()).reshape(shape)


def assign(x, value, *, first, last):
    """x with `value` at [first][last]"""
    y = x.clone()
    y[first][last] = value
    return y


def diagonal(x, *, offset=0):
    """The diagonal of the last two axes"""
    return torch.diagonal(x, offset, -2, -1)


def put_diagonal(x, *, offset, shape):
    """Zeros of `shape` with x on the diagonal of the last two axes"""
    return torch.diagonal_scatter(x.new_zeros(shape), x, offset, -2, -1)


def take_along_axis(x, indices, axis):
    """x[indices] along one axis"""
    return torch.take_along_dim(x, indices, axis)


def put_along_axis(x, indices, axis, shape):
    """Zeros of `shape` with x added at the indices along one axis"""
    return x.new_zeros(shape).scatter_add(axis, indices, x)


def join(*xs, axis):
    """Arrays one after another along `axis`"""
    return torch.cat(xs, dim=axis)


def concatenate(xs, axis=0):
    """Arrays one after another along `axis`"""
    return torch.cat(xs, dim=axis)


def copy(x):
    """A copy"""
    return torch.clone(x)


def astype(x, dtype):
    """x in another dtype"""
    return x.to(dtype)


def to_device(x, *, device):
    """x on another device"""
    return x.to(device)


def flip(x, *, axis):
    """Reversed along `axis`"""
    return torch.flip(x, [axis] if isinstance(axis, int) else axis)


def stop_gradient(x):
    """x, taken as a constant"""
    return x.detach()


def zeros_like(x):
    """Zeros of the same shape and dtype"""
    return torch.zeros_like(x)


def ones_like(x):
    """Ones of the same shape and dtype"""
    return torch.ones_like(x)


# ---- losses


def mse(x, target):
    """Σ (x - target)² / n over all n elements"""
    return F.mse_loss(x, target)


def bce(x, target):
    """Binary cross-entropy of probabilities, element by element"""
    return F.binary_cross_entropy(x, target, reduction="none")


def bce_logits(x, target):
    """Binary cross-entropy of logits, element by element"""
    return F.binary_cross_entropy_with_logits(x, target, reduction="none")


def nll(log_probs, targets, *, weight=None, ignore_index=-100):
    """-Σ w_i log_probs[i, targets[i]] / Σ w_i"""
    return F.nll_loss(log_probs, targets, weight=weight, ignore_index=ignore_index)


def nll_each(log_probs, targets, *, weight=None, ignore_index=-100):
    """-w_i log_probs[i, targets[i]] for each i, not summed"""
    return F.nll_loss(log_probs, targets, weight=weight, ignore_index=ignore_index, reduction="none")


# ---- penalties


def l1_penalty(x: Tensor, *, weight: float) -> Tensor:
    """Identity; on the way back the gradient of weight · Σ|x| is added"""
    return L1Penalty.apply(x, weight)


def l1_penalty_slide(x: Tensor, *, weight: float) -> Tensor:
    """Identity; on the way back weight · x is added, as lecture 20's slide has it"""
    return L1PenaltySlide.apply(x, weight)
