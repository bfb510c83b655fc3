"""The data as the lecture reads it: torchvision's MNIST and transforms, and PyTorch's DataLoader."""

import gzip
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from minigrad.data.mnist import bundled, file_names, find_file
from minigrad.experiments.config import PIXELS, Config
from reference.training import Data, Run

WORKERS = min(4, os.cpu_count() or 1)  # the lecture has 4; PyTorch warns where there are fewer processors
OPS = torch.library.Library("torchvision", "FRAGMENT")


def import_torchvision() -> Any:
    """Return torchvision, even if its compiled part, which MNIST does not need, does not fit the installed PyTorch.

    Such a torchvision cannot be imported, because nothing has declared its ops `nms` and `qnms`; they are declared here.
    """
    try:
        import torchvision
    except RuntimeError:
        for name in ("nms", "qnms"):
            OPS.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision
    return torchvision


@dataclass
class LoaderData(Data):
    """MNIST with training batches from a data set of images, each transformed when it is asked for."""

    train_set: Any = None

    def batches(self, run: Run) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield an epoch of training images and labels, in random order if the lecture shuffles."""
        config = run.config
        loader = DataLoader(
            self.train_set,
            batch_size=config.batch_size,
            shuffle=config.shuffle,
            num_workers=WORKERS,
            generator=run.generator,
        )
        dtype = getattr(torch, config.dtype)
        for images, labels in loader:
            yield images.view(-1, PIXELS).to(config.device, dtype), labels.to(config.device)


def load_data(config: Config) -> LoaderData:
    """Read MNIST, or the files in --data-dir, through torchvision, and return it; of the training images the first --limit."""
    vision = import_torchvision()
    transform = vision.transforms.Compose([vision.transforms.ToTensor()])
    with tempfile.TemporaryDirectory() as root:
        unpack(Path(config.data_dir) if config.data_dir else bundled(), Path(root) / "MNIST" / "raw")
        train, test = (vision.datasets.MNIST(root, train=part, transform=transform) for part in (True, False))
    limit = len(train) if config.limit is None else min(config.limit, len(train))
    arrays = [train.data[:limit], train.targets[:limit], test.data, test.targets]
    train_images, train_labels, test_images, test_labels = (array.to(config.device) for array in arrays)
    return LoaderData(
        train_images.view(-1, PIXELS),
        train_labels,
        test_images.view(-1, PIXELS),
        test_labels,
        Subset(train, range(limit)),
    )


def unpack(source: Path, target: Path) -> None:
    """Copy the four IDX files to where torchvision looks for them, unpacked, as torchvision wants them."""
    target.mkdir(parents=True)
    for name in (*file_names(True), *file_names(False)):
        path = find_file(source, name)
        content = path.read_bytes()
        (target / name).write_bytes(gzip.decompress(content) if path.suffix == ".gz" else content)
