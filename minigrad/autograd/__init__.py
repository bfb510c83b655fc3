"""Automatic differentiation: the engine, its modes, your own functions, and a gradient check."""

from typing import TYPE_CHECKING

from .engine import backward, grad, op
from .function import Function, Variable
from .modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled

if TYPE_CHECKING:
    from . import functional as functional
    from ..testing.pytorch_names import gradcheck, gradgradcheck

__all__ = [
    "Function", "Variable", "backward", "enable_grad", "grad", "gradcheck", "gradgradcheck", "is_grad_enabled", "no_grad", "op",
    "set_grad_enabled",
]


if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Import the gradient checks, and derivatives by name, when they are asked for."""
        from importlib import import_module

        if name in ("gradcheck", "gradgradcheck"):
            return getattr(import_module("minigrad.testing.pytorch_names"), name)
        if name == "functional":
            return import_module("minigrad.autograd.functional")
        raise import_module("minigrad.unknown_names").unknown(__name__, name)
