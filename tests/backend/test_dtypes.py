"""Lines of programs with dtypes and numbers give PyTorch's dtype, shape and values, or the same kind of error."""

import contextlib
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

import minigrad as mg
from support.backends import on_cpu

VALUES = {
    "u8": ([0, 1, 200, 255], "uint8"), "i8": ([-128, -1, 0, 127], "int8"), "i32": ([1, -2, 3, 2**31 - 1], "int32"),
    "i64": ([1, -2, 3, 2**40], "int64"), "b": ([True, False, True, True], "bool"), "h": ([0.1, 1.5, -3.0, 60000.0], "float16"),
    "f": ([0.1, 1.5, -3.0, 7.0], "float32"), "d": ([0.1, 1.5, -3.0, 7.0], "float64"), "f0": (0.5, "float32"), "d0": (0.1, "float64"),
}  # fmt: skip
EXACT = {"float16": 0, "float32": 3e-7, "float64": 1e-15}


def names(lib):
    """Return the names that the lines below use."""
    module = mg if lib is mg else torch
    found = {"T": lib, "F": module.nn.functional, "optim": module.optim, "np": np, "Decimal": Decimal, "Fraction": Fraction,
             "inf": float("inf"), "nan": float("nan")}  # fmt: skip
    return found | {name: lib.tensor(data, dtype=getattr(lib, dtype)) for name, (data, dtype) in VALUES.items()}


def result(lib, line):
    """Return the value of a line, whose last statement is an expression, or the error in which it ends."""
    scope = names(lib)
    *first, last = line.split("; ")
    with warnings.catch_warnings(), contextlib.suppress(SyntaxError):
        warnings.simplefilter("error" if lib is mg else "ignore", RuntimeWarning)
        try:
            for statement in first:
                exec(statement, scope)
            return eval(last, scope)
        except Exception as error:
            return error
    raise AssertionError(f"no expression: {last}")


def check(line):
    expected, found = result(torch, line), result(mg, line)
    if isinstance(expected, Exception):
        assert isinstance(found, type(expected)), f"PyTorch: {expected!r}; here: {found!r}"
        assert "uint8" in str(found) or "out of bounds for" not in str(found)  # these would be NumPy's words
        return
    assert not isinstance(found, Exception), f"PyTorch: {expected!r}; here: {found!r}"
    if not isinstance(expected, torch.Tensor):
        assert type(found) is type(expected) and found == expected
        return
    assert str(found.dtype) == str(expected.dtype).removeprefix("torch.")
    assert tuple(found.shape) == tuple(expected.shape)
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), EXACT.get(str(found.dtype), 0), 0)


def lines(text):
    return [line.strip() for line in text.strip().splitlines()]


