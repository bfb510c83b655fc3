"""Automatic differentiation: the engine, its modes, your own functions, and a gradient check."""

from .engine import backward, grad, op
from .function import Function, Variable
from .modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled

__all__ = ["Function", "Variable", "backward", "enable_grad", "grad", "gradcheck", "is_grad_enabled", "no_grad", "op", "set_grad_enabled"]


def __getattr__(name):
    if name == "gradcheck":  # loaded when asked for
        from .gradient_check import gradcheck

        return gradcheck
    raise AttributeError(f"module 'minigrad.autograd' has no attribute {name!r}")
