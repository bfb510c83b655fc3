"""Batches of a data set: PyTorch's DataLoader, in one process."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.backend import plain_array
from minigrad.creation import from_numpy, tensor
from minigrad.data.datasets import gather
from minigrad.data.samplers import BatchSampler, RandomSampler, SequentialSampler
from minigrad.functions import stack
from minigrad.tensor import Tensor


class DataLoader:
    """Iterates over `dataset` in batches of `batch_size`; the last may be short, unless `drop_last`.

    `shuffle` takes the items in random order, a new one for each pass, drawn from `generator` or else
    from the default generator. `sampler` gives the indices itself, `batch_sampler` lists of them.
    `collate_fn` makes a batch of a list of items, by default as `default_collate` does. The arguments
    about worker processes and pinned memory are accepted and have no effect: everything is loaded in
    this process.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Sequence[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: expected a sampler or shuffle=True, found both")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError(
                "DataLoader: expected batch_sampler alone, "
                "found it with batch_size, shuffle, sampler or drop_last"
            )
        if sampler is None:
            sampler = RandomSampler(dataset, generator) if shuffle else SequentialSampler(dataset)
        if batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn or default_collate
        self.drop_last = drop_last
        self.generator = generator

    def __iter__(self) -> Iterator[Any]:
        for indices in self.batch_sampler:
            batch = gather(self.dataset, indices) if self.collate_fn is default_collate else None
            yield self.collate_fn([self.dataset[i] for i in indices]) if batch is None else batch

    def __len__(self) -> int:
        return len(self.batch_sampler)  # type: ignore[arg-type]


def default_collate(batch: Sequence[Any]) -> Any:
    """One batch of many items, as PyTorch makes it.

    Numbers, arrays and tensors become one tensor with a new first axis; tuples and lists become a list, and
    mappings a dict, of batches; texts stay as they are.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch))
    if isinstance(first, (np.ndarray, np.generic)):
        return from_numpy(np.stack([plain_array(item, "default_collate") for item in batch]))
    if isinstance(first, (bool, int)):
        return tensor(list(batch))
    if isinstance(first, float):
        return from_numpy(np.array(batch))
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return {key: default_collate([item[key] for item in batch]) for key in first}
    if isinstance(first, Sequence):
        return _collate_sequences(batch, first)
    raise TypeError(
        "default_collate: expected items made of tensors, arrays, numbers, texts, mappings and sequences, "
        f"found {type(first).__name__}; pass a collate_fn"
    )


def _collate_sequences(batch: Sequence[Any], first: Any) -> Any:
    lengths = {len(item) for item in batch}
    if len(lengths) > 1:
        raise ValueError(f"default_collate: expected items of equal length, found lengths {sorted(lengths)}")
    columns = [default_collate(column) for column in zip(*batch)]
    return type(first)(*columns) if hasattr(first, "_fields") else columns
