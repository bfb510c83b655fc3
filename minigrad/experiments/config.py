"""The settings of a run: those of the two lectures, the values that are allowed, and names that all parts share."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIDE = 28  # an image is 28 × 28
PIXELS = SIDE * SIDE
PHASE_NAMES = {"pretrain": "pretraining", "finetune": "fine-tuning"}
PHASES = tuple(PHASE_NAMES)


class ExperimentError(Exception):
    """Raised where a run cannot start or go on; the message says what to do about it."""


@dataclass(frozen=True)
class Config:
    """Everything that decides a run's numbers. Rates and decay are per step, `lr_step` is in epochs."""

    lecture: str
    epochs: int
    finetune_epochs: int
    lr: float
    finetune_lr: float
    optimizer: str  # of the pretraining: "sgd" or "adam"; fine-tuning is always gradient descent
    momentum: float  # of gradient descent, in both phases
    shuffle: bool
    noise_mean: float
    noise_std: float
    batch_size: int = 1000
    weight_decay: float = 0.0
    lr_step: int | None = None
    lr_gamma: float = 0.1
    l1_weight: float = 0.0
    l1_form: str = "sign"
    dtype: str = "float64"
    device: str = "cpu"
    seed: int = 0
    data_dir: str | None = None
    limit: int | None = None

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


CHOICES = {
    "lecture": tuple(LECTURES),
    "optimizer": ("sgd", "adam"),
    "l1_form": ("sign", "slide"),
    "dtype": ("float32", "float64"),
    "device": ("cpu", "cuda"),
}
LEAST = {
    "epochs": 0, "finetune_epochs": 0, "batch_size": 1, "momentum": 0, "noise_std": 0, "weight_decay": 0, "lr_step": 1, "l1_weight": 0,
    "seed": 0, "limit": 1,
}  # fmt: skip
ABOVE_ZERO = ("lr", "finetune_lr", "lr_gamma")
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
