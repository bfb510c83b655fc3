"""Digits for a terminal: images as text."""

from typing import Any

from minigrad.experiments.config import SIDE

SHADES = " .:-=+*#%@"
MARGIN = 4  # MNIST's digits stand in the middle 20 × 20 pixels


def as_text(images: Any, labels: list[int]) -> str:
    """A few images (n, 784) of bytes side by side, their labels below; two rows of pixels make a line."""
    square = images.reshape(-1, SIDE, SIDE)[:, MARGIN:-MARGIN, MARGIN:-MARGIN].astype(int)
    shade = (square[:, 0::2] + square[:, 1::2]) * (len(SHADES) - 1) // (2 * 255)
    lines = ["  ".join("".join(SHADES[s] for s in row) for row in rows) for rows in shade.swapaxes(0, 1)]
    width = SIDE - 2 * MARGIN
    names = "  ".join(str(label).center(width) for label in labels)
    return "\n".join(line.rstrip() for line in [*lines, names])
