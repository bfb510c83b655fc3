"""The checks under the names that they have in `torch.autograd`, where they return True or False. `minigrad.autograd` offers them."""

from __future__ import annotations

from typing import Any, Unpack

from . import calls
from .checking import Options


def gradcheck(function: Any, inputs: Any, **options: Unpack[Options]) -> bool:
    """Return whether the gradients of a function of tensors are right; raise GradcheckError, which names the mistake, if they are not.

    As `torch.autograd.gradcheck`. The arguments are those of `minigrad.testing.gradcheck`, which returns a Report of what was found.
    """
    __tracebackhide__ = True
    return bool(calls.gradcheck(function, inputs, **options))


def gradgradcheck(function: Any, inputs: Any, **options: Unpack[Options]) -> bool:
    """Return whether the gradients of a function of tensors, and the gradients of these, are right; see `gradcheck`."""
    __tracebackhide__ = True
    return bool(calls.gradgradcheck(function, inputs, **options))
