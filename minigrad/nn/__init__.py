"""Networks: Module, containers, layers, losses, and the same as functions."""

from typing import TYPE_CHECKING

from . import functional, init, utils
from .activations import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from .containers import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from .errors import LayerError
from .layers import (BatchNorm1d, CosineSimilarity, Dropout, Embedding, Flatten, Identity, L1Penalty, LayerNorm, Linear,
                     PairwiseDistance, Unflatten)
from .losses import (BCELoss, BCEWithLogitsLoss, CosineEmbeddingLoss, CrossEntropyLoss, GaussianNLLLoss, HingeEmbeddingLoss, HuberLoss,
                     KLDivLoss, L1Loss, MarginRankingLoss, MSELoss, MultiMarginLoss, NLLLoss, SmoothL1Loss, SoftMarginLoss,
                     TripletMarginLoss)
from .module import Module
from .parameter import Parameter

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "BatchNorm1d", "CosineEmbeddingLoss", "CosineSimilarity", "CrossEntropyLoss", "Dropout",
    "Embedding", "Flatten", "GaussianNLLLoss", "HingeEmbeddingLoss", "HuberLoss", "Identity", "KLDivLoss", "L1Loss", "L1Penalty",
    "LayerError", "LayerNorm", "Linear", "LogSoftmax", "MSELoss", "MarginRankingLoss", "Module", "ModuleDict", "ModuleList",
    "MultiMarginLoss", "NLLLoss", "PairwiseDistance", "Parameter", "ParameterDict", "ParameterList", "ReLU", "Sequential", "Sigmoid",
    "SmoothL1Loss", "SoftMarginLoss", "Softmax", "Tanh", "TripletMarginLoss", "Unflatten", "functional", "init", "utils",
]

if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Raise the error that tells the nearest names."""
        from ..unknown_names import unknown

        raise unknown(__name__, name)
