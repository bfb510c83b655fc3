"""What the engine's functions promise, each on its own: the core Tensor, nodes, VJPs of odd shapes, wanted gradients, replays."""

import gc
import tracemalloc
from unittest import mock

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import engine, graph, visits


def leaf(*values, dtype="float64"):
    return mg.tensor(np.array(values, dtype), requires_grad=True)


def test_the_core_tensor_stands_alone():
    x = graph.Tensor(np.ones((2, 3), "float32"))
    assert (x.shape, x.dtype, x.ndim, x.is_leaf, x.grad_fn, x.grad, x.requires_grad) == ((2, 3), "float32", 2, True, None, None, False)
    number = graph.Tensor(np.float64(2))
    assert type(number.array) is np.ndarray and number.array == 2
    kept = np.ones(2)
    assert graph.Tensor(kept).array is kept and graph.Tensor(kept, True).requires_grad is True


def test_operations_return_the_class_in_use():
    assert graph.use_tensor_class(mg.Tensor) is mg.Tensor
    assert type(graph.wrap(np.ones(2))) is type(leaf(1.0) * 2) is mg.Tensor


def test_requires_grad_is_switched():
    x = leaf(1.0)
    x.requires_grad = False
    assert not x.requires_grad
    with pytest.raises(TypeError, match="True or False, not int"):
        x.requires_grad = 1
    x.requires_grad = True
    assert x.requires_grad is True
    y = x * 2
    y.requires_grad = True  # as it is already
    with pytest.raises(RuntimeError, match="only be switched off on a leaf"):
        y.requires_grad = False
    whole = mg.tensor([1, 2])
    whole.requires_grad = False  # as it is already
    with pytest.raises(RuntimeError, match="int64"):
        whole.requires_grad = True


def test_next_functions_are_pairs():
    x = leaf(1.0)
    y = x * 2
    assert y.grad_fn.options is None and y.sum(0).grad_fn.options == {"axis": (0,), "keepdims": False}
    assert y.grad_fn.next_functions == ((x, 0), (None, 0)) and (y * y).grad_fn.next_functions == ((y.grad_fn, 0),) * 2
    number = mg.tensor(2.0, requires_grad=True)
    assert (number * y).grad_fn.next_functions == ((number, 0), (y.grad_fn, 0))  # of another dtype, but on the same device


def test_warnings_are_back_after_an_operation_and_a_pass():
    with np.errstate(all="warn"):
        y = (leaf(1.0, 2.0) / 0).sum()
        assert set(np.geterr().values()) == {"warn"}
        y.backward()
        assert set(np.geterr().values()) == {"warn"}


def test_an_interrupt_while_an_operation_begins_leaves_the_warnings_on():
    """Raised between the call that switches them off and the assignment of what it returns, as a signal handler may."""

    def interrupting():
        ignore()
        raise KeyboardInterrupt

    x, ignore = leaf(1.0), engine.ignore_fp_warnings
    with np.errstate(all="warn"), mock.patch.object(engine, "ignore_fp_warnings", interrupting):
        with pytest.raises(KeyboardInterrupt):
            x * 2
        assert set(np.geterr().values()) == {"warn"}


def test_arrays_of_no_axis_are_arrays():
    x = leaf(3.0).sum().detach().requires_grad_()
    y = x * x + x * 2 + x.exp()
    y.backward(retain_graph=True)
    assert type(y.array) is type(x.grad.array) is np.ndarray
    (g,) = mg.autograd.grad(y, x)
    assert type(g.array) is np.ndarray and g.array.flags.writeable


# ---- views


def test_a_view_is_linked_to_the_tensor_that_it_shows():
    @engine.op
    def second(x, y):
        return y[1:], lambda g: np.zeros(2), lambda g: np.concatenate([[0.0], g])

    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    out = second(x, y)
    assert [reference() is t for reference, t in zip(y.views.everyone, (y, out))] == [True, True] and x.views is None
    assert out.views is not y.views and y[1:].views is y.views  # y[1:] has a view's gradient, `second` may have any
    assert (y + 1).views is None and second(mg.zeros(2).array, y).views.everyone is y.views.everyone


