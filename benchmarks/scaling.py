"""How does a step's time grow with batch, hidden size and depth, and how near does a step come to the machine's peaks?

Batch and hidden size: 784-h-784, Tanh, Sigmoid, MSE, Adam. Depth: layers 100-100 with Tanh, batches of 100.
"""

import argparse
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks import counts, pairs, tables
from benchmarks.engines import ENGINES, Loaded
from benchmarks.stopwatch import calls_a_block, measure_calls
from benchmarks.works import set_weights

DTYPES = ("float64",)
AXES = {
    "batch": [10, 30, 100, 300, 1000, 3000, 10000],
    "hidden": [100, 200, 400, 1000, 2000, 4000],
    "depth": [1, 3, 10, 30, 100, 300, 1000],
}
PIXELS, HIDDEN, BATCH, DEPTH_WIDTH, DEPTH_BATCH = 784, 400, 1000, 100, 100
COMPARED = 3  # steps whose losses are compared
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}
PEAK_SIDE = {"cpu": 2048, "cuda": 8192}  # of the square matrices whose product shows the peak
PEAK_BYTES = {"cpu": 1 << 28, "cuda": 1 << 30}  # of the array whose copy shows the peak
NO_CROSSOVER = "No GPU was measured, so no crossover of CPU and GPU is known."
HEAD = ("axis", "value", "dtype", "engine", "time", "host", "PyTorch", "ratio", "range", "FLOP/s", "bytes/s")


# ---- in a process of its own


def measure(loaded: Loaded, request: dict[str, Any]) -> dict[str, Any]:
    """Return the peaks, or the losses and the times at every point of one axis."""
    if request["axis"] == "peaks":
        return peaks(loaded, request["dtype"], request["shrink"])
    return {"points": [point(loaded, request, value) for value in request["values"]]}


def layout(axis: str, value: int) -> tuple[list[int], int]:
    """Return the widths of the layers, and the batch, at a point of an axis."""
    if axis == "depth":
        return [DEPTH_WIDTH] * (value + 1), DEPTH_BATCH
    hidden, batch = (HIDDEN, value) if axis == "batch" else (value, BATCH)
    return [PIXELS, hidden, PIXELS], batch


def point(loaded: Loaded, request: dict[str, Any], value: int) -> dict[str, Any]:
    """Return the losses of the first steps and the time of a step."""
    widths, batch = layout(request["axis"], value)
    step = stepper(loaded, widths, batch, request["dtype"])
    losses = [step().item() for _ in range(COMPARED)]
    calls = calls_a_block(step, loaded.synchronize, at_least=request["block_seconds"])
    times = measure_calls(step, loaded.synchronize, blocks=request["scaling_blocks"], calls=calls)
    return {"value": value, "losses": losses, **times}


def stepper(loaded: Loaded, widths: list[int], batch: int, dtype: str) -> Callable[[], Any]:
    """Return a function that trains the network on one batch and returns the loss."""
    nn, training = loaded.library.nn, loaded.lectures["denoising"].training
    layers = []
    for k, m in pairwise(widths):
        layers += [nn.Linear(k, m), nn.Tanh()]
    if widths[-1] == PIXELS:
        layers[-1] = nn.Sigmoid()
    net = nn.Sequential(*layers).to(loaded.engine.device, getattr(loaded.library, dtype))
    set_weights(loaded, net, dtype, gain=3**0.5)  # so that signals neither vanish nor grow in a deep network
    run = SimpleNamespace(net=net, optimizer=loaded.optim.Adam(net.parameters(), lr=1e-4))
    criterion = nn.MSELoss()
    x = loaded.tensor(np.random.default_rng(1).uniform(size=(batch, widths[0])), dtype)

    def step(x: Any) -> Any:
        return training.step(run, criterion, x, x)

    if loaded.engine.graph:
        from benchmarks.cuda_graph import captured

        step = captured(step, (x,), run)
    return lambda: step(x)


def peaks(loaded: Loaded, dtype: str, shrink: int) -> dict[str, float]:
    """Return the peaks in operations and in bytes per second: of the quickest of a few large products and copies."""
    draw, device = np.random.default_rng(0), loaded.engine.device
    side, count = PEAK_SIDE[device] // shrink, PEAK_BYTES[device] // shrink // np.dtype(dtype).itemsize
    x, source = loaded.tensor(draw.normal(size=(side, side)), dtype), loaded.tensor(np.ones(count), dtype)
    target = source.clone()
    with loaded.library.no_grad():
        product = best(loaded, lambda: x @ x)
        copy = best(loaded, lambda: target.copy_(source))
    return {"flops": 2 * side**3 / product, "bytes": 2 * count * np.dtype(dtype).itemsize / copy}


