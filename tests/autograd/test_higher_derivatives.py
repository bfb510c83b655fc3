"""Higher derivatives lead through the numbers that the first derivative uses, or raise; PyTorch is the oracle."""

import random
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import settings

import minigrad as mg
from minigrad.autograd import Function, grad, gradcheck, op
from minigrad.backend import array_module
from support import random_derivatives


def leaf(*numbers, lib=mg):
    return lib.tensor(numbers[0] if len(numbers) == 1 else list(numbers), dtype=lib.float64, requires_grad=True)


def twice(loss, x, lib=mg):
    """Return the first derivative, the same with create_graph, and the second (of the sum), as arrays."""
    (first,) = lib.autograd.grad(loss, x, retain_graph=True)
    (again,) = lib.autograd.grad(loss, x, create_graph=True)
    second = lib.autograd.grad(again.sum(), x, allow_unused=True)[0] if again.requires_grad else None
    return [None if g is None else g.detach().numpy() for g in (first, again, second)]


# ---- a value that was written to after it was made


WRITES = {
    "a view, under no_grad": lambda lib, h: h[1:].mul_(0.0),
    "the tensor, under no_grad": lambda lib, h: h.clamp_(max=3.5),
    ".data": lambda lib, h: h.data.clamp_(max=3.5),
    "a part of .data": lambda lib, h: h.data[:1].fill_(7.0),
    "the NumPy array": lambda lib, h: np.negative(h.detach().numpy(), out=h.detach().numpy()),
    "an assigned element": lambda lib, h: h.__setitem__(0, -2.0),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("use", ["h ** 3", "h * h", "h.exp() * h", "h.softmax(0)[:1]", "h.tanh()", "(h * h.detach()).sigmoid()"])
def test_a_value_written_to_counts_as_it_was_written(write, use):
    found = []
    for lib in (mg, torch):
        x = leaf(3.0, 4.0, lib=lib)
        h = x * 1
        with lib.no_grad():
            WRITES[write](lib, h)
        found.append(twice(eval(use, {"h": h}).sum(), x, lib))
    in_minigrad, reference = found
    np.testing.assert_array_equal(in_minigrad[0], in_minigrad[1])
    for a, b in zip(in_minigrad, reference):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


def test_a_write_after_use_is_an_error_in_both_derivatives():
    x = leaf(3.0, 4.0)
    h = x * 1
    y = (h**3).sum()
    with mg.no_grad():
        h.mul_(2)
    for create in (False, True):
        with pytest.raises(RuntimeError, match=r"pow \(output shape \(2,\)\) saved a tensor of shape \(2,\) that was changed in place"):
            grad(y, x, create_graph=create, retain_graph=True)


def test_what_no_vjp_saved_may_be_written_to():
    for change in ("leaf", "constant"):
        found = []
        for lib in (mg, torch):
            x, c = leaf(1.0, 2.0, lib=lib), lib.ones(2, dtype=lib.float64)
            y = (x + c).tanh().sum()  # the VJPs hold neither x nor c
            (x.data if change == "leaf" else c).add_(1)
            found.append(twice(y, x, lib))
        for a, b in zip(*found):
            np.testing.assert_allclose(a, b, rtol=1e-12)


# ---- what an operation's VJPs hold


@op
def masked(x):
    """Return x where a random mask holds, else 0."""
    mask = np.random.default_rng().random(x.shape) < 0.5
    return x * mask, lambda g: g * mask


@op
def keeps_what_it_computes(x):
    """Return e^(2x). The VJP holds neither x nor the value, but e^x."""
    e = array_module(x).exp(x)
    return e * e, lambda g: 2 * g * e * e


@op
def keeps_chance(x):
    """Return x · r for random r. The VJP holds x · r · r."""
    r = np.random.default_rng().random(x.shape)
    kept = x * r * r
    return x * r, lambda g: g * kept / x / r


def test_a_random_mask_is_the_one_of_the_value():
    x = leaf([3.0] * 64)
    y = masked(x)
    (first,), (again,) = [grad((y**2).sum(), x, create_graph=create, retain_graph=True) for create in (False, True)]
    assert 0 < int((y != 0).sum()) < 64
    np.testing.assert_array_equal(first.numpy(), 2 * y.detach().numpy())
    np.testing.assert_array_equal(again.detach().numpy(), first.numpy())
    np.testing.assert_array_equal(grad(again.sum(), x)[0].numpy(), 2.0 * (y.detach().numpy() != 0))


def test_what_a_body_computes_for_its_vjp_is_differentiated_too():
    x = leaf(0.5, -1.0)
    y = keeps_what_it_computes(x).sum()
    for order in (1, 2, 3, 4):
        (y,) = grad(y.sum(), x, create_graph=True)
        np.testing.assert_allclose(y.detach().numpy(), 2.0**order * np.exp([1.0, -2.0]), rtol=1e-14)


@pytest.mark.parametrize("change", ["value", "sign", "leaf", "chance"])
def test_what_a_body_computes_must_be_the_same_again(change):
    x = leaf(0.5, -1.0)
    h = x * 1 if change != "leaf" else x
    if change in ("value", "sign"):
        with mg.no_grad():
            h.mul_(-1 if change == "sign" else 3)
    y = (keeps_chance if change == "chance" else keeps_square if change == "sign" else keeps_what_it_computes)(h)
    if change == "leaf":
        x.data.mul_(2)
    name = {"chance": "keeps_chance", "sign": "keeps_square"}.get(change, "keeps_what_it_computes")
    grad(y.sum(), x, retain_graph=True)
    with pytest.raises(RuntimeError, match=rf"backward: {name} \(output shape \(2,\)\) cannot be differentiated twice"):
        grad(y.sum(), x, create_graph=True)


@op
def keeps_square(x):
    """Return x⁴. The VJP holds x² and |x|, neither of which tells the sign of x."""
    square, size = x * x, array_module(x).absolute(x)
    return square * square, lambda g: 4 * g * square * size


def test_an_argument_of_unknown_sign_is_not_guessed():
    x = leaf(2.0, 3.0)
    y = keeps_square(x)
    (first,) = grad(y.sum(), x, create_graph=True)
    np.testing.assert_array_equal(first.detach().numpy(), [32.0, 108.0])
    np.testing.assert_array_equal(grad(first.sum(), x)[0].numpy(), [48.0, 108.0])


# ---- Functions


class Counted(Function):
    """x³; each run is counted and draws a number."""

    runs = 0

    @staticmethod
    def forward(ctx, x):
        Counted.runs += 1
        ctx.scale = random.random()
        y = x**3 * ctx.scale
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * 3 * y / x


def test_a_function_never_runs_its_forward_again():
    x = leaf(2.0, 3.0)
    Counted.runs = 0
    y = Counted.apply(x)
    state = random.getstate()
    scale = float(y[0]) / 8
    derivative = y.sum()
    for factor, power in ((3, 2), (6, 1), (6, 0)):
        (derivative,) = grad(derivative.sum(), x, create_graph=True)
        np.testing.assert_allclose(derivative.detach().numpy(), factor * scale * np.array([2.0, 3.0])**power, rtol=1e-12)
    assert Counted.runs == 1 and random.getstate() == state


def test_operations_after_a_function_find_its_value():
    """Whether a VJP holds it, something was computed from it, or nothing holds it any more."""
    x = leaf(0.3, 0.4)
    for after, expected in ((lambda y: y * y, lambda v: 30 * v**4), (lambda y: (y + 1).exp(), None), (lambda y: (y * 2 + y).tanh(), None)):
        cube = Cube.apply(x)
        z = after(cube)
        del cube
        found = twice(z.sum(), x)
        wanted = twice(after(x**3).sum(), x)
        for a, b in zip(found, wanted):
            np.testing.assert_allclose(a, b, rtol=1e-12)
        if expected:
            np.testing.assert_allclose(found[2], expected(np.array([0.3, 0.4])), rtol=1e-12)


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x**2


def test_a_function_that_returns_its_input_saves_the_input():
    """The saved tensor is the input, also if the output has its memory: the penalty's own gradient is not differentiated again."""
    found = []
    for lib, base in ((mg, Function), (torch, torch.autograd.Function)):

        class Penalty(base):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x

            @staticmethod
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                return g + 0.5 * x * x

        x = leaf(1.0, -2.0, lib=lib)
        found.append(twice((Penalty.apply(x * 3) ** 2).sum(), x, lib))
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-14)


