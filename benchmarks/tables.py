"""Results as Markdown tables: figures with their units, and whether each meets its target."""

from collections.abc import Sequence
from typing import Any

from benchmarks.engines import ENGINES, RIVAL

JUDGED = ("ratio", "range", "asked", "met")


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table without its empty columns; all columns but the first are aligned to the right."""
    columns = [column for column in zip(head, *rows, strict=True) if any(column[1:])]
    widths = [max(2, *map(len, column)) for column in columns]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

    def line(cells: Sequence[str]) -> str:
        first, *others = cells
        aligned = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:]))]
        return f"| {' | '.join(aligned)} |"

    head, *rows = zip(*columns)
    return "\n".join([line(head), line(rule), *map(line, rows)])


def duration(seconds: float | None) -> str:
    """Return seconds as s, ms or µs with three digits; "" for None."""
    if seconds is None:
        return ""
    unit, size = next(((u, s) for u, s in (("s", 1.0), ("ms", 1e-3)) if seconds >= s), ("µs", 1e-6))
    return f"{seconds / size:#.3g} {unit}".replace(". ", " ")


def mebibytes(count: float | None) -> str:
    """Return bytes as MiB; "" for None."""
    return "" if count is None else f"{count / 2**20:.0f} MiB"


def host(row: dict[str, Any]) -> str:
    """Return the host's share of the time if a GPU does the work, else ""."""
    return duration(row["host_seconds"]) if ENGINES[row["engine"]].device == "cuda" else ""


def judged(row: dict[str, Any]) -> list[str]:
    """Return the cells for JUDGED: the ratio to PyTorch, its range, the target and whether the ratio meets it."""
    found = row["to"].get(RIVAL[ENGINES[row["engine"]].device])
    return ["", "", "", ""] if found is None else verdict(found, row)


def verdict(found: dict[str, float], row: dict[str, Any]) -> list[str]:
    """Return the cells of a ratio, its range, the row's target, if it has one, and whether the ratio meets it."""
    ratio = [f"{found['ratio']:.3f}", f"{found['low']:.2f} … {found['high']:.2f}"]
    if "asked" not in row:
        return [*ratio, "", ""]
    return [*ratio, f"≤ {row['asked']:.2f}", "yes" if row["met"] else "NO"]


def to_default(row: dict[str, Any]) -> str:
    """Return the ratio to PyTorch with its default optimizer."""
    found = row["to"].get(f"{RIVAL[ENGINES[row['engine']].device]}_default")
    return f"{found['ratio']:.3f}" if found else ""


def rival_figure(row: dict[str, Any], figure: str = "seconds") -> float | None:
    """Return PyTorch's figure on the same device, or None if it was not measured."""
    found = row["to"].get(RIVAL[ENGINES[row["engine"]].device])
    return None if found is None else found[figure]
