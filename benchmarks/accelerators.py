"""What does each accelerator of the CPU gain for a whole training step? It is measured by leaving it out.

An accelerator (minigrad/backend/cpu/accelerators) replaces plain code, which runs again where the accelerator is left out: a fresh
process replaces one name in minigrad before the first step. All steps compute the same losses.
"""

import argparse
import functools
import importlib
from typing import Any

from benchmarks import pairs, step, tables
from benchmarks.engines import Loaded
from benchmarks.neighbours import Cores
from benchmarks.pairs import BenchmarkError

BACKEND = "minigrad.backend"
ACCELERATORS = {  # the accelerator's module: what it is, and which name is replaced by what so that the plain code runs
    "gemm": ("product kernel", f"{BACKEND}.cpu.products", "can_use_gemm", lambda: False),
    "spinning": ("polling before sleeping", f"{BACKEND}.cpu.signals", "spinning", False),
    "exponential": ("e^x", f"{BACKEND}.fuse.loops", "_import_of_exp", lambda: "from numpy import exp\n"),
}
WORK = "pretraining"
HEAD = ("accelerator", "dtype", "batch", "step", "left out", "gain", "range")


def leave_out(name: str) -> None:
    """Let the plain code run in place of an accelerator, in this process."""
    _, module, attribute, plain = ACCELERATORS[name]
    if not hasattr(importlib.import_module(module), attribute):
        raise BenchmarkError(f"{module} has no {attribute}: {name} cannot be left out")
    setattr(importlib.import_module(module), attribute, plain)


def measure(loaded: Loaded, request: dict[str, Any]) -> dict[str, Any]:
    """Return the losses of the first steps and the time of a step, in a process of its own."""
    if request["left_out"]:
        leave_out(request["left_out"])
    return step.measure(loaded, {**request, "work": WORK, "products": False})


def ask(options: argparse.Namespace, engines: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the table as text and the figures behind it."""
    if "numba" not in engines:
        raise BenchmarkError("the accelerators need Numba")
    dtypes = options.dtypes or step.DTYPES
    rows = [row for batch in options.batches for dtype in dtypes for row in compare(dtype, batch, options)]
    rows.sort(key=lambda row: list(ACCELERATORS).index(row["accelerator"]))
    return [tables.markdown(HEAD, [cells(row) for row in rows])], {"rows": rows}


def compare(dtype: str, batch: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return a row for each accelerator: steps with all of them and steps without one, in turn, each in a fresh process."""
    told = {name: getattr(options, name) for name in ("steps", "limit", "threads")}
    request = {"question": "accelerators", "engine": "numba", "dtype": dtype, "batch_size": batch, **told}
    cores, names = Cores(options.threads), ["", *ACCELERATORS]
    answers: dict[str, list[pairs.Answer]] = {name: [] for name in names}
    for _ in range(options.pairs):
        for name in names:
            answers[name].append(cores.measure(functools.partial(pairs.ask, {**request, "left_out": name})))
    every = [answer for rounds in answers.values() for answer in rounds]
    pairs.check_equal(f"{dtype}, batch {batch}", {"numba": every}, step.TOLERANCE[dtype])
    about = {"dtype": dtype, "batch": batch}
    return [{"accelerator": name, **about, **gain(answers[""], answers[name])} for name in ACCELERATORS]


def gain(all_there: list[pairs.Answer], left_out: list[pairs.Answer]) -> dict[str, Any]:
    """Return how much of the time without an accelerator it saves: of the medians, and the range within the rounds."""
    rounds = [1 - a["seconds"] / b["seconds"] for a, b in zip(all_there, left_out, strict=True)]
    seconds, without = pairs.median(all_there), pairs.median(left_out)
    times = {"rounds": [a["seconds"] for a in all_there], "left_out_rounds": [b["seconds"] for b in left_out]}
    return {
        "seconds": seconds,
        "left_out_seconds": without,
        "gain": 1 - seconds / without,
        "low": min(rounds),
        "high": max(rounds),
        **times,
    }


def cells(row: dict[str, Any]) -> list[str]:
    """Return a line of the table."""
    return [
        ACCELERATORS[row["accelerator"]][0],
        row["dtype"],
        str(row["batch"]),
        tables.duration(row["seconds"]),
        tables.duration(row["left_out_seconds"]),
        f"{row['gain']:.1%}",
        f"{row['low']:.1%} … {row['high']:.1%}",
    ]
