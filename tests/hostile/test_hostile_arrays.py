"""Arrays that were never tried: large ones of bytes, subclasses of NumPy's array, foreign byte orders and dtypes."""

import itertools
import tracemalloc

import numpy as np
import pytest
import torch

import minigrad as mg

# ---- sums of whole numbers without a converted copy

WHOLE = ["bool", "uint8", "int8", "int16", "int32", "int64"]


def peak_of(function):
    """The most memory that NumPy and Python took while `function` ran; threads and caches are there before it is counted."""
    function()
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


SUMS = {
    "sum": lambda x: x.sum(),
    "sum over rows": lambda x: x.sum(0),
    "sum over columns": lambda x: x.sum(1, keepdim=True),
    "sum over both": lambda x: x.sum((0, 1)),
    "sum in int64": lambda x: x.sum(dtype=mg.int64),
    "sum in float32": lambda x: x.sum(dtype=mg.float32),
    "mean in float64": lambda x: x.mean(dtype=mg.float64),
    "mean over rows in float32": lambda x: x.mean(0, dtype=mg.float32),
    "any": lambda x: x.any(),
    "all": lambda x: x.all(1),
    "amax": lambda x: x.amax(1),
    "argmin": lambda x: x.argmin(1),
    "sum of the transposed": lambda x: x.T.sum(0),
    "sum of every second": lambda x: x[:, ::2].sum(1),
    "the function": lambda x: mg.sum(x, 0),
}


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int32"])
def test_a_sum_of_whole_numbers_takes_no_memory(name, dtype):
    x = mg.from_numpy(np.ones((2000, 500), dtype))
    assert peak_of(lambda: SUMS[name](x)) < 0.25 * x.array.nbytes


@pytest.mark.parametrize("dtype", WHOLE)
def test_sums_of_whole_numbers_are_pytorchs(dtype):
    rng = np.random.default_rng(5)
    low, high = (0, 2) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    for shape, dims in {(300, 7): [None, 0, (0, 1)], (3, 4, 5): [-1, (0, 2)], (0, 3): [None, 0, 1], (): [None, 0]}.items():
        array = rng.integers(low, high, shape, "int64").astype(dtype)
        x, y = mg.tensor(array), torch.tensor(array)
        rounding = 1e-6 * np.abs(array.astype(float)).sum()  # PyTorch adds up in float32
        for dim, wanted in itertools.product(dims, (None, "bool", "uint8", "int32", "int64", "float32", "float64")):
            for name in ("sum", "mean") if wanted in ("float32", "float64") else ("sum",):
                found = getattr(x, name)(dim, dim == 0, dtype=wanted)
                expected = getattr(y, name)(dim, dim == 0, dtype=wanted and getattr(torch, wanted)).numpy()
                assert (found.dtype, tuple(found.shape)) == (expected.dtype, expected.shape)
                assert np.allclose(found.numpy(), expected, 1e-14, rounding if wanted == "float32" else 0, equal_nan=True)


def test_a_mean_of_whole_numbers_still_needs_a_dtype():
    for options, got in (({}, "uint8"), ({"dtype": mg.int64}, "int64")):
        with pytest.raises(RuntimeError, match=rf"mean: expected a floating-point tensor, got {got}; use \.float\(\)"):
            mg.ones(3, dtype=mg.uint8).mean(**options)
