"""Schedules of learning rates."""

from .annealing import CosineAnnealingLR, CosineAnnealingWarmRestarts, OneCycleLR
from .composed import ChainedScheduler, SequentialLR
from .plateau import ReduceLROnPlateau
from .scaling import ConstantLR, ExponentialLR, LambdaLR, LinearLR, MultiplicativeLR, MultiStepLR, PolynomialLR, StepLR
from .scheduler import LRScheduler

__all__ = ["ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialLR", "LRScheduler", "LambdaLR",
           "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepLR"]

_LRScheduler = LRScheduler  # its old name, which programs still use for schedules of their own
