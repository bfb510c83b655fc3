"""Numbers that sum up a run, computed from NumPy arrays: confusion, accuracy by class, histogram."""

import statistics
from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np

from minigrad.experiments.config import CLASSES

BINS = 25
LARGEST = 1e300  # that a chart can show: the difference of two larger numbers may be more than a float holds
DECADE = 10.0
NEAR = 0.05  # two curves seem one if their distance is less than this share of the range of all values in the chart
Point = tuple[float, float | None]
CURVES = [  # what a run measures: name, phase and key in the metrics, key in a lecture's tables, title
    ("mse", "pretrain", "loss", "autoencoder_mse", "Mean-squared error of the pretraining"),
    ("train_error", "finetune", "loss", "train_error", "Train error of the fine-tuning"),
    ("test_accuracy", "finetune", "test_accuracy", "test_accuracy", "Test accuracy, %"),
]


def confusion_matrix(labels: Any, predicted: Any) -> Any:
    """Return counts[i, j]: how many images of class i are taken for class j."""
    n = len(CLASSES)
    return np.bincount(n * labels + predicted, minlength=n * n).reshape(n, n)


def class_accuracy(confusion: Any) -> dict[str, float]:
    """Return for each class the per cent of its images that are classified correctly; classes without images are left out."""
    pairs = zip(CLASSES, confusion.diagonal().tolist(), confusion.sum(axis=1).tolist(), strict=True)
    return {name: 100 * right / total for name, right, total in pairs if total}


def curve(metrics: list[dict[str, Any]], phase: str, key: str) -> list[tuple[int, float | None]]:
    """Return (epoch, value) of every epoch of a phase; in a file's metrics the value is None where it was no finite number."""
    return [(entry["epoch"], entry[key]) for entry in metrics if entry["phase"] == phase]


def curves_of(metrics: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return by name the values of each of the CURVES, epoch by epoch."""
    return {name: [value for _, value in curve(metrics, phase, key)] for name, phase, key, _, _ in CURVES}


def first_and_last(curves: dict[str, list[Any]]) -> dict[str, Any]:
    """Return the first and the last value of each curve, as "first_mse", "mse" and so on; None where a curve has no values."""
    ends: dict[str, Any] = {}
    for name, values in curves.items():
        ends[f"first_{name}"], ends[name] = (values[0], values[-1]) if values else (None, None)
    return ends


def is_drawable(value: float | None) -> TypeGuard[float]:
    """Return whether a chart can show a value."""
    return value is not None and abs(value) <= LARGEST


def histogram(values: Any) -> dict[str, list[float]]:
    """Return the shares of the finite `values` (not negative) in BINS equal parts of the range from 0 to the largest."""
    finite = values[np.isfinite(values)]
    largest = float(finite.max(initial=0))
    largest = largest if largest > np.finfo(finite.dtype).tiny * BINS else 1.0  # NumPy refuses bins that are no normal numbers
    counts, edges = np.histogram(finite, bins=BINS, range=(0, largest))
    return {"edges": edges.tolist(), "shares": (counts / max(1, finite.size)).tolist()}


def spans_a_decade(values: Sequence[float]) -> bool:
    """Return whether all values are above 0 and the largest is at least ten times the smallest: a logarithmic axis then shows more."""
    return bool(values) and min(values) > 0 and max(values) / DECADE >= min(values)


def coincide(points: Sequence[Point], reference: Sequence[Point], values: Sequence[float]) -> bool:
    """Return whether half of the points of a curve lie so near to those of `reference` that a chart of `values` hardly shows it."""
    gaps = [abs(y) for _, y in differences(points, reference, relative=False) if is_drawable(y)]
    return len(gaps) > 1 and statistics.median(gaps) <= NEAR * (max(values) - min(values))


def differences(points: Sequence[Point], reference: Sequence[Point], *, relative: bool) -> list[Point]:
    """Return (x, y minus the reference's y) for each x that both curves have; if `relative`, in per cent of the reference."""
    base = {x: y for x, y in reference if is_drawable(y)}
    found: list[Point] = []
    for x, y in points:
        if x in base and is_drawable(y):
            found.append((x, y - base[x] if not relative else 100 * (y / base[x] - 1) if base[x] else None))
    return found
