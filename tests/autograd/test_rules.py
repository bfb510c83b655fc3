"""The engine's rules, each by name: ownership, order, shapes, freeing, writes, dtypes, modes, devices, imports."""

import gc
import json
import math
import os
import pathlib
import subprocess
import sys
import weakref

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn
from minigrad.autograd import grad, op
from minigrad.backend import array_module
from support.cube_function import Cube
from support.strict_device import strict_device

SUPPORT = pathlib.Path(__file__).parents[1] / "support"
PACKAGE = pathlib.Path(mg.__file__).parent


def leaf(*values, dtype="float64"):
    return mg.tensor(np.array(values, dtype), requires_grad=True)


# ---- 1: where gradients are left


def test_only_leaves_get_gradients():
    x = leaf(1.0, 2.0)
    y = x * 2
    z = y * y
    y.retain_grad()
    z.sum().backward()
    assert y.grad.tolist() == [4.0, 8.0] and x.grad.tolist() == [8.0, 16.0]
    with pytest.warns(UserWarning, match="not a leaf"):
        assert z.grad is None


def test_backward_adds_up():
    x = leaf(1.0, 2.0)
    for n in range(1, 4):
        (x * x).sum().backward()
        assert x.grad.tolist() == [2.0 * n, 4.0 * n]


def test_grad_touches_no_grad_of_a_leaf():
    x = leaf(1.0, 2.0)
    y = x * x
    y.retain_grad()
    assert [g.tolist() for g in grad(y.sum(), [x, y])] == [[2.0, 4.0], [1.0, 1.0]]
    assert x.grad is None and y.grad.tolist() == [1.0, 1.0], "retain_grad counts in grad() too, as in PyTorch"


def test_backward_into_named_inputs_only():
    for lib in (mg, torch):
        a, b = (lib.tensor([v], requires_grad=True) for v in (2.0, 3.0))
        (a * b).backward(inputs=[a])
        assert a.grad.tolist() == [3.0] and b.grad is None


# ---- 2: no recursion, each node once


def chain(length):
    program = [sys.executable, str(SUPPORT / "measure_chain.py"), str(length)]
    out = subprocess.run(program, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)})
    return json.loads(out.stdout)


