"""The folder of a run: its lock, and the files config.json, metrics.jsonl and summary.json."""

import contextlib
import json
import math
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from minigrad.experiments import file_checks
from minigrad.experiments.config import PHASE_NAMES, Config, ExperimentError, check_folder, config_as_dict
from minigrad.serialization.atomic import replace_text
from minigrad.serialization.tensor_file import check_is_file, parse_json, shown, unexpected

MAX_TEXT_BYTES = 64 << 20  # the largest JSON file of a run that is read: half a million epochs fit into it
NO_CONFIG = "restore the file from a copy, or train anew into another folder with --out"


def open_folder(out: Path, config: Config, packages: Iterable[str]) -> None:
    """Make the folder `out`, which must not hold a run yet, and write settings and versions to config.json."""
    check_matplotlib()
    check_folder(out)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "config.json", {**config_as_dict(config), "versions": versions(packages)})


@contextlib.contextmanager
def alone(out: Path | None) -> Iterator[None]:
    """Lock the folder `out` in this block. Raise ExperimentError if another process trains into it. Windows has no such lock."""
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
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the lock ends with the process, however that ends
        except BlockingIOError:
            message = f"{out}: another process is training into this folder; wait until it ends, or stop it"
            raise ExperimentError(message) from None
        yield
    finally:
        os.close(folder)


def check_matplotlib() -> None:
    """Raise ExperimentError if matplotlib, which the end of a run needs for its pictures, cannot be imported."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ExperimentError(f"--out: its pictures need matplotlib: pip install matplotlib ({error})") from None
    except Exception as error:  # its configuration, in files and in MPLBACKEND, can be wrong in many ways
        raise ExperimentError(f"--out: its pictures need matplotlib, which cannot be imported: {error}") from None


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python and of those `packages` that are installed."""
    found = {name: version for name in packages if (version := version_of(name))}
    return {"python": platform.python_version(), **found}


def version_of(distribution: str) -> str | None:
    """Return the installed version of a distribution, or None, without importing it."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def version_changes(out: Path, packages: Iterable[str]) -> list[tuple[str, str, str]]:
    """Return (package, version in config.json, version now) of each package whose version has changed."""
    path = out / "config.json"
    if not path.exists():
        return []
    with file_checks.advice(NO_CONFIG):
        then = read_json(path).get("versions", {})
        file_checks.check_versions(path, then)
    now = versions(packages)
    return [(name, then[name], now[name]) for name in now if name in then and then[name] != now[name]]


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file of a run. Raise CheckpointError, which names the file, if there is none."""
    return parse_object(path, read_text(path))


def read_text(path: Path) -> str:
    """Return the text in a file of a run. Raise CheckpointError if it is no regular file, too large or not UTF-8."""
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
    """Parse `text`, a part of the file `path`, and return the JSON object that it is. Raise CheckpointError if it is none."""
    value = parse_json(str(path), text)
    if not isinstance(value, dict):
        raise unexpected(path, "a JSON object", shown(value))
    return value


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON; the old file stays until the new one is whole."""
    replace_text(path, json.dumps(finite(value), indent=2, allow_nan=False) + "\n")


def write_metrics(out: Path, metrics: list[dict[str, Any]]) -> None:
    """Write metrics.jsonl, one object for each epoch."""
    lines = (json.dumps(finite(entry), allow_nan=False) for entry in metrics)
    replace_text(out / "metrics.jsonl", "".join(line + "\n" for line in lines))


def finite(value: Any) -> Any:
    """Return `value` with None in place of NaN and the infinities, which JSON has no word for."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def divergence(config: Mapping[str, Any], metrics: list[dict[str, Any]]) -> str:
    """Return a text that says in which epoch the training diverged and what to try, or "" if it did in none.

    It diverged where the loss is no finite number, or where the entry says so because a weight is none. A run stops there; earlier
    versions of minigrad went on, and their entries do not say that they diverged.
    """
    for entry in metrics:
        loss, phase, stopped = entry["loss"], entry["phase"], entry.get("diverged", False)
        is_lost = loss is None or not math.isfinite(loss)
        if is_lost or stopped:
            rates = {"--lr": config.get("lr")} | ({"--finetune-lr": config.get("finetune_lr")} if phase == "finetune" else {})
            smaller = " or ".join(f"{option} (now {rate})" for option, rate in rates.items())
            consequence = " and stopped there" if stopped else ", and what follows means nothing"
            return (
                f"{'the loss' if is_lost else 'a weight'} stopped being a finite number in epoch {entry['epoch']} of the "
                f"{PHASE_NAMES[phase]}: the training diverged{consequence}; try a smaller {smaller}"
            )
    return ""
