"""Read a run's folder: settings, metrics, summary, and the weights and images in its checkpoint."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minigrad.experiments import file_checks
from minigrad.experiments.config import LECTURES, ExperimentError
from minigrad.experiments.run_folder import NO_CONFIG, parse_object, read_json, read_text
from minigrad.experiments.terminal import readable, shell_word
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
        """Return (epoch, value) of every epoch of a phase, with None for a value that was no finite number."""
        return [(entry["epoch"], entry[key]) for entry in self.metrics if entry["phase"] == phase]

    @property
    def lecture(self) -> str:
        """The name of the lecture that was trained."""
        return str(self.config.get("lecture", ""))


def read_runs(folders: list[Path]) -> list[RunRecord]:
    """Return the runs in `folders`, under names that tell them apart."""
    runs = [read_run(folder) for folder in folders]
    names = [run.name for run in runs]
    for run, folder in zip(runs, folders, strict=True):
        if names.count(run.name) > 1:
            run.name = readable(folder)
    return runs


def read_run(folder: Path) -> RunRecord:
    """Return the run in `folder`, finished or not. Raise ExperimentError if there is none, CheckpointError if a file of it is damaged."""
    path = folder / "config.json"
    if not path.exists():
        raise ExperimentError(f"{folder}: expected a run's folder (of minigrad train --out), found no config.json")
    with file_checks.advice(NO_CONFIG):
        config = read_json(path)
        file_checks.check_shown_config(path, config)
    lecture = config["lecture"] if config["lecture"] in LECTURES else "LECTURE"
    again = f"minigrad train {lecture} --resume {shell_word(folder)}"
    with file_checks.advice(f"remove the file, or write it again from the checkpoint: {again}"):
        metrics, summary = _metrics(folder / "metrics.jsonl"), _summary(folder / "summary.json")
    with file_checks.advice("remove the file, and the report will have no pictures, or restore it from a copy"):
        snapshots = _snapshots(folder / "checkpoint.safetensors")
    return RunRecord(readable(folder.resolve().name), config, metrics, summary, snapshots)


def _metrics(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    lines = read_text(path).removesuffix("\n")
    entries = [parse_object(path, line) for line in lines.split("\n")] if lines else []
    for entry in entries:
        file_checks.check_epoch(path, entry)
    return entries


def _summary(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    summary = read_json(path)
    file_checks.check_summary(path, summary)
    return summary


def _snapshots(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    state = load(path)
    if not isinstance(state, dict) or not isinstance(state.get("snapshots"), dict):
        raise unexpected(path, "a run's checkpoint", shown(state))
    return file_checks.check_snapshots(path, state["snapshots"])
