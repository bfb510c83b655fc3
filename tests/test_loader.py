"""DataLoader, samplers and data sets: what PyTorch's give for the same calls."""

from collections import namedtuple

import numpy as np
import pytest
import torch
import torch.utils.data
from hypothesis import given
from hypothesis import strategies as st
from small_mnist import TRAIN, same

import minigrad as mg
from minigrad import data
from minigrad.data import transforms
from reference.vision import import_torchvision

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
    ours = data.DataLoader(data.TensorDataset(mg.tensor(x), mg.tensor(y)), size, drop_last=drop_last)
    theirs = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.tensor(x), torch.tensor(y)), size, drop_last=drop_last
    )
    assert len(ours) == len(theirs)
    assert same(list(ours), list(theirs)) and same(list(ours), list(theirs))  # a second pass, too


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
    ours, theirs = loaders(lambda source, t: source.MNIST(mnist_root, train, t), transform_of, num_workers=0)
    assert len(ours) == len(theirs) and same(list(ours), list(theirs))


def test_a_batch_made_at_once_is_the_batch_of_the_items(mnist_root):
    """The shortcut is taken where it is known to be right, and gives the same bits as item by item."""
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
    assert orders(None, 1) == [first]  # no generator given: the default one


def test_shuffled_batches_hold_the_right_pairs(mnist_root):
    dataset = data.MNIST(mnist_root, transform=transforms.ToTensor())
    loader = data.DataLoader(dataset, 64, shuffle=True, generator=mg.Generator().manual_seed(1))
    order = mg.randperm(TRAIN, generator=mg.Generator().manual_seed(1)).tolist()
    theirs = torch.utils.data.DataLoader(
        torchvision.datasets.MNIST(mnist_root, transform=torchvision.transforms.ToTensor()), 64, sampler=order
    )
    assert same(list(loader), list(theirs))


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 7), st.booleans())
def test_any_sampler_and_batch_sampler(order, size, drop_last):
    x = np.arange(10) ** 2
    pairs = [
        (data, data.TensorDataset(mg.tensor(x))),
        (torch.utils.data, torch.utils.data.TensorDataset(torch.tensor(x))),
    ]
    ours, theirs = (library.DataLoader(d, size, sampler=order, drop_last=drop_last) for library, d in pairs)
    assert len(ours) == len(theirs) and same(list(ours), list(theirs))
    batches = [order[i : i + size] for i in range(0, len(order), size)]
    ours, theirs = (library.DataLoader(d, batch_sampler=batches) for library, d in pairs)
    assert len(ours) == len(theirs) and same(list(ours), list(theirs))


def test_samplers_of_parts():
    sampler = data.SubsetRandomSampler([3, 5, 8], generator=mg.Generator().manual_seed(0))
    assert sorted(sampler) == [3, 5, 8] and len(sampler) == 3
    assert [list(data.BatchSampler(range(5), 2, drop)) for drop in (False, True)] == [
        list(torch.utils.data.BatchSampler(range(5), 2, drop)) for drop in (False, True)
    ]
    assert len(data.DataLoader([1, 2, 3], shuffle=True).sampler) == 3


@pytest.mark.parametrize("size", [0, -1, 2.5, True, None])
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
    with pytest.raises(ValueError, match=r"equal length, found lengths \[1, 2\]"):
        data.default_collate([[1], [1, 2]])


def test_a_collate_fn_gets_the_items():
    loader = data.DataLoader(
        data.TensorDataset(mg.arange(5)), 2, collate_fn=lambda items: [i.item() for (i,) in items]
    )
    assert list(loader) == [[0, 1], [2, 3], [4]]


# Data sets


def test_indexing_a_tensor_data_set():
    x, y = np.arange(12.0).reshape(4, 3), np.arange(4)
    ours, theirs = (
        data.TensorDataset(mg.tensor(x), mg.tensor(y)),
        torch.utils.data.TensorDataset(*map(torch.tensor, (x, y))),
    )
    assert all(same(ours[index], theirs[index]) for index in (0, -1, slice(1, 3), [2, 0]))
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
    ours = data.random_split(range(10), lengths, generator=mg.Generator().manual_seed(3))
    theirs = torch.utils.data.random_split(range(10), lengths)
    assert [len(part) for part in ours] == [len(part) for part in theirs]
    assert sorted(item for part in ours for item in part) == list(range(10))
    again = data.random_split(range(10), lengths, generator=mg.Generator().manual_seed(3))
    assert [list(part) for part in ours] == [list(part) for part in again]


@pytest.mark.parametrize("lengths", [[3, 4], [0.5, 0.6], [1.5, -0.5]])
def test_a_split_that_does_not_fit_is_refused(lengths):
    with pytest.raises(ValueError, match="random_split: expected"):
        data.random_split(range(10), lengths)


def test_a_data_set_without_its_methods_says_so():
    class Empty(data.Dataset):
        pass

    with pytest.raises(TypeError, match=r"Empty is a Dataset and must define __getitem__\(index\)"):
        Empty()[0]
    with pytest.raises(TypeError, match=r"Empty has no length; define __len__\(\)"):
        len(Empty())
