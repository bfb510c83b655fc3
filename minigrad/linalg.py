"""Norms under PyTorch's names in `torch.linalg`; the rest of linear algebra is not here."""

from .functions.norms import norm_of_all as norm
from .functions.norms import vector_norm

__all__ = ["norm", "vector_norm"]
