"""Layers and losses as functions, with PyTorch's names, arguments and defaults."""

from typing import TYPE_CHECKING

from ...functions.elementwise import sigmoid, tanh
from .activations import (elu, gelu, hardtanh, leaky_relu, log_softmax, logsigmoid, mish, prelu, relu, relu6, selu, silu, softmax,
                          softplus, softsign)
from .layers import l1_penalty, linear
from .losses import cross_entropy, l1_loss, mse_loss, nll_loss

__all__ = [
    "cross_entropy", "elu", "gelu", "hardtanh", "l1_loss", "l1_penalty", "leaky_relu", "linear", "log_softmax", "logsigmoid", "mish",
    "mse_loss", "nll_loss", "prelu", "relu", "relu6", "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "tanh",
]  # fmt: skip

if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Raise the error that tells the nearest names."""
        from ...unknown_names import unknown

        raise unknown(__name__, name)
