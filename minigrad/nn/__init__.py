"""Networks: Module, containers, layers, losses, and the same as functions."""

from typing import TYPE_CHECKING

from . import functional, init, utils
from .activations import (ELU, GELU, Hardtanh, LeakyReLU, LogSigmoid, LogSoftmax, PReLU, ReLU, ReLU6, SELU, SiLU, Sigmoid, Softmax,
                          Softplus, Tanh)
from .containers import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from .errors import LayerError
from .layers import (BatchNorm1d, CosineSimilarity, Dropout, Embedding, Flatten, Identity, L1Penalty, LayerNorm, Linear,
                     PairwiseDistance, Unflatten)
from .losses import (BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, KLDivLoss, L1Loss, MarginRankingLoss,
                     MSELoss, MultiMarginLoss, NLLLoss, SmoothL1Loss)
from .module import Module
from .parameter import Parameter

__all__ = [
    "ELU", "GELU", "SELU", "BCELoss", "BCEWithLogitsLoss", "BatchNorm1d", "CosineSimilarity", "CrossEntropyLoss", "Dropout",
    "Embedding", "Flatten", "Hardtanh", "HuberLoss", "Identity", "KLDivLoss", "L1Loss", "L1Penalty", "LayerError",
    "LayerNorm", "LeakyReLU", "Linear", "LogSigmoid", "LogSoftmax", "MSELoss", "MarginRankingLoss", "Module", "ModuleDict",
    "ModuleList", "MultiMarginLoss", "NLLLoss", "PReLU", "PairwiseDistance", "Parameter", "ParameterDict", "ParameterList", "ReLU",
    "ReLU6", "Sequential", "SiLU", "Sigmoid", "SmoothL1Loss", "Softmax", "Softplus", "Tanh", "Unflatten",
    "functional", "init", "utils",
]

if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Raise the error that tells the nearest names."""
        from ..unknown_names import unknown

        raise unknown(__name__, name)
