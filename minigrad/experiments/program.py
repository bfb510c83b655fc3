"""A lecture from beginning to end: the order of its training, the lines that it prints and the files that it writes.

It knows no engine: `lecture` is minigrad.experiments.denoising or .autoencoder, or their PyTorch twins.
"""

import functools
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from minigrad.experiments import plots, run_folder
from minigrad.experiments.config import Config, DivergedError, config_as_dict
from minigrad.experiments.metrics import class_accuracy, confusion_matrix, curves_of, first_and_last
from minigrad.experiments.terminal import digits_as_text, health_line, progress, say

Save = Callable[[Any, Path], None]  # writes a run's checkpoint into its folder
Watch = Callable[[Any, Any], AbstractContextManager[Any]]  # minigrad.inspect.watch, or what gives None in its place


def run_lecture(
    lecture: ModuleType,
    config: Config,
    *,
    out: Path | None = None,
    quiet: bool = False,
    data: Any = None,
    save: Save | None = None,
    watch: Watch = lambda net, optimizer: nullcontext(),
) -> dict[str, Any]:
    """Train as `config` says, print the lecture's lines, write into the folder `out` if it is given, and return the summary.

    With `watch`, each line of metrics.jsonl has the network's health in that epoch, and a line about it is printed.
    Raise DivergedError after an epoch in which the loss or a weight stopped being a finite number. The checkpoint is then the one before
    that epoch; the last line of metrics.jsonl is of that epoch, with "diverged": true.
    """
    training = lecture.training
    data = training.load_data(config) if data is None else data
    run = training.start(config, lecture)
    if out is not None:
        run_folder.open_folder(out, config, training.PACKAGES)
    introduce(lecture, run, data, _silent if quiet else say)
    return finish(lecture, run, data, out=out, quiet=quiet, save=save, watch=watch)


def finish(
    lecture: ModuleType,
    run: Any,
    data: Any,
    *,
    out: Path | None,
    quiet: bool,
    save: Save | None,
    watch: Watch = lambda net, optimizer: nullcontext(),
) -> dict[str, Any]:
    """Train `run` from where it stands to its end; print, write and return what `run_lecture` does."""
    training, tell = lecture.training, _silent if quiet else say

    def keep() -> None:
        if out is not None and save is not None:
            save(run, out)
        if out is not None:
            run_folder.write_metrics(out, run.metrics)

    with run_folder.alone(out):
        keep()
        try:
            train(lecture, run, data, keep, tell, watch)
        except DivergedError:
            if out is not None:
                run_folder.write_metrics(out, run.metrics)
            raise
        keep()  # with the last snapshots
        summary = summarize(training, run, data)
        for name, accuracy in summary["class_accuracy"].items():
            tell(f"Accuracy of {name:>5} : {accuracy:f} %")
        if diverged := run_folder.divergence(config_as_dict(run.config), run.metrics):
            tell(f"Attention: {diverged}")
        if out is not None:
            run_folder.write_json(out / "summary.json", summary)
            plots.draw_all(out, training.ENGINE, run, data, summary)
    return summary


def introduce(lecture: ModuleType, run: Any, data: Any, say: Any) -> None:
    """Print the sizes of the four arrays, where the network runs, for lecture 12 a few digits, and the network."""
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        say(f"{name.replace('_', ' ').capitalize()} : {tuple(getattr(data, name).shape)}")
    gpu = "GPU is available!" if lecture.training.gpu_is_available() else "No GPU is available."
    rounding = ", float32 products in TF32" if lecture.training.products_in_tf32(run.config) else ""
    say(f"{gpu} The network runs on: {run.config.device}{rounding}")
    if run.config.lecture == "autoencoder":
        say(digits_as_text(data.train_images[:3].cpu().numpy(), data.train_labels[:3].tolist()))
    say(run.net)


