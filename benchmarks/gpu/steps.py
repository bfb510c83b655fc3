"""Part `steps`: training steps of minigrad and of PyTorch on the same card, in turn, in one process, which sets up the device once.

With the times the losses of each engine's first ten steps, without noise, are written; report.py shows where they differ.
"""

from functools import partial
from pathlib import Path
from typing import Any

import minigrad as mg
from benchmarks.engines import ENGINES, Loaded, load
from benchmarks.gpu.frozen import frozen_step
from benchmarks.gpu.records import BATCH, IMAGES, REHEARSAL, Write, attempt, failed, read, timed, why_no_pytorch, writer
from benchmarks.step import COMPARED
from benchmarks.works import WORKS, Trainer

KEYS = ("cupy", "torch_cuda", "torch_cuda_default", "torch_cuda_graph")
MAIN, OTHERS = "pretraining", ("classifier", "lecture12")
TURNS = 1 if REHEARSAL else 2
FILE = "steps.jsonl"


def run(out: Path) -> int:
    """Time the pretraining step of lecture 20 in turns, then once the steps of the classifier and of lecture 12.

    Return 1 if one of them failed, else 0.
    """
    write, why = writer(out / FILE), why_no_pytorch()
    if why:
        write(what="PyTorch is not measured", why=why)
    for work, turn in [*((MAIN, turn) for turn in range(TURNS)), *((work, 0) for work in OTHERS)]:
        for dtype in ("float32", "float64"):
            for key in ("cupy",) if why else KEYS:
                with attempt(write, f"{work}, {dtype}, {key}"):
                    time_engine(write, work, dtype, key, turn)
    return int(any(map(failed, read(out / FILE))))


def time_engine(write: Write, work: str, dtype: str, key: str, turn: int) -> None:
    """Write the losses of an engine's first steps and the time of a step; for minigrad's main step, once, also those of its variants."""
    loaded = load(ENGINES[key], 2)
    make = partial(trainer_of, loaded, work, dtype)
    step = make().stepper(noise=False)
    losses = [step().item() for _ in range(COMPARED)]
    about = {"work": work, "dtype": dtype, "engine": key, "turn": turn}
    write(what="step", **about, losses=losses, **timed(make().stepper(noise=True), loaded.synchronize))
    if key == "cupy" and work == MAIN and turn == 0:
        time_variants(write, about, make)


def trainer_of(loaded: Loaded, work: str, dtype: str) -> Trainer:
    """Return a new trainer, with weights as at the beginning."""
    return Trainer(loaded, WORKS[work], dtype=dtype, batch_size=BATCH, limit=IMAGES)


def time_variants(write: Write, about: dict[str, Any], make: Any) -> None:
    """Time minigrad's step as a graph with frozen scalars, without noise, with noise from the host, and with products in TF32."""
    with attempt(write, f"as a graph, {about['dtype']}"):
        replay, found = frozen_step(make())
        write(what="step as a graph with frozen scalars", **about, **found, **timed(replay))
    write(what="step without noise", **about, **timed(make().stepper(noise=False)))
    on_host = make()
    on_host.run.noise = mg.Generator().manual_seed(0)
    write(what="step, noise drawn on the host", **about, **timed(on_host.stepper(noise=True), calls=10))
    if about["dtype"] == "float32":
        before = mg.cuda.allow_tf32(True)
        try:
            write(what="step, products in TF32", **about, **timed(make().stepper(noise=True)))
        finally:
            mg.cuda.allow_tf32(before)
