"""Networks: Module, containers, layers, losses, and the same as functions."""

from typing import TYPE_CHECKING

from . import functional, init
from .activations import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from .containers import ModuleList, Sequential
from .errors import LayerError
from .layers import Flatten, Identity, L1Penalty, Linear
from .losses import CrossEntropyLoss, L1Loss, MSELoss, NLLLoss
from .module import Module
from .parameter import Parameter

__all__ = [
    "CrossEntropyLoss", "Flatten", "Identity", "L1Loss", "L1Penalty", "LayerError", "Linear", "LogSoftmax", "MSELoss", "Module",
    "ModuleList", "NLLLoss", "Parameter", "ReLU", "Sequential", "Sigmoid", "Softmax", "Tanh", "functional", "init",
]

if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Raise the error that tells the nearest names."""
        from ..unknown_names import unknown

        raise unknown(__name__, name)
