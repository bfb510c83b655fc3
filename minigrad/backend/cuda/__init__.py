"""The GPU: CuPy, imported on request, with NumPy's names as the operations call them, and kernels that minigrad writes itself."""

from . import cupy_names, philox, range_checks, rows, sums
from .cupy_library import FUSED, OPTIONS, allow_tf32, cupy, device_types, is_available, kernel, library, raw_kernel, use
from .range_checks import synchronize

__all__ = ["FUSED", "OPTIONS", "allow_tf32", "cupy", "cupy_names", "device_types", "is_available", "kernel", "library", "philox",
           "range_checks", "raw_kernel", "rows", "sums", "synchronize", "use"]
