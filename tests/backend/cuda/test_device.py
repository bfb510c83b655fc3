"""minigrad on "cuda": on the strict device on every machine, and on a real GPU with the marker gpu (pytest -m gpu)."""

import copy
import dataclasses
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, optim
from minigrad.backend import cuda
from minigrad.backend.cpu.threads import LARGE
from minigrad.data import scaled_images
from minigrad.experiments import autoencoder, checkpoint, denoising, program, training
from minigrad.experiments.config import LECTURES
from minigrad.ops.losses import squared_distance
from support import checks
from support.backends import BACKENDS, parameters
from support.cases import OPS
from support.public_cases import FACES
from support.small_mnist import TRAIN, write_mnist
from support.strict_device import Sync, launches, no_sync

DEVICES = [b for b in BACKENDS if b.device == "cuda"]
STRICT = [b for b in DEVICES if b.name == "strict"]
PROGRAMS = {"denoising": denoising, "autoencoder": autoencoder}


@pytest.fixture(params=parameters(DEVICES))
def device(request):
    """Each device in turn: the strict one, and a GPU."""
    with request.param.active():
        yield request.param


@pytest.fixture(params=parameters(STRICT))
def strict(request):
    """The strict device, which counts waits and launches."""
    with request.param.active():
        yield request.param


