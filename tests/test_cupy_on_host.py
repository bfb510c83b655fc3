"""The tests for a GPU on the real CuPy without one: its own code over memory of the host (see cupy_on_host/__init__.py)."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FILES = ["cupy_on_host/with_cupy.py", "test_device.py", "test_gradcheck_device.py", "test_kernels.py"]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("cupy") is None, reason="needs CuPy and CUDA's headers, pip install 'minigrad[kernels]'")
@pytest.mark.skipif(shutil.which("g++") is None, reason="compiles CuPy's kernels by g++")
def test_cupy_itself_runs_on_the_host():
    paths = [str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "cupy_on_host", "-m", "gpu", *[str(TESTS / f) for f in FILES]]
    done = subprocess.run(command, cwd=TESTS.parent, env=environment, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    ran = re.search(r"(\d+) tests ran on this machine's processor \(no GPU\), CuPy", done.stdout)
    assert ran and int(ran.group(1)) > 150
