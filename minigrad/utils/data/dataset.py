"""PyTorch's name for the data sets of `minigrad.data`."""

from minigrad.data.datasets import *  # noqa: F403