def numbers(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


CHANGED = """
y[0] += w[1] * 2
v = y[:, 1:]; y.mul_(w)
v = y.t(); v[0] = 5.0; v[1, [0]] = w[0, :1]
v = y.view(-1); y[1:] *= 3; v[1::2] = w[0, 0]
v = y.detach(); y.exp_()
y[[1, 0]] = w; y[:, [2]] += w[:, :1]
y[y > 1] = w[0, 0]; y %= 2
y += w; y = y + w
y = y.detach().long(); y &= 3; y <<= 1; y //= 2; y %= 3; y = y * w
"""


@pytest.mark.parametrize("code", CHANGED.strip().split("\n"))
def test_changes_in_place_reach_all_that_show_the_memory(code, device):
    found = []
    for where in ("cpu", "cuda"):
        x, w = (mg.tensor(values, dtype=mg.float64, device=where, requires_grad=True)
                for values in ([[0.5, -1.5, 2.0], [1.0, 3.0, -0.25]], [[1.5, 2.0, -0.5], [0.75, 1.0, 2.0]]))
        env = {"w": w, "y": x * 1}
        exec(code, env)
        y = env["y"]
        total = (y * y).sum() + env.get("v", y).sum()
        total.backward()
        found.append([t.cpu().tolist() for t in (y.detach(), env.get("v", y).detach(), *[t.grad for t in (x, w) if t.grad is not None])])
    assert found[0] == found[1]


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_shifts_by_any_number_of_bits(device, dtype):
    x = mg.tensor([1, 3, 100, 0, 127], dtype=dtype)
    for n in (mg.tensor([0, 1, 7, 8, 31], dtype=dtype), mg.tensor([32, 63, 64, 65, 100], dtype=dtype), 3, 70):
        on_device = n.cuda() if isinstance(n, mg.Tensor) else n
        assert (x.cuda() << on_device).tolist() == (x << n).tolist()
        assert (x.cuda() >> on_device).tolist() == (x >> n).tolist()
    if dtype != "uint8":
        assert (-x.cuda() >> 100).tolist() == (-x >> 100).tolist() == [-1, -1, -1, 0, -1]
        assert (x.cuda() << -1).tolist() == (x << -1).tolist() == [0] * 5


def test_rows_outside_are_not_assigned_to(device):
    x = mg.zeros(3, 2, device="cuda")
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        x[mg.tensor([0, 3])] = 1.0
        x.cpu()


def test_an_expanded_tensor_is_not_changed_on_the_device(device):
    x = mg.zeros(1, device="cuda")
    for y in (x.expand(4), (x.requires_grad_() * 1).expand(4)):
        with pytest.raises(RuntimeError, match="expanded"):
            y.add_(mg.ones(4, device="cuda", requires_grad=y.requires_grad))


# ---- there and back


def test_there_and_back(device):
    x = mg.tensor([[1.0, 2], [3, 4]], requires_grad=True)
    y = x.cuda()
    assert (y.device, y.device.type, y.is_cuda) == (mg.device("cuda:0"), "cuda", True)
    assert y.to("cuda") is y and x.to("cpu") is x
    assert y.cpu().tolist() == x.tolist()
    (y * y).sum().backward()
    assert x.grad.device == mg.device("cpu") and x.grad.tolist() == [[2, 4], [6, 8]]
    z = mg.zeros(3).to(y)
    assert z.is_cuda and mg.ones_like(y).is_cuda and y.new_zeros(2).is_cuda


def test_copies_stay_where_they_are(device):
    x = mg.tensor([1.0, -0.0], requires_grad=True).cuda().detach().requires_grad_()
    for y in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert y.is_cuda and y.requires_grad and y.tolist() == x.tolist()
    assert copy.copy(x).array is x.array
    whole = mg.arange(6.0).reshape(2, 3).cuda()
    same, turned, row, column = copy.deepcopy([whole, whole.t(), whole[1], whole[:, 1]])
    same.zero_()
    assert turned.is_cuda and turned.tolist() == [[0, 0]] * 3 and row.tolist() == [0] * 3 and whole.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert column.tolist() == [1, 4]  # the column has gaps, so its copy is a tensor of its own


def test_whole_numbers_to_a_negative_power(device):
    for x in (mg.tensor([2, 1, -1]), mg.tensor([2, 1, -1]).cuda()):
        for call in (lambda x: x**-1, lambda x: x.pow(-2), lambda x: x.pow_(-1)):
            with pytest.raises(RuntimeError, match="negative integer powers"):
                call(x)


def test_available(device):
    assert mg.cuda.is_available() and mg.cuda.device_count() >= 1
    mg.cuda.synchronize()


def test_made_on_the_device(device):
    made = [
        mg.zeros(2, device="cuda"),
        mg.full((2,), 3.0, device="cuda"),
        mg.tensor([1, 2], device="cuda"),
        mg.arange(4, device="cuda"),
        mg.linspace(0, 1, 3, device="cuda"),
        mg.eye(2, device="cuda"),
        mg.rand(2, device="cuda"),
        mg.randint(5, (3,), device="cuda"),
        mg.randperm(4, device="cuda"),
    ]
    assert all(t.is_cuda for t in made)
    assert made[3].tolist() == [0, 1, 2, 3] and made[1].tolist() == [3, 3]


@pytest.mark.gpu
@pytest.mark.parametrize("make", [mg.from_numpy, mg.as_tensor, mg.tensor])
def test_cupys_arrays_are_known_before_minigrad_asked_for_cupy(make):
    import cupy

    before = cuda.use(None)
    try:
        assert make(cupy.arange(3)).is_cuda
    finally:
        cuda.use(before)


def test_printed_with_its_device(device):
    assert str(mg.tensor([1.0, 2.0]).cuda()) == "tensor([1., 2.], device='cuda:0')"


def test_numpy_is_refused_with_the_way_out(device):
    with pytest.raises(TypeError, match=r"tensor\.cpu\(\)\.numpy\(\)"):
        mg.ones(2).cuda().numpy()
    with pytest.raises(TypeError):
        np.asarray(mg.ones(2).cuda())


def test_without_a_device():
    before = cuda.use(None)
    try:
        if mg.cuda.is_available():
            pytest.skip("there is a GPU")
        assert mg.cuda.device_count() == 0
        for call in (
            lambda: mg.ones(2).cuda(),
            lambda: mg.ones(2, device="cuda"),
            lambda: nn.Linear(1, 1).cuda(),
        ):
            with pytest.raises(RuntimeError, match="CUDA is not available: CuPy is"):
                call()
    finally:
        cuda.use(before)


def test_one_gpu_only():
    with pytest.raises(RuntimeError, match="CUDA_VISIBLE_DEVICES"):
        mg.device("cuda:1")


# ---- no mixing

MIXED = {
    "add": lambda x, y: x + y,
    "rsub": lambda x, y: y - x,
    "matmul": lambda x, y: x @ y,
    "where": lambda x, y: mg.where(x > 0, y, x),
    "cat": lambda x, y: mg.cat([x, y]),
    "mse": lambda x, y: nn.functional.mse_loss(x, y),
    "linear": lambda x, y: nn.functional.linear(x, y, y[0]),
    "nll": lambda x, y: nn.functional.nll_loss(x, y[0].long()),
    "nll, weights": lambda x, y: nn.functional.nll_loss(x, x[0].long(), y[0]),
    "cross_entropy, weights": lambda x, y: nn.CrossEntropyLoss(y[0], reduction="none")(x, x[0].long()),
    "add_": lambda x, y: x.add_(y),
    "setitem": lambda x, y: x.__setitem__(0, y[0]),
    "backward": lambda x, y: x.requires_grad_().clone().backward(y),
    "maximum": lambda x, y: mg.maximum(x, y),
}


@pytest.mark.parametrize("call", MIXED.values(), ids=MIXED)
def test_devices_do_not_mix(device, call):
    with pytest.raises(mg.DeviceMismatchError, match=r"cuda.*cpu|cpu.*cuda"):
        call(mg.ones(2, 2).cuda(), mg.ones(2, 2))


def test_a_number_beside_tensors_of_two_devices(device):
    @mg.autograd.op(promote=True)
    def weighted(x, y, weight):
        return x * y * weight, lambda g: g * y * weight, lambda g: g * x * weight, None

    x, y = mg.ones(2).cuda().requires_grad_(), mg.tensor(2.0, requires_grad=True)
    out = weighted(x, y, 3.0)
    out.sum().backward()
    assert out.is_cuda and x.grad.tolist() == [6, 6] and y.grad.item() == 6


TAKES_ANY_DEVICE = {"mg.index_select", "mg.index_fill", "mg.take", "F.embedding", "nn.Embedding",  # they need places,
                    "Tensor.expand_as", "Tensor.copy_", "nn.Linear"}  # a shape, values


def test_one_argument_on_another_device_is_reported_by_every_op():
    told = set()
    with STRICT[0].active():
        for row in (row for row in [*OPS, *FACES] if row.name not in TAKES_ANY_DEVICE):
            told |= told_of(row)
    assert len(told) >= 60


def told_of(row):
    """Return {the row's name} if a call with one argument left on the host was drawn; each such call must raise an error that says so."""
    told = set()

    @settings(max_examples=3)
    @given(data=st.data())
    def check(data):
        case = checks.draw_call(data.draw, row).case()
        options = {k: checks.to_minigrad(v, STRICT[0]) for k, v in case.options.items()}
        places = [i for i, a in enumerate(case.arrays) if isinstance(a, np.ndarray) and a.ndim]
        for odd in places if len(places) > 1 else ():
            arguments = [on(i == odd, a) if isinstance(a, np.ndarray) else a for i, a in enumerate(case.arrays)]
            with pytest.raises(mg.DeviceMismatchError):
                row.function(*arguments, **options)
            told.add(row.name)

    check()
    return told


def on(host, array):
    tensor = mg.from_numpy(np.array(array))
    return tensor if host else tensor.cuda()


def test_a_gradient_lives_with_its_tensor(device):
    x = mg.ones(2).cuda().requires_grad_()
    with pytest.raises(RuntimeError, match="on cuda"):
        x.grad = mg.ones(2)


def test_zero_dimensional_tensors_of_the_host_go_with_any_device(device):
    w, v = mg.tensor(2.0, requires_grad=True), mg.tensor(3.0, requires_grad=True)
    x = mg.ones(4).cuda()
    y = (w * v) * x - v
    y.sum().backward()
    assert y.is_cuda and y.tolist() == [3] * 4
    assert not w.grad.is_cuda and (w.grad.item(), v.grad.item()) == (12, 4)
    x.add_(mg.tensor(1.0))
    x[0] = mg.tensor(7.0)
    assert x.tolist() == [7, 2, 2, 2]


# ---- indices


def test_keys_from_the_host_and_the_device(device):
    a = numbers(4, 5)
    x = device.tensor(a)
    for key in (np.array([0, -4, 3]), np.array([[0, 1], [2, 3]]), a[:, 0] > 0):
        for form in (key, mg.from_numpy(key), mg.from_numpy(key).cuda(), key.tolist()):
            np.testing.assert_array_equal(x[form].cpu().numpy(), a[key])
    key = (slice(None), np.array([1, 3]))
    np.testing.assert_array_equal(x[:, [1, 3]].cpu().numpy(), a[key])
    np.testing.assert_array_equal(x[mg.tensor(2).cuda()].cpu().numpy(), a[2])


@pytest.mark.parametrize("bad", [4, -5])
def test_host_indices_out_of_range_are_reported_at_once(device, bad):
    x = mg.ones(4, 2).cuda()
    for key in (bad, [0, bad], np.array([bad]), mg.tensor([bad])):
        with pytest.raises(IndexError, match="out of bounds"):
            x[key]


def test_device_indices_out_of_range_are_reported_at_the_next_read(device):
    x = mg.ones(4, 2).cuda()
    y = x[mg.tensor([0, 4]).cuda()]
    x[mg.tensor([-9]).cuda()]
    z = mg.ones(3)
    assert z.sum().item() == 3  # this reads the host's memory
    with pytest.raises(IndexError, match=r"index 4 is out of bounds for axis 0 of size 4; found on the GPU"):
        y.sum().item()
    assert x.sum().item() == 8  # the error is raised once


def test_check_waits_only_at_the_read(strict):
    x, index = mg.ones(4, 2).cuda(), mg.tensor([3, 0]).cuda()
    with no_sync():
        y = x[index] * 2
    before = Sync.count
    y.tolist()
    assert Sync.count == before + 2  # one for the note, one for the elements
    y.tolist()
    assert Sync.count == before + 3


def test_gather_along_an_axis_is_checked(device):
    x = mg.ones(2, 3).cuda()
    losses = mg.ops.take_along_axis(x, mg.tensor([[2], [3]]).cuda(), 1)
    with pytest.raises(IndexError, match="index 3 is out of bounds for axis 1 of size 3"):
        losses.tolist()


def test_repeated_indices_add_up(device):
    x = mg.zeros(3, 2, dtype=mg.float64).cuda().requires_grad_()
    x[mg.tensor([0, 2, 0, 0]).cuda()].sum().backward()
    assert x.grad.tolist() == [[3, 3], [0, 0], [1, 1]]


ROW_DTYPES = ["bool", "uint8", "int32", "int64", "float16", "float32", "float64"]


@settings(max_examples=60)
@given(data=st.data())
def test_rows_as_on_the_host(data):
    """For arrays of any shape, layout and dtype, and any list of row numbers."""
    draw = data.draw
    shape = draw(st.lists(st.integers(0, 4), min_size=1, max_size=3), label="shape")
    host = (9 * numbers(*shape)).astype(draw(st.sampled_from(ROW_DTYPES), label="dtype"))
    layout = draw(st.sampled_from(["as it is", "every other", "transposed"]), label="layout")
    view = {"as it is": lambda a: a, "every other": lambda a: a[::2], "transposed": lambda a: a.T}[layout]
    n = len(view(host))
    kind = draw(st.sampled_from(["uint8", "int32", "int64"]), label="dtype of the index")
    least = 0 if kind == "uint8" else -n
    index = np.array(draw(st.lists(st.integers(least, n - 1), max_size=5) if n else st.just([]), label="index"), kind)
    index = index.astype("int64") if kind == "uint8" else index  # in PyTorch uint8 would be a mask
    for backend in STRICT:
        with backend.active():
            x = mg.from_numpy(view(mg.from_numpy(host).cuda().array))
            found = x[mg.from_numpy(index).cuda()]
            assert found.is_cuda
            np.testing.assert_array_equal(found.cpu().numpy(), view(host)[index])


def test_taking_rows_is_one_launch(strict):
    x, index = mg.ones(4, 3).cuda(), mg.tensor([3, 0, -1]).cuda()
    x[index]  # the note for an index out of range is made at the first use
    with no_sync(), launches() as launched:
        x[index]
    assert launched == ["minigrad_rows"]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_images_as_numbers_are_the_hosts(device, dtype):
    images = mg.from_numpy(np.random.default_rng(0).integers(0, 256, (20, 28, 3)).astype("uint8"))
    there = images.cuda()
    for key in ([0, 19, -1, 7, 7], slice(3, 9), slice(None), slice(0, 20, 3), [], 4):
        index = mg.tensor(key, dtype=mg.int64) if isinstance(key, list) else key
        on_device = index.cuda() if isinstance(key, list) else key
        expected = scaled_images(images, index, getattr(mg, dtype)).numpy()
        assert expected.dtype == dtype
        for of_images, at in ((there, on_device), (there, index), (there[:, :, 0], on_device)):
            found = scaled_images(of_images, at, getattr(mg, dtype))
            assert found.is_cuda and found.dtype == getattr(mg, dtype)
            np.testing.assert_array_equal(found.cpu().numpy(), expected if of_images is there else expected[..., 0])
    with pytest.raises(IndexError, match="index 20 is out of bounds for axis 0 of size 20"):
        scaled_images(there, mg.tensor([3, 20]).cuda(), mg.float32).tolist()


# ---- sums


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_over_the_rows_keep_their_axis_if_asked(device, dtype, keep):
    host = numbers(70, 33, dtype=dtype)
    found = device.tensor(host).sum(0, keepdim=keep)
    assert tuple(found.shape) == ((1, 33) if keep else (33,))
    np.testing.assert_allclose(found.cpu().numpy(), host.sum(axis=0, keepdims=keep), rtol=1e-4 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("shape", [(4,), (1,), (6, 1), (), (1, 4)], ids=str)
def test_losses_of_arrays_that_broadcast_take_the_plain_way(device, shape):
    """The kernel of a sum reads element i of each array; in an array of another shape this would be foreign memory."""
    x, y = numbers(6, 4), numbers(*shape, seed=1) if shape else np.array(0.5)
    for first, second in ((x, y), (y, x)):
        found = squared_distance(device.array(first), device.array(second))
        np.testing.assert_allclose(found.get(), ((x - y) ** 2).sum(), rtol=1e-12)


@settings(max_examples=60)
@given(data=st.data())
def test_sums_as_on_the_host(data):
    """For arrays of any shape, layout and dtype, over rows and over other axes."""
    draw = data.draw
    shape = tuple(draw(st.lists(st.sampled_from([0, 1, 2, 31, 33, 70]), min_size=1, max_size=2), label="shape"))
    dtype = draw(st.sampled_from(["int64", "float32", "float64"]), label="dtype")
    host, turned = (9 * numbers(*shape)).astype(dtype), draw(st.booleans(), label="transposed")
    host = host.T if turned else host
    axis, keep = draw(st.sampled_from([0, 0, 0, -1, None]), label="axis"), draw(st.booleans(), label="keepdim")
    for backend in STRICT:
        with backend.active():
            there = mg.from_numpy(host.T if turned else host).cuda()
            there = there.T if turned and there.ndim > 1 else there
            found = there.sum(axis, keepdim=keep) if axis is not None else there.sum()
            expected = host.sum(axis=axis, keepdims=keep) if axis is not None else host.sum()
            assert found.shape == np.shape(expected) and found.dtype == expected.dtype
            tolerance = 1e-12 if dtype == "float64" else 1e-5
            np.testing.assert_allclose(found.cpu().numpy(), expected, rtol=tolerance, atol=tolerance * 100)


def test_gradients_of_layers_and_losses_sum_in_few_launches(strict):
    layer, x = nn.Linear(5, 40).cuda(), mg.from_numpy(numbers(70, 5, dtype=np.float32)).cuda()
    target = mg.from_numpy(numbers(70, 40, dtype=np.float32)).cuda()
    y = layer(x)
    nn.MSELoss()(y, target)  # the counters of the blocks are made at the first use
    with no_sync(), launches() as launched:
        loss = nn.MSELoss()(y, target)
    assert launched == ["minigrad_sum_of_squared_distance"]
    with no_sync(), launches() as launched:
        loss.backward()
    assert launched == ["ones_like", "minigrad_mse_grad", "matmul", "minigrad_columns"]


def test_the_mean_loss_of_nothing_is_nan(device):
    empty = mg.zeros(0, 3).cuda()
    assert np.isnan(nn.MSELoss()(empty, empty).item())


def test_losses_of_views_and_numbers_take_the_plain_way(device):
    x, y = (numbers(6, 4, seed=k, dtype=np.float32) for k in range(2))
    there, other = (mg.from_numpy(a).cuda() for a in (x, y))
    for a, b, on_host in ((there.t(), other.t(), (x, y)), (there[::2], other[1::2], (x[::2], y[1::2]))):
        expected = np.mean((on_host[0] - on_host[1]) ** 2)
        np.testing.assert_allclose(nn.MSELoss()(a, b).item(), expected, rtol=1e-6)


# ---- targets


@pytest.mark.parametrize("bad", [10, -1])
def test_target_out_of_range_is_reported_at_the_next_read(device, bad):
    log_probs = device.tensor(numbers(3, 10)).log_softmax(1)
    loss = nn.functional.nll_loss(log_probs, mg.tensor([0, bad, 9]).cuda())
    with pytest.raises(
        IndexError, match=rf"nll: target {bad} is out of range: with 10 classes, targets are 0 … 9"
    ):
        loss.item()


def test_target_out_of_range_is_reported_at_once_on_the_host():
    log_probs = mg.from_numpy(numbers(3, 10)).log_softmax(1)
    with pytest.raises(IndexError, match="target 10 is out of range"):
        nn.functional.nll_loss(log_probs, mg.tensor([0, 10, 9]))


def test_weights_of_another_dtype_are_refused(device):
    for move in (lambda t: t, lambda t: t.cuda()):
        log_probs, targets, weight = (move(t) for t in (mg.zeros(2, 3), mg.tensor([0, 2]), mg.ones(3, dtype=mg.float64)))
        with pytest.raises(RuntimeError, match=r"expected weight of float32, as log_probs, got float64"):
            nn.functional.nll_loss(log_probs, targets, weight)


@pytest.mark.parametrize("kind", ["int64", "int32", "uint8"])
@pytest.mark.parametrize("weighted", [False, True])
def test_nll_as_on_the_host(device, kind, weighted):
    a, targets = numbers(6, 4), np.array([0, 3, 1, 2, 3, 3], kind)
    weight = mg.from_numpy(np.array([0.5, 2, 1, 3])) if weighted else None
    found = []
    for move in (lambda t: t, lambda t: t.cuda()):
        x = move(mg.from_numpy(a)).requires_grad_()
        factors = None if weight is None else move(weight)
        loss = mg.ops.nll(x.log_softmax(1), move(mg.from_numpy(targets)), weight=factors, ignore_index=1)
        loss.backward()
        found.append((loss.item(), x.grad.cpu().numpy()))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-13)
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-13, atol=1e-16)


