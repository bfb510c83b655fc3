"""What does the engine itself cost? tanh(x + b).sum(), forward and backward, on 8 × 16 numbers."""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import pairs, tables
from benchmarks.engines import ENGINES, RIVAL, Loaded
from benchmarks.stopwatch import measure_calls

SHAPE = (8, 16)
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
ASKED = {"float64": 0.9}
HEAD = ("tanh(x + b).sum(), 8 × 16", "dtype", "time", "host", "PyTorch", "ratio", "range", "asked", "met")


def measure(loaded: Loaded, request: dict[str, Any]) -> dict[str, Any]:
    """In a process of its own: the gradients, the time of a pass, and of the same by hand in bare NumPy."""
    draw, dtype, library = np.random.default_rng(0), request["dtype"], loaded.library
    arrays = [draw.normal(size=SHAPE).astype(dtype), draw.normal(size=SHAPE[1:]).astype(dtype)]
    x, b = (loaded.tensor(array).requires_grad_() for array in arrays)

    def both_ways() -> None:
        x.grad = b.grad = None
        library.tanh(x + b).sum().backward()

    both_ways()
    losses = [*x.grad.flatten().tolist(), *b.grad.tolist()]
    blocks = {"blocks": request["blocks"], "calls": request["calls"]}
    times = measure_calls(both_ways, loaded.synchronize, **blocks)
    bare = measure_calls(by_hand(*arrays), lambda: None, **blocks)
    return {"losses": losses, **times, "bare_seconds": bare["seconds"]}


def by_hand(x: Any, b: Any) -> Callable[[], tuple[Any, ...]]:
    """The same without an engine: what NumPy alone needs."""

    def both_ways() -> tuple[Any, ...]:
        y = np.tanh(x + b)
        loss = y.sum()
        g = 1 - y * y
        return loss, g, g.sum(axis=0)

    return both_ways


def ask(options: argparse.Namespace, engines: list[str]) -> tuple[list[str], dict[str, Any]]:
    """The table as text and the figures behind it."""
    engines = [key for key in engines if not is_variant(key)]
    rows = [row for dtype in options.dtypes for row in compare(dtype, options, engines)]
    return [tables.markdown(HEAD, [cells(row) for row in rows])], {"rows": rows}


def is_variant(key: str) -> bool:
    """Whether an engine differs from another only in what this question does not use, the optimizer."""
    return key.endswith("_default") or ENGINES[key].graph


def compare(dtype: str, options: argparse.Namespace, engines: list[str]) -> list[dict[str, Any]]:
    """A row for each engine but PyTorch, and one for bare NumPy."""
    request = {"question": "overhead", "dtype": dtype, "blocks": options.blocks, "calls": options.calls}
    answers = pairs.in_turn(request, engines, pairs=options.pairs, threads=options.threads)
    pairs.check_equal(f"tanh(x + b).sum(), {dtype}", answers, TOLERANCE[dtype])
    ours = [key for key in engines if key not in RIVAL.values()]
    rows = [row(dtype, key, ENGINES[key].title, answers[key], answers) for key in ours]
    bare = [{"seconds": a["bare_seconds"], "host_seconds": a["bare_seconds"]} for a in answers[engines[0]]]
    return [*rows, row(dtype, engines[0], "bare NumPy, by hand", bare, answers)]


def row(
    dtype: str, key: str, title: str, ours: list[pairs.Answer], answers: dict[str, list[pairs.Answer]]
) -> dict[str, Any]:
    """The figures of one engine beside PyTorch's on its device."""
    found = {
        "title": title,
        "dtype": dtype,
        "device": ENGINES[key].device,
        "seconds": pairs.median(ours),
        "host_seconds": pairs.median(ours, "host_seconds"),
        "asked": ASKED.get(dtype) if title == ENGINES["numba"].title else None,
    }
    theirs = answers.get(RIVAL[ENGINES[key].device])
    if theirs is not None:
        found |= {"torch_seconds": pairs.median(theirs), **pairs.ratio(ours, theirs)}
    return found


def cells(found: dict[str, Any]) -> list[str]:
    """A line of the table."""
    host = tables.duration(found["host_seconds"]) if found["device"] == "cuda" else ""
    head = [found["title"], found["dtype"], tables.duration(found["seconds"]), host]
    if "ratio" not in found:
        return [*head, "", "", "", "", ""]
    ratio = [tables.duration(found["torch_seconds"]), *tables.spread(found)]
    return [*head, *ratio, *tables.verdict(found["ratio"], found["asked"])]
