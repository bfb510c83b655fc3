"""PyTorch's name for the data loaders: `minigrad.utils.data` is `minigrad.data`."""

from . import data

__all__ = ["data"]
