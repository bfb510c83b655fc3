"""A run's folder, read back: settings, metrics, summary, and the weights and images in its checkpoint."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minigrad.experiments.config import ExperimentError
from minigrad.serialization import load


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
    config = _read_json(folder / "config.json")
    lines = _read_text(folder / "metrics.jsonl").splitlines()
    metrics = [
        _check_epoch(folder / "metrics.jsonl", _parse(folder / "metrics.jsonl", line)) for line in lines
    ]
    summary = _read_json(folder / "summary.json") if (folder / "summary.json").exists() else {}
    return RunRecord(
        folder.resolve().name, config, metrics, summary, _snapshots(folder / "checkpoint.safetensors")
    )


def _check_epoch(path: Path, entry: dict[str, Any]) -> dict[str, Any]:
    numbers = all(_is_number(entry.get(key, "")) for key in ("loss", "test_accuracy", "seconds"))
    if not (numbers and isinstance(entry.get("epoch"), int) and isinstance(entry.get("phase"), str)):
        expected = "phase, epoch, loss, test_accuracy and seconds"
        raise ExperimentError(f"{path}: expected an object with {expected}, found {entry!r:.200}")
    return entry


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, int | float)


def _snapshots(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    return {name: tensor.numpy() for name, tensor in load(path)["snapshots"].items()}


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except UnicodeDecodeError as error:
        raise ExperimentError(f"{path}: expected UTF-8 text, found {error}") from None


def _read_json(path: Path) -> dict[str, Any]:
    return _parse(path, _read_text(path))


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ExperimentError(f"{path}: expected JSON: {error}") from None
    if not isinstance(value, dict):
        raise ExperimentError(f"{path}: expected a JSON object, found {text[:60]!r}")
    return value
