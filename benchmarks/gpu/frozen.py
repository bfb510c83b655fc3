"""A whole training step as one CUDA graph, whose scalars stay as they were at the capture: it shows what graphs would gain.

CuPy refuses cuBLAS while a stream is captured (cupy #6290). cuBLAS itself allows it, so the products are made here by the cuBLAS that
CuPy has loaded, called through ctypes with a handle and a workspace of their own.
"""

import contextlib
import ctypes
import gc
import os
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.works import Trainer
from minigrad.backend import array_module, cuda

WORKSPACE = 32 << 20  # bytes, as many as cuBLAS asks for on Hopper
REAL_32F, REAL_64F, COMPUTE_32F, COMPUTE_64F, DEFAULT_ALGORITHM = 0, 1, 68, 70, 99  # cuBLAS's numbers for these names


class Cublas:
    """Products of matrices by cublasGemmEx."""

    def __init__(self) -> None:
        self.lib = cuda.library()
        self.lib.ones((2, 2), "float32") @ self.lib.ones((2, 2), "float32")  # CuPy loads its cuBLAS
        self.functions, self.handle = loaded_cublas(), ctypes.c_void_p()
        self.workspace = self.lib.empty(WORKSPACE, "uint8")
        check(self.functions.cublasCreate_v2(ctypes.byref(self.handle)))
        self.kinds = {
            "f": (ctypes.c_float(1), ctypes.c_float(0), REAL_32F, COMPUTE_32F),
            "d": (ctypes.c_double(1), ctypes.c_double(0), REAL_64F, COMPUTE_64F),
        }

    def use(self, stream: Any) -> None:
        """Work on `stream`. Setting a stream takes the workspace away, so that is set afterwards."""
        check(self.functions.cublasSetStream_v2(self.handle, ctypes.c_void_p(stream.ptr)))
        size = ctypes.c_size_t(self.workspace.nbytes)
        check(self.functions.cublasSetWorkspace_v2(self.handle, ctypes.c_void_p(self.workspace.data.ptr), size))

    def product(self, x: Any, y: Any) -> Any:
        """Return x @ y. cuBLAS reads matrices column by column, so it is asked for yᵀ xᵀ."""
        (m, k), n = x.shape, y.shape[1]
        out = self.lib.empty((m, n), x.dtype)
        one, zero, kind, compute = self.kinds[x.dtype.char]
        (x_turned, x_row), (y_turned, y_row) = layout(x), layout(y)
        x_at, y_at, out_at = (ctypes.c_void_p(a.data.ptr) for a in (x, y, out))
        factors = y_at, kind, y_row, x_at, kind, x_row
        target = ctypes.byref(zero), out_at, kind, n
        sizes = y_turned, x_turned, n, m, k
        check(self.functions.cublasGemmEx(self.handle, *sizes, ctypes.byref(one), *factors, *target, compute, DEFAULT_ALGORITHM))
        return out


def loaded_cublas() -> ctypes.CDLL:
    """Return the cuBLAS that this process has loaded."""
    for major in (13, 12):
        with contextlib.suppress(OSError):
            return ctypes.CDLL(f"libcublas.so.{major}", mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
    raise RuntimeError("CuPy has not loaded cuBLAS")


def check(status: int) -> None:
    """Raise unless cuBLAS reports success."""
    if status:
        raise RuntimeError(f"cuBLAS status {status}")


def layout(a: Any) -> tuple[int, int]:
    """Return 0 for a matrix that lies row by row, 1 for a transposed view of one, and the length of a row in memory."""
    for turned, (inner, outer) in enumerate(((a.strides[1], a.strides[0]), (a.strides[0], a.strides[1]))):
        if inner == a.itemsize:
            return turned, outer // a.itemsize
    raise RuntimeError(f"a matrix with strides {a.strides}")


@contextlib.contextmanager
def products_by(cublas: Cublas) -> Iterator[None]:
    """Let minigrad's products on the device be made by `cublas`."""
    xp: Any = array_module(cublas.workspace)
    before = xp.matmul, xp.linear

    def linear(x: Any, weight: Any, bias: Any) -> Any:
        y = cublas.product(x, weight.T)
        y += bias
        return y

    xp.matmul, xp.linear = cublas.product, linear
    try:
        yield
    finally:
        xp.matmul, xp.linear = before


def frozen_step(trainer: Trainer) -> tuple[Callable[[], Any], dict[str, Any]]:
    """Return a function that replays one step, each time with the same noise, rate and batch, and a record of whether that works."""
    lib: Any = cuda.library()
    step, index = trainer.gathering_step(True), trainer.indices()[0]
    cublas, stream, pool = Cublas(), lib.cuda.Stream(non_blocking=True), lib.cuda.MemoryPool()
    parameters = [p.array for p in trainer.run.net.parameters()]
    lib.cuda.Device().synchronize()
    with lib.cuda.using_allocator(pool.malloc), stream, products_by(cublas):
        cublas.use(stream)
        for _ in range(3):  # after these everything is compiled, and its memory is in the pool
            step(index)
        stream.synchronize()
        saved = [p.copy() for p in parameters]
        loss, graph = captured(stream, lambda: step(index))
    stream.synchronize()
    unchanged = all(bool((a == b).all()) for a, b in zip(parameters, saved))
    losses = []
    for _ in range(3):
        graph.launch(stream)
        stream.synchronize()
        losses.append(float(loss.array.get()))
    moved = not any(bool((a == b).all()) for a, b in zip(parameters, saved))

    def replay(kept: Any = (pool, cublas, loss)) -> None:
        """Launch the graph, whose memory must live as long as this function."""
        graph.launch()

    return replay, {"capture_changes_nothing": unchanged, "replays_train": moved, "losses": losses}


def captured(stream: Any, work: Callable[[], Any]) -> tuple[Any, Any]:
    """Return what work() returns and the graph of it, captured on the current stream."""
    gc.collect()
    gc.disable()  # so that no other memory is freed during the capture
    try:
        stream.begin_capture()
        try:
            result = work()
        finally:
            graph = stream.end_capture()
    finally:
        gc.enable()
    return result, graph
