"""The process of one checker: `python -m benchmarks.checkers.worker CHECKER`. It needs NumPy and the checker's library only.

It reads lines of JSON, [name of a case, whether the wrong version is meant], and answers each with an Outcome.
"""

import json
import logging
import os
import sys
from typing import Any, TextIO

from benchmarks.checkers.adapters import CHECKERS, Checker
from benchmarks.checkers.cases import Case
from benchmarks.checkers.outcomes import Outcome, outcome
from benchmarks.checkers.planted import CASES


def run(checker: Checker, case: Case, wrong: bool) -> Outcome:
    """Check the wrong or the right version of a case, at new arrays."""
    forward, backward = case.functions(wrong)
    arrays = case.arrays()
    return outcome(lambda: checker.check(forward, backward, arrays))


def main(name: str, answers: TextIO) -> None:
    """Say which version of the library is installed, then answer until the input ends."""
    checker = CHECKERS[name]
    say(answers, {"installed": checker.installed(), "version": checker.version()})
    logging.disable()  # JAX logs each error in a callback
    for line in sys.stdin:
        case, wrong = json.loads(line)
        say(answers, run(checker, CASES[case], wrong).as_dict())


def say(answers: TextIO, value: Any) -> None:
    """Write a line of JSON."""
    print(json.dumps(value), file=answers, flush=True)


if __name__ == "__main__":
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    main(sys.argv[1], own)