WHOLE_NUMBERS = """
    u8 == -1
    u8 != -1
    u8 < 256
    u8 > -1
    u8 >= 300
    -1 < u8
    i8 == 200
    i8 < 128
    i8 == 2**40
    i64 == 2**63
    u8 <= 255.5
    b == 2
    u8 * -1
    u8 + 300
    u8 - 1
    300 - u8
    u8 // -1
    u8 // 300
    u8 % -1
    u8 % 300
    -1 % u8[1:]
    300 // u8[1:]
    300 ** u8
    i8 + 200
    i8 * 300
    i32 + 2**31
    i64 + 2**63
    i64 + 2**70
    i64 == 2**70
    i64 < -2**70
    u8 / 300
    u8 & -1
    u8 | 300
    u8 ^ -1
    i64 & 2**70
    u8.add(300)
    u8.mul(-1)
    T.add(u8, -1)
    u8 + np.int64(300)
    u8 == np.int64(-1)
    u8 ** 300
    u8 ** -1
    u8 += 300; u8
    u8 -= 300; u8
    u8 *= -1; u8
    u8 //= -1; u8
    u8 %= 300; u8
    u8 **= 300; u8
    i8 += 200; i8
    i64 += 2**63; i64
    i64 += 2**70; i64
    u8.add_(300)
    u8.mul_(-1)
    u8.floor_divide_(300)
    u8 += T.tensor(300); u8
    i8 //= T.tensor(2**62 - 1); i8
    u8 *= T.tensor(-1); u8
    u8 == T.tensor(300)
    u8 // T.tensor(300)
    f + 2**1100
    d * 2**1100
    f += 2**1100; f
"""
STORED = """
    T.where(u8 > 0, u8, -1)
    T.where(u8 > 0, -1, u8)
    T.where(u8 > 0, u8, 300)
    T.where(u8 > 0, 300, 5)
    T.where(u8 > 0, 2**70, 5)
    T.where(u8 > 0, u8, 0.5)
    u8.clamp(-1, 300)
    u8.clamp(min=-1)
    u8.clamp(max=300)
    u8.clamp(min=300)
    u8.clamp(max=-1)
    u8.clamp(-1, 100)
    u8.clamp(0.5, 1.5)
    u8.clamp_(-1)
    u8.clamp_(max=300)
    i8.clamp(min=-200)
    i64.clamp(max=2**70)
    h.clamp(max=70000)
    u8.clamp(np.int64(-1), np.int64(300))
    f.clamp(np.float32(0.25))
    f.clamp(np.float64(0.5), np.float64(1))
    f.clamp(np.int64(1))
    f.clamp(-inf, nan)
    u8.fill_(300)
    u8.fill_(-1)
    u8.fill_(-256)
    u8.fill_(1.7)
    u8.fill_(-1.5)
    u8.fill_(255.5)
    u8.fill_(1e10)
    u8.fill_(inf)
    u8.fill_(2**70)
    u8.fill_(np.int64(300))
    u8.fill_(T.tensor(300))
    i8.fill_(-129)
    i64.fill_(2**63)
    i64.fill_(2**70)
    i64.fill_(1e30)
    i64.fill_(nan)
    b.fill_(2)
    b.fill_(nan)
    h.fill_(70000)
    f.fill_(1e300)
    f.fill_(inf)
    u8[0] = 256; u8
    u8[0] = -1; u8
    u8[0] = 1.7; u8
    u8[0] = 300.5; u8
    u8[:2] = 256; u8
    u8[u8 > 1] = -1; u8
    u8[T.tensor([0, 1])] = 256; u8
    u8[0] = T.tensor(300); u8
    i8[0] = 200; i8
    i64[0] = inf; i64
    f[0] = 1e300; f
    T.full((2,), 300, dtype=T.uint8)
    T.full((2,), -1, dtype=T.uint8)
    T.full((2,), 1.7, dtype=T.uint8)
    T.full((2,), 2**63)
    T.full((2,), 2**70)
    T.full((2,), nan, dtype=T.int64)
    T.full((2,), inf, dtype=T.uint8)
    T.full((2,), 1e300, dtype=T.float32)
    T.full((2,), 70000, dtype=T.float16)
    T.full((2,), 3, dtype=T.bool)
    T.full((2,), T.tensor(300), dtype=T.uint8)
    T.full((2,), np.float32(0.5))
    T.full((2,), np.int32(3))
    T.full_like(u8, -1)
    T.full_like(u8, 300)
    u8.new_full((2,), -1)
    u8.new_full((2,), 300)
    u8.new_tensor([-1])
    u8.new_tensor([300])
    T.tensor(-1, dtype=T.uint8)
    T.tensor([[-1, 2]], dtype=T.uint8)
    T.tensor([300], dtype=T.uint8)
    T.tensor([300.5], dtype=T.uint8)
    T.tensor([1.7], dtype=T.uint8)
    T.tensor([nan], dtype=T.int64)
    T.tensor([1e30], dtype=T.int64)
    T.tensor([2**70])
    T.tensor([1e300], dtype=T.float32)
    T.tensor([70000], dtype=T.float16)
    T.tensor(np.array([1e300]), dtype=T.float32)
    T.where(b, f, 1e300)
    T.where(b, h, 70000)
    T.arange(65500, 65540, 10, dtype=T.float16)
    T.linspace(0, 1e5, 3, dtype=T.float16)
    F.cross_entropy(f.reshape(2, 2), T.tensor([0, 1], dtype=T.uint8))
    F.cross_entropy(f.reshape(2, 2), T.tensor([0, 1], dtype=T.uint8), label_smoothing=0.1)
    F.cross_entropy(f.reshape(2, 2), T.tensor([0, 255], dtype=T.uint8), ignore_index=255, label_smoothing=0.1)
    F.nll_loss(f.reshape(2, 2), T.tensor([0, 1], dtype=T.uint8))
"""


@pytest.mark.parametrize("line", lines(WHOLE_NUMBERS))
def test_whole_numbers_beside_numbers_out_of_their_range(line):
    check(line)


@pytest.mark.parametrize("line", lines(STORED))
def test_numbers_that_are_stored_or_limit_others(line):
    check(line)


def test_what_does_not_fit_is_named():
    with pytest.raises(RuntimeError, match="full: 300 does not fit into uint8; use another dtype, or limit it first"):
        mg.full((2,), 300, dtype=mg.uint8)
    with pytest.raises(RuntimeError, match="__setitem__: 300 does not fit into uint8"):
        mg.zeros(2, dtype=mg.uint8)[:] = [1, 300]
    with pytest.raises(OverflowError, match=r"add: \d+ has more than 64 bits; use a float"):
        mg.arange(3) + 2**70
    with pytest.raises(OverflowError, match="add: int too large to convert to float"):
        mg.ones(3) + 2**1100


