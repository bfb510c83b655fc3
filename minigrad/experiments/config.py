"""The settings of a run: those of the two lectures, the values that are allowed, and names that other modules share."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minigrad.data import mnist

CLASSES, SIDE = mnist.DIGITS, mnist.SIDE
PIXELS = SIDE * SIDE  # in an image
PHASE_NAMES = {"pretrain": "pretraining", "finetune": "fine-tuning"}
PHASES = tuple(PHASE_NAMES)


class ExperimentError(Exception):
    """Raised where a run cannot start or go on; the message says what to do about it."""


class DivergedError(ExperimentError):
    """Raised where the loss or a weight of a run stopped being a finite number; the message says in which epoch."""


def setting(about: str = "", *, default: Any = dataclasses.MISSING, **limits: Any) -> Any:
    """Declare a setting of Config. `about` is the help text of its option in `minigrad train`; without a text it has no option.

    The limits: `least` is the smallest value that is allowed, `above` a number that values must exceed, `choices` has all values
    that are allowed. `metavar` is the word that stands for a value in the help text.
    """
    return dataclasses.field(default=default, metadata={"about": about, **limits})


@dataclass(frozen=True)
class Config:
    """Everything that decides a run's numbers. `lr_step` is in epochs."""

    lecture: str = setting(choices=("denoising", "autoencoder"))
    epochs: int = setting("epochs of pretraining", least=0, metavar="N")
    finetune_epochs: int = setting("epochs of fine-tuning", least=0, metavar="N")
    lr: float = setting("learning rate of the pretraining", above=0)
    finetune_lr: float = setting("learning rate of the fine-tuning", above=0, metavar="LR")
    optimizer: str = setting("optimizer of the pretraining; the fine-tuning always uses sgd", choices=("sgd", "adam"))
    momentum: float = setting("momentum of sgd, in both phases", least=0, metavar="M")
    shuffle: bool = setting()
    noise_mean: float = setting("mean of the noise on the input", metavar="M")
    noise_std: float = setting("standard deviation of the noise", least=0, metavar="S")
    batch_size: int = setting("images in a batch", default=1000, least=1, metavar="N")
    weight_decay: float = setting("weight decay, in both phases", default=0.0, least=0, metavar="W")
    lr_step: int | None = setting("multiply the rate by --lr-gamma every N epochs", default=None, least=1, metavar="N")
    lr_gamma: float = setting("factor of --lr-step", default=0.1, above=0, metavar="G")
    l1_weight: float = setting("weight of the L1 penalty on the code", default=0.0, least=0, metavar="W")
    l1_form: str = setting("penalty's gradient: the code's sign, or the code as on the slide", default="sign", choices=("sign", "slide"))
    dtype: str = setting("precision of all numbers", default="float64", choices=("float32", "float64"))
    device: str = setting("where the network runs", default="cpu", choices=("cpu", "cuda"))
    seed: int = setting("seed of the weights, the order of the images and the noise", default=0, least=0, metavar="N")
    data_dir: str | None = setting("folder of IDX files, gzipped or raw (default: the bundled MNIST)", default=None, metavar="DIR")
    limit: int | None = setting("use the first N training images only", default=None, least=1, metavar="N")

    @property
    def has_noise(self) -> bool:
        """Whether noise is added to the images that the pretraining reads."""
        return bool(self.noise_mean or self.noise_std)

    def total_epochs(self, phase: str) -> int:
        """Return how many epochs "pretrain" or "finetune" has."""
        return self.epochs if phase == "pretrain" else self.finetune_epochs


LECTURES = {
    "denoising": Config(
        lecture="denoising", epochs=20, finetune_epochs=10, lr=1e-3, finetune_lr=0.1, optimizer="adam", momentum=0.0, shuffle=True,
        noise_mean=0.1, noise_std=0.2,
    ),
    # The course's public notebook (iitkliv/dlvcnptel, lecture12.ipynb) has these settings, and 30 + 30 epochs; the spoken lecture
    # has 10 + 3.
    "autoencoder": Config(
        lecture="autoencoder", epochs=10, finetune_epochs=3, lr=0.5, finetune_lr=0.01, optimizer="sgd", momentum=0.9, shuffle=False,
        noise_mean=0.0, noise_std=0.0,
    ),
}  # fmt: skip

SETTINGS = {field.name: field.metadata for field in dataclasses.fields(Config)}
LARGEST = 2**64 - 1  # the largest whole number that a setting may be: a seed has 64 bits


def config_as_dict(config: Config) -> dict[str, object]:
    """Return the settings by name, as plain values for JSON."""
    return dataclasses.asdict(config)


def check_folder(out: Path) -> None:
    """Raise ExperimentError if `out` holds a run already, or is no folder."""
    if out.exists() and not out.is_dir():
        raise ExperimentError(f"--out {out}: expected a folder, found a file")
    for name in ("config.json", "metrics.jsonl"):
        if (out / name).exists():
            raise ExperimentError(f"--out {out}: holds another run already ({name}); choose another folder")
