"""CuPy, when it is asked for: finding it, launching kernels, choosing how exactly float32 is multiplied."""

from __future__ import annotations

import importlib.util

from .. import arrays

device_types: set = set()  # array types that live on a device; filled by `use`
_library: list = []  # the CuPy module, or what stands in for it in tests
kept: dict = {}  # kernels and counters that were made for the library, each under its maker's key
OPTIONS = ("--fmad=false",)  # a kernel rounds where its plain twin does
FUSED = (arrays.float32, arrays.float64)  # other dtypes take the plain way, whose promotion is the library's


def use(library):
    """Let `library` (CuPy's names; or None) handle device arrays. Returns the one before."""
    before = _library[0] if _library else None
    for old in list(device_types):
        device_types.discard(old)
        arrays._modules.pop(old, None)
        arrays._devices.pop(old, None)
    _library.clear()
    kept.clear()
    if library is not None:
        from .cupy_names import face

        _library.append(library)
        device_types.add(library.ndarray)
        arrays.register(library.ndarray, face(library), "cuda")
    return before


def cupy():
    """The CuPy module; None where it is not installed. An ImportError says that it is broken."""
    if importlib.util.find_spec("cupy") is None:
        return None
    import cupy

    return cupy


def is_available():
    """Whether CuPy is installed and sees a GPU. Importing minigrad never imports CuPy."""
    try:
        found = _library[0] if _library else cupy()
    except ImportError:  # `library` says so to whoever wants to use it
        return False
    return found is not None and bool(found.is_available())


def library():
    """CuPy; a RuntimeError that says what is missing where it cannot be used."""
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
    if key not in kept:
        *source, preamble = make()
        kept[key] = library().ElementwiseKernel(*source, preamble=preamble, options=OPTIONS)
    return kept[key]


def raw_kernel(key, make):
    """Return the RawKernel of make() = (text, name), made once for each `key`."""
    if key not in kept:
        kept[key] = library().RawKernel(*make(), options=OPTIONS)
    return kept[key]


def allow_tf32(enabled=None):
    """Let float32 matrix products round their factors to TF32 (10 bits of fraction), or not; whether they did.

    Without an argument nothing changes. Off unless asked for here, or for all of CuPy by CUPY_TF32=1.
    """
    linalg = library()._core._routines_linalg
    before = linalg.get_compute_type(arrays.float32) == linalg.COMPUTE_TYPE_TF32
    if enabled is not None:
        linalg.set_compute_type(
            arrays.float32, linalg.COMPUTE_TYPE_TF32 if enabled else linalg.COMPUTE_TYPE_DEFAULT
        )
    return before


def synchronize():
    """Wait for the work queued on the GPU, so that a timer reads what it should."""
    if _library:
        from . import range_checks

        range_checks.raise_noted()
        _library[0].cuda.Device().synchronize()
