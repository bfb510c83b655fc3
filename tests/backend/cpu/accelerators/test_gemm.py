"""minigrad's kernel for matrix products gives NumPy's, and is used where it is faster."""

import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.backend.cpu import compiling, products, threads
from minigrad.backend.cpu.numpy_names import numpy_names

pytest.importorskip("llvmlite", reason="needs the extra `fast`, which is not installed")
from llvmlite.binding import get_host_cpu_features

wide = pytest.mark.skipif(not get_host_cpu_features().get("avx512f"), reason="needs a core with vectors of 512 bits (AVX-512)")
SIZES = st.one_of(st.integers(0, 40), st.sampled_from([1, 14, 16, 28, 32, 70, 112]))
LAYOUTS = {
    "as it is": lambda x: x,
    "transposed": lambda x: np.ascontiguousarray(x.T).T,
    "part of rows": lambda x: np.pad(x, ((2, 1), (3, 4)), constant_values=np.nan)[2 : 2 + len(x), 3 : 3 + x.shape[1]],
    "part of columns": lambda x: LAYOUTS["part of rows"](x.T).T,
    "rows from the last": lambda x: x[::-1].copy()[::-1],
    "columns from the last": lambda x: x.T[::-1].copy()[::-1].T,
    "every second row": lambda x: np.repeat(x, 2, axis=0)[::2],
}


@pytest.fixture
def kernel():
    from minigrad.backend.cpu.accelerators import gemm

    return gemm.multiply


def bound(x, y):
    """Return the largest difference that rounding can make between two orders of summation."""
    return 2 * x.shape[1] * np.finfo(x.dtype).eps * (np.abs(x) @ np.abs(y))


@wide
@given(m=SIZES, k=st.one_of(SIZES, st.sampled_from([255, 256, 257, 512, 600])),
       n=st.one_of(SIZES, st.sampled_from([799, 801, 1650])), x_layout=st.sampled_from(sorted(LAYOUTS)),
       y_layout=st.sampled_from(sorted(LAYOUTS)), kind=st.sampled_from(["float64", "float32"]), power=st.sampled_from([-15, 0, 15]),
       seed=st.integers(0, 9))
def test_products(m, k, n, x_layout, y_layout, kind, power, seed):
    from minigrad.backend.cpu.accelerators.gemm import multiply

    draw, scale = np.random.default_rng(seed), 10.0 ** (power if kind == "float32" else 10 * power)
    x, y = draw.normal(0, scale, (m, k)).astype(kind), draw.normal(0, scale, (k, n)).astype(kind)
    frame = np.full((m + 2, n + 3), 7, kind)
    multiply(LAYOUTS[x_layout](x), LAYOUTS[y_layout](y), frame[1:-1, 1:-2])
    assert (np.abs(frame[1:-1, 1:-2] - x @ y) <= bound(x, y)).all()
    bias = draw.normal(0, scale**2, n).astype(kind)
    multiply(LAYOUTS[x_layout](x), LAYOUTS[y_layout](y), frame[1:-1, 1:-2], bias)
    assert (np.abs(frame[1:-1, 1:-2] - (x @ y + bias)) <= bound(x, y) + 4 * np.finfo(kind).eps * np.abs(bias)).all()
    frame[1:-1, 1:-2] = 7
    assert (frame == 7).all()  # nothing was written outside


@wide
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, -0.0, 5e-324])
@pytest.mark.parametrize("place", [(0, 0), (13, 255), (14, 256), (29, 299)])
@pytest.mark.parametrize("kind", ["float64", "float32"])
def test_special_numbers_stay_in_their_row(kernel, place, value, kind):
    draw, out = np.random.default_rng(0), np.empty((30, 33), kind)
    x, y = draw.normal(0, 1, (30, 300)).astype(kind), draw.normal(0, 1, (300, 33)).astype(kind)
    x[place] = value
    y[place[1], 3] = 0
    kernel(x, y, out)
    with np.errstate(invalid="ignore"):
        expected = x @ y
    np.testing.assert_array_equal(np.isfinite(out), np.isfinite(expected))
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(out[~finite], expected[~finite])
    np.testing.assert_allclose(out[finite], expected[finite], rtol=0, atol=1e-12 if kind == "float64" else 1e-4)


