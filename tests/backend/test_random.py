"""Random draws: PyTorch's distributions and arguments, reproducible from a seed, a generator or its saved state."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.backend.cpu.compiling import numba, use_numba
from minigrad.backend.cpu.threads import LARGE

DRAWS = {
    "rand": lambda g: mg.rand(50, generator=g),
    "randn": lambda g: mg.randn(50, generator=g),
    "randint": lambda g: mg.randint(0, 1000, (50,), generator=g),
    "randperm": lambda g: mg.randperm(50, generator=g),
    "normal": lambda g: mg.normal(1.0, 2.0, (50,), generator=g),
    "normal_": lambda g: mg.empty(50).normal_(generator=g),
    "uniform_": lambda g: mg.empty(50).uniform_(generator=g),
    "float64": lambda g: mg.randn(50, generator=g, dtype=mg.float64),
}
draws = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)


@draws
def test_a_seed_repeats_the_draws(draw):
    mg.manual_seed(7)
    first, second = draw(None), draw(None)
    mg.manual_seed(7)
    assert mg.equal(draw(None), first)
    assert mg.equal(draw(None), second)
    assert not mg.equal(first, second)
    mg.manual_seed(8)
    assert not mg.equal(draw(None), first)


@draws
def test_a_generator_of_its_own_is_apart_from_the_default(draw):
    mg.manual_seed(7)
    expected = mg.rand(3)
    mg.manual_seed(7)
    first = draw(mg.Generator().manual_seed(3))
    assert mg.equal(mg.rand(3), expected)
    assert mg.equal(draw(mg.Generator().manual_seed(3)), first)
    assert not mg.equal(draw(mg.Generator().manual_seed(4)), first)


@draws
def test_a_saved_state_goes_on_where_it_was(draw):
    generator = mg.Generator().manual_seed(5)
    draw(generator)
    state = generator.get_state()
    assert state.dtype == mg.uint8
    expected = [draw(generator), draw(generator)]
    other = mg.Generator().set_state(state)
    assert all(mg.equal(draw(other), t) for t in expected)
    with pytest.raises(ValueError, match="16 bytes"):
        other.set_state(mg.zeros(3))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("code", "quantile"),
    [
        ("T.rand(n, dtype=dtype)", lambda q: q),
        ("T.empty(n, dtype=dtype).uniform_(-3, 5)", lambda q: 8 * q - 3),
        ("T.randn(n, dtype=dtype)", None),
        ("(T.empty(n, dtype=dtype).normal_(0.1, 0.2) - 0.1) / 0.2", None),
        ("(T.normal(-2.0, 3.0, (n,), dtype=dtype) + 2) / 3", None),
        ("T.rand_like(T.empty(n, dtype=dtype))", lambda q: q),
        ("T.randn_like(T.empty(n, dtype=dtype))", None),
    ],
)
def test_distributions(code, quantile, dtype):
    """The largest distance from the distribution function (Kolmogorov and Smirnov) is no larger than n draws allow."""
    n = 100_000
    for T in (torch, mg):
        T.manual_seed(11)
        values = np.sort(eval(code, {"T": T, "n": n, "dtype": getattr(T, dtype)}).numpy().astype(np.float64))
        assert str(eval(code, {"T": T, "n": 2, "dtype": getattr(T, dtype)}).dtype).removeprefix("torch.") == dtype
        steps = (np.arange(n) + 0.5) / n
        if quantile is None:
            reached = np.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in values])
        else:
            low, high = quantile(0), quantile(1)
            assert low <= values[0]
            assert values[-1] < high or dtype == "float32"
            reached = (values - low) / (high - low)
        assert np.abs(reached - steps).max() < 2 / math.sqrt(n)  # a chance of 1 in 1500, at a fixed seed


def test_whole_numbers():
    mg.manual_seed(1)
    drawn = mg.randint(-3, 4, (70_000,)).numpy()
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == list(range(-3, 4))
    assert np.abs(counts - 10_000).max() < 500
    assert sorted(mg.randperm(1000).tolist()) == list(range(1000))
    first = np.array([mg.randperm(5).tolist()[0] for _ in range(5000)])
    assert np.abs(np.bincount(first) - 1000).max() < 150


def test_large_draws_are_the_same_on_any_number_of_threads():
    before = mg.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            mg.set_num_threads(threads)
            mg.manual_seed(2)
            found.append((mg.randn(300_000), mg.rand(200_001, dtype=mg.float64)))
    finally:
        mg.set_num_threads(before)
    for one in found[1:]:
        assert all(mg.equal(a, b) for a, b in zip(one, found[0]))


@pytest.mark.parametrize("draw", ["rand", "randn"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@given(n=st.integers(0, 3) | st.integers(LARGE - 2, LARGE + 2) | st.integers(0, 400_000), seed=st.integers(0, 2**63))
@settings(max_examples=10)
def test_draws_do_not_depend_on_numba(draw, dtype, n, seed):
    """Uniform numbers have the same bits; Gaussian ones are computed from the same words, and differ by rounding."""
    found = []
    for enabled in (True, False):
        before = use_numba(enabled)
        try:
            assert (numba() is not None) == enabled
            mg.manual_seed(seed)
            found.append(getattr(mg, draw)(n, dtype=getattr(mg, dtype)))
        finally:
            use_numba(before)
    if draw == "rand":
        assert mg.equal(*found)
    else:
        np.testing.assert_allclose(*[x.numpy() for x in found], rtol=8 * np.finfo(dtype).eps, atol=8 * np.finfo(dtype).eps)


def test_seeds():
    assert mg.manual_seed(5).initial_seed() == 5 == mg.initial_seed()
    mg.manual_seed(-1)
    negative = mg.rand(3)
    mg.manual_seed(2**64 - 1)
    assert mg.equal(mg.rand(3), negative)
    generator = mg.Generator()
    assert isinstance(generator.seed(), int)
    assert generator.device == "cpu"


def test_normal_numbers_for_each_element():
    mean, std = mg.tensor([[0.0], [10.0]], requires_grad=True), mg.tensor([1.0, 0.0, 2.0])
    draw = lambda: mg.normal(mean, std, generator=mg.Generator().manual_seed(3))
    assert mg.equal(draw(), mean + std * mg.randn(2, 3, generator=mg.Generator().manual_seed(3)))
    assert not draw().requires_grad and draw()[:, 1].tolist() == [0.0, 10.0]
    assert mg.normal(mg.tensor([float("inf")]), 1.0).tolist() == [float("inf")]
    assert mg.normal(1, mg.zeros(2, dtype=mg.float64)).dtype == mg.float64
    for wrong in (-1.0, float("nan"), mg.tensor([1.0, -1.0])):
        with pytest.raises(RuntimeError, match="normal: expected a standard deviation of at least 0"):
            mg.normal(mg.zeros(2), wrong)
    with pytest.raises(TypeError, match="normal: expected a tensor as mean or std, or a size"):
        mg.normal(1.0, 2.0)
    with pytest.raises(NotImplementedError):
        mg.normal(mg.zeros(2, dtype=mg.int64), 1)


def test_a_random_seed_is_that_of_the_default_draws():
    seed = mg.default_generator.seed()
    first = mg.rand(3)
    assert mg.initial_seed() == seed
    for _ in range(2):
        mg.manual_seed(seed)
        assert mg.rand(3).tolist() == first.tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [0, 1, 2, 7, 1000, (1 << 17) - 1, (1 << 17) + 3])
def test_uniform_numbers_are_those_of_numpys_generator(dtype, n):
    """Gaussian numbers start from them too (Box and Muller), so that recorded results can be obtained again."""
    found = mg.rand(n, generator=mg.Generator().manual_seed(5), dtype=getattr(mg, dtype)).numpy()
    expected = np.empty(n, dtype)
    for block in range(0, n, 1 << 17):
        generator = np.random.Generator(np.random.SFC64(np.random.SeedSequence((5, 0, block >> 17))))
        part = expected[block:block + (1 << 17)]
        part[...] = generator.random(len(part), dtype=dtype)
    np.testing.assert_array_equal(found, expected)
