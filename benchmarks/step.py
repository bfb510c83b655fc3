"""How long does a training step take, and how much of it is matrix products?

The steps are those of the lectures (benchmarks/works.py). Times are only reported if the losses of the first steps,
from equal weights on equal batches and without noise, agree.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks import pairs, tables
from benchmarks.engines import ENGINES, RIVAL, Loaded
from benchmarks.products import products_of
from benchmarks.stopwatch import measure_calls
from benchmarks.works import WORKS, Trainer

DTYPES = ("float64", "float32")
COMPARED = 10  # steps whose losses are compared
TOLERANCE = {"float64": 1e-10, "float32": 1e-5}
GPU_BLOCK = 10  # steps after which a GPU is waited for
TURN = 5  # steps in a row, after which their products are made as often
PRETRAINING, BARE, *OTHERS = WORKS
ASKED = {
    PRETRAINING: {"float64": 0.80, "float32": 0.95},
    BARE: {"float64": 1.0, "float32": 1.0},
    **{name: {"float64": 0.95, "float32": 0.95} for name in OTHERS},
}
ASKED_OF_PRODUCTS = 1.2
HEAD = ("step", "dtype", "engine", "time", "host", "PyTorch", *tables.JUDGED, "to default optimizer")
PRODUCTS_HEAD = ("step over its own products", "dtype", "engine", "step", "products", *tables.JUDGED)


# ---- in a process of its own


def measure(loaded: Loaded, request: dict[str, Any]) -> dict[str, Any]:
    """Return the losses of the first steps and the time of a step, or of a step and of its products."""
    settings = {name: request[name] for name in ("dtype", "batch_size", "limit")}
    trainer = Trainer(loaded, WORKS[request["work"]], **settings)
    step = trainer.stepper(noise=False)
    losses = [step().item() for _ in range(COMPARED)]
    step = trainer.stepper(noise=True)
    if request["products"]:
        products = products_of(step, trainer.run.net, request["batch_size"])
        return {"losses": losses, **in_turns(step, products, request["steps"])}
    calls = GPU_BLOCK if loaded.engine.device == "cuda" else 1
    times = measure_calls(step, loaded.synchronize, blocks=-(-request["steps"] // calls), calls=calls)
    return {"losses": losses, **times}


def in_turns(step: Callable[[], Any], products: Callable[[], Any], steps: int) -> dict[str, float]:
    """Return the median times of a step and of its products: a few of each in turn, of which the first does not count."""
    found: dict[str, list[float]] = {"seconds": [], "products_seconds": []}
    for _ in range(-(-steps // TURN)):
        for key, call in (("seconds", step), ("products_seconds", products)):
            call()
            for _ in range(TURN):
                started = time.perf_counter()
                call()
                found[key].append(time.perf_counter() - started)
    return {key: statistics.median(values) for key, values in found.items()}


# ---- the question


def ask(options: argparse.Namespace, engines: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the tables as text and the figures behind them."""
    works, dtypes = options.works or list(WORKS), options.dtypes or DTYPES
    steps = [row for work in works for dtype in dtypes for row in compare(work, dtype, options, engines)]
    heavy = [work for work in works if work in (PRETRAINING, BARE)]
    products = [row for work in heavy for dtype in dtypes for row in relate(work, dtype, options, engines)]
    texts = [tables.markdown(HEAD, [cells(row) for row in steps])]
    if products:
        texts.append(tables.markdown(PRODUCTS_HEAD, [product_cells(row) for row in products]))
    return texts, {"steps": steps, "products": products}


def request_for(work: str, dtype: str, options: argparse.Namespace, *, products: bool) -> dict[str, Any]:
    """Return what a process is asked to measure."""
    told = {name: getattr(options, name) for name in ("steps", "batch_size", "limit")}
    return {"question": "step", "work": work, "dtype": dtype, "products": products, **told}


def compare(work: str, dtype: str, options: argparse.Namespace, engines: list[str]) -> list[dict[str, Any]]:
    """Return a row for every engine except the one that the others are divided by."""
    request = request_for(work, dtype, options, products=False)
    answers = pairs.in_turn(request, engines, rounds=options.pairs, threads=options.threads)
    pairs.check_equal(f"{work}, {dtype}", answers, TOLERANCE[dtype])
    shown, about = [key for key in engines if key not in RIVAL.values()], {"work": work, "dtype": dtype}
    return [about | pairs.compared(key, answers, asked=ASKED[work][dtype]) for key in shown]


def cells(row: dict[str, Any]) -> list[str]:
    """Return a line of the first table."""
    rival = tables.rival_figure(row)
    return [
        WORKS[row["work"]].title,
        row["dtype"],
        ENGINES[row["engine"]].title,
        tables.duration(row["seconds"]),
        tables.host(row),
        tables.duration(rival),
        *tables.judged(row),
        tables.to_default(row),
    ]


def relate(work: str, dtype: str, options: argparse.Namespace, engines: list[str]) -> list[dict[str, Any]]:
    """Return a row for each of minigrad's engines on the CPU."""
    own = [key for key in engines if key in ("numba", "numpy")]
    request = request_for(work, dtype, options, products=True)
    answers = pairs.in_turn(request, own, rounds=options.pairs, threads=options.threads)
    return [{"work": work, "dtype": dtype, "engine": key, **own_ratio(key, answers[key])} for key in own]


def own_ratio(key: str, answers: list[pairs.Answer]) -> dict[str, Any]:
    """Return a step's time divided by that of its products: the median over the rounds, each with its own products."""
    rounds = [answer["seconds"] / answer["products_seconds"] for answer in answers]
    found = {name: pairs.median(answers, name) for name in ("seconds", "products_seconds")}
    found |= {"ratio": statistics.median(rounds), "low": min(rounds), "high": max(rounds), "rounds": rounds}
    if key == "numba":
        found |= {"asked": ASKED_OF_PRODUCTS, "met": found["ratio"] <= ASKED_OF_PRODUCTS}
    return found


def product_cells(row: dict[str, Any]) -> list[str]:
    """Return a line of the second table."""
    times = [tables.duration(row[name]) for name in ("seconds", "products_seconds")]
    head = [WORKS[row["work"]].title, row["dtype"], ENGINES[row["engine"]].title, *times]
    return [*head, *tables.verdict(row, row)]
