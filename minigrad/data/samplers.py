"""Samplers: the order in which the items of a data set are taken, and how they are put into batches."""

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

from minigrad.backend import float64
from minigrad.functions.creation import as_tensor
from minigrad.functions.random import multinomial, randint, randperm


class Sampler:
    """The base of samplers, which define `__iter__()`: indices, or lists of indices."""

    def __class_getitem__(cls, item: Any) -> Any:
        return cls  # Sampler[int] is a type in PyTorch

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} is a Sampler and must define __iter__()")


class SequentialSampler(Sampler):
    """The indices 0, 1, …, n - 1 in order."""

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


class WeightedRandomSampler(Sampler):
    """`num_samples` of the indices 0, 1, …, n - 1, each drawn with a probability in proportion to its weight.

    Without `replacement` an index is drawn once at most: of those left, each with a probability in proportion to its weight.
    """

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True, generator: Any = None) -> None:
        self.weights = as_tensor(weights, dtype=float64)
        if not is_count(num_samples) or not isinstance(replacement, bool) or self.weights.ndim != 1:
            raise ValueError("WeightedRandomSampler: expected weights of shape (n,), num_samples of 1 or more, replacement True or False, "
                             f"found shape {tuple(self.weights.shape)}, {num_samples!r} and {replacement!r}")
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        yield from multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator).tolist()

    def __len__(self) -> int:
        return self.num_samples


class RandomSampler(Sampler):
    """The indices 0, 1, …, n - 1 in random order, a new one each time, where n is the length that the data set has at that time.

    With `num_samples` there are that many indices instead of n: those of one order after the other, or, with `replacement`,
    each drawn from all.
    """

    def __init__(self, data_source: Sized, replacement: bool = False, num_samples: int | None = None, generator: Any = None) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement!r}")
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not is_count(self.num_samples):
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples!r}")

    @property
    def num_samples(self) -> int:
        """Return how many indices each pass yields."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, left = len(self.data_source), self.num_samples
        if self.replacement:
            yield from randint(n, (left,), generator=self.generator).tolist()
            return
        while left:
            order = randperm(n, generator=self.generator).tolist()[:left]
            yield from order
            left -= len(order)

    def __len__(self) -> int:
        return self.num_samples


def is_count(n: Any) -> bool:
    """Return whether n is a whole number of 1 or more."""
    return isinstance(n, int) and not isinstance(n, bool) and n > 0


class BatchSampler(Sampler):
    """Lists of `batch_size` indices from `sampler`; a short last one is left out with `drop_last`."""

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not is_count(batch_size):
            raise ValueError(f"batch_size: expected a whole number of 1 or more, found {batch_size!r}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last: expected True or False, found {drop_last!r}")
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
