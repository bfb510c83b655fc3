"""`gradcheck` of tensors on a device: the function and its backward run there, and numbers are compared on the host."""

import pytest

import minigrad as mg
from minigrad import nn, ops
from minigrad.autograd import Function, op
from minigrad.backend import array_module
from minigrad.testing import GradcheckError, gradcheck
from support.backends import BACKENDS, parameters
from support.gradcheck_functions import BROKEN, F64, NAMES, TRUE, Slide, draw, factor, half, one_element, rejection


@pytest.fixture(params=parameters([b for b in BACKENDS if b.device == "cuda"]))
def device(request):
    with request.param.active():
        yield request.param


def there(*shape, **options):
    """Return what `draw` returns, on the device."""
    return draw(*shape, **options).detach().cuda().requires_grad_()


@pytest.mark.parametrize("name", TRUE)
def test_true_gradients_pass(device, name):
    function, shapes = TRUE[name]
    if name == "nll":
        function = lambda x: ops.nll(x, mg.tensor([1, 0, 3]).cuda(), weight=None)
    seen = []

    def watched(*inputs):
        seen.extend(x.is_cuda for x in inputs)
        return function(*inputs)

    assert gradcheck(watched, [there(*shape, seed=i) for i, shape in enumerate(shapes)])
    assert all(seen)


@pytest.mark.parametrize("function", BROKEN, ids=NAMES)
def test_broken_backwards_are_rejected_with_the_right_verdict(device, function):
    shapes, argument, verdict = BROKEN[function]
    error = rejection(function, [there(*s, seed=i, low=0.5) for i, s in enumerate(shapes)])
    assert (error.verdict, error.argument) == (verdict, argument), str(error)


def test_large_inputs(device):
    assert gradcheck(lambda x, w: (x @ w).tanh(), (there(60, 50), there(50, 40, seed=1)))
    error = rejection(one_element, (there(50, 60, low=0.5),))
    assert error.index == (0, 7) and error.ratio == pytest.approx(1.0001, rel=1e-8)


def test_a_network_on_the_device(device):
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3), nn.LogSoftmax(dim=1)).double().cuda()
    x, targets = there(6, 4), mg.tensor([0, 1, 2, 0, 1, 2]).cuda()
    assert gradcheck(lambda *_: nn.NLLLoss()(net(x), targets), [x, *net.parameters()])


def test_sums_of_repeated_indices_may_round_otherwise_in_each_pass(device):
    index = mg.arange(400).cuda() % 3
    assert gradcheck(lambda x: x[index].sum(1).exp(), (there(3, 4),))


def test_the_penalty_against_the_objective_that_it_declares(device):
    x = there(3, 4)
    penalty = lambda x: 0.3 * x.abs().sum()
    assert gradcheck(lambda x: nn.L1Penalty(0.3)(x), (x,), surrogate=penalty)
    assert gradcheck(Slide.apply, (x, 0.3), surrogate=lambda x, weight: weight * x.abs().sum())
    with pytest.raises(GradcheckError) as caught:
        gradcheck(lambda x: ops.l1_penalty_slide(x, weight=0.3), (x,), surrogate=penalty)
    assert caught.value.verdict == "wrong"
    with pytest.raises(GradcheckError, match="surrogate=") as caught:
        gradcheck(nn.L1Penalty(0.3), (x,))
    assert caught.value.verdict == "offset"


def test_kinks(device):
    x = mg.tensor([-1.5, 0.0, 1.5], dtype=F64, device="cuda", requires_grad=True)
    error = rejection(ops.relu, (x,))
    assert (error.verdict, error.index) == ("kink", (1,))
    assert gradcheck(ops.relu, (x,), allow_kinks=True)


def test_functions_that_lead_from_one_device_to_another(device):
    assert gradcheck(lambda x: ((x * 2).cuda().tanh() * 3).cpu().exp(), (draw(3, 4),))
    assert gradcheck(lambda x, y: (x.cpu() * y, x * y.cuda()), (there(3), draw(3, seed=1)))
    assert gradcheck(lambda x, y: x * y, (there(3), draw(seed=1)))  # a 0-d tensor of the host goes with tensors of any device
    error = rejection(lambda x: half((x * 2).cuda().tanh()).cpu().exp(), (draw(3, 4),))
    assert (error.op, error.verdict) == ("half", "constant factor")


class OnHost(Function):
    """A Function that computes on the host, wherever its input lives."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.cpu().tanh().cuda()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return (g.cpu() * (1 - x.cpu().tanh() ** 2)).cuda()


def test_a_function_that_computes_on_the_host(device):
    assert gradcheck(lambda x: OnHost.apply(x * 2) * 3, (there(3),))


def test_inputs_and_gradients_stay_as_they_were(device):
    x = there(3, 4)
    array, copy = x.array, x.tolist()
    assert gradcheck(ops.tanh, x)
    rejection(factor, (x,))
    assert x.array is array and x.tolist() == copy and x.grad is None


def test_an_index_out_of_range_is_reported(device):
    index = mg.tensor([0, 3]).cuda()
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        gradcheck(lambda x: x[index], (there(3),))


@pytest.mark.parametrize("shape", [(3, 4), (20, 24)])  # written as a list, and as bytes
def test_the_reproducer_makes_the_tensor_on_its_device(device, shape):
    error = rejection(one_element, (there(*shape, low=0.5),))
    assert "device='cuda', requires_grad=True)" in error.reproducer
    with pytest.raises(GradcheckError) as again:
        exec(error.reproducer, {})
    assert (again.value.verdict, again.value.index) == (error.verdict, error.index)
    assert again.value.numeric == error.numeric


@op
def spoils_what_it_saved_on_the_device(x):
    y = array_module(x).exp(x)

    def vjp(g):
        y[0] = 0
        return g * y

    return array_module(x).copy(y), vjp


def test_a_change_of_one_saved_element_is_seen(device):
    assert rejection(spoils_what_it_saved_on_the_device, (there(3),)).verdict == "mutation"
