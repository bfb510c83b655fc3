"""The gradient check for everybody's code: NumPy and CuPy functions with a backward of their own, PyTorch, JAX and minigrad functions.

Each check compares gradients with numeric derivatives whose error it measures, and says which mistake was made where they differ:

    check_vjp(forward, backward, *arrays)    NumPy or CuPy functions
    check_torch(function, *tensors)          functions, Functions and modules of PyTorch
    check_jax(function, *trees)              functions of JAX, also with custom_vjp and jit
    gradcheck(function, inputs)              functions of minigrad tensors; also minigrad.autograd.gradcheck

`minigrad.testing.strategies` draws inputs for Hypothesis, and pytest gets the fixture `gradcheck` (plugin.py).
"""

from .calls import check_jax, check_torch, check_vjp, gradcheck, gradgradcheck
from .findings import BlindSpot, Finding, GradcheckError, Report

__all__ = ["BlindSpot", "Finding", "GradcheckError", "Report", "check_jax", "check_torch", "check_vjp", "gradcheck", "gradgradcheck"]