# ---- CuPy's functions that operations call


EXTREME = np.array([0.0, -0.0, 1, -1, 3, -7.5, 0.1, np.inf, -np.inf, np.nan])
WHERE_CUPY_DIFFERS = {
    "clamp": lambda x, y: x.clamp(y, 2 * y),
    "clamp above": lambda x, y: x.clamp(max=y),
    "clamp, bounds crossed": lambda x, y: x.clamp(1.0, -1.0),
    "clamp by nan": lambda x, y: x.clamp(mg.nan, 1.0),
    "remainder": lambda x, y: x % y,
    "remainder of a number": lambda x, y: 5.5 % y,
    "floor_divide": lambda x, y: x // y,
    "floor_divide by a number": lambda x, y: x // 0.1,
    "pow": lambda x, y: x**y,
    "sign": lambda x, y: x.sign(),
    "maximum": lambda x, y: mg.maximum(x, y),
    "where": lambda x, y: mg.where(x > y, x, 1.5),
    "argmax": lambda x, y: (x + y).argmax(),
    "argmin along an axis": lambda x, y: (x + y).reshape(4, 25).argmin(1),
    "max with indices": lambda x, y: (x * y).reshape(4, 25).max(0).indices,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("call", WHERE_CUPY_DIFFERS.values(), ids=WHERE_CUPY_DIFFERS)
def test_extreme_values_as_on_the_host(device, call, dtype):
    x, y = (v.ravel().astype(dtype) for v in np.meshgrid(EXTREME, EXTREME))
    expected = call(mg.from_numpy(x), mg.from_numpy(y)).numpy()
    found = call(device.tensor(x), device.tensor(y)).cpu().numpy()
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, 4 * np.finfo(dtype).eps)


