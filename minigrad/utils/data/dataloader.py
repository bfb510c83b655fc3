"""PyTorch's name for `minigrad.data.loader`: DataLoader and how it makes batches."""

from minigrad.data.loader import *  # noqa: F403
