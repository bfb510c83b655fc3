"""Run a program in a process of its own, with a time limit: a program that hangs fails its test and does not stop the others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(program, *arguments, limit=60, warnings="error", **environment):
    """Return the finished process of a program, which is a text or the path of a file. None as a variable's value removes it.

    Fail if it takes more than `limit` seconds.
    """
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1", **environment}
    what = [str(program)] if isinstance(program, Path) else ["-c", program]
    try:
        return subprocess.run([sys.executable, "-P", "-W", warnings, *what, *map(str, arguments)], capture_output=True, text=True,
                              env={name: str(value) for name, value in variables.items() if value is not None}, timeout=limit, check=False)
    except subprocess.TimeoutExpired as error:
        pytest.fail(f"the program did not end within {limit} s; it printed {error.stdout!r} {error.stderr!r}")


def succeed(program, *arguments, **options):
    """Return what a program printed, without the last line's end; fail if it does not end with status 0, or prints an error or warning."""
    done = run(program, *arguments, **options)
    assert done.returncode == 0 and not done.stderr, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.rstrip("\n")
