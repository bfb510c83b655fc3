"""Layers and losses as functions, with PyTorch's names, arguments and defaults."""

from typing import TYPE_CHECKING

from ...functions.elementwise import sigmoid, tanh
from .activations import (elu, gelu, hardtanh, leaky_relu, log_softmax, logsigmoid, prelu, relu, relu6, selu, silu, softmax,
                          softplus)
from .layers import (batch_norm, cosine_similarity, dropout, embedding, l1_penalty, layer_norm, linear, normalize, one_hot,
                     pairwise_distance)
from .losses import (binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy, huber_loss, kl_div, l1_loss, mse_loss,
                     nll_loss, smooth_l1_loss)
from .margins import margin_ranking_loss, multi_margin_loss

__all__ = [
    "batch_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_similarity", "cross_entropy", "dropout", "elu",
    "embedding", "gelu", "hardtanh", "huber_loss", "kl_div", "l1_loss", "l1_penalty", "layer_norm",
    "leaky_relu", "linear", "log_softmax", "logsigmoid", "margin_ranking_loss", "mse_loss", "multi_margin_loss", "nll_loss",
    "normalize", "one_hot", "pairwise_distance", "prelu", "relu", "relu6", "selu", "sigmoid", "silu", "smooth_l1_loss",
    "softmax", "softplus", "tanh",
]  # fmt: skip

if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Raise the error that tells the nearest names."""
        from ...unknown_names import unknown

        raise unknown(__name__, name)
