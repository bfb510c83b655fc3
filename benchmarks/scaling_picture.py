"""The picture of `scaling`: times above, shares of the measured peaks below, and where CPU and GPU cross."""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.engines import ENGINES

AXIS_TITLES = {
    "batch": "images in a batch (784-400-784)",
    "hidden": "hidden size h (784-h-784, batches of 1,000)",
    "depth": "layers 100-100 (batches of 100)",
}
DUELS = {"minigrad": ("numba", "cupy"), "PyTorch": ("torch", "torch_cuda")}  # CPU against GPU
COLOURS = {
    "numba": "#0b62a4",
    "numpy": "#7fb3d5",
    "torch": "#d1495b",
    "cupy": "#2a7f3f",
    "torch_cuda": "#e09f3e",
    "torch_cuda_graph": "#7d3c98",
}
NOWHERE = "{}, {}: the GPU is {} at every size measured"


def crossovers(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return, for each axis, a line for each library that was measured on both: from which value on the GPU is faster than the CPU."""
    found = {}
    for axis in dict.fromkeys(row["axis"] for row in rows):
        for name, (cpu, gpu) in DUELS.items():
            value = crossing(curve(rows, axis, cpu), curve(rows, axis, gpu))
            if value is None:
                continue
            if math.isinf(value) or value == 0:
                found[f"{axis}, {name}"] = NOWHERE.format(axis, name, "slower" if value else "faster")
            else:
                found[f"{axis}, {name}"] = f"{axis}, {name}: the GPU is faster from {value:,.0f} on"
    return found


def curve(rows: list[dict[str, Any]], axis: str, key: str) -> list[tuple[int, float]]:
    """Return (value, seconds) along an axis for one engine."""
    return [(row["value"], row["seconds"]) for row in rows if row["axis"] == axis and row["engine"] == key]


def crossing(cpu: Sequence[tuple[int, float]], gpu: Sequence[tuple[int, float]]) -> float | None:
    """Return the value from which on the GPU stays faster, between points on straight lines of the logarithms.

    0 if it is faster everywhere, infinity if it is slower at the end, None without both curves.
    """
    if not cpu or not gpu:
        return None
    leads = [(math.log(value), math.log(a / b)) for (value, a), (_, b) in zip(cpu, gpu, strict=True)]
    if leads[-1][1] <= 0:
        return math.inf
    for (x0, y0), (x1, y1) in reversed(list(pairwise(leads))):
        if y0 <= 0:
            return math.exp(x0 + (x1 - x0) * -y0 / (y1 - y0))
    return 0.0


def draw(path: Path, dtype: str, rows: list[dict[str, Any]], top: dict[str, dict[str, float]]) -> None:
    """Write the picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 8), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"A training step, {dtype}: time, and shares of the measured peaks")
    axes = list(dict.fromkeys(row["axis"] for row in rows))
    times, shares = figure.subplots(2, len(axes), squeeze=False)
    for column, axis in enumerate(axes):
        one = [row for row in rows if row["axis"] == axis]
        draw_times(times[column], axis, one)
        draw_shares(shares[column], axis, one, top)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def draw_times(panel: Any, axis: str, rows: list[dict[str, Any]]) -> None:
    """Draw a curve for each engine, the crossovers dotted, and the time that the host of a GPU is busy dashed."""
    for key in dict.fromkeys(row["engine"] for row in rows):
        values, seconds = zip(*curve(rows, axis, key))
        panel.loglog(values, seconds, "o-", ms=3, color=COLOURS[key], label=ENGINES[key].title)
        if ENGINES[key].device == "cuda":
            busy = [row["host_seconds"] for row in rows if row["engine"] == key]
            panel.loglog(
                values, busy, "--", lw=1, color=COLOURS[key], label=f"{ENGINES[key].title}: host only"
            )
    for name, (cpu, gpu) in DUELS.items():
        value = crossing(curve(rows, axis, cpu), curve(rows, axis, gpu))
        if value is not None and 0 < value < math.inf:
            panel.axvline(value, ls=":", color=COLOURS[gpu], label=f"{name}: GPU faster from {value:,.0f} on")
    panel.set(xlabel=AXIS_TITLES[axis], ylabel="seconds a step")
    panel.grid(alpha=0.3)
    panel.legend(fontsize=8)


def draw_shares(panel: Any, axis: str, rows: list[dict[str, Any]], top: dict[str, dict[str, float]]) -> None:
    """Draw the achieved operations and bytes per second in per cent of the device's peak; colours as above."""
    for key in dict.fromkeys(row["engine"] for row in rows):
        one, peak = [row for row in rows if row["engine"] == key], top[ENGINES[key].device]
        values = [row["value"] for row in one]
        flops = [100 * row["operations"] / row["seconds"] / peak["flops"] for row in one]
        moved = [100 * row["bytes_moved"] / row["seconds"] / peak["bytes"] for row in one]
        panel.semilogx(values, flops, "o-", ms=3, color=COLOURS[key])
        panel.semilogx(values, moved, "s--", ms=3, lw=1, color=COLOURS[key])
    panel.set(xlabel=AXIS_TITLES[axis], ylabel="% of the peak: FLOP/s —, bytes/s - -")
    panel.set_ylim(bottom=0)
    panel.grid(alpha=0.3)
