"""PyTorch's name for the module `datasets`: the data sets."""

from minigrad.data.datasets import *  # noqa: F403
