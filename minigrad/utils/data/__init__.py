"""PyTorch's name for `minigrad.data`: all of its names."""

from minigrad.data import *
from minigrad.data import __all__