def test_what_shows_the_memory_with_another_gradient_is_not_changed():
    y = leaf(1.0, 2.0) * 2
    shown = [mg.ops.l1_penalty(y, weight=1.0)]
    for change in (lambda: y.mul_(3), lambda: y[:1].mul_(3), lambda: shown[0].mul_(3)):
        with pytest.raises(RuntimeError, match="shares its memory with one that has another gradient"):
            change()
    shown.clear()
    y.mul_(3)
    assert y.tolist() == [6, 12]


def test_complaints_of_an_operation_itself_stay_as_they_are():
    @engine.op
    def odd(x):
        raise ValueError("odd: two" if x.shape == (2,) else "three")

    with pytest.raises(ValueError, match=r"^odd: two$"):
        odd(leaf(1.0, 2.0))
    with pytest.raises(RuntimeError, match=r"^odd: three$"):
        odd(leaf(1.0, 2.0, 3.0))


# ---- roots and cotangents


@pytest.mark.filterwarnings("ignore:Using backward")
def test_roots_may_repeat():
    for create in (False, True):
        x, other = leaf(2.0), leaf(5.0)
        y, z = x * x, other * 3
        engine.backward((y, y, z), retain_graph=True, create_graph=create)
        assert (x.grad.item(), other.grad.item()) == (8, 3)
        x.grad = None
        loss = (x * x).sum()
        engine.backward((loss, loss, loss), create_graph=create)
        assert x.grad.item() == 12


def test_a_leaf_may_be_a_root():
    x = leaf(1.0, 2.0)
    x.backward(mg.full((2,), 3.0, dtype=mg.float64))
    assert x.grad.tolist() == [3, 3]


def test_cotangents_may_be_arrays():
    x = leaf(1.0, 2.0)
    (x * x).backward(np.array([1.0, 10.0]))
    assert x.grad.tolist() == [2, 40]
    (g,) = mg.autograd.grad(x * x, x, np.array([1.0, 1.0], "float32"), create_graph=True)
    assert g.tolist() == [2, 4] and g.dtype == mg.float64
    x.grad = None
    (x + 0).backward(np.array([1.0, 2.0], "float32"))
    assert x.grad.tolist() == [1, 2] and x.grad.dtype == mg.float64
    x.grad = None
    first, second = x * 1, x * 1
    engine.backward((first, second), (np.ones(2, ">f8"), np.full(2, 2.0).view(np.memmap)))  # several are taken as one is
    assert x.grad.tolist() == [3, 3] and type(x.grad.array) is np.ndarray and x.grad.dtype.isnative
    with pytest.raises(TypeError, match=r"backward: .*complex"):
        engine.backward((x * 1, x * 1), (np.ones(2), np.ones(2, complex)))
    with pytest.raises(RuntimeError, match="1 tensors, but 2 gradients"):
        engine.backward(x * x, (np.ones(2), np.ones(2)))


# ---- wanted gradients


def test_inputs_of_grad_at_several_depths():
    x = leaf(1.0, 2.0)
    older, newer = x * 3, x * 2  # neither was computed from the other
    loss = (older * older).sum() + (newer * newer).sum()
    a, b = mg.autograd.grad(loss, (older, newer), retain_graph=True)
    assert a.tolist() == [6, 12] and b.tolist() == [4, 8]
    c, again = mg.autograd.grad(loss, (x, x), materialize_grads=True, allow_unused=True)
    assert c.tolist() == again.tolist() == [26, 52]


def test_what_was_asked_for_may_be_newer_than_the_way_to_the_rest():
    x = leaf(1.0, 2.0)
    first = x * 3
    square = (first * first).sum()
    newer = x * 2
    a, b = mg.autograd.grad(newer.sum() + square, (newer, first))
    assert a.tolist() == [1, 1] and b.tolist() == [6, 12]


def test_only_what_leads_to_the_inputs_is_computed():
    calls = []

    @engine.op
    def pair(x, y):
        return x * y, lambda g: calls.append("x") or g * y, lambda g: calls.append("y") or g * x

    x, y = leaf(2.0), leaf(3.0)
    for argument in (x, x * 1):
        (g,) = mg.autograd.grad(pair(argument, y).sum(), y)
        assert g.item() == 2 and calls == ["y"]
        calls.clear()


