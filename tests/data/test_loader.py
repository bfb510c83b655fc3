"""DataLoader, samplers and data sets give what PyTorch's give for the same calls."""

from collections import OrderedDict, UserDict, defaultdict, namedtuple
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest
import torch
import torch.utils.data
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import data
from minigrad.data import transforms
from reference.vision import import_torchvision
from support.small_mnist import TRAIN, same

torchvision = import_torchvision()

# DataLoader against PyTorch's

SIZES = [
    (n, size)
    for size in (1, 2, 5, 8)
    for n in {0, 1, size - 1, size, size + 1, 3 * size - 1, 3 * size, 3 * size + 1}
]


@pytest.mark.parametrize("n, size", SIZES)
@pytest.mark.parametrize("drop_last", [False, True])
def test_batches_in_order_are_pytorchs(n, size, drop_last):
    x = np.random.default_rng(n).random((n, 2, 3), dtype=np.float32)
    y = np.arange(n)
    in_minigrad = data.DataLoader(data.TensorDataset(mg.tensor(x), mg.tensor(y)), size, drop_last=drop_last)
    in_torch = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y)), size, drop_last=drop_last
    )
    assert len(in_minigrad) == len(in_torch)
    assert same(list(in_minigrad), list(in_torch)) and same(list(in_minigrad), list(in_torch))  # in a second pass too


def loaders(dataset, transform_of, **options):
    return [
        library.DataLoader(dataset(source, transform_of(steps)), batch_size=20, **options)
        for library, source, steps in (
            (data, data, transforms),
            (torch.utils.data, torchvision.datasets, torchvision.transforms),
        )
    ]


def normalized(steps):
    return steps.Compose([steps.ToTensor(), steps.Normalize((0.1307,), (0.3081,))])


def with_a_lambda(steps):
    return steps.Compose([steps.ToTensor(), steps.Lambda(lambda x: x.view(-1))])


@pytest.mark.parametrize("transform_of", [lambda steps: steps.ToTensor(), normalized, with_a_lambda])
@pytest.mark.parametrize("train", [True, False])
def test_batches_of_mnist_are_pytorchs(mnist_root, train, transform_of):
    in_minigrad, in_torch = loaders(lambda source, t: source.MNIST(mnist_root, train, t), transform_of, num_workers=0)
    assert len(in_minigrad) == len(in_torch) and same(list(in_minigrad), list(in_torch))


def test_a_batch_made_at_once_is_the_batch_of_the_items(mnist_root):
    """The shortcut is taken where it is known to be right, and gives the same bits as collating item by item."""
    dataset = data.MNIST(mnist_root, transform=normalized(transforms))
    order = list(range(0, TRAIN, 3))
    at_once = dataset.gather(order)
    one_by_one = data.default_collate([dataset[i] for i in order])
    assert all(np.array_equal(a.numpy(), b.numpy()) for a, b in zip(at_once, one_by_one, strict=True))
    assert data.MNIST(mnist_root, transform=with_a_lambda(transforms)).gather(order) is None
    assert data.MNIST(mnist_root, transform=transforms.ToTensor(), target_transform=str).gather(order) is None
    assert data.MNIST(mnist_root).gather(order) is None


def test_a_subclass_with_its_own_items_gets_no_shortcut(mnist_root):
    class Doubled(data.TensorDataset):
        def __getitem__(self, index):
            return tuple(2 * tensor for tensor in super().__getitem__(index))

    class Inverted(transforms.ToTensor):
        def __call__(self, image):
            return 1 - super().__call__(image)

    (batch,) = data.DataLoader(Doubled(mg.arange(3.0)), 3)
    assert batch[0].tolist() == [0, 2, 4]
    images, _ = next(iter(data.DataLoader(data.MNIST(mnist_root, transform=Inverted()), 4)))
    assert images[:, 0, 0, 0].tolist() == [1, 1, 1, 1]


