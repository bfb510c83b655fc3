"""Checks of the right functions of all libraries by number: draw one, check it, and describe it as a program."""

from __future__ import annotations

import importlib.util

import numpy as np

import minigrad as mg
from minigrad import testing
from support.right_functions import MINIGRAD, Right
from support.right_pairs import NUMPY

SHARES = {"minigrad": 0.75, "numpy": 0.13, "torch": 0.07, "jax": 0.05}  # of the checks that are drawn by number


def tables():
    """Return {library: its table of right functions} for the libraries that are installed."""
    found = {"minigrad": MINIGRAD, "numpy": NUMPY}
    if importlib.util.find_spec("torch"):
        from support.right_torch import TORCH

        found["torch"] = TORCH
    if importlib.util.find_spec("jax"):
        from support.right_jax import JAX

        found["jax"] = JAX
    return found


def report_of(library, right: Right, arrays, **options):
    """Return the report of a check of a right function at these values."""
    options = {"raise_exception": False, **right.options, **options}
    arrays = [x.copy() for x in arrays]
    if library == "minigrad":
        return testing.gradcheck(right.function, [*(mg.tensor(x, requires_grad=True) for x in arrays), *right.constants], **options)
    if library == "numpy":
        return testing.check_vjp(right.function, right.backward, *arrays, *right.constants, **options)
    if library == "torch":
        import torch

        return testing.check_torch(right.function, *(torch.tensor(x, requires_grad=True) for x in arrays), *right.constants, **options)
    return testing.check_jax(right.function, *arrays, **options)


def check_number(seed, number, wanted=None):
    """Return (library, name, kinds, arrays, report) of the check with a number; `wanted` limits it to these names, if there are any."""
    stream = np.random.default_rng([seed, number])
    found = tables()
    shares = np.array([SHARES[library] for library in found])
    library = str(stream.choice(list(found), p=shares / shares.sum()))
    names = list(found[library])
    if wanted:
        names = [f"{lib}.{name}" for lib in found for name in found[lib] if name in wanted or f"{lib}.{name}" in wanted]
        library, name = names[stream.integers(len(names))].split(".", 1)
    else:
        name = names[stream.integers(len(names))]
    right = found[library][name]
    kinds, arrays = right.draw(stream)
    return library, name, kinds, arrays, report_of(library, right, arrays)


def is_suspicious(right, report):
    """Return whether the verdict names a kink or a pole of a function that is smooth everywhere."""
    return report.verdict == "kink" and right.smooth
