"""What a run leaves behind (config.json, metrics.jsonl, summary.json) and the bar that it shows meanwhile."""

import contextlib
import importlib.util
import json
import math
import os
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


@contextlib.contextmanager
def alone(out: Path | None) -> Iterator[None]:
    """Hold the folder `out` for this process; ExperimentError where another one trains into it. Windows has no such lock."""
    try:
        import fcntl
    except ImportError:
        out = None
    if out is None:
        yield
        return
    folder = os.open(out, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)  # gone when the process is, however it ends
        except BlockingIOError:
            message = f"{out}: another process is training into this folder; wait until it ends, or stop it"
            raise ExperimentError(message) from None
        yield
    finally:
        os.close(folder)


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


def version_changes(out: Path, packages: Iterable[str]) -> list[tuple[str, str, str]]:
    """(package, version then, version now) where these differ from what config.json says."""
    then = read_json(out / "config.json").get("versions") if (out / "config.json").exists() else None
    now = versions(packages)
    if not isinstance(then, dict):
        return []
    return [(name, str(then[name]), now[name]) for name in now if name in then and then[name] != now[name]]


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a run; ExperimentError, which names the file, if there is none."""
    return parse_object(path, read_text(path))


def read_text(path: Path) -> str:
    """The text in a file of a run; ExperimentError, which names the file, if it is no UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ExperimentError(f"{path}: expected UTF-8 text, found {error}") from None


def parse_object(path: Path, text: str) -> dict[str, Any]:
    """The JSON object that `text`, a part of the file `path`, stands for; ExperimentError if it does not."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ExperimentError(f"{path}: expected JSON: {error}") from None
    if not isinstance(value, dict):
        raise ExperimentError(f"{path}: expected a JSON object, found {text[:60]!r}")
    return value


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
