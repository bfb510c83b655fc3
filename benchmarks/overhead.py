"""What does the engine itself cost? tanh(x + b).sum(), forward and backward, on 8 × 16 numbers."""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import pairs, tables
from benchmarks.engines import ENGINES, RIVAL, Loaded
from benchmarks.stopwatch import measure_calls

DTYPES = ("float64", "float32")
SHAPE = (8, 16)
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
ASKED = {"float64": 0.9}
HEAD = ("tanh(x + b).sum(), 8 × 16", "dtype", "time", "host", "PyTorch", *tables.JUDGED)


# ---- in a process of its own


def measure(loaded: Loaded, request: dict[str, Any]) -> dict[str, Any]:
    """Return the gradients, the time of a pass, and of the same by hand in bare NumPy."""
    draw, dtype, library = np.random.default_rng(0), request["dtype"], loaded.library
    arrays = [draw.normal(size=SHAPE).astype(dtype), draw.normal(size=SHAPE[1:]).astype(dtype)]
    x, b = (loaded.tensor(array).requires_grad_() for array in arrays)

    def both_ways() -> None:
        x.grad = b.grad = None
        library.tanh(x + b).sum().backward()

    both_ways()
    gradients = [*x.grad.flatten().tolist(), *b.grad.tolist()]
    counts = {"blocks": request["blocks"], "calls": request["calls"]}
    times = measure_calls(both_ways, loaded.synchronize, **counts)
    bare = measure_calls(by_hand(*arrays), lambda: None, **counts)
    return {"gradients": gradients, **times, "bare_seconds": bare["seconds"]}


def by_hand(x: Any, b: Any) -> Callable[[], tuple[Any, ...]]:
    """Return a function that computes the same without an engine, in NumPy alone."""

    def both_ways() -> tuple[Any, ...]:
        y = np.tanh(x + b)
        loss = y.sum()
        g = 1 - y * y
        return loss, g, g.sum(axis=0)

    return both_ways


# ---- the question


def ask(options: argparse.Namespace, engines: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the table as text and the figures behind it."""
    engines = [key for key in engines if not ENGINES[key].is_variant]
    rows = [row for dtype in options.dtypes or DTYPES for row in compare(dtype, options, engines)]
    return [tables.markdown(HEAD, [cells(row) for row in rows])], {"rows": rows}


def compare(dtype: str, options: argparse.Namespace, engines: list[str]) -> list[dict[str, Any]]:
    """Return a row for each engine but PyTorch, and one for bare NumPy, which is measured beside all of them."""
    request = {"question": "overhead", "dtype": dtype, "blocks": options.blocks, "calls": options.calls}
    answers = pairs.in_turn(request, engines, rounds=options.pairs, threads=options.threads)
    pairs.check_equal(f"tanh(x + b).sum(), {dtype}", answers, TOLERANCE[dtype], "gradients")
    about = {"dtype": dtype, "title": "bare NumPy, by hand"}
    rows = [
        about | {"title": ENGINES[key].title} | pairs.compared(key, answers, asked=ASKED.get(dtype))
        for key in engines
        if key not in RIVAL.values()
    ]
    by_hand = [{"seconds": answer["bare_seconds"]} for answer in answers[engines[0]]]
    return [*rows, about | pairs.compared("numpy", {**answers, "numpy": by_hand})]


def cells(row: dict[str, Any]) -> list[str]:
    """Return a line of the table."""
    rival = tables.rival_figure(row)
    times = [tables.duration(row["seconds"]), tables.host(row), tables.duration(rival)]
    return [row["title"], row["dtype"], *times, *tables.judged(row)]
