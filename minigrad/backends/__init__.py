"""PyTorch's switches of its own libraries, `torch.backends`, which programs set and ask for; here they have no effect.

Not to be mixed up with `minigrad.backend`, without an s: that is the part of minigrad that computes with arrays.
"""

from . import cudnn, mps

__all__ = ["cudnn", "mps"]