def test_a_gradient_loses_no_more_than_flushing_explains(device):
    """e^-87.43 is subnormal in float32. On a GPU it counts as 0, and so does its product with g."""
    x, g = np.array([0, -87.43], "float32"), np.array([0.5, 1.7], "float32")
    results = []
    for leaf, cotangent in ((mg.from_numpy(x), mg.from_numpy(g)), (device.tensor(x), device.tensor(g))):
        leaf.requires_grad_().softmax(0).backward(cotangent)
        results.append(leaf.grad.cpu().numpy())
    expected, found = results
    assert 0 < expected[1] < 2 * np.finfo("float32").tiny
    assert np.abs(found - expected).max() <= checks.lost_by_flushing(device, g)
    assert device.flushes or found.tolist() == expected.tolist()


def test_negative_zero_keeps_its_sign(device):
    x = mg.ones(3).cuda()
    x.fill_(-0.0)
    x[1] = 1.0
    x[2] = mg.tensor(-0.0)
    made = [x, mg.tensor(-0.0).cuda(), mg.tensor(-0.0, device="cuda"), mg.full((2,), -0.0, device="cuda")]
    assert [str(t.tolist()) for t in made] == ["[-0.0, 1.0, -0.0]", "-0.0", "-0.0", "[-0.0, -0.0]"]
    assert str(mg.tensor(0.0).cuda().item()) == "0.0"