def test_a_whole_number_of_more_than_64_bits_is_a_float_beside_floats():
    """PyTorch refuses such a number."""
    assert (mg.ones(1, dtype=mg.float64) * 2**70).tolist() == [2.0**70]
    assert (mg.ones(1) < 2**70).tolist() == [True]


NO_NUMBERS = """
    f[0] = None; f
    f[0] = "3"; f
    f[0] = b"3"; f
    f[0] = object(); f
    f[0] = Decimal(3); f
    f[0] = Fraction(1, 3); f
    f[:1] = ["3"]; f
    f[:1] = [None]; f
    f[:] = np.array(["1", "2", "3", "4"]); f
    f[:] = np.array([1, 2, 3, 4], dtype=object); f
    f.fill_(None)
    f.fill_("3")
    f.fill_([3])
    f.fill_(Decimal(3))
    f.copy_(None)
    f.copy_("3")
    T.full((2,), None)
    T.full((2,), "3", dtype=T.float32)
    T.full((2,), [3])
    T.full_like(f, None)
    f.new_full((2,), None)
    f.new_full((2,), "3")
    f.new_tensor(None)
    f.new_tensor("3")
    f.new_tensor([None])
    T.tensor("3")
    f + None
    f + "3"
    "3" + f
    f + [1, 2, 3, 4]
    f - "3"
    "3" / f
    f / "3"
    i64 / "3"
    f // "3"
    f % "3"
    f ** "3"
    "3" ** f
    f @ "3"
    3 @ f
    f @ [1, 2, 3, 4]
    i64 & "3"
    i64 | None
    i64 ^ []
    f < "3"
    f <= None
    f > []
    f >= object()
    f + Decimal(3)
    Decimal(3) * f
    f * Fraction(1, 3)
    Fraction(1, 3) - f
    f < Decimal(3)
    f == "a"
    f != "a"
    "a" == f
    f == None
    f != None
    f == object()
    f == []
    f == [0.1, 1.5, -3.0, 7.0]
    f == {}
    f == (1,)
    f == Decimal(3)
    T.ones(2) == "a"
    f.eq("a")
    f.ne(None)
    f.lt("a")
    f.add("3")
    f.mul(None)
    f.sub([1])
    f.div(None)
    i64.div("3")
    f.pow("3")
    f.matmul(3)
    f.add_("3")
    f.mul_([1, 2, 3, 4])
    f += "3"; f
    f -= None; f
    f *= [1, 2, 3, 4]; f
    f /= Decimal(3); f
    f **= "3"; f
    f //= None; f
    f %= "3"; f
    T.where(b, f, "3")
    T.where(b, None, f)
    T.where(b, f, [1, 2, 3, 4])
    T.where(b, f, Decimal(3))
    T.maximum(f, "3")
    T.minimum(f, None)
    f.clamp("1", 2)
    f.clamp(None, "2")
    f.clamp([1])
    f.clamp(Decimal(1))
    f.logical_and("3")
    f.logical_or(None)
    T.add(f, "3")
    T.div(f, "3")
    T.eq(f, "3")
    T.exp("3")
    T.cat([f, 3])
    T.stack([f, "3"])
    T.pow(2, 3)
    T.pow("2", f)
"""
COMPLEX = ["1j", "np.complex64(1j)", "np.array([1, 2j, 3, 4])", "np.array([1, 2j, 3, 4], np.complex64)"]
BESIDE_COMPLEX = """
    f + X
    X + f
    f - X
    X - f
    f * X
    X * f
    f / X
    X / f
    f // X
    f % X
    f ** X
    X ** f
    f @ X
    X @ f
    f == X
    X == f
    f != X
    f < X
    X <= f
    i64 & X
    X | i64
    i64 ^ X
    f[:] = X; f
    f.fill_(X)
    f.copy_(X)
    f += X; f
    f -= X; f
    f *= X; f
    f /= X; f
    f **= X; f
    f.add(X)
    f.mul_(X)
    f.clamp(X)
    f.clamp(max=X)
    T.where(b, f, X)
    T.where(b, X, f)
    T.maximum(f, X)
    f.logical_and(X)
    T.tensor(X)
    T.tensor([X])
    T.full((2,), X)
    f.new_tensor(X)
    f.new_full((2,), X)
"""


@pytest.mark.parametrize("line", lines(NO_NUMBERS))
def test_lines_with_objects_that_are_no_numbers(line):
    check(line)


