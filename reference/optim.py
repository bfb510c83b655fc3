"""The optimizers: PyTorch's own, Adam as one fused loop."""

import functools

import torch
from torch.optim import SGD, lr_scheduler

__all__ = ["SGD", "Adam", "lr_scheduler"]

Adam = functools.partial(torch.optim.Adam, fused=True)
