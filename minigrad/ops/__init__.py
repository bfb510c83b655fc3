"""Every operation: its value and its VJPs side by side. `array_module(tensor)` is this module, so names are NumPy's."""

from .. import backend as _backend
from ..autograd.graph import Tensor as _Tensor
from .activations import leaky_relu, log_softmax, logsumexp, relu, sigmoid, softmax, tanh
from .arithmetic import (absolute, add, arctan2, clip, div, exp, floor_divide, log, maximum, minimum, mul, neg, pow, remainder, sign,
                         sqrt, square, sub, where)
from .comparisons import equal, greater, greater_equal, isnan, less, less_equal, logical_and, logical_not, logical_or, not_equal
from .functions_of_one import (arctan, ceil, cos, cosh, erf, expm1, floor, log10, log1p, log2, reciprocal, round, rsqrt, sin, sinh, tan,
                               trunc)
from .indexing import assign, diagonal, getitem, put_along_axis, put_diagonal, scatter, take_along_axis
from .losses import bce, bce_logits, mse, nll, nll_each
from .penalties import l1_penalty, l1_penalty_slide
from .products import linear, matmul
from .reductions import argmax, argmin, cumsum, max, mean, min, standardize, sum, var
from .shaping import (astype, broadcast_to, concatenate, copy, expand_dims, flip, join, ones_like, reshape, squeeze, stop_gradient,
                      swapaxes, to_device, transpose, zeros_like)

__all__ = [
    "absolute", "add", "arctan", "arctan2", "argmax", "argmin", "assign", "astype", "bce", "bce_logits", "broadcast_to", "ceil", "clip",
    "concatenate", "copy", "cos", "cosh", "cumsum", "diagonal", "div", "equal", "erf", "exp", "expand_dims", "expm1", "flip", "floor",
    "floor_divide", "getitem", "greater", "greater_equal", "isnan", "join", "l1_penalty", "l1_penalty_slide", "leaky_relu", "less",
    "less_equal", "linear", "log", "log1p", "log2", "log10", "log_softmax", "logical_and", "logical_not", "logical_or", "logsumexp",
    "matmul", "max", "maximum", "mean", "min", "minimum", "mse", "mul", "neg", "nll", "nll_each", "not_equal", "ones_like", "pow",
    "put_along_axis", "put_diagonal", "reciprocal", "relu", "remainder", "reshape", "round", "rsqrt", "scatter", "sigmoid", "sign",
    "sin", "sinh", "softmax", "sqrt", "square", "squeeze", "standardize", "stop_gradient", "sub", "sum", "swapaxes", "take_along_axis",
    "tan", "tanh", "to_device", "transpose", "trunc", "var", "where", "zeros_like",
]  # fmt: skip


def use_tensor_class(cls):
    """Let `array_module` find this module for `cls`."""
    import sys

    _backend.register(cls, sys.modules[__name__], None)


use_tensor_class(_Tensor)
