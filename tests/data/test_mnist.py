"""MNIST: what is read, what is refused, and the data set compared with torchvision's."""

import numpy as np
import pytest

from minigrad import data
from minigrad.data import IdxError, transforms
from reference.vision import import_torchvision
from support.small_mnist import NAMES, TEST, TRAIN, same, write_mnist

torchvision = import_torchvision()

# Reading MNIST


def test_the_bundled_mnist_is_mnist():
    train_images, train_labels, test_images, test_labels = data.load_mnist()
    assert train_images.shape == (60000, 28, 28) and test_images.shape == (10000, 28, 28)
    assert {a.dtype for a in (train_images, train_labels, test_images, test_labels)} == {np.dtype("uint8")}
    assert np.bincount(train_labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert round(train_images.mean() / 255, 4) == 0.1307 and round(train_images.std() / 255, 4) == 0.3081


@pytest.mark.parametrize("place", [".", "raw", "MNIST/raw"])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_folder_of_idx_files_is_read(tmp_path, mnist_arrays, place, zipped):
    write_mnist(tmp_path / place, mnist_arrays, zipped)
    assert all(map(np.array_equal, data.load_mnist(tmp_path), mnist_arrays))
    assert all(map(np.array_equal, data.load_mnist(str(tmp_path)), mnist_arrays))


def test_a_gzipped_file_is_preferred_as_it_has_a_checksum(tmp_path, mnist_arrays):
    write_mnist(tmp_path, [np.zeros_like(a) for a in mnist_arrays])
    write_mnist(tmp_path, mnist_arrays, zipped=True)
    assert all(map(np.array_equal, data.load_mnist(tmp_path), mnist_arrays))


def refused(folder, arrays, *messages):
    with pytest.raises(IdxError) as caught:
        data.load_mnist(write_mnist(folder, arrays))
    for message in messages:
        assert message in str(caught.value)


def test_files_that_do_not_fit_together_are_refused(tmp_path, mnist_arrays):
    images, labels, *test = mnist_arrays
    both = [str(tmp_path / name) for name in NAMES[:2]]
    refused(tmp_path, [images, labels[1:], *test], *both, "found 203 images and 202 labels")
    refused(tmp_path, [images[:0], labels[:0], *test], *both, "found 0 images and 0 labels")
    refused(tmp_path, [images[:, 1:], labels, *test], both[0], "expected (any, 28, 28), found (203, 27, 28)")
    refused(tmp_path, [images.astype("int32"), labels, *test], both[0], "expected uint8, found int32")
    refused(tmp_path, [labels, images, *test], both[0], "expected (any, 28, 28), found (203,)")
    ten = labels.copy()
    ten[7] = 10
    refused(tmp_path, [images, ten, *test], both[1], "expected labels 0 to 9, found 10 at index 7")


def test_a_folder_without_the_files_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    for folder, found in {
        tmp_path / "no": "found no such folder",
        tmp_path / "empty": "found an empty folder",
        tmp_path / "file": "found a file",
    }.items():
        with pytest.raises(IdxError) as caught:
            data.load_mnist(folder)
        assert str(folder) in str(caught.value) and found in str(caught.value)
    (tmp_path / "mnist.zip").write_text("")
    with pytest.raises(IdxError, match=r"train-images-idx3-ubyte.gz or .*, found empty, file, mnist.zip"):
        data.load_mnist(tmp_path)


# The MNIST class against torchvision's


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST"])
@pytest.mark.parametrize("train", [True, False])
def test_the_data_set_is_torchvisions(mnist_root, name, train):
    in_minigrad = getattr(data, name)(mnist_root, train=train, transform=transforms.ToTensor())
    in_torch = getattr(torchvision.datasets, name)(
        mnist_root, train=train, transform=torchvision.transforms.ToTensor()
    )
    assert len(in_minigrad) == len(in_torch) == (TRAIN if train else TEST)
    assert in_minigrad.classes == in_torch.classes and in_minigrad.class_to_idx == in_torch.class_to_idx
    assert same(in_minigrad.data, in_torch.data) and same(in_minigrad.targets, in_torch.targets)
    assert all(same(in_minigrad[i], in_torch[i]) for i in (0, 1, len(in_minigrad) - 1, -1))
    assert len(list(in_minigrad)) == len(in_minigrad)  # an index out of range ends a for loop
    with pytest.raises(IndexError):
        in_minigrad[len(in_minigrad)]


@pytest.mark.parametrize("with_target", [False, True])
@pytest.mark.parametrize("composed", [False, True])
def test_the_data_sets_repr_is_torchvisions(mnist_root, composed, with_target):
    def build(datasets, transforms):
        steps = [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
        transform = transforms.Compose(steps) if composed else None
        target_transform = transforms.Lambda(abs) if with_target else None
        return repr(datasets.MNIST(str(mnist_root), False, transform, target_transform))

    assert build(data, transforms) == build(torchvision.datasets, torchvision.transforms)


def test_target_transform_and_no_transform(mnist_root, mnist_arrays):
    dataset = data.MNIST(mnist_root, target_transform=lambda target: -target)
    image, target = dataset[3]
    assert type(image) is np.ndarray and np.array_equal(image, mnist_arrays[0][3])
    assert target == -int(mnist_arrays[1][3])
    image[:] = 0
    assert np.array_equal(dataset[3][0], mnist_arrays[0][3])  # the item was a copy


def test_without_a_root_the_bundled_files_are_read(tmp_path, mnist_root):
    assert len(data.MNIST(train=False)) == 10000
    assert len(data.MNIST(mnist_root, train=False, download=True)) == TEST  # files that are there are used, not downloaded
    with pytest.raises(IdxError, match="no such folder"):
        data.MNIST(tmp_path / "new", train=False)
    for arguments in ({}, {"root": tmp_path / "new", "download": True}):
        with pytest.raises(
            IdxError, match=r"FashionMNIST: expected a root with its IDX files, found .*, and nothing"
        ):
            data.FashionMNIST(**arguments)
    with pytest.raises(IdxError, match="no such folder"):
        data.FashionMNIST(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_download_puts_the_bundled_files_where_later_calls_find_them(tmp_path):
    """In torchvision's folder, which torchvision then reads as well."""
    root = tmp_path / "new"
    assert len(data.MNIST(str(root), train=False, download=True)) == 10000
    assert sorted(path.name for path in (root / "MNIST" / "raw").iterdir()) == sorted(f"{name}.gz" for name in NAMES)
    assert data.MNIST(root, train=False).targets[:5].tolist() == [7, 2, 1, 0, 4]
    assert data.datasets.MNIST(root=root, train=True, transform=None, target_transform=None, download=False)[0][1] == 5


def test_a_download_keeps_the_files_that_are_there(tmp_path, mnist_arrays):
    write_mnist(tmp_path / "MNIST" / "raw", mnist_arrays)
    for name in NAMES[2:]:
        (tmp_path / "MNIST" / "raw" / name).unlink()
    assert len(data.MNIST(tmp_path, train=False, download=True)) == 10000 and len(data.MNIST(tmp_path)) == TRAIN


def test_the_old_names_of_data_and_targets_warn_as_torchvisions(mnist_root):
    for train in (True, False):
        datasets = [data.MNIST(mnist_root, train), torchvision.datasets.MNIST(mnist_root, train)]
        for name in ("train_data", "train_labels", "test_data", "test_labels"):
            found = []
            for dataset in datasets:
                with pytest.warns(UserWarning) as warned:
                    found.append((getattr(dataset, name), str(warned[0].message)))
            assert same(found[0][0], found[1][0]) and found[0][1] == found[1][1]


def test_the_tensors_of_a_data_set_may_be_replaced(mnist_root):
    """As a tutorial does to use a part of a data set."""
    dataset = data.MNIST(mnist_root, transform=transforms.ToTensor())
    dataset.data, dataset.targets = dataset.data[:10], dataset.targets[:10]
    (images, targets) = next(iter(data.DataLoader(dataset, batch_size=100)))
    assert len(dataset) == 10 and images.shape == (10, 1, 28, 28) and targets.shape == (10,)
