"""Many small images side by side in one: weights as tiles, and the picture that torchvision's make_grid makes."""

import math
from typing import Any

import numpy as np

CLIPPED = 0.995  # the quantile of |weight| at which the colours end
TILE_MEANING = {
    "encoder": "a tile is what one hidden unit sees: red where a bright pixel raises the unit's value, blue where it lowers it",
    "decoder": "a tile is what one hidden unit draws: red where it makes the image brighter, blue where darker",
    "classifier": "a tile is a class, 0–4 above 5–9, and a square in it a hidden unit: red if it speaks for the class, blue if against it",
}


def tiles(weight: Any, layer: str) -> Any:
    """Return a weight matrix as one image: a square tile for each hidden unit or class, NaN between them.

    A tile holds a row of the matrix, of a decoder's a column. Five classes, or as many hidden units as there are rows of tiles, make a row.
    """
    units = weight.T if layer == "decoder" else weight
    side = math.isqrt(units.shape[1])
    columns = 5 if layer == "classifier" else math.isqrt(len(units))
    return side_by_side(units.reshape(-1, side, side), columns=columns, gap=max(1, side // 14), fill=np.nan)


def change(before: Any, after: Any) -> dict[str, Any]:
    """Return weights before and after, and their difference, by name."""
    with np.errstate(all="ignore"):  # the weights of a run that diverged may not be finite
        return {"before": before, "after": after, "difference": after - before}


def color_limit(panels: dict[str, Any]) -> float:
    """Return the |weight| at which the colours end: 99.5 % of the finite weights are smaller. Return 0 if no weight is finite."""
    sizes = np.abs(np.stack(list(panels.values())))
    sizes = sizes[np.isfinite(sizes)]
    return float(np.quantile(sizes, CLIPPED)) if sizes.size else 0.0


def grid_limits(weight: Any) -> tuple[float, float]:
    """Return the smallest and the largest finite weight, which `make_grid` shows in black and in white."""
    finite = weight[np.isfinite(weight)]
    return float(finite.min(initial=np.inf)), float(finite.max(initial=-np.inf))


def make_grid(weight: Any) -> Any:
    """Return a weight matrix as lecture 20 shows it, with torchvision's make_grid(…, nrow=20, normalize=True).

    Each row is a square tile with two black pixels around it, in grey from 0, the smallest weight of all, to 1, the largest.
    """
    side, (low, high) = math.isqrt(weight.shape[1]), grid_limits(weight)
    with np.errstate(all="ignore"):  # the weights of a run that diverged may not be finite
        grey = (weight - low) / max(high - low, 1e-5)
    return np.pad(side_by_side(grey.reshape(-1, side, side), columns=min(20, len(weight)), gap=2, fill=0), 2)


def side_by_side(tiles: Any, *, columns: int, gap: int, fill: float) -> Any:
    """Return tiles (n, height, width) as one image, row by row, with `gap` pixels of the value `fill` between them."""
    _, height, width = tiles.shape
    framed = np.pad(tiles, ((0, -len(tiles) % columns), (0, gap), (0, gap)), constant_values=fill)
    rows = framed.reshape(-1, columns, height + gap, width + gap).swapaxes(1, 2)
    return rows.reshape(-1, columns * (width + gap))[:-gap, :-gap]
