"""`gradcheck`: the gradients that `backward` computes against numeric ones, and what is wrong where they differ."""

from .checking import gradcheck
from .findings import Finding, GradcheckError

__all__ = ["Finding", "GradcheckError", "gradcheck"]