@wide
@pytest.mark.parametrize("kind", ["float64", "float32"])
def test_bits_do_not_depend_on_the_number_of_threads(kind):
    draw, before = np.random.default_rng(0), mg.get_num_threads()
    x, y, found = draw.normal(0, 1, (300, 300)).astype(kind), draw.normal(0, 1, (300, 260)).astype(kind), []
    try:
        for n in (1, 2, 3, 5):
            mg.set_num_threads(n)
            assert products.multiplier(x, y).__module__ == "minigrad.backend.cpu.accelerators.gemm"
            found += [numpy_names.matmul(x, y), numpy_names.matmul(y.T, x.T).T, numpy_names.linear(x, y.T, np.zeros(260, kind))]
    finally:
        mg.set_num_threads(before)
    np.testing.assert_allclose(found[0], x @ y, rtol=0, atol=1e-12 if kind == "float64" else 1e-4)
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


def not_called(x, y, out):
    """Replace the compiled kernel, which must not be called."""


@pytest.fixture(params=[1, 2])
def can_use_gemm(monkeypatch, request):
    """A machine on which `gemm` can be used, whatever this one is, with one thread and with two."""
    monkeypatch.setattr(threads, "_threads", request.param)
    monkeypatch.setattr(products, "_found", {"gemm": True, "BLAS is wide": True})
    monkeypatch.setattr(products, "_kernels", dict.fromkeys([np.dtype("float64"), np.dtype("float32")], not_called))


@pytest.mark.usefixtures("can_use_gemm")
def test_gemm_multiplies_dense_matrices_of_float32_and_float64():
    x = np.ones((300, 300))
    read_only = np.ones((300, 300))
    read_only.flags.writeable = False
    single, half = x.astype("float32"), x.astype("float16")
    assert products.multiplier(x, x) == products.multiplier(x.T, x[::-1]) == products.multiplier(single, single) == not_called
    spaced, foreign = np.ones((600, 600))[::2, ::2], x.astype(">f8")
    for a, b in [(half, half), (x[:7], x), (x, x[:, :7]), (read_only, x), (x, read_only), (spaced, x),
                 (foreign, x), (x, foreign)]:
        assert products.multiplier(a, b) == products.blas_multiply
    before = compiling.use_numba(False)
    try:
        assert products.multiplier(x, x) == products.blas_multiply
    finally:
        compiling.use_numba(before)


@pytest.mark.usefixtures("can_use_gemm")
@pytest.mark.parametrize("kind", ["float64", "float32"])
@pytest.mark.parametrize("wide_blas", [True, False])
@pytest.mark.parametrize("rows", [100, 255, 256, 1000])
def test_with_few_rows_gemm_multiplies_where_it_is_as_fast_as_blas(rows, wide_blas, kind):
    """With float32 and the transposed weights of a layer, and if OpenBLAS runs kernels for an older processor."""
    products._found["BLAS is wide"] = wide_blas
    x, weight = np.ones((rows, 500), kind), np.ones((400, 500), kind)
    for y, as_fast in [(weight.T, kind == "float32"), (np.ones((500, 400), kind), False)]:
        assert (products.multiplier(x, y) == not_called) == (rows >= 256 or as_fast or not wide_blas)


@pytest.mark.parametrize(("architecture", "is_wide"), [("SkylakeX", True), ("Cooperlake", True), ("Sapphirerapids", True), ("Zen", False),
                                                       ("Haswell", False), ("Prescott", False), (None, False)])
def test_which_kernels_openblas_runs(monkeypatch, architecture, is_wide):
    monkeypatch.setattr(products, "_found", {})
    monkeypatch.setattr(products.blas, "found", [types.SimpleNamespace(internal_api="openblas", architecture=architecture)])
    products.can_use_gemm()
    assert products._found["BLAS is wide"] == is_wide
    assert products.can_use_gemm() == bool(get_host_cpu_features().get("avx512f"))
    monkeypatch.setattr(products, "_found", {})
    monkeypatch.setattr(products.blas, "found", [types.SimpleNamespace(internal_api="mkl", architecture=None)])
    assert not products.can_use_gemm()


def test_the_architecture_is_that_of_threadpoolctl():
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="needs the extra `fast`, which is not installed")
    expected = [info.get("architecture") for info in threadpoolctl.threadpool_info() if info["user_api"] == "blas"]
    assert [getattr(library, "architecture", None) for library in products.BlasLibraries().get()] == expected
