"""Every operation: its value and its VJPs side by side. `array_module(tensor)` is this module, so names are NumPy's."""

from .. import backend as _backend
from ..autograd.graph import Tensor as _Tensor
from .activations import log_softmax, logsumexp, relu, sigmoid, softmax, tanh
from .arithmetic import (absolute, add, clip, div, exp, floor_divide, log, maximum, minimum, mul, neg, pow, remainder, sign, sqrt,
                         square, sub, where)
from .comparisons import equal, greater, greater_equal, isnan, less, less_equal, logical_and, logical_not, logical_or, not_equal
from .indexing import assign, diagonal, getitem, put_along_axis, put_diagonal, scatter, take_along_axis
from .losses import mse, nll, nll_each
from .penalties import l1_penalty, l1_penalty_slide
from .products import linear, matmul
from .reductions import argmax, argmin, cumsum, max, mean, min, sum, var
from .shaping import (astype, broadcast_to, concatenate, copy, expand_dims, flip, join, ones_like, reshape, squeeze, stop_gradient,
                      swapaxes, to_device, transpose, zeros_like)

__all__ = [
    "absolute", "add", "argmax", "argmin", "assign", "astype", "broadcast_to", "clip", "concatenate", "copy", "cumsum", "diagonal", "div",
    "equal", "exp", "expand_dims", "flip", "floor_divide", "getitem", "greater", "greater_equal", "isnan", "join", "l1_penalty",
    "l1_penalty_slide", "less", "less_equal", "linear", "log", "log_softmax", "logical_and", "logical_not", "logical_or", "logsumexp",
    "matmul", "max", "maximum", "mean", "min", "minimum", "mse", "mul", "neg", "nll", "nll_each", "not_equal", "ones_like", "pow",
    "put_along_axis", "put_diagonal", "relu", "remainder", "reshape", "scatter", "sigmoid", "sign", "softmax", "sqrt", "square", "squeeze",
    "stop_gradient", "sub", "sum", "swapaxes", "take_along_axis", "tanh", "to_device", "transpose", "var", "where", "zeros_like",
]  # fmt: skip


def use_tensor_class(cls):
    """Let `array_module` find this module for `cls`."""
    import sys

    _backend.register(cls, sys.modules[__name__], None)


use_tensor_class(_Tensor)
