"""NumPy's names as the ops see them, on large arrays: the same numbers as NumPy's own; and the threads that share the work."""

import itertools
import threading as host
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import backend
from minigrad.backend.cpu import compiling, products, signals, threads
from minigrad.backend.cpu.numpy_names import numpy_names
from support.backends import on_cpu

BINARY = {backend.plus: np.add, backend.minus: np.subtract, backend.times: np.multiply, backend.over: np.divide}
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-310, 3.0]


def numbers(shape, dtype="float64", special=False):
    x = np.random.default_rng(0).normal(0, 1, shape).astype(dtype)
    if special:
        x.reshape(-1)[: 10 * len(SPECIAL)] = np.tile(np.asarray(SPECIAL, dtype), 10)
    return x


@pytest.mark.parametrize("ours, theirs", BINARY.items(), ids=lambda f: f.__name__)
def test_arithmetic_of_large_arrays(monkeypatch, ours, theirs):
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
            found, expected = ours(*pair), theirs(*pair)
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
        elif dtype == "float16":  # added in float32, rounded once
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
    """As NumPy's own, whether they are shared out or not: where, copy, concatenate."""
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


class Library:
    """A BLAS that can be told its number of threads."""

    threads = 7

    def get_num_threads(self):
        return self.threads

    def set_num_threads(self, n):
        self.threads = n