def test_shuffling_draws_from_the_generator():
    dataset = data.TensorDataset(mg.arange(100))

    def orders(generator, passes=2):
        loader = data.DataLoader(dataset, 30, shuffle=True, generator=generator)
        return [[i for (batch,) in loader for i in batch.tolist()] for _ in range(passes)]

    first, second = orders(mg.Generator().manual_seed(5))
    assert sorted(first) == sorted(second) == list(range(100)) and first != second != list(range(100))
    assert orders(mg.Generator().manual_seed(5)) == [first, second]
    assert orders(mg.Generator().manual_seed(6)) != [first, second]
    generator = mg.Generator().manual_seed(5)
    assert [mg.randperm(100, generator=generator).tolist() for _ in range(2)] == [first, second]
    mg.manual_seed(5)
    assert orders(None, 1) == [first]  # without a generator the default one is used


def test_shuffled_batches_hold_the_right_pairs(mnist_root):
    dataset = data.MNIST(mnist_root, transform=transforms.ToTensor())
    loader = data.DataLoader(dataset, 64, shuffle=True, generator=mg.Generator().manual_seed(1))
    order = mg.randperm(TRAIN, generator=mg.Generator().manual_seed(1)).tolist()
    in_torch = torch.utils.data.DataLoader(
        torchvision.datasets.MNIST(mnist_root, transform=torchvision.transforms.ToTensor()), 64, sampler=order
    )
    assert same(list(loader), list(in_torch))


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 7), st.booleans())
def test_any_sampler_and_batch_sampler(order, size, drop_last):
    x = np.arange(10) ** 2
    pairs = [
        (data, data.TensorDataset(mg.tensor(x))),
        (torch.utils.data, torch.utils.data.TensorDataset(torch.tensor(x))),
    ]
    in_minigrad, in_torch = (library.DataLoader(d, size, sampler=order, drop_last=drop_last) for library, d in pairs)
    assert len(in_minigrad) == len(in_torch) and same(list(in_minigrad), list(in_torch))
    batches = [order[i : i + size] for i in range(0, len(order), size)]
    in_minigrad, in_torch = (library.DataLoader(d, batch_sampler=batches) for library, d in pairs)
    assert len(in_minigrad) == len(in_torch) and same(list(in_minigrad), list(in_torch))


def test_samplers_of_parts():
    sampler = data.SubsetRandomSampler([3, 5, 8], generator=mg.Generator().manual_seed(0))
    assert sorted(sampler) == [3, 5, 8] and len(sampler) == 3
    assert [list(data.BatchSampler(range(5), 2, drop)) for drop in (False, True)] == [
        list(torch.utils.data.BatchSampler(range(5), 2, drop)) for drop in (False, True)
    ]
    assert len(data.DataLoader([1, 2, 3], shuffle=True).sampler) == 3


@pytest.mark.parametrize("size", [0, -1, 2.5, True])
def test_a_wrong_batch_size_is_refused(size):
    with pytest.raises(ValueError, match=f"batch_size: expected a whole number of 1 or more, found {size}"):
        data.DataLoader([1, 2], size)


def test_contradicting_arguments_are_refused():
    with pytest.raises(ValueError, match="expected a sampler or shuffle=True, found both"):
        data.DataLoader([1], shuffle=True, sampler=[0])
    with pytest.raises(ValueError, match="expected batch_sampler alone"):
        data.DataLoader([1], batch_size=2, batch_sampler=[[0]])


def test_arguments_about_workers_are_accepted():
    loader = data.DataLoader(
        [1, 2, 3], 2, num_workers=4, pin_memory=True, persistent_workers=True, prefetch_factor=2
    )
    assert [batch.tolist() for batch in loader] == [[1, 2], [3]]


