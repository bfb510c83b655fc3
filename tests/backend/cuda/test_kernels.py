"""Each of minigrad's kernels for CuPy is compiled for sm_90 by NVRTC of CUDA 12 and 13, and by g++ to be compared with its plain twin.

CuPy writes the whole text of a kernel without a GPU, and NVRTC compiles it. The extra `kernels` installs both.
"""

import importlib
import pkgutil
import re

import numpy as np
import pytest

import minigrad
from minigrad.backend import class_targets, cuda, gathering
from minigrad.backend.cuda import philox, range_checks, rows, sums
from minigrad.backend.fuse import kernels
from minigrad.backend.fuse.decorator import Fused
from support.backends import BACKENDS, parameters
from support.cuda_releases import RELEASES
from support.host_kernels import HostKernel, HostRawKernel
from support.nvrtc import Nvrtc
from support.optional_tools import REQUIRED

DTYPES = ["float32", "float64"]
HAND_WRITTEN = {
    "check_range": range_checks.source(),
    "one_hot": class_targets.one_hot_source(False),
    "weighted_one_hot": class_targets.one_hot_source(True),
    "uniform": philox.uniform_source(),
    "normal": philox.normal_source(),
    "gather1": gathering.source(1),
    "gather16": gathering.source(gathering.AT_ONCE),
    "rows": rows.source(False),
    "scaled_rows": rows.source(True),
}


def fused_functions():
    """Return {name: function} of every function that is marked with @fuse."""
    found = {}
    for package in ("ops", "optim", "autograd", "nn"):
        parent = importlib.import_module(f"minigrad.{package}")
        for module in pkgutil.iter_modules(parent.__path__, f"minigrad.{package}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, Fused):
                    found[value.__name__] = value
    return found


FUSED = fused_functions()


def test_all_fused_functions_are_found():
    assert {"tanh_grad", "relu_grad", "mse_grad", "adam_update", "descend"} <= set(FUSED)
    assert minigrad.ops.activations.tanh_grad is FUSED["tanh_grad"]


# ---- compiled for sm_90


@pytest.fixture(scope="module", params=RELEASES.values(), ids=lambda release: release.extra)
def nvrtc(request):
    """A function of (CuPy's kernel text, method) that returns what NVRTC makes of it."""
    missing = pytest.fail if REQUIRED else pytest.skip
    try:
        from cupy._core import core

        compiler = Nvrtc(request.param)
    except (ImportError, OSError) as error:
        missing(f"needs CuPy and NVRTC, pip install -e '.[kernels]': {error}")

    def compile_text(text, method="cubin"):
        architecture = "-arch=sm_90" if method == "cubin" else "-arch=compute_90"
        headers = "".join(f"#include <{name}>\n" for name in core._cupy_header_list)
        return compiler.compile(headers + text, (*compiler.cupys_options(cuda.OPTIONS), architecture), method)

    return compile_text


def whole_text(source, dtype, kinds, suffix=""):
    """Return CuPy's text of a kernel. kinds: for each parameter "number", or (number of axes, whether it is contiguous)."""
    import cupy
    from cupy._core import _carray, _kernel, _scalar

    inputs, outputs, operation, name, preamble = source
    kernel = cupy.ElementwiseKernel(inputs, outputs, operation, name + suffix, preamble=preamble)
    types = {"T": np.dtype(dtype), "S": np.dtype("int64"), "X": np.dtype("uint8")}
    infos = []
    for parameter, kind in zip(kernel.in_params + kernel.out_params, kinds):
        found = parameter.dtype or types[parameter.ctype]
        if kind == "number":
            infos.append(_kernel._ArgInfo(3, _scalar.CScalar, np.dtype(found), 0, True, True))
        else:
            axes, contiguous = kind
            infos.append(_kernel._ArgInfo(1, cupy.ndarray, np.dtype(found), axes, contiguous, True))
    axes = max(kind[0] for kind in kinds if kind != "number")
    infos.append(_kernel._ArgInfo(2, _carray.Indexer, None, axes, True, True))
    used = {p.ctype for p in kernel.in_params + kernel.out_params if p.dtype is None}
    type_map = _kernel._TypeMap(tuple((letter, types[letter]) for letter in sorted(used)))
    return _kernel._get_elementwise_kernel_code(
        tuple(infos), type_map, kernel.params, kernel.operation, kernel.name, kernel.preamble
    )


def kinds_of(source, array):
    """Return the kinds of all parameters: `array`, or numbers where a hand-written kernel declares whole numbers."""
    parameters = [p.split() for text in source[:2] for p in text.split(",")]
    return ["number" if "int" in p[-2] and p[0] != "raw" else array for p in parameters]


LAYOUTS = {"contiguous": (1, True), "strided": (2, False)}  # (axes, contiguous)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_fused_kernels_compile(nvrtc, dtype, layout):
    sources = [kernels.source_of(f) for f in FUSED.values()]
    texts = [whole_text(s, dtype, kinds_of(s, LAYOUTS[layout])) for s in sources]
    assert len(nvrtc("".join(texts))) > 1000


@pytest.mark.parametrize("dtype", DTYPES)
def test_fused_kernels_compile_with_numbers(nvrtc, dtype):
    texts = []
    for f in FUSED.values():
        source = kernels.source_of(f)
        count, outputs = len(f.body.parameters) - len(f.body.written), len(source[1].split(","))
        texts.append(
            whole_text(source, dtype, [(1, True)] + ["number"] * (count - 1) + [(1, True)] * outputs)
        )
    assert len(nvrtc("".join(texts))) > 1000


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_hand_written_kernels_compile(nvrtc, name, dtype):
    source = HAND_WRITTEN[name]
    for layout in ((1, True), (2, False)):
        numbers = [
            k if p.split()[0] == "raw" or k == "number" else layout
            for p, k in zip(",".join(source[:2]).split(","), kinds_of(source, layout))
        ]
        if name in ("uniform", "normal"):
            numbers = ["number"] * (6 if name == "uniform" else 5) + [layout]
        if name == "scaled_rows":
            numbers[5] = "number"
        assert len(nvrtc(whole_text(source, dtype, numbers))) > 1000


RAW = {  # (text, name) by dtype, for the kernels whose threads wait for each other
    "columns": sums.columns_source,
    **{f.__name__: lambda dtype, f=f: kernels.sum_source(f, dtype) for f in FUSED.values() if f.reduce},
}


def test_all_sums_are_found():
    assert set(RAW) == {"columns", "squared_distance", "picked"}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RAW)
