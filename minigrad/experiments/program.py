"""A lecture from beginning to end: what it prints, what it writes and in which order it trains.

It knows no engine: `lecture` is minigrad.experiments.denoising or .autoencoder, or their PyTorch twins.
"""

import functools
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from minigrad.experiments import pictures, record
from minigrad.experiments.config import CLASSES, Config
from minigrad.experiments.digits import as_text


def run_lecture(
    lecture: ModuleType, config: Config, *, out: Path | None = None, quiet: bool = False, data: Any = None
) -> dict[str, Any]:
    """Train as `config` says, print the lecture's lines, write `out` if it is given; the summary."""
    training = lecture.training
    data = training.load_data(config) if data is None else data
    run = training.start(config, lecture)
    if out is not None:
        record.open_folder(out, config, training.PACKAGES)
    say = _silent if quiet else _say
    introduce(lecture, run, data, say)
    train(lecture, run, data, out, say)
    summary = summarize(training, run, data)
    for name, accuracy in summary["class_accuracy"].items():
        say(f"Accuracy of {name:>5} : {accuracy:f} %")
    if out is not None:
        record.write_json(out / "summary.json", summary)
        pictures.draw_all(out, training.ENGINE, run, data, summary)
    return summary


def introduce(lecture: ModuleType, run: Any, data: Any, say: Any) -> None:
    """The sizes of the four arrays, the GPU, a few digits (lecture 12 shows some) and the network."""
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        say(f"{name.replace('_', ' ').capitalize()} : {tuple(getattr(data, name).shape)}")
    available = lecture.training.gpu_is_available()
    gpu = "GPU is available!" if available else "No GPU is available."
    say(f"{gpu} The network runs on: {run.config.device}")
    if run.config.lecture == "autoencoder":
        say(as_text(data.train_images[:3].cpu().numpy(), data.train_labels[:3].tolist()))
    say(run.net)


def train(lecture: ModuleType, run: Any, data: Any, out: Path | None, say: Any) -> None:
    """Both phases, from wherever `run` stands."""
    training = lecture.training
    if run.phase == "pretrain":
        train_phase(training, run, data, out, say)
        training.reconstruct(run, data, one_of_each(data.test_labels.cpu().numpy()))
        training.cut_decoder(run, data, lecture)
        say(run.net)
    train_phase(training, run, data, out, say)


def train_phase(training: ModuleType, run: Any, data: Any, out: Path | None, say: Any) -> None:
    """The rest of the epochs of the phase in which `run` stands."""
    epochs = run.config.total_epochs(run.phase)
    if run.epoch == 0:
        training.take_snapshot(run, "before")
    while run.epoch < epochs:
        started = time.perf_counter()
        title = f"{run.phase} {run.epoch + 1}/{epochs}"
        bar = functools.partial(record.progress, total=data.batch_count(run), title=title)
        train_epoch = training.pretrain_epoch if run.phase == "pretrain" else training.finetune_epoch
        loss = train_epoch(run, data, iter if say is _silent else bar)
        accuracy = accuracy_percent(training, run, data) if run.phase == "finetune" else None
        run.metrics.append(
            {
                "phase": run.phase,
                "epoch": run.epoch,
                "loss": loss,
                "test_accuracy": accuracy,
                "seconds": round(time.perf_counter() - started, 3),
            }
        )
        say(epoch_line(run.metrics[-1], epochs))
        if out is not None:
            record.write_metrics(out, run.metrics)
    training.take_snapshot(run, "after")
    say("Finished Training")


def epoch_line(entry: dict[str, Any], epochs: int) -> str:
    """The lecture's line for an epoch."""
    position = f"At Iteration : {entry['epoch']} / {epochs}"
    if entry["phase"] == "pretrain":
        return f"{position} ; Mean-Squared Error : {entry['loss']:f}"
    return f"{position} ; Train Error : {entry['loss']:f} ; Test Accuracy : {entry['test_accuracy']:f}"


def accuracy_percent(training: ModuleType, run: Any, data: Any) -> float:
    """Per cent of the test images that are told right."""
    right = training.predict(run, data.test_images) == data.test_labels
    return 100 * right.sum().item() / len(data.test_labels)


def one_of_each(labels: Any) -> list[int]:
    """Where each class first occurs in `labels`."""
    return sorted(np.unique(labels, return_index=True)[1].tolist(), key=lambda index: labels[index])


def summarize(training: ModuleType, run: Any, data: Any) -> dict[str, Any]:
    """The final figures. confusion[i][j] counts the test images of class i that are taken for class j."""
    predicted = training.predict(run, data.test_images).cpu().numpy()
    labels = data.test_labels.cpu().numpy()
    n = len(CLASSES)
    confusion = np.bincount(n * labels + predicted, minlength=n * n).reshape(n, n)
    errors = [entry["loss"] for entry in run.metrics if entry["phase"] == "pretrain"]
    finetuning = [entry for entry in run.metrics if entry["phase"] == "finetune"]
    return {
        "lecture": run.config.lecture,
        "first_mse": errors[0] if errors else None,
        "mse": errors[-1] if errors else None,
        "first_train_error": finetuning[0]["loss"] if finetuning else None,
        "train_error": finetuning[-1]["loss"] if finetuning else None,
        "first_test_accuracy": finetuning[0]["test_accuracy"] if finetuning else None,
        "test_accuracy": 100 * confusion.trace().item() / len(labels),
        "class_accuracy": {
            name: 100 * right.item() / total.item()
            for name, right, total in zip(CLASSES, confusion.diagonal(), confusion.sum(axis=1))
            if total
        },
        "confusion": confusion.tolist(),
        **run.figures,
        "seconds": round(sum(entry["seconds"] for entry in run.metrics), 3),
    }


def _say(line: Any) -> None:
    print(line, flush=True)


def _silent(line: Any) -> None:
    pass
