"""Small matrices of numbers side by side: what is expected, and what the student's code gives."""

from __future__ import annotations

from typing import Any

import numpy as np

WIDTH, MOST_ROWS = 74, 9  # columns of text, lines


def side_by_side(expected: Any, yours: Any, title: str) -> str:
    """Return two matrices of the same shape beside each other, rows that differ marked by "!="; "" if they are too large."""
    expected, yours = (np.atleast_2d(np.asarray(a, "float64")) for a in (expected, yours))
    if expected.ndim > 2 or len(expected) > MOST_ROWS or not expected.size or expected.shape != yours.shape:
        return ""
    same = np.isclose(expected, yours, rtol=1e-5, atol=1e-8, equal_nan=True)
    for digits in (2, 1, 3, 4, 6):
        left, right = _texts(expected, digits), _texts(yours, digits)
        lines = [title, *_lines(left, right, same.all(axis=1))]
        different = (left != right)[~same].all() and not any(text in ("0.0", "-0.0") for text in [*left.flat, *right.flat])
        if max(map(len, lines)) <= WIDTH and different:  # it fits, different numbers look different, and none is rounded to 0
            return "\n".join(lines)
    return ""


def _lines(left: np.ndarray, right: np.ndarray, alike: np.ndarray) -> list[str]:
    """Return the lines of two matrices of text, below what they are called."""
    width = max(map(len, [*left.flat, *right.flat]))
    sides = [[f"[{' '.join(text.rjust(width) for text in row)}]" for row in side] for side in (left, right)]
    half = len(sides[0][0])
    rows = [f"{a}  {'==' if same else '!='}  {b}" for a, b, same in zip(*sides, alike)]
    return [f"{'expected':^{half}}      {'yours':^{half}}".rstrip(), *rows]


def _texts(array: np.ndarray, digits: int) -> np.ndarray:
    """Return each number as text, with so many digits after the point; 0 is short, so that a pattern of zeros can be seen."""
    large = float(np.abs(array[np.isfinite(array)]).max(initial=0)) >= 1000
    form = f"{{:.{digits + 3}g}}" if large else f"{{:.{digits}f}}"
    texts = ["0" if x == 0 or abs(x) < 1e-9 else form.format(x) for x in array.flat]
    return np.array(texts, dtype=object).reshape(array.shape)
