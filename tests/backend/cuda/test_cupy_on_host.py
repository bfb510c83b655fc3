"""The tests for a GPU, run by the real CuPy without a GPU, over memory of the host (see support/cupy_on_host/__init__.py).

CuPy's wheel for CUDA 12 is the one that the extra `test` installs. MINIGRAD_CUPY_CUDA13 names a folder with the wheel for CUDA 13
(pip install --no-deps --target FOLDER cupy-cuda13x), which cannot lie beside it.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.optional_tools import needs

TESTS = Path(__file__).parents[2]
FILES = ["backend/cuda/with_cupy.py", "backend/cuda/test_device.py", "backend/cuda/test_kernels.py",
         "testing/test_gradcheck_device.py"]
LONG = ("test_true_gradients_pass", "test_broken_backwards", "test_the_penalty_against", "test_large_inputs")  # checks of gradients
SOME = f"not ({' or '.join(LONG)}) or matmul or softmax or nll or factor or last_row"
CUDA13 = os.environ.get("MINIGRAD_CUPY_CUDA13", "")


def run(files, *before):
    """Run the tests marked gpu in these files; return their number and CuPy's CUDA release. Folders `before` lead Python's path."""
    paths = [*before, str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "support.cupy_on_host", "-m", "gpu", "-k", SOME]
    command += [str(TESTS / f) for f in files]
    done = subprocess.run(command, cwd=TESTS.parent, env=environment, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    ran = re.search(r"(\d+) tests ran on this machine's processor \(no GPU\) with CUDA (\d+), CuPy", done.stdout)
    assert ran, done.stdout[-2000:]
    return int(ran[1]), int(ran[2])


pytestmark = [
    pytest.mark.slow,
    needs(importlib.util.find_spec("cupy"), "needs CuPy and CUDA's headers, pip install -e '.[kernels]'"),
    needs(shutil.which("g++"), "compiles CuPy's kernels by g++"),
]


def test_cupy_itself_runs_on_the_host():
    count, _ = run(FILES)
    assert count > 190


@needs(CUDA13, "needs a second CuPy, in the folder MINIGRAD_CUPY_CUDA13")
def test_cupy_for_cuda_13_runs_on_the_host():
    count, release = run(["backend/cuda/with_cupy.py", "backend/cuda/test_kernels.py"], CUDA13)
    assert count > 45 and release == 13
