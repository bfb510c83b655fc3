"""Data sets and how they are fed: the IDX reader, MNIST, transforms and DataLoader."""

from minigrad.data import datasets, transforms
from minigrad.data.datasets import ConcatDataset, Dataset, Subset, TensorDataset, random_split
from minigrad.data.idx import IdxError, read_idx
from minigrad.data.images import scaled_images
from minigrad.data.loader import DataLoader, default_collate
from minigrad.data.mnist import MNIST, FashionMNIST, load_mnist
from minigrad.data.samplers import BatchSampler, RandomSampler, Sampler, SequentialSampler, SubsetRandomSampler

vars(datasets).update(MNIST=MNIST, FashionMNIST=FashionMNIST)  # so that `import minigrad.data as torchvision` will do

__all__ = [
    "MNIST", "BatchSampler", "ConcatDataset", "DataLoader", "Dataset", "FashionMNIST", "IdxError", "RandomSampler", "Sampler",
    "SequentialSampler", "Subset", "SubsetRandomSampler", "TensorDataset", "default_collate", "load_mnist", "random_split", "read_idx",
    "scaled_images", "transforms",
]
