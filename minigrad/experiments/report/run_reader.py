"""Read what a report shows: runs, from their folders, and the lectures whose networks they train."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minigrad.experiments import file_checks
from minigrad.experiments.config import LECTURES, ExperimentError
from minigrad.experiments.lecture_tables import load_lecture_tables
from minigrad.experiments.run_folder import NO_CONFIG, parse_object, read_json, read_text
from minigrad.experiments.terminal import readable, shell_word
from minigrad.serialization import load
from minigrad.serialization.tensor_file import shown, unexpected

STYLES = 6  # runs for which the style sheet has a colour of their own


@dataclass
class RunRecord:
    """What a report shows of one run. Until the run is finished, `summary` is empty and some snapshots are missing."""

    name: str
    config: dict[str, Any]
    metrics: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    snapshots: dict[str, Any] = field(default_factory=dict)  # NumPy arrays
    style: str = "run0"  # its class in the style sheet


@dataclass(frozen=True)
class LectureRecord:
    """What a report shows of one lecture: the tables that it printed."""

    name: str
    label: str  # in charts and headings
    style: str  # its classes in the style sheet
    tables: dict[str, Any]


def read_runs(folders: list[Path]) -> list[RunRecord]:
    """Return the runs in `folders`, with names and styles that tell them apart."""
    runs = [read_run(folder) for folder in folders]
    names = [run.name for run in runs]
    for index, (run, folder) in enumerate(zip(runs, folders, strict=True)):
        run.style = f"run{index % STYLES}"
        if names.count(run.name) > 1:
            run.name = readable(folder)
    return runs


def lectures_of(runs: list[RunRecord]) -> list[LectureRecord]:
    """Return the lectures whose networks the runs train, each once. A single one is labelled "lecture", without its name."""
    names = list(dict.fromkeys(run.config["lecture"] for run in runs))
    labels = [f"lecture ({name})" for name in names] if len(names) > 1 else ["lecture"]
    printed = load_lecture_tables()
    return [LectureRecord(name, labels[i], f"lecture lecture{i % 2}", printed.get(name, {})) for i, name in enumerate(names)]


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
