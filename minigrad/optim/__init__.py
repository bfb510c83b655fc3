"""Optimizers, and schedules of their learning rates."""

from typing import TYPE_CHECKING

from . import lr_scheduler
from .adam import Adam
from .optimizer import Optimizer
from .sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer", "lr_scheduler"]

if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Raise the error that tells the nearest names."""
        from ..unknown_names import unknown

        raise unknown(__name__, name)