@pytest.mark.parametrize("n, inside, shared", [(64, 7, 0), (65, 1, 0), (116, 1, 0), (117, 1, 1)])
def test_blas_is_on_one_thread_in_products_that_it_would_split_and_as_before_after_them(monkeypatch, n, inside, shared):
    """A second pool of threads would spin against ours; products so small that BLAS does not split them need not tell it."""
    library, seen, shared_out = Library(), [], []
    multiply = np.matmul

    def watched(*args, **options):
        seen.append(library.threads)
        return multiply(*args, **options)

    monkeypatch.setattr(products.blas, "found", [library])
    monkeypatch.setattr(np, "matmul", watched)
    monkeypatch.setattr(threads, "get_num_threads", lambda: 2)
    monkeypatch.setattr(threads, "share", lambda function, *_: shared_out.append(function(0, n)))
    monkeypatch.setattr(products, "can_use_gemm", lambda: False)
    x = numbers((n, n), "float32")
    np.testing.assert_allclose(numpy_names.matmul(x, x), multiply(x, x), rtol=1e-4, atol=1e-4)
    assert ({*seen}, len(shared_out), library.threads) == ({inside}, shared, 7)
    monkeypatch.setattr(np, "matmul", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        numpy_names.matmul(x, x)
    assert library.threads == 7


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("needs", [(1, 1, 1), (0, 1, 1), (1, 0, 1), (1, 1, 0), (0, 1, 0), (1, 0, 0), (0, 0, 1)])
def test_the_gradients_of_a_product_are_shared_out_at_once(monkeypatch, n, kind, needs):
    """By one meeting of the threads, whichever are asked for; with the values of one after the other."""
    draw, meetings = np.random.default_rng(0), []
    given = [draw.normal(0, 1, shape).astype(kind) for shape in ((160, 130), (240, 130), (240,))]
    g, before, share = draw.normal(0, 1, (160, 240)).astype(kind), threads.get_num_threads(), threads.share

    def watched(function, length, *block):
        meetings.append(length)
        share(function, length, *block)

    threads.set_num_threads(n)
    try:
        x, weight, bias = [mg.tensor(a, requires_grad=bool(need)) for a, need in zip(given, needs)]
        y = mg.nn.functional.linear(x, weight, bias)
        monkeypatch.setattr(threads, "share", watched)
        y.backward(mg.tensor(g))
    finally:
        threads.set_num_threads(before)
    for t, need, expected in zip((x, weight, bias), needs, (g @ given[1], g.T @ given[0], g.sum(axis=0))):
        assert (t.grad is not None) == bool(need)
        if need:
            np.testing.assert_allclose(t.grad.numpy(), expected, rtol=0, atol=1e-10 if kind == "float64" else 1e-3)
    assert len([m for m in meetings if m > 1]) <= (n > 1)  # a large product on one thread meets nobody


def test_a_product_of_another_thread_is_not_put_off():
    """Nor is one that comes after a gradient's error."""
    x, seen = numbers((120, 120), "float64"), []

    def fails(g):
        other = host.Thread(target=lambda: seen.append(numpy_names.matmul(x, x)))
        other.start()
        other.join()
        raise ZeroDivisionError

    before = threads.get_num_threads()
    threads.set_num_threads(2)
    try:
        with pytest.raises(ZeroDivisionError):
            backend.compute_products((lambda g: backend.array_module(g).matmul(g, x), fails), x)
        seen.append(numpy_names.matmul(x, x))
    finally:
        threads.set_num_threads(before)
    for found in seen:
        np.testing.assert_allclose(found, x @ x, rtol=0, atol=1e-10)
    assert len(seen) == 2


def test_blas_gets_its_threads_back_when_nobody_is_alone_any_more(monkeypatch):
    """Two threads of the program, or a call within another: the last one gives them back."""
    library, alone = Library(), products.with_blas_on_one_thread
    monkeypatch.setattr(products.blas, "found", [library])
    assert alone(lambda: [alone(lambda: library.threads), library.threads]) == [1, 1] and library.threads == 7
    inside, outside = host.Event(), host.Event()
    other = host.Thread(target=alone, args=(lambda: inside.set() or outside.wait(10),))
    other.start()
    assert inside.wait(10) and library.threads == 1
    assert alone(lambda: library.threads) == 1 and library.threads == 1
    outside.set()
    other.join()
    assert library.threads == 7 and alone(lambda: library.threads) == 1 and library.threads == 7


def test_other_threads_of_the_program_still_set_blas_threads():
    """threadpoolctl keeps the setting for the thread that asks first; minigrad's products must not be that thread."""
    threadpoolctl, before, seen = pytest.importorskip("threadpoolctl"), threads.get_num_threads(), []
    if not products.blas.get():
        pytest.skip("there is no BLAS whose threads can be set")
    threads.set_num_threads(2)
    try:
        numpy_names.matmul(numbers((200, 7), "float64"), numbers((7, 2000), "float64"))  # by BLAS, as it is narrow
    finally:
        threads.set_num_threads(before)

    def limited():
        with threadpoolctl.threadpool_limits(1, user_api="blas"):
            seen.extend(info["num_threads"] for info in threadpoolctl.threadpool_info() if info["user_api"] == "blas")

    other = host.Thread(target=limited)
    other.start()
    other.join()
    assert seen and set(seen) == {1}


# ---- threads


@pytest.mark.parametrize(("elements", "count", "expected"), [
    (threads.LARGE, 64, 2), (threads.LARGE, 2, 2), (threads.LARGE, 1, 1), (2 * threads.LARGE, 64, 4), (2 * threads.LARGE - 16, 64, 3),
    (1 << 20, 16, 16), (1 << 20, 64, 64), (1 << 20, 3, 3), (100, 8, 1), (0, 8, 1), (None, 8, 8), (None, 1, 1)])
def test_parts_are_few_enough_that_each_is_worth_a_thread(monkeypatch, elements, count, expected):
    """None: what is shared is not counted in elements, and goes to all threads."""
    monkeypatch.setattr(threads, "_threads", count)
    monkeypatch.setattr(threads, "_idle_workers", lambda n: [Recorder(parts) for _ in range(n)])
    for n, block in [(1 << 20, 16), (960, 1)]:
        parts: list = []
        threads.share(lambda low, high, parts=parts: parts.append((low, high)), n, block, elements)
        assert len(parts) == expected and sum(high - low for low, high in parts) == n
        assert all(low % block == 0 for low, _ in parts)


class Recorder:
    """Stand in for a worker: keep the part that is posted."""

    busy = False

    def __init__(self, parts):
        self.parts = parts

    def post(self, function, low, high):
        self.parts.append((low, high))


@pytest.mark.parametrize("shared_out", [
    lambda x: backend.plus(x, x), lambda x: backend.plus(x, x[0]), numpy_names.exp, lambda x: numpy_names.clip(x, 0, 1), numpy_names.copy,
    lambda x: numpy_names.sum(x, axis=1), lambda x: numpy_names.max(x, axis=1), lambda x: numpy_names.getitem(x, key=(np.arange(128), ...)),
    lambda x: mg.ops.sigmoid.raw(x), lambda x: mg.ops.losses.mse(x, x), lambda x: numpy_names.astype(x, np.dtype("float32")),
    lambda x: numpy_names.where(x > 0, x, 0)])
def test_small_operations_are_cut_into_few_parts(monkeypatch, shared_out):
    """Every operation that counts its elements says how many they are."""
    counts, share = [], threads.share

    def watched(function, n, block=1, elements=None):
        counts.append(elements)
        share(function, n, block, elements)

    monkeypatch.setattr(threads, "share", watched)
    shared_out(numbers((128, threads.LARGE // 128)))
    assert set(counts) == {threads.LARGE}


@pytest.mark.parametrize("numba", [True, False])
def test_no_piece_is_lost_whether_the_threads_look_or_sleep(monkeypatch, numba):
    """Pieces of any length, and patience so short that each side often sleeps just when the other is done."""
    before, n = compiling.use_numba(numba), threads.get_num_threads()
    monkeypatch.setattr(signals, "spinning", None)
    rng, wrong, done = np.random.default_rng(0), [], []
    patience = itertools.cycle([0, 1e-3, 0.05, 5, 600])
    threads.set_num_threads(3)

    def rounds():
        for i in range(3000):
            monkeypatch.setattr(signals.Signal, "patience", next(patience))
            rests, seen = rng.integers(0, 3, 3), np.zeros(30, int)

            def part(low, high, rests=rests, seen=seen):
                time.sleep(1e-5 * rests[low // 10])
                seen[low:high] += 1

            threads.share(part, 30, 10)
            if not (seen == 1).all():
                wrong.append(i)
        done.append(True)

    thread = host.Thread(target=rounds, daemon=True)
    try:
        thread.start()
        thread.join(120)
    finally:
        threads.set_num_threads(n)
        compiling.use_numba(before)
    assert done and not wrong and (signals.spinning is not None) == numba


def test_an_error_in_any_piece_is_raised_and_the_next_round_works():
    n = threads.get_num_threads()
    threads.set_num_threads(2)
    try:
        for bad in (0, 10):
            def part(low, high, bad=bad):
                if low == bad:
                    raise ZeroDivisionError(f"piece {low}")

            with pytest.raises(ZeroDivisionError, match=f"piece {bad}"):
                threads.share(part, 20, 10)
            seen = []
            threads.share(lambda low, high, seen=seen: seen.append(low), 20, 10)
            assert sorted(seen) == [0, 10]
    finally:
        threads.set_num_threads(n)