# ---- promotion, options, exchanged arrays


def promoted_cases(lib):
    ints, floats = lib.tensor([2, 3]), lib.tensor([0.5, 2.0], dtype=lib.float32, requires_grad=True)
    wide = leaf(1.5, 2.5, lib=lib)
    return {
        "int ** float32": (lambda: ints**floats, floats),
        "float32 % int": (lambda: floats**2 % lib.tensor([1, 2]), floats),
        "float32 % 0": (lambda: floats**2 % lib.tensor([1, 0]), floats),
        "int / float32": (lambda: ints / floats, floats),
        "float32 * float64": (lambda: floats * wide * floats, floats),
        "float64 * float32": (lambda: floats * wide * wide, wide),
        "bool * float32": (lambda: (ints > 2) * floats**3, floats),
        "uint8 - float32": (lambda: (ints.to(lib.uint8) - floats) ** 3, floats),
        "maximum of int": (lambda: lib.maximum(ints, floats) ** 2, floats),
        "0-d float64 beside float32": (lambda: floats**2 * lib.tensor(2.0, dtype=lib.float64), floats),
    }


@pytest.mark.parametrize("case", promoted_cases(mg))
def test_promotion_is_not_forgotten(case):
    found = [twice(make().sum(), x, lib) for lib in (mg, torch) for make, x in [promoted_cases(lib)[case]]]
    for a, b in zip(*found):
        assert (a is None or not a.any()) if b is None else a.dtype == b.dtype
        if a is not None and b is not None:
            np.testing.assert_allclose(a, b, rtol=2e-6)


