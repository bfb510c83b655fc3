"""Part `cases`: every operation on every kind of input (tests/ops/test_cases.py), on the GPU."""

from pathlib import Path

from benchmarks.gpu.tests import run_pytest


def run(out: Path) -> int:
    """Run the table of cases, and return pytest's exit code."""
    return run_pytest(out, ["tests/ops/test_cases.py"])
