"""In which order the items of a data set are taken, and how they are put into batches."""

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

from minigrad.creation import randperm


class Sampler:
    """The base of samplers, which define `__iter__()`: indices, or lists of indices."""

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"{type(self).__name__} is a Sampler and must define __iter__()")


class SequentialSampler(Sampler):
    """0, 1, …, n - 1."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class SubsetRandomSampler(Sampler):
    """The given indices in random order, a new one each time."""

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class RandomSampler(SubsetRandomSampler):
    """0, 1, …, n - 1 in random order, a new one each time."""

    def __init__(self, data_source: Sized, generator: Any = None) -> None:
        super().__init__(range(len(data_source)), generator)
        self.data_source = data_source


class BatchSampler(Sampler):
    """Lists of `batch_size` indices from `sampler`; a short last one is left out with `drop_last`."""

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size < 1:
            raise ValueError(f"batch_size: expected a whole number of 1 or more, found {batch_size!r}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        batch: list[int] = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
