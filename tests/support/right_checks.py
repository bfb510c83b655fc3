"""Checks of the right functions of all libraries by number: draw a function, a variant of the check and inputs, and make the check."""

from __future__ import annotations

import dataclasses
import importlib.util

import numpy as np

import minigrad as mg
from minigrad import testing
from support.right_functions import MINIGRAD, Right
from support.right_pairs import NUMPY

SHARES = {"minigrad": 0.75, "numpy": 0.13, "torch": 0.07, "jax": 0.05}  # of the checks that are drawn by number
# Besides the plain check: in single precision, and of the second derivatives, at numbers for which both make sense.
VARIANTS = {"plain": 0.88, "float32": 0.06, "order 2": 0.06}
ORDINARY = {"float32": ("gaussian", "uniform", "whole"), "order 2": ("gaussian", "uniform")}
OF_THE_VARIANT = {"plain": {}, "float32": {"dtype": "float32"}, "order 2": {"order": 2}}


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


@dataclasses.dataclass
class Numbered:
    """The check with a number: the library, the function, the kind of each array and the variant, the arrays, the options."""

    library: str
    right: Right
    kinds: list
    arrays: list
    options: dict

    def __str__(self):
        values = ", ".join(repr(x.tolist()) if x.size < 50 else f"an array of shape {x.shape}" for x in self.arrays)
        return f"{self.library}.{self.right.name} of {', '.join(self.kinds)}: {values}"

    def report(self):
        """Make the check and return its report."""
        return report_of(self.library, self.right, self.arrays, **self.options)


def numbered(seed, number, wanted=()):
    """Return the check with a number. wanted: the names of the only functions to check, if there are any."""
    stream = np.random.default_rng([seed, number])
    found = tables()
    shares = np.array([SHARES[library] for library in found])
    library = str(stream.choice(list(found), p=shares / shares.sum()))
    names = list(found[library])
    if wanted:
        names = [(lib, name) for lib in found for name in found[lib] if name in wanted or f"{lib}.{name}" in wanted]
        library, name = names[stream.integers(len(names))]
    else:
        name = names[stream.integers(len(names))]
    right = found[library][name]
    variant = str(stream.choice(list(VARIANTS), p=list(VARIANTS.values())))
    if right.options or (variant == "order 2" and (library == "numpy" or not right.twice)):
        variant = "plain"
    drawn = dataclasses.replace(right, kinds=ORDINARY[variant]) if variant in ORDINARY else right
    kinds, arrays = drawn.draw(stream)
    if variant == "float32":
        arrays = [np.asarray(x, np.float32) for x in arrays]
    return Numbered(library, right, [*kinds, variant], arrays, OF_THE_VARIANT[variant])


def is_suspicious(right, report):
    """Return whether the verdict names a kink of a function that is smooth everywhere."""
    return report.verdict == "kink" and right.smooth
