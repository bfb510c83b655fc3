"""Every operation: its value and its VJPs side by side. `array_module(tensor)` is this module, so names are NumPy's."""

from .. import backend as _backend
from ..autograd.graph import Tensor as _Tensor
from .activations import log_softmax, relu, sigmoid, softmax, tanh
from .arithmetic import (absolute, add, clip, div, equal, exp, floor_divide, greater, greater_equal, isnan, less, less_equal, linear, log,
                         logical_and, logical_not, logical_or, matmul, maximum, minimum, mul, neg, not_equal, pow, remainder, sign, sqrt,
                         square, sub, where)
from .losses import mse, nll, nll_each
from .penalties import l1_penalty, l1_penalty_slide
from .reductions import argmax, argmin, max, mean, min, sum
from .shaping import (assign, astype, broadcast_to, concatenate, copy, expand_dims, flip, getitem, join, ones_like,
                      put_along_axis, reshape, scatter, squeeze, stop_gradient, swapaxes, take_along_axis, to_device,
                      transpose, zeros_like)

__all__ = [name for name in dir() if not name.startswith("_")]


def use_tensor_class(cls):
    """Let `array_module` find this module for `cls`."""
    import sys

    _backend.register(cls, sys.modules[__name__], None)


use_tensor_class(_Tensor)
