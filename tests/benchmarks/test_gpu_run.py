"""`pytest -m gpu` as a command: it collects, and says plainly that a GPU or a plugin is missing."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from support.optional_tools import needs

TESTS = Path(__file__).parents[1]
MISSING = ["expecttest", "pytest_randomly", "ruff", "mypy"]
WITHOUT = """import sys, pytest
class Without:
    names = sys.argv.pop(1).split(",")
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names: raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Without())
sys.exit(pytest.main())"""


def run_gpu_tests(*arguments, missing=(), tools=""):
    """Run `pytest -m gpu` in a process that sees no GPU and cannot import the `missing` modules."""
    unloaded = [option for name in missing if name.startswith("pytest_") for option in ("-p", f"no:{name.removeprefix('pytest_')}")]
    command = [sys.executable, "-c", WITHOUT, ",".join(missing), "-m", "gpu", "-q", "-p", "no:cacheprovider", *unloaded, *arguments]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "MINIGRAD_TEST_TOOLS": tools}
    return subprocess.run(command, cwd=TESTS.parent, env=environment, capture_output=True, text=True, timeout=300)


def check_that_it_says_so(done):
    """Assert that the run succeeded, and says in a line that the tests for a GPU did not run, and why."""
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "INTERNALERROR" not in done.stdout + done.stderr
    line = re.search(r"^The (\d+) tests on a GPU did NOT run: (.*)$", done.stdout, re.MULTILINE)
    assert line and int(line[1]) > 10 and re.search("needs (CuPy|a CUDA device)", line[2]), done.stdout[-3000:]


def test_only_the_file_that_needs_a_missing_module_is_skipped():
    done = run_gpu_tests("tests/ops/test_op_db.py", "tests/testing/test_gradcheck_device.py", missing=MISSING)
    check_that_it_says_so(done)
    assert re.search(r"^SKIPPED \[1\] tests/ops/test_op_db.py:\d+: .*needs? expecttest", done.stdout, re.MULTILINE)


def test_a_missing_module_is_an_error_where_it_is_required():
    done = run_gpu_tests("tests/ops/test_op_db.py", missing=MISSING, tools="required")
    assert done.returncode == 2 and "No module named 'expecttest'" in done.stdout


@needs(importlib.util.find_spec("xdist"), "runs the tests in parallel by pytest-xdist")
def test_in_parallel_without_a_gpu():
    check_that_it_says_so(run_gpu_tests("-n", "2", "tests/testing/test_gradcheck_device.py"))
