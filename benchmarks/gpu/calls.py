"""Part `calls`: how much time one call of each kind takes on the host and on the device, and what a CUDA graph can hold."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from benchmarks.gpu.frozen import Cublas, captured
from benchmarks.gpu.records import BATCH, REHEARSAL, attempt, failed, read, writer
from benchmarks.stopwatch import calls_a_block, measure_calls
from minigrad.backend import array_module, cuda
from minigrad.backend.cuda import rows
from minigrad.ops.activations import tanh_grad
from minigrad.ops.losses import squared_distance

WIDTH, HIDDEN = 784, 400
BLOCK_SECONDS = 0.0 if REHEARSAL else 0.02
FILE = "calls.jsonl"


def run(out: Path) -> int:
    """Time every call, then try to capture what the graph of a step would have to hold. Return 1 if a call failed, else 0."""
    write = writer(out / FILE)
    for title, call in calls().items():
        with attempt(write, title):
            n = calls_a_block(call, mg.cuda.synchronize, at_least=BLOCK_SECONDS)
            write(call=title, **measure_calls(call, mg.cuda.synchronize, blocks=1 if REHEARSAL else 5, calls=n))
    for title, work in captured_works().items():
        write(captured=title, answer=capture(work))
    return int(any(map(failed, read(out / FILE))))


def calls() -> dict[str, Callable[[], Any]]:
    """Return one call of every kind that a step makes, on a batch of float32 or on 64 × 64 numbers, and other ways to the same sums."""
    lib, draw = cuda.library(), np.random.default_rng(0)
    host = draw.random((BATCH, WIDTH), dtype=np.float32)
    x, y = lib.asarray(host), lib.asarray(draw.random((BATCH, WIDTH), dtype=np.float32))
    small, xp = lib.asarray(draw.random((64, 64), dtype=np.float32)), array_module(x)
    one, ones, generator = lib.ones((), "float32"), lib.ones((1, BATCH), "float32"), mg.Generator("cuda").manual_seed(0)
    weight = lib.asarray(draw.random((HIDDEN, WIDTH), dtype=np.float32))
    noise, pixels = mg.zeros(BATCH, WIDTH, device="cuda"), lib.asarray((host * 255).astype(np.uint8))
    index = lib.asarray(draw.permutation(BATCH))
    return {
        "ufunc, small": lambda: small * small,
        "ufunc into its output, small": lambda: lib.multiply(small, small, out=small),
        "fused kernel, small": lambda: tanh_grad(small, small),
        "view, small": lambda: small[1:],
        "sum by CuPy, small": lambda: lib.sum(small),
        "product, small": lambda: xp.matmul(small, small),
        "number × 0-d": lambda: one * 2.0,
        "ufunc, batch": lambda: x * y,
        "fused kernel, batch": lambda: tanh_grad(x, y),
        "sum of a fused body, batch": lambda: squared_distance(x, y),
        "the same sum by two ufuncs and CuPy, batch": lambda: lib.sum((x - y) ** 2),
        "tanh, batch": lambda: xp.tanh(x),
        "sum of columns, batch": lambda: xp.sum(x, axis=0),
        "sum of columns by CuPy, batch": lambda: lib.sum(x, axis=0),
        "sum of columns by a product with ones, batch": lambda: ones @ x,
        "product, batch": lambda: xp.matmul(x, weight.T),
        "gather of bytes and scaling, batch": lambda: rows.take(pixels, index, np.dtype("float32"), 255),
        "gather of bytes and scaling by CuPy, batch": lambda: pixels[index].astype("float32") / 255,
        "normal numbers drawn on the device, batch": lambda: noise.normal_(generator=generator),
        "normal numbers drawn on the host, batch": lambda: noise.normal_(),
        "copy to the device, batch": lambda: lib.asarray(host),
        "reading one number": lambda: one.item(),
    }


def captured_works() -> dict[str, Callable[[], Any]]:
    """Return what a graph of a whole step would have to hold."""
    lib = cuda.library()
    x, y, cublas = lib.ones((64, 64), "float32"), lib.ones((64, 64), "float32"), Cublas()
    noise, generator = mg.zeros(64, 64, device="cuda"), mg.Generator("cuda").manual_seed(0)

    def product_by_cublas() -> Any:
        cublas.use(lib.cuda.get_current_stream())
        return cublas.product(x, y)

    return {
        "fused kernel": lambda: tanh_grad(x, y),
        "sum by CuPy": lambda: lib.sum(x),
        "sum of columns": lambda: array_module(x).sum(x, axis=0),
        "sum of a fused body": lambda: squared_distance(x, y),
        "drawing": lambda: noise.normal_(generator=generator),
        "product by CuPy": lambda: x @ y,
        "product by cuBLAS through ctypes": product_by_cublas,
    }


def capture(work: Callable[[], Any]) -> str:
    """Return "works" if a CUDA graph of `work` can be captured and launched, else the error."""
    try:
        stream = cuda.library().cuda.Stream(non_blocking=True)
        with stream:
            work()  # after this it is compiled, and its memory is in the pool
            stream.synchronize()
            _, graph = captured(stream, work)
        graph.launch(stream)
        stream.synchronize()
    except Exception as error:  # whatever it is, it is the answer
        return f"{type(error).__name__}: {error}"
    return "works"
