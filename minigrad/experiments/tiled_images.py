"""Many small images side by side in one: weights as tiles, and the picture of torchvision's make_grid."""

import math
from typing import Any

import numpy as np


def tiles(weight: Any, layer: str) -> Any:
    """Return a weight matrix as one image: a square tile for each hidden unit or class, NaN between them."""
    units = weight.T if layer == "decoder" else weight
    side, columns = math.isqrt(units.shape[1]), 5 if layer == "classifier" else math.isqrt(len(units))
    return side_by_side(units.reshape(-1, side, side), columns=columns, gap=max(1, side // 14), fill=np.nan)


def make_grid(weight: Any) -> Any:
    """Return a weight matrix as lecture 20 shows it, by torchvision's make_grid(…, nrow=20, normalize=True).

    Each row is a square tile with two black pixels around it, in grey from 0, the smallest weight of all, to 1, the largest.
    """
    side, finite = math.isqrt(weight.shape[1]), weight[np.isfinite(weight)]
    low, high = float(finite.min(initial=np.inf)), float(finite.max(initial=-np.inf))
    with np.errstate(all="ignore"):  # the weights of a run that diverged are no finite numbers
        grey = (weight - low) / max(high - low, 1e-5)
    return np.pad(side_by_side(grey.reshape(-1, side, side), columns=min(20, len(weight)), gap=2, fill=0), 2)


def side_by_side(tiles: Any, *, columns: int, gap: int, fill: float) -> Any:
    """Return tiles (n, height, width) as one image, row by row, with `gap` pixels of the value `fill` between them."""
    n, height, width = tiles.shape
    rows = -(-n // columns)
    image = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), fill, tiles.dtype)
    for index, tile in enumerate(tiles):
        top, left = (height + gap) * (index // columns), (width + gap) * (index % columns)
        image[top : top + height, left : left + width] = tile
    return image
