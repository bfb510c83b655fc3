"""Results for people: Markdown tables, times with a unit, and whether what was asked for is met."""

from collections.abc import Sequence


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns are aligned; all but the first are set to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    line = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

    def text(cells: Sequence[str]) -> str:
        first, *others = cells
        aligned = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:]))]
        return f"| {' | '.join(aligned)} |"

    return "\n".join([text(head), text(line), *map(text, rows)])


def duration(seconds: float) -> str:
    """Seconds as s, ms or µs, to three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size or unit == "µs":
            return f"{seconds / size:.3g} {unit}"
    raise AssertionError


def verdict(ratio: float, asked: float | None) -> tuple[str, str]:
    """What was asked for, and whether it is met, as two cells."""
    if asked is None:
        return "", ""
    return f"≤ {asked:.2f}", "yes" if ratio <= asked else "NO"


def spread(found: dict[str, float]) -> tuple[str, str]:
    """A ratio, and its range over the rounds, as two cells."""
    return f"{found['ratio']:.3f}", f"{found['low']:.2f} … {found['high']:.2f}"