@pytest.mark.slow
@pytest.mark.skipif(not pathlib.Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_a_million_operations():
    """Forward, backward and freeing need no recursion and at most 700 bytes a node, and leave nothing behind."""
    found = chain(1_000_000)
    assert found["right"] and found["bytes"] <= 700
    assert found["left"] < 50 and found["left without backward"] < 50


def test_a_diamond_of_20_levels_takes_20_steps():
    calls = []

    @op
    def double(x):
        return x + x, lambda g: calls.append(1) or g * 2

    y = x = leaf(1.0)
    for _ in range(20):
        y = double(y) + double(y)
    y.sum().backward()
    assert len(calls) == 40, "two VJPs a level, not 2^20"
    assert x.grad.tolist() == [4.0**20]


def test_each_vjp_is_called_once_whatever_the_order_of_use():
    calls = []

    @op
    def counted(x, *, name):
        return x * 1, lambda g: calls.append(name) or g

    x = leaf(1.0)
    a = counted(x, name="a")
    b = counted(a, name="b")
    c = counted(a + b, name="c")
    (a * b * c + c + a).sum().backward()
    assert sorted(calls) == ["a", "b", "c"] and calls == ["c", "b", "a"]


# ---- 3: what a VJP may return


@pytest.mark.parametrize("returned, error, words", [
    (lambda g: np.ones((3, 2)), RuntimeError, [r"(3, 2)", "(2, 3)"]),
    (lambda g: np.ones((5, 2, 3)), RuntimeError, ["(5, 2, 3)"]),
    (lambda g: np.ones((2, 1)), RuntimeError, ["(2, 1)", "(2, 3)"]),
    (lambda g: g[0], RuntimeError, ["(3,)"]),
    (lambda g: g * np.float64(2), RuntimeError, ["float64", "float32"]),
    (lambda g: g.astype("float64"), RuntimeError, ["float64", "float32"]),
    (lambda g: g.astype("int64"), RuntimeError, ["int64"]),
    (lambda g: 3.0, RuntimeError, ["float"]),
    (lambda g: [g], RuntimeError, ["list"]),
    (lambda g: "g", RuntimeError, ["str"]),
])
def test_a_wrong_vjp_is_an_error_that_names_the_op(returned, error, words):
    @op
    def wrong_op(x):
        return x * 2, lambda g: returned(g)

    with pytest.raises(error) as caught:
        wrong_op(mg.ones(2, 3, requires_grad=True)).sum().backward()
    assert all(word in str(caught.value) for word in ["wrong_op", *words])


def test_a_vjp_on_another_device_is_an_error():
    @op
    def astray(x):
        return x * 2, lambda g: np.ones(3, "float32")

    with strict_device():
        x = mg.ones(3).cuda().requires_grad_()
        with pytest.raises(mg.DeviceMismatchError, match=r"astray.*cpu.*cuda"):
            astray(x).sum().backward()


def test_broadcasting_is_undone_for_ops_that_know_nothing_of_it():
    @op
    def plus(x, y):
        return x + y, lambda g: g, lambda g: g

    x, y = mg.ones(4, 1, 3, requires_grad=True), mg.ones(2, 1, requires_grad=True)
    plus(x, y).sum().backward()
    assert x.grad.shape == (4, 1, 3) and y.grad.shape == (2, 1)
    assert x.grad.tolist() == [[[2.0] * 3]] * 4 and y.grad.tolist() == [[12.0]] * 2


# ---- 4: whose memory a gradient is


ONES = np.ones(3)
OWNERSHIP = {
    "the same array to both": (lambda x, y: x + y, lambda g: g, lambda g: g),
    "views of g": (lambda x, y: x + y, lambda g: g[:], lambda g: g.reshape(g.shape)),
    "reversed views of g": (lambda x, y: x[::-1] + y, lambda g: g[::-1], lambda g: g),
    "a saved array": (lambda x, y: x + 0 * y, lambda g, saved=ONES: saved, lambda g: g),
    "one array twice": (lambda x, y: x + y, *(lambda both: (lambda g: both, lambda g: both))(np.ones(3))),
    "a stride of 0": (lambda x, y: x + y, lambda g: np.broadcast_to(np.ones(1), 3), lambda g: np.broadcast_to(g[:1], 3)),
    "a read-only array": (lambda x, y: x + y, lambda g: np.frombuffer(np.ones(3).tobytes()), lambda g: g),
}


@pytest.mark.parametrize("name", OWNERSHIP)
def test_gradients_share_nothing_and_can_be_written(name):
    value, vjp_x, vjp_y = OWNERSHIP[name]

    @op
    def shared(x, y):
        return value(x, y), vjp_x, vjp_y

    x, y, g = leaf(1.0, 2.0, 3.0), leaf(4.0, 5.0, 6.0), mg.ones(3, dtype=mg.float64)
    out = shared(x, y)
    for _ in range(2):  # the second pass adds to the first one's gradient
        out.backward(g, retain_graph=True)
        held = [x.grad.array, y.grad.array, g.array, x.array, y.array, out.array]
        held += [a for f in (vjp_x, vjp_y) for a in (f.__defaults__ or ())]
        assert not any(np.shares_memory(a, b) for i, a in enumerate(held) for b in held[:i])
        assert x.grad.array.flags.writeable and y.grad.array.flags.writeable
        assert 0 not in x.grad.array.strides and 0 not in y.grad.array.strides
    assert x.grad.tolist() == y.grad.tolist() == [2.0] * 3
    assert g.tolist() == [1.0] * 3


def test_what_grad_returns_is_the_callers():
    x, g = leaf(1.0, 2.0), mg.ones(2, dtype=mg.float64)
    y = x + 0.0
    (a,), (b,) = grad(y, [x], [g], retain_graph=True), grad(y, [x], [g])
    a.mul_(5)
    assert not np.shares_memory(a.array, b.array) and g.tolist() == b.tolist() == [1.0, 1.0]


def test_retained_gradients_share_nothing():
    x = leaf(1.0, 2.0)
    y = x + 0.0
    z = y + 0.0
    for t in (y, z):
        t.retain_grad()
    z.backward(mg.ones(2, dtype=mg.float64))
    arrays = [t.grad.array for t in (x, y, z)]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


# ---- 5 and 6: freeing


@pytest.fixture
def no_collector():
    gc.disable()
    yield
    gc.enable()


FORMS = {
    "a network": lambda x: nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.L1Penalty(0.1), nn.LogSoftmax(1))(x.float()[None]).sum(),
    "many kinds of op": lambda x: x.softmax(0) * x.sigmoid() + x.relu().exp().max() + x[[0, 1]].sum() + mg.cat([x, x])[:3],
    "a Function that saves its output": lambda x: Cube.apply(x),
    "views": lambda x: x.view(3, 1).t().reshape(3)[1:].unsqueeze(0).expand(2, 2),
    "in place": lambda x: (x * 1).add_(x).mul_(x).tanh_(),
    "hooks": lambda x: hooked(x * 2) * 3,
}


