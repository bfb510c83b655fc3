"""Imports torchvision, also where its compiled ops do not match the installed torch.

Its Python part registers fake kernels for `nms` and `qnms` at import time, and fails when no compiled library
has defined these two ops. The tests use its datasets and transforms, which need neither.
"""

import torch

try:
    import torchvision.datasets
except RuntimeError:
    LIBRARY = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        LIBRARY.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision.datasets

import torchvision.transforms

__all__ = ["torchvision"]
