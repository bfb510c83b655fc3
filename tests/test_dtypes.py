"""What programs make of dtypes and numbers, line by line, as in PyTorch: the same dtype, shape and values, or the same kind of error."""

import contextlib
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

import minigrad as mg

VALUES = {
    "u8": ([0, 1, 200, 255], "uint8"), "i8": ([-128, -1, 0, 127], "int8"), "i32": ([1, -2, 3, 2**31 - 1], "int32"),
    "i64": ([1, -2, 3, 2**40], "int64"), "b": ([True, False, True, True], "bool"), "h": ([0.1, 1.5, -3.0, 60000.0], "float16"),
    "f": ([0.1, 1.5, -3.0, 7.0], "float32"), "d": ([0.1, 1.5, -3.0, 7.0], "float64"), "f0": (0.5, "float32"), "d0": (0.1, "float64"),
}  # fmt: skip
EXACT = {"float16": 0, "float32": 3e-7, "float64": 1e-15}


def names(lib):
    """What the lines below can name."""
    module = mg if lib is mg else torch
    found = {"T": lib, "F": module.nn.functional, "optim": module.optim, "np": np, "Decimal": Decimal, "Fraction": Fraction,
             "inf": float("inf"), "nan": float("nan")}  # fmt: skip
    return found | {name: lib.tensor(data, dtype=getattr(lib, dtype)) for name, (data, dtype) in VALUES.items()}


def result(lib, line):
    """What a line gives, the last of its statements being an expression, or the error that it ends in."""
    scope = names(lib)
    *first, last = line.split("; ")
    with warnings.catch_warnings(), contextlib.suppress(SyntaxError):
        warnings.simplefilter("ignore")
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
        assert "uint8" in str(found) or "out of bounds for" not in str(found)  # NumPy's words
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
    """PyTorch refuses it."""
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
def test_what_is_no_number(line):
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
    """Knows what to do with a tensor."""

    def __radd__(self, other):
        return "radd"

    __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = __rmatmul__ = __rand__ = __ror__ = __rxor__ = __radd__
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __radd__
    __hash__ = None


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "==", "!=", "<", "<=", ">", ">="])
def test_an_operand_with_operators_of_its_own_gets_its_turn(symbol):
    assert eval(f"x {symbol} y", {"x": mg.tensor([1, 2]), "y": Foreign()}) == "radd"


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "//", "%", "**"])
def test_so_does_one_beside_an_operator_in_place(symbol):
    scope = {"x": mg.tensor([1.0, 2.0]), "y": Foreign()}
    exec(f"x {symbol}= y", scope)
    assert scope["x"] == "radd"


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
                  mg.where(x > 0, MATRIX, 0.0), x.clamp(MATRIX, MATRIX), mg.tensor([MATRIX])[0], mg.Tensor(MATRIX)):
        assert type(found.array) is np.ndarray and found.tolist() == expected
    x[:] = MATRIX
    assert x.tolist() == expected and (x == MATRIX).all()
    assert (MATRIX @ x).tolist() == (x @ MATRIX).tolist() == (x @ x).tolist()