@pytest.mark.parametrize("line", lines(BESIDE_COMPLEX))
def test_complex_numbers_are_refused_everywhere(line):
    for text in COMPLEX:
        found = result(mg, line.replace("X", text))
        assert isinstance(found, TypeError), (text, found)


@pytest.mark.parametrize("kind", ["object", "U1", "S1", "M8[s]", "m8[s]", "longdouble"])
@pytest.mark.parametrize("line", [line for line in lines(BESIDE_COMPLEX) if "X **" not in line])
def test_arrays_of_other_dtypes_are_refused_everywhere(line, kind):
    found = result(mg, line.replace("X", f"np.zeros(4).astype('{kind}')" if "[s]" not in kind else f"np.zeros(4, '{kind}')"))
    assert isinstance(found, TypeError), found


class Foreign:
    """An object that knows how to be added to a tensor."""

    def __radd__(self, other):
        return "radd"

    __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = __rmatmul__ = __rand__ = __ror__ = __rxor__ = __radd__
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __radd__
    __hash__ = None


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "==", "!=", "<", "<=", ">", ">="])
def test_an_operand_with_operators_of_its_own_gets_its_turn(symbol):
    assert eval(f"x {symbol} y", {"x": mg.tensor([1, 2]), "y": Foreign()}) == "radd"


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "//", "%", "**"])
def test_an_operand_with_operators_of_its_own_gets_its_turn_in_place(symbol):
    scope = {"x": mg.tensor([1.0, 2.0]), "y": Foreign()}
    exec(f"x {symbol}= y", scope)
    assert scope["x"] == "radd"