def train(lecture: ModuleType, run: Any, data: Any, keep: Any, say: Any, watch: Watch) -> None:
    """Train what is left of both phases, and call keep() after each epoch."""
    training = lecture.training
    if run.phase == "pretrain":
        with watch(run.net, run.optimizer) as health:
            train_phase(training, run, data, keep, say, health)
        training.reconstruct(run, data, one_of_each(data.test_labels.cpu().numpy()))
        training.cut_decoder(run, data, lecture)
        say(run.net)
    with watch(run.net, run.optimizer) as health:
        train_phase(training, run, data, keep, say, health)


def train_phase(training: ModuleType, run: Any, data: Any, keep: Any, say: Any, health: Any) -> None:
    """Train what is left of the phase in which `run` stands. `health` is None, or what watches the network."""
    epochs = run.config.total_epochs(run.phase)
    if run.epoch == 0:
        training.take_snapshot(run, "before")
    while run.epoch < epochs:
        entry = train_epoch(training, run, data, say)
        if health is not None:
            entry["health"] = health.epoch()
        run.metrics.append(entry)
        if "diverged" not in entry:
            keep()
        say(epoch_line(entry, epochs))
        if health is not None:
            say(health_line(entry["health"]))
        if "diverged" in entry:
            raise DivergedError(run_folder.divergence(config_as_dict(run.config), run.metrics))
    training.take_snapshot(run, "after")
    say("Finished Training")


def train_epoch(training: ModuleType, run: Any, data: Any, say: Any) -> dict[str, Any]:
    """Train the next epoch and return what metrics.jsonl says of it, with "diverged" only if the loss or a weight is no finite number."""
    started = time.perf_counter()
    title = f"{run.phase} {run.epoch + 1}/{run.config.total_epochs(run.phase)}"
    bar = functools.partial(progress, total=data.batch_count(run), title=title)
    train = training.pretrain_epoch if run.phase == "pretrain" else training.finetune_epoch
    loss = train(run, data, iter if say is _silent else bar)
    diverged = not (math.isfinite(loss) and training.weights_are_finite(run))
    accuracy = accuracy_percent(training, run, data) if run.phase == "finetune" and not diverged else None
    seconds = round(time.perf_counter() - started, 3)
    entry = {"phase": run.phase, "epoch": run.epoch, "loss": loss, "test_accuracy": accuracy, "seconds": seconds}
    return {**entry, "diverged": True} if diverged else entry


def epoch_line(entry: dict[str, Any], epochs: int) -> str:
    """Return the lecture's line for an epoch; the test accuracy is left out where it was not measured."""
    position = f"At Iteration : {entry['epoch']} / {epochs}"
    if entry["phase"] == "pretrain":
        return f"{position} ; Mean-Squared Error : {entry['loss']:f}"
    line = f"{position} ; Train Error : {entry['loss']:f}"
    return line if entry["test_accuracy"] is None else f"{line} ; Test Accuracy : {entry['test_accuracy']:f}"


def accuracy_percent(training: ModuleType, run: Any, data: Any) -> float:
    """Return the per cent of the test images that are classified correctly."""
    right = training.predict(run, data.test_images) == data.test_labels
    return 100 * int(right.sum().item()) / len(data.test_labels)


def one_of_each(labels: Any) -> list[int]:
    """Return where each class first occurs in `labels`."""
    return sorted(np.unique(labels, return_index=True)[1].tolist(), key=lambda index: labels[index])


def summarize(training: ModuleType, run: Any, data: Any) -> dict[str, Any]:
    """Return the final numbers of a run, measured on the test images."""
    predicted = training.predict(run, data.test_images).cpu().numpy()
    labels = data.test_labels.cpu().numpy()
    confusion = confusion_matrix(labels, predicted)
    return {
        "lecture": run.config.lecture,
        **first_and_last(curves_of(run.metrics)),
        "test_accuracy": 100 * confusion.trace().item() / len(labels),
        "class_accuracy": class_accuracy(confusion),
        "confusion": confusion.tolist(),
        **run.figures,
        "seconds": round(sum(entry["seconds"] for entry in run.metrics), 3),
    }


def _silent(line: Any) -> None:
    pass
