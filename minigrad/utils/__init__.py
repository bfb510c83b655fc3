"""PyTorch's name for the place of the data loaders: `minigrad.utils.data` has the names of `minigrad.data`."""

from . import data

__all__ = ["data"]
