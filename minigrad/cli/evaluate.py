"""`minigrad evaluate`: test a run's classifier on the images of any folder of IDX files."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import minigrad as mg
from minigrad.cli.option_types import path
from minigrad.data.mnist import bundled, load_split
from minigrad.experiments import checkpoint, metrics, training
from minigrad.experiments.config import PIXELS, ExperimentError
from minigrad.experiments.terminal import say, shell_word


def add_parser(commands: Any) -> None:
    """Declare `evaluate`."""
    about = "test a run's classifier on its test images, or on those of any folder of IDX files"
    parser = commands.add_parser("evaluate", help="test a run's classifier", description=about)
    parser.add_argument("folder", type=path, metavar="DIR", help="a folder of minigrad train --out")
    parser.add_argument("--data-dir", type=path, metavar="DIR", help="IDX files (default: the run's own)")
    parser.add_argument("--train", action="store_true", help="use the training images, not the test images")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the accuracy, also by class, and the confusion table."""
    result = evaluate(arguments.folder, arguments.data_dir, train=arguments.train)
    say(json.dumps(result) if arguments.json else as_text(result))
    return 0


def evaluate(folder: Path, data_dir: Path | None = None, *, train: bool = False) -> dict[str, Any]:
    """Test the classifier of the run in `folder` on the IDX files in `data_dir` (by default on the run's own), and return the numbers."""
    run = checkpoint.load_run(folder)
    if run.phase != "finetune":
        raise ExperimentError(
            f"{folder}: expected a classifier, found an autoencoder after {run.epoch} epochs of pretraining; "
            f"train it to the end: minigrad train {run.config.lecture} --resume {shell_word(folder)}"
        )
    place = Path(os.path.expanduser(data_dir or run.config.data_dir or bundled()))
    images, labels = load_split(place, train=train)
    inputs = mg.from_numpy(images.reshape(-1, PIXELS)).to(run.config.device)
    confusion = metrics.confusion_matrix(labels, training.predict(run, inputs).cpu().numpy())
    return {
        "epoch": run.epoch,
        "images": len(labels),
        "accuracy": 100 * confusion.trace().item() / len(labels),
        "class_accuracy": metrics.class_accuracy(confusion),
        "confusion": confusion.tolist(),
    }


def as_text(result: dict[str, Any]) -> str:
    """Return the result as lines of text: accuracy, accuracy by class, confusion table."""
    lines = [f"Accuracy after epoch {result['epoch']} : {result['accuracy']:f} %, {result['images']} images"]
    lines += [f"Accuracy of {name:>5} : {value:f} %" for name, value in result["class_accuracy"].items()]
    lines += ["", "Confusion: rows are what an image is, columns what it is taken for"]
    width = max(5, len(str(result["images"])) + 1)
    lines.append(" " * 2 + "".join(f"{j:{width}d}" for j in range(len(result["confusion"]))))
    lines += [f"{i:2d}" + "".join(f"{n:{width}d}" for n in row) for i, row in enumerate(result["confusion"])]
    return "\n".join(lines)