def test_options_changed_meanwhile_do_not_count():
    found = []
    for lib in (mg, torch):
        x, weight, targets = leaf([[0.1, 0.2], [0.3, -0.4]], lib=lib), lib.tensor([1.0, 3.0], dtype=lib.float64), lib.tensor([0, 1])
        loss = lib.nn.functional.nll_loss(lib.nn.functional.log_softmax(x, 1), targets, weight)
        if lib is mg:
            weight[:] = 100.0  # PyTorch refuses to go backward then
        found.append(twice(loss, x, lib))
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


def test_an_exchanged_array_counts():
    def slope(x):
        with mg.enable_grad():
            return grad((x**3).sum(), x, create_graph=True)[0]

    assert gradcheck(slope, (leaf(0.5, -1.0) * 2,))
    assert gradcheck(slope, (leaf(0.5, -1.0),))


F16 = {
    "x * x * x": lambda lib, x: x * x * x,
    "exp": lambda lib, x: (x * 0.3).exp(),
    "tanh": lambda lib, x: x.tanh().pow(2),
    "softmax": lambda lib, x: x.softmax(1) ** 2,
    "log_softmax": lambda lib, x: x.log_softmax(1) ** 2,
    "matmul": lambda lib, x: (x @ x.t()).pow(2),
    "mean": lambda lib, x: x.mean(0) ** 2,
    "mse": lambda lib, x: lib.nn.functional.mse_loss(x, x.detach() * 0.5),
    "pow": lambda lib, x: (x * x + 0.5) ** (x * 0.3),
    "div": lambda lib, x: 1 / (x * x + 1),
    "linear": lambda lib, x: lib.nn.functional.linear(x, x, x[0, :3]).pow(2),
    "max": lambda lib, x: x.amax(1) ** 2,
    "sigmoid": lambda lib, x: x.sigmoid(),
    "cross_entropy": lambda lib, x: lib.nn.functional.cross_entropy(x, lib.tensor([0, 1, 2])),
    "clamp": lambda lib, x: x.clamp(-0.5, 0.5) ** 2,
    "beside float32": lambda lib, x: x * lib.ones(3, 3) * x,
    "beside numbers": lambda lib, x: (x * 0.1 + 3).pow(3),
}


