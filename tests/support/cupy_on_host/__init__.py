"""The real CuPy on this machine's processor: CUDA's runtime, driver, NVRTC and cuBLAS are replaced, nothing of CuPy is.

`PYTHONPATH=tests pytest -p support.cupy_on_host -m gpu` runs the tests for a GPU without one, with CuPy's wheel for CUDA 12 or for CUDA 13:
CuPy's own code checks arguments, chooses kernels and writes their text, and g++ compiles it (kernel.h defines CUDA's words). Memory of
the device is memory of the host, filled with NaNs when it is new. A stream that is captured records its kernels, copies and products; its
graph repeats them.
CuPy's modules call CUDA through tables of C functions, `__pyx_capi__`, whose entries are replaced before CuPy is imported.
Not covered are CUB's sums (switched off), how CUDA rounds, and everything about time.
"""

import ctypes
import os
import re
import sys
import types
import warnings

from . import compiler, runtime

TYPES = {
    "PyObject *": ctypes.py_object,
    "intptr_t": ctypes.c_ssize_t,
    "size_t": ctypes.c_size_t,
    "int": ctypes.c_int,
    "unsigned int": ctypes.c_uint,
    "float": ctypes.c_float,
}


def exchange(module, name, function):
    """Let CuPy's module use `function`, in Python and where its other modules call it from C."""
    capsule = module.__pyx_capi__[name]
    result, parameters = re.search(r'"(.+?) ?\((.*)\)"', repr(capsule)).groups()
    kinds = [p.replace("__pyx_skip_dispatch", "").strip() for p in parameters.split(",")]
    count = len([p for p in parameters.split(",") if p.strip() != "void" and "__pyx" not in p])
    made = ctypes.PYFUNCTYPE(TYPES[result], *[TYPES.get(kind, ctypes.c_void_p) for kind in kinds if kind != "void"])(
        lambda *given: function(*given[:count])
    )
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(made))  # CuPy may call it until the process ends
    point = ctypes.pythonapi.PyCapsule_SetPointer
    point.argtypes = [ctypes.py_object, ctypes.c_void_p]
    point(capsule, ctypes.cast(made, ctypes.c_void_p))
    if hasattr(module, name):
        setattr(module, name, function)


def install():
    """Replace everything; CuPy must not have been imported before."""
    if "cupy" in sys.modules:
        raise RuntimeError("cupy_on_host: CuPy is imported already")
    os.environ["CUPY_ACCELERATORS"] = ""
    from cupy_backends.cuda.api import driver
    from cupy_backends.cuda.api import runtime as cuda_runtime

    for module, functions in ((cuda_runtime, runtime.RUNTIME), (driver, runtime.DRIVER)):
        for name, function in functions.items():
            exchange(module, name, function)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"(?s).*multiple CuPy packages are installed")  # in two folders: see test_cupy_on_host.py
        from cupy.cuda import compiler as nvrtc
    from cupy_backends.cuda import libs

    sys.setdlopenflags(os.RTLD_LAZY)  # functions that this cuBLAS lacks are never called
    libs._pathfinder = types.SimpleNamespace(load_nvidia_dynamic_lib=runtime.nothing)  # cuBLAS is loaded
    nvrtc._compile_using_nvrtc_no_warning = compiler.compile_by_gcc
    nvrtc._preprocess = runtime.number("")
    nvrtc._kernel_cache_backend.load = nvrtc._kernel_cache_backend.save = runtime.nothing


install()
