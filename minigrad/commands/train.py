"""`minigrad train`: a lecture's network on real digits."""

import argparse
import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minigrad.experiments.config import LECTURES, Config

ABOUT = {
    "denoising": "lecture 20: a denoising autoencoder (784-400-784), then a classifier",
    "autoencoder": "lecture 12: an autoencoder (784-100-784), then a classifier",
}


def add_parser(commands: Any) -> None:
    """Declare `train` and its two lectures."""
    parser = commands.add_parser("train", help="train a lecture's network", description=__doc__)
    lectures = parser.add_subparsers(dest="lecture", required=True, metavar="lecture")
    for name, about in ABOUT.items():
        lecture = lectures.add_parser(name, help=about, description=about)
        add_options(lecture, LECTURES[name])
        lecture.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser, preset: Config) -> None:
    """Declare the options of a lecture, with the lecture's settings as defaults."""

    def add(name: str, about: str, **options: Any) -> None:
        default = getattr(preset, name[2:].replace("-", "_"), None)
        shown = "" if default is None else " (default: %(default)s)"
        parser.add_argument(name, help=about + shown, default=default, **options)

    add("--epochs", "epochs of pretraining", type=whole(0), metavar="N")
    add("--finetune-epochs", "epochs of fine-tuning", type=whole(0), metavar="N")
    add("--batch-size", "images in a batch", type=whole(1), metavar="N")
    add("--lr", "learning rate of the pretraining", type=number(above=0))
    add("--finetune-lr", "learning rate of the fine-tuning", type=number(above=0), metavar="LR")
    add("--optimizer", "of the pretraining; fine-tuning is gradient descent", choices=["sgd", "adam"])
    add("--momentum", "of gradient descent, in both phases", type=number(0), metavar="M")
    add("--weight-decay", "in both phases", type=number(0), metavar="W")
    add("--lr-step", "every N epochs multiply the rate by --lr-gamma", type=whole(1), metavar="N")
    add("--lr-gamma", "see --lr-step", type=number(above=0), metavar="G")
    add("--noise-mean", "mean of the noise on the input", type=number(), metavar="M")
    add("--noise-std", "standard deviation of the noise", type=number(0), metavar="S")
    add("--l1-weight", "weight of the L1 penalty on the code", type=number(0), metavar="W")
    add("--l1-form", "its gradient: the code's sign, or as on the slide the code", choices=["sign", "slide"])
    add("--dtype", "precision", choices=["float32", "float64"])
    add("--device", "where the network runs", choices=["cpu", "cuda"])
    add("--seed", "of weights, order and noise", type=whole(0), metavar="N")
    add("--data-dir", "folder of IDX files, gzipped or raw (default: the bundled MNIST)", metavar="DIR")
    add("--limit", "use the first N training images only", type=whole(1), metavar="N")
    add("--out", "folder for figures and pictures", type=Path, metavar="DIR")
    parser.add_argument("--quiet", action="store_true", help="print nothing")


def config_of(arguments: argparse.Namespace) -> Config:
    """The settings that the command line asks for."""
    names = {field.name for field in dataclasses.fields(Config)}
    given = {name: value for name, value in vars(arguments).items() if name in names}
    return dataclasses.replace(LECTURES[arguments.lecture], **given)


def run(arguments: argparse.Namespace) -> int:
    """Train, print, write."""
    from minigrad.experiments import autoencoder, denoising, program

    lecture = {"denoising": denoising, "autoencoder": autoencoder}[arguments.lecture]
    program.run_lecture(lecture, config_of(arguments), out=arguments.out, quiet=arguments.quiet)
    return 0


def whole(smallest: int) -> Callable[[str], int]:
    """A reader of whole numbers that are at least `smallest`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = smallest - 1
        if value < smallest:
            raise argparse.ArgumentTypeError(f"expected a whole number, at least {smallest}; found {text!r}")
        return value

    return read


def number(smallest: float = -math.inf, *, above: float = -math.inf) -> Callable[[str], float]:
    """A reader of finite numbers that are at least `smallest` and more than `above`."""
    bound = "" if math.isinf(smallest) else f", at least {smallest:g}"
    bound += "" if math.isinf(above) else f", more than {above:g}"

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= smallest and value > above):
            raise argparse.ArgumentTypeError(f"expected a number{bound}; found {text!r}")
        return value

    return read
