"""Corner cases of the operations, compared with PyTorch: bases 0 and below, equal bounds, what products and layers refuse."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import ops


def both(function, *values, dtype="float64"):
    """Return the value and the gradients of its sum in minigrad and in PyTorch: lists of numbers that must be equal."""
    results = []
    for lib in (mg, torch):
        tensors = [lib.tensor(v, dtype=getattr(lib, dtype), requires_grad=True) if isinstance(v, list) else v for v in values]
        out = function(lib, *tensors)
        out.backward(lib.tensor(np.arange(1.0, out.numel() + 1).reshape(tuple(out.shape)).tolist(), dtype=out.dtype))
        leaves = [t for t in tensors if not isinstance(t, (int, float))]
        results.append([out.detach().numpy(), *[t.grad.numpy() for t in leaves]])
    for in_minigrad, in_torch in zip(*results):
        np.testing.assert_allclose(in_minigrad, in_torch, rtol=1e-14, atol=0)
        assert in_minigrad.dtype == in_torch.dtype
    return results[0]


@pytest.mark.parametrize("base", [0, 0.0, 1, 2.0, -2.0, -1])
def test_powers_of_a_number(base):
    both(lambda lib, y: base**y, [0.0, 1.0, 2.0, -1.0, 0.5, -0.0])


@pytest.mark.parametrize("exponents", [[0.0, 0.0, 0.0], [1.0, 2.0, 0.5], [-1.0, -0.0, 3.0]])
def test_powers_at_base_zero(exponents):
    both(lambda lib, x, y: x**y, [0.0, -0.0, 0.0], exponents)


def test_clamp_between_equal_bounds_and_at_bounds():
    clamp = lambda lib, x, low, high: lib.clamp(x, low, high)
    both(clamp, [0.0, 1.0, 2.0, 3.0], [1.0] * 4, [1.0] * 4)
    both(clamp, [0.0, 1.0, 2.0, 3.0, 4.0], [1.0] * 5, [3.0] * 5)
    both(clamp, [0.0, 1.0, 2.0, 3.0, 4.0], [3.0] * 5, [1.0] * 5)
    both(lambda lib, x, low: lib.clamp(x, low), [0.0, 1.0, 2.0], [1.0] * 3)
    both(lambda lib, x, high: lib.clamp(x, max=high), [0.0, 1.0, 2.0], [1.0] * 3)


def test_ties():
    both(lambda lib, x, y: lib.maximum(x, y), [1.0, 2.0, 3.0], [3.0, 2.0, 1.0])
    both(lambda lib, x, y: lib.minimum(x, y), [1.0, 2.0, 3.0], [3.0, 2.0, 1.0])
    both(lambda lib, x: x.amax(1), [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    both(lambda lib, x: x.max(), [[1.0, 3.0, 3.0], [2.0, 2.0, 3.0]])
    both(lambda lib, x: x.median(), [[1.0, 3.0, 2.0], [2.0, 2.0, 3.0]])


def test_bounds_changed_in_place_into_a_tensor_are_in_its_history():
    both(lambda lib, low, high: lib.tensor([0.0, 2.0, 4.0], dtype=lib.float64).clamp_(low, high), [1.0] * 3, [3.0] * 3)


def test_lerp_is_exact_at_both_ends():
    for weight in (0.0, 1.0, [0.0, 1.0], [0.25, 0.75]):
        both(lambda lib, x, y, w: lib.lerp(x, y, w), [1e20, 1e20], [1.0, 3.0], weight)


@pytest.mark.parametrize("mode", ["floor", "trunc"])
def test_a_rounded_quotient_has_the_gradient_0_everywhere(mode):
    both(lambda lib, x, y: lib.div(x, y, rounding_mode=mode), [float("inf"), -7.0], [2.0, 0.0])


def test_terms_of_smaller_dtypes_are_not_rounded():
    for name in ("addcmul", "addcdiv"):
        have, want = [getattr(lib.tensor([1.0], dtype=lib.float64), name)(lib.tensor([5]), lib.tensor([0.1])) for lib in (mg, torch)]
        np.testing.assert_array_equal(have.numpy(), want.numpy())


def test_ignored_terms_have_the_gradient_0():
    both(lambda lib, x, y: lib.addmm(x, y, y, beta=0), [[float("nan")]], [[2.0]])


def test_dtypes_of_angles_sums_over_no_dim_and_counts():
    for lib in (mg, torch):
        assert lib.atan2(lib.tensor([1.0]).half(), lib.tensor([2])).dtype == lib.float16
        assert lib.logsumexp(lib.zeros(2, 2), (), True).shape == (1, 1)
        with lib.no_grad():
            assert lib.ones(3, requires_grad=True).norm(p=0) == 3


def test_numbers_on_either_side():
    for a, b in (([1.0, -2.0], 1.5), (1.5, [1.0, 2.0])):
        both(lambda lib, x, y: ops.maximum(x, y) if lib is mg else torch.maximum(*map(torch.as_tensor, (x, y))), a, b)
        both(lambda lib, x, y: ops.minimum(x, y) if lib is mg else torch.minimum(*map(torch.as_tensor, (x, y))), a, b)


@pytest.mark.parametrize("choose", [ops.maximum, ops.minimum, lambda x, y: ops.where(np.array([True, False]), x, y)])
def test_numbers_on_either_side_differentiated_twice(choose):
    for a, b in (([1.0, -2.0], 1.5), (1.5, [1.0, 2.0])):
        x = mg.tensor(a if isinstance(a, list) else b, dtype=mg.float64, requires_grad=True)
        out = choose(*(x if isinstance(v, list) else v for v in (a, b)))
        (first,) = mg.autograd.grad((out * out).sum(), x, create_graph=True)
        (second,) = mg.autograd.grad(first.sum(), x)
        taken = out.detach().numpy() == x.detach().numpy()
        np.testing.assert_array_equal(first.detach().numpy(), np.where(taken, 2 * out.detach().numpy(), 0))
        np.testing.assert_array_equal(second.numpy(), np.where(taken, 2.0, 0.0))


def test_relu_of_negative_zero():
    signs = [np.signbit(lib.tensor([-0.0, 0.0]).relu().numpy()).tolist() for lib in (mg, torch)]
    assert signs[0] == signs[1]


def test_whole_numbers_divided_by_zero():
    x = mg.tensor([1, 2])
    for divide in (lambda x, y: x // y, lambda x, y: x % y):
        for y in (mg.tensor([1, 0]), mg.tensor([0, 1]), mg.tensor([0, 0])):
            with pytest.raises(RuntimeError, match=r"by 0.*\(2,\)"):
                divide(x, y)
        assert divide(x, mg.tensor([1, -1])).shape == (2,)


SHAPES = {  # of x, weight and bias that a linear layer refuses
    "weight of three axes": [(2, 3), (4, 3, 1), (4,)],
    "x of no axis": [(), (4, 3), (4,)],
    "x too long": [(2, 4), (4, 3), (4,)],
    "bias too long": [(2, 3), (4, 3), (5,)],
    "bias of two axes": [(2, 3), (4, 3), (1, 4)],
}


@pytest.mark.parametrize("name", SHAPES)
def test_linear_refuses(name):
    x, weight, bias = (mg.zeros(*s) for s in SHAPES[name])
    with pytest.raises(RuntimeError, match="linear: expected x") as caught:
        ops.linear(x, weight, bias)
    for shape in SHAPES[name]:
        assert str(tuple(shape)) in str(caught.value)


@pytest.mark.parametrize("odd", range(3))
def test_linear_refuses_mixed_dtypes(odd):
    tensors = [mg.zeros(*s, dtype=mg.float64 if i == odd else mg.float32) for i, s in enumerate([(2, 3), (4, 3), (4,)])]
    with pytest.raises(RuntimeError, match=r"linear: expected one dtype.*float64"):
        ops.linear(*tensors)


@pytest.mark.parametrize("a, b", [((3,), (3, 2)), ((2, 3), (3,)), ((), (2, 2)), ((2, 3), (2, 3)), ((2, 2, 3), (2, 2))])
def test_matmul_refuses(a, b):
    with pytest.raises(RuntimeError, match="matmul: shapes") as caught:
        ops.matmul(mg.zeros(*a), mg.zeros(*b))
    assert str(a) in str(caught.value) and str(b) in str(caught.value)
    with pytest.raises(RuntimeError, match="matmul: expected one dtype"):
        ops.matmul(mg.zeros(2, 2), mg.zeros(2, 2, dtype=mg.float64))


def test_empty_sums_and_means():
    for shape, dim in (((0, 3), 0), ((3, 0), 1), ((0,), None)):
        for lib in (mg, torch):
            x = lib.zeros(*shape, requires_grad=True)
            mean = x.mean() if dim is None else x.mean(dim)
            assert np.isnan(mean.detach().numpy()).all()
            mean.sum().backward()
            assert tuple(x.grad.shape) == shape


def test_reductions_of_a_single_number_over_its_only_axis():
    for name in ("sum", "mean", "max", "min"):
        for axis in (0, -1):
            x = mg.tensor(3.0, requires_grad=True)
            y = getattr(ops, name)(x, axis=axis)
            y.backward()
            assert (y.item(), x.grad.item(), y.shape) == (3, 1, ())


def test_backward_through_a_floor_division_is_an_error():
    for lib in (mg, torch):
        x = lib.tensor([3.0, -4.0], requires_grad=True)
        for y in (x // 2, lib.floor_divide(2.0 * x, x), x.detach() // x):
            assert y.requires_grad
            with pytest.raises(RuntimeError, match=r"floor_divide.*not implemented"):
                y.sum().backward()
        assert not (x.detach() // 2).requires_grad


@pytest.mark.parametrize("make", ["from_numpy", "as_tensor"])
def test_a_read_only_array_is_warned_of(make):
    array = np.ones(3, "float32")
    array.flags.writeable = False
    with pytest.warns(UserWarning, match="The given NumPy array is not writable"):
        x = getattr(mg, make)(array)
    with pytest.raises(RuntimeError, match="read-only"):
        x.add_(1)
    assert mg.tensor(array).add_(1).tolist() == [2.0, 2.0, 2.0] and array.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
def test_softmax_of_few_or_no_numbers(function):
    """The shift by the maximum is also there where an axis has the length 1, and an empty array has no maximum."""
    call = lambda lib, x: getattr(x, function)(-1)
    for rows in ([[1000.0, 999.0, -1000.0]], [[1000.0], [-1000.0]], [1000.0], [], [[], []]):
        both(call, rows)


@pytest.mark.parametrize("weight", [[0.0, 1.0, 2.0], [1.0, 0.0, 2.0]])
def test_a_class_without_weight_whose_probability_is_zero(weight):
    """0 · -∞ is NaN at the target, as in PyTorch; beside the target it counts as 0."""
    t = {lib: lib.tensor([0, 2]) for lib in (mg, torch)}
    for reduction in ("none", "sum"):
        loss = lambda lib, x, how=reduction: lib.nn.functional.nll_loss(x, t[lib], lib.tensor(weight, dtype=lib.float64), reduction=how)
        both(loss, [[-np.inf, 0.0, -1.0], [-1.0, -np.inf, -2.0]])


INFINITE = """
x.max(); x.min(); x.amax(0); x.amin(1); x.max(1)[0]; x.min(0, keepdim=True)[0]; x.abs(); x.sign(); x.clamp(-1, 1); x.clamp(min=0); x.relu()
x.clamp(x.detach(), 1 - x); lib.where(x > 0, x, -x); lib.maximum(x, 0 * x.detach()); lib.minimum(x, x.detach()); x.sigmoid(); x.tanh()
x.sum(0); x.mean(); x[0]; x[:, [0, 0]]; x[x > 0]; x.t(); x.expand(2, 3, 3); x.sqrt(); x.square(); x / 2; x.exp(); x.softmax(0)
x.log_softmax(1); lib.nn.functional.nll_loss(x, t, reduction='none'); lib.nn.functional.nll_loss(x, t)
lib.nn.functional.nll_loss(x, t, reduction='sum')
lib.nn.functional.nll_loss(x, t, ignore_index=2, reduction='none'); lib.nn.functional.mse_loss(x, 0 * x.detach()); lib.cat([x, x], 1)
"""


@pytest.mark.parametrize("code", [code for line in INFINITE.strip().split("\n") for code in line.split("; ")])
def test_infinite_gradients_stay_where_pytorch_has_them(code):
    """An element that was not chosen gets 0, not 0 · ∞, in each function in which PyTorch chooses."""
    for g in (np.inf, -np.inf, np.nan):
        found = []
        for lib in (mg, torch):
            x = lib.tensor([[0.0, 1.0, -2.0], [3.0, 0.0, 1.0], [-2.0, 3.0, 0.5]], dtype=lib.float64, requires_grad=True)
            y = eval(code, {"lib": lib, "x": x, "t": lib.tensor([2, 0, 1])})
            y.backward(lib.full(tuple(y.shape), g, dtype=lib.float64))
            found.append(x.grad.numpy())
        np.testing.assert_array_equal(*found)


def test_the_logarithm_of_an_extreme():
    for lib in (mg, torch):
        x = lib.tensor([0.0, 1.0, 2.0], requires_grad=True)
        x.min().log().backward()
        assert x.grad.tolist() == [np.inf, 0.0, 0.0]


@pytest.mark.parametrize("wrong", [lambda lib: lib.maximum(3, 4), lambda lib: lib.minimum(3.0, lib.ones(2)), lambda lib: lib.eye(2, -1),
                                   lambda lib: lib.arange(lib.tensor([1, 2])), lambda lib: lib.tensor(1.0).cumsum(1),
                                   lambda lib: lib.tensor(1.0).prod(-2), lambda lib: lib.ones(2, 2).tril(0.5),
                                   lambda lib: lib.ones(2).sum("x")])
def test_pytorch_refuses_this_too(wrong):
    with pytest.raises((TypeError, RuntimeError, IndexError)) as theirs:
        wrong(torch)
    with pytest.raises(theirs.type):
        wrong(mg)


def test_a_shape_of_one_axis_may_be_a_number():
    assert mg.full(3, 1.5).tolist() == [1.5] * 3
    assert mg.zeros(size=3).shape == mg.randint(0, 2, 3).shape == (3,)


def test_numbers_may_be_tensors_of_one_element():
    with pytest.raises(TypeError, match=r"normal_: expected a number or a tensor of one element, got one of shape \(2,\)"):
        mg.zeros(2).normal_(mg.zeros(2))
    with pytest.raises(TypeError, match=r"linspace: expected a number or a tensor of one element, got one of shape \(2,\)"):
        mg.linspace(mg.zeros(2), 1, 3)
    assert mg.zeros(2).normal_(mg.tensor(1.0), mg.tensor(0.0)).tolist() == mg.linspace(mg.tensor([1.0]), 1, 2).tolist() == [1.0, 1.0]
