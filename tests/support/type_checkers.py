"""mypy and Pyright over a user's code: `check_types(paths)` returns their complaints.

The files are checked as in a user's project, which knows minigrad as an installed, typed package: mypy with `--strict` (and so without
`implicit_reexport`), Pyright with its standard rules, or the strict ones where a file begins with `# pyright: strict`. Pyright comes as
basedpyright, whose wheel on PyPI brings its own node. Complaints about minigrad's own files are left out.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[2]
SETTINGS = ROOT / "tests" / "typed" / "mypy.ini"
MYPY_LINE = re.compile(r"(?P<path>[^\n]+?):(?P<line>\d+): error: (?P<message>.*)")


class Problem(NamedTuple):
    """One complaint: the checker, the file and line, and the words."""

    checker: str
    path: pathlib.Path
    line: int
    message: str

    def __str__(self):
        return f"{self.checker}: {self.path}:{self.line}: {self.message}"


def check_types(paths):
    """Return the problems that mypy and Pyright find in these Python files; an empty list where there are none."""
    return [*run_mypy(paths), *run_pyright(paths)]


def run_mypy(paths):
    """Return the problems that `mypy --strict` finds in these files. A cache in .mypy_cache makes the next run quick.

    No two files may have the same name: for a file that only changed its folder, mypy repeats cached lines with the old path.
    """
    command = [sys.executable, "-m", "mypy", f"--config-file={SETTINGS}", "--strict", "--follow-imports=silent", "--no-error-summary",
               f"--cache-dir={ROOT / '.mypy_cache' / 'users'}", *resolved(paths)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    named = {pathlib.Path(path).name: pathlib.Path(path) for path in resolved(paths)}
    found = [Problem("mypy", named[pathlib.Path(line["path"]).name], int(line["line"]), line["message"])
             for line in MYPY_LINE.finditer(done.stdout)]
    assert done.returncode == bool(found), f"mypy failed:\n{done.stdout}{done.stderr}"
    return found


def run_pyright(paths):
    """Return the problems that Pyright finds in these files."""
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder, "pyrightconfig.json")
        config.write_text(json.dumps({"include": resolved(paths), "extraPaths": [str(ROOT)], "typeCheckingMode": "standard"}))
        command = [find_pyright(), "--outputjson", "--pythonpath", sys.executable, "--project", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    report = json.loads(done.stdout) if done.stdout.lstrip().startswith("{") else {}
    assert report.get("summary", {}).get("filesAnalyzed") == len(set(resolved(paths))), f"Pyright failed:\n{done.stdout}{done.stderr}"
    return [Problem("pyright", pathlib.Path(each["file"]), each["range"]["start"]["line"] + 1, each["message"])
            for each in report["generalDiagnostics"] if each["severity"] == "error"]


def resolved(paths):
    """Return the paths as absolute texts."""
    return [str(pathlib.Path(path).resolve()) for path in paths]


def find_pyright():
    """Return the path of basedpyright beside this Python or on PATH, or None."""
    return shutil.which("basedpyright", path=os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ.get("PATH", "")]))
