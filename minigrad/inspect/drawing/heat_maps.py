"""What a picture shows of an array: its norm and range, and a few cells that stand for blocks of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import backend

ROWS, COLUMNS = 8, 12  # at most so many cells


@dataclass(frozen=True)
class HeatMap:
    """An array in short.

    shape, dtype, size: those of the array.
    norm: its Euclidean norm, the square root of Σx²; not finite if an element is not.
    low, high: the smallest and the largest of its finite elements; 0 if there are none.
    not_finite: how many elements are NaN or infinite.
    cells: the means of blocks, as rows of a table of at most 8 × 12; NaN or infinite if an element of the block is.
    row_edges, column_edges: where the blocks begin, and the size, in the array as a table: all axes but the last count as rows.
    """

    shape: tuple[int, ...]
    dtype: str
    size: int
    norm: float
    low: float
    high: float
    not_finite: int
    cells: tuple[tuple[float, ...], ...] = field(repr=False)
    row_edges: tuple[int, ...] = field(repr=False)
    column_edges: tuple[int, ...] = field(repr=False)

    @property
    def scale(self) -> float:
        """The number that the strongest colour stands for: the largest magnitude of a finite cell."""
        return max((abs(cell) for row in self.cells for cell in row if math.isfinite(cell)), default=0.0)

    @property
    def all_zero(self) -> bool:
        """Whether each element is 0, and there is one."""
        return self.size > 0 and self.low == self.high == 0 and not self.not_finite

    @property
    def reduced(self) -> bool:
        """Whether a cell stands for more than one element."""
        return len(self.row_edges) * len(self.column_edges) > 0 and self.size > sum(len(row) for row in self.cells)

    def place(self, i: int, j: int) -> str:
        """Return which element or block a cell shows, as in "[3, 1]", "[0:125, 65:130]" or, with more than two axes, "rows 0:6, [2:4]"."""
        rows, columns = _span(self.row_edges, i), _span(self.column_edges, j)
        if len(self.shape) == 1:
            return f"[{columns}]"
        if len(self.shape) > 2 and ":" not in rows:
            rows = ", ".join(str(int(k)) for k in np.unravel_index(int(rows), self.shape[:-1]))
        return f"[{rows}, {columns}]" if len(self.shape) < 3 or ":" not in rows else f"rows {rows}, columns {columns}"


def _span(edges: tuple[int, ...], i: int) -> str:
    first, end = edges[i], edges[i + 1]
    return str(first) if end == first + 1 else f"{first}:{end}"


def heat_map(array: Any) -> HeatMap:
    """Return an array, of whatever device and dtype, in short."""
    return backend.without_fp_warnings(_heat_map, backend.to_numpy(array))


def _heat_map(given: Any) -> HeatMap:
    x = np.asarray(given)
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    table = x.reshape(-1, x.shape[-1] if x.ndim else 1) if x.size else x.reshape(0, 0)
    finite = np.isfinite(table)
    missing = x.size - int(np.count_nonzero(finite))
    known = table[finite] if missing else table
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    largest = max(-low, high)
    factor = 1.0 if 1e-100 < largest < 1e100 or missing or not largest else largest
    scaled = table / factor if factor != 1 else table  # so that sums and squares are neither too large nor too small
    norm = float("nan" if np.isnan(x).any() else "inf") if missing else factor * float(np.sqrt(np.sum(np.square(scaled, dtype=np.float64))))
    cells, rows, columns = _means(scaled, factor)
    return HeatMap(tuple(x.shape), str(given.dtype), x.size, norm, low, high, missing, cells, rows, columns)


def _means(table: Any, factor: float) -> tuple[tuple[tuple[float, ...], ...], tuple[int, ...], tuple[int, ...]]:
    """Return the means of the blocks of a table times `factor`, and the edges of the blocks' rows and columns."""
    (height, width) = table.shape
    if not table.size:
        return (), (), ()
    rows, columns = _edges(height, ROWS), _edges(width, COLUMNS)
    sums = np.add.reduceat(np.add.reduceat(table, rows[:-1], axis=0, dtype=np.float64), columns[:-1], axis=1)
    means = sums / np.outer(np.diff(rows), np.diff(columns)) * factor
    return tuple(tuple(float(mean) for mean in row) for row in means), rows, columns


def _edges(size: int, most: int) -> tuple[int, ...]:
    count = min(size, most)
    return tuple(i * size // count for i in range(count + 1))
