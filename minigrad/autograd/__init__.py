"""Automatic differentiation: the engine, its modes, your own functions, and a gradient check."""

from typing import TYPE_CHECKING

from .engine import backward, grad, op
from .function import Function, Variable
from .modes import enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled

if TYPE_CHECKING:
    from . import functional as functional
    from ..inspect.anomalies import AnomalyError, detect_anomaly, set_detect_anomaly
    from ..testing.pytorch_names import gradcheck, gradgradcheck

__all__ = [
    "AnomalyError", "Function", "Variable", "backward", "detect_anomaly", "enable_grad", "grad", "gradcheck", "gradgradcheck",
    "inference_mode", "is_grad_enabled", "is_inference_mode_enabled", "no_grad", "op", "set_detect_anomaly", "set_grad_enabled",
]


if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Import the gradient checks, the search for anomalies, and derivatives by name, when they are asked for."""
        from importlib import import_module

        if name in ("gradcheck", "gradgradcheck"):
            return getattr(import_module("minigrad.testing.pytorch_names"), name)
        if name in ("AnomalyError", "detect_anomaly", "set_detect_anomaly"):
            return getattr(import_module("minigrad.inspect.anomalies"), name)
        if name == "functional":
            return import_module("minigrad.autograd.functional")
        raise import_module("minigrad.unknown_names").unknown(__name__, name)
