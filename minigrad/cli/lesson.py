"""`minigrad lesson`: a course of eight short lessons on backpropagation."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigrad.cli.option_types import path
from minigrad.experiments.terminal import complain, say, shell_word

if TYPE_CHECKING:
    from minigrad.lessons import Lesson

NUMBERS = range(1, 9)  # as in minigrad.lessons, which is imported when a command needs it


def add_parser(commands: Any) -> None:
    """Declare `lesson` and its four commands."""
    about = "a course of eight short lessons on backpropagation: start one, edit its file, let it be judged"
    parser = commands.add_parser("lesson", help="learn backpropagation in eight short lessons", description=about)
    parser.set_defaults(run=list_lessons, folder=Path("."))
    actions = parser.add_subparsers(dest="action", metavar="action")

    listing = actions.add_parser("list", help="show the lessons, and how far you are", description="show the lessons, and how far you are")
    listing.add_argument("--folder", type=path, default=Path("."), metavar="DIR", help="folder of your files (default: this one)")
    listing.set_defaults(run=list_lessons)

    starting = _action(actions, "start", start, "write a file to edit, and explain", "write the file of a lesson, and explain it")
    starting.add_argument("--notebook", action="store_true", help="write a Jupyter notebook instead of a Python file")
    starting.add_argument("--out", type=path, metavar="FILE", help="the file to write (default: lesson_N.py)")
    starting.add_argument("--folder", type=path, default=Path("."), metavar="DIR", help="folder for the file (default: this one)")

    checking = _action(actions, "check", check, "judge your answers", "judge your answers; exit code 0 if all are right, else 1")
    checking.add_argument("file", nargs="?", type=path, metavar="FILE", help="your file or notebook (default: lesson_N.py)")
    checking.add_argument("--folder", type=path, default=Path("."), metavar="DIR", help="folder of your file (default: this one)")

    _action(actions, "solution", solution, "print a solution", "print a lesson's file with all answers; try it yourself first")


def _action(actions: Any, name: str, run: Any, short: str, about: str) -> argparse.ArgumentParser:
    """Return the parser of an action that takes the number of a lesson."""
    parser: argparse.ArgumentParser = actions.add_parser(name, help=short, description=about)
    parser.add_argument("number", type=_number, metavar="N", help="number of the lesson, 1 to 8")
    parser.set_defaults(run=run)
    return parser


def _number(text: str) -> int:
    """Return the number of a lesson."""
    if text not in map(str, NUMBERS):
        raise argparse.ArgumentTypeError(f"expected the number of a lesson, {NUMBERS[0]} to {NUMBERS[-1]}; found {text}")
    return int(text)


def list_lessons(arguments: argparse.Namespace) -> int:
    """Print each lesson's number and title, and how many exercises are right in its file, if there is one."""
    from minigrad.lessons import lessons
    from minigrad.lessons.writing import for_terminal

    for lesson in lessons():
        say(for_terminal(f"  {lesson.number}  {lesson.heading:52} {_state(arguments.folder, lesson)}".rstrip()))
    new = [number for number in NUMBERS if _existing(arguments.folder, number) is None]
    say(f"\nminigrad lesson start {new[0]} begins the {'next' if new[0] > 1 else 'first'} one." if new else "\nAll lessons were begun.")
    return 0


def _state(folder: Path, lesson: Lesson) -> str:
    """Return how many exercises of a lesson are right; "" if its file is not in the folder."""
    from minigrad.lessons import judge

    file = _existing(folder, lesson.number)
    if file is None:
        return ""
    states = [judgement.state for judgement in judge(lesson.number, file)]
    return "solved" if states.count("right") == len(states) else f"{states.count('right')} of {len(states)} right"


def _existing(folder: Path, number: int) -> Path | None:
    """Return the file or notebook of a lesson in a folder; None if there is none."""
    files = [folder / f"lesson_{number}{suffix}" for suffix in (".py", ".ipynb")]
    return next((file for file in files if file.is_file()), None)


def start(arguments: argparse.Namespace) -> int:
    """Write the file or notebook of a lesson, unless there is one, and print the explanation."""
    from minigrad.lessons import read
    from minigrad.lessons.writing import as_file, as_notebook, as_text, for_terminal

    lesson, number = read(arguments.number), arguments.number
    file = arguments.out or arguments.folder / f"lesson_{number}{'.ipynb' if arguments.notebook else '.py'}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "x", encoding="utf-8") as new:
            new.write(as_notebook(lesson) if arguments.notebook or file.suffix == ".ipynb" else as_file(lesson))
    except FileExistsError:
        again = f"minigrad lesson start {number}{' --notebook' * arguments.notebook} --out NEW_NAME"
        complain(f"{file} exists, and is left as it is, as it may hold your work; {again} writes another one")
        return 1
    say(for_terminal(as_text(lesson)))
    say(for_terminal("\n".join(f"  {task}" for task in lesson.tasks) + "\n"))
    if file.suffix == ".ipynb":
        say(f"Open {file} in Jupyter; it judges each answer.")
    else:
        say(f"These are in {file}. Read on there, replace each `...`, and then:\n\n    {_check_command(number, file)}")
    return 0


def _check_command(number: int, file: Path) -> str:
    """Return the command that judges this file."""
    return f"minigrad lesson check {number}" + ("" if file == Path(f"lesson_{number}.py") else f" {shell_word(file)}")


def check(arguments: argparse.Namespace) -> int:
    """Print the judgement of a file; return 0 if all is right, 1 if not, and 2 if there is no file."""
    from minigrad.lessons.judging import judged_text

    number = arguments.number
    file = arguments.file or _existing(arguments.folder, number) or arguments.folder / f"lesson_{number}.py"
    if not file.exists():
        complain(f"there is no file {file}; minigrad lesson start {number} writes one, and a name after the number chooses another one")
        return 2
    try:
        text, solved = judged_text(number, file)
    except KeyboardInterrupt as interrupt:
        for note in getattr(interrupt, "__notes__", []):
            complain(note.replace("\n    ", " "))
        raise
    say(text)
    return 0 if solved else 1


def solution(arguments: argparse.Namespace) -> int:
    """Print the file of a lesson with all answers."""
    from minigrad.lessons import read
    from minigrad.lessons.writing import as_file

    say(as_file(read(arguments.number), solved=True).rstrip("\n"))
    return 0
