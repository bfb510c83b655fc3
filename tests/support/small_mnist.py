"""A small MNIST in a folder, and a comparison of batches with PyTorch's."""

import gzip

import numpy as np

from minigrad import data
from support.idx_files import idx

TRAIN, TEST = 203, 51
NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def same(in_minigrad, in_torch):
    """Return whether two batches have the same structure and the same tensors, types included."""
    import torch

    if isinstance(in_torch, torch.Tensor):
        in_minigrad, in_torch = in_minigrad.numpy(), in_torch.numpy()
        return in_minigrad.dtype == in_torch.dtype and in_minigrad.shape == in_torch.shape and np.array_equal(in_minigrad, in_torch)
    if isinstance(in_torch, dict):
        return (
            type(in_minigrad) is dict
            and in_minigrad.keys() == in_torch.keys()
            and all(same(in_minigrad[k], in_torch[k]) for k in in_minigrad)
        )
    if isinstance(in_torch, (list, tuple)):
        return type(in_minigrad) is type(in_torch) and len(in_minigrad) == len(in_torch) and all(map(same, in_minigrad, in_torch))
    return type(in_minigrad) is type(in_torch) and in_minigrad == in_torch


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
