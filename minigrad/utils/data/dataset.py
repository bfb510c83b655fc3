"""PyTorch's name for `minigrad.data.datasets`: the data sets."""

from minigrad.data.datasets import *  # noqa: F403
