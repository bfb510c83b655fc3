"""The command: it starts the parts one after the other, ends those that take too long, and prints what they found."""

import argparse
import contextlib
import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import benchmarks.gpu
from benchmarks.gpu import records, report
from benchmarks.pairs import ROOT
from minigrad.cli.option_types import path
from minigrad.experiments.run_folder import write_json

RESULTS = Path(__file__).parent.parent / "results" / "gpu"
PR_SET_PDEATHSIG = 1  # Linux's number for this option of prctl
LOOK = 60  # seconds within which the GPU must be found


@dataclass(frozen=True)
class Part:
    """A part, run by the function `run(out)` of the module of its name.

    file: the file that it writes, or None if it only prints into the log; limit: the most seconds that it may take; need: the seconds
    that must be left for it to begin.
    """

    file: str | None
    limit: float
    need: float
    numba: bool = False  # whether it measures the CPU too, so that minigrad may compile loops for it


PARTS = {
    "machine": Part(None, 40, 5),
    "smoke": Part("smoke.jsonl", 90, 20),
    "tests": Part("tests.txt", 130, 30),
    "steps": Part("steps.jsonl", 110, 30),
    "kernels": Part("kernels.json", 50, 20),
    "cases": Part("tests.txt", 130, 30),
    "calls": Part("calls.jsonl", 40, 15),
    "crossover": Part("crossover.jsonl", 80, 15, numba=True),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts and return the exit code: 0; 1 without a GPU, or if a part failed or was not begun; 143 after a request to end."""
    options = parser().parse_args(arguments)
    if options.part:
        records.import_stand_in()
        return run_here(options.part, options.out)
    started = time.monotonic()
    about = look()
    if about is None:
        print("NOT RUN: there is no CuPy with a usable GPU here (minigrad doctor says what is missing).")
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    prepare(options.out, options.parts)
    good = run_parts(options, about, started)
    text = report.of(options.out)
    with open(options.out / "log.txt", "a", encoding="utf-8") as log:
        log.write(f"\n{text}\n")
    say(text)
    return 0 if good else 1


def say(text: str) -> None:
    """Print a text; a reader who has gone away does not stop the run."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=benchmarks.gpu.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--out", type=path, default=RESULTS, metavar="DIR", help="default: benchmarks/results/gpu")
    made.add_argument("--seconds", type=float, default=520, metavar="S", help="for everything (default: 520)")
    made.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    made.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)  # what a part's own process is told
    return made


def prepare(out: Path, parts: Sequence[str]) -> None:
    """Make the folder, and remove the files of an earlier run that these parts write."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ["log.txt", "summary.json", *filter(None, (PARTS[part].file for part in parts))]:
        (out / name).unlink(missing_ok=True)


def run_here(name: str, out: Path) -> int:
    """Run a part in this process, and return its exit code. On Linux the process ends when its parent does, for whatever reason."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    module = importlib.import_module(f"benchmarks.gpu.{name}")
    code: int = module.run(out) or 0
    return code


def look() -> dict[str, Any] | None:
    """Return the GPU's name, the versions and the date, as a process of its own finds them; None where that finds no GPU.

    If it fails, or takes too long, what went wrong is returned: the parts are then tried nevertheless.
    """
    command = [sys.executable, "-m", "benchmarks.gpu.machine"]
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment(numba=False), capture_output=True, text=True, timeout=LOOK)
    except subprocess.TimeoutExpired:
        return {"failure": f"the machine could not be described in {LOOK} s"}
    if done.returncode:
        return {"failure": f"the machine could not be described: {done.stderr[-2000:]}"}
    about: dict[str, Any] | None = json.loads(done.stdout.splitlines()[-1])
    return about


def run_parts(options: argparse.Namespace, about: dict[str, Any], started: float) -> bool:
    """Run the parts that are asked for, while time is left, and keep summary.json up to date. Return whether all were good.

    `started` is when the command began, by the monotonic clock: its --seconds count from there.
    """
    ended: dict[str, str] = {}

    def left() -> float:
        return float(options.seconds - (time.monotonic() - started))

    def note(name: str, how: str) -> None:
        ended[name] = how
        write_json(options.out / "summary.json", {"about": about, "parts": ended})

    with open(options.out / "log.txt", "a", buffering=1, encoding="utf-8") as log:
        for name in options.parts:
            part = PARTS[name]
            if left() < part.need:
                note(name, "not begun: too little time was left")
            else:
                note(name, "running")
                command = [sys.executable, "-m", "benchmarks.gpu", "--out", str(options.out.resolve()), "--part", name]
                log.write(f"\n==== {name}\n")
                note(name, run_part(command, min(part.limit, left()), log, numba=part.numba))
            say(f"[{time.monotonic() - started:5.0f} s] {name}: {ended[name]}")
    return all(how.startswith("exit code 0,") for how in ended.values())


def run_part(command: list[str], limit: float, log: TextIO, *, numba: bool) -> str:
    """Run a part's process with a time limit and return how it ended. Whatever it started is ended with it."""
    begun = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=environment(numba), stdout=log, stderr=subprocess.STDOUT, process_group=0)
    try:
        how = f"exit code {process.wait(limit)}"
    except subprocess.TimeoutExpired:
        how = f"stopped at its limit of {limit:.0f} s"
    finally:  # also where this process is told to end
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return f"{how}, {time.monotonic() - begun:.0f} s"


def environment(numba: bool) -> dict[str, str]:
    """Return the environment of a part's process."""
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": paths, "MPLBACKEND": "Agg", "MINIGRAD_NUMBA": str(int(numba))}


if __name__ == "__main__":
    sys.exit(main())
