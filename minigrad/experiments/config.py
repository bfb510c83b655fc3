"""The settings of a run: those of the two lectures, the values that are allowed, and names that all parts share."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minigrad.data import mnist

CLASSES, SIDE = mnist.DIGITS, mnist.SIDE
PIXELS = SIDE * SIDE  # of an image
PHASE_NAMES = {"pretrain": "pretraining", "finetune": "fine-tuning"}
PHASES = tuple(PHASE_NAMES)


class ExperimentError(Exception):
    """Raised where a run cannot start or go on; the message says what to do about it."""


def setting(about: str = "", *, default: Any = dataclasses.MISSING, **limits: Any) -> Any:
    """Declare a setting of Config: what its option in `minigrad train` says of it (with no text there is no option), and its limits.

    These are `least`, the smallest value; `above`, below all values; `choices`, all values; and `metavar`, the option's word for a value.
    """
    return dataclasses.field(default=default, metadata={"about": about, **limits})


@dataclass(frozen=True)
class Config:
    """Everything that decides a run's numbers. Rates and decay are per step, `lr_step` is in epochs."""

    lecture: str = setting(choices=("denoising", "autoencoder"))
    epochs: int = setting("epochs of pretraining", least=0, metavar="N")
    finetune_epochs: int = setting("epochs of fine-tuning", least=0, metavar="N")
    lr: float = setting("learning rate of the pretraining", above=0)
    finetune_lr: float = setting("learning rate of the fine-tuning", above=0, metavar="LR")
    optimizer: str = setting("of the pretraining; fine-tuning is gradient descent", choices=("sgd", "adam"))
    momentum: float = setting("of gradient descent, in both phases", least=0, metavar="M")
    shuffle: bool = setting()
    noise_mean: float = setting("mean of the noise on the input", metavar="M")
    noise_std: float = setting("standard deviation of the noise", least=0, metavar="S")
    batch_size: int = setting("images in a batch", default=1000, least=1, metavar="N")
    weight_decay: float = setting("in both phases", default=0.0, least=0, metavar="W")
    lr_step: int | None = setting("every N epochs multiply the rate by --lr-gamma", default=None, least=1, metavar="N")
    lr_gamma: float = setting("see --lr-step", default=0.1, above=0, metavar="G")
    l1_weight: float = setting("weight of the L1 penalty on the code", default=0.0, least=0, metavar="W")
    l1_form: str = setting("its gradient: the code's sign, or as on the slide the code", default="sign", choices=("sign", "slide"))
    dtype: str = setting("precision", default="float64", choices=("float32", "float64"))
    device: str = setting("where the network runs", default="cpu", choices=("cpu", "cuda"))
    seed: int = setting("of weights, order and noise", default=0, least=0, metavar="N")
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
LARGEST = 2**64 - 1  # of all whole numbers that a setting may be: a seed has 64 bits


def config_as_dict(config: Config) -> dict[str, object]:
    """Return the settings as plain values, in their order, for JSON."""
    return dataclasses.asdict(config)


def check_folder(out: Path) -> None:
    """Raise ExperimentError if `out` holds a run already, or is no folder."""
    if out.exists() and not out.is_dir():
        raise ExperimentError(f"--out {out}: expected a folder, found a file")
    for name in ("config.json", "metrics.jsonl"):
        if (out / name).exists():
            raise ExperimentError(f"--out {out}: holds another run already ({name}); choose another folder")
