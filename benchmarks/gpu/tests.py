"""Parts `tests` and `cases`: `pytest -m gpu`, in parallel where pytest-xdist is there, each test's line in tests.txt at once."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.gpu.records import REHEARSAL, STAND_IN
from benchmarks.pairs import ROOT

FILES = [*[f"tests/backend/{name}.py" for name in ("cuda/test_kernels", "fuse/test_fused", "cuda/test_device")],
         "tests/testing/test_gradcheck_device.py"]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
TIME_LIMIT = 600 if REHEARSAL else 100  # seconds for a test


def run(out: Path) -> int:
    """Run the tests of kernels, fused functions, devices and gradient checks, and return pytest's exit code."""
    return run_pytest(out, FILES)


def run_pytest(out: Path, files: list[str]) -> int:
    """Run the tests marked gpu in `files`, and return pytest's exit code. If pytest or a plugin itself fails, try without the plugins."""
    options = ["-m", "gpu", "-v", "-p", "no:cacheprovider", "--color=no", "--tb=short", "--durations=8"]
    for name in STAND_IN:
        options += ["-p", name]
    optional = []
    if find_spec("xdist") and not REHEARSAL:
        optional += ["-n", str(max(2, min(6, (os.cpu_count() or 4) - 2)))]
    if find_spec("pytest_timeout"):
        optional += [f"--timeout={TIME_LIMIT}"]
    command = [sys.executable, "-m", "pytest", *options]
    with open(out / "tests.txt", "a", buffering=1, encoding="utf-8") as file:
        there: dict[str, Any] = {"cwd": ROOT, "env": {**os.environ, **ONE_THREAD}, "stdout": file, "stderr": subprocess.STDOUT}
        code = subprocess.run([*command, *optional, *files], **there).returncode
        if code not in (0, 1) and optional:
            file.write(f"\npytest ended with exit code {code}; once more without {' '.join(optional)}\n")
            code = subprocess.run([*command, *files], **there).returncode
    return code
