"""NumPy's names as the operations see them, on large arrays: the same numbers as NumPy's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import backend
from minigrad.backend.cpu import threads
from minigrad.backend.cpu.numpy_names import numpy_names
from support.backends import on_cpu

BINARY = {backend.plus: np.add, backend.minus: np.subtract, backend.times: np.multiply, backend.over: np.divide}
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-310, 3.0]


def numbers(shape, dtype="float64", special=False):
    x = np.random.default_rng(0).normal(0, 1, shape).astype(dtype)
    if special:
        x.reshape(-1)[: 10 * len(SPECIAL)] = np.tile(np.asarray(SPECIAL, dtype), 10)
    return x


@pytest.mark.parametrize("of_minigrad, of_numpy", BINARY.items(), ids=lambda f: f.__name__)
def test_arithmetic_of_large_arrays(monkeypatch, of_minigrad, of_numpy):
    monkeypatch.setattr(threads, "LARGE", 100)
    shared = []

    def share(function, n, block=1, elements=None):
        shared.append(n)
        function(0, 7)
        function(7, n)

    monkeypatch.setattr(threads, "share", share)
    x = numbers((12, 17), special=True)
    single = x.astype("float32")
    alike = [(x, x[::-1].copy()), (x, 3), (2.5, x), (x, np.array(0.0)), (single, 255), (single, np.array(2.0, "float32")),
             (x, x[5]), (x, x[:1]), (x, x[:, :1]), (x, x[:, 3:4]), (x, x[2, ::-1])]
    different = [(x, x.T.copy().T), (x[:, 0], x[:, :1]), (x, single[0]), (x, single), (x.T.copy().T, x[0]), (x[0], x),
                 (single, np.array(2.0)), (x[:, ::2], 2), (np.arange(200), 2), (x, True),
                 (x, np.float64(2)), (single, np.float64(2)), (np.float64(2), x.reshape(1, -1)), (np.float64(2), x.reshape(-1, 1))]
    with np.errstate(all="ignore"):
        for pair in [*alike, *different]:
            found, expected = of_minigrad(*pair), of_numpy(*pair)
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == expected.dtype
    assert len(shared) == len(alike)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64"])
@pytest.mark.parametrize("shape", [(128, 2), (1000, 10), (200, 32), (128, 33), (127, 3), (300, 1), (40, 1000), (2000, 30)])
@pytest.mark.parametrize("keepdims", [True, False])
def test_sums_and_maxima_of_matrices(shape, dtype, keepdims):
    x = numbers(shape, dtype)
    for axis in (0, 1, -1, (0,), (1,), (0, 1), None):
        found, expected = numpy_names.max(x, axis=axis, keepdims=keepdims), np.max(x, axis=axis, keepdims=keepdims)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
        work = "float32" if dtype == "float16" else dtype
        expected = np.add.reduce(x.astype(work), axis=axis, keepdims=keepdims).astype(dtype)
        found = numpy_names.sum(x, axis=axis, keepdims=keepdims)
        assert found.shape == expected.shape and found.dtype == expected.dtype
        if dtype == "int64":
            np.testing.assert_array_equal(found, expected)
        elif dtype == "float16":  # added in float32, and rounded once
            np.testing.assert_allclose(found, expected, 2.0**-10)
        else:
            np.testing.assert_allclose(found, expected, 0, 4 * np.finfo(dtype).eps * np.abs(x).sum(axis=axis, keepdims=keepdims).max())


def test_extreme_numbers_in_sums_and_maxima():
    assert numpy_names.max(np.zeros((200, 0)), axis=1, initial=-1.0).tolist() == [-1.0] * 200
    assert numpy_names.max(np.zeros((200, 3)), axis=1, initial=1.0).tolist() == [1.0] * 200
    x = np.zeros((400, 100))
    x[3, 1], x[300, 2], x[7, 3], x[8, 3], x[9, 4] = np.inf, -np.inf, np.inf, -np.inf, np.nan
    x[:, 5], x[1, 6] = 1e308, 1e-320
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(numpy_names.sum(x, axis=0), np.add.reduce(x, axis=0))
        for y in (x[:, :7], np.ascontiguousarray(x[:, :7])):
            np.testing.assert_array_equal(numpy_names.sum(y, axis=1), np.add.reduce(y, axis=1))
            np.testing.assert_array_equal(numpy_names.max(y, axis=1), np.max(y, axis=1))


def test_sums_of_matrices_of_any_layout():
    x = numbers((300, 200))
    for y in (x.T.copy().T, x[::-1, ::2], np.broadcast_to(x[:1], (400, 200)), np.broadcast_to(x[:, :1], (300, 200))):
        np.testing.assert_allclose(numpy_names.sum(y, axis=0), np.add.reduce(y, axis=0), 0, 1e-13 * np.abs(y).sum(axis=0).max())


@given(data=st.data())
def test_choices_and_copies_of_arrays_of_any_size_and_layout(data):
    """where, copy and concatenate give what NumPy's own give, divided among threads or not."""
    def one(shape):
        x = numbers((40, 40), data.draw(st.sampled_from(["float32", "float64"])), special=True)
        n, m = shape
        views = {"plain": x[:n, :m].copy(), "cut": x[::2, 1::2][:n, :m], "turned": x.T[:m, :n].copy().T,
                 "repeated": np.broadcast_to(x[:1, :1], shape), "number": data.draw(st.sampled_from([0, 2.5]))}
        return views[data.draw(st.sampled_from([*views]))]

    shape = data.draw(st.tuples(st.integers(0, 20), st.integers(0, 9)))
    x, y, condition = one(shape), one(shape), np.random.default_rng(1).integers(0, 2, shape).astype(bool)
    with on_cpu(True, data.draw(st.sampled_from([1, 60, 10_000]))):
        pairs = [(numpy_names.where(c, x, y), np.where(c, x, y)) for c in (condition, condition.T.copy().T, condition[:1])]
        for a in (x, y):
            if isinstance(a, np.ndarray):
                pairs += [(numpy_names.copy(a), a.copy("K")), (numpy_names.copy(a, order="C"), a.copy("C"))]
                assert not np.shares_memory(pairs[-1][0], a) and pairs[-1][0].flags.c_contiguous
        arrays = [a for a in (x, y, x) if isinstance(a, np.ndarray)]
        if arrays:
            pairs += [(numpy_names.concatenate(arrays, axis=axis), np.concatenate(arrays, axis=axis)) for axis in (0, 1, -1)]
            pairs += [(numpy_names.concatenate([arrays[0][:k] for k in (3, 0, 1)]), np.concatenate([arrays[0][:k] for k in (3, 0, 1)]))]
    for found, expected in pairs:
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
    for wrong in ([np.ones((40, 2)), np.ones((40, 3))], [np.ones((40, 2)), np.ones(40)], [np.array(1.0)] * 2):
        with on_cpu(True, 10), pytest.raises(ValueError):
            numpy_names.concatenate(wrong)


@pytest.mark.parametrize("shared_out", [
    lambda x: backend.plus(x, x), lambda x: backend.plus(x, x[0]), numpy_names.exp, lambda x: numpy_names.clip(x, 0, 1), numpy_names.copy,
    lambda x: numpy_names.sum(x, axis=1), lambda x: numpy_names.max(x, axis=1), lambda x: numpy_names.getitem(x, key=(np.arange(128), ...)),
    lambda x: mg.ops.sigmoid.raw(x), lambda x: mg.ops.losses.mse(x, x), lambda x: numpy_names.astype(x, np.dtype("float32")),
    lambda x: numpy_names.where(x > 0, x, 0)])
def test_small_operations_are_cut_into_few_parts(monkeypatch, shared_out):
    """Every operation that knows its number of elements passes it to `share`."""
    counts, share = [], threads.share

    def watched(function, n, block=1, elements=None):
        counts.append(elements)
        share(function, n, block, elements)

    monkeypatch.setattr(threads, "share", watched)
    shared_out(numbers((128, threads.LARGE // 128)))
    assert set(counts) == {threads.LARGE}
