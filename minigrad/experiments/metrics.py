"""Numbers that sum up a run, computed from NumPy arrays: confusion, accuracy by class, histogram."""

from typing import Any, TypeGuard

import numpy as np

from minigrad.experiments.config import CLASSES

BINS = 25
LARGEST = 1e300


def confusion_matrix(labels: Any, predicted: Any) -> Any:
    """Return counts[i, j]: how many images of class i are taken for class j."""
    n = len(CLASSES)
    return np.bincount(n * labels + predicted, minlength=n * n).reshape(n, n)


def class_accuracy(confusion: Any) -> dict[str, float]:
    """Return for each class the per cent of its images that are classified correctly; classes without images are left out."""
    pairs = zip(CLASSES, confusion.diagonal().tolist(), confusion.sum(axis=1).tolist(), strict=True)
    return {name: 100 * right / total for name, right, total in pairs if total}


def is_drawable(value: float | None) -> TypeGuard[float]:
    """Return whether a chart can show a value: beyond LARGEST, the distance of two may be more than a float holds."""
    return value is not None and abs(value) <= LARGEST


def histogram(values: Any) -> dict[str, list[float]]:
    """Return the shares of the finite `values` (not negative) in BINS equal parts of the range from 0 to the largest."""
    finite = values[np.isfinite(values)]
    largest = float(finite.max(initial=0))
    largest = largest if largest > np.finfo(finite.dtype).tiny * BINS else 1.0  # NumPy refuses bins that are no normal numbers
    counts, edges = np.histogram(finite, bins=BINS, range=(0, largest))
    return {"edges": edges.tolist(), "shares": (counts / max(1, finite.size)).tolist()}