def hooked(y):
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    return y


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("finish", ["dropped", "backward", "retained", "second derivative"])
def test_dropping_the_result_frees_the_graph(name, finish, no_collector):
    """Nodes are freed with the tensor that they made, also without the collector."""
    x = leaf(0.5, 1.0, 2.0)
    y = FORMS[name](x)
    nodes, stack = [], [y.grad_fn]
    while stack:
        node = stack.pop()
        if node is not None and not isinstance(node, mg.Tensor):
            nodes.append(weakref.ref(node))
            stack += [parent for parent, _ in node.next_functions]
    del node, stack
    if finish == "backward":
        y.sum().backward()
    elif finish == "retained":
        y.sum().backward(retain_graph=True)
    elif finish == "second derivative":
        (g,) = grad(y.sum(), [x], create_graph=True, allow_unused=True)
        if g is not None and g.requires_grad:
            g.sum().backward()
        del g
    array = weakref.ref(y.array)
    del y
    assert len(nodes) > 0 and [ref() for ref in nodes if ref() is not None] == [] and array() is None


def test_backward_frees_as_it_goes():
    """What a node saved is freed before the pass is over."""
    sizes = []

    @op
    def watch(x, *, ref):
        return x * 1, lambda g: sizes.append(ref() is None) or g

    x = leaf(1.0)
    a = watch(x, ref=lambda: None)
    big = mg.ones(1000, dtype=mg.float64)
    y = watch(x, ref=weakref.ref(big.array))
    z = (y * big).sum() + a.sum()
    del big
    z.backward()
    assert sizes[0] is True


def test_a_second_backward_says_what_was_freed():
    x = leaf(1.0, 2.0)
    y = (x * x).tanh()
    y.sum().backward()
    with pytest.raises(RuntimeError, match=r"tanh .*\(2,\).*freed.*retain_graph=True"):
        y.sum().backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        grad(y.sum(), [x])
    z = (x * x).tanh()
    z.sum().backward(retain_graph=True)
    z.sum().backward()
    with pytest.raises(RuntimeError, match="freed"):
        z.sum().backward()


def test_create_graph_keeps_the_graph():
    x = leaf(2.0)
    y = (x**3).sum()
    (g,) = grad(y, [x], create_graph=True)
    (h,) = grad(g.sum(), [x], create_graph=True)
    h.sum().backward()
    assert (g.item(), h.item(), x.grad.item()) == (12.0, 12.0, 6.0)


# ---- 8: dtypes


def test_only_floating_point_requires_gradients():
    for dtype in (mg.int64, mg.uint8, mg.bool):
        with pytest.raises(RuntimeError, match="floating"):
            mg.zeros(2, dtype=dtype).requires_grad_()
        assert not (mg.ones(2, requires_grad=True) > 0).requires_grad


PROMOTED = ["float16", "float32", "float64", "uint8", "int8", "int32", "int64", "bool"]


@pytest.mark.parametrize("other", [*PROMOTED, "number 2", "number 2.5", "number True"])
@pytest.mark.parametrize("dtype", PROMOTED)
def test_promotion_is_pytorchs(dtype, other):
    def results(lib):
        x = lib.ones(2, dtype=getattr(lib, dtype))
        zero = lib.ones((), dtype=getattr(lib, dtype))
        y = {"2": 2, "2.5": 2.5, "True": True}[other[7:]] if other.startswith("number") else lib.ones(2, dtype=getattr(lib, other))
        for a, b in ((x, y), (y, x), (zero, y), (y, zero)):
            for f in (lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a > b):
                yield f(a, b)

    for in_minigrad, in_torch in zip(results(mg), results(torch)):
        assert str(in_torch.dtype) == f"torch.{in_minigrad.dtype}" and in_minigrad.tolist() == in_torch.tolist()