def test_sums_compile(nvrtc, name, dtype):
    text, kernel_name = RAW[name](np.dtype(dtype))
    assert kernel_name.encode() in nvrtc(text)
    assert b"fma.rn" not in nvrtc(text, method="ptx")


@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_is_contracted(nvrtc, dtype):
    """A fused multiply-add rounds once where the plain twin rounds twice. (CUDA's own exp, erf and logarithms contain some.)"""
    sources = [s for s in map(kernels.source_of, FUSED.values()) if not re.search(r"(exp|erf|log|log1p)\(", s[2])]
    texts = [whole_text(s, dtype, kinds_of(s, (1, True))) for s in sources]
    assert b"fma.rn" not in nvrtc("".join(texts), method="ptx")


# ---- run by g++


RANGES = {"square": (1e4, 2e4), "probability": (0.05, 0.95)}


def arguments(fused, dtype, special=False):
    """Return an array for each parameter; all are positive if the body takes a root, as in the optimizers."""
    rng = np.random.default_rng(sum(map(ord, fused.__name__)))
    rooted = "sqrt" in kernels.source_of(fused)[2]
    found = []
    for parameter in fused.body.parameters:
        x = rng.uniform(*RANGES.get(parameter, (0.1, 4)), 1000) if rooted or parameter in RANGES else rng.normal(0, 2, 1000)
        if special:
            x[::3] = rng.choice([0.0, -0.0, 1, np.inf, -np.inf, np.nan, 1e30, -1e-30], len(x[::3]))
        found.append(x.astype(dtype))
    return found


def near(fused, found, expected, given):
    """Assert that two results differ by 4 units in the last place; a sum of logarithms, by those of its terms, which may cancel."""
    if "log1p" not in fused.body.calls:
        np.testing.assert_array_max_ulp(found, expected, maxulp=4)
        return
    largest = max(np.abs(a[np.isfinite(a) & (np.abs(a) < 1e9)]).max() for a in given)
    eps = 4 * np.finfo(found.dtype).eps
    np.testing.assert_allclose(found, expected, rtol=eps, atol=eps * largest**2)