Point = namedtuple("Point", "x y")
ITEMS = {
    "ints": [1, 2, -3],
    "bools": [True, False],
    "floats": [0.5, 1.0],
    "texts": ["a", "b"],
    "bytes": [b"a", b"b"],
    "numpy scalars": [np.float32(1), np.float32(2)],
    "mnist_arrays": [np.arange(3, dtype=np.int16), np.zeros(3, np.int16)],
    "tuples": [(1, 0.5, "a"), (2, 0.25, "b")],
    "lists": [[1, 2], [3, 4]],
    "dicts": [{"x": 1, "y": (2, "c")}, {"x": 3, "y": (4, "d")}],
    "named tuples": [Point(1, np.ones(2)), Point(2, np.zeros(2))],
}


@pytest.mark.parametrize("kind", ITEMS)
def test_items_of_any_kind_are_collated_as_pytorch_does(kind):
    assert same(data.default_collate(ITEMS[kind]), torch.utils.data.default_collate(ITEMS[kind]))


def test_what_cannot_be_collated_is_refused():
    with pytest.raises(TypeError, match="found object; pass a collate_fn"):
        data.default_collate([object()])
    with pytest.raises(RuntimeError, match=r"equal length, found lengths \[1, 2\]"):
        data.default_collate([[1], [1, 2]])


def test_a_collate_fn_gets_the_items():
    loader = data.DataLoader(
        data.TensorDataset(mg.arange(5)), 2, collate_fn=lambda items: [i.item() for (i,) in items]
    )
    assert list(loader) == [[0, 1], [2, 3], [4]]


# Data sets


def test_indexing_a_tensor_data_set():
    x, y = np.arange(12.0).reshape(4, 3), np.arange(4)
    in_minigrad, in_torch = (
        data.TensorDataset(mg.tensor(x), mg.tensor(y)),
        torch.utils.data.TensorDataset(*map(torch.tensor, (x, y))),
    )
    assert all(same(in_minigrad[index], in_torch[index]) for index in (0, -1, slice(1, 3), [2, 0]))
    with pytest.raises(ValueError, match=r"tensors of equal length, found \[4, 3\]"):
        data.TensorDataset(mg.tensor(x), mg.tensor(y[:3]))
    with pytest.raises(ValueError, match=r"one or more tensors"):
        data.TensorDataset()


def test_subsets_and_sums_of_data_sets():
    x = data.TensorDataset(mg.arange(10))
    part = data.Subset(x, [7, 2, 5])
    assert [item.item() for (item,) in part] == [7, 2, 5]
    assert [batch.tolist() for (batch,) in data.DataLoader(part, 2)] == [[7, 2], [5]]
    nested = data.Subset(data.Subset([10, 11, 12, 13], [3, 1, 0]), [2, 0])
    assert [batch.tolist() for batch in data.DataLoader(nested, 2)] == [[10, 13]]
    both = part + x
    assert len(both) == 13 and [both[i][0].item() for i in (0, 2, 3, 12, -1, -13)] == [7, 5, 0, 9, 9, 7]
    assert [item.item() for (item,) in both] == [7, 2, 5, *range(10)]
    with pytest.raises(ValueError, match="found none"):
        data.ConcatDataset([])


@pytest.mark.parametrize(
    "lengths", [[6, 4], [0.5, 0.5], [0.3, 0.3, 0.4], [0.25] * 4, [10], [1.0], [7, 0, 3]]
)
def test_random_split_cuts_as_pytorch_does(lengths):
    in_minigrad = data.random_split(range(10), lengths, generator=mg.Generator().manual_seed(3))
    in_torch = torch.utils.data.random_split(range(10), lengths)
    assert [len(part) for part in in_minigrad] == [len(part) for part in in_torch]
    assert sorted(item for part in in_minigrad for item in part) == list(range(10))
    again = data.random_split(range(10), lengths, generator=mg.Generator().manual_seed(3))
    assert [list(part) for part in in_minigrad] == [list(part) for part in again]


@pytest.mark.parametrize("lengths", [[3, 4], [0.5, 0.6], [1.5, -0.5]])
def test_a_split_that_does_not_fit_is_refused(lengths):
    with pytest.raises(ValueError, match="random_split: expected"):
        data.random_split(range(10), lengths)


