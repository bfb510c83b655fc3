"""`python -m benchmarks.checkers`: give all planted bugs and right functions to each gradient checker, and print who saw what."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.checkers import report
from benchmarks.checkers.adapters import CHECKERS
from benchmarks.checkers.cases import BUGS, Case
from benchmarks.checkers.planted import CASES
from benchmarks.checkers.processes import CheckerProcess
from benchmarks.neighbours import Watch, warning
from minigrad.cli import Parser
from minigrad.cli.option_types import number, path
from minigrad.experiments.run_folder import write_json


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = Parser(prog="python -m benchmarks.checkers", description="Which gradient checker sees which mistake?")
    made.add_argument(
        "--checkers", nargs="+", choices=list(CHECKERS), default=list(CHECKERS), metavar="NAME", help=f"default: {', '.join(CHECKERS)}"
    )
    made.add_argument("--only", nargs="+", metavar="TEXT", help="only the functions whose names contain one of these texts")
    made.add_argument("--out", type=path, metavar="FILE", help="write all figures to a JSON file")
    made.add_argument("--details", action="store_true", help="print also what each checker said about each function")
    made.add_argument("--limit", type=number(above=0), default=300, metavar="S", help="most seconds of one check (default: 300)")
    made.add_argument(
        "--python",
        nargs="+",
        default=[],
        metavar="NAME=PATH",
        help="the Python interpreter of a checker that cannot be installed beside NumPy 2, as chainer=V/bin/python",
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, and return the exit code: 0, or 1 if no checker could be used; wrong options exit with 2."""
    command = parser()
    options = command.parse_args(arguments)
    pythons = dict(text.partition("=")[::2] for text in options.python)
    for name in pythons:
        if name not in CHECKERS:
            command.error(f"expected NAME=PATH with a checker's name ({', '.join(CHECKERS)}); found {name!r}")
    cases = [case for case in CASES.values() if options.only is None or any(text in case.name for text in options.only)]
    if not cases:
        command.error(f"no function's name contains {' or '.join(map(repr, options.only))}")
    watch = Watch()
    summaries, missing = compare(options.checkers, cases, pythons, options.limit)
    others = watch.others()
    print(*filter(None, texts(summaries, missing, cases, options.details, others)), sep="\n\n", flush=True)
    if options.out:
        about = {"processor": machine.processor(), "taken_by_others": others}
        write_json(Path(options.out), {"machine": about, "not_run": missing, "checkers": summaries})
    return 0 if summaries else 1


def compare(
    names: Sequence[str], cases: Sequence[Case], pythons: dict[str, str], limit: float
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the checkers' figures, and why others could not be used. All checkers take turns at each function."""
    processes = {name: CheckerProcess(name, pythons.get(name), limit) for name in names}
    try:
        missing = {name: why for name, process in processes.items() if (why := process.missing())}
        used = {name: process for name, process in processes.items() if name not in missing}
        outcomes: dict[str, report.Outcomes] = {name: {} for name in used}
        for position, case in enumerate(cases, 1):
            progress(f"{position} of {len(cases)}: {case.name}")
            for wrong in (False, True) if case.name in BUGS else (False,):
                for name, process in used.items():
                    outcomes[name][case.name, wrong] = process.ask(case.name, wrong)
        progress("")
        return [report.summary(name, process.version, outcomes[name]) for name, process in used.items()], missing
    finally:
        for process in processes.values():
            process.end()


def progress(text: str) -> None:
    """Show on a terminal which function is checked."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def texts(summaries: list[dict[str, Any]], missing: dict[str, str], cases: list[Case], details: bool, others: float | None) -> list[str]:
    """Return what is printed: what could not be used, the tables, what each missed, notes, and a warning if the machine was not free."""
    parts = ["\n".join(f"Not run: {CHECKERS[name].title}: {why}." for name, why in missing.items())]
    if summaries:
        parts += [report.table(summaries), report.NOTES]
        parts += [report.details(summaries, cases)] if details else []
        parts += [warning(others)]
    return parts


if __name__ == "__main__":
    sys.exit(main())