@pytest.mark.parametrize("name", F16)
def test_higher_derivatives_of_float16(name):
    found = []
    for lib in (mg, torch):
        x = lib.tensor(np.linspace(-1, 1, 9).reshape(3, 3), dtype=lib.float16, requires_grad=True)
        found.append(twice(F16[name](lib, x).sum(), x, lib))
    for a, b in zip(*found):
        assert a.dtype == b.dtype == np.float16
        np.testing.assert_allclose(a.astype(float), b.astype(float), rtol=4e-3, atol=4e-3)


# ---- powers


def test_zero_to_a_power_twice():
    y = leaf(2.0)
    for base in (mg.tensor(0.0, dtype=mg.float64), mg.tensor(0.0), 0.0):
        (first,) = grad(base**y, y, create_graph=True)
        (second,) = grad(first, y)
        assert (float(first), float(second)) == (0.0, 0.0)


@pytest.mark.parametrize("exponent", [0, 0.0, [0.0, 0.0, 1.0], 1, 2])
@pytest.mark.parametrize("g", [1.0, np.inf, np.nan])
def test_powers_and_extreme_gradients(exponent, g):
    found = []
    for lib in (mg, torch):
        x = leaf(0.0, 1.0, -2.0, lib=lib)
        power = x ** (lib.tensor(exponent, dtype=lib.float64) if isinstance(exponent, list) else exponent)
        found.append(lib.autograd.grad(power, x, lib.tensor([g] * 3, dtype=lib.float64))[0].numpy())
    np.testing.assert_array_equal(*found)


# ---- random programs, with writes between any two operations


@pytest.mark.parametrize("part", range(6))
def test_random_programs_with_writes_in_between(part):
    """There are 300 programs, and 20,000 with MINIGRAD_TEST_PROFILE=deep."""
    refused = 0
    for seed in range(part, 20_000 if settings.get_current_profile_name() == "deep" else 300, 6):
        assert random_derivatives.disagreement(seed, torch) is None, f"random_derivatives.disagreement({seed}, torch)"
        first, again, _ = random_derivatives.run(mg, seed, random_derivatives.draw(seed))
        refused += isinstance(again, Exception) and not isinstance(first, Exception)
    assert refused < seed / 6 / 20  # nearly all that have a first derivative have a second one


def half(x, g, *, factor=0.5):
    return x * g * factor


class Holder:
    """Something with a method that may be a VJP."""

    def __init__(self, x):
        self.x = x

    def vjp(self, g):
        return 2 * self.x * g


def countdown(n, x):
    """Return a VJP from a function that calls itself."""

    def vjp(g, n=n):
        return vjp(g, n - 1) + vjp(g, n - 1) if n else x * g

    return vjp


def unfilled(x, g):
    def vjp(g):
        return late * g if never else 2 * x * g

    never = False
    if never:
        late = 1.0
    return vjp(g)


