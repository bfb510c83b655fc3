"""The gradient check for everybody's code: NumPy and CuPy functions with a backward of their own, PyTorch, JAX and minigrad functions.

Each check compares gradients with numeric derivatives whose error it measures, and says which mistake was made where they differ:

    check_vjp(forward, backward, *arrays)    NumPy or CuPy functions
    check_torch(function, *tensors)          functions, Functions and modules of PyTorch
    check_jax(function, *trees)              functions of JAX, also with custom_vjp and jit
    gradcheck(function, inputs)              functions of minigrad tensors; minigrad.autograd.gradcheck returns True

`minigrad.testing.strategies` draws inputs for Hypothesis, and pytest gets the fixture `gradcheck` (plugin.py).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import strategies
    from .calls import check_jax, check_torch, check_vjp, gradcheck, gradgradcheck
    from .findings import BlindSpot, Finding, GradcheckError, Report

__all__ = ["BlindSpot", "Finding", "GradcheckError", "Report", "check_jax", "check_torch", "check_vjp", "gradcheck", "gradgradcheck",
           "strategies"]  # fmt: skip

if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name):
        """Import a public name when it is asked for: pytest loads the plugin in every session, and strategies.py imports Hypothesis."""
        from importlib import import_module

        if name not in __all__:
            raise AttributeError(f"module 'minigrad.testing' has no attribute {name!r}")
        if name == "strategies":
            return import_module(".strategies", __name__)
        return getattr(import_module(".findings" if name[0].isupper() else ".calls", __name__), name)

    def __dir__():
        """Return the public names."""
        return __all__