def on_host(fused, args):
    """Run the kernel of `fused` by g++, as `kernels.launch` would; return what it returns, or the first array that it writes."""
    inputs, outputs, operation, name, _ = kernels.source_of(fused)
    body = fused.body
    values = dict(zip(body.parameters, args))
    reads = [values[p] for p in body.parameters if p not in body.written]
    out = HostKernel(inputs, outputs, operation, name)(*reads, *[values[p] for p in body.written])
    return values[body.written[0]] if body.result is None else out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUSED)
def test_fused_kernel_is_its_plain_twin(name, dtype):
    fused = FUSED[name]
    given, plain = (arguments(fused, dtype) for _ in range(2))
    found, expected = on_host(fused, given), fused.plain(*plain)
    if expected is not None:
        near(fused, found, expected, plain)
    for a, b in zip(given, plain):
        np.testing.assert_array_max_ulp(a, b, maxulp=4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUSED)
def test_extreme_values_as_in_the_plain_twin(name, dtype):
    fused = FUSED[name]
    given, plain = (arguments(fused, dtype, special=True) for _ in range(2))
    with np.errstate(all="ignore"):
        found, expected = on_host(fused, given), fused.plain(*plain)
    for a, b in [*zip(given, plain), *([] if expected is None else [(found, expected)])]:
        finite = np.isfinite(b)
        np.testing.assert_array_equal(a[~finite], b[~finite])
        near(fused, a[finite], b[finite], plain)


@pytest.mark.parametrize("backend", parameters([b for b in BACKENDS if b.device == "cuda"]))
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUSED)
def test_launched_kernel_is_its_plain_twin(backend, name, dtype):
    fused = FUSED[name]
    plain = arguments(fused, dtype)
    with backend.active():
        given = [backend.array(a) for a in plain]
        found, expected = fused(*given), fused.plain(*plain)
        if fused.reduce:
            np.testing.assert_allclose(
                found.get(), expected.sum(), rtol=1e-5 if dtype == "float32" else 1e-13
            )
        elif expected is not None:
            near(fused, found.get(), expected, plain)
        for a, b in zip(given, plain):
            np.testing.assert_array_max_ulp(a.get(), b, maxulp=4)


def hand_written(name):
    inputs, outputs, operation, kernel_name, preamble = HAND_WRITTEN[name]
    return HostKernel(inputs, outputs, operation, kernel_name, preamble=preamble)


@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", "int64"])
def test_check_range(kind):
    note = np.zeros(2, "int64")
    kernel, values = hand_written("check_range"), np.array([3, 0, 9, 100], kind)
    kernel(values, 0, 101, 0, 7, note)
    kernel(values, -5, 100, 100, 7, note)
    assert note.tolist() == [0, 0]
    kernel(values, 0, 100, 0, 7, note)
    kernel(values, 5, 10, 5, 8, note)
    assert note.tolist() == [7, 100]  # the first note stays


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [False, True])
def test_one_hot(dtype, weighted):
    rng = np.random.default_rng(0)
    targets, log_probs = rng.integers(0, 5, 40), np.zeros((40, 5), dtype)
    weight = rng.uniform(0.1, 2, 5).astype(dtype) if weighted else None
    hot, note = np.full((40, 5), np.nan, dtype), np.zeros(2, "int64")
    kernel = hand_written("weighted_one_hot" if weighted else "one_hot")
    given = (targets, weight) if weighted else (targets,)
    kernel(*given, 5, 2, 3, hot, note)
    np.testing.assert_array_equal(hot, class_targets.one_hot(targets, log_probs, weight, 2))
    assert note.tolist() == [0, 0]
    targets[17] = -6
    kernel(*given, 5, 2, 3, hot, note)
    assert note.tolist() == [3, -6] and not hot[17].any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 16])
def test_gather(dtype, count):
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(2, k + 1)).astype(dtype) for k in range(count)]
    starts = [64 * k for k in range(count)]
    given, expected = np.full(64 * count, np.nan, dtype), np.zeros(64 * count, dtype)
    for part, start in zip(parts, starts):
        expected[start:start + part.size] = part.reshape(-1)
    bounds = [b for p, s in zip(parts, starts) for b in (s, s + p.size)]
    hand_written(f"gather{count}")(*parts, *bounds, given)
    np.testing.assert_array_equal(given, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["int32", "int64", "uint8"])
