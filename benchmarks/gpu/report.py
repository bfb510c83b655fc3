"""The results of a run as tables to read. `python -m benchmarks.gpu.report DIR` prints those of an earlier run."""

import argparse
import json
import math
import re
import statistics
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.engines import ENGINES
from benchmarks.gpu import calls, crossover, kernels, smoke, steps
from benchmarks.gpu.records import failed, read
from benchmarks.scaling_picture import crossing
from benchmarks.step import TOLERANCE

RIVAL = "torch_cuda"  # what the others are divided by
TESTED = re.compile(r"\d+ (passed|failed|skipped|errors?)\b.* in |tests ran on |tests on a GPU did NOT run|^pytest ended")


def of(out: Path) -> str:
    """Return all results in the folder `out` as text."""
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    versions, parts = summary["about"].pop("versions", {}), summary["parts"]
    shown = ", ".join(f"{key} {value}" for key, value in {**summary["about"], **versions}.items())
    ends = tables.markdown(["part", "how it ended"], [list(part) for part in parts.items()])
    texts = [shown, ends]
    for section in (smoke_lines, test_lines, step_tables, kernel_table, call_tables, crossovers):
        try:
            texts += section(out)
        except Exception as error:  # a file is damaged, or holds something unexpected: the other sections are still shown
            texts.append(f"{section.__name__} failed: {type(error).__name__}: {error}")
    return "\n\n".join(filter(None, texts))


def smoke_lines(out: Path) -> list[str]:
    """Return how many checks held, and the checks that failed."""
    entries = [entry for entry in read(out / smoke.FILE) if "good" in entry or failed(entry)]
    wrong = [json.dumps(entry)[:300] for entry in entries if failed(entry)]
    return [f"Smoke: {len(entries) - len(wrong)} of {len(entries)} checks held.", *wrong] if entries else []


def test_lines(out: Path) -> list[str]:
    """Return pytest's last lines and the tests that failed."""
    path = out / "tests.txt"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    ends = [line.strip("= ") for line in lines if TESTED.search(line)]
    broken = sorted({line[:200] for line in lines if line.startswith(("FAILED", "ERROR"))})
    return ["Tests: " + "; ".join(ends), "\n".join(broken)] if lines else []


def step_tables(out: Path) -> list[str]:
    """Return the steps' times, medians over the turns, beside PyTorch's, and whether each engine's losses are PyTorch's."""
    entries = read(out / steps.FILE)
    timed = [entry for entry in entries if "seconds" in entry]
    texts = []
    for (work, dtype), some in grouped(timed, "work", "dtype"):
        by_step: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for entry in some:
            by_step.setdefault((entry["engine"], entry["what"]), []).append(entry)
        rival = by_step.get((RIVAL, "step"))
        rows = [step_row(engine, what, found, rival) for (engine, what), found in by_step.items()]
        texts.append(tables.markdown([f"{work}, {dtype}", "time", "range", "host", "to PyTorch, fused", "losses"], rows))
    return [*texts, *[json.dumps(entry)[:300] for entry in entries if failed(entry) or "why" in entry]]


def step_row(engine: str, what: str, found: list[dict[str, Any]], rival: list[dict[str, Any]] | None) -> list[str]:
    """Return a line of a table of steps."""
    seconds, host = (statistics.median(entry[key] for entry in found) for key in ("seconds", "host_seconds"))
    low, high = min(entry["low_seconds"] for entry in found), max(entry["high_seconds"] for entry in found)
    ratio = f"{seconds / statistics.median(entry['seconds'] for entry in rival):.3f}" if rival and engine != RIVAL else ""
    title, spread = ENGINES[engine].title + what.removeprefix("step"), f"{low * 1e6:.0f} … {high * 1e6:.0f} µs"
    return [title, tables.duration(seconds), spread, tables.duration(host), ratio, verdict(found[0], rival)]


def verdict(entry: dict[str, Any], rival: list[dict[str, Any]] | None) -> str:
    """Return whether the losses of an engine's first steps are PyTorch's, and if not by how much they differ."""
    if not rival or entry["engine"] == RIVAL or "losses" not in entry or entry["what"] != "step":
        return ""
    losses, expected = entry["losses"], rival[0]["losses"]
    difference = max(abs(a - b) for a, b in zip(losses, expected, strict=True)) / max(map(abs, expected))
    tolerance = TOLERANCE[entry["dtype"]]
    return f"equal to {difference:.0e}" if difference <= tolerance else f"DIFFERENT by {difference:.0e}, {tolerance:.0e} allowed"


def kernel_table(out: Path) -> list[str]:
    """Return how long a step takes on the device, and its longest kernels."""
    path = out / kernels.FILE
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    rows = []
    for title, entry in found.items():
        if "failure" in entry:
            rows.append([title, "", entry["failure"][:100]])
            continue
        longest = ", ".join(f"{row['name'][:40]} {row['us']:.1f}" for row in entry["kernels"][:4])
        rows.append([title, f"{entry['us_of_a_step']:.0f} µs", longest])
    return [tables.markdown(["kernels of a step", "on the device", "longest (µs)"], rows)] if rows else []


def call_tables(out: Path) -> list[str]:
    """Return how long calls take, and what CUDA graphs can hold."""
    entries = read(out / calls.FILE)
    costs = [[e["call"], tables.duration(e["seconds"]), tables.duration(e["host_seconds"])] for e in entries if "call" in e]
    answers = [[entry["captured"], entry["answer"][:100]] for entry in entries if "captured" in entry]
    texts = [tables.markdown(["call", "time", "host"], costs)] if costs else []
    return texts + ([tables.markdown(["in a CUDA graph", "answer"], answers)] if answers else [])


def crossovers(out: Path) -> list[str]:
    """Return one line for each axis and dtype: from which size on the GPU is faster than the CPU."""
    lines = []
    for (axis, dtype), some in grouped([entry for entry in read(out / crossover.FILE) if "seconds" in entry], "axis", "dtype"):
        times = {device: [(e["value"], e["seconds"]) for e in some if e["device"] == device] for device in ("cpu", "cuda")}
        common = {value for value, _ in times["cpu"]} & {value for value, _ in times["cuda"]}
        cpu, cuda = ([point for point in times[device] if point[0] in common] for device in ("cpu", "cuda"))
        value = crossing(cpu, cuda)
        if value is None:
            continue
        if math.isinf(value):
            answer = "slower at the largest size"
        else:
            answer = f"faster from {value:,.0f} on" if value else "faster at every size"
        lines.append(f"{axis}, {dtype}: the GPU is {answer} ({min(common):,} … {max(common):,} measured)")
    return ["\n".join(lines)] if lines else []


def grouped(entries: list[dict[str, Any]], *keys: str) -> list[tuple[tuple[Any, ...], list[dict[str, Any]]]]:
    """Return the entries in groups that agree in these keys, the groups in the order of their first entries."""
    order = list(dict.fromkeys(tuple(entry[key] for key in keys) for entry in entries))
    return [(group, [entry for entry in entries if tuple(entry[key] for key in keys) == group]) for group in order]


def main(arguments: list[str] | None = None) -> None:
    """Print the tables of a run; end with code 2 for a folder without results."""
    parser = argparse.ArgumentParser("python -m benchmarks.gpu.report", description="Print the results of an earlier run as tables.")
    parser.add_argument("folder", type=Path, help="the folder with the run's summary.json")
    folder = parser.parse_args(arguments).folder
    if not (folder / "summary.json").is_file():
        parser.error(f"{folder} has no summary.json; give the folder of a run")
    print(of(folder))


if __name__ == "__main__":
    main()
