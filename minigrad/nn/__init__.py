"""Networks: Module, containers, layers, losses, and the same as functions."""

from typing import TYPE_CHECKING

from . import functional, init
from .activations import (ELU, GELU, SELU, Hardtanh, LeakyReLU, LogSigmoid, LogSoftmax, Mish, PReLU, ReLU, ReLU6, Sigmoid, SiLU, Softmax,
                          Softplus, Softsign, Tanh)
from .containers import ModuleList, Sequential
from .errors import LayerError
from .layers import Flatten, Identity, L1Penalty, Linear
from .losses import CrossEntropyLoss, L1Loss, MSELoss, NLLLoss
from .module import Module
from .parameter import Parameter

__all__ = [
    "ELU", "GELU", "SELU", "CrossEntropyLoss", "Flatten", "Hardtanh", "Identity", "L1Loss", "L1Penalty", "LayerError", "LeakyReLU",
    "Linear", "LogSigmoid", "LogSoftmax", "MSELoss", "Mish", "Module", "ModuleList", "NLLLoss", "PReLU", "Parameter", "ReLU", "ReLU6",
    "Sequential", "SiLU", "Sigmoid", "Softmax", "Softplus", "Softsign", "Tanh", "functional", "init",
]

if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Raise the error that tells the nearest names."""
        from ..unknown_names import unknown

        raise unknown(__name__, name)
