"""PyTorch's name for `minigrad.data.samplers`: the samplers."""

from minigrad.data.samplers import *  # noqa: F403
