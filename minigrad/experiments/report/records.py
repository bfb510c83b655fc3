"""A run's folder, read back: settings, metrics, summary, and the weights and images in its checkpoint."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minigrad.experiments.config import ExperimentError
from minigrad.experiments.record import parse_object, read_json, read_text
from minigrad.serialization import load
from minigrad.serialization.tensor_file import shown, unexpected


@dataclass
class RunRecord:
    """What a report shows of one run. Until it is finished, `summary` is empty and `snapshots` lack some."""

    name: str
    config: dict[str, Any]
    metrics: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    snapshots: dict[str, Any] = field(default_factory=dict)  # NumPy arrays

    def curve(self, phase: str, key: str) -> list[tuple[int, float | None]]:
        """(epoch, value) of every epoch of a phase; None where the value was no number."""
        return [(entry["epoch"], entry[key]) for entry in self.metrics if entry["phase"] == phase]

    @property
    def lecture(self) -> str:
        """Which lecture was trained."""
        return str(self.config.get("lecture", ""))


def read_runs(folders: list[Path]) -> list[RunRecord]:
    """The runs in `folders`, under names that tell them apart."""
    runs = [read_run(folder) for folder in folders]
    names = [run.name for run in runs]
    for run, folder in zip(runs, folders, strict=True):
        if names.count(run.name) > 1:
            run.name = str(folder)
    return runs


def read_run(folder: Path) -> RunRecord:
    """The run in `folder`, finished or not; ExperimentError if there is none."""
    if not (folder / "config.json").is_file():
        raise ExperimentError(
            f"{folder}: expected a run's folder (of minigrad train --out), found no config.json"
        )
    metrics = folder / "metrics.jsonl"
    lines = read_text(metrics).splitlines() if metrics.exists() else []
    return RunRecord(
        name=folder.resolve().name,
        config=read_json(folder / "config.json"),
        metrics=[_check_epoch(metrics, line) for line in lines],
        summary=_check_summary(folder / "summary.json") if (folder / "summary.json").exists() else {},
        snapshots=_snapshots(folder / "checkpoint.safetensors"),
    )


def _check_epoch(path: Path, line: str) -> dict[str, Any]:
    entry = parse_object(path, line)
    numbers = all(_is_number(entry.get(key, "")) for key in ("loss", "test_accuracy", "seconds"))
    if not (numbers and isinstance(entry.get("epoch"), int) and isinstance(entry.get("phase"), str)):
        expected = "phase, epoch, loss, test_accuracy and seconds"
        raise ExperimentError(f"{path}: expected an object with {expected}, found {line[:100]!r}")
    return entry


def _check_summary(path: Path) -> dict[str, Any]:
    summary = read_json(path)
    for key, value in summary.items():
        if key in ("class_accuracy", "sparsity"):
            fits = isinstance(value, dict) and all(map(_is_number, value.values()))
        elif key == "code_histogram":
            fits = isinstance(value, dict) and all(map(_is_numbers, value.values()))
        elif key == "confusion":
            fits = isinstance(value, list) and all(_is_counts(row, len(value)) for row in value)
        else:
            fits = key == "lecture" or _is_number(value)
        if not fits:
            expected = {"confusion": "a square table of counts"}.get(key, "a number, or numbers by name")
            raise ExperimentError(f"{path}: {key}: expected {expected}, found {str(value)[:100]}")
    return summary


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, int | float)


def _is_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(number, int | float) for number in value)


def _is_counts(row: Any, length: int) -> bool:
    return isinstance(row, list) and len(row) == length and all(isinstance(count, int) for count in row)


def _snapshots(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    state = load(path)
    if not isinstance(state, dict) or not isinstance(state.get("snapshots"), dict):
        raise unexpected(path, "a run's checkpoint", shown(state))
    return {name: tensor.numpy() for name, tensor in state["snapshots"].items()}
