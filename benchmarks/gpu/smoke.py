"""Part `smoke`: does the device compute what the host does? Each line of smoke.jsonl says whether a result is `good`."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import minigrad as mg
from benchmarks.engines import ENGINES, load
from benchmarks.gpu.records import BATCH, IMAGES, Write, attempt, failed, read, writer
from benchmarks.works import WORKS, Trainer
from minigrad.backend import cuda

PRODUCTS = {"float32": 3e-6, "float64": 1e-14}  # the relative error that a product may have
STEPS = {"float32": 2e-5, "float64": 1e-10}  # the relative error that the losses of five steps may have
FILE = "smoke.jsonl"


def run(out: Path) -> int:
    """Make all checks, also after one has failed. Return 1 if one failed, else 0."""
    write = writer(out / FILE)
    clock = time.perf_counter()
    cuda.library().ones(1).get()
    write(what="context and first kernel", seconds=time.perf_counter() - clock)
    checks: tuple[Callable[[Write], None], ...] = (products, normal_numbers, index_out_of_range, rows_and_sums, steps)
    for check in checks:
        with attempt(write, check.__name__):
            check(write)
    return int(any(map(failed, read(out / FILE))))


def products(write: Write) -> None:
    """Check a product of two matrices, one of them transposed."""
    lib, rng = cuda.library(), np.random.default_rng(0)
    for dtype, tolerance in PRODUCTS.items():
        a, b = (rng.normal(size=(300, 200)).astype(dtype) for _ in range(2))
        exact = a.astype("float64") @ b.astype("float64").T
        error = np.linalg.norm((lib.asarray(a) @ lib.asarray(b).T).get() - exact) / np.linalg.norm(exact)
        write(what=f"product, {dtype}", error=error, good=error < tolerance)


def normal_numbers(write: Write) -> None:
    """Check the mean and the standard deviation of a million numbers drawn on the device."""
    z = mg.zeros(1_000_000, device="cuda").normal_(generator=mg.Generator("cuda").manual_seed(1)).cpu().numpy()
    write(what="normal numbers", mean=z.mean(), std=z.std(), good=abs(z.mean()) < 5e-3 and abs(z.std() - 1) < 5e-3)


def index_out_of_range(write: Write) -> None:
    """Check that an index out of range raises IndexError at the next read."""
    try:
        mg.ones(4).cuda()[mg.tensor([0, 9]).cuda()].tolist()
        write(what="index out of range", good=False)
    except IndexError as error:
        write(what="index out of range", good="found on the GPU" in str(error))


def rows_and_sums(write: Write) -> None:
    """Check rows taken by number, and both kinds of sums by many blocks: the host's values, and the same bits twenty times."""
    host = np.random.default_rng(0).normal(size=(5 * BATCH, 300)).astype("float32")
    x, index = mg.from_numpy(host).cuda(), mg.from_numpy(np.random.default_rng(1).permutation(len(host)))
    rows = x[index.cuda()]
    write(what="rows", good=bool((rows.cpu().numpy() == host[index.numpy()]).all()))
    sums = [rows.sum(0).cpu().numpy() for _ in range(20)]
    error = np.abs(sums[0] - host.astype("float64").sum(axis=0)).max()
    write(what="sums of columns", error=error, good=error < 1e-3 and all((s == sums[0]).all() for s in sums))
    losses = [mg.nn.functional.mse_loss(x, rows).item() for _ in range(20)]
    exact = ((host.astype("float64") - host[index.numpy()]) ** 2).mean()
    error = abs(losses[0] - exact) / exact
    write(what="sum of a fused body", error=error, good=error < 1e-5 and len(set(losses)) == 1)


def steps(write: Write) -> None:
    """Check that the losses of five training steps of lecture 20, without noise, are the host's."""
    for dtype, tolerance in STEPS.items():
        losses = {}
        for engine in ("cupy", "numpy"):
            clock = time.perf_counter()
            sizes = {"batch_size": min(BATCH, 200), "limit": min(IMAGES, 1000)}
            step = Trainer(load(ENGINES[engine], 2), WORKS["pretraining"], dtype=dtype, **sizes).stepper(noise=False)
            losses[engine] = [step().item() for _ in range(5)]
            write(what=f"five steps with {engine}, {dtype}", seconds=time.perf_counter() - clock)
        error = max(abs(a - b) / b for a, b in zip(losses["cupy"], losses["numpy"]))
        write(what=f"steps as on the host, {dtype}", error=error, good=error < tolerance, losses=losses["cupy"])
