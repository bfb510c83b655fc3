"""Schedules of learning rates."""

from typing import TYPE_CHECKING

from .annealing import CosineAnnealingLR, CosineAnnealingWarmRestarts, OneCycleLR
from .plateau import ReduceLROnPlateau
from .scaling import ConstantLR, ExponentialLR, LambdaLR, LinearLR, MultiStepLR, StepLR
from .scheduler import LRScheduler
from .sequential import SequentialLR

__all__ = ["ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialLR", "LRScheduler", "LambdaLR", "LinearLR",
           "MultiStepLR", "OneCycleLR", "ReduceLROnPlateau", "SequentialLR", "StepLR"]

_LRScheduler = LRScheduler  # its old name, which programs still use for schedules of their own

if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Raise the error that tells the nearest names."""
        from ...unknown_names import unknown

        raise unknown(__name__, name)
