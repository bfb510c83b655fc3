"""How fast is each operation, forward and backward, at a few sizes? Values are compared first."""

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import pairs, tables
from benchmarks.engines import ENGINES, RIVAL, Loaded
from benchmarks.stopwatch import calls_a_block, measure_calls

DTYPES = ("float64", "float32")
SIZES = ((8, 16), (100, 100), (1000, 784))
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
CLASSES = 10
HEAD = ("operation", "size", "dtype", "engine", "time", "host", "PyTorch", "ratio", "range")


@dataclass(frozen=True)
class Op:
    """An operation, computed by `call(library, *arguments)`.

    Each letter of `arguments` stands for one: x is a matrix, p a matrix of positive numbers, b a row, w a square matrix, t classes.
    """

    arguments: str
    call: Callable[..., Any]


OPS = {
    "x + y": Op("xx", lambda m, x, y: x + y),
    "x + row": Op("xb", lambda m, x, b: x + b),
    "x * y": Op("xx", lambda m, x, y: x * y),
    "x / p": Op("xp", lambda m, x, p: x / p),
    "x ** 2": Op("x", lambda m, x: x**2),
    "exp": Op("x", lambda m, x: m.exp(x)),
    "log": Op("p", lambda m, p: m.log(p)),
    "sqrt": Op("p", lambda m, p: m.sqrt(p)),
    "tanh": Op("x", lambda m, x: m.tanh(x)),
    "sigmoid": Op("x", lambda m, x: m.sigmoid(x)),
    "relu": Op("x", lambda m, x: m.relu(x)),
    "clamp": Op("x", lambda m, x: x.clamp(0, 1)),
    "where": Op("xx", lambda m, x, y: m.where(x > 0, x, y)),
    "sum": Op("x", lambda m, x: x.sum()),
    "mean of rows": Op("x", lambda m, x: x.mean(dim=1)),
    "max of rows": Op("x", lambda m, x: x.max(dim=1).values),
    "x[5:]": Op("x", lambda m, x: x[5:]),
    "cat": Op("xx", lambda m, x, y: m.cat([x, y])),
    "x.T @ y": Op("xx", lambda m, x, y: x.T @ y),
    "linear": Op("xwb", lambda m, x, w, b: m.nn.functional.linear(x, w, b)),
    "log_softmax": Op("x", lambda m, x: m.log_softmax(x, dim=1)),
    "mse_loss": Op("xx", lambda m, x, y: m.nn.functional.mse_loss(x, y)),
    "nll_loss": Op("xt", lambda m, x, t: m.nn.functional.nll_loss(x, t)),
}


# ---- in a process of its own


def measure(loaded: Loaded, request: dict[str, Any]) -> dict[str, Any]:
    """Return for each operation and size the figures of its value and of its gradients, and its times."""
    rows = []
    for name in request["ops"]:
        for size in request["sizes"]:
            both_ways, arguments = prepare(loaded, OPS[name], tuple(size), request["dtype"])
            value = both_ways()
            gradients = [x.grad for x in arguments if x.requires_grad]
            numbers = [figure(array) for array in (value, *gradients)]
            calls = calls_a_block(both_ways, loaded.synchronize, at_least=request["block_seconds"])
            times = measure_calls(both_ways, loaded.synchronize, blocks=request["op_blocks"], calls=calls)
            rows.append({"op": name, "size": size, "numbers": numbers, **times})
    return {"rows": rows}


def prepare(loaded: Loaded, op: Op, size: tuple[int, int], dtype: str) -> tuple[Callable[[], Any], list[Any]]:
    """Return a function that computes the value and, from always the same gradient, the gradients; and the arguments."""
    draw = np.random.default_rng(0)
    arguments = [argument(loaded, draw, letter, size, dtype) for letter in op.arguments]
    leaves = [x for x in arguments if x.requires_grad]
    shape = tuple(op.call(loaded.library, *arguments).shape)
    g = loaded.tensor(draw.normal(size=shape), dtype)

    def both_ways() -> Any:
        for x in leaves:
            x.grad = None
        y = op.call(loaded.library, *arguments)
        y.backward(g)
        return y

    return both_ways, arguments


def argument(loaded: Loaded, draw: Any, letter: str, size: tuple[int, int], dtype: str) -> Any:
    """Return the array that a letter in Op.arguments stands for."""
    n, width = size
    if letter == "t":
        return loaded.tensor(draw.integers(0, min(CLASSES, width), n))
    shape = {"b": (width,), "w": (width, width)}.get(letter, size)
    values = draw.uniform(0.5, 1.5, shape) if letter == "p" else draw.normal(size=shape)
    return loaded.tensor(values, dtype).requires_grad_()


def figure(x: Any) -> float:
    """Return Σ w x / √n with weights that are always the same: a number that a wrong sign, or a wrong place of an element, changes."""
    values = np.asarray(x.detach().cpu().numpy(), np.float64).ravel()
    weights = np.random.default_rng(2).normal(size=values.size)
    return float(weights @ values) / math.sqrt(values.size)


# ---- the question


def ask(options: argparse.Namespace, engines: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the table as text and the figures behind it."""
    engines = [key for key in engines if not ENGINES[key].is_variant]
    rows = [row for dtype in options.dtypes or DTYPES for row in compare(dtype, options, engines)]
    means = [mean_cells(rows, key) for key in dict.fromkeys(row["engine"] for row in rows)]
    text = tables.markdown(HEAD, [cells(row) for row in rows])
    return [text, tables.markdown(("geometric mean of the ratios", *map(by, SIZES)), means)], {"rows": rows}


def compare(dtype: str, options: argparse.Namespace, engines: list[str]) -> list[dict[str, Any]]:
    """Return rows for every operation, size and engine but PyTorch."""
    request = {
        "question": "ops",
        "dtype": dtype,
        "ops": options.ops or list(OPS),
        "sizes": SIZES,
        "op_blocks": options.op_blocks,
        "block_seconds": options.block_seconds,
    }
    answers = pairs.in_turn(request, engines, rounds=options.pairs, threads=options.threads)
    shown = [key for key in engines if key not in RIVAL.values()]
    rows = []
    for i, row in enumerate(answers[engines[0]][0]["rows"]):
        about = {"op": row["op"], "size": row["size"], "dtype": dtype}
        one = {key: [answer["rows"][i] for answer in rounds] for key, rounds in answers.items()}
        pairs.check_equal(f"{row['op']}, {by(row['size'])}, {dtype}", one, TOLERANCE[dtype], "numbers")
        rows += [about | pairs.compared(key, one) for key in shown]
    return rows


def by(size: tuple[int, int]) -> str:
    """Return a shape as text, such as 8 × 16."""
    return " × ".join(map(str, size))


def cells(row: dict[str, Any]) -> list[str]:
    """Return a line of the table."""
    rival = tables.rival_figure(row)
    head = [row["op"], by(row["size"]), row["dtype"], ENGINES[row["engine"]].title]
    times = [tables.duration(row["seconds"]), tables.host(row), tables.duration(rival)]
    return [*head, *times, *tables.judged(row)[:2]]


def mean_cells(rows: list[dict[str, Any]], key: str) -> list[str]:
    """Return an engine's geometric mean over the operations, size by size."""
    rival, means = RIVAL[ENGINES[key].device], []
    for size in SIZES:
        one = [row for row in rows if row["engine"] == key and tuple(row["size"]) == size]
        logs = [math.log(row["to"][rival]["ratio"]) for row in one if rival in row["to"]]
        means.append(f"{math.exp(math.fsum(logs) / len(logs)):.3f}" if logs else "")
    return [ENGINES[key].title, *means]
