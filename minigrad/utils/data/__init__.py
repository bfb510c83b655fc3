"""PyTorch's name for `minigrad.data`: all of its names."""

from minigrad.data import *  # noqa: F403
from minigrad.data import __all__
