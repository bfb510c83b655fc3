"""PyTorch functions, Function classes and modules, as subjects of a check."""

import dataclasses
import random

import numpy as np
import pytest
import torch
from torch import nn

from minigrad.testing import check_torch
from minigrad.testing.subjects.of_torch import TorchSubject
from support.subjects import assert_right, outcome, stopped

F64 = torch.float64


def draw(*shape, seed=0):
    return torch.randn(shape, dtype=F64, generator=torch.Generator().manual_seed(seed))


def function_of(forward, backward):
    """Return a Function class that saves its inputs and its output."""

    class Operation(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *inputs):
            y = forward(*inputs)
            ctx.save_for_backward(*inputs)
            ctx.kept = y.clone()
            return y

        @staticmethod
        def backward(ctx, g):
            return backward(g, ctx.kept, *ctx.saved_tensors)

    return Operation


class Tanh(torch.autograd.Function):
    """A Function of the newer kind, whose backward can be differentiated."""

    @staticmethod
    def forward(x):
        return x.tanh()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * (1 - y * y)


@dataclasses.dataclass
class Batch:
    values: torch.Tensor
    index: torch.Tensor


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)).double()


def gradient_penalty(x):
    """A function that computes a gradient itself."""
    (g,) = torch.autograd.grad(x.pow(3).sum(), x, create_graph=True)
    return g.pow(2).sum()


def double_in_place(x):
    return x.mul_(2).tanh()


def case(function, inputs, **options):
    return lambda: TorchSubject(function, inputs, **options)


# ---- right functions


def parameters_elsewhere():
    net = network()
    return TorchSubject(lambda x: net(x), [draw(5, 4)], params=net)