def test_rows(dtype, kind):
    x = np.random.default_rng(0).integers(0, 256, (7, 5)).astype("uint8")
    index, note = np.array([6, 0, 3, 3], kind), np.zeros(2, "int64")
    y, plain = np.empty((4, 5), dtype), x[index].astype(dtype)
    hand_written("scaled_rows")(x, index, 7, 5, 3, np.dtype(dtype).type(255), y, note)
    np.testing.assert_array_equal(y, plain / np.dtype(dtype).type(255))
    hand_written("rows")(x.astype(dtype), index, 7, 5, 3, y, note)
    np.testing.assert_array_equal(y, plain)
    assert note.tolist() == [0, 0]


def test_rows_out_of_range_are_noted():
    x, y, note = np.arange(12.0).reshape(4, 3), np.empty((3, 3)), np.zeros(2, "int64")
    hand_written("rows")(x, np.array([-4, -1, 2]), 4, 3, 7, y, note)
    assert y[:, 0].tolist() == [0, 9, 6] and note.tolist() == [0, 0]
    for wrong in (4, -5):
        note[:] = 0
        hand_written("rows")(x, np.array([1, wrong, 99]), 4, 3, 7, y, note)
        assert y[0].tolist() == x[1].tolist() and note.tolist() in ([7, wrong], [7, 99])


# ---- sums, by blocks of threads that wait for each other