def test_what_the_host_has_beyond_numpy_the_device_has_too(device):
    from minigrad.backend import array_module
    from minigrad.backend.cpu.numpy_names import numpy_names

    beyond = {name for name in vars(numpy_names) if not name.startswith("_") and not hasattr(np, name)}
    assert {"scatter", "stop_gradient", "linear"} <= beyond
    there = array_module(mg.ones(1).cuda().array)
    assert {name for name in beyond if not hasattr(there, name)} == set()


# ---- random numbers


def test_drawn_on_the_host_by_default(device):
    for draw in (mg.rand, mg.randn):
        there = draw(5, device="cuda", generator=mg.Generator().manual_seed(1))
        assert there.is_cuda and there.tolist() == draw(5, generator=mg.Generator().manual_seed(1)).tolist()
    x = mg.zeros(5).cuda().normal_(generator=mg.Generator().manual_seed(1))
    assert x.tolist() == mg.randn(5, generator=mg.Generator().manual_seed(1)).tolist()


def test_drawn_on_the_device(device):
    generator = mg.Generator("cuda").manual_seed(7)
    first, state = mg.randn(1000, generator=generator), generator.get_state()
    second = mg.randn(1000, generator=generator)
    assert first.is_cuda and first.tolist() != second.tolist()
    assert mg.randn(1000, generator=generator.set_state(state)).tolist() == second.tolist()
    assert mg.randn(1000, generator=mg.Generator("cuda").manual_seed(7)).tolist() == first.tolist()
    x = mg.zeros(3, 4).cuda().uniform_(2, 3, generator=generator)
    assert x.min().item() >= 2 and x.max().item() < 3


def test_drawing_on_the_device_is_one_launch_and_does_not_wait(strict):
    generator, x = mg.Generator("cuda").manual_seed(0), mg.zeros(10).cuda()
    with no_sync(), launches() as launched:
        x.normal_(0.1, 0.2, generator=generator)
        x.uniform_(2, 3, generator=generator)
    assert launched == ["minigrad_normal", "minigrad_uniform"]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_drawn_into_arrays_of_any_layout(device, dtype):
    drawn = mg.randn(4, 6, dtype=getattr(mg, dtype), generator=mg.Generator("cuda").manual_seed(3)).tolist()
    x = mg.zeros(6, 8, dtype=getattr(mg, dtype), device="cuda")
    part = x.t()[::2]
    part.normal_(generator=mg.Generator("cuda").manual_seed(3))
    assert part.tolist() == drawn and x.t()[1::2].abs().max().item() == 0


# ---- optimizers

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.1, weight_decay=0.01),
    "SGD nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda p: optim.Adam(p, lr=0.01),
    "Adam amsgrad": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.1, maximize=True),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1, initial_accumulator_value=0.1),
}


