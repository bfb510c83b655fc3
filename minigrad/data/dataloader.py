"""PyTorch's name for the module `loader`: DataLoader and how it makes batches."""

from minigrad.data.loader import *  # noqa: F403