def columns(x, slices):
    """Return the kernel's sums of the columns of x, made in `slices` slices of rows; its counters must be as before."""
    tiles = -(-x.shape[1] // sums.TILE)
    out, part, done = np.full(x.shape[1], np.nan, x.dtype), np.full((slices, x.shape[1]), np.nan, x.dtype), np.zeros(tiles, "uint32")
    numbers = np.int32(x.shape[0]), np.int32(x.shape[1]), np.int32(slices)
    HostRawKernel(*sums.columns_source(x.dtype))((tiles * slices,), (sums.TILE, sums.ROWS), (x, part, out, done, *numbers))
    assert not done.any()
    return out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("slices", [1, 2, 16])
@pytest.mark.parametrize("shape", [(1, 1), (1, 33), (7, 32), (8, 5), (130, 65), (1000, 40)])
def test_sums_of_columns(shape, slices, dtype):
    x = np.random.default_rng(0).normal(1, 2, shape).astype(dtype)
    found, exact = columns(x, slices), x.astype("longdouble").sum(axis=0)
    np.testing.assert_allclose(found, exact, rtol=0, atol=4 * np.finfo(dtype).eps * np.abs(x).sum(axis=0).max())
    np.testing.assert_array_equal(found, columns(x, slices))


def test_sums_of_columns_with_special_values():
    x = np.ones((50, 6), "float32")
    x[3, 1], x[40, 2], x[41, 3], x[2, 3], x[:, 4], x[5, 5] = np.nan, np.inf, np.inf, -np.inf, -0.0, 1e30
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(columns(x, 3), x.sum(axis=0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [name for name in RAW if name != "columns"])
@pytest.mark.parametrize(("n", "blocks"), [(1, 1), (255, 1), (257, 2), (5000, 3), (5000, 20), (3000, 256)])
def test_sum_of_a_body(name, n, blocks, dtype):
    text, kernel_name = RAW[name](np.dtype(dtype))
    args = [np.random.default_rng(k).normal(0, 2, n).astype(dtype) for k in range(len(FUSED[name].body.parameters))]
    results = []
    for _ in range(2):
        out, part, done = np.full((), np.nan, dtype), np.full(blocks, np.nan, dtype), np.zeros(1, "uint32")
        given = (*args, part, out, done, np.int64(n), np.dtype(dtype).type(3))
        HostRawKernel(text, kernel_name)((blocks,), (kernels.THREADS,), given)
        assert not done.any()
        results.append(float(out))
    terms = FUSED[name].plain(*args).astype("longdouble")
    assert abs(results[0] - terms.sum() / 3) <= 8 * np.finfo(dtype).eps * np.abs(terms).sum()
    assert results[0] == results[1]


# ---- random numbers


def philox_in_python(key, counter):
    """Return Philox 4x32-10 in Python: four 32-bit words for a key of two and a counter of four."""
    (k0, k1), (a, b, c, d) = key, counter
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = q >> 32 ^ b ^ k0, q & 0xFFFFFFFF, p >> 32 ^ d ^ k1, p & 0xFFFFFFFF
        k0, k1 = k0 + 0x9E3779B9 & 0xFFFFFFFF, k1 + 0xBB67AE85 & 0xFFFFFFFF
    return a, b, c, d


KNOWN = {  # known answers from Random123, by Philox's authors
    ((0, 0), (0, 0, 0, 0)): (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 4): (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ((0xA4093822, 0x299F31D0), (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)): (
        0xD16CFE09,
        0x94FDCCEB,
        0x5001E420,
        0x24126EA1,
    ),
}


@pytest.mark.parametrize(("given", "answer"), KNOWN.items(), ids=["zeros", "ones", "digits of pi"])
def test_philox_gives_the_known_answers(given, answer):
    assert philox_in_python(*given) == answer


def drawn(name, n, dtype, first, second, seed=0, draw=0):
    out = np.empty(n, dtype)
    key = np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)
    numbers = (first, second, philox.next_below(first + second, first, np.dtype(dtype))) if name == "uniform" else (first, second)
    hand_written(name)(*key, np.uint64(draw), *map(np.dtype(dtype).type, numbers), out)
    return out


def words(n, seed, draw):
    """Return what Philox gives for the first n places of a draw."""
    key, call = (seed & 0xFFFFFFFF, seed >> 32), (draw & 0xFFFFFFFF, draw >> 32)
    return np.array([philox_in_python(key, (place, 0, *call)) for place in range(n)], "uint64").T


def units(a, b, dtype):
    if dtype == "float32":
        return (a >> 8).astype("float32") / np.float32(1 << 24)
    return ((a >> 5) * 67108864.0 + (b >> 6)) / (1 << 53)


@pytest.mark.parametrize("dtype", DTYPES)
def test_uniform(dtype):
    seed, draw = 0x0123456789ABCDEF, (1 << 40) + 5
    a, b, _, _ = words(300, seed, draw)
    expected = np.dtype(dtype).type(-1) + np.dtype(dtype).type(3) * units(a, b, dtype)
    np.testing.assert_array_equal(drawn("uniform", 300, dtype, -1, 3, seed, draw), expected)


def test_uniform_numbers_stay_below_the_upper_end():
    """Though 1 + (1 - 2⁻²⁴) is 2 in float32."""
    found = drawn("uniform", 1 << 24, "float32", 1, 1)
    assert found.min() >= 1 and found.max() == np.nextafter(np.float32(2), np.float32(1))


@pytest.mark.parametrize("dtype", DTYPES)
def test_normal(dtype):
    a, b, c, d = words(300, 99, 3)
    kind = np.dtype(dtype).type
    u, v = kind(1) - units(a, b, dtype), units(c, d, dtype)
    expected = kind(0.1) + kind(0.2) * (np.sqrt(kind(-2) * np.log(u)) * np.cos(kind(2 * np.pi) * v))
    found = drawn("normal", 300, dtype, 0.1, 0.2, 99, 3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_draws_have_their_distribution(dtype):
    """By Kolmogorov and Smirnov's distance at the level of 1 in a million, for fixed seeds."""
    from math import erf, sqrt

    n, limit = 100_000, sqrt(-np.log(1e-6 / 2) / 2 / 100_000)
    u = np.sort(drawn("uniform", n, dtype, 0, 1, 1)).astype(float)
    z = np.sort(drawn("normal", n, dtype, 0, 1, 1, 1)).astype(float)
    steps = np.arange(1, n + 1) / n
    assert u[0] >= 0 and u[-1] < 1
    assert np.abs(u - steps).max() < limit
    assert np.abs([(1 + erf(x / sqrt(2))) / 2 for x in z] - steps).max() < limit
    assert (
        abs(np.corrcoef(drawn("uniform", n, dtype, 0, 1, 1), drawn("uniform", n, dtype, 0, 1, 1, 1))[0, 1])
        < 0.02
    )
