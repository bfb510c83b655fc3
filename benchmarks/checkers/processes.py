"""Each checker in a process of its own, which is asked again and again: no library disturbs another one's memory or threads."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from benchmarks.checkers.adapters import CHECKERS
from benchmarks.checkers.outcomes import NO_ANSWER, Outcome

ROOT = Path(__file__).resolve().parents[2]


class CheckerProcess:
    """The process of one checker, in this interpreter or in another one; it is started again if it dies or is too slow."""

    def __init__(self, name: str, python: str | None, limit: float) -> None:
        self.name, self.python, self.limit = name, python or sys.executable, limit
        self.process: subprocess.Popen[str] | None = None
        self.version = ""

    def missing(self) -> str:
        """Return why the checker cannot be used, or "". Start its process if it can."""
        checker = CHECKERS[self.name]
        try:
            found = self.start()
        except (OSError, ValueError) as error:
            return f"{self.python} does not run it: {error}"
        if not found["installed"]:
            return f"{checker.package} is not installed ({checker.install})"
        self.version = found["version"]
        return ""

    def start(self) -> dict[str, Any]:
        """Start the process and return what it says about its library."""
        command = [self.python, "-m", "benchmarks.checkers.worker", self.name]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
        )
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def ask(self, case: str, wrong: bool) -> Outcome:
        """Return the outcome for a case."""
        if self.process is None:
            self.start()
        process = self.process
        assert process is not None and process.stdin is not None and process.stdout is not None
        timer = threading.Timer(self.limit, process.kill)
        timer.start()
        try:
            print(json.dumps([case, wrong]), file=process.stdin, flush=True)
            line = process.stdout.readline()
        except OSError:
            line = ""
        slow = not timer.is_alive()
        timer.cancel()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return Outcome(**answer)
        self.end()
        return Outcome(NO_ANSWER, f"took longer than {self.limit:g} s" if slow else "its process died", self.limit if slow else 0.0)

    def end(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self.process = None
