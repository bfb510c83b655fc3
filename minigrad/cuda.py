"""Is there a GPU? PyTorch's names for what CuPy knows."""

from __future__ import annotations

from . import backend


def is_available() -> bool:
    """Whether CuPy is installed and sees a GPU."""
    return backend.cuda.is_available()  # type: ignore[no-any-return]


def device_count() -> int:
    """How many GPUs CuPy sees."""
    return int(backend.cuda.library().cuda.runtime.getDeviceCount()) if is_available() else 0


def synchronize() -> None:
    """Wait for the work queued on the GPU."""
    backend.synchronize()