ALPHA = """
    u8.add(T.tensor([200, 1, 2, 3], dtype=T.uint8), alpha=2)
    i32.add(u8, alpha=2)
    i64.add(u8, alpha=2)
    f.add(u8, alpha=2)
    f.add(u8, alpha=0.5)
    f.sub(u8, alpha=2)
    i64.add_(u8, alpha=2)
    i64.sub_(u8, alpha=2)
    f.add_(u8, alpha=0.5)
    h.add(u8, alpha=3)
    h.add(h, alpha=0.1)
    h.add_(h, alpha=0.1)
    h.sub_(h, alpha=1e-3)
    h.add(1, alpha=0.1)
    i64.add(1, alpha=2)
    i64.add(1.5, alpha=1.1)
    f.add(1, alpha=1.1)
    i64.add(1, alpha=1.1)
    i64.add(i64, alpha=1.1)
    i64.add(1, alpha=1.0)
    i64.sub(1, alpha=1.5)
    i64.add_(1, alpha=1.1)
    f.add(f, alpha=True)
    i64.add(1, alpha=True)
    b.add(b, alpha=True)
    b.add(b, alpha=2)
    b.add(b, alpha=0.5)
    b.add(True, alpha=True)
    b.add(1, alpha=2)
    b.add(1, alpha=True)
    b.sub(b, alpha=1)
    u8.add(300, alpha=2)
    i8.sub(-1, alpha=128)
    u8.add(u8, alpha=-1)
    u8.add(u8, alpha=300)
    u8.sub(u8, alpha=2)
    f.add(f, alpha=T.tensor(2))
    f.add(f, alpha=np.float32(0.5))
    f.add(f, alpha="2")
    f.add(f, alpha=None)
    T.add(f, f, alpha=0.5)
    T.sub(f, 1, alpha=0.5)
    f.subtract(f, alpha=2)
    x = f.clone().requires_grad_(); x.add(x, alpha=0.3).sum().backward(); x.grad
"""
COUNTED = """
    T.arange(0.0, 3)
    T.arange(3.0)
    T.arange(0, 3, 1.0)
    T.arange(T.tensor(3))
    T.arange(T.tensor(3.0))
    T.arange(T.tensor(1), T.tensor(4))
    T.arange(T.tensor(1), 4, T.tensor(2))
    T.arange(np.int64(3))
    T.arange(np.float32(3))
    T.arange(end=3)
    T.arange(start=1, end=3)
    T.arange(5, 1, -1.5)
    T.arange(0, 3, 1.5, dtype=T.int64)
    T.arange(0.5, 3, dtype=T.int64)
    T.arange(0, 1, 0.1)
    T.arange(1, 2, 0.1, dtype=T.float64)
    T.arange(2046, 2054, dtype=T.float16)
    T.arange(300, dtype=T.uint8)
    T.arange(2**62, 2**62 + 2)
    T.arange(1, 5, -1)
    T.arange(0, 3, 0)
    T.arange(nan)
    T.arange(0, inf)
    T.arange("3")
    T.arange(None)
    T.arange(Decimal(3))
    T.arange(3, dtype=T.bool)
    T.linspace(-3, 3, 8, dtype=T.int64)
    T.linspace(5, -5, 8, dtype=T.int64)
    T.linspace(-1.5, 1.5, 7, dtype=T.int64)
    T.linspace(0, 10, 4, dtype=T.int32)
    T.linspace(3, 9, 1, dtype=T.int64)
    T.linspace(3, 9, 0, dtype=T.int64)
    T.linspace(0, 300, 4, dtype=T.uint8)
    T.linspace(0, 1, 5)
    T.linspace(T.tensor(0), T.tensor(1), 5)
    T.linspace("0", 1, 5)
    T.full((2,), h[0])
    T.rand(3, dtype=T.int64)
    T.randn(3, dtype=T.uint8)
    T.normal(0, 1, (2,), dtype=T.int64)
    T.normal(0, -1, (2,))
    T.normal(0, nan, (2,))
    T.randint(0, 300, (3,), dtype=T.uint8)
    T.randint(-200, 3, (3,), dtype=T.int8)
    f.uniform_(0, nan)
    f.uniform_(0, inf)
    f.uniform_(-inf, 0)
    f.uniform_(2, 1)
    h.uniform_(0, 70000)
    i64.uniform_(0, 1)
    f.normal_(0, nan)
"""
REDUCED = """
    i64.sum(dtype=T.int32)
    u8.sum(dtype=T.uint8)
    b.sum(dtype=T.uint8)
    f.sum(dtype=T.int32)
    f.sum(0, True, dtype=T.int64)
    f.sum(dtype=T.float64)
    u8.sum(dtype=T.float16)
    d.mean(dtype=T.float32)
    i64.mean(dtype=T.float32)
    u8.mean(dtype=T.float16)
    h.mean(dtype=T.float64)
    f.mean(dtype=T.int64)
    i64.mean()
    u8.all()
    u8.any()
    u8.any(0)
    u8.all(dim=0, keepdim=True)
    u8[:0].all()
    u8.reshape(2, 2).all(0)
    u8.reshape(2, 2).any(2)
    T.any(u8)
    i8.all()
    i64.any()
    f.all()
    T.tensor([nan]).any()
    b.square()
    u8.square()
    b ** 2
    b ** b
    b // b
    b % b
    b **= b; b
    b - b
    b -= b; b
    b - True
    -b
    b.sign()
    T.pow(2.0, i64)
    T.pow(2, u8)
    f.mul(other=2)
    f.eq(other=1.5)
    f.floor_divide(other=2)
    b.softmax(0)
    u8.softmax(0)
    u8.log_softmax(0)
    F.softmax(i64, 0)
    F.tanh(i64)
    F.tanh(u8)
    F.sigmoid(i64)
    F.cross_entropy(i64.reshape(2, 2), T.tensor([0, 1]))
    F.nll_loss(i64.reshape(2, 2), T.tensor([0, 1]))
    F.mse_loss(i64, i64)
    F.mse_loss(u8, u8)
    F.mse_loss(f, i64)
    F.l1_loss(i64, i64)
    h.reshape(2, 2) @ f.reshape(2, 2)
    F.linear(h.reshape(2, 2), f.reshape(2, 2))
    F.linear(h.reshape(2, 2), h.reshape(2, 2), f[:2])
    F.nll_loss(h.reshape(2, 2), T.tensor([0, 1]), weight=T.tensor([1.0, 2.0]))
"""
HALF = """
    h * 0.1
    0.1 * h
    h / 3
    0.1 / h
    h + 1e-4
    h - 70000
    h + 2049
    h * 2049
    h * 70000
    h * 1e-8
    h / 1e8
    h ** 0.3
    2.1 ** h
    h // 0.1
    h % 0.1
    h == 0.1
    h <= 0.1
    h * f0
    h * d0
    h + d0
    h / d0
    h * i64
    h * f
    f * h
    h * np.float32(0.1)
    h *= 0.1; h
    h /= 3; h
    h += 1e-4; h
    h **= 0.3; h
    h //= 0.1; h
    h %= 0.1; h
    h *= d0; h
    h *= f; h
    h *= T.tensor([2**20], dtype=T.int32); h
    h / T.tensor([2**40])
    h.mul_(0.1)
    h.div_(0.1)
    h.sigmoid()
    h.tanh()
    h.softmax(0)
    h.log_softmax(0)
    h.clamp(0.1, 0.7)
    T.where(b, h, 0.1)
    T.ones(4096, dtype=T.float16).sum()
    T.ones(4096, 3, dtype=T.float16).sum(0)
    T.ones(2, 4096, 3, dtype=T.float16).sum((0, 1))
    T.ones(4096, 3, dtype=T.float16).t().sum(1)
    T.ones(4096, 3, dtype=T.float16).mean(0)
    T.full((1000,), 60000.0, dtype=T.float16).mean()
    T.full((1000,), 60000.0, dtype=T.float16).sum()
    T.ones(5000, 3, dtype=T.float16).softmax(0)
    T.ones(3, 5000, dtype=T.float16).log_softmax(1)
    T.ones(3, 4097, dtype=T.float16) @ T.ones(4097, 2, dtype=T.float16)
    F.linear(T.ones(3, 4097, dtype=T.float16), T.ones(2, 4097, dtype=T.float16), T.full((2,), 0.1, dtype=T.float16))
    F.mse_loss(T.full((5000,), 0.3, dtype=T.float16), T.zeros(5000, dtype=T.float16))
    F.l1_loss(T.full((5000,), 0.3, dtype=T.float16), T.zeros(5000, dtype=T.float16))
    x = T.full((5000, 3), 0.3, dtype=T.float16).requires_grad_(); F.mse_loss(x, x.detach() * 0).backward(); x.grad
    x = T.full((5000, 3), 0.3, dtype=T.float16).requires_grad_(); F.cross_entropy(x, T.zeros(5000, dtype=T.int64)).backward(); x.grad
    w = T.zeros(3, dtype=T.float16).requires_grad_(); (T.ones(5000, 3, dtype=T.float16) + w).sum().backward(); w.grad
    w = T.zeros(3, dtype=T.float16).requires_grad_(); (T.ones(5000, 3, dtype=T.float16) * w).sum().backward(); w.grad
    w = T.zeros(2, dtype=T.float16).requires_grad_(); F.linear(T.ones(5000, 3).half(), T.ones(2, 3).half(), w).sum().backward(); w.grad
    w = T.zeros(2, 3, dtype=T.float16).requires_grad_(); F.linear(T.ones(5000, 3).half(), w, T.ones(2).half()).sum().backward(); w.grad
    x = h.clone().requires_grad_(); (x * 1e-8).backward(T.full((4,), 60000.0, dtype=T.float16)); x.grad
    x = h.clone().requires_grad_(); (x / 1e-8).backward(T.full((4,), 1e-7, dtype=T.float16)); x.grad
    x = h[:2].clone().requires_grad_(); x.tanh().sum().backward(); x.grad
    x = h[:2].clone().requires_grad_(); x.sigmoid().sum().backward(); x.grad
    x = h.clone().requires_grad_(); (0.1 / x).sum().backward(); x.grad
    x = h.clone().requires_grad_(); x.mean().backward(); x.grad
"""
UNWEIGHTED = """
    F.nll_loss(f.reshape(2, 2), T.tensor([0, 1]), weight=T.zeros(2))
    F.nll_loss(f.reshape(2, 2), T.tensor([0, 1]), weight=T.zeros(2), reduction="sum")
    F.cross_entropy(f.reshape(2, 2), T.tensor([0, 1]), weight=T.zeros(2))
    F.cross_entropy(f.reshape(2, 2), T.tensor([0, 1]), weight=T.zeros(2), label_smoothing=0.1)
    F.cross_entropy(f.reshape(2, 2), T.tensor([0, 0]), weight=T.tensor([0.0, 1.0]))
    F.cross_entropy(f.reshape(2, 2), T.tensor([-100, -100]))
    x = f.reshape(2, 2).requires_grad_(); F.nll_loss(x, T.tensor([0, 1]), weight=T.zeros(2)).backward(); x.grad
    x = f.reshape(2, 2).requires_grad_(); F.cross_entropy(x, T.tensor([0, 1]), weight=T.zeros(2)).backward(); x.grad
    x = f.reshape(2, 2).requires_grad_(); F.cross_entropy(x, T.tensor([0, 0]), weight=T.tensor([0.0, 1.0])).backward(); x.grad
    x = f.reshape(2, 2).requires_grad_(); F.cross_entropy(x, T.tensor([0, -100]), weight=T.tensor([0.0, 1.0])).backward(); x.grad
    x = f.reshape(2, 2).requires_grad_(); F.cross_entropy(x, T.tensor([-100, -100])).backward(); x.grad
"""


