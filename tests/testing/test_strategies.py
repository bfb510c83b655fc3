"""The Hypothesis strategies: values away from kinks, shapes that broadcast, the same values in other layouts."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import find, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import strategies
from minigrad.testing.strategies import arrays_that_broadcast, layouts, tensors

few = settings(max_examples=50, database=None)
many = settings(max_examples=500, database=None)


def distance(array, points):
    return min((float(abs(np.asarray(array, float) - point).min(initial=np.inf)) for point in points), default=np.inf)


# ---- tensors


@few
@given(tensors(away_from=[0, 1.5]))
def test_values_keep_away_from_the_points_and_within_the_bounds(x):
    assert isinstance(x, mg.Tensor) and x.requires_grad and x.is_leaf and x.dtype == mg.float64
    array = x.detach().numpy()
    assert distance(array, [0, 1.5]) >= 0.1 - 1e-12
    assert ((array >= -3) & (array <= 3)).all()


@few
@given(data=st.data(), dtype=st.sampled_from(["float64", "float32", "float16"]), large=st.booleans())
def test_bounds_hold_in_every_precision(data, dtype, large):
    x = data.draw(tensors(100 if large else 5, dtype, [0.3], min_value=0.1, max_value=0.7, library="numpy"))
    assert x.dtype == dtype
    assert distance(x, [0.3]) >= 0.1 - 1e-12
    assert ((x.astype(float) >= 0.1) & (x.astype(float) <= 0.7)).all()


@pytest.mark.parametrize("low, high", [(-3, -0.1), (0.1, 1.4), (1.6, 3)])
@pytest.mark.parametrize("size", [1, 100])
def test_every_interval_is_drawn_from(low, high, size):
    find(tensors(size, away_from=[0, 1.5], library="numpy"), lambda x: ((x >= low) & (x <= high)).any(), settings=few)


@pytest.mark.parametrize("wanted", [lambda s: 0 in s, lambda s: 1 in s, lambda s: s == (), lambda s: len(s) == 3])
def test_shapes_have_sizes_of_0_and_1_and_no_axis(wanted):
    find(tensors(library="numpy"), lambda x: wanted(x.shape), settings=many)


@few
@given(tensors(st.tuples(st.just(2), st.integers(0, 3))), tensors(4), tensors((2, 3)))
def test_a_shape_may_be_a_strategy_a_number_or_a_tuple(x, y, z):
    assert x.shape[0] == 2 and x.shape[1] <= 3 and y.shape == (4,) and z.shape == (2, 3)


@few
@given(tensors((2,), "float32", library="torch"), tensors((2,), library="torch", requires_grad=False), tensors(2, requires_grad=False))
def test_tensors_of_pytorch_and_constants(x, y, z):
    assert isinstance(x, torch.Tensor) and x.dtype == torch.float32 and x.requires_grad and x.is_leaf
    assert y.dtype == torch.float64 and not y.requires_grad and not z.requires_grad


def test_a_failing_example_becomes_simple():
    x = find(tensors((2, 2), away_from=[0], library="numpy"), lambda x: x[0, 1] < -0.5, settings=settings(database=None))
    assert x.tolist() == [[1.0, -1.0], [1.0, 1.0]]


@pytest.mark.parametrize("options, message", [
    ({"away_from": [0], "margin": 5}, r"no number between -3 and 3 is 5 away from each of \[0.0\]"),
    ({"min_value": 1, "max_value": 0}, "min_value: expected a number of at most max_value, 0, got 1"),
    ({"margin": 0}, "margin: expected a positive number, got 0"),
    ({"dtype": "int64"}, "dtype: expected one of float64, float32, float16, got int64; other values have no gradient"),
    ({"library": "jax"}, "library: expected one of minigrad, numpy, torch, got 'jax'; JAX takes NumPy's arrays"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_an_error(options, message):
    with pytest.raises(ValueError, match=message):
        tensors(**options)


# ---- arrays that broadcast


@few
@given(arrays_that_broadcast(3, away_from=[0]))
def test_shapes_broadcast(arrays):
    assert len(arrays) == 3
    np.broadcast_shapes(*[a.shape for a in arrays])
    assert all(isinstance(a, np.ndarray) and distance(a, [0]) >= 0.1 - 1e-12 for a in arrays)


@pytest.mark.parametrize("wanted", [
    lambda a, b: a.ndim != b.ndim, lambda a, b: 1 in a.shape and a.shape != b.shape and a.ndim == b.ndim, lambda a, b: a.size == 0,
    lambda a, b: a.shape == () != b.shape,
])  # fmt: skip
def test_shapes_differ_often(wanted):
    find(arrays_that_broadcast(2), lambda arrays: wanted(*arrays), settings=many)


@few
@given(arrays_that_broadcast(2, library="minigrad"), arrays_that_broadcast(2, "float32", library="torch"))
def test_tensors_that_broadcast(mine, others):
    assert (mine[0] + mine[1]).requires_grad and (others[0] + others[1]).dtype == torch.float32


# ---- layouts

array = tensors(away_from=[0], library="numpy")


@pytest.mark.parametrize("layout", strategies.LAYOUTS, ids=lambda layout: layout.__name__)
@few
@given(x=array)
def test_each_layout_keeps_the_values(layout, x):
    before = x.copy()
    y = layout(x)
    assert y.dtype == x.dtype and y.shape == x.shape
    np.testing.assert_array_equal(y, before)
    assert not np.shares_memory(x, y)


def test_each_layout_is_one():
    x = np.arange(12.0).reshape(3, 4)
    made = {layout.__name__: layout(x) for layout in strategies.LAYOUTS}
    assert made["contiguous"].strides == (32, 8)
    assert made["fortran"].strides == made["transposed"].strides == (8, 24)
    assert made["strided"].strides == (128, 16)
    assert made["reversed_axes"].strides == (-32, -8)
    assert made["offset"].base is not None and made["offset"].flags.c_contiguous
    assert made["expanded"].strides == (32, 8)
    assert not made["read_only"].flags.writeable
    assert strategies.expanded(np.broadcast_to(np.arange(4.0), (3, 4))).strides == (0, 8)
    assert strategies.expanded(np.ones((3, 4))).strides == (0, 0)


@few
@given(x=layouts(array), y=layouts(tensors((2, 3))), z=layouts(tensors((2, 3), library="torch")), n=layouts(np.ones((2, 3))))
def test_the_kind_of_the_values_is_kept(x, y, z, n):
    assert isinstance(x, np.ndarray) and isinstance(n, np.ndarray)
    assert isinstance(y, mg.Tensor) and y.requires_grad and y.is_leaf and y.shape == (2, 3)
    assert isinstance(z, torch.Tensor) and z.requires_grad and z.is_leaf and z.shape == (2, 3)


@pytest.mark.parametrize("wanted", [
    lambda y: y.strides == (8, 16), lambda y: y.strides == (96, 16), lambda y: y.strides[0] < 0, lambda y: not y.flags.writeable,
])  # fmt: skip
def test_every_layout_of_an_array_is_drawn(wanted):
    find(layouts(np.arange(6.0).reshape(2, 3)), wanted, settings=many)


@pytest.mark.parametrize("wanted", [lambda y: y.stride() == (1, 2), lambda y: y.stride() == (12, 2), lambda y: y.storage_offset() > 0])
def test_every_layout_of_a_tensor_of_pytorch_is_drawn(wanted):
    find(layouts(torch.arange(6.0).reshape(2, 3)), wanted, settings=many)


# ---- imports


def test_hypothesis_is_imported_by_this_module_alone():
    program = ("import sys, minigrad.testing\nassert not {'hypothesis', 'pytest', 'torch', 'jax'} & set(sys.modules)\n"
               "from minigrad.testing import strategies\nassert 'hypothesis' in sys.modules and 'torch' not in sys.modules")
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)