def test_a_data_set_may_name_the_type_of_its_items():
    for D in (data, torch.utils.data):
        class Squares(D.Dataset[tuple[int, str]]):
            def __getitem__(self, index):
                return index**2

        assert isinstance(Squares(), D.Dataset) and Squares()[3] == 9


def test_a_sampler_and_a_loader_may_name_the_type_of_what_they_give():
    class Twice(data.Sampler[int]):
        def __iter__(self):
            return iter([1, 1])

    loader: data.DataLoader[int] = data.DataLoader(range(3), 2, sampler=Twice())
    assert [batch.tolist() for batch in loader] == [[1, 1]] and data.DataLoader[int] is data.DataLoader


def test_a_data_set_without_its_methods_says_so():
    class Empty(data.Dataset):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty is a Dataset and must define __getitem__\(index\)"):
        Empty()[0]
    with pytest.raises(TypeError, match=r"Empty has no length; define __len__\(\)"):
        len(Empty())


# ---- beside PyTorch: what is sampled, gathered and collated, and what is refused


class Growing:
    """A data set whose length changes."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if not -self.n <= i < self.n:
            raise IndexError(i)
        return i * 10


def plain(x):
    """Return a tensor as its dtype and numbers, everything else as it is, with its type."""
    if hasattr(x, "tolist") and hasattr(x, "dtype"):
        return str(x.dtype).removeprefix("torch."), x.tolist()
    if isinstance(x, Mapping):
        return type(x).__name__, {key: plain(value) for key, value in x.items()}
    return (type(x).__name__, [plain(v) for v in x]) if isinstance(x, list | tuple) else x


@pytest.mark.parametrize("options", [{"shuffle": True}, {}, {"shuffle": True, "drop_last": True}], ids=str)
def test_a_data_set_that_grows_and_shrinks(options):
    found = []
    for D in (data, torch.utils.data):
        items, seen = Growing(4), []
        loader = D.DataLoader(items, 2, **options)
        for n in (4, 7, 3, 1):
            items.n = n
            batches = [b.tolist() for b in loader]
            items_seen = sorted(i for b in batches for i in b)
            seen.append((sorted(map(len, batches)), len(items_seen) if options.get("drop_last") else items_seen, len(loader)))
        found.append(seen)
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", ["tuples", "lists", "ranges", "arrays", "tensors", "a matrix", "sets", "negative", "none", "numbers"])
@pytest.mark.parametrize("items", ["tensors", "a list", "a subset", "any"])
def test_batches_of_indices_of_any_kind(kind, items):
    found = []
    for lib, D in ((mg, data), (torch, torch.utils.data)):
        batches = {"tuples": [(0, 1), (2,), (1, 1, 3)], "lists": [[0, 1], [3]], "ranges": [range(2), range(3, 4)], "sets": [{1, 2}],
                 "arrays": [np.array([0, 1]), np.array([3])], "tensors": [lib.tensor([0, 1]), lib.tensor([3])], "none": [[]],
                 "a matrix": lib.tensor([[0, 1], [2, 3]]), "negative": [(-1, 0)], "numbers": [0, 1]}[kind]
        whole = D.TensorDataset(lib.arange(6) * 10, lib.arange(6.0))
        sets = {"tensors": whole, "a list": [5, 6, 7, 8], "any": Growing(4), "a subset": D.Subset(whole, (5, 3, 1, 0))}
        try:
            found.append([plain(batch) for batch in D.DataLoader(sets[items], batch_sampler=batches)])
        except (TypeError, IndexError) as error:
            found.append(type(error))
    assert found[0] == found[1]


SUBSETS = {"a list": [5, 3, 1, 0], "a range": range(4), "an array": np.array([1, 2, 4, 0]), "negative": [-1, 2, -6, 0]}
INDICES = {"first": 0, "last": -1, "slice": slice(1, 3), "step": slice(0, 4, 2), "list": [2, 0], "tensor": "tensor", "beyond": 9,
           "true": True}


@pytest.mark.parametrize("index", INDICES)
@pytest.mark.parametrize("indices", SUBSETS)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_subsets_of_subsets(indices, index, depth):
    found = []
    for lib, D in ((mg, data), (torch, torch.utils.data)):
        part = D.TensorDataset(lib.arange(6) * 10)
        for level in range(depth):
            part = D.Subset(part, SUBSETS[indices] if level == 0 else [2, 0, 3, 1])
        wanted = lib.tensor(1) if index == "tensor" else INDICES[index]
        try:
            found.append((len(part), plain(part[wanted]), [plain(b) for b in D.DataLoader(part, 3)]))
        except IndexError as error:
            found.append(type(error))
    assert found[0] == found[1]


Pair = namedtuple("Pair", "a b")
BATCHES = {
    "ordered": [OrderedDict(a=1, b=2.0), OrderedDict(a=3, b=4.0)],
    "user": [UserDict(a=1), UserDict(a=2)],
    "default": [defaultdict(list, a=1), defaultdict(list, a=2)],
    "read-only": [MappingProxyType({"a": 1}), MappingProxyType({"a": 2})],
    "named": [Pair(1, "x"), Pair(2, "y")],
    "nested": [(1, {"a": [1.0, b"x"]}), (2, {"a": [2.0, b"y"]})],
    "mixed": [1, 2.5],
    "mixed too": [2.5, 1],
    "bool": [True, False],
    "numpy": [np.float32(1), np.float32(2)],
    "arrays": [np.ones(2, "int8"), np.zeros(2, "int8")],
    "lengths": [(1, 2), (3,)],
    "shapes": [np.ones(2), np.ones(3)],
    "keys": [{"a": 1}, {"b": 2}],
    "none": [None, None],
    "sets": [{1}, {2}],
    "texts in arrays": [np.array(["a"])],
    "empty": [],
    "empty ones": [(), ()],
    "complex": [1j, 2j],
}


@pytest.mark.parametrize("name", BATCHES)
def test_collated_as_by_pytorch(name):
    found = []
    for D in (data, torch.utils.data):
        try:
            found.append(plain(D.default_collate(BATCHES[name])))
        except Exception as error:
            found.append(type(error))
    assert found[0] == found[1]


def test_an_array_beside_a_tensor_is_not_collated():
    with pytest.raises(TypeError, match="tensors only beside a tensor, found ndarray"):
        data.default_collate([mg.ones(2), np.ones(2)])


def stream(D, length=False):
    """Return a class of streams of 0, 10, 20, …; with a length or without one."""
    class Stream(D.IterableDataset):
        def __init__(self, n):
            self.n = n

        def __iter__(self):
            return iter(range(0, 10 * self.n, 10))

    class WithLength(Stream):
        def __len__(self):
            return self.n

    return WithLength if length else Stream


REFUSED = {
    "no items to shuffle": lambda D, lib: D.DataLoader([], shuffle=True),
    "no items": lambda D, lib: list(D.DataLoader([])),
    "batch size 0": lambda D, lib: D.DataLoader([1], 0),
    "batch size 1.5": lambda D, lib: D.DataLoader([1], 1.5),
    "sampler and shuffle": lambda D, lib: D.DataLoader([1], shuffle=True, sampler=[0]),
    "workers": lambda D, lib: D.DataLoader([1], num_workers=-1),
    "timeout": lambda D, lib: D.DataLoader([1], timeout=-1),
    "drop_last": lambda D, lib: D.BatchSampler([0], 2, 1),
    "replacement": lambda D, lib: D.RandomSampler([1], 3),
    "samples": lambda D, lib: D.RandomSampler([1], num_samples=0),
    "half a sample": lambda D, lib: D.RandomSampler([1], num_samples=1.5),
    "Sampler": lambda D, lib: list(D.Sampler()),
    "Dataset": lambda D, lib: D.Dataset()[0],
    "its length": lambda D, lib: len(D.Dataset()),
    "beyond": lambda D, lib: D.ConcatDataset([[1]])[3],
    "before": lambda D, lib: D.ConcatDataset([[1]])[-3],
    "none at all": lambda D, lib: list(D.ConcatDataset([[], []])),
    "a number": lambda D, lib: D.TensorDataset(lib.tensor(1.0)),
    "an array": lambda D, lib: D.TensorDataset(np.ones(2)),
    "lengths": lambda D, lib: D.random_split([1, 2], [1, 2]),
    "fractions": lambda D, lib: D.random_split([1, 2], [-0.5, 1.5]),
    "halves": lambda D, lib: D.random_split([1, 2, 3], [1.5, 1.5]),
    "drop_last without batches": lambda D, lib: D.DataLoader([1], batch_size=None, drop_last=True),
    "a shuffled stream": lambda D, lib: D.DataLoader(stream(D)(3), shuffle=True),
    "a sampled stream": lambda D, lib: D.DataLoader(stream(D)(3), sampler=[0]),
    "a stream of batches": lambda D, lib: D.DataLoader(stream(D)(3), batch_sampler=[[0]]),
    "the length of a stream": lambda D, lib: len(D.DataLoader(stream(D)(3), 2)),
    "a stream without items": lambda D, lib: len(D.DataLoader(stream(D)(0))),
    "weights of weights": lambda D, lib: D.WeightedRandomSampler([[1.0]], 1),
    "no weighted samples": lambda D, lib: D.WeightedRandomSampler([1.0], 0),
    "a weighted half": lambda D, lib: D.WeightedRandomSampler([1.0], 1.5),
    "replaced by 1": lambda D, lib: D.WeightedRandomSampler([1.0], 1, replacement=1),
    "a weight below 0": lambda D, lib: list(D.WeightedRandomSampler([1.0, -1.0], 2)),
    "weights of 0": lambda D, lib: list(D.WeightedRandomSampler([0.0, 0.0], 2)),
    "weights without end": lambda D, lib: list(D.WeightedRandomSampler([1.0, float("inf")], 2)),
    "weights that are none": lambda D, lib: list(D.WeightedRandomSampler([1.0, float("nan")], 2)),
    "too few weights": lambda D, lib: list(D.WeightedRandomSampler([1.0, 2.0], 3, replacement=False)),
    "a length of a generator": lambda D, lib: len(D.DataLoader([1], sampler=(i for i in [0]))),
}


@pytest.mark.parametrize("name", REFUSED)
def test_calls_that_pytorch_refuses_are_refused(name):
    found = []
    for lib, D in ((mg, data), (torch, torch.utils.data)):
        try:
            found.append(REFUSED[name](D, lib))
        except Exception as error:
            found.append(type(error))
    assert found[0] == found[1]


def test_random_samplers():
    for D in (data, torch.utils.data):
        assert sorted(D.RandomSampler(range(5))) == [0, 1, 2, 3, 4]
        twice = list(D.RandomSampler(range(3), num_samples=7))
        assert len(twice) == 7 and sorted(twice[:3]) == sorted(twice[3:6]) == [0, 1, 2]
        drawn = list(D.RandomSampler(range(2), replacement=True, num_samples=50))
        assert len(drawn) == 50 and set(drawn) == {0, 1} and len(D.RandomSampler(range(9), num_samples=4)) == 4
    with pytest.raises(ValueError, match="lengths from 0 on"):
        data.random_split(range(10), [-1, 11])


# ---- streams, and loading without batches


@pytest.mark.parametrize("n", [0, 1, 3, 4])
@pytest.mark.parametrize("options", [{}, {"batch_size": 2}, {"batch_size": 2, "drop_last": True}, {"batch_size": None}], ids=str)
def test_streams_are_batched_as_by_pytorch(n, options):
    found = []
    for D in (data, torch.utils.data):
        loader = D.DataLoader(stream(D, length=True)(n), **options)
        found.append(([plain(batch) for batch in loader], [plain(batch) for batch in loader], len(loader), loader.batch_size))
        assert [plain(batch) for batch in D.DataLoader(stream(D)(n), **options)] == found[-1][0]
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", [*ITEMS, "tensors", "a named tuple", "nested", "an ordered dict"])
def test_items_without_batches_are_converted_as_by_pytorch(kind):
    found = []
    for lib, D in ((mg, data), (torch, torch.utils.data)):
        items = {**ITEMS, "tensors": [lib.ones(2), lib.arange(3)], "a named tuple": [Point(np.float32(1), (1, "a"))],
                 "nested": [(1, [np.ones(2), {"a": np.int64(3), "b": b"x", "c": None}])],
                 "an ordered dict": [OrderedDict(a=np.ones(1))]}[kind]
        found.append([plain(item) for item in D.DataLoader(items, batch_size=None)])
        found[-1].append([plain(D.default_convert(item)) for item in items])
        found[-1].append(list(D.DataLoader([1, 2, 3], batch_size=None, collate_fn=lambda item: item + 1, sampler=[2, 0])))
    assert found[0] == found[1]


def test_a_loader_without_batches_keeps_order_or_shuffles():
    whole = data.TensorDataset(mg.arange(4) * 10)
    loader = data.DataLoader(whole, batch_size=None, shuffle=True, generator=mg.Generator().manual_seed(3))
    order = mg.randperm(4, generator=mg.Generator().manual_seed(3)).tolist()
    assert [item.item() for (item,) in loader] == [10 * i for i in order] and len(loader) == 4
    iterator = iter(data.DataLoader(whole, 3))
    assert [len(next(iterator)[0]) for _ in range(2)] == [3, 1] and next(iterator, None) is None
    assert data.get_worker_info() is torch.utils.data.get_worker_info() is None


# ---- drawing by weights


@pytest.mark.parametrize("replacement", [True, False])
def test_indices_are_drawn_in_proportion_to_their_weights(replacement):
    """The frequencies of the first index are those of PyTorch's draws, within four standard deviations."""
    weights = [0.0, 1.0, 3.0, 0.0, 4.0, 0.0]
    firsts = {}
    for lib, D in ((mg, data), (torch, torch.utils.data)):
        sampler = D.WeightedRandomSampler(weights, 3, replacement, generator=lib.Generator().manual_seed(1))
        draws = np.array([list(sampler) for _ in range(1000)])
        assert set(draws.ravel()) == {1, 2, 4} and len(sampler) == 3
        assert replacement or all(len(set(row)) == 3 for row in draws.tolist())
        firsts[D] = np.bincount(draws[:, 0], minlength=6)
    expected = np.array(weights) / 8 * 1000
    for counts in firsts.values():
        assert (abs(counts - expected) <= 4 * np.sqrt(expected * (1 - expected / 1000)) + 1e-9).all()


def test_drawing_by_weights_is_repeated_by_the_seed():
    weights = mg.tensor([1, 2, 3])
    found = [list(data.WeightedRandomSampler(weights, 20, generator=mg.Generator().manual_seed(seed))) for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2] and all(type(i) is int for i in found[0])
    many = [0.0] * 10 + [1e-300] + [0.0] * 10
    assert set(data.WeightedRandomSampler(many, 100)) == {10} == set(data.WeightedRandomSampler(many, 1, replacement=False))
    assert list(data.WeightedRandomSampler([0, 1], 2, replacement=False)) == [1, 0]  # as PyTorch draws them
    (batch,) = data.DataLoader([5, 6, 7], 4, sampler=data.WeightedRandomSampler([0, 1, 0], 4))
    assert batch.tolist() == [6, 6, 6, 6]
