"""Data sets and how they are fed: the IDX reader, MNIST, transforms and DataLoader."""

from minigrad.data.idx import IdxError, read_idx

__all__ = ["IdxError", "read_idx"]