OUTER = object()
WAYS = {  # VJPs of x² that hold x in their cells, defaults, …
    "a cell": lambda x: lambda g: 2 * x * g,
    "a default": lambda x: lambda g, x=x: 2 * x * g,
    "a keyword's default": lambda x: keyword(x),
    "an argument of a partial": lambda x: partial(lambda x, g: 2 * x * g, x),
    "a keyword of a partial": lambda x: partial(lambda g, x: 2 * x * g, x=x),
    "the function of a partial": lambda x: partial(lambda f, g: 2 * f() * g, lambda: x),
    "a cell beside a module": lambda x: (lambda xp: lambda g: 2 * xp.copy(x) * g)(array_module(x)),
    "a tuple": lambda x: (lambda pair: lambda g: pair[1] * pair[0] * g)((x, 2.0)),
    "a tuple with another object": lambda x: (lambda pair: lambda g: 2 * pair[0] * g)((x, OUTER)),
    "a list": lambda x: (lambda pair: lambda g: pair[1] * pair[0] * g)([x, 2]),
    "a tuple in a list": lambda x: (lambda pair: lambda g: 2 * pair[0][0] * g)([(x,), (3, 4)]),
    "a dict": lambda x: (lambda table: lambda g: table["two"] * table["x"] * g)({"x": x, "two": 2}),
    "a function inside": lambda x: (lambda f: lambda g: 2 * f() * g)(lambda: x),
    "a function that calls itself": lambda x: countdown(1, x),
    "a function with a cell that is never filled": lambda x: partial(unfilled, x),
    "a cell after one that is never filled": lambda x: after_unfilled(x),
    "a cell beside NumPy's function": lambda x: (lambda f: lambda g: 2 * f(x) * g)(array_module(x).copy),
}


def after_unfilled(x):
    def vjp(g):
        return 2 * x * g if len(x) else another

    if not len(x):
        another = 0.0
    return vjp


def keyword(x):
    def vjp(g, *, x=x):
        return 2 * x * g

    return vjp


@pytest.mark.parametrize("way", WAYS)
def test_what_vjps_hold_is_found_wherever_it_is(way):
    square = op(lambda x: (x * x, WAYS[way](x)))
    x = leaf(0.5, -1.5)
    h = x * 1
    with mg.no_grad():
        h[0] = 4.0
    y = square(h)
    (first,) = grad(y.sum(), x, create_graph=True)
    assert first.tolist() == grad(y.sum(), x, retain_graph=True)[0].tolist() == [8.0, -3.0]
    assert grad((first**2).sum(), x)[0].tolist() == [32.0, -12.0]


OTHERS = {  # VJPs that hold another object each time
    "another function": lambda x, n: (lambda g: 2 * x * g) if n == 1 else (lambda g: 2 * g * x),
    "another length": lambda x, n: (lambda parts: lambda g: 2 * parts[0] * g)((x,) * n),
    "another kind": lambda x, n: (lambda parts: lambda g: 2 * parts[0] * g)((x, x) if n == 1 else {0: x}),
    "another kind of the same length": lambda x, n: (lambda parts: lambda g: 2 * parts[0] * g)((x,) if n == 1 else {0: x}),
    "a tuple for a dict": lambda x, n: (lambda parts: lambda g: 2 * parts[0] * g)({0: x} if n == 1 else (x,)),
    "other keys": lambda x, n: (lambda parts: lambda g: 2 * parts[0] * g)({0: x, n: x}),
    "an object": lambda x, n: Holder(x).vjp,
}


@pytest.mark.parametrize("way", OTHERS)
def test_what_vjps_hold_is_not_guessed(way):
    runs = []

    def body(x):
        runs.append(1)
        return x * x, OTHERS[way](x, len(runs))

    x = leaf(0.5, -1.5)
    y = op(body)(x).sum()
    assert grad(y, x, retain_graph=True)[0].tolist() == [1.0, -3.0]
    with pytest.raises(RuntimeError, match=r"backward: body .*\(2,\).* cannot be differentiated twice: its VJP holds another"):
        grad(y, x, create_graph=True)


