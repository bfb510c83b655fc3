"""The GPU, by PyTorch's names: whether there is one, waiting for it, and how exactly it multiplies."""

from __future__ import annotations

from .backend.cuda import allow_tf32, is_available, library, synchronize

__all__ = ["allow_tf32", "device_count", "is_available", "manual_seed", "manual_seed_all", "synchronize"]


def device_count() -> int:
    """Return how many GPUs CuPy sees."""
    return int(library().cuda.runtime.getDeviceCount()) if is_available() else 0


def manual_seed(seed: int) -> None:
    """Do nothing: the default generator, which `minigrad.manual_seed` seeds, draws for every device."""


manual_seed_all = manual_seed
