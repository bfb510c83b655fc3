"""Layers and losses as functions, with PyTorch's names, arguments and defaults."""

from typing import TYPE_CHECKING

from ...functions.elementwise import sigmoid, tanh
from .activations import log_softmax, relu, softmax
from .layers import l1_penalty, linear, one_hot
from .losses import cross_entropy, l1_loss, mse_loss, nll_loss

__all__ = ["cross_entropy", "l1_loss", "l1_penalty", "linear", "log_softmax", "mse_loss", "nll_loss", "one_hot", "relu", "sigmoid",
           "softmax", "tanh"]

if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Raise the error that tells the nearest names."""
        from ...unknown_names import unknown

        raise unknown(__name__, name)
