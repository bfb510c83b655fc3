"""Layers and losses: PyTorch's own."""

from torch.nn import *  # noqa: F403

from reference import functional

__all__ = ["functional"]
