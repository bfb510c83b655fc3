"""Transforms give what torchvision's give for the same images."""

import numpy as np
import pytest
import torch

import minigrad as mg
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
    with pytest.raises(TypeError, match="ToTensor: expected a NumPy array, found list"):
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
    with pytest.raises(TypeError, match="Lambda: expected a function, found int"):
        transforms.Lambda(3)
