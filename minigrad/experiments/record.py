"""What a run leaves behind (config.json, metrics.jsonl, summary.json) and the bar that it shows meanwhile."""

import importlib.util
import json
import math
import platform
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from minigrad.experiments.config import Config, ExperimentError, check_folder, config_as_dict
from minigrad.serialization.atomic import replace_text

T = TypeVar("T")


def open_folder(out: Path, config: Config, packages: Iterable[str]) -> None:
    """Make the folder `out`, which must not hold a run yet, and write config.json: settings and versions."""
    check_matplotlib()
    check_folder(out)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "config.json", {**config_as_dict(config), "versions": versions(packages)})


def check_matplotlib() -> None:
    """Raise ExperimentError at the beginning of a run if its end would fail for want of matplotlib."""
    if importlib.util.find_spec("matplotlib") is None:
        raise ExperimentError("--out: its pictures need matplotlib: pip install 'minigrad[train]'")


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of Python and of `packages`, as far as they are installed."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def write_json(path: Path, value: Any) -> None:
    """`value` as indented JSON; the old file stays until the new one is whole."""
    replace_text(path, json.dumps(finite(value), indent=2, allow_nan=False) + "\n")


def write_metrics(out: Path, metrics: list[dict[str, Any]]) -> None:
    """metrics.jsonl: one object an epoch."""
    lines = (json.dumps(finite(entry), allow_nan=False) for entry in metrics)
    replace_text(out / "metrics.jsonl", "".join(line + "\n" for line in lines))


def finite(value: Any) -> Any:
    """`value` with None for every number that JSON has no word for: NaN and the infinities."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def progress(batches: Iterable[T], total: int, title: str) -> Iterator[T]:
    """`batches`, with a tqdm bar while they last, if the output is a terminal and tqdm is installed."""
    streams = (sys.stdout, sys.stderr)  # None if closed from the beginning
    terminal = all(stream is not None and stream.isatty() for stream in streams)
    if not terminal or importlib.util.find_spec("tqdm") is None:
        return iter(batches)
    from tqdm import tqdm

    return iter(tqdm(batches, total=total, desc=title, unit="batch", leave=False))