def test_a_graph_is_followed_up_to_some_nodes_only():
    x = leaf(2.0)
    inner = x * 3
    left, right = inner * 2, inner.exp().exp()
    nodes = visits.nodes_before([(left + right).grad_fn], {right.grad_fn})
    assert [node.name() for node in nodes] == ["MulBackward0", "MulBackward0", "ExpBackward0", "AddBackward0"]


def test_a_long_sum_of_a_node_with_itself_is_walked_once():
    x = leaf(1.0)
    y = x
    for _ in range(64):
        y = y + y
    (g,) = mg.autograd.grad(y, x, create_graph=True)
    assert g.item() == 2.0**64


# ---- hooks


def test_retain_grad_keeps_what_later_hooks_return():
    x = leaf(1.0)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.backward()
    assert y.grad.item() == 10 and x.grad.item() == 20


def test_gradients_after_hooks_own_their_memory():
    g, kept = mg.ones(2, dtype=mg.float64), mg.full((2,), 7.0, dtype=mg.float64)
    for make in (lambda x: x.clone(), lambda x: x * 2 + x * 3):
        for hook, expected in ((lambda g: kept, 7), (lambda g: None, None)):
            x = leaf(1.0, 2.0)
            x.register_hook(hook)
            make(x).backward(g)
            assert expected is None or x.grad.tolist() == [expected] * 2
            x.grad.zero_()
            assert kept.tolist() == [7, 7] and g.tolist() == [1, 1]


@pytest.mark.parametrize("wrong", [mg.ones(3, dtype=mg.float64), mg.ones(2)])
def test_a_hook_may_not_change_shape_or_dtype(wrong):
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: wrong)
    with pytest.raises(RuntimeError, match="a hook returned shape"):
        x.sum().backward()


# ---- .grad


def test_adding_to_a_gradient_is_a_write():
    x, w = leaf(2.0), leaf(3.0)
    (x * x).backward()
    later = (w * x.grad).sum()  # saves x.grad
    (x * x).backward()
    with pytest.raises(RuntimeError, match="in place"):
        later.backward()


@pytest.mark.filterwarnings("ignore:Using backward")
def test_a_recorded_gradient_is_not_added_to_in_place():
    x = leaf(3.0)
    (x * x * x).backward(create_graph=True)
    first = x.grad
    (x * 2).sum().backward()
    assert first.item() == 27 and x.grad.item() == 29 and x.grad is not first
    (second,) = mg.autograd.grad(first, x)
    assert second.item() == 18


@pytest.mark.filterwarnings("ignore:Using backward")
def test_recorded_gradients_add_up():
    x = leaf(3.0)
    y = x * x * x
    for _ in range(2):
        y.backward(create_graph=True)
    assert x.grad.item() == 54
    (second,) = mg.autograd.grad(x.grad, x)
    assert second.item() == 36


# ---- changes between the forward pass and a second derivative


def test_other_writes_do_not_matter_to_a_second_derivative():
    x, other = leaf(1.0), mg.zeros(2)
    y = (x * 2.0).exp().sum()
    other.add_(1)
    (first,) = mg.autograd.grad(y, x, create_graph=True)
    (second,) = mg.autograd.grad(first, x)
    np.testing.assert_allclose(second.item(), 4 * np.exp(2.0), 1e-14)


@pytest.mark.parametrize("shape", [(2,), (3, 2)])
def test_an_array_that_a_vjp_made_becomes_the_gradient(shape):
    made = []

    @engine.op
    def double(x):
        def vjp(g):
            c = g * 2
            made.append(id(c))
            return c

        return np.broadcast_to(x, shape) * 2, vjp

    x = leaf(1.0, 2.0)
    double(x).backward(mg.ones(*shape, dtype=mg.float64))
    assert (id(x.grad.array) == made[0]) == (shape == (2,)) and x.grad.tolist() == [2.0 * np.prod(shape) / 2] * 2


