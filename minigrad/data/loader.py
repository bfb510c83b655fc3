"""Batches of a data set: PyTorch's DataLoader, in one process."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

from minigrad._tensor import Tensor
from minigrad.backend import plain_array
from minigrad.data.datasets import IterableDataset, gather
from minigrad.data.samplers import BatchSampler, RandomSampler, SequentialSampler
from minigrad.functions.creation import from_numpy, tensor
from minigrad.functions.shapes import stack


class DataLoader:
    """Iterate over `dataset` in batches of `batch_size`; the last may be short, unless `drop_last`.

    `shuffle` takes the items in random order, a new one for each pass, drawn from `generator` or else from the default generator.
    `sampler` gives the indices itself, `batch_sampler` lists of them. `collate_fn` makes a batch of a list of items, by default as
    `default_collate` does. An IterableDataset gives its items in its own order. With `batch_size=None` there are no batches: `collate_fn`
    gets each item alone, and is `default_convert` by default. The arguments about worker processes and pinned memory are accepted and have
    no effect: everything is loaded in this process.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
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
            raise ValueError("DataLoader: expected batch_sampler alone, found it with batch_size, shuffle, sampler or drop_last")
        if num_workers < 0 or timeout < 0:
            raise ValueError(f"DataLoader: expected num_workers and timeout from 0 on, found {num_workers} and {timeout}")
        is_stream = isinstance(dataset, IterableDataset)
        if is_stream and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError("DataLoader: expected an IterableDataset alone, found it with shuffle, sampler or batch_sampler")
        if batch_size is None and drop_last:
            raise ValueError("DataLoader: expected drop_last with a batch_size, found it with batch_size=None")
        if sampler is None and not is_stream:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_sampler is not None:
            batch_size = None
        elif batch_size is not None:
            batch_sampler = BatchSampler(dataset if is_stream else sampler, batch_size, drop_last)  # type: ignore[arg-type]
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self.drop_last = drop_last
        self.generator = generator

    def __class_getitem__(cls, item: Any) -> Any:
        return cls  # DataLoader[Tensor] is a type in PyTorch

    def __iter__(self) -> Iterator[Any]:
        if self.batch_sampler is None or self.sampler is None:
            yield from map(self.collate_fn, self._parts() if self.sampler is None else map(self.dataset.__getitem__, self.sampler))
            return
        for given in self.batch_sampler:
            indices = list(given)
            batch = gather(self.dataset, indices) if indices and self.collate_fn is default_collate else None
            yield self.collate_fn([self.dataset[i] for i in indices]) if batch is None else batch

    def __len__(self) -> int:
        return len(self._parts())

    def _parts(self) -> Any:
        """Return what there is to iterate over: lists of indices or items, or else indices, or the items of a stream."""
        parts = (self.batch_sampler, self.sampler, self.dataset)
        return next(part for part in parts if part is not None)


def get_worker_info() -> None:
    """Return None, as PyTorch does outside of a worker process: there are none here."""


def default_convert(item: Any) -> Any:
    """Return an item, or what tuples, lists and mappings hold, with NumPy's arrays and numbers as tensors; tuples become lists."""
    if isinstance(item, (np.ndarray, np.generic)) and item.dtype.kind in "biuf":
        return from_numpy(np.asarray(item))
    if isinstance(item, Mapping):
        return _like(item, {key: default_convert(item[key]) for key in item})
    if isinstance(item, Sequence) and not isinstance(item, (str, bytes)):
        parts = [default_convert(part) for part in item]
        return type(item)(*parts) if hasattr(item, "_fields") else parts
    return item


def default_collate(batch: Sequence[Any]) -> Any:
    """Return one batch of many items, as PyTorch makes it.

    Numbers, arrays and tensors become one tensor with a new first axis; tuples and lists become a list, and mappings a mapping of their
    kind, of batches; texts stay as they are.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        for item in batch:
            if not isinstance(item, Tensor):
                raise TypeError(f"default_collate: expected tensors only beside a tensor, found {type(item).__name__}")
        return stack(list(batch))
    if isinstance(first, (np.ndarray, np.generic)):
        arrays = [np.asarray(plain_array(item, "default_collate")) for item in batch]
        if len({array.shape for array in arrays}) > 1:
            raise RuntimeError(f"default_collate: expected arrays of one shape, found {[array.shape for array in arrays]}")
        return from_numpy(np.stack(arrays))
    if isinstance(first, (bool, int)):
        return tensor(list(batch))
    if isinstance(first, float):
        return from_numpy(np.array(batch))
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return _like(first, {key: default_collate([item[key] for item in batch]) for key in first})
    if isinstance(first, Sequence):
        lengths = {len(item) for item in batch}
        if len(lengths) > 1:
            raise RuntimeError(f"default_collate: expected items of equal length, found lengths {sorted(lengths)}")
        columns = [default_collate(column) for column in zip(*batch)]
        return type(first)(*columns) if hasattr(first, "_fields") else columns
    raise TypeError("default_collate: expected items made of tensors, arrays, numbers, texts, mappings and sequences, "
                    f"found {type(first).__name__}; pass a collate_fn")


def _like(first: Mapping[Any, Any], collated: dict[Any, Any]) -> Any:
    """Return the batch as a mapping of the kind of `first`, or as a dict where there is no way to make one."""
    if type(first) is dict:
        return collated
    try:
        if not isinstance(first, MutableMapping):
            return type(first)(collated)  # type: ignore[call-arg]
        batch = copy.copy(first)
        batch.update(collated)
    except TypeError:
        return collated
    return batch
