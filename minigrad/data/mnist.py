"""MNIST and data sets of its form: pairs of IDX files with 28 × 28 grey images and their classes, 0 to 9."""

import atexit
import functools
import importlib.resources
import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad._tensor import Tensor
from minigrad.data.datasets import Dataset
from minigrad.data.idx import IdxError, read_idx
from minigrad.data.transforms import apply_to_batch
from minigrad.functions.creation import from_numpy
from minigrad.serialization.atomic import replace_file

Bytes = NDArray[np.uint8]
SIDE = 28
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SUFFIXES = (".gz", "")


@functools.cache
def bundled() -> Path:
    """Return the folder of the MNIST files that come with the package. Out of a zip file they are unpacked, once in a process."""
    folder = importlib.resources.files("minigrad.data") / "bundled"
    if isinstance(folder, Path):
        return folder
    unpacked = tempfile.TemporaryDirectory(prefix="minigrad-mnist-")
    atexit.register(unpacked.cleanup)
    for file in folder.iterdir() if folder.is_dir() else ():
        (Path(unpacked.name) / file.name).write_bytes(file.read_bytes())
    return Path(unpacked.name)


def load_mnist(data_dir: str | os.PathLike[str] | None = None) -> tuple[Bytes, Bytes, Bytes, Bytes]:
    """Return training images and labels, test images and labels: uint8 arrays of shapes (n, 28, 28) and (n,).

    `data_dir` is a folder of IDX files, gzipped or raw, under MNIST's names (Fashion-MNIST has the same form); None stands for the MNIST
    that comes with the package. Raises IdxError.
    """
    folder = bundled() if data_dir is None else Path(os.path.expanduser(data_dir))
    return *load_split(folder, train=True), *load_split(folder, train=False)


def load_split(root: Path, *, train: bool, name: str = "MNIST") -> tuple[Bytes, Bytes]:
    """Return the images and labels of the training set or the test set in `root`; see `load_mnist`."""
    folder = find_folder(root, train=train, name=name) or root
    images_file, labels_file = (find_file(folder, kind) for kind in file_names(train))
    images = read_idx(images_file, dtype=np.uint8, shape=(None, SIDE, SIDE))
    labels = read_idx(labels_file, dtype=np.uint8, shape=(None,))
    if len(images) != len(labels) or not len(images):
        raise IdxError(f"{images_file} and {labels_file}: expected a label for each image, and one at least; "
                       f"found {len(images):,} images and {len(labels):,} labels")
    if labels.max() >= len(DIGITS):
        at = int(labels.argmax())
        raise IdxError(f"{labels_file}: expected labels 0 to {len(DIGITS) - 1}, found {labels[at]} at index {at:,}")
    return images, labels


def file_names(train: bool) -> tuple[str, str]:
    """Return MNIST's names for the files of images and of labels."""
    part = "train" if train else "t10k"
    return f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"


def find_folder(root: Path, *, train: bool, name: str) -> Path | None:
    """Return the first of `root`, root/raw and root/`name`/raw (torchvision's place) that has one of the files."""
    for folder in (root, root / "raw", root / name / "raw"):
        if any((folder / (kind + suffix)).exists() for kind in file_names(train) for suffix in SUFFIXES):
            return folder
    return None


def find_file(folder: Path, name: str) -> Path:
    """Return the path of the file `name` in `folder`. A gzipped one is preferred to a raw one, for its checksum."""
    for suffix in SUFFIXES:
        if (folder / (name + suffix)).exists():
            return folder / (name + suffix)
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
    else:
        names = sorted(path.name for path in folder.iterdir())
        found = ", ".join(names[:5] + ["…"] * (len(names) > 5)) or "an empty folder"
    raise IdxError(f"{folder}: expected a folder with {name}.gz or {name}, found {found}")


def put_bundled(folder: Path) -> None:
    """Copy the four files of the MNIST that comes with the package into a folder, without those that it has already, gzipped or raw."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*file_names(True), *file_names(False)):
        if not any((folder / (name + suffix)).exists() for suffix in SUFFIXES):
            replace_file(folder / f"{name}.gz", [find_file(bundled(), name).read_bytes()])


def renamed(old: str, new: str) -> property:
    """Return the property `old`, which warns as torchvision does and returns the attribute `new`."""
    def get(self: Any) -> Any:
        warnings.warn(f"{old} has been renamed {new}", stacklevel=2)
        return getattr(self, new)

    return property(get, doc=f"The old name of `{new}`.")


class MNIST(Dataset):
    """The database of handwritten digits, with torchvision's interface and without its downloads.

    `root` is a folder that holds the IDX files itself, in `raw` or in `MNIST/raw` (torchvision's place). All of MNIST, 60,000 and 10,000
    images, comes with the package: without a root it is read there, and `download=True` copies its files (11 MB) into root/MNIST/raw if
    root has none, so that a later call finds them. Nothing is fetched from a network.

    An item is (image, class). The image is a uint8 array of shape (28, 28), where torchvision has a PIL image, and goes through
    `transform` if there is one. `data` is a uint8 tensor of shape (n, 28, 28), `targets` an int64 tensor of shape (n,). Raises IdxError.
    """

    classes = [f"{digit} - {name}" for digit, name in enumerate(DIGITS)]
    comes_with_package = True
    train_data, test_data = renamed("train_data", "data"), renamed("test_data", "data")
    train_labels, test_labels = renamed("train_labels", "targets"), renamed("test_labels", "targets")

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        self.root = None if root is None else os.path.expanduser(os.fspath(root))
        self.train = train
        self.transform = transform
        self.target_transform = target_transform
        images, labels = load_split(self._folder(download), train=train, name=type(self).__name__)
        self.data = from_numpy(images)
        self.targets = from_numpy(labels.astype(np.int64))

    def _folder(self, download: bool) -> Path:
        """Return the folder to read; put the files that come with the package there if they are to be downloaded."""
        name, root = type(self).__name__, None if self.root is None else Path(self.root)
        if root is None and self.comes_with_package:
            return bundled()
        if root is None or (download and find_folder(root, train=self.train, name=name) is None):
            if root is None or not self.comes_with_package:
                raise IdxError(f"{name}: expected a root with its IDX files, found {self.root}; they do not come with the package, and "
                               "nothing is downloaded: get the four .gz files and pass their folder as root")
            put_bundled(root / name / "raw")
        return root

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, target = self.data.numpy()[index].copy(), int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def gather(self, indices: Sequence[int]) -> list[Tensor] | None:
        """Return the batch of the items at `indices`; None if a transform is not known to work on many at once."""
        images = apply_to_batch(self.transform, self.data.numpy()[indices])
        if images is None or self.target_transform is not None:
            return None
        return [images, self.targets[indices]]

    @property
    def class_to_idx(self) -> dict[str, int]:
        """Return the number of each class by its name."""
        return {name: number for number, name in enumerate(self.classes)}

    def __repr__(self) -> str:
        lines = [f"Dataset {type(self).__name__}", f"    Number of datapoints: {len(self)}"]
        if self.root is not None:
            lines.append(f"    Root location: {self.root}")
        lines.append(f"    Split: {'Train' if self.train else 'Test'}")
        if self.transform is not None or self.target_transform is not None:
            lines.append("    StandardTransform")
        for head, transform in (("Transform: ", self.transform), ("Target transform: ", self.target_transform)):
            if transform is not None:
                lines.append(head + repr(transform).replace("\n", "\n" + " " * len(head)))
        return "\n".join(lines)


class FashionMNIST(MNIST):
    """Zalando's articles of clothing, in MNIST's form. Not in the package, so `root` is required."""

    classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
    comes_with_package = False