def test_a_body_that_cannot_run_again():
    runs = []

    def body(x, y):
        runs.append(1)
        if len(runs) > 2:
            raise ZeroDivisionError("no third run")
        return (x * y, lambda g: g * y, lambda g: g * x)[:4 - len(runs)]

    x = leaf(0.5, -1.5)
    y = op(body)(x * 1, x)
    for what in ("zip", "no third run"):
        with pytest.raises(RuntimeError, match=rf"backward: body .* cannot be differentiated twice: computing it again failed \(.*{what}"):
            grad(y.sum(), x, create_graph=True)
    assert grad(y.exp().sum(), x)[0].tolist() == [np.exp(0.25) * 1.0, np.exp(2.25) * -3.0]


@op
def keeps_both(x):
    """Return x e^x. The VJP holds x and e^x."""
    e = array_module(x).exp(x)
    return x * e, lambda g: g * (x * e + e)


def test_what_was_computed_follows_the_arguments_that_are_held():
    x = leaf(0.5, -1.0)
    h = x * 1
    with mg.no_grad():
        h[0] = 2.0
    (first,) = grad(keeps_both(h).sum(), x, create_graph=True)
    np.testing.assert_allclose(first.tolist(), [3 * np.exp(2.0), 0.0], rtol=1e-14)
    np.testing.assert_allclose(grad(first.sum(), x)[0].tolist(), [4 * np.exp(2.0), np.exp(-1.0)], rtol=1e-14)


@pytest.mark.parametrize("middle", [lambda h: h + 1, lambda h: (h * 2).t().t(), keeps_what_it_computes, Cube.apply])
@pytest.mark.parametrize("doubtful", [False, True])
def test_doubts_extend_to_what_is_computed_from_a_value(middle, doubtful):
    """A value is in doubt if anything is that it was computed from: here its sign, which no VJP holds."""
    x = leaf(0.5, -1.0)
    h = x * 1
    if doubtful:
        with mg.no_grad():
            h.neg_()
    value = middle(h)
    y = keeps_square(value)
    if doubtful:
        del value  # else the value of a Function would be found
        with pytest.raises(RuntimeError, match=r"(keeps_square|keeps_what_it_computes) .* cannot be differentiated twice"):
            grad(y.sum(), x, create_graph=True)
    else:
        (first,) = grad(y.sum(), x, create_graph=True, retain_graph=True)
        np.testing.assert_array_equal(first.detach().numpy(), grad(y.sum(), x)[0].numpy())


def test_a_value_that_nothing_holds_is_not_guessed():
    x = leaf(0.5, -1.0)
    y = keeps_square(Cube.apply(x))
    with pytest.raises(RuntimeError, match=r"keeps_square .* cannot be differentiated twice"):
        grad(y.sum(), x, create_graph=True)


def test_only_operations_on_the_way_must_be_differentiable_twice():
    x, y = leaf(2.0, 3.0), leaf(1.0, 1.0)
    z = x * x + keeps_chance(y)
    (first,) = grad(z.sum(), x, create_graph=True)
    assert grad(first.sum(), x)[0].tolist() == [2.0, 2.0]


@op
def keeps_positive(x):
    """max(x, 0)², whose VJP holds max(x, 0): the same for all negative x, and for NaN."""
    part = array_module(x).where(x > 0, x, 0)
    return part * part, lambda g: 2 * g * part


def test_a_value_that_nothing_holds_is_in_doubt_whatever_comes_of_it():
    x = leaf(-0.5, -1.0)
    with pytest.raises(RuntimeError, match=r"keeps_positive .* cannot be differentiated twice: its argument 0 may have been changed"):
        grad(keeps_positive(Cube.apply(x)).sum(), x, create_graph=True)
    assert grad(grad(keeps_positive(x).sum(), x, create_graph=True)[0].sum(), x)[0].tolist() == [0.0, 0.0]


def test_writes_elsewhere_raise_no_doubt():
    x, other = leaf(0.5, -1.0), mg.ones(2)
    y = keeps_what_it_computes(x)
    other.add_(1)
    (first,) = grad(y.sum(), x, create_graph=True)
    np.testing.assert_allclose(grad(first.sum(), x)[0].numpy(), 4 * np.exp([1.0, -2.0]), rtol=1e-14)


