"""The command line, `minigrad COMMAND ...`: one module for each command.

In each, `add_parser` declares the command's options and `run` does the work.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from minigrad.cli import doctor, evaluate, lesson, report, train
from minigrad.data import IdxError
from minigrad.experiments.config import ExperimentError
from minigrad.experiments.terminal import complain, error_text, escape_unencodable, note_on_current_folder, say
from minigrad.serialization import CheckpointError

COMMANDS = [train, report, evaluate, lesson, doctor]


class Parser(argparse.ArgumentParser):
    """An argument parser that reports wrong arguments in one line and exits with code 2."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **options})

    def print_help(self, file: Any = None) -> None:
        """Print the help. As in every command, it is an error if the output cannot be written."""
        say(self.format_help().rstrip("\n"))

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the arguments of this command, and report those that it does not know; argparse would leave that to the parser above."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return options, unknown

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and where to read more."""
        complain(f"{self.prog}: error: {message} (see {self.prog} --help)")
        sys.exit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, or 1 if it failed. Misuse exits with 2."""
    parser = Parser(prog="minigrad", description="A small tensor and autograd engine, and two lectures.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for command in COMMANDS:
        command.add_parser(commands)
    return guarded(parser, arguments)


def guarded(parser: Parser, arguments: Sequence[str] | None, run: Callable[[argparse.Namespace], int] | None = None) -> int:
    """Call `run`, or the command that `arguments` name, and return its exit code; report a failure in one line.

    The exit code after Ctrl-C is 130, as in a shell.
    """
    escape_unencodable()
    try:
        options = parser.parse_args(arguments)
        code = int((run or options.run)(options))
        if sys.stdout is not None:  # None where it was closed before Python began
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        code, message = 130, "interrupted"
    except OSError as error:
        code, message = 1, error_text(error)
    except (ExperimentError, IdxError, CheckpointError) as error:
        code, message = 1, str(error)
    _forget_output()
    complain(f"{parser.prog}: error: {message}{note_on_current_folder()}")
    return code


def _forget_output() -> None:
    """Discard the rest of an output that cannot be written, which Python would complain about when it ends."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
