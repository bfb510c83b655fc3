"""Part `crossover`: from which size on is a GPU faster? Steps of minigrad on CPU and GPU, by batch and by width, and single operations."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from benchmarks.gpu.records import REHEARSAL, attempt, failed, read, timed, writer
from minigrad import nn, optim

BATCHES = (2, 10) if REHEARSAL else (10, 30, 100, 300, 1000, 3000, 10_000)
WIDTHS = (2, 10) if REHEARSAL else (10, 30, 100, 300, 1000, 3000)
PIXELS, HIDDEN, BATCH = (20, 10, 3) if REHEARSAL else (784, 400, 1000)
DTYPES = ("float32", "float64")
FILE = "crossover.jsonl"

Make = Callable[[str], tuple[Callable[[], Any], int]]  # given a device, returns a call on it, and how many of them are a block on the CPU


def run(out: Path) -> int:
    """Time everything on both devices, one size after the other. Return 1 if something failed, else 0."""
    write = writer(out / FILE)
    for about, make in works():
        for device in ("cuda", "cpu"):
            with attempt(write, f"{about} on {device}"):
                call, calls = make(device)
                calls = 50 if device == "cuda" else calls
                write(**about, device=device, threads=mg.get_num_threads(), **timed(call, calls=calls, blocks=3))
    return int(any(map(failed, read(out / FILE))))


def works() -> Iterator[tuple[dict[str, Any], Make]]:
    """Yield a description of each thing that is timed, and the function that makes it."""
    for dtype in DTYPES:
        for n in BATCHES:
            yield {"axis": "batch", "value": n, "dtype": dtype}, partial(step_of, n, HIDDEN, dtype)
        for n in WIDTHS:
            yield {"axis": "hidden", "value": n, "dtype": dtype}, partial(step_of, BATCH, n, dtype)
    for n in WIDTHS:
        yield {"axis": "product", "value": n, "dtype": "float32"}, partial(operation, mg.matmul, 2, n)
    for n in WIDTHS:
        yield {"axis": "tanh", "value": n, "dtype": "float32"}, partial(operation, mg.tanh, 1, n)


def step_of(batch: int, hidden: int, dtype: str, device: str) -> tuple[Callable[[], Any], int]:
    """Return an Adam step of an autoencoder 784-hidden-784 on a batch that lies ready."""
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(PIXELS, hidden), nn.Tanh(), nn.Linear(hidden, PIXELS), nn.Sigmoid())
    net.to(device, getattr(mg, dtype))
    optimizer, criterion = optim.Adam(net.parameters()), nn.MSELoss()
    x = mg.from_numpy(np.random.default_rng(0).random((batch, PIXELS)).astype(dtype)).to(device)

    def step() -> None:
        optimizer.zero_grad()
        criterion(net(x), x).backward()
        optimizer.step()

    return step, max(1, min(50, 8_000_000 // (batch * hidden)))


def operation(function: Callable[..., Any], arguments: int, n: int, device: str) -> tuple[Callable[[], Any], int]:
    """Return a call of a function on n × n matrices."""
    x = mg.from_numpy(np.random.default_rng(0).random((n, n)).astype("float32")).to(device)
    return partial(function, *[x] * arguments), max(1, 1000 // n)
