"""Results for people: Markdown tables, figures with a unit, and whether what was asked for is met."""

from collections.abc import Sequence
from typing import Any

from benchmarks.engines import ENGINES, RIVAL

JUDGED = ("ratio", "range", "asked", "met")


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; columns without any content are left out, and all but the first are set to the right."""
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
    """Seconds as s, ms or µs, to three digits; nothing for None."""
    if seconds is None:
        return ""
    unit, size = next(((u, s) for u, s in (("s", 1.0), ("ms", 1e-3)) if seconds >= s), ("µs", 1e-6))
    return f"{seconds / size:#.3g} {unit}".replace(". ", " ")


def mebibytes(count: float | None) -> str:
    """Bytes as MiB; nothing for None."""
    return "" if count is None else f"{count / 2**20:.0f} MiB"


def host(row: dict[str, Any]) -> str:
    """The host's share of the time, where a GPU does the work."""
    return duration(row["host_seconds"]) if ENGINES[row["engine"]].device == "cuda" else ""


def judged(row: dict[str, Any]) -> list[str]:
    """The cells for JUDGED: the ratio to PyTorch, its range, what was asked and whether it is met."""
    found = row["to"].get(RIVAL[ENGINES[row["engine"]].device])
    return ["", "", "", ""] if found is None else verdict(found, row)


def verdict(found: dict[str, float], row: dict[str, Any]) -> list[str]:
    """A ratio with its range, beside what was asked of the row, if anything was."""
    ratio = [f"{found['ratio']:.3f}", f"{found['low']:.2f} … {found['high']:.2f}"]
    if "asked" not in row:
        return [*ratio, "", ""]
    return [*ratio, f"≤ {row['asked']:.2f}", "yes" if row["met"] else "NO"]


def to_default(row: dict[str, Any]) -> str:
    """The ratio to PyTorch with its default optimizer."""
    found = row["to"].get(f"{RIVAL[ENGINES[row['engine']].device]}_default")
    return f"{found['ratio']:.3f}" if found else ""


def theirs(row: dict[str, Any], figure: str = "seconds") -> float | None:
    """PyTorch's own figure on that device, if it was measured."""
    found = row["to"].get(RIVAL[ENGINES[row["engine"]].device])
    return None if found is None else found[figure]
