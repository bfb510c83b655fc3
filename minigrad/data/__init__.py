"""Data sets and how they are fed: the IDX reader, MNIST, transforms and DataLoader."""

from minigrad.data import datasets, transforms, utils
from minigrad.data.datasets import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset, random_split
from minigrad.data.idx import IdxError, read_idx
from minigrad.data.images import scaled_images
from minigrad.data.loader import DataLoader, default_collate, default_convert, get_worker_info
from minigrad.data.mnist import MNIST, FashionMNIST, load_mnist
from minigrad.data.samplers import (BatchSampler, RandomSampler, Sampler, SequentialSampler, SubsetRandomSampler,
                                    WeightedRandomSampler)

vars(datasets).update(MNIST=MNIST, FashionMNIST=FashionMNIST)  # so that `import minigrad.data as torchvision` will do

__all__ = [
    "MNIST", "BatchSampler", "ConcatDataset", "DataLoader", "Dataset", "FashionMNIST", "IdxError", "IterableDataset", "RandomSampler",
    "Sampler", "SequentialSampler", "Subset", "SubsetRandomSampler", "TensorDataset", "WeightedRandomSampler", "default_collate",
    "default_convert", "get_worker_info", "load_mnist", "random_split", "read_idx", "scaled_images", "transforms", "utils",
]