def network(seed=0):
    mg.manual_seed(seed)
    return nn.Sequential(nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 4), nn.Sigmoid()).double()


def loss_of(net, x):
    return nn.MSELoss()(net(x), x[:, :4])


def trained(make, steps, move, checkpoint_at=None):
    net = move(network())
    optimizer = make(net.parameters())
    x = move(mg.from_numpy(numbers(6, 7)))
    for k in range(steps):
        if k == checkpoint_at:
            state, weights = copy.deepcopy(optimizer.state_dict()), copy.deepcopy(net.state_dict())
            net = move(network(1))
            optimizer = make(net.parameters())
            net.load_state_dict(weights)
            optimizer.load_state_dict(state)
        optimizer.zero_grad()
        loss_of(net, x).backward()
        optimizer.step()
    return [p.detach().cpu().numpy() for p in net.parameters()]


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_optimizers_as_on_the_host(device, make):
    expected = trained(make, 6, lambda t: t)
    for found, want in zip(trained(make, 6, lambda t: t.cuda()), expected):
        np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-14)
    for found, want in zip(trained(make, 6, lambda t: t.cuda(), checkpoint_at=3), expected):
        np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_the_state_of_parameters_that_moved_goes_along(device, make):
    found = []
    for move in (lambda x: x, lambda x: x.cuda()):
        p = nn.Parameter(mg.from_numpy(numbers(3)))
        optimizer = make([p])
        for k in range(3):
            p.grad = mg.from_numpy(numbers(3, seed=k)).to(p)
            optimizer.step()
            p.grad = None
            p.data = move(p.detach())
        found.append(p.detach().cpu().numpy())
    np.testing.assert_allclose(*found, rtol=1e-12)


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_step_is_few_launches_and_waits_for_nothing(strict, make):
    net, x = network().cuda(), mg.from_numpy(numbers(6, 7)).cuda()
    optimizer = make(net.parameters())
    for _ in range(2):
        optimizer.zero_grad()
        loss_of(net, x).backward()
        with no_sync(), launches() as launched:
            optimizer.step()
    assert launched[0] == "minigrad_gather4" and len(launched) <= 4
    assert all(name.startswith("minigrad_") for name in launched)


def test_many_parameters_are_gathered_in_few_launches(strict):
    params = [nn.Parameter(device_numbers(3 + k, k)) for k in range(40)]
    before = [p.detach().cpu().numpy() for p in params]
    optimizer = optim.SGD(params, lr=1.0)
    sum((p * p).sum() for p in params).backward()
    with launches() as launched:
        optimizer.step()
    gathers = ["minigrad_gather16", "minigrad_gather16", "minigrad_gather8"]
    assert launched == ["zeros_like", *gathers, "minigrad_descend"]  # the buffer is made at the first step
    for p, old in zip(params, before):
        np.testing.assert_allclose(p.detach().cpu().numpy(), -old, rtol=1e-12)


def device_numbers(n, seed):
    return mg.from_numpy(numbers(n, seed=seed)).cuda()


def test_parameters_on_a_device_move_into_one_buffer(strict):
    params = [nn.Parameter(device_numbers(n, n)) for n in (3, 17, 5)]
    before = [p.tolist() for p in params]
    optim.SGD(params, lr=1.0)
    buffer = params[0].array.base
    assert all(p.array.base is buffer for p in params) and buffer.size == 16 + 32 + 16 and [p.tolist() for p in params] == before
    places = [p.array.data.ptr - buffer.data.ptr for p in params]
    assert places == [0, 16 * 8, 48 * 8]
    optim.Adam(params[1:])
    assert params[0].array.base is buffer is not params[1].array.base is params[2].array.base


def test_parameters_that_another_tensor_shows_do_not_move(strict):
    p, q = nn.Parameter(device_numbers(4, 0)), nn.Parameter(device_numbers(5, 1))
    view, array, before = p.detach()[1:], p.array, p.tolist()
    optimizer = optim.SGD([p, q], lr=1.0)
    assert p.array is array
    p.grad, q.grad = device_numbers(4, 2), device_numbers(5, 3)
    optimizer.step()
    assert view.tolist() == p.tolist()[1:] != before[1:]


def test_what_cannot_be_trained_does_not_move(strict):
    whole, read_only = mg.tensor([1, 2]).cuda(), nn.Parameter(mg.zeros(1).cuda().expand(3))
    p = nn.Parameter(device_numbers(4, 0))
    arrays = whole.array, read_only.array
    optimizer = optim.SGD([whole, p, read_only], lr=1.0)
    assert whole.array is arrays[0] and read_only.array is arrays[1]
    p.grad = device_numbers(4, 2)
    for _ in range(2):
        optimizer.step()  # makes a plan without it
        read_only.grad = mg.ones(3).cuda()
        with pytest.raises(RuntimeError, match=r"shape \(3,\) cannot be updated.*clone"):
            optimizer.step()
        read_only.grad = None


def test_a_gradient_on_another_device_is_refused(strict):
    p, q = nn.Parameter(device_numbers(4, 0)), nn.Parameter(mg.ones(3))
    optimizer = optim.SGD([p, q], lr=1.0)
    p.grad, q.grad, before = device_numbers(4, 2), mg.ones(3), p.tolist()
    q.data = q.data.cuda()
    with pytest.raises(mg.DeviceMismatchError, match=r"step: a parameter of shape \(3,\) on cuda has a gradient on cpu; move the network"):
        optimizer.step()
    assert p.tolist() == before and q.tolist() == [1, 1, 1]


def test_state_that_is_loaded_lies_in_one_buffer(strict):
    params = [nn.Parameter(device_numbers(3 + k, k)) for k in range(3)]
    optimizer = optim.Adam(params, lr=0.1)
    for _ in range(2):
        for p in params:
            p.grad = device_numbers(p.numel(), 9)
        optimizer.step()
        optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for p in params:
        p.grad = device_numbers(p.numel(), 9)
    with launches() as launched:
        optimizer.step()
    assert launched == ["zeros_like", "minigrad_gather3", "minigrad_adam_update"]


