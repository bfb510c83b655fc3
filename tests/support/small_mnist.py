"""A small MNIST in a folder, and a comparison of batches with PyTorch's."""

import gzip

import numpy as np
import torch

from minigrad import data
from support.idx_files import idx

TRAIN, TEST = 203, 51
NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def same(ours, theirs):
    """Return whether two batches have the same structure and the same tensors, types included."""
    if isinstance(theirs, torch.Tensor):
        ours, theirs = ours.numpy(), theirs.numpy()
        return ours.dtype == theirs.dtype and ours.shape == theirs.shape and np.array_equal(ours, theirs)
    if isinstance(theirs, dict):
        return (
            type(ours) is dict
            and ours.keys() == theirs.keys()
            and all(same(ours[k], theirs[k]) for k in ours)
        )
    if isinstance(theirs, (list, tuple)):
        return type(ours) is type(theirs) and len(ours) == len(theirs) and all(map(same, ours, theirs))
    return type(ours) is type(theirs) and ours == theirs


def write_mnist(folder, arrays, zipped=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(NAMES, arrays, strict=True):
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array), 1))
        else:
            (folder / name).write_bytes(idx(array))
    return folder


def first_arrays():
    """Return the first images and labels of MNIST: enough for most tests, and quick to write."""
    train_images, train_labels, test_images, test_labels = data.load_mnist()
    return train_images[:TRAIN], train_labels[:TRAIN], test_images[:TEST], test_labels[:TEST]
