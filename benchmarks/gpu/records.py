"""What the parts share: sizes, lines of JSON that are written to the disk at once, and calls whose failure is a result too."""

import contextlib
import importlib
import json
import os
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import minigrad as mg
from benchmarks.stopwatch import measure_calls

STAND_IN = [name for name in os.environ.get("MINIGRAD_GPU_STAND_IN", "").split(",") if name]
REHEARSAL = bool(STAND_IN)
BATCH, IMAGES = (2, 20) if REHEARSAL else (1000, 10_000)

Write = Callable[..., None]


def import_stand_in() -> None:
    """Import the modules that stand in for CUDA. This must happen before anything imports CuPy."""
    for name in STAND_IN:
        importlib.import_module(name)


def writer(path: Path) -> Write:
    """Return a function that appends its keywords to a file as a line of JSON, on the disk when it returns."""

    def write(**entry: Any) -> None:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry, default=as_json) + "\n")
            file.flush()
            os.fsync(file.fileno())
        print(entry, flush=True)

    return write


def as_json(value: Any) -> Any:
    """Return what JSON does not know in a form that it does: NumPy's numbers as numbers, anything else as text."""
    return value.item() if hasattr(value, "item") else str(value)


def why_no_pytorch() -> str | None:
    """Return why PyTorch cannot be measured on this GPU, or None. If PyTorch is imported before CuPy, both use PyTorch's CUDA libraries."""
    try:
        import torch
    except ImportError:
        return "PyTorch is not installed"
    return None if torch.cuda.is_available() else "PyTorch sees no GPU"


def read(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a file that `writer` wrote; without the last if its line was cut off, none if there is no file."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    found = []
    for line in lines:
        with contextlib.suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found


def failed(entry: dict[str, Any]) -> bool:
    """Return whether an entry reports an error, or a check that failed."""
    return "failure" in entry or entry.get("good") is False


@contextlib.contextmanager
def attempt(write: Write, what: str) -> Iterator[None]:
    """Catch an error that is raised in this block, and write it as a "failure"."""
    try:
        yield
    except Exception as error:
        traceback.print_exc()
        write(what=what, failure=f"{type(error).__name__}: {error}"[:500])


def timed(call: Callable[[], Any], synchronize: Callable[[], None] | None = None, *, calls: int = 100, blocks: int = 7) -> dict[str, Any]:
    """Return what stopwatch.measure_calls returns; a rehearsal makes a single call. `synchronize` is minigrad's by default."""
    many = {"calls": 1, "blocks": 1} if REHEARSAL else {"calls": calls, "blocks": blocks}
    return measure_calls(call, synchronize or mg.cuda.synchronize, **many)
