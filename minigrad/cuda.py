"""Is there a GPU? PyTorch's names for what CuPy knows."""

from __future__ import annotations

from . import backend

__all__ = ["allow_tf32", "device_count", "is_available", "synchronize"]


def is_available() -> bool:
    """Return whether CuPy is installed and sees a GPU."""
    return backend.cuda.is_available()


def device_count() -> int:
    """Return how many GPUs CuPy sees."""
    return int(backend.cuda.library().cuda.runtime.getDeviceCount()) if is_available() else 0


def allow_tf32(enabled: bool | None = None) -> bool:
    """Let float32 matrix products round their factors to TF32 (10 bits of fraction), or not; return whether they did before.

    Without an argument nothing changes. Off by default; PyTorch's torch.backends.cuda.matmul.allow_tf32.
    """
    return backend.cuda.allow_tf32(enabled)


def synchronize() -> None:
    """Wait for the work queued on the GPU."""
    backend.synchronize()
