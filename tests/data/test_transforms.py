"""Transforms give what torchvision's give for the same images."""

import sys

import numpy as np
import pytest
import torch
from PIL import Image

import minigrad as mg
from minigrad import data
from minigrad.data import transforms
from reference.vision import import_torchvision
from support.small_mnist import same

torchvision = import_torchvision()


@pytest.mark.parametrize("shape", [(28, 28), (2, 3), (4, 5, 1), (4, 5, 3)])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32", "float64", "bool"])
def test_to_tensor_is_torchvisions(shape, dtype):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    in_minigrad, in_torch = transforms.ToTensor()(array), torchvision.transforms.ToTensor()(array.copy())
    assert same(in_minigrad, in_torch)
    assert not np.shares_memory(in_minigrad.numpy(), array)


def test_every_byte_becomes_torchvisions_float():
    array = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert same(transforms.ToTensor()(array), torchvision.transforms.ToTensor()(array))


def test_to_tensor_gives_the_default_dtype():
    mg.set_default_dtype(mg.float64)
    try:
        assert transforms.ToTensor()(np.zeros((2, 2), np.uint8)).dtype == mg.float64
    finally:
        mg.set_default_dtype(mg.float32)


@pytest.mark.parametrize(
    "mean, std", [((0.1307,), (0.3081,)), ((0.1, 0.2, 0.3), (1, 2, 3)), (0.5, 0.25), ([0.5], 2.0)]
)
@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("inplace", [False, True])
def test_normalize_is_torchvisions(mean, std, shape, dtype, inplace):
    image = np.random.default_rng(0).random(shape).astype(dtype)
    x, y = mg.tensor(image), torch.tensor(image)
    in_minigrad = transforms.Normalize(mean, std, inplace)(x)
    in_torch = torchvision.transforms.Normalize(mean, std, inplace)(y)
    assert same(in_minigrad, in_torch) and same(x, y)


def test_reprs_are_torchvisions():
    def shown(steps):
        inner = steps.Compose([steps.ToTensor(), steps.Normalize((0.5,), [0.5])])
        return repr(inner) + repr(steps.Compose([])) + repr(steps.Lambda(abs))

    assert shown(transforms) == shown(torchvision.transforms)


def test_wrong_images_are_refused():
    with pytest.raises(TypeError, match="ToTensor: expected an image of Pillow or a NumPy array, found list"):
        transforms.ToTensor()([1])
    with pytest.raises(ValueError, match=r"expected shape \(H, W\) or \(H, W, C\), found \(2,\)"):
        transforms.ToTensor()(np.zeros(2))
    normalize = transforms.Normalize(0.5, 0.5)
    with pytest.raises(TypeError, match="floating-point numbers, found uint8; ToTensor makes one"):
        normalize(mg.zeros(1, 2, 2, dtype=mg.uint8))
    with pytest.raises(TypeError, match="floating-point numbers, found ndarray"):
        normalize(np.zeros((1, 2, 2)))
    with pytest.raises(ValueError, match=r"expected shape \(..., C, H, W\), found \(2, 2\)"):
        normalize(mg.zeros(2, 2))
    with pytest.raises(ValueError, match="expected std other than 0"):
        transforms.Normalize(0.5, 0)(mg.zeros(1, 2, 2))
    with pytest.raises(RuntimeError, match=r"expected one number, or one for each of 1 channels, found \(0.5, 0.5, 0.5\)"):
        transforms.Normalize((0.5,) * 3, (0.5,) * 3)(mg.zeros(1, 2, 2))  # not an image of 3 channels
    with pytest.raises(RuntimeError):
        torchvision.transforms.Normalize((0.5,) * 3, (0.5,) * 3)(torch.zeros(1, 2, 2))
    with pytest.raises(TypeError, match="Lambda: expected a function, found int"):
        transforms.Lambda(3)


# ---- images of Pillow, and Resize


def image_of(mode, shape=(5, 8)):
    numbers = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    return Image.fromarray(numbers).convert(mode)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "1", "I", "F", "I;16", "P", "CMYK"])
def test_images_of_pillow_become_torchvisions_tensors(mode):
    image = image_of(mode)
    assert same(transforms.ToTensor()(image), torchvision.transforms.ToTensor()(image))


SIZES = [3, 20, 5, [4], (7, 2), (10, 16), [5, 8]]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("shape", [(5, 8), (8, 5), (6, 6)])
def test_resize_is_torchvisions(size, shape):
    for mode in ("L", "RGB"):
        image = image_of(mode, shape)
        for interpolation in (2, Image.NEAREST):
            found, expected = (lib.Resize(size, interpolation)(image) for lib in (transforms, torchvision.transforms))
            assert found.size == expected.size and np.array_equal(np.asarray(found), np.asarray(expected))
        as_array = transforms.Resize(size)(np.asarray(image))
        assert np.array_equal(as_array, np.asarray(transforms.Resize(size)(image))) and as_array.dtype == np.uint8
        assert transforms.Resize(9)(np.asarray(image)).flags.writeable
    planes = np.random.default_rng(1).random((2, 3, *shape), np.float32)
    found, expected = transforms.Resize(size)(mg.tensor(planes)), torchvision.transforms.Resize(size)(torch.tensor(planes))
    assert found.shape == expected.shape and np.allclose(found.numpy(), expected.numpy(), atol=2e-6)


@pytest.mark.parametrize("max_size", [5, 6, 9, 100])
def test_the_longer_side_is_at_most_max_size(max_size):
    for shape in ((5, 8), (8, 5)):
        found, expected = (lib.Resize(4, max_size=max_size)(image_of("L", shape)) for lib in (transforms, torchvision.transforms))
        assert found.size == expected.size


def test_reprs_and_mistakes_of_resize_are_torchvisions():
    for arguments in ((28,), ((28, 20), 0), (28, 3, 30, None)):
        assert repr(transforms.Resize(*arguments)) == repr(torchvision.transforms.Resize(*arguments))
    bicubic = [lib.Resize(4, lib.InterpolationMode.BICUBIC)(image_of("L")) for lib in (transforms, torchvision.transforms)]
    assert np.array_equal(*map(np.asarray, bicubic))
    for lib in (transforms, torchvision.transforms):
        with pytest.raises(ValueError):
            lib.Resize((1, 2, 3))
        for size in (9, [9], (7, 2)):
            with pytest.raises(ValueError, match="max_size"):
                lib.Resize(size, max_size=9)(image_of("L"))


def test_what_has_the_size_is_returned_as_it_is_without_pillow(mnist_root, monkeypatch):
    """So MNIST needs no Pillow, and its batches are made at once."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    for image in (np.zeros((28, 28), np.uint8), np.zeros((28, 28, 3)), mg.zeros(1, 28, 28)):
        assert transforms.Resize(28)(image) is transforms.Resize((28, 28))(image) is image
    steps = transforms.Compose([transforms.Resize(28), transforms.ToTensor(), transforms.Resize((28, 28))])
    dataset = data.MNIST(mnist_root, transform=steps)
    assert mg.equal(dataset.gather([0, 1])[0], mg.stack([dataset[0][0], dataset[1][0]]))
    dataset.transform = transforms.Compose([transforms.ToTensor(), transforms.Resize(14)])
    assert dataset.gather([0, 1]) is None
    with pytest.raises(ImportError, match="Pillow, which is not installed: pip install pillow"):
        dataset[0]
