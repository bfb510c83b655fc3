"""A tensor prints as PyTorch's does, character by character."""

import itertools

import numpy as np
import pytest
import torch

import minigrad

SHAPES = [(), (0,), (0, 3), (2, 0, 2), (1,), (5,), (30,), (3, 4), (2, 3, 4), (1, 1, 1), (2, 1, 3, 2), (7, 8)]
SUMMARISED = [(1001,), (40, 30), (2, 600), (10, 11, 12), (7, 7, 30), (6, 500)]
DTYPES = ["float32", "float64", "float16", "int64", "int32", "uint8", "bool"]


def numbers(shape, kind, scale, rng):
    values = np.asarray(rng.standard_normal(shape) * scale)
    if kind == "whole":
        values = np.asarray(np.round(values))
    if kind == "wide":
        values = values * np.exp(3 * rng.standard_normal(shape))
    if kind == "special" and values.size:
        values.reshape(-1)[rng.integers(values.size)] = rng.choice([np.nan, np.inf, -np.inf, -0.0, 0])
    return values


def both(values, dtype):
    with np.errstate(all="ignore"):
        array = np.asarray(values).astype(dtype)
    return minigrad.from_numpy(array.copy()), torch.from_numpy(array.copy())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shapes", [SHAPES, SUMMARISED], ids=["whole", "summarised"])
def test_like_pytorch(shapes, dtype):
    rng = np.random.default_rng(0)
    kinds = ["plain", "whole", "wide", "special"]
    for shape, kind, scale in itertools.product(shapes, kinds, [1, 1e-5, 1e6, 1e9, 0, 30]):
        in_minigrad, in_torch = both(numbers(shape, kind, scale, rng), dtype)
        assert repr(in_minigrad) == str(in_minigrad) == repr(in_torch), (shape, kind, scale)


@pytest.mark.parametrize("shape", SHAPES + SUMMARISED[:2])
def test_with_gradients(shape):
    rng = np.random.default_rng(1)
    for dtype in ("float32", "float64"):
        in_minigrad, in_torch = both(rng.standard_normal(shape), dtype)
        in_minigrad.requires_grad_(), in_torch.requires_grad_()
        assert repr(in_minigrad) == repr(in_torch)
        assert repr(in_minigrad * 2) == repr(in_torch * 2)
        assert repr(in_minigrad.sum()) == repr(in_torch.sum())
        assert repr(in_minigrad.detach()) == repr(in_torch.detach())


@pytest.mark.parametrize(
    "options",
    [
        {"precision": 10},
        {"profile": "short"},
        {"profile": "full"},
        {"sci_mode": True},
        {"sci_mode": False},
        {"linewidth": 40, "edgeitems": 1, "threshold": 5},
    ],
    ids=str,
)
def test_options(options):
    rng = np.random.default_rng(2)
    try:
        torch.set_printoptions(**options)
        minigrad.set_printoptions(**options)
        for shape, scale in itertools.product([(), (3,), (20,), (4, 5), (3, 3, 3), (50, 30)], (1, 1e7)):
            for values in (rng.standard_normal(shape) * scale, np.round(rng.standard_normal(shape) * scale)):
                in_minigrad, in_torch = both(values, "float64")
                assert repr(in_minigrad) == repr(in_torch)
    finally:
        torch.set_printoptions(profile="default")
        minigrad.set_printoptions(profile="default")


def test_the_default_profile_takes_options_back():
    from minigrad.printing import options

    before = dict(options)
    try:
        minigrad.set_printoptions(precision=2)
        assert repr(minigrad.tensor(1.23456)) == "tensor(1.23)"
    finally:
        minigrad.set_printoptions(profile="default")
    assert options == before
    with pytest.raises(ValueError, match="short"):
        minigrad.set_printoptions(profile="tiny")


def test_default_dtype_is_not_named():
    try:
        for library in (torch, minigrad):
            library.set_default_dtype(library.float64)
        for values in ([1.5, 2], [1, 2], [], [[]]):
            assert repr(minigrad.tensor(values)) == repr(torch.tensor(values))
        assert repr(minigrad.ones(2).float()) == repr(torch.ones(2).float())
    finally:
        for library in (torch, minigrad):
            library.set_default_dtype(library.float32)


