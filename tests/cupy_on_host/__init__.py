"""The real CuPy on this machine's processor: CUDA's runtime, driver, NVRTC and cuBLAS are replaced, nothing of CuPy is.

`PYTHONPATH=tests pytest -p cupy_on_host -m gpu` runs the tests for a GPU without one: CuPy's own code checks arguments, chooses
kernels and writes their text, g++ compiles it (kernel.h says what CUDA's words mean), and memory of the device is memory of the
host, full of rubbish when new.
CuPy's modules call CUDA through tables of C functions, `__pyx_capi__`; what stands there is exchanged before CuPy is imported.
Not covered: CUB's sums (switched off), float16, how CUDA rounds, and everything about time.
"""

import collections
import ctypes
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import types

from minigrad.backend.compiled import cache_folder

HERE = pathlib.Path(__file__).parent
NAME = "this machine's processor (no GPU)"
TYPES = {
    "PyObject *": ctypes.py_object,
    "intptr_t": ctypes.c_ssize_t,
    "size_t": ctypes.c_size_t,
    "int": ctypes.c_int,
    "unsigned int": ctypes.c_uint,
    "float": ctypes.c_float,
}
waits: collections.Counter = collections.Counter()  # how often the host waited for the device, by the function that did
_kept: list = []  # libraries that were loaded


# ---- what CUDA's functions do here


def nothing(*_):
    """There is nothing to do."""


def number(value):
    """A function that returns `value`."""
    return lambda *_: value


def waiting(name):
    """A function that waits for the device, which is done already."""
    return lambda *_: waits.update([name])


libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
libc.aligned_alloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]


def allocate(size, *_):
    """New memory, full of rubbish: NaNs."""
    place = libc.aligned_alloc(512, -(-size // 512) * 512)
    ctypes.memset(place, 0xFF, size)
    return place


def release(place, *_, free=libc.free):
    """Give memory back, to the very end of the process."""
    free(place)


def copy(target, source, size, *_):
    """Copy memory, and wait for it."""
    waits.update(["memcpy"])
    ctypes.memmove(target, source, size)


def copy_later(target, source, size, *_):
    """Copy memory; nobody waits."""
    ctypes.memmove(target, source, size)


def fill(target, value, size, *_):
    """Fill memory with bytes."""
    ctypes.memset(target, value, size)


def attribute(which, _):
    """What a device can do: an H100's numbers where CuPy asks for them."""
    known = {1: 1024, 2: 1024, 5: 2**31 - 1, 6: 65535, 7: 65535, 8: 49152, 10: 32, 16: 132, 39: 2048, 75: 9, 76: 0}
    return known.get(which, 1)


def properties(_):
    """The device's description."""
    return {"name": NAME.encode(), "warpSize": 32, "multiProcessorCount": 132, "major": 9, "minor": 0, "sharedMemPerBlock": 49152}


def load_module(image):
    """A compiled module: the path of a library."""
    loaded = ctypes.PyDLL(image.decode())
    _kept.append(loaded)
    return len(_kept) - 1


def get_function(module, name):
    """The address of a kernel."""
    name = name.decode() if isinstance(name, bytes) else name
    return ctypes.cast(getattr(_kept[module], f"launch_{name}"), ctypes.c_void_p).value


LAUNCH = ctypes.PYFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_uint] * 3)


def launch(function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared, stream, parameters, extra):
    """Run a kernel to its end."""
    if (grid_y, grid_z, block_z) != (1, 1, 1):
        raise NotImplementedError(f"a grid of {grid_x} × {grid_y} × {grid_z} blocks")
    LAUNCH(function)(parameters, grid_x, block_x, block_y)


RUNTIME = {
    **dict.fromkeys(["_ensure_context", "setDevice", "eventDestroy", "eventQuery", "eventRecord", "streamDestroy", "streamQuery"], nothing),
    **{name: waiting(name) for name in ("deviceSynchronize", "eventSynchronize", "streamSynchronize")},
    **dict.fromkeys(["driverGetVersion", "runtimeGetVersion"], number(12090)),
    **dict.fromkeys(["eventCreate", "eventCreateWithFlags", "streamCreate", "streamCreateWithFlags"], number(1)),
    **dict.fromkeys(["getDevice", "streamIsCapturing", "pointerGetMemoryType"], number(0)),
    **dict.fromkeys(["malloc", "mallocAsync", "hostAlloc"], allocate),
    **dict.fromkeys(["free", "freeAsync", "freeHost"], release),
    **dict.fromkeys(["memset", "memsetAsync"], fill),
    "getDeviceCount": number(1),
    "memGetInfo": number((60 << 30, 80 << 30)),
    "memcpy": copy,
    "memcpyAsync": copy_later,
    "deviceGetAttribute": attribute,
    "getDeviceProperties": properties,
}
DRIVER = {
    "ctxGetCurrent": number(1),
    "ctxGetDevice": number(0),
    "streamGetCtx": number(1),
    "funcGetAttribute": lambda which, _: 1024 if which == 0 else 0,
    "funcSetAttribute": nothing,
    "occupancyMaxActiveBlocksPerMultiprocessor": number(2),
    "occupancyMaxPotentialBlockSize": number((132, 1024)),
    "moduleLoadData": load_module,
    "moduleGetFunction": get_function,
    "moduleUnload": nothing,
    "launchKernel": launch,
}


