"""PyTorch's name for the DataLoader of `minigrad.data`, and how it makes batches."""

from minigrad.data.loader import *  # noqa: F403
