"""A stand-in for CUDA's runtime and driver, in Python: memory of the host, kernels as functions of a library, graphs as lists of calls."""

import collections
import ctypes
from dataclasses import dataclass

from . import cublas, toolkit
from .compiler import HERE, built

NAME = f"this machine's processor (no GPU) with CUDA {toolkit.installed.major}"
waits: collections.Counter = collections.Counter()  # how often the host waited for the device, by function
launched: collections.Counter = collections.Counter()  # how often each was launched: kernels by name, "copy", "fill", "graph"


def nothing(*_):
    """Do nothing."""


def number(value):
    """Return a function that returns `value`."""
    return lambda *_: value


def waiting(name):
    """Return a function that counts a wait for the device, whose work is always done already."""

    def wait(*_):
        waits[name] += 1

    return wait


libc = ctypes.CDLL(None)
libc.aligned_alloc.restype = ctypes.c_void_p
libc.aligned_alloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]


def allocate(size, *_):
    """Return new memory, full of rubbish: NaNs."""
    place = libc.aligned_alloc(512, -(-size // 512) * 512)
    ctypes.memset(place, 0xFF, size)
    return place


def release(place, *_, free=libc.free):
    """Free memory; do nothing while the process ends."""
    free(place)


def copy(target, source, size, *_):
    """Copy memory, and wait for it."""
    waits["memcpy"] += 1
    launched["copy"] += 1
    ctypes.memmove(target, source, size)


def copy_later(target, source, size, *_):
    """Copy memory without waiting, or record that a graph does so."""
    launched["copy"] += 1
    do_or_record(lambda: ctypes.memmove(target, source, size))


def fill(target, value, size, *_):
    """Fill memory with bytes, or record that a graph does so."""
    launched["fill"] += 1
    do_or_record(lambda: ctypes.memset(target, value, size))


def attribute(which, _):
    """Return what a device can do, with an H100's numbers for the attributes that CuPy asks for."""
    known = {1: 1024, 2: 1024, 5: 2**31 - 1, 6: 65535, 7: 65535, 8: 49152, 10: 32, 16: 132, 39: 2048, 75: 9, 76: 0}
    return known.get(which, 1)


def properties(_):
    """Return the device's description."""
    return {"name": NAME.encode(), "warpSize": 32, "multiProcessorCount": 132, "major": 9, "minor": 0, "sharedMemPerBlock": 49152}


blocks = ctypes.CDLL(built("blocks.so", (HERE / "blocks.cpp").read_text()), mode=ctypes.RTLD_GLOBAL)  # which kernels call
_modules: list = []  # a module's handle is its index here


def load_module(image):
    """Load a compiled module, a library whose path is given, and return its handle."""
    _modules.append(ctypes.PyDLL(image.decode()))
    return len(_modules) - 1


class Kernel:
    """A compiled kernel: `launch` runs it, and `keep` copies its arguments for a later launch."""

    def __init__(self, module, name):
        self.name = name
        self.launch, self.keep = getattr(module, f"launch_{name}"), getattr(module, f"keep_{name}")
        self.launch.argtypes, self.launch.restype = [ctypes.c_void_p, *[ctypes.c_uint] * 3], None
        self.keep.argtypes, self.keep.restype = [ctypes.c_void_p], ctypes.c_void_p


_kernels: list = []  # a kernel's handle is its index here, counted from 1


def get_function(module, name):
    """Return the handle of a kernel."""
    _kernels.append(Kernel(_modules[module], name.decode() if isinstance(name, bytes) else name))
    return len(_kernels)


def launch(function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared, stream, parameters, extra):
    """Run a kernel to its end, or record that a graph runs it with these arguments."""
    if (grid_y, grid_z, block_z) != (1, 1, 1):
        raise NotImplementedError(f"a grid of {grid_x} × {grid_y} × {grid_z} blocks")
    kernel = _kernels[function - 1]
    launched[kernel.name] += 1
    if _capture is not None:
        if stream != _capture.stream:
            raise RuntimeError(f"{kernel.name} is launched on another stream than the one that is captured")
        parameters = kernel.keep(parameters)
    do_or_record(lambda: kernel.launch(parameters, grid_x, block_x, block_y))


# ---- graphs: a list of calls


@dataclass
class Capture:
    """The stream that is captured, and the calls that it was given so far."""

    stream: int
    calls: list


_capture: Capture | None = None
_graphs: list = []  # a graph's handle is its index here, counted from 1
_streams = iter(range(1000, 1 << 30))


def do_or_record(call):
    """Make the call, or, while a stream is captured, keep it for the stream's graph."""
    if _capture is None:
        call()
    else:
        _capture.calls.append(call)


def begin_capture(stream, *_):
    """Record calls from now on."""
    global _capture
    if _capture is not None:
        raise RuntimeError("a stream is captured already")
    _capture = Capture(stream, [])
    cublas.set_recorder(_capture.calls.append)


def end_capture(stream):
    """Stop recording and return the handle of the graph."""
    global _capture
    _graphs.append(_capture.calls)
    _capture = None
    cublas.set_recorder(None)
    return len(_graphs)


def launch_graph(graph, stream):
    """Make all calls of a graph."""
    launched["graph"] += 1
    for call in _graphs[graph - 1]:
        call()


# ---- the names of CUDA's functions


RUNTIME = {
    **dict.fromkeys(["_ensure_context", "setDevice", "eventDestroy", "eventQuery", "eventRecord", "streamDestroy", "streamQuery"], nothing),
    **{name: waiting(name) for name in ("deviceSynchronize", "eventSynchronize", "streamSynchronize")},
    **dict.fromkeys(["driverGetVersion", "runtimeGetVersion"], number(toolkit.installed.major * 1000)),
    **dict.fromkeys(["eventCreate", "eventCreateWithFlags", "streamCreate", "streamCreateWithFlags"], number(1)),
    **dict.fromkeys(["getDevice", "pointerGetMemoryType"], number(0)),
    **dict.fromkeys(["malloc", "mallocAsync", "hostAlloc"], allocate),
    **dict.fromkeys(["free", "freeAsync", "freeHost"], release),
    **dict.fromkeys(["memset", "memsetAsync"], fill),
    **dict.fromkeys(["graphDestroy", "graphExecDestroy", "graphUpload", "streamWaitEvent"], nothing),
    "streamCreateWithPriority": lambda *_: next(_streams),
    "streamIsCapturing": lambda stream: int(_capture is not None and stream == _capture.stream),
    "streamBeginCapture": begin_capture,
    "streamEndCapture": end_capture,
    "graphInstantiate": lambda graph: graph,
    "graphLaunch": launch_graph,
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
