"""How long does a training step take, and how much of it is matrix products?

The steps are the lectures' own (benchmarks/works.py). Before times are told, the losses of the first steps, from
equal weights on equal batches and without noise, must agree.
"""

import argparse
import time
from typing import Any

from benchmarks import pairs, tables
from benchmarks.engines import ENGINES, RIVAL, Loaded
from benchmarks.products import products_of
from benchmarks.stopwatch import measure_calls
from benchmarks.works import WORKS, Trainer

COMPARED = 10  # steps whose losses are compared
TOLERANCE = {"float64": 1e-10, "float32": 1e-5}
GPU_BLOCK = 10  # steps after which a GPU is waited for
PRETRAINING, BARE, *OTHERS = WORKS
ASKED = {
    PRETRAINING: {"float64": 0.80, "float32": 0.95},
    BARE: {"float64": 1.0, "float32": 1.0},
    **{name: {"float64": 0.95, "float32": 0.95} for name in OTHERS},
}
ASKED_OF_PRODUCTS = 1.2
JUDGED = ("ratio", "range", "asked", "met")
HEAD = ("step", "dtype", "engine", "time", "host", "PyTorch", *JUDGED, "to default optimizer")
PRODUCTS_HEAD = ("step over its own matrix products", "dtype", "engine", "step", "products", *JUDGED)


def measure(loaded: Loaded, request: dict[str, Any]) -> dict[str, Any]:
    """In its own process: the losses of the first steps, then the time of a step, or of it and its products."""
    names = ("dtype", "batch_size", "limit")
    trainer = Trainer(loaded, WORKS[request["work"]], **{name: request[name] for name in names})
    step = trainer.stepper(noise=False)
    losses = [step().item() for _ in range(COMPARED)]
    step = trainer.stepper(noise=True)
    if request["products"]:
        return {"losses": losses, **over_products(trainer, step, request)}
    calls = GPU_BLOCK if loaded.engine.device == "cuda" else 1
    times = measure_calls(step, loaded.synchronize, blocks=-(-request["steps"] // calls), calls=calls)
    return {"losses": losses, **times}


def over_products(trainer: Trainer, step: Any, request: dict[str, Any]) -> dict[str, Any]:
    """The time of a step and of its products alone, taken in turn, a few of each at a time."""
    products = products_of(step, trainer.run.net, request["batch_size"])
    found: dict[str, list[float]] = {"seconds": [], "products_seconds": []}
    for _ in range(-(-request["steps"] // 5)):
        for key, call in (("seconds", step), ("products_seconds", products)):
            call()
            for _ in range(5):
                started = time.perf_counter()
                call()
                found[key].append(time.perf_counter() - started)
    return {key: sorted(values)[len(values) // 2] for key, values in found.items()}


def ask(options: argparse.Namespace, engines: list[str]) -> tuple[list[str], dict[str, Any]]:
    """The tables as text and the figures behind them."""
    step_rows, product_rows = [], []
    for work in options.works or WORKS:
        for dtype in options.dtypes:
            step_rows += compare(work, dtype, options, engines)
    for work in (PRETRAINING, BARE):
        if options.works is None or work in options.works:
            for dtype in options.dtypes:
                product_rows += compare_products(work, dtype, options, engines)
    texts = [tables.markdown(HEAD, [cells(row) for row in step_rows])]
    if product_rows:
        texts.append(tables.markdown(PRODUCTS_HEAD, [product_cells(row) for row in product_rows]))
    return texts, {"steps": step_rows, "products": product_rows}


def request_for(work: str, dtype: str, options: argparse.Namespace, *, products: bool) -> dict[str, Any]:
    """What a process is asked."""
    return {
        "question": "step",
        "work": work,
        "dtype": dtype,
        "products": products,
        "steps": options.steps,
        "batch_size": options.batch_size,
        "limit": options.limit,
    }


def compare(work: str, dtype: str, options: argparse.Namespace, engines: list[str]) -> list[dict[str, Any]]:
    """A row for every engine but the one that the others are divided by."""
    request = request_for(work, dtype, options, products=False)
    answers = pairs.in_turn(request, engines, pairs=options.pairs, threads=options.threads)
    pairs.check_equal(f"{work}, {dtype}", answers, TOLERANCE[dtype])
    return [row(work, dtype, key, answers) for key in engines if key not in RIVAL.values()]


def row(work: str, dtype: str, key: str, answers: dict[str, list[pairs.Answer]]) -> dict[str, Any]:
    """The figures of one engine."""
    found = {
        "work": work,
        "dtype": dtype,
        "engine": key,
        "seconds": pairs.median(answers[key]),
        "host_seconds": pairs.median(answers[key], "host_seconds"),
        "rounds": [answer["seconds"] for answer in answers[key]],
        "asked": ASKED[work][dtype] if key == "numba" else None,
    }
    rival = RIVAL[ENGINES[key].device]
    for name in (rival, f"{rival}_default"):
        if name in answers:
            found[f"to_{name}"] = pairs.ratio(answers[key], answers[name]) | {
                "seconds": pairs.median(answers[name]),
                "rounds": [answer["seconds"] for answer in answers[name]],
            }
    return found


def cells(found: dict[str, Any]) -> list[str]:
    """A line of the first table."""
    engine = ENGINES[found["engine"]]
    rival = RIVAL[engine.device]
    head = [WORKS[found["work"]].title, found["dtype"], engine.title, tables.duration(found["seconds"])]
    head.append(tables.duration(found["host_seconds"]) if engine.device == "cuda" else "")
    theirs, default = found.get(f"to_{rival}"), found.get(f"to_{rival}_default")
    if theirs is None:
        return [*head, "", "", "", "", "", ""]
    asked = tables.verdict(theirs["ratio"], found["asked"])
    last = f"{default['ratio']:.3f}" if default else ""
    return [*head, tables.duration(theirs["seconds"]), *tables.spread(theirs), *asked, last]


def compare_products(
    work: str, dtype: str, options: argparse.Namespace, engines: list[str]
) -> list[dict[str, Any]]:
    """A row for each of minigrad's engines on the CPU."""
    ours = [key for key in engines if key in ("numba", "numpy")]
    request = request_for(work, dtype, options, products=True)
    answers = pairs.in_turn(request, ours, pairs=options.pairs, threads=options.threads)
    return [
        {
            "work": work,
            "dtype": dtype,
            "engine": key,
            "seconds": pairs.median(answers[key]),
            "products_seconds": pairs.median(answers[key], "products_seconds"),
            "asked": ASKED_OF_PRODUCTS if key == "numba" else None,
            **own_ratio(answers[key]),
        }
        for key in ours
    ]


def own_ratio(answers: list[pairs.Answer]) -> dict[str, float]:
    """The ratio of a step to its products, the median over the rounds: each round has its own products."""
    rounds = sorted(answer["seconds"] / answer["products_seconds"] for answer in answers)
    return {"ratio": rounds[len(rounds) // 2], "low": rounds[0], "high": rounds[-1]}


def product_cells(found: dict[str, Any]) -> list[str]:
    """A line of the second table."""
    times = [tables.duration(found[key]) for key in ("seconds", "products_seconds")]
    head = [WORKS[found["work"]].title, found["dtype"], ENGINES[found["engine"]].title, *times]
    return [*head, *tables.spread(found), *tables.verdict(found["ratio"], found["asked"])]