def test_gradients_come_back_in_the_leafs_dtype():
    a, b = mg.ones(2, requires_grad=True), mg.ones(2, dtype=mg.float64, requires_grad=True)
    (a * b).sum().backward()
    assert a.grad.dtype == mg.float32 and b.grad.dtype == mg.float64
    with pytest.raises(RuntimeError, match=r"float32.*float64"):
        a.grad = mg.ones(2, dtype=mg.float64)
    with pytest.raises(RuntimeError, match=r"\(2,\).*\(3,\)"):
        a.grad = mg.ones(3)


# ---- 10: NumPy and devices


def test_numpy_on_the_left_is_left_to_the_tensor():
    x = mg.ones(3, requires_grad=True)
    for y in (np.ones(3, "float32") * x, np.float32(2) + x, np.ones(3, "float32") - x):
        assert isinstance(y, mg.Tensor) and y.requires_grad


def test_conversion_to_numpy_names_the_way_out():
    x = mg.ones(3, requires_grad=True)
    for convert in (np.asarray, np.array, lambda t: t.numpy()):
        with pytest.raises(RuntimeError, match=r"detach\(\)"):
            convert(x)
    assert np.asarray(x.detach()).tolist() == [1.0] * 3
    assert np.shares_memory(np.asarray(x.detach(), copy=False), x.array) and not np.shares_memory(np.array(x.detach()), x.array)
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x.detach(), dtype="float64", copy=False)


@pytest.mark.parametrize("mixed", [
    lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a @ b, lambda a, b: mg.cat([a, b]), lambda a, b: mg.where(a > 0, a, b),
    lambda a, b: mg.maximum(a, b), lambda a, b: nn.functional.mse_loss(a, b), lambda a, b: nn.functional.linear(a, b, b[0]),
    lambda a, b: a > b, lambda a, b: a.detach().add_(b.detach()),
])
def test_mixed_devices_are_an_error_that_names_op_and_both(mixed):
    with strict_device():
        a, b = mg.ones(2, 2, requires_grad=True), mg.ones(2, 2, requires_grad=True).cuda()
        for pair in ((a, b), (b, a)):
            with pytest.raises(mg.DeviceMismatchError, match=r"(?=.*cpu)(?=.*cuda)") as caught:
                mixed(*pair)
            assert isinstance(caught.value, TypeError) and str(caught.value).split(":")[0] != ""


def test_gradients_cross_devices_with_their_tensors():
    with strict_device():
        x = mg.tensor([1.0, 2.0], requires_grad=True)
        y = x.cuda() * mg.tensor([3.0, 4.0]).cuda()
        y.cpu().sum().backward()
        assert x.grad.device.type == "cpu" and x.grad.tolist() == [3.0, 4.0]
        with pytest.raises(mg.DeviceMismatchError, match=r"(?=.*cpu)(?=.*cuda)"):
            (x.cuda() * 2).backward(mg.ones(2))


def test_no_gpu_says_what_is_missing():
    program = ("import sys\nsys.modules['cupy'] = None\nimport minigrad as mg\nprint(mg.cuda.is_available())\n"
               "try:\n    mg.ones(1).cuda()\nexcept RuntimeError as error:\n    print(error)")
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "CuPy" in out.stdout and "pip install" in out.stdout and out.stdout.startswith("False\n"), out


# ---- 11: no warnings, whatever the numbers (test_cases.py compares the values)


def test_extreme_values_are_silent_and_numpys_settings_stay():
    with np.errstate(all="raise"):
        x = mg.tensor([0.0, -1.0, 1e38, -1e38, math.inf, math.nan], requires_grad=True)
        for y in (x.log(), x.sqrt(), x.exp(), x / 0, 0 / x, x * x, x**-1.5, x.sigmoid(), x.softmax(0), x.log_softmax(0), x.sum(), x.mean()):
            y.sum().backward()
        with mg.no_grad():
            x.div_(0).mul_(2).sqrt_()
        with pytest.raises(FloatingPointError):
            np.float64(1) / np.zeros(1)


def test_the_array_module_of_a_tensor_is_ops():
    assert array_module(mg.ones(1)) is mg.ops and array_module(nn.Parameter(mg.ones(1))) is mg.ops