WEIGHT = draw(4, 2, seed=1)
RIGHT = {
    "one tensor": case(torch.tanh, [draw(3, 4)]),
    "0-d": case(torch.tanh, [draw()]),
    "a scalar output": case(lambda x: x.pow(2).sum(), [draw(3, 4)]),
    "broadcast": case(lambda x, y: x * y, [draw(3, 4), draw(4)]),
    "a Function": case(Tanh, [draw(3, 4)]),
    "a Function's apply": case(Tanh.apply, [draw(3, 4)]),
    "a module": case(network(), [draw(5, 4)]),
    "a module and its parameters": case(NET := network(), [draw(5, 4).requires_grad_()], params=NET),
    "parameters from elsewhere": parameters_elsewhere,
    "batch norm, which counts calls": case(NORM := nn.BatchNorm1d(4).double(), [draw(5, 4).requires_grad_()], params=NORM),
    "a dict of parameters": case(lambda x: x @ WEIGHT, [draw(3, 4)], params={"weight": WEIGHT}),
    "nested inputs": case(lambda p, b: p["w"] * b.values[b.index] + p["n"],
                                          [{"w": draw(3), "n": 2}, Batch(draw(4), torch.tensor([0, 3, 3]))]),
    "several outputs": case(lambda x: {"best": x.max(1), "all": [x.sum(), Batch(x.exp(), x.argmax())]}, [draw(3, 4)]),
    "an output on the side": case(lambda x: (x.tanh().sum(), x.detach() * 2), [draw(3)]),
    "the input as output": case(lambda x: x, [draw(3)]),
    "a view as output": case(lambda x: x.T[1:], [draw(3, 4)]),
    "a tensor that is passed twice": case(lambda x, y: x * y.exp(), [x := draw(3), x]),
    "an input that does not matter": case(lambda x, y: x.tanh(), [draw(3), draw(2)]),
    "gradients inside": case(gradient_penalty, [draw(3)]),
    "in place": case(double_in_place, [draw(3, 4)], inplace=True),
    "random, seeded": case(lambda x: nn.functional.dropout(x) * np.random.rand() * random.random(), [draw(3, 4)], seed=3),
    "an input that is no leaf": case(torch.tanh, [draw(3).requires_grad_() * 2]),
    "a transposed input": case(torch.tanh, [draw(3, 4).T]),
    "an expanded input": case(torch.tanh, [draw(3, 1).expand(3, 4)]),
    "complex numbers": case(lambda z, x: torch.fft.fft(z * z.abs()) * x, [draw(4) + 1j * draw(4, seed=1), draw(4)]),
    "complex outputs": case(torch.fft.rfft, [draw(5)]),
    "sparse gradients": case(lambda w: nn.functional.embedding(torch.tensor([1, 1]), w, sparse=True), [draw(3, 2)]),
    "a sparse output": case(lambda x: x.to_sparse(), [draw(3, 2)]),
    "a gradient of zeros without memory": case(torch.sgn, [draw(3) + 1j * draw(3)]),
    "a float32 part": case(lambda x: (x.float() * 2, x * 2), [torch.tensor([0.5, 0.25], dtype=F64)]),
    "no elements": case(torch.tanh, [draw(0, 3)]),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_function(name):
    subject = RIGHT[name]()
    if name == "a float32 part":
        assert_right(subject, step=2.0**-6, tolerance=1e-6)
    else:
        assert_right(subject)


@pytest.mark.parametrize("name", [
    "one tensor", "broadcast", "a Function", "a module and its parameters", "a dict of parameters", "nested inputs", "several outputs",
    "gradients inside", "in place", "random, seeded", "complex numbers", "complex outputs",
])
def test_a_right_gradient(name):
    """The gradient is itself a function with gradients; so is the gradient of that."""
    second = assert_right(RIGHT[name]().of_gradient(np.random.default_rng(1)))
    assert second.name.startswith("gradient of ")
    assert_right(second.of_gradient(np.random.default_rng(2)))


def test_what_is_checked():
    x, y = draw(3), draw(3)
    assert TorchSubject(torch.mul, [x, y]).numbers == [0, 1]
    assert TorchSubject(torch.mul, [x, draw(3).requires_grad_()]).numbers == [1]
    net = network()
    net[0].weight.requires_grad_(False)
    assert TorchSubject(net, [x], params=net).names == ["params['0.bias']", "params['2.weight']", "params['2.bias']"]
    assert TorchSubject(net, [draw(4).requires_grad_()], params=net).names[0] == "input"
    assert TorchSubject(torch.mul, [x, x]).numbers == [0]
    assert TorchSubject(lambda *xs: xs[0], [x, 3, {"w": [y]}]).names == ["xs[0]", "xs[2]['w'][0]"]
    assert TorchSubject(Tanh, [x]).names == TorchSubject(Tanh.apply, [x]).names == ["x"]
    assert TorchSubject(function_of(torch.mul, None), [x, y]).names == ["inputs[0]", "inputs[1]"]
    assert TorchSubject(torch.mul, [x, y], names=["left", "right"]).names == ["left", "right"]


def test_names_of_the_outputs():
    def outputs(name):
        subject = RIGHT[name]()
        subject.record()
        return [output for output, _ in subject.outputs]

    assert outputs("one tensor") == ["out"]
    assert outputs("several outputs") == ["out['best'][0]", "out['all'][0]", "out['all'][1].values"]
    second = RIGHT["broadcast"]().of_gradient(np.random.default_rng(0))
    second.record()
    assert [name for name, _ in second.outputs] == ["(d/d x)", "(d/d y)"]
    assert second.names == ["x", "y", "g"]
    partly = TorchSubject(lambda x, y: y * 2, [draw(3), draw(3)]).of_gradient(np.random.default_rng(0))
    partly.record()  # the gradient for x is 0, without a graph
    assert partly.outputs == [("(d/d y)", (3,))]


# ---- nothing is left behind


def test_tensors_keep_their_memory_values_and_gradients():
    x, y, constant = draw(3, 4), draw(4).requires_grad_(), draw(4, seed=2)
    net = network()
    y.grad = torch.ones(4, dtype=F64)
    tensors = [x, y, constant, *net.parameters()]
    before = [(t.data_ptr(), t.untyped_storage().data_ptr(), t.detach().clone(), t.requires_grad, t.grad, t._version, t.stride())
              for t in tensors]

    def function(x, y, constant):
        return net(x * y * constant)

    def broken(x, y, constant):
        raise ZeroDivisionError

    for f in (function, broken):
        subject = TorchSubject(f, [x, y, constant], params=net)
        try:
            subject.record([a + 1 for a in subject.arrays])
            subject.gradients(np.ones(subject.n))
            subject.inspect(np.random.default_rng(0))
        except ZeroDivisionError as error:
            assert "raised in the forward of broken" in error.__notes__[0]
        for t, (pointer, storage, values, required, grad, version, stride) in zip(tensors, before):
            assert (t.data_ptr(), t.untyped_storage().data_ptr(), t.requires_grad) == (pointer, storage, required)
            assert t.grad is grad
            assert (t._version, t.stride()) == (version, stride)
            torch.testing.assert_close(t.detach(), values, rtol=0, atol=0)


def test_a_tensor_that_requires_no_gradient_does_not_afterwards():
    x = draw(3)
    assert check_torch(torch.tanh, x)
    assert not x.requires_grad
    assert x.grad is None
    with pytest.raises(ZeroDivisionError):
        check_torch(lambda x: 1 / 0, x)
    assert not x.requires_grad


def test_a_backward_that_writes_to_grad_leaves_no_trace():
    x = draw(3)

    def function(x):
        (x * 3).sum().backward()
        return x.tanh()

    assert_right(TorchSubject(function, [x]))
    assert x.grad is None


def test_buffers_are_put_back():
    net = nn.BatchNorm1d(4).double()
    subject = TorchSubject(net, [draw(5, 4)])
    subject.record()
    subject.value()
    assert net.num_batches_tracked == 0
    assert not net.running_mean.any()


def test_a_seeded_check_leaves_the_generators_as_they_were():
    torch.manual_seed(7)
    np.random.seed(7)
    wanted = torch.rand(1), np.random.rand()
    torch.manual_seed(7)
    np.random.seed(7)
    assert check_torch(lambda x: nn.functional.dropout(x) * np.random.rand(), draw(3), seed=1)
    assert (torch.rand(1), np.random.rand()) == wanted
    subject = TorchSubject(nn.functional.dropout, [draw(30)])
    assert not subject.repeats(subject.value(), subject.value())


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_caller_may_have_switched_gradients_off(mode):
    x = draw(3)
    with mode():
        assert_right(TorchSubject(gradient_penalty, [x]))
        assert_right(TorchSubject(gradient_penalty, [x]).of_gradient(np.random.default_rng(0)))


# ---- faults


class Overwrites(torch.autograd.Function):
    """A Function whose backward changes what its forward kept."""

    @staticmethod
    def forward(ctx, x):
        ctx.state = {"y": x.tanh()}
        return ctx.state["y"].clone()

    @staticmethod
    def backward(ctx, g):
        return g * ctx.state["y"].square_().neg_().add_(1)


class ChangesData(torch.autograd.Function):
    """A Function whose forward changes its input, without telling PyTorch."""

    @staticmethod
    def forward(ctx, x):
        return x.data.mul_(2)

    @staticmethod
    def backward(ctx, g):
        return 2 * g


def kept(backward):
    return function_of(torch.tanh, backward)


FAULTS = {
    "a gradient too few": ("count", function_of(torch.mul, lambda g, y, a, b: g * b), 2, None),
    "a gradient too many": ("count", kept(lambda g, y, x: (g, g)), 1, None),
    "another shape": ("shape", function_of(torch.mul, lambda g, y, a, b: (g * b, g[0])), 2, 1),
    "a transposed shape": ("transposed", function_of(torch.mul, lambda g, y, a, b: ((g * b).T, g * a)), 2, 0),
    "g is overwritten": ("mutation", kept(lambda g, y, x: g.mul_(1 - y * y)), 1, None),
    "g is overwritten through NumPy": ("mutation", kept(lambda g, y, x: torch.from_numpy(np.negative(g.numpy(), out=g.numpy()))), 1, None),
    "an input is overwritten": ("mutation", kept(lambda g, y, x: g * (1 - x.data.tanh_() ** 2)), 1, 0),
    "a saved tensor is overwritten": ("mutation", kept(lambda g, y, x: g * (1 - x.tanh_() ** 2)), 1, 0),
    "a kept tensor is overwritten": ("mutation", Overwrites, 1, None),
    "the forward changes its input": ("mutation", ChangesData, 1, 0),
    "the forward writes to a leaf": ("mutation", double_in_place, 1, None),
    "the forward writes to a view of a leaf": ("mutation", lambda x: x[0].mul_(2), 1, None),
    "the forward writes to what backward needs": ("mutation", lambda x: x.exp().add_(1), 1, None),
    "g is read in the order of memory": ("layout", kept(lambda g, y, x: g.as_strided(g.shape, (4, 1)) * (1 - y * y)), 1, 0),
    "g must be contiguous": ("layout", kept(lambda g, y, x: (g.view(-1) * (1 - y * y).view(-1)).view(3, 4)), 1, None),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_stops_the_check(name):
    wanted, function, count, argument = FAULTS[name]
    verdict, detail, found = stopped(TorchSubject(function, [draw(3, 4, seed=i) for i in range(count)]))
    assert (verdict, found) == (wanted, argument), detail


def test_a_constant_that_was_changed_is_put_back():
    index = torch.tensor([1, 2])
    verdict, detail, _ = stopped(TorchSubject(lambda x, i: x[i.zero_()], [draw(3), index]))
    assert verdict == "mutation"
    assert "its input i;" in detail
    assert index.tolist() == [1, 2]


def test_the_detail_names_what_was_kept_and_changed():
    assert "the backward of Overwrites changed ctx.state['y']" in stopped(TorchSubject(Overwrites, [draw(3)]))[1]


def test_other_errors_are_raised_as_they_are():
    def fails(g, y, x):
        raise RuntimeError("the user's own")

    subject = TorchSubject(kept(fails), [draw(3)])
    subject.record()
    with pytest.raises(RuntimeError, match="the user's own") as caught:
        subject.gradients(np.ones(3))
    assert caught.value.__notes__ == ["raised in the backward of Operation, which the gradient check ran"]


def test_messages_about_the_call():
    with pytest.raises(ValueError, match="no input of neg is a tensor of floating-point numbers"):
        TorchSubject(torch.neg, [torch.arange(3)])
    with pytest.raises(TypeError, match=r'is float32; .*x\.detach\(\)\.double\(\)\.requires_grad_\(\), or pass dtype="float32"'):
        TorchSubject(torch.tanh, [draw(3).float()])
    with pytest.raises(TypeError, match=r"is torch\.bfloat16, which cannot be checked: pass x\.detach\(\)\.double"):
        TorchSubject(torch.tanh, [draw(3).bfloat16()])
    with pytest.raises(TypeError, match="is sparse; check a function that makes it from a dense tensor"):
        TorchSubject(torch.sparse.sum, [draw(3, 3).to_sparse().requires_grad_()])
    assert TorchSubject(torch.mv, [draw(3, 3).to_sparse(), draw(3)]).numbers == [1]
    with pytest.raises(TypeError, match=r"module\.double\(\) for params"):
        TorchSubject(net := nn.Linear(4, 2), [draw(3, 4)], params=net)
    with pytest.raises(TypeError, match="item returned no floating-point tensor"):
        TorchSubject(torch.Tensor.item, [draw()]).value()


# ---- further looks


def test_a_gradient_without_a_graph_has_no_gradient():
    class Once(Tanh):
        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            (y,) = ctx.saved_tensors
            return g * (1 - y * y)

    outside = kept(lambda g, y, x: torch.from_numpy(g.detach().numpy() * (1 - y.detach().numpy() ** 2)))
    for function in (Once, outside, lambda x: Once.apply(x) * x):
        assert_right(TorchSubject(function, [draw(3)]))
        with pytest.raises(ValueError, match="order=2 needs a backward made of differentiable operations of PyTorch"):
            check_torch(function, draw(3), order=2)
    assert check_torch(lambda x: x.sign() + x, draw(3), order=2, allow_vacuous=True)  # a gradient of 0 without a graph is right


def test_complex_values_go_through_the_function():
    x = draw(3)
    subject = TorchSubject(lambda x, n: x.tanh() * n, [x, 2])
    (found,) = subject.complex_run([x.numpy() + 1e-30j])
    np.testing.assert_allclose(found.imag / 1e-30, 2 * (1 - x.tanh().numpy() ** 2))
    assert TorchSubject(torch.abs, [x]).complex_run([x.numpy() + 1e-30j]) is None
    assert TorchSubject(torch.relu, [x]).complex_run([x.numpy() + 1e-30j]) is None
    net = network()
    with_parameters = TorchSubject(net, [draw(3, 4)], params=net)
    assert with_parameters.complex_run([a + 0j for a in with_parameters.arrays]) is None


def test_expected_gradients_and_surrogates():
    net = network()
    subject = TorchSubject(lambda x: x.round(), [draw(3)])
    subject.record()
    cotangent = np.array([1.0, -2.0, 3.0])
    np.testing.assert_array_equal(subject.expected(lambda g, x: g * 2, [cotangent])[0], cotangent * 2)
    with pytest.raises(ValueError, match="expected= must return one gradient for each of 1 checked inputs"):
        subject.expected(lambda g, x: (g, g, g), [cotangent])
    assert subject.surrogate(lambda x: x.abs().sum(), [cotangent]) == 6
    several = TorchSubject(lambda x: (x, x * 2), [draw(3)])
    several.record()
    np.testing.assert_array_equal(several.expected(lambda g, x: g[0] + g[1], [cotangent, cotangent])[0], 2 * cotangent)
    with_parameters = TorchSubject(net, [draw(3, 4)], params=net)
    with_parameters.record()
    found = with_parameters.expected(lambda g, x: [torch.zeros_like(p) for p in net.parameters()], [np.ones((3, 2))])
    assert [g.shape for g in found] == [tuple(p.shape) for p in net.parameters()]


# ---- through check_torch

MISTAKES = {
    "sign": (torch.tanh, lambda g, y, x: -g * (1 - y * y), 1),
    "constant factor": (torch.tanh, lambda g, y, x: 1.0001 * g * (1 - y * y), 1),
    "transposed": (lambda x, w: x.T @ w.T, lambda g, y, x, w: ((g @ w).T, (g.T @ x.T).T), 2),
    "missing": (torch.mul, lambda g, y, a, b: (g * b, None), 2),
    "diagonal": (lambda x: x.softmax(1), lambda g, y, x: g * y * (1 - y), 1),
    "exchanged": (lambda a, b: a * a * b, lambda g, y, a, b: (g * a * a, 2 * g * a * b), 2),
    "independent": (torch.tanh, lambda g, y, x: 1 - y * y, 1),
    "wrong axis": (lambda x: x.softmax(1), lambda g, y, x: y * (g - (g * y).sum(0, keepdim=True)), 1),
    "input for output": (torch.tanh, lambda g, y, x: g * (1 - x * x), 1),
    "mask": (torch.relu, lambda g, y, x: g * (x < 0), 1),
}


@pytest.mark.parametrize("verdict", MISTAKES)
def test_a_mistake_gets_its_name(verdict):
    forward, backward, count = MISTAKES[verdict]
    report = check_torch(function_of(forward, backward), *(draw(1 + count, 3, seed=i) for i in range(count)), raise_exception=False)
    assert report.verdict == verdict, report


def test_lines_that_are_never_run_are_blind_spots():
    class Branches(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            if ctx.saved_tensors[0].numel() > 1000:
                return g * 3
            return g * 2

    def function(x):
        if x.numel() > 1000:
            x = x * 5
        return Branches.apply(x)

    for checked, wanted in ((Branches, ["return g * 3"]), (function, ["return g * 3", "x = x * 5"])):
        report = check_torch(checked, draw(3), audit=True)
        assert sorted(spot.detail.split(": ")[1] for spot in report.blind_spots if "never run" in spot.mistake) == wanted


def test_an_output_that_is_detached_is_missing_only_if_no_other_has_a_gradient():
    assert check_torch(lambda x: (x.tanh().sum(), x.detach() * 2), draw(3))
    assert check_torch(lambda x: x.detach() * 2, draw(3), raise_exception=False).verdict == "missing"


def test_a_missing_sum_over_a_broadcast_axis():
    wrong = function_of(torch.mul, lambda g, y, a, b: (g * b, (g * a)[0]))  # PyTorch itself sums a gradient that has the output's shape
    assert outcome(check_torch(wrong, draw(3, 4), draw(4, seed=1), raise_exception=False)) == ("broadcast", "inputs[1]")
    summed = function_of(torch.mul, lambda g, y, a, b: (g * b, g * a))
    assert check_torch(summed, draw(3, 4), draw(4, seed=1))


def test_options_from_end_to_end():
    net = network()
    assert check_torch(net, draw(5, 4), params=net, order=2, allow_vacuous=True)
    assert check_torch(double_in_place, draw(3), inplace=True)
    assert check_torch(lambda x: x + (x.round() - x).detach(), draw(3), expected=lambda g, x: g)
    assert check_torch(torch.tanh, draw(3), complex_step=True, audit=True).blind_spots
    assert outcome(check_torch(lambda x: x * torch.rand(()), draw(3), raise_exception=False))[0] == "nondeterministic"
