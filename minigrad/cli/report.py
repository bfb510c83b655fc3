"""`minigrad report`: show runs side by side in one HTML file."""

import argparse
from pathlib import Path
from typing import Any

from minigrad.cli.option_types import path
from minigrad.experiments.report import write_report
from minigrad.experiments.terminal import say


def add_parser(commands: Any) -> None:
    """Declare `report`."""
    about = "put runs side by side in one HTML file that needs neither network nor JavaScript"
    parser = commands.add_parser("report", help="show runs side by side in one HTML file", description=about)
    parser.add_argument("folders", nargs="+", type=path, metavar="DIR", help="folder of minigrad train --out")
    parser.add_argument(
        "--out",
        type=path,
        metavar="FILE",
        help="the file to write (default: report.html, in the folder of a single run, else in this one)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the report and print the name of its file."""
    folders = arguments.folders
    file = arguments.out or (folders[0] / "report.html" if len(folders) == 1 else Path("report.html"))
    write_report(folders, file)
    say(file)
    return 0
