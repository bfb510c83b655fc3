"""PyTorch's name for the samplers of `minigrad.data`."""

from minigrad.data.samplers import *  # noqa: F403
