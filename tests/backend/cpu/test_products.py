"""Matrix products on several threads, and BLAS, which then runs on one."""

import importlib.util
import threading as host

import numpy as np
import pytest

import minigrad as mg
from minigrad import backend
from minigrad.backend.cpu import products, threads
from minigrad.backend.cpu.numpy_names import numpy_names
from support.optional_tools import REQUIRED, needs


def numbers(shape, dtype):
    return np.random.default_rng(0).normal(0, 1, shape).astype(dtype)


class Library:
    """A BLAS that can be told its number of threads."""

    threads = 7

    def get_num_threads(self):
        return self.threads

    def set_num_threads(self, n):
        self.threads = n


@pytest.mark.parametrize("n, inside, shared", [(64, 7, 0), (65, 1, 0), (116, 1, 0), (117, 1, 1)])
def test_blas_is_on_one_thread_in_products_that_it_would_split_and_as_before_after_them(monkeypatch, n, inside, shared):
    """Two pools of threads would compete for the cores. For a product that BLAS does not split, its number of threads stays."""
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
def test_the_gradients_of_a_product_are_computed_together(monkeypatch, n, kind, needs):
    """The threads meet once, whichever gradients are asked for, and the values are those of one product after the other."""
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
    assert len([m for m in meetings if m > 1]) <= (n > 1)  # one thread alone has nothing to meet


def test_a_product_of_another_thread_is_computed_at_once():
    """So is one that comes after a gradient's error."""
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


def test_blas_gets_its_threads_back_after_the_last_of_several_calls(monkeypatch):
    """The calls may come from two threads of the program, or one from within another."""
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


@needs(importlib.util.find_spec("threadpoolctl"), "needs threadpoolctl, pip install -e '.[fast]'")
def test_other_threads_of_the_program_still_set_blas_threads():
    """threadpoolctl keeps the setting of the thread that asks first, so minigrad's threads must not ask first."""
    import threadpoolctl

    before, seen = threads.get_num_threads(), []
    if not products.blas.get() and not REQUIRED:
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