RECORDED = """x.exp(); x.log(); x.abs(); x + 1; 1 - x; x * 2; x / 2; 2 / x; x**2; x.pow(y); x**y; 2**x
-x; x.square(); x.sqrt(); x.sign(); x.relu(); x.tanh(); x.sigmoid(); x.softmax(0)
x.log_softmax(1); x.sum(); x.sum(1); x.sum((0, 1)); x.mean(); x.mean(0); x.max(); x.min()
x.amax(1); x.clamp(min=0); x.clamp(0, 1); x.clone(); x.float(); x.transpose(0, 1)
x.permute(1, 0); x.T; x.view(-1); x.reshape(2, 2, 1); x.flatten(); x.unsqueeze(0)
x.expand(3, 2, 2); x[0]; x[:, 0]; x[0, 1]; x[1:]; x[:, 1:]; x[T.tensor([0, 1])]; x[x > 0]
x[...]; x[:]; x[None]; x[0, None]; T.cat([x, y]); T.where(x > 0, x, y); T.maximum(x, y)
T.minimum(x, y); x @ y; x.mm(y); x.unsqueeze(0) @ y; F.linear(x, y, v); F.linear(x, y)
F.mse_loss(x, y); F.linear(x[None], y, v); F.nll_loss(x, k); F.cross_entropy(x, k)
x.sin(); x.cos(); x.tan(); x.sinh(); x.cosh(); x.atan(); x.atan2(y); x.erf(); x.expm1(); x.log1p(); x.log2(); x.log10(); x.rsqrt()
x.reciprocal(); x.floor(); x.ceil(); x.trunc(); x.round(); x.round(decimals=2); F.leaky_relu(x)
F.l1_loss(x, y); F.relu(x); x % 2; Cube.apply(x)
x[1:, :]; x[0, :]; assigned(x, 0); assigned(x, slice(1, None)); assigned(x, (0, slice(None)))
assigned(x, [0, 1]); assigned(x, x.detach() > 0); assigned(x, T.tensor([0, 1])); x.var(); x.cumsum(0); x.logsumexp(1); x.diagonal()
x.gather(1, k[:, None]); x.flip(0); x.select(0, 0); x.narrow(1, 0, 1); T.diag(v); x.movedim(0, 1); T.outer(v, v); x.unflatten(0, (2, 1))
T.broadcast_to(x, (2, 2, 2)); T.einsum("ij->ji", x)"""


@pytest.mark.parametrize("expression", [e.strip() for line in RECORDED.split("\n") for e in line.split("; ")])
def test_names_of_recorded_operations(expression):
    def name(T):
        class Cube(T.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x**3

            @staticmethod
            def backward(ctx, g):
                return g

        data = ([[1, 2], [3, 4]], [[0.1, 0.2], [0.3, 0.4]], [1, 2])
        x, y, v = (T.tensor(values, dtype=T.float64, requires_grad=True) * 1 for values in data)

        def assigned(x, key):
            x[key] = 5.0
            return x

        names = {"assigned": assigned, "T": T, "F": T.nn.functional, "x": x, "y": y, "v": v, "k": T.tensor([0, 1]), "Cube": Cube}
        return repr(eval(expression, names)).rpartition("grad_fn=")[2]

    assert name(minigrad) == name(torch)


def test_sizes():
    for T in (torch, minigrad):
        shape = T.zeros(2, 3, 4).shape
        assert repr(shape) == "torch.Size([2, 3, 4])"
        assert [repr(s) for s in (shape[1:], shape + shape[:1], shape * 2)] == [
            "torch.Size([3, 4])",
            "torch.Size([2, 3, 4, 2])",
            "torch.Size([2, 3, 4, 2, 3, 4])",
        ]
        assert shape == (2, 3, 4)
        assert shape[0] == 2
        assert shape.numel() == 24
