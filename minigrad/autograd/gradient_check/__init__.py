"""`gradcheck` compares the gradients that `backward` computes with numeric ones, and says what is wrong where they differ."""

from .checking import gradcheck
from .findings import Finding, GradcheckError

__all__ = ["Finding", "GradcheckError", "gradcheck"]