@pytest.mark.parametrize("odd", ["first", "second"])
@pytest.mark.parametrize("change", ["numbers", "shape"])
def test_everything_that_was_computed_must_be_the_same_again(odd, change):
    runs = []

    def body(x):
        runs.append(1)
        first = second = array_module(x).exp(x)
        other = first * len(runs) if change == "numbers" else first.reshape((1,) * len(runs) + tuple(x.shape))
        first, second = (other, second) if odd == "first" else (first, other)
        return x * 1, lambda g: g * (first * second).reshape(x.shape)

    x = leaf(0.5, -1.0)
    y = op(body)(x)
    with pytest.raises(RuntimeError, match=r"backward: body .* cannot be differentiated twice: what its VJPs hold beside them is not"):
        grad(y.sum(), x, create_graph=True)


def test_what_a_wide_operation_computes_is_the_same_again():
    @op(wide=True)
    def scaled(x, *, scale):
        kept = x * (scale * scale)
        return kept * kept, lambda g: 2 * g * kept * (scale * scale)

    @op(wide=True)
    def grown(x):
        e = array_module(x).exp(x)
        return e * e, lambda g: 2 * g * e * e

    scale = np.array([0.3, 1.7], "float16")
    x = mg.tensor([0.3, -1.1], dtype=mg.float16, requires_grad=True)
    (first,) = grad(grown(x).sum(), x, create_graph=True)
    np.testing.assert_allclose(grad(first.sum(), x)[0].numpy(), 4 * np.exp(2 * x.detach().numpy()), rtol=4e-3)
    (first,) = grad(scaled(x, scale=scale).sum(), x, create_graph=True)
    wide, numbers = scale.astype("float32") ** 4, x.detach().numpy().astype("float32")
    np.testing.assert_array_equal(first.detach().numpy(), (2 * numbers * wide).astype("float16"))
    np.testing.assert_allclose(grad(first.sum(), x)[0].numpy(), 2 * wide, rtol=2e-3)


STEPS = {
    "relu": lambda lib, x: x.relu(),
    "remainder": lambda lib, x: (x.detach() + 5) % x,
    "x % x": lambda lib, x: (x + 5) % x,
    "abs": lambda lib, x: x.abs(),
    "clamp": lambda lib, x: x.clamp(-1.0, 1.0),
    "max": lambda lib, x: x.max(),
    "amin": lambda lib, x: x.amin(0),
    "maximum": lambda lib, x: lib.maximum(x, -x),
    "minimum of an operand": lambda lib, x: lib.minimum(x * 1, x.detach() + 0.5),
    "where": lambda lib, x: lib.where(x > 0, x, -x),
    "multiple": lambda lib, x: x * 2,
    "dividend": lambda lib, x: x % 2,
}


@pytest.mark.parametrize("name", STEPS)
def test_a_derivative_in_steps_requires_a_gradient_where_pytorchs_does(name):
    found = []
    for lib in (mg, torch):
        x = leaf(-0.5, 2.0, lib=lib)
        (first,) = lib.autograd.grad(STEPS[name](lib, x).sum() * 2, x, create_graph=True)
        found.append((first.tolist(), first.requires_grad))
        if first.requires_grad and not (lib is torch and name in ("remainder", "x % x")):  # PyTorch has no second derivative of these
            second = lib.autograd.grad(first.sum(), x, allow_unused=True)[0]
            assert second is None or (second + 0).tolist() == [0.0, 0.0]
    assert found[0] == found[1]


def test_a_derivative_in_steps_beside_a_number():
    """PyTorch has none of it."""
    x = leaf(-0.5, 2.0)
    (first,) = grad((5.0 % x).sum(), x, create_graph=True)
    assert first.tolist() == [10.0, -2.0] and first.requires_grad and grad(first.sum(), x)[0].tolist() == [0.0, 0.0]