@pytest.mark.parametrize("line", lines(ALPHA))
def test_alpha(line):
    check(line)


@pytest.mark.parametrize("line", lines(COUNTED))
def test_numbers_that_are_counted_filled_and_drawn(line):
    check(line)


@pytest.mark.parametrize("line", lines(REDUCED))
def test_dtypes_of_reductions_powers_and_activations(line):
    check(line)


@pytest.mark.parametrize("line", lines(HALF))
def test_float16_is_computed_in_float32_and_rounded_once(line):
    check(line)


@pytest.mark.parametrize("line", lines(UNWEIGHTED))
def test_losses_whose_weights_are_all_zero_are_nan(line):
    check(line)


def trained(lib, name, options, n):
    """Return two parameters of float16 after three steps, joined in one array."""
    draw = np.random.default_rng(0)
    params = [lib.from_numpy(draw.normal(size=size).astype("float16")).clone().requires_grad_() for size in (n, n // 2)]
    optimizer = getattr(lib.optim, name)(params, **options)
    for _ in range(3):
        for p in params:
            g = draw.uniform(0.5, 2, p.numel()) * draw.choice([-1, 1], p.numel())  # so that squares are not too small
            p.grad = lib.from_numpy(g.astype("float16"))
        optimizer.step()
    return np.concatenate([p.detach().numpy() for p in params]).astype("float64")


OPTIMIZERS = [
    ("SGD", {"lr": 0.1}), ("SGD", {"lr": 1e-3, "momentum": 0.9, "weight_decay": 1e-3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}), ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("Adam", {"lr": 0.01}), ("Adam", {"lr": 0.01, "amsgrad": True, "weight_decay": 0.01}),
]  # fmt: skip


@pytest.mark.parametrize("numba", [False, True])
@pytest.mark.parametrize("n", [1000, 40_000])
@pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
def test_optimizers_of_float16_parameters(name, options, n, numba):
    """PyTorch rounds between some of a step's operations."""
    with on_cpu(numba, 1 << 15):
        found, expected = trained(mg, name, options, n), trained(torch, name, options, n)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(found, expected, 2.0**-9, 2.0**-9)
    assert np.abs(found - expected).mean() < 2.0**-12


@pytest.mark.parametrize("numba", [False, True])
@pytest.mark.parametrize("n", [1000, 32_768, 100_000])
def test_large_arrays_of_float16(n, numba):
    x = np.random.default_rng(0).normal(size=n).astype("float16")
    calls = {
        "relu": lambda F, x: F.relu(x), "sigmoid": lambda F, x: F.sigmoid(x), "tanh": lambda F, x: F.tanh(x),
        "clamp": lambda F, x: x.clamp(-1, 0.3), "product": lambda F, x: x * 0.1 + x / 3, "mse_loss": lambda F, x: F.mse_loss(x, x * 0),
        "l1_loss": lambda F, x: F.l1_loss(x, x * 0),
        "mean": lambda F, x: x.mean(), "softmax": lambda F, x: F.softmax(x.reshape(-1, 8), 1),
        "log_softmax": lambda F, x: F.log_softmax(x.reshape(-1, 8), 1),
        "cross_entropy": lambda F, x: F.cross_entropy(x.reshape(-1, 1), (x * 0).long()),
    }  # fmt: skip
    for call in calls.values():
        results = []
        for lib in (mg, torch):
            t = lib.from_numpy(x.copy()).requires_grad_()
            with on_cpu(numba, 1 << 15):
                y = call(lib.nn.functional, t)
                (y * y).sum().backward()
            results.append([a.detach().numpy().astype("float64") for a in (y, t.grad)])
        for found, expected in zip(*results):
            np.testing.assert_allclose(found, expected, 2.0**-9, 2.0**-11 * np.abs(expected).max() + 2.0**-24)


@pytest.mark.parametrize(
    ("dtype", "low", "high"), [("float16", 0, 1), ("float16", 1, 2), ("float16", -3, 0.1), ("float32", 1, 2), ("float64", 0, 1)]
)
def test_uniform_numbers_stay_below_the_upper_end(dtype, low, high):
    n, kind = 3_000_000 if dtype == "float32" else 300_000, getattr(mg, dtype)
    x = mg.empty(n, dtype=kind).uniform_(low, high, generator=mg.Generator().manual_seed(0)).numpy()
    assert x.min() >= np.dtype(dtype).type(low) and x.max() < np.dtype(dtype).type(high)
    assert x.mean(dtype="float64") == pytest.approx((low + high) / 2, abs=0.01)
    assert mg.rand(100_000, dtype=kind, generator=mg.Generator().manual_seed(0)).max().item() < 1


EVERY = {
    "bool": [True, False, True], "uint8": [0, 7, 255], "int8": [-128, 3, 127], "int16": [-32768, 2, 32767],
    "int32": [-(2**31), 5, 2**31 - 1], "int64": [-(2**63), 7, 2**63 - 1], "float16": [0.1, -2.0, 100.0],
    "float32": [-7.25, 0.1, 1e5], "float64": [0.1, float("nan"), 1e300],
}  # fmt: skip
NUMBERS = [True, False, 0, 1, -1, 3, 127, 128, 200, 255, 256, 300, -128, -200, 2**31, 2**40, 0.5, -1.5, 2.0, 0.1, 1e-8, float("inf")]
REFUSED = ["negative integer powers", "pow: not defined for bools"]
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "&", "|", "^"]


def operands(lib):
    """Return tensors of every dtype, as rows, as one element and as 0-d tensors, and numbers."""
    rows = [lib.tensor(data, dtype=getattr(lib, dtype)) for dtype, data in EVERY.items()]
    return [*rows, *[x[1:2].clone() for x in rows], *[x[1].clone() for x in rows], *NUMBERS]


def value(symbol, x, y):
    try:
        return eval(f"x {symbol} y")
    except Exception as error:
        return error


def same(found, expected, exact):
    """Return whether two results are equal, float16 up to its last digit: PyTorch rounds some operands first."""
    found, expected = found.numpy(), expected.numpy()
    if found.dtype != expected.dtype or found.shape != expected.shape:
        return False
    rtol = 0 if exact else {"float16": 2.0**-10, "float32": 1e-6, "float64": 1e-14}.get(str(found.dtype), 0)
    return np.allclose(found.astype("float64"), expected.astype("float64"), rtol, 0, equal_nan=True)


@pytest.fixture(scope="module")
def both():
    return list(zip(operands(mg), operands(torch)))


@pytest.mark.parametrize("dtype", EVERY)
@pytest.mark.parametrize("symbol", OPERATORS)
def test_operators_beside_every_dtype_and_number(both, symbol, dtype):
    """minigrad gives every result that PyTorch gives, except negative powers of whole numbers and powers of bools, which it refuses."""
    for left in both[list(EVERY).index(dtype):3 * len(EVERY):len(EVERY)]:
        for right in both:
            for x, y in ((left, right), (right, left)):
                found, expected = value(symbol, x[0], y[0]), value(symbol, x[1], y[1])
                if isinstance(found, Exception):
                    refused = isinstance(expected, Exception) or any(text in str(found) for text in REFUSED)
                    right_so = refused and "numpy" not in str(found) and "ufunc" not in str(found)
                else:
                    right_so = isinstance(expected, Exception) or same(found, expected, symbol not in ("**", "%", "/"))
                    right_so |= symbol == "//" and found.dtype == mg.float16  # PyTorch rounds a number on the left first
                assert right_so, f"{x[1]!r} {symbol} {y[1]!r}: {expected!r}; here: {found!r}"


NUMPY_SCALARS = """
    f + np.float32(2)
    f + np.float64(2.1)
    np.float32(2) * f
    np.float64(2) * f
    np.float64(2) - f
    np.float64(2) / f
    np.int64(2) * f
    np.int64(2) * i32
    i32 * np.float32(2)
    np.float64(2) * i32
    i32 / np.float64(2)
    i32 / np.float32(2)
    i32 / np.float16(2)
    i32 / np.int64(2)
    d * np.float32(0.1)
    u8 * np.uint8(2)
    u8 + np.int16(5)
    np.int64(1) & i64
    f == np.float64(0.1)
    np.float64(0.1) < f
    np.float64(2) ** f
    f0 * np.float64(2)
    f[0] = np.float64(0.1); f
    f += np.float64(0.1); f
    i32 += np.int64(5); i32
    i32 += np.float64(5); i32
    T.where(b, f, np.float32(3))
    T.where(b, f, np.float64(3))
"""


@pytest.mark.parametrize("line", lines(NUMPY_SCALARS))
def test_numpys_numbers_count_as_pythons(line):
    check(line)


MATRIX = np.array([[1.0, 2.0], [3.0, 4.0]]).view(np.matrix)


def test_a_numpy_matrix_is_an_array_of_its_elements():
    x = mg.ones(2, 2, dtype=mg.float64)
    expected = [[1, 2], [3, 4]]
    for found in (x * MATRIX, MATRIX * x, MATRIX + (x - 1), mg.tensor(MATRIX), mg.as_tensor(MATRIX), mg.from_numpy(MATRIX),
                  x.new_tensor(MATRIX),
                  mg.where(x > 0, MATRIX, 0.0), x.clamp(MATRIX, MATRIX), mg.tensor([MATRIX])[0], mg.DoubleTensor(MATRIX)):
        assert type(found.array) is np.ndarray and found.tolist() == expected
    x[:] = MATRIX
    assert x.tolist() == expected and (x == MATRIX).all()
    assert (MATRIX @ x).tolist() == (x @ MATRIX).tolist() == (x @ x).tolist()
