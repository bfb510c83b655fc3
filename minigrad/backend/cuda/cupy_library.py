"""CuPy, imported on request: finding it, making kernels with it, choosing how exactly it multiplies float32 matrices."""

from __future__ import annotations

import importlib.util
from typing import Any

from .. import arrays
from ..dtypes import float32, float64

device_types: set = set()  # the types of arrays that live on a device; filled by `use`
made: dict = {}  # kernels and counters that were made for the library in use, by key
OPTIONS = ("--fmad=false",)  # no fused multiply-add: a kernel rounds where its plain twin does
FUSED = (float32, float64)  # the dtypes that minigrad's own kernels compute in; others are left to CuPy and its promotion

_library: list = []  # the CuPy module, or its stand-in in tests
make_names: Any = None  # cupy_names.cupy_names, which sets it, since this module must not import that one


def use(library):
    """Let `library` (a module with CuPy's names, or None) handle device arrays; return the one before."""
    before = in_use()
    for old in device_types:
        arrays.unregister(old)
    device_types.clear()
    _library.clear()
    made.clear()
    if library is not None:
        _library.append(library)
        device_types.add(library.ndarray)
        arrays.register(library.ndarray, make_names(library), "cuda")
    return before


def in_use():
    """Return the library that handles device arrays; None if none has been asked for."""
    return _library[0] if _library else None


def cupy():
    """Return the CuPy module, or None where it is not installed. Raise ImportError where it is broken."""
    if importlib.util.find_spec("cupy") is None:
        return None
    import cupy

    return cupy


def is_available() -> bool:
    """Return whether CuPy is installed and finds a GPU. This imports CuPy; `import minigrad` does not."""
    try:
        found = in_use() or cupy()
    except ImportError:  # `library` raises it again, with an explanation
        return False
    return found is not None and bool(found.is_available())


def library():
    """Return CuPy, imported at the first call; raise a RuntimeError that says what is missing where it cannot be used."""
    if not _library:
        try:
            found = cupy()
        except ImportError as error:
            raise RuntimeError(f"CUDA is not available: CuPy is installed, but cannot be imported: {error}") from error
        if found is None:
            hint = "in a clone of minigrad: pip install -e '.[cuda12]' or '.[cuda13]'"
            raise RuntimeError(f"CUDA is not available: CuPy is not installed; {hint}")
        if not found.is_available():
            raise RuntimeError("CUDA is not available: CuPy is installed, but it finds no usable GPU or driver")
        use(found)
    return _library[0]


def kernel(key, make):
    """Return the ElementwiseKernel of make() = (inputs, outputs, operation, name, preamble), made once for each `key`."""
    if key not in made:
        *source, preamble = make()
        made[key] = library().ElementwiseKernel(*source, preamble=preamble, options=OPTIONS)
    return made[key]


def raw_kernel(key, make):
    """Return the RawKernel of make() = (text, name), made once for each `key`."""
    if key not in made:
        made[key] = library().RawKernel(*make(), options=OPTIONS)
    return made[key]


def allow_tf32(enabled: bool | None = None) -> bool:
    """Let float32 matrix products round their factors to TF32 (10 bits of fraction), or not; return whether they did before.

    Without an argument nothing changes. TF32 is off unless it was allowed here, or for all of CuPy by CUPY_TF32=1. PyTorch's name of
    the switch is torch.backends.cuda.matmul.allow_tf32.
    """
    linalg = library()._core._routines_linalg
    before = linalg.get_compute_type(float32) == linalg.COMPUTE_TYPE_TF32
    if enabled is not None:
        linalg.set_compute_type(float32, linalg.COMPUTE_TYPE_TF32 if enabled else linalg.COMPUTE_TYPE_DEFAULT)
    return before
