"""`python -m benchmarks [QUESTION ...]`: measure, print a table, keep the figures as JSON."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.engines import ENGINES
from benchmarks.neighbours import Watch, warning
from benchmarks.pairs import BenchmarkError
from benchmarks.works import WORKS
from minigrad.cli import Parser
from minigrad.commands.train import whole
from minigrad.experiments.record import write_json

QUESTIONS = {
    "step": "a training step of each lecture, and its matrix products alone",
    "overhead": "the engine's own cost, on 8 × 16 numbers",
}
RESULTS = Path(__file__).parent / "results"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = Parser(
        prog="python -m benchmarks", description="Compare minigrad with PyTorch in fresh processes, in turn."
    )
    about = "; ".join(f"{name}: {text}" for name, text in QUESTIONS.items())
    made.add_argument("questions", nargs="*", metavar="QUESTION", help=f"{about} (default: all)")
    made.add_argument("--pairs", type=whole(1), default=5, metavar="N", help="rounds (default: %(default)s)")
    made.add_argument("--threads", type=whole(1), default=2, metavar="N", help="default: %(default)s")
    made.add_argument("--dtypes", nargs="+", choices=["float64", "float32"], default=["float64", "float32"])
    made.add_argument(
        "--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES), help="default: all"
    )
    made.add_argument(
        "--out", type=Path, default=RESULTS, metavar="DIR", help="for the JSON (default: benchmarks/results)"
    )
    made.add_argument("--limit", type=whole(1), metavar="N", help="use the first N training images only")
    step = made.add_argument_group("step")
    step.add_argument("--works", nargs="+", choices=list(WORKS), help="default: all")
    step.add_argument(
        "--steps", type=whole(1), default=40, metavar="N", help="timed in a process (default: %(default)s)"
    )
    step.add_argument("--batch-size", type=whole(1), default=1000, metavar="N", help="default: %(default)s")
    overhead = made.add_argument_group("overhead")
    overhead.add_argument("--blocks", type=whole(1), default=40, metavar="N", help="default: %(default)s")
    overhead.add_argument(
        "--calls", type=whole(1), default=500, metavar="N", help="in a block (default: %(default)s)"
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer the questions. The exit code: 0, or 1 if a measurement failed; misuse exits with 2."""
    command = parser()
    options = command.parse_args(arguments)
    for name in options.questions:
        if name not in QUESTIONS:
            command.error(f"expected a question ({', '.join(QUESTIONS)}); found {name!r}")
    description = machine.describe(options.threads)
    engines = [key for key in ENGINES if key in options.engines and key not in description["missing"]]
    print(heading(description))
    for key in options.engines:
        if key in description["missing"]:
            print(f"Not measured: {ENGINES[key].title} ({description['missing'][key]}).")
    try:
        for name in options.questions or QUESTIONS:
            answer(name, options, engines, description)
    except BenchmarkError as error:
        print(f"{command.prog}: error: {error}", file=sys.stderr)
        return 1
    return 0


def heading(description: dict[str, Any]) -> str:
    """The machine in one line."""
    gpu = f", {description['gpu']}" if description["gpu"] else ""
    found = ", ".join(f"{name} {version}" for name, version in description["versions"].items())
    return f"{description['processor']}, {description['cores']} cores{gpu}; {description['threads']} threads; {found}"


def answer(name: str, options: argparse.Namespace, engines: list[str], description: dict[str, Any]) -> None:
    """Measure, print, write."""
    watch = Watch()
    texts, figures = import_module(f"benchmarks.{name}").ask(options, engines)
    others = watch.others()
    print("", *filter(None, [*texts, warning(others)]), sep="\n\n", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    asked = {key: value for key, value in vars(options).items() if key not in ("out", "questions")}
    write_json(
        options.out / f"{name}.json",
        {"machine": {**description, "taken_by_others": others}, "options": asked, **figures},
    )


if __name__ == "__main__":
    sys.exit(main())