def test_a_gradient_that_a_function_keeps_is_copied():
    kept = mg.full((2,), 7.0, dtype=mg.float64)

    class Constant(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 7

        @staticmethod
        def backward(ctx, g):
            return kept

    x = leaf(1.0, 2.0)
    Constant.apply(x).sum().backward()
    x.grad.zero_()
    assert kept.tolist() == [7, 7]


def test_contributions_add_up_in_one_array():
    x, g = mg.zeros(100_000, requires_grad=True), mg.ones(100_000)
    y = x
    for _ in range(7):
        y = y + x
    gc.collect()
    tracemalloc.start()
    try:
        y.backward(g)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert x.grad.array[0] == 8 and peak < 1.5 * x.array.nbytes


# ---- what VJPs return


def once(vjp, out=lambda x: x * 2, start=(1.0, 2.0)):
    """Return the gradient of an operation with this VJP."""

    @engine.op
    def odd(x):
        return out(x), vjp

    x = leaf(*start)
    odd(x).sum().backward()
    return x.grad


@pytest.mark.parametrize("shape, size, out", [
    ((3,), 2, lambda x: x * 2), ((1, 2), 2, lambda x: x * 2), ((3, 2), 2, lambda x: x * 2), ((3,), 2, lambda x: np.ones(3)),
    ((3,), 1, lambda x: x * 2), ((), 2, lambda x: x * 2), ((5, 3, 2), 2, lambda x: np.ones((4, 3, 2))),
])
def test_shapes_that_nothing_was_broadcast_to_are_refused(shape, size, out):
    with pytest.raises(RuntimeError, match=r"the VJP of odd returned shape .* for an input of shape"):
        once(lambda g: np.ones(shape), out, (1.0,) * size)


def test_shapes_that_an_input_was_broadcast_to_are_summed():
    assert once(lambda g: g, lambda x: np.ones((4, 2)) * x).tolist() == [4, 4]
    assert once(lambda g: g[0], lambda x: np.ones((4, 2)) * x).tolist() == [1, 1]
    assert once(lambda g: g, lambda x: np.ones((3, 4)) * x, (1.0,)).tolist() == [12]
    assert once(lambda g: g[:1], lambda x: np.ones((1, 4)) * x, (1.0,)).tolist() == [4]


def test_numbers_of_numpy_are_gradients_of_arrays_without_axes():
    @engine.op
    def odd(x, y):
        return x * y, lambda g: np.float64(5), lambda g: np.ones(3).sum()

    x, y = leaf(1.0).sum().detach().requires_grad_(), leaf(1.0).sum().detach().requires_grad_()
    odd(x, y).backward()
    assert (x.grad.item(), y.grad.item()) == (5, 3) and type(x.grad.array) is type(y.grad.array) is np.ndarray


def test_a_dtype_of_its_own_is_refused_also_where_it_was_broadcast():
    for out in (lambda x: x * 2, lambda x: np.ones((4, 2)) * x):
        with pytest.raises(RuntimeError, match="the VJP of odd returned dtype float32"):
            once(lambda g: g.astype("float32"), out)
    x = leaf(1.0, 2.0, dtype="float32")
    x.double().backward(mg.ones(2, dtype=mg.float64))  # the VJP of a change of dtype converts g back
    assert x.grad.dtype == mg.float32


def test_a_function_may_have_nothing_to_say_of_its_first_input():
    class Second(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * 0 + y

        @staticmethod
        def backward(ctx, g):
            return None, g * 3

    x, y = leaf(1.0), leaf(2.0)
    Second.apply(x, y).sum().backward()
    assert x.grad is None and y.grad.item() == 3


def test_the_gradient_of_a_gradient_fits_the_dtype_of_its_tensor():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = mg.tensor([3.0, 4.0], dtype=mg.float64, requires_grad=True)
    (g,) = mg.autograd.grad((x * y * x).sum(), x, create_graph=True)
    assert g.dtype == mg.float32 and g.tolist() == [6.0, 16.0]
    (h,) = mg.autograd.grad(g.sum(), x)
    assert h.dtype == mg.float32 and h.tolist() == [6.0, 8.0]