def test_large_gradients_are_gathered_too(strict):
    params = [nn.Parameter(device_numbers(LARGE, 0)), nn.Parameter(device_numbers(5, 1))]
    before = [p.detach().cpu().numpy() for p in params]
    optimizer = optim.SGD(params, lr=1.0)
    sum((p * p).sum() for p in params).backward()
    with launches() as launched:
        optimizer.step()
    assert launched[-2:] == ["minigrad_gather2", "minigrad_descend"]
    for p, old in zip(params, before):
        np.testing.assert_allclose(p.detach().cpu().numpy(), -old, rtol=1e-12)


def test_gradients_of_any_layout_are_gathered(device):
    w = nn.Parameter(mg.from_numpy(numbers(3, 4)).cuda())
    b = nn.Parameter(mg.from_numpy(numbers(5)).cuda())
    before = w.detach().cpu().numpy(), b.detach().cpu().numpy()
    optimizer = optim.SGD([w, b], lr=1.0)
    g, h = numbers(4, 3, seed=1), numbers(10, seed=2)
    w.grad, b.grad = mg.from_numpy(g).cuda().t(), mg.from_numpy(h).cuda()[::2]
    optimizer.step()
    np.testing.assert_allclose(w.detach().cpu().numpy(), before[0] - g.T, rtol=1e-15)
    np.testing.assert_allclose(b.detach().cpu().numpy(), before[1] - h[::2], rtol=1e-15)


# ---- networks and files


def test_network_moves_with_its_gradients_and_back(device):
    net = network().cuda()
    loss_of(net, mg.from_numpy(numbers(6, 7)).cuda()).backward()
    assert all(p.is_cuda and p.grad.is_cuda for p in net.parameters())
    net.cpu()
    assert not any(p.is_cuda or p.grad.is_cuda for p in net.parameters())


def test_saved_from_the_device_and_loaded_to_it(device, tmp_path):
    from minigrad.serialization import load, save

    net, other = network().cuda(), network(1).cuda()
    save(net.state_dict(), tmp_path / "net.safetensors")
    other.load_state_dict(load(tmp_path / "net.safetensors"))
    for p, q in zip(net.parameters(), other.parameters()):
        assert q.is_cuda and p.tolist() == q.tolist()


def test_second_derivatives_on_the_device(device):
    x = device.tensor(numbers(3)).requires_grad_()
    (g,) = mg.autograd.grad((x.tanh() ** 3).sum(), x, create_graph=True)
    (h,) = mg.autograd.grad(g.sum(), x)
    t = np.tanh(numbers(3))
    np.testing.assert_allclose(h.cpu().numpy(), (1 - t**2) * (6 * t - 12 * t**3), rtol=1e-12)


def test_second_derivatives_across_devices(device):
    x = device.tensor(numbers(3)).requires_grad_()
    (g,) = mg.autograd.grad((x.cpu() ** 3).sum(), x, create_graph=True)
    (h,) = mg.autograd.grad((g**2).sum(), x)
    assert g.is_cuda and h.is_cuda
    np.testing.assert_allclose(h.cpu().numpy(), 36 * numbers(3) ** 3, rtol=1e-12)


def test_fused_functions_take_the_plain_way_where_dtypes_differ(device):
    from minigrad.ops.activations import tanh_grad

    g, y = numbers(4), numbers(4, dtype=np.float32)
    with device.active():
        found = tanh_grad(device.array(g), device.array(y))
        np.testing.assert_allclose(found.get(), tanh_grad.plain(g, y), rtol=1e-15)
    assert found.dtype == np.float64


def test_written_memory_is_noticed(device):
    x = device.tensor(numbers(3)).requires_grad_()
    y = x * 1
    z = y.tanh()
    with mg.no_grad():
        z.detach().mul_(2)
    with pytest.raises(RuntimeError, match="changed in place"):
        z.sum().backward()


def test_tf32_only_on_request(device):
    assert mg.cuda.allow_tf32() is False
    assert mg.cuda.allow_tf32(True) is False and mg.cuda.allow_tf32() is True
    assert mg.cuda.allow_tf32(False) is True and mg.cuda.allow_tf32() is False


# ---- the lectures


@pytest.fixture(scope="module")
def folder(tmp_path_factory, mnist_arrays):
    return str(write_mnist(tmp_path_factory.mktemp("digits"), mnist_arrays))


def config_of(lecture, folder, **changes):
    few = {"epochs": 2, "finetune_epochs": 2, "batch_size": 50, "data_dir": folder, "l1_weight": 1e-4}
    return dataclasses.replace(LECTURES[lecture], **{**few, **changes})


@pytest.mark.parametrize("lecture", PROGRAMS)
def test_lecture_as_on_the_host(device, lecture, folder, monkeypatch):
    monkeypatch.setattr(training, "noise_generator", lambda config, generator: generator)  # noise is drawn on the host for both
    results = []
    for name in ("cpu", "cuda"):
        config = config_of(lecture, folder, device=name)
        results.append(program.run_lecture(PROGRAMS[lecture], config, quiet=True))
    on_host, there = results
    for name in ("first_mse", "mse", "first_train_error", "train_error"):
        np.testing.assert_allclose(there[name], on_host[name], rtol=1e-10)
    assert there["confusion"] == on_host["confusion"]


