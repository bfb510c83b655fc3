"""The command line: `minigrad COMMAND ...`, a thin skin over minigrad.commands."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from minigrad.commands import doctor, evaluate, report, train
from minigrad.experiments.config import ExperimentError

COMMANDS = [train, report, evaluate, doctor]


class Parser(argparse.ArgumentParser):
    """An argument parser that answers misuse with one line and exit code 2."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and where to read more."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. The exit code: 0, or 1 if it failed; misuse exits with 2."""
    parser = Parser(prog="minigrad", description="A small tensor and autograd engine, and two lectures.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for command in COMMANDS:
        command.add_parser(commands)
    options = parser.parse_args(arguments)
    return guarded(options.run, options, prog=parser.prog)


def guarded(run: Any, options: argparse.Namespace, *, prog: str) -> int:
    """`run(options)`, its failures told in one line. 130 stands for Ctrl-C, as in a shell."""
    from minigrad.data import IdxError
    from minigrad.serialization import CheckpointError

    try:
        code = int(run(options))
        if sys.stdout is not None:  # closed from the beginning
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        code, message = 130, "interrupted"
    except BrokenPipeError:
        code, message = 1, "the output was closed before all was said"
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        code, message = 1, f"{place}{error.strerror or error}"
    except (ExperimentError, IdxError, CheckpointError) as error:
        code, message = 1, str(error)
    _forget_output()
    print(f"{prog}: error: {message}", file=sys.stderr)
    return code


def _forget_output() -> None:
    """Send what is left of the output nowhere, if it cannot be written, or Python complains at its end."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
