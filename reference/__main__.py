"""`python -m reference denoising|autoencoder`: do what `minigrad train` does with PyTorch."""

import argparse
import sys
from collections.abc import Sequence

from minigrad.cli import Parser, guarded
from minigrad.cli.train import ABOUT, MORE, add_options, config_of
from minigrad.experiments.config import LECTURES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one lecture and return the exit code: 0, or 1 if it failed. Misuse exits with 2."""
    parser = Parser(prog="python -m reference", description=__doc__)
    lectures = parser.add_subparsers(dest="lecture", required=True, metavar="lecture")
    for name, about in ABOUT.items():
        lecture = lectures.add_parser(name, help=about, description=f"{about}. {MORE[name]}")
        add_options(lecture, LECTURES[name])
        lecture.add_argument(
            "--torchvision",
            action="store_true",
            help="read the data through torchvision and PyTorch's DataLoader, as the lecture does",
        )
    return guarded(parser, arguments, run)


def run(arguments: argparse.Namespace) -> int:
    """Train, print and write. Return 0."""
    from minigrad.experiments import program
    from reference import autoencoder, denoising, training, vision

    config = config_of(arguments)
    training.check_device(config.device)
    lecture = {"denoising": denoising, "autoencoder": autoencoder}[arguments.lecture]
    data = (vision if arguments.torchvision else training).load_data(config)
    program.run_lecture(lecture, config, out=arguments.out, quiet=arguments.quiet, data=data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