@pytest.mark.parametrize("dtype, tf32, said", [("float32", True, True), ("float32", False, False), ("float64", True, False)])
def test_a_run_says_that_its_products_are_in_tf32(device, dtype, tf32, said, folder):
    config, lines = config_of("denoising", folder, device="cuda", dtype=dtype), []
    data, run = training.load_data(config), training.start(config, denoising)
    before = mg.cuda.allow_tf32(tf32)
    try:
        program.introduce(denoising, run, data, lines.append)
    finally:
        mg.cuda.allow_tf32(before)
    (line,) = (line for line in lines if "The network runs on: cuda" in str(line))
    assert line.endswith("float32 products in TF32") is said


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("lecture", PROGRAMS)
def test_training_step_waits_for_nothing(strict, lecture, optimizer, folder, dtype):
    config = config_of(lecture, folder, device="cuda", dtype=dtype, optimizer=optimizer)
    data, run = training.load_data(config), training.start(config, PROGRAMS[lecture])
    with no_sync():
        for x, _ in data.batches(run):
            noisy = training.add_noise(x, 0.1, 0.2, run.noise)
            training.step(run, nn.MSELoss(), noisy, x)
    training.to_classifier(run, PROGRAMS[lecture])
    with no_sync():
        for x, labels in data.batches(run):
            training.step(run, nn.NLLLoss(), x, labels)


def test_steps_are_few_launches(strict, folder):
    """As few as docs/gpu.md says."""
    config = config_of("denoising", folder, device="cuda", l1_weight=0.0)
    data, run = training.load_data(config), training.start(config, denoising)
    found = {}
    for name in ("pretrain", "finetune"):
        if name == "finetune":
            training.to_classifier(run, denoising)
        batches = data.batches(run)
        for _ in range(2):
            with launches() as batch:
                x, labels = next(batches)
            with launches() as step:
                if name == "pretrain":
                    training.step(run, nn.MSELoss(), training.add_noise(x, 0.1, 0.2, run.noise), x)
                else:
                    training.step(run, nn.NLLLoss(), x, labels)
        found |= {"batch": len(batch), name: len(step)}
    assert found == {"batch": 2, "pretrain": 21, "finetune": 32}  # with 5 matrix products and the noise


@pytest.mark.parametrize("phase", ["pretrain", "finetune"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("lecture", PROGRAMS)
def test_loss_is_read_once_an_epoch(strict, lecture, optimizer, phase, folder):
    config = config_of(lecture, folder, device="cuda", optimizer=optimizer)
    data, run = training.load_data(config), training.start(config, PROGRAMS[lecture])
    if phase == "finetune":
        training.to_classifier(run, PROGRAMS[lecture])
    train_epoch = training.pretrain_epoch if phase == "pretrain" else training.finetune_epoch
    train_epoch(run, data)
    before = Sync.count
    assert np.isfinite(train_epoch(run, data))
    noted = (
        config.shuffle or phase == "finetune"
    )  # indices were checked on the device, and their note is read first
    assert Sync.count == before + 1 + noted


NO_NUMBA = """import sys
from support.strict_device import strict_device
from minigrad.cli import main
from minigrad.backend.cpu import compiling
from minigrad.experiments import plots
plots.DPI = 20  # smaller pictures are sooner written
with strict_device():
    short = ["--device", "cuda", "--data-dir", sys.argv[1], "--epochs", "1", "--finetune-epochs", "1", "--out", sys.argv[2]]
    assert main(["train", "denoising", *short]) == 0
    plots.draw_all = lambda *_: None  # once is enough
    assert main(["train", "denoising", "--resume", sys.argv[2]]) == 0
assert "numba" not in sys.modules and compiling.numba() is not None
"""


def test_a_run_on_the_device_does_not_wait_for_numba(folder, tmp_path):
    pytest.importorskip("numba")
    command = [sys.executable, "-c", NO_NUMBA, folder, str(tmp_path / "run")]
    done = subprocess.run(command, cwd=tmp_path, env=paths(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def paths():
    """Return the environment of a process that finds minigrad and the helpers of its tests."""
    here = Path(__file__).parents[2]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(here.parent), str(here), os.environ.get("PYTHONPATH")]))}


def test_images_stay_bytes_on_the_device(strict, folder):
    config = config_of("denoising", folder, device="cuda")
    data, run = training.load_data(config), training.start(config, denoising)
    assert data.train_images.is_cuda and data.train_images.dtype == mg.uint8
    assert len(data.train_images) == TRAIN
    with launches() as launched:
        (x, _), *_ = data.batches(run)
    assert launched.count("upload") == 1  # the upload is the order of the images
    assert x.is_cuda and x.dtype == mg.float64 and x.min().item() >= 0 and x.max().item() <= 1


@pytest.mark.parametrize("moment", [("pretrain", 1), ("finetune", 1)], ids=lambda moment: moment[0])
def test_resumed_on_the_device(device, folder, tmp_path, moment):
    config = config_of("denoising", folder, device="cuda")

    def save(run, out):
        checkpoint.save_run(run, out)
        if (run.phase, run.epoch) == moment:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        program.run_lecture(denoising, config, out=tmp_path, quiet=True, save=save)
    mg.manual_seed(99)
    run = checkpoint.load_run(tmp_path)
    assert all(p.is_cuda for p in run.net.parameters()) and run.noise.device.type == "cuda"
    resumed = program.finish(denoising, run, training.load_data(config), out=None, quiet=True, save=None)
    whole = program.run_lecture(denoising, config, quiet=True)
    for name in ("first_mse", "mse", "train_error", "confusion"):
        assert resumed[name] == whole[name], name


def test_noise_is_drawn_where_the_images_are(strict, folder):
    config = config_of("denoising", folder, device="cuda")
    data, run = training.load_data(config), training.start(config, denoising)
    assert run.noise is not run.generator and run.noise.initial_seed() == config.seed
    training.pretrain_epoch(run, data)
    with no_sync(), launches() as launched:
        training.add_noise(mg.ones(50, 784, device="cuda"), 0.1, 0.2, run.noise)
    assert "minigrad_normal" in launched and "upload" not in launched
    on_host = training.start(config_of("denoising", folder), denoising)
    assert on_host.noise is on_host.generator
