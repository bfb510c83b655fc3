"""Automatic differentiation: the engine, its modes, your own functions, and a gradient check."""

from typing import TYPE_CHECKING

from .engine import backward, grad, op
from .function import Function, Variable
from .modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled

if TYPE_CHECKING:
    from ..inspect.anomalies import AnomalyError, detect_anomaly, set_detect_anomaly
    from ..testing.pytorch_names import gradcheck, gradgradcheck

__all__ = [
    "AnomalyError", "Function", "Variable", "backward", "detect_anomaly", "enable_grad", "grad", "gradcheck", "gradgradcheck",
    "is_grad_enabled", "no_grad", "op", "set_detect_anomaly", "set_grad_enabled",
]


if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Import the gradient checks and the search for anomalies when they are asked for."""
        if name in ("AnomalyError", "detect_anomaly", "set_detect_anomaly"):
            from ..inspect import anomalies

            return getattr(anomalies, name)
        if name in ("gradcheck", "gradgradcheck"):
            from ..testing import pytorch_names

            return getattr(pytorch_names, name)
        raise AttributeError(f"module 'minigrad.autograd' has no attribute {name!r}")
