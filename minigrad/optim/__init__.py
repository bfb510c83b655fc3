"""Optimizers, and schedules of their learning rates."""

from typing import TYPE_CHECKING

from .adam import Adam, AdamW
from .optimizer import Optimizer
from .sgd import SGD

if TYPE_CHECKING:
    from . import lr_scheduler
    from .adagrad import Adagrad
    from .lbfgs import LBFGS
    from .rmsprop import RMSprop

__all__ = ["LBFGS", "SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]

if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Import these parts when they are asked for, as `import minigrad` must be quick; otherwise tell the nearest names."""
        from importlib import import_module

        if name not in ("lr_scheduler", "Adagrad", "LBFGS", "RMSprop"):
            raise import_module("minigrad.unknown_names").unknown(__name__, name)
        module = import_module(f"{__name__}.{name.lower()}")
        return getattr(module, name, module)

    def __dir__():
        """Return the public names."""
        return __all__