def best(loaded: Loaded, call: Callable[[], Any]) -> float:
    """Return the shortest time of five calls."""
    times = []
    for _ in range(5):
        loaded.synchronize()
        started = time.perf_counter()
        call()
        loaded.synchronize()
        times.append(time.perf_counter() - started)
    return min(times)


# ---- the question


def ask(options: argparse.Namespace, engines: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the table and the crossovers as text, and the figures behind them; draws scaling-<dtype>.png."""
    from benchmarks.scaling_picture import crossovers, draw

    engines = [key for key in engines if ENGINES[key].fused]
    texts: list[str] = []
    figures: dict[str, Any] = {}
    for dtype in options.dtypes or DTYPES:
        top = highest(ask_peaks(dtype, options, engines))
        rows = [row for axis in AXES for row in compare(axis, dtype, options, engines)]
        figures[dtype] = {"peaks": top, "rows": rows, "crossovers": crossovers(rows)}
        texts += [told(dtype, top), tables.markdown(HEAD, [cells(row, top) for row in rows])]
        texts.append("\n".join(figures[dtype]["crossovers"].values()) or NO_CROSSOVER)
        draw(Path(options.out) / f"scaling-{dtype}.png", dtype, rows, top)
    return texts, figures


def ask_peaks(dtype: str, options: argparse.Namespace, engines: list[str]) -> pairs.Answers:
    """Return the peaks as each engine reaches them."""
    request = {"question": "scaling", "axis": "peaks", "dtype": dtype, "shrink": options.shrink_peaks}
    return pairs.in_turn(request, engines, rounds=options.pairs, threads=options.threads)


def highest(answers: pairs.Answers) -> dict[str, dict[str, float]]:
    """Return the machine's peaks by device: the best that any engine reached."""
    found: dict[str, dict[str, float]] = {}
    for key, rounds in answers.items():
        place = found.setdefault(ENGINES[key].device, {"flops": 0.0, "bytes": 0.0})
        for name in place:
            place[name] = max(place[name], *(answer[name] for answer in rounds))
    return found


def told(dtype: str, top: dict[str, dict[str, float]]) -> str:
    """Return the peaks as text."""
    lines = [f"Measured peaks, {dtype}:"]
    for device, peak in top.items():
        flops, moved = peak["flops"] / 1e9, peak["bytes"] / 1e9
        lines.append(f"{device}: {flops:.1f} GFLOP/s in a large product, {moved:.1f} GB/s in a large copy")
    return "\n".join(lines)


def compare(axis: str, dtype: str, options: argparse.Namespace, engines: list[str]) -> list[dict[str, Any]]:
    """Return rows for every point of an axis and every engine, PyTorch too."""
    values = [value for value in AXES[axis] if value <= options.largest]
    if not values:
        return []
    request = {"question": "scaling", "axis": axis, "values": values, "dtype": dtype}
    request |= {"block_seconds": options.block_seconds, "scaling_blocks": options.scaling_blocks}
    answers = pairs.in_turn(request, engines, rounds=options.pairs, threads=options.threads)
    rows = []
    for i, value in enumerate(values):
        one = {key: [answer["points"][i] for answer in rounds] for key, rounds in answers.items()}
        pairs.check_equal(f"{axis} {value}, {dtype}", one, TOLERANCE[dtype])
        about = {"axis": axis, "value": value, "dtype": dtype, **work(axis, value, dtype)}
        rows += [about | pairs.compared(key, one) for key in engines]
    return rows


def work(axis: str, value: int, dtype: str) -> dict[str, int]:
    """Return what the step at this point computes and moves (benchmarks/counts.py)."""
    widths, batch = layout(axis, value)
    moved = counts.bytes_moved(widths, batch, np.dtype(dtype).itemsize)
    return {"operations": counts.operations(widths, batch), "bytes_moved": moved}


def cells(row: dict[str, Any], top: dict[str, dict[str, float]]) -> list[str]:
    """Return a line of the table, achieved rates as shares of the peaks."""
    engine, rival = ENGINES[row["engine"]], tables.rival_figure(row)
    peak = top[engine.device]
    shares = [row["operations"] / peak["flops"], row["bytes_moved"] / peak["bytes"]]
    times = [tables.duration(row["seconds"]), tables.host(row), tables.duration(rival)]
    head = [row["axis"], f"{row['value']:,}", row["dtype"], engine.title, *times]
    return [*head, *tables.judged(row)[:2], *(f"{share / row['seconds']:.0%}" for share in shares)]
