"""PyTorch's name for the module `samplers`: the samplers."""

from minigrad.data.samplers import *  # noqa: F403
