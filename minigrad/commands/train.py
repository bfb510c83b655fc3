"""`minigrad train`: a lecture's network on real digits."""

import argparse
import contextlib
import dataclasses
import errno
import math
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from minigrad.experiments.config import LECTURES, Config, ExperimentError

ABOUT = {
    "denoising": "lecture 20: a denoising autoencoder (784-400-784), then a classifier",
    "autoencoder": "lecture 12: an autoencoder (784-100-784), then a classifier",
}
MORE = {
    "denoising": "The settings are the lecture's.",
    "autoencoder": "Rates and momentum, which the transcript does not show, are an assumption.",
}
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def add_parser(commands: Any) -> None:
    """Declare `train` and its two lectures."""
    parser = commands.add_parser("train", help="train a lecture's network", description=__doc__)
    lectures = parser.add_subparsers(dest="lecture", required=True, metavar="lecture")
    for name, about in ABOUT.items():
        lecture = lectures.add_parser(name, help=about, description=f"{about}. {MORE[name]}")
        add_options(lecture, LECTURES[name])
        about_resume = "go on with the run in the folder DIR of an earlier --out"
        lecture.add_argument("--resume", help=about_resume, type=Path, metavar="DIR")
        lecture.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser, preset: Config) -> None:
    """Declare the options of a lecture, with the lecture's settings as defaults."""

    def add(name: str, about: str, **options: Any) -> None:
        default = getattr(preset, name[2:].replace("-", "_"))
        text = about if default is None else f"{about} (default: {default})"
        parser.add_argument(name, help=text, default=argparse.SUPPRESS, **options)  # absent if not given

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
    add("--data-dir", "folder of IDX files, gzipped or raw (default: the bundled MNIST)", type=full_path, metavar="DIR")
    add("--limit", "use the first N training images only", type=whole(1), metavar="N")
    parser.add_argument("--out", help="folder for figures and pictures", type=Path, metavar="DIR")
    parser.add_argument("--quiet", action="store_true", help="print nothing")


def config_of(arguments: argparse.Namespace) -> Config:
    """The lecture's settings, but for those that the command line names."""
    return dataclasses.replace(LECTURES[arguments.lecture], **given_settings(arguments))


def given_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that the command line names."""
    names = {field.name for field in dataclasses.fields(Config)} - {"lecture"}
    return {name: value for name, value in vars(arguments).items() if name in names}


def run(arguments: argparse.Namespace) -> int:
    """Train, print, write; 130 if it is interrupted."""
    folder = arguments.resume or arguments.out
    again = f"to go on: minigrad train {arguments.lecture} --resume {shlex.quote(str(folder))}"
    try:
        resume(arguments) if arguments.resume else begin(arguments)
    except KeyboardInterrupt:
        saved = folder is not None and (folder / "config.json").exists()
        kept = f"all whole epochs are saved; {again}" if saved else "nothing is saved"
        print(f"\nminigrad: interrupted; {kept}", file=sys.stderr)
        return 130
    except OSError as error:
        if folder is None or error.errno not in DISK_ERRORS:
            raise
        place = error.filename or folder
        message = f"{place}: {error.strerror}; the last checkpoint is whole; {again}"
        raise ExperimentError(message) from error
    return 0


def begin(arguments: argparse.Namespace) -> None:
    """Train anew."""
    from minigrad.experiments import checkpoint, program, training

    config = config_of(arguments)
    training.check_device(config.device)
    lecture, out = checkpoint.PROGRAMS[config.lecture], arguments.out
    with without_numba(config.device == "cuda"):
        program.run_lecture(lecture, config, out=out, quiet=arguments.quiet, save=checkpoint.save_run)
    report(out)


def resume(arguments: argparse.Namespace) -> None:
    """Train on, from the last checkpoint."""
    from minigrad.experiments import checkpoint, program, record, training

    folder = arguments.resume
    given = [*given_settings(arguments), *(["out"] if arguments.out else [])]
    if given:
        options = ", ".join("--" + name.replace("_", "-") for name in given)
        raise ExperimentError(f"--resume {folder}: takes all settings from that run; leave out {options}")
    record.check_matplotlib()
    with without_numba():  # whatever the device: the weights that are drawn will be replaced
        run = checkpoint.load_or_start(folder)
    lecture = run.config.lecture
    if lecture != arguments.lecture:
        command = f"minigrad train {lecture} --resume {shlex.quote(str(folder))}"
        raise ExperimentError(f"--resume {folder}: holds a run of the other lecture; go on with: {command}")
    if not arguments.quiet:
        phase, total = run.phase, run.config.total_epochs(run.phase)
        print(f"Going on with {folder} after epoch {run.epoch} of {total} ({phase})", flush=True)
        for name, old, new in record.version_changes(folder, training.PACKAGES):
            print(f"Begun with {name} {old}, now with {new}: last digits may differ from a run in one go")
    data, program_of = training.load_data(run.config), checkpoint.PROGRAMS[lecture]
    with without_numba(run.config.device == "cuda"):
        program.finish(program_of, run, data, out=folder, quiet=arguments.quiet, save=checkpoint.save_run)
    report(folder)


@contextlib.contextmanager
def without_numba(leave_out: bool = True) -> Iterator[None]:
    """Leave compiled loops out within: where a GPU computes, importing Numba for what the host does would delay the first step."""
    from minigrad import backend

    before = backend.use_numba(False) if leave_out else None
    try:
        yield
    finally:
        if before is not None:
            backend.use_numba(before)


def report(out: Path | None) -> None:
    """Write the report on a finished run into its folder."""
    from minigrad.experiments.report import write_report

    if out is not None:
        write_report([out], out / "report.html")


def full_path(text: str) -> str:
    """A path that means the same when the run is resumed from another folder."""
    return str(Path(text).expanduser().absolute())


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
