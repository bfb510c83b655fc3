"""`minigrad train`: train a lecture's network on real digits."""

import argparse
import contextlib
import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from minigrad import backend
from minigrad.cli.option_types import full_path, number, path, whole
from minigrad.experiments import checkpoint, program, run_folder, training
from minigrad.experiments.config import LECTURES, PHASE_NAMES, SETTINGS, Config, DivergedError, ExperimentError, check_folder
from minigrad.experiments.report import write_report
from minigrad.experiments.terminal import complain, error_text, one_line, say, shell_word
from minigrad.inspect import watch
from minigrad.serialization import CheckpointError

WATCHED = 10  # with --watch, every so many steps are watched, beginning with the first of each epoch
ABOUT = {
    "denoising": "lecture 20: a denoising autoencoder (784-400-784), then a classifier",
    "autoencoder": "lecture 12: an autoencoder (784-100-784), then a classifier",
}
MORE = {
    "denoising": "The settings are the lecture's.",
    "autoencoder": "The settings are the lecture's; its printed curves, from the course's notebook, are of 30 + 30 epochs.",
}


def add_parser(commands: Any) -> None:
    """Declare `train` and its two lectures."""
    parser = commands.add_parser("train", help="train a lecture's network", description="Train a lecture's network on MNIST's digits.")
    lectures = parser.add_subparsers(dest="lecture", required=True, metavar="lecture")
    for name, about in ABOUT.items():
        lecture = lectures.add_parser(name, help=about, description=f"{about}. {MORE[name]}")
        add_options(lecture, LECTURES[name])
        about_resume = "continue the run in this folder, an earlier --out"
        lecture.add_argument("--resume", help=about_resume, type=path, metavar="DIR")
        about_watch = f"note the size of gradients and updates, and dead or saturated units, in every {WATCHED}th step"
        lecture.add_argument("--watch", action="store_true", help=about_watch)
        lecture.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser, preset: Config) -> None:
    """Declare the options of a lecture, with the lecture's settings as defaults."""
    for name, kind in get_type_hints(Config).items():
        limits, default = SETTINGS[name], getattr(preset, name)
        if about := limits["about"]:
            text = about if default is None else f"{about} (default: {default})"
            parser.add_argument(
                "--" + name.replace("_", "-"),
                help=text,
                default=argparse.SUPPRESS,  # the namespace lacks an option that is not given
                metavar=limits.get("metavar"),
                choices=limits.get("choices"),
                type=_option_type(kind, limits),
            )
    about_out = "folder to write the run's figures and pictures into"
    parser.add_argument("--out", help=about_out, type=path, metavar="DIR")
    parser.add_argument("--quiet", action="store_true", help="print nothing")


def _option_type(kind: Any, limits: Mapping[str, Any]) -> Callable[[str], Any]:
    if kind is float:
        return number(limits.get("least", -math.inf), above=limits.get("above", -math.inf))
    if "least" in limits:
        return whole(limits["least"])
    return str if "choices" in limits else full_path


def config_of(arguments: argparse.Namespace) -> Config:
    """Return the lecture's settings, changed as the command line says."""
    return dataclasses.replace(LECTURES[arguments.lecture], **given_settings(arguments))


