"""`python -m benchmarks [QUESTION ...]`: measure, print tables, keep the figures as JSON."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.engines import ENGINES
from benchmarks.neighbours import Watch, warning
from benchmarks.ops import OPS
from benchmarks.pairs import BenchmarkError
from benchmarks.works import WORKS
from minigrad.cli import Parser
from minigrad.cli.option_types import number, path, whole
from minigrad.experiments.run_folder import write_json

QUESTIONS = {
    "step": "a training step of each lecture, and the matrix products in it alone",
    "overhead": "the engine's own cost, on 8 × 16 numbers",
    "ops": "every operation, forward and backward",
    "epoch": "the whole of lecture 20, and its epochs",
    "memory": "the whole of lecture 20: peak resident memory",
    "accelerators": "what each accelerator of the CPU gains for a whole step",
    "scaling": "time against batch, hidden size and depth, and shares of the machine's peaks",
}
RESULTS = Path(__file__).parent / "results"


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    about = "\n".join(f"  {name:12} {text}" for name, text in QUESTIONS.items())
    made = Parser(
        prog="python -m benchmarks",
        description=f"Compare minigrad with PyTorch, always in fresh processes in turn. Questions:\n{about}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("questions", nargs="*", metavar="QUESTION", help="default: all")
    general(made)
    special(made)
    return made


def general(made: argparse.ArgumentParser) -> None:
    """Add the options of every question."""
    engines = list(ENGINES)
    made.add_argument("--pairs", type=whole(1), default=5, metavar="N", help="rounds (default: 5)")
    made.add_argument("--threads", type=whole(1), default=2, metavar="N", help="threads of each engine (default: 2)")
    made.add_argument("--dtypes", nargs="+", choices=["float64", "float32"], help="default: what the question compares")
    made.add_argument(
        "--engines", nargs="+", choices=engines, default=engines, metavar="ENGINE", help=", ".join(engines)
    )
    made.add_argument("--out", type=path, default=RESULTS, metavar="DIR", help="folder for the figures (default: benchmarks/results)")
    made.add_argument("--limit", type=whole(1), metavar="N", help="use the first N training images only")


def special(made: argparse.ArgumentParser) -> None:
    """Add the options of one question or two; smaller numbers are quicker and less certain."""

    def add(names: str, option: str, default: Any, about: str, **more: Any) -> None:
        shown = "" if default is None else f" (default: {default})"
        made.add_argument(option, default=default, help=f"{names}: {about}{shown}", **more)

    add("step", "--works", None, ", ".join(WORKS), nargs="+", choices=list(WORKS), metavar="WORK")
    add("step, accelerators", "--steps", 40, "steps timed in a process", type=whole(1), metavar="N")
    add("step", "--batch-size", 1000, "images in a batch", type=whole(1), metavar="N")
    add("accelerators", "--batches", [100, 1000], "images in a batch", nargs="+", type=whole(1), metavar="N")
    add("overhead", "--blocks", 40, "blocks of calls", type=whole(1), metavar="N")
    add("overhead", "--calls", 500, "calls in a block", type=whole(1), metavar="N")
    add("ops", "--ops", None, "measure only these operations", nargs="+", choices=list(OPS), metavar="OP")
    add("ops", "--op-blocks", 7, "blocks of calls", type=whole(1), metavar="N")
    add("ops, scaling", "--block-seconds", 0.02, "least seconds of a block", type=number(0), metavar="S")
    add("epoch, memory", "--epochs", None, "epochs of pretraining", type=whole(0), metavar="N")
    add("epoch, memory", "--finetune-epochs", None, "epochs of fine-tuning", type=whole(0), metavar="N")
    add("scaling", "--scaling-blocks", 5, "blocks of steps for a point", type=whole(1), metavar="N")
    add("scaling", "--largest", 10000, "largest value on any axis", type=whole(1), metavar="N")
    add("scaling", "--shrink-peaks", 1, "divide the sizes of the large product and copy by this", type=whole(1), metavar="N")


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer the questions and return the exit code: 0, or 1 if a measurement failed; wrong options exit with 2."""
    command = parser()
    options = command.parse_args(arguments)
    for name in options.questions:
        if name not in QUESTIONS:
            command.error(f"expected a question ({', '.join(QUESTIONS)}); found {name!r}")
    try:
        description = machine.describe(options.threads)
        engines = [key for key in ENGINES if key in options.engines and key not in description["missing"]]
        print(heading(description, options.engines))
        for name in options.questions or QUESTIONS:
            answer(name, options, engines, description)
    except BenchmarkError as error:
        print(f"{command.prog}: error: {error}", file=sys.stderr)
        return 1
    return 0


def heading(description: dict[str, Any], wanted: Sequence[str]) -> str:
    """Return one line that describes the machine, and a line for each missing engine."""
    gpu = f", {description['gpu']}" if description["gpu"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in description["versions"].items())
    processor, cores, threads = (description[key] for key in ("processor", "cores", "threads"))
    kernels = machine.kernels(description)
    missing = {key: why for key, why in description["missing"].items() if key in wanted}
    return "\n".join(
        [
            "; ".join(filter(None, [f"{processor}, {cores} cores{gpu}", f"{threads} threads", kernels, versions])),
            *(f"Not measured: {ENGINES[key].title} ({why})." for key, why in missing.items()),
        ]
    )


def answer(name: str, options: argparse.Namespace, engines: list[str], description: dict[str, Any]) -> None:
    """Measure, print the tables and write the figures to a JSON file."""
    if not engines:
        raise BenchmarkError("none of the engines asked for is there")
    watch = Watch()
    texts, figures = import_module(f"benchmarks.{name}").ask(options, engines)
    others = watch.others()
    print("", *filter(None, [*texts, warning(others)]), sep="\n\n", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    asked = {key: value for key, value in vars(options).items() if key not in ("out", "questions")}
    about = {"machine": {**description, "taken_by_others": others}, "options": asked}
    write_json(options.out / f"{name}.json", {**about, **figures})


if __name__ == "__main__":
    sys.exit(main())
