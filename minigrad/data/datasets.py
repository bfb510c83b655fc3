"""Data sets: objects with a length and an item for each index."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from minigrad._tensor import Tensor
from minigrad.data.transforms import goes_with
from minigrad.functions.random import randperm


class Dataset:
    """The base of data sets, which define `__getitem__(index)` and `__len__()`.

    One that can make a whole batch at once may also define `gather(indices)`, which returns what collating its items would
    give, or None. It is used only if the same class defines it and `__getitem__`.
    """

    def __class_getitem__(cls, item: Any) -> Any:
        return cls  # Dataset[Tensor] is a type in PyTorch

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} is a Dataset and must define __getitem__(index)")

    def __len__(self) -> int:
        raise TypeError(f"{type(self).__name__} has no length; define __len__()")

    def __add__(self, other: "Dataset") -> "ConcatDataset":
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """The base of data sets that are streams: they define `__iter__()` alone."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} is an IterableDataset and must define __iter__()")


def gather(dataset: Any, indices: Sequence[int]) -> Any:
    """Return the batch of the items at `indices`, made at once; None if the data set has no way to do so."""
    return dataset.gather(indices) if goes_with(dataset, "__getitem__", "gather") else None


class TensorDataset(Dataset):
    """Items (a[i], b[i], …) of tensors of equal length."""

    def __init__(self, *tensors: Tensor) -> None:
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise TypeError(f"TensorDataset: expected tensors, found {type(tensor).__name__}; make it one with minigrad.tensor(…)")
            if tensor.ndim == 0:
                raise IndexError("TensorDataset: a tensor of shape () has no items")
        lengths = [len(tensor) for tensor in tensors]
        if len(set(lengths)) != 1:
            raise ValueError(f"TensorDataset: expected one or more tensors of equal length, found {lengths}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def gather(self, indices: Sequence[int]) -> list[Tensor]:
        """Return the batch of the items at `indices`."""
        return [tensor[indices] for tensor in self.tensors]

    def __len__(self) -> int:
        return len(self.tensors[0])


class Subset(Dataset):
    """The items of `dataset` at `indices`; its own index may also be a slice or a list, which `dataset` must take too."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def gather(self, indices: Sequence[int]) -> Any:
        """Return the batch of the items at `indices`; None if the whole data set cannot make one."""
        return gather(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset):
    """The items of several data sets, one after the other."""

    def __init__(self, datasets: Sequence[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: expected one or more data sets, found none")
        self.cumulative_sizes = list(accumulate(map(len, self.datasets)))

    def __getitem__(self, index: int) -> Any:
        n = len(self)
        if not -n <= index < n:
            raise (IndexError if index >= 0 else ValueError)(f"ConcatDataset: expected an index from {-n} to {n - 1}, found {index}")
        i = bisect_right(self.cumulative_sizes, index % n)
        return self.datasets[i][index % n - (self.cumulative_sizes[i - 1] if i else 0)]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


def random_split(dataset: Any, lengths: Sequence[float], generator: Any = None) -> list[Subset]:
    """Cut `dataset` at random into subsets of the given lengths, or of fractions that add up to 1.

    With fractions, each subset gets floor(fraction · n) items; the items left over go to the first subsets, one to each.
    """
    n = len(dataset)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        if min(lengths) < 0:
            raise ValueError(f"random_split: expected fractions from 0 to 1, found {list(lengths)}")
        lengths = [math.floor(n * fraction) for fraction in lengths]
        rest = n - sum(lengths)
        lengths = [length + rest // len(lengths) + (i < rest % len(lengths)) for i, length in enumerate(lengths)]
    if sum(lengths) != n or min(lengths) < 0:
        raise ValueError(f"random_split: expected lengths from 0 on that add up to {n}, found {list(lengths)}")
    if any(length != int(length) for length in lengths):
        raise TypeError(f"random_split: expected whole numbers, or fractions that add up to 1, found {list(lengths)}")
    order = iter(randperm(n, generator=generator).tolist())
    return [Subset(dataset, [next(order) for _ in range(int(length))]) for length in lengths]