# ---- putting them there


def exchange(module, name, function):
    """Let CuPy's module use `function`, in Python and where its other modules call it from C."""
    capsule = module.__pyx_capi__[name]
    result, parameters = re.search(r'"(.+?) ?\((.*)\)"', repr(capsule)).groups()
    kinds = [p.replace("__pyx_skip_dispatch", "").strip() for p in parameters.split(",")]
    count = len([p for p in parameters.split(",") if p.strip() != "void" and "__pyx" not in p])
    made = ctypes.PYFUNCTYPE(TYPES[result], *[TYPES.get(kind, ctypes.c_void_p) for kind in kinds if kind != "void"])(
        lambda *given: function(*given[:count])
    )
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(made))  # CuPy calls it until the process is gone
    point = ctypes.pythonapi.PyCapsule_SetPointer
    point.argtypes = [ctypes.py_object, ctypes.c_void_p]
    point(capsule, ctypes.cast(made, ctypes.c_void_p))
    if hasattr(module, name):
        setattr(module, name, function)


def built(name, source, *options):
    """The path of a library made of C++ text, kept in minigrad's cache."""
    folder = cache_folder() / "cupy_on_host"
    path = folder / hashlib.sha256(f"{source}{options}".encode()).hexdigest()[:24] / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".so", delete=False) as made:
            pass
        command = ["g++", "-x", "c++", "-std=c++17", "-O1", "-w", "-fpermissive", "-ffp-contract=off", "-shared", "-fPIC"]
        done = subprocess.run([*command, *options, "-o", made.name, "-"], input=source, text=True, capture_output=True)
        if done.returncode:
            os.unlink(made.name)
            raise RuntimeError(f"g++ rejects {name}:\n{done.stderr[:3000]}")
        os.replace(made.name, path)
    return str(path)


def compile_by_gcc(source, options=(), *_, **__):
    """In NVRTC's place: the path of a library with a launcher for each kernel in the text."""
    import cupy
    import nvidia.cuda_runtime

    source = source.replace("#include <cupy/complex.cuh>", "")
    plain = re.sub(r"__launch_bounds__\([^)]*\)", "", source)
    together = str("__syncthreads" in source).lower()  # threads that wait for each other
    launchers = [f"LAUNCHER({name}, {together})\n" for name in re.findall(r'extern "C"\s[\w\s]*?(\w+)\s*\(', plain)]
    headers = [cupy._core.core._get_header_dir_path(), f"{nvidia.cuda_runtime.__path__[0]}/include"]
    text = (HERE / "kernel.h").read_text() + source + "".join(launchers)
    defines = [option for option in options if option.startswith("-D")]
    return built("kernel.so", text, *defines, *[f"-I{h}" for h in headers]).encode(), None


def install():
    """Exchange everything; CuPy must not have been imported."""
    if "cupy" in sys.modules:
        raise RuntimeError("cupy_on_host: CuPy is imported already")
    os.environ["CUPY_ACCELERATORS"] = ""
    from cupy_backends.cuda.api import driver, runtime

    for module, functions in ((runtime, RUNTIME), (driver, DRIVER)):
        for name, function in functions.items():
            exchange(module, name, function)
    linked = "-Wl,-soname,libcublas.so.12", f"-Wl,--version-script={HERE / 'cublas.map'}"
    cublas = built("libcublas.so.12", (HERE / "cublas.cpp").read_text(), *linked)
    _kept.append(ctypes.CDLL(cublas, mode=ctypes.RTLD_GLOBAL))
    from cupy.cuda import compiler
    from cupy_backends.cuda import libs

    sys.setdlopenflags(os.RTLD_LAZY)  # what is missing of cuBLAS is not called
    libs._pathfinder = types.SimpleNamespace(load_nvidia_dynamic_lib=nothing)  # cuBLAS is loaded
    compiler._compile_using_nvrtc_no_warning = compile_by_gcc
    compiler._preprocess = number("")
    compiler._kernel_cache_backend.load = compiler._kernel_cache_backend.save = nothing


install()
