"""Grids of images are torchvision's bit for bit, and so are the files that are made of them."""

import io
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import minigrad as mg
from minigrad import data
from minigrad.data.utils import make_grid, save_image
from reference.vision import import_torchvision
from support.small_mnist import same

torchvision = import_torchvision()
OPTIONS = st.fixed_dictionaries({}, optional={
    "nrow": st.integers(1, 9), "padding": st.integers(0, 3), "normalize": st.booleans(), "scale_each": st.booleans(),
    "value_range": st.sampled_from([None, (0, 1), (-0.5, 2.0), (0.5, 0.5)]), "pad_value": st.sampled_from([0, 1, 0.3]),
})  # fmt: skip
SHAPES = [(4, 5), (1, 4, 5), (3, 4, 5), (2, 4, 5), (1, 1, 4, 5), (1, 3, 2, 2), (7, 1, 3, 2), (9, 3, 1, 2), (5, 4, 2, 2)]


@given(st.sampled_from(SHAPES), st.sampled_from(["float32", "float64"]), OPTIONS, st.booleans())
def test_grids_are_torchvisions(shape, dtype, options, as_list):
    array = (np.random.default_rng(0).standard_normal(shape) * 2).astype(dtype)
    x, y = mg.tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)
    found = make_grid(list(x) if as_list and len(shape) == 4 else x, **options)
    expected = torchvision.utils.make_grid(list(y) if as_list and len(shape) == 4 else y, **options)
    assert same(found, expected.detach()) and not found.requires_grad and np.array_equal(x.detach().numpy(), array)


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_grids_of_whole_numbers(dtype):
    array = np.arange(3 * 2 * 2).reshape(3, 1, 2, 2).astype(dtype)
    assert same(make_grid(mg.tensor(array), pad_value=1), torchvision.utils.make_grid(torch.tensor(array), pad_value=1))


def test_what_is_no_image_is_refused():
    for wrong in ([1], 3, np.zeros((2, 2)), mg.zeros(3), mg.zeros(1, 1, 1, 2, 2)):
        with pytest.raises(TypeError):
            make_grid(wrong)
    with pytest.raises(TypeError, match=r"make_grid: expected a tensor of shape .*, found \(3,\)"):
        make_grid(mg.zeros(3))


@pytest.mark.parametrize("name", ["x.png", "x.bmp", "x.jpg"])
def test_files_of_images_are_torchvisions(tmp_path, name):
    array = np.random.default_rng(1).standard_normal((5, 1, 6, 4)).astype("float32")
    array[0, 0, 0] = np.inf
    save_image(mg.tensor(array), tmp_path / name, nrow=2, padding=1)
    torchvision.utils.save_image(torch.tensor(array), tmp_path / f"of-torch-{name}", nrow=2, padding=1)
    assert (tmp_path / name).read_bytes() == (tmp_path / f"of-torch-{name}").read_bytes()


def test_a_file_object_takes_an_image_of_the_given_format():
    file = io.BytesIO()
    data.utils.save_image([mg.zeros(3, 2, 2), mg.ones(3, 2, 2)], file, "png", padding=0, normalize=True)
    assert np.asarray(Image.open(file))[:, :, 0].tolist() == [[0, 0, 255, 255]] * 2


def test_without_pillow_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match="Pillow, which is not installed: pip install pillow, or minigrad with the extra train"):
        save_image(mg.zeros(3, 2, 2), tmp_path / "x.png")
