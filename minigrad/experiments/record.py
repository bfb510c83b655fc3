"""What a run leaves behind (config.json, metrics.jsonl, summary.json) and the bar that it shows meanwhile."""

import contextlib
import importlib.util
import json
import math
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from minigrad.experiments import checks
from minigrad.experiments.config import Config, ExperimentError, check_folder, config_as_dict
from minigrad.experiments.pictures import PHASES
from minigrad.serialization.atomic import replace_text
from minigrad.serialization.tensor_file import check_is_file, parse_json, shown, unexpected

T = TypeVar("T")
MAX_TEXT_BYTES = 64 << 20  # of a run's JSON: half a million epochs
NO_CONFIG = "restore the file from a copy, or train anew into another folder with --out"


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
    """Raise ExperimentError at the beginning of a run if its end would fail for want of a matplotlib that can be imported."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ExperimentError(f"--out: its pictures need matplotlib: pip install matplotlib ({error})") from None
    except Exception as error:  # its configuration, in files and in MPLBACKEND, can be wrong in many ways
        raise ExperimentError(f"--out: its pictures need matplotlib, which cannot be imported: {error}") from None


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
    path = out / "config.json"
    if not path.exists():
        return []
    with checks.advice(NO_CONFIG):
        then = read_json(path).get("versions", {})
        checks.check_versions(path, then)
    now = versions(packages)
    return [(name, then[name], now[name]) for name in now if name in then and then[name] != now[name]]


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file of a run. Raise CheckpointError, which names the file, if there is none."""
    return parse_object(path, read_text(path))


def read_text(path: Path) -> str:
    """Return the text in a file of a run. Raise CheckpointError, which names the file, for any other kind of file, size or encoding."""
    check_is_file(path)
    with open(path, "rb") as file:
        content = file.read(MAX_TEXT_BYTES + 1)
    if len(content) > MAX_TEXT_BYTES:
        raise unexpected(path, f"at most {MAX_TEXT_BYTES:,} bytes", "more")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise unexpected(path, "UTF-8 text", str(error)) from None


def parse_object(path: Path, text: str) -> dict[str, Any]:
    """Return the JSON object that `text`, a part of the file `path`, stands for. Raise CheckpointError if it is none."""
    value = parse_json(str(path), text)
    if not isinstance(value, dict):
        raise unexpected(path, "a JSON object", shown(value))
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


def divergence(config: Mapping[str, Any], metrics: list[dict[str, Any]]) -> str:
    """Return since which epoch the loss is no finite number and what to try; nothing if it is finite in every epoch."""
    for entry in metrics:
        loss, phase = entry["loss"], entry["phase"]
        if loss is None or not math.isfinite(loss):
            rates = {"--lr": config.get("lr")} | ({"--finetune-lr": config.get("finetune_lr")} if phase == "finetune" else {})
            smaller = " or ".join(f"{option} (now {rate})" for option, rate in rates.items())
            return (
                f"the loss stopped being a finite number in epoch {entry['epoch']} of the {PHASES[phase]}: the training diverged, "
                f"and what follows means nothing; try a smaller {smaller}"
            )
    return ""


def progress(batches: Iterable[T], total: int, title: str) -> Iterator[T]:
    """`batches`, with a tqdm bar while they last, if the output is a terminal and tqdm is installed."""
    streams = (sys.stdout, sys.stderr)  # None if closed from the beginning
    terminal = all(stream is not None and stream.isatty() for stream in streams)
    if not terminal or importlib.util.find_spec("tqdm") is None:
        return iter(batches)
    from tqdm import tqdm

    return iter(tqdm(batches, total=total, desc=title, unit="batch", leave=False))
