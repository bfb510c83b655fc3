"""The GPU, by PyTorch's names: whether there is one, its name and memory, waiting for it, and how exactly it multiplies."""

from __future__ import annotations

from typing import Any

from .backend.cuda import allow_tf32, is_available, library, synchronize

__all__ = ["allow_tf32", "current_device", "device_count", "empty_cache", "get_device_name", "is_available", "manual_seed",
           "manual_seed_all", "synchronize"]


def device_count() -> int:
    """Return how many GPUs CuPy sees."""
    return int(library().cuda.runtime.getDeviceCount()) if is_available() else 0


def current_device() -> int:
    """Return 0, the number of the GPU in use, which is always the first; raise RuntimeError if there is none."""
    library()
    return 0


def get_device_name(device: Any = None) -> str:
    """Return the name of the GPU in use, whatever `device` says; raise RuntimeError if there is none."""
    return str(library().cuda.runtime.getDeviceProperties(0)["name"].decode())


def empty_cache() -> None:
    """Give the memory of the GPU that no tensor uses back to the system; without a GPU do nothing."""
    if is_available():
        library().get_default_memory_pool().free_all_blocks()


def manual_seed(seed: int) -> None:
    """Do nothing: the default generator draws on the host for every device, and `minigrad.manual_seed` seeds it."""


manual_seed_all = manual_seed