def given_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that the command line gives."""
    return {name: value for name, value in vars(arguments).items() if name in SETTINGS and name != "lecture"}


def run(arguments: argparse.Namespace) -> int:
    """Train, print and write. Return 0, or 130 after Ctrl-C. A training that diverged is an ExperimentError."""
    folder = arguments.resume or arguments.out
    try:
        resume(arguments) if arguments.resume else begin(arguments)
    except KeyboardInterrupt:
        kept = "nothing is saved" if folder is None else saved(arguments.lecture, folder, "all whole epochs are saved")
        complain(f"minigrad: interrupted; {kept}", before="\n")
        return 130
    except DivergedError as error:
        anomaly = "minigrad.autograd.detect_anomaly() finds the operation that made the first such number"
        kept = "nothing is saved"
        if folder is not None:
            write_report([folder], folder / "report.html")
            kept = saved(arguments.lecture, folder, "everything before that epoch is saved, but the same settings lead here again")
        raise ExperimentError(f"{error}; {anomaly}; {kept}") from None
    except OSError as error:
        if folder is None:
            raise
        raise ExperimentError(f"{error_text(error)}; {saved(arguments.lecture, folder, 'the last checkpoint is whole')}") from error
    return 0


def saved(lecture: str, folder: Path, if_whole: str) -> str:
    """Check what is on the disk of the run in `folder`, and return a text that says what is saved and how to go on."""
    again = f"minigrad train {lecture} --resume {shell_word(folder)}"
    try:
        if (folder / checkpoint.FILE).exists():
            checkpoint.load_state(folder / checkpoint.FILE)
            return f"{if_whole}; to go on: {again}"
        if (folder / "config.json").exists():
            checkpoint.read_settings(folder / "config.json")
            return f"no epoch is saved yet; to begin again: {again}"
    except (OSError, CheckpointError) as error:
        return f"nothing that is saved can be read: {error_text(error) if isinstance(error, OSError) else error}"
    return "nothing is saved" if folder.exists() else f"nothing is saved: there is no folder {folder}"


def begin(arguments: argparse.Namespace) -> None:
    """Train from the beginning."""
    config = config_of(arguments)
    if arguments.out is not None:
        check_folder(arguments.out)  # before anything that can be interrupted, so that what it holds later is of this run
    training.check_device(config.device)
    lecture, out = checkpoint.PROGRAMS[config.lecture], arguments.out
    with without_numba(config.device == "cuda"):
        program.run_lecture(lecture, config, out=out, quiet=arguments.quiet, save=checkpoint.save_run, **watching(arguments.watch))
    if out is not None:
        write_report([out], out / "report.html")


def resume(arguments: argparse.Namespace) -> None:
    """Continue the training from the last checkpoint."""
    folder = arguments.resume
    given = [*given_settings(arguments), *(["out"] if arguments.out else [])]
    if given:
        options = ", ".join("--" + name.replace("_", "-") for name in given)
        raise ExperimentError(f"--resume {folder}: takes all settings from that run; leave out {options}")
    run_folder.check_matplotlib()
    with without_numba():  # whatever the device: the weights that are drawn will be replaced
        run = checkpoint.load_or_start(folder)
    lecture = run.config.lecture
    if lecture != arguments.lecture:
        command = f"minigrad train {lecture} --resume {shell_word(folder)}"
        raise ExperimentError(f"--resume {folder}: holds a run of the other lecture; go on with: {command}")
    if not arguments.quiet:
        phase, total = run.phase, run.config.total_epochs(run.phase)
        say(f"Going on with {shell_word(folder)} after epoch {run.epoch} of {total} ({PHASE_NAMES[phase]})")
        for name, old, new in run_folder.version_changes(folder, training.PACKAGES):
            say(f"Begun with {name} {one_line(old)}, now with {new}: last digits may differ from a run in one go")
    data, program_of = training.load_data(run.config), checkpoint.PROGRAMS[lecture]
    with without_numba(run.config.device == "cuda"):
        watched = watching(arguments.watch or any("health" in entry for entry in run.metrics))
        program.finish(program_of, run, data, out=folder, quiet=arguments.quiet, save=checkpoint.save_run, **watched)
    write_report([folder], folder / "report.html")


def watching(is_watched: bool) -> dict[str, program.Watch]:
    """Return the options of `run_lecture` and `finish` for a run that is watched or not."""
    return {"watch": functools.partial(watch, every=WATCHED)} if is_watched else {}


@contextlib.contextmanager
def without_numba(leave_out: bool = True) -> Iterator[None]:
    """Use no compiled loops in this block: where a GPU computes, importing Numba for the host's work would delay the first step."""
    before = backend.use_numba(False) if leave_out else None
    try:
        yield
    finally:
        if before is not None:
            backend.use_numba(before)
