"""CuPy, when it is asked for: finding it, moving arrays, launching fused kernels."""

from __future__ import annotations

import importlib.util

import numpy

from . import arrays

device_types: set = set()  # array types that live on a device; filled by `use`
_library: list = []  # the CuPy module, or what stands in for it in tests
_kernels: dict = {}


def use(library):
    """Make `library` (CuPy's names) the one that handles device arrays; None forgets it."""
    for old in list(device_types):
        device_types.discard(old)
        arrays._modules.pop(old, None)
        arrays._devices.pop(old, None)
    _library.clear()
    _kernels.clear()
    if library is not None:
        _library.append(library)
        device_types.add(library.ndarray)
        arrays.register(library.ndarray, library, "cuda")


def is_available():
    """Whether CuPy is installed and sees a GPU. Importing minigrad never imports CuPy."""
    if _library:
        return bool(_library[0].is_available())
    if importlib.util.find_spec("cupy") is None:
        return False
    import cupy

    return bool(cupy.is_available())


def library():
    """CuPy; a RuntimeError that says what is missing where it cannot be used."""
    if not _library:
        if importlib.util.find_spec("cupy") is None:
            raise RuntimeError("CUDA is not available: CuPy is not installed; pip install 'minigrad[cuda12]' or 'minigrad[cuda13]'")
        import cupy

        if not cupy.is_available():
            raise RuntimeError("CUDA is not available: CuPy is installed, but it finds no usable GPU or driver")
        use(cupy)
    return _library[0]


def launch(fused, args):
    """Run a fused function as one kernel on device arrays; sums follow as a second."""
    lib = library()
    host = [a for a in args if type(a) is numpy.ndarray and a.ndim]
    if host or not hasattr(lib, "ElementwiseKernel"):
        return fused._whole(*args)
    if fused not in _kernels:
        from .fuse import kernel_source

        inputs, outputs, operation = kernel_source(fused.body)
        _kernels[fused] = lib.ElementwiseKernel(inputs, outputs, operation, f"minigrad_{fused.__name__}", options=("--fmad=false",))
    body = fused.body
    dtype = next(a.dtype for a in args if type(a) is lib.ndarray)
    values = dict(zip(body.parameters, [a if type(a) is lib.ndarray else dtype.type(a) for a in args]))
    out = _kernels[fused](*[values[p] for p in body.parameters if p not in body.written], *[values[p] for p in body.written])
    if body.result is None:
        return values[body.written[0]]
    return lib.sum(out) if fused.reduce else out


def synchronize():
    """Wait for the work queued on the GPU, so that a timer reads what it should."""
    if _library:
        _library[0].cuda.Device().synchronize()
