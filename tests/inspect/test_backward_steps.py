"""`steps` shows what `backward` does: on random graphs its numbers add up to `.grad` to the last bit, and to PyTorch's gradients."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.autograd import Function
from minigrad.autograd.visits import nodes_before
from support.random_graphs import both, close, drawn, some


def sums_of(walk):
    """Return {node or leaf: what the contributions to it add up to}, added in the order in which they come."""
    sums = {}
    for step in walk:
        for c in step.contributions:
            if c.value is not None:
                sums[c.to] = c.value if c.to not in sums else sums[c.to] + c.value
            assert c.total is None or np.array_equal(c.total.array, sums[c.to].array, equal_nan=True)
    return sums


@some
@drawn
def test_contributions_add_up_to_grad_to_the_last_bit(program, seed, picks):
    """Also the order is that of backward, the graph and `.grad` are left as they were, and PyTorch's twin has the same gradients."""
    run, twin = both(program, seed)
    roots, twins = run.roots(picks[:1]), twin.roots(picks[:1])
    if not roots or roots[0].node is None:
        return
    root, weight = roots[0], run.weights(roots[0], seed)
    walk = mg.inspect.steps(root, weight)
    order, gradients = [], {}
    for step in walk:
        order.append(step.node)
        gradients[step.node] = step.g
    ticks = [node.tick for node in order]
    assert ticks == sorted(set(ticks), reverse=True) and len(ticks) == walk.total
    assert all(leaf.grad is None for leaf in run.leaves)
    added = sums_of(mg.inspect.steps(root, weight))
    for node, g in gradients.items():
        assert g.array.tobytes() == (weight if node is root.node else added[node]).array.tobytes()
    mg.autograd.backward(root, weight)
    found = {id(leaf): g for _, leaf, g in walk.leaves}
    for leaf in run.leaves:
        assert (leaf.grad is None) == (id(leaf) not in found)
        if leaf.grad is not None:
            assert leaf.grad.array.tobytes() == found[id(leaf)].array.tobytes() == added[leaf].array.tobytes()
    twin.lib.autograd.backward(twins[0], twin.weights(twins[0], seed))
    close(run.gradients(), twin.gradients())


def graph_of_a_layer():
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0], [0.0, -1.0]])
    w = mg.tensor([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]], requires_grad=True)
    b = mg.tensor([0.1, 0.2, -0.1], requires_grad=True)
    h = (x @ w + b).tanh()
    y = h * h
    return x, w, b, h, y, y.sum()


def test_names_calls_uses_and_sums_over_broadcast_axes():
    x, w, b, h, y, loss = graph_of_a_layer()  # noqa: RUF059  # steps looks for the names of variables
    walk = mg.inspect.steps(loss)
    found = list(walk)
    assert [(s.number, s.name, s.call) for s in found] == [
        (1, "loss", "sum(y)"), (2, "y", "mul(h, h)"), (3, "h", "tanh(add #4)"), (4, "add #4", "add(matmul #5, b)"),
        (5, "matmul #5", "matmul(x, w)")]
    assert [(c.name, c.parameter, c.use) for c in found[1].contributions] == [("h", "x", 1), ("h", "y", 2)]
    to_b = found[3].contributions[1]
    assert (to_b.name, to_b.returned_shape, to_b.summed_axes, tuple(to_b.value.shape)) == ("b", (3, 3), (0,), (3,))
    assert [(name, leaf is b or leaf is w) for name, leaf, _ in walk.leaves] == [("b", True), ("w", True)]
    assert all(np.array_equal(s.value.array, t.array) for s, t in zip(found, (loss, y, h)))


def test_the_numbers_are_copies():
    """Writing into what a step shows changes neither the graph nor the gradients."""
    *_, b, _, _, loss = graph_of_a_layer()
    for step in mg.inspect.steps(loss):
        step.g.fill_(100)
        step.value.fill_(100)
        for c in step.contributions:
            c.value.fill_(100)
            c.total.fill_(100)
    loss.backward()
    *_, other_b, _, _, other = graph_of_a_layer()
    other.backward()
    assert b.grad.array.tobytes() == other_b.grad.array.tobytes()


def test_the_graph_and_grad_stay_as_they_are():
    _, w, _, h, _, loss = graph_of_a_layer()
    h.retain_grad()
    before = [(node, node.vjps, node.parents, node.hooks) for node in nodes_before([loss.node])]
    list(mg.inspect.steps(loss))
    assert w.grad is None and h.grad is None
    assert before == [(node, node.vjps, node.parents, node.hooks) for node in nodes_before([loss.node])]
    loss.backward()
    with pytest.raises(RuntimeError, match="freed"):
        mg.inspect.steps(loss)


def test_hooks_run_and_are_said_to_have_changed_a_gradient():
    _, w, b, h, y, loss = graph_of_a_layer()  # noqa: RUF059
    h.register_hook(lambda g: g * 2)
    w.register_hook(lambda g: g * 3)
    walk = mg.inspect.steps(loss)
    assert {step.name: step.hooked for step in walk} == {"loss": False, "y": False, "h": True, "add #4": False, "matmul #5": False}
    loss.backward()
    assert {name: np.array_equal(leaf.grad.array, g.array) for name, leaf, g in walk.leaves} == {"b": True, "w": True}


def test_the_hooks_of_nodes_run_too():
    for left in (lambda given, got: (given[0] * 3, None), lambda given, got: (None, None)):
        x = mg.tensor([0.5, -1.0], requires_grad=True)
        h = x.tanh() * 2
        h.grad_fn.register_hook(left)
        h.grad_fn.register_prehook(lambda got: (got[0] * 5,))
        loss = (h * h).sum() + x.sum()
        walk = mg.inspect.steps(loss)
        assert {step.name: step.hooked for step in walk}["h"]
        loss.backward()
        assert [np.array_equal(leaf.grad.array, g.array) for _, leaf, g in walk.leaves] == [True]


class Twice(Function):
    @staticmethod
    def forward(ctx, x, n, y):
        return x * n + y

    @staticmethod
    def backward(ctx, g):
        return g * 2, None, None


def test_a_function_with_an_argument_that_gets_nothing():
    x, y = mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True)
    inner = y * 3
    out = Twice.apply(x, 2, inner).sum()
    walk = mg.inspect.steps(out)
    found = list(walk)
    assert [(c.parameter, c.value is None) for c in found[1].contributions] == [("x", False), ("y", True)]
    assert found[2].g is None and found[2].name == "inner" and found[2].contributions == ()
    assert [name for name, _, _ in walk.leaves] == ["x"]
    out.backward()
    assert y.grad is None and x.grad.tolist() == [2, 2]


def test_an_argument_of_a_list_and_a_number():
    x = mg.ones(2, requires_grad=True)
    step = next(mg.inspect.steps(mg.cat([x, x * 2]).sum() * 3))
    assert step.call.startswith("mul(sum #2, 3)")
    joined = list(mg.inspect.steps(mg.cat([x, x * 2]).sum()))[1]
    assert [c.parameter for c in joined.contributions] == ["xs[0]", "xs[1]"]


@pytest.mark.parametrize("loss, message", [
    (lambda: mg.ones(2), "steps: the tensor of shape .2,. does not require a gradient"),
    (lambda: mg.ones(1, requires_grad=True), "steps: the tensor of shape .1,. is a leaf"),
    (lambda: mg.ones(2, requires_grad=True) * 2, "steps: a gradient can be left out only for a tensor of one element"),
])
def test_what_has_no_steps(loss, message):
    with pytest.raises(RuntimeError, match=message):
        mg.inspect.steps(loss())


def test_large_products_have_the_bits_of_backward():
    """On several threads a layer's products are computed together; the steps take the same way."""
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(300, 200), nn.Tanh(), nn.Linear(200, 100))
    loss = net(mg.randn(400, 300)).pow(2).mean()
    walk = mg.inspect.steps(loss)
    list(walk)
    loss.backward()
    for name, leaf, g in walk.leaves:
        assert leaf.grad.array.tobytes() == g.array.tobytes(), name


def test_axes_of_size_1_that_were_stretched():
    x, y = mg.ones(1, 3, requires_grad=True), mg.ones(2, 1, 1, requires_grad=True)
    step = list(mg.inspect.steps((x * y).sum()))[1]
    assert [(c.returned_shape, c.summed_axes, tuple(c.value.shape)) for c in step.contributions] == [
        ((2, 1, 3), (0,), (1, 3)), ((2, 1, 3), (2,), (2, 1, 1))]
    added = list(mg.inspect.steps((x + mg.ones(4, 3)).sum()))[1]
    assert added.contributions[0].summed_axes == (0,)


def test_options_and_unnamed_leaves():
    loss = (mg.ones(2, 3, requires_grad=True) * mg.ones(3, requires_grad=True)).mean(1, keepdim=True).sum()
    walk = mg.inspect.steps(loss)
    assert [step.call for step in walk] == ["sum(mean #2)", "mean(mul #3, axis=(1,), keepdims=True)", "mul(leaf 1, leaf 2)"]
    assert [name for name, _, _ in walk.leaves] == ["leaf 1", "leaf 2"]


def test_a_value_that_was_changed_in_place_is_refused_as_backward_refuses_it():
    x = mg.ones(2, requires_grad=True)
    y = x.exp()
    loss = y.sum()
    y.detach().mul_(2)
    with pytest.raises(RuntimeError, match="changed in place") as found:
        list(mg.inspect.steps(loss))
    with pytest.raises(RuntimeError, match="changed in place") as expected:
        loss.backward()
    assert str(found.value) == str(expected.value)


def test_a_vjp_that_raises_names_its_operation():
    @mg.autograd.op
    def broken(x):
        return x * 1, lambda g: g.no_such_method()

    with pytest.raises(AttributeError) as found:
        list(mg.inspect.steps(broken(mg.ones(2, requires_grad=True)).sum()))
    assert found.value.__notes__ == ["in the VJP of broken for argument 0 of shape (2,): g has shape (2,), the output (2,)"]


def test_hooks_of_a_value_that_no_gradient_reaches_do_not_run():
    x, y, seen = mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True), []
    inner = y * 3
    inner.register_hook(seen.append)
    list(mg.inspect.steps(Twice.apply(x, 2, inner).sum()))
    assert seen == []


def test_a_hook_that_returns_the_same_numbers_has_changed_nothing():
    x = mg.ones(2, requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: g.clone())
    assert [step.hooked for step in mg.inspect.steps(y.sum())] == [False, False]


def test_float16_gradients_of_promoted_arguments():
    x, y = mg.ones(2, dtype=mg.float32, requires_grad=True), mg.ones(2, dtype=mg.float64, requires_grad=True)
    walk = mg.inspect.steps((x * y).sum())
    found = {c.name: c.value.dtype for step in walk for c in step.contributions if c.name in "xy"}
    assert found == {"x": mg.float32, "y": mg.float64}


def test_hooks_of_nodes_run_as_in_backward():
    x, w = mg.ones(2, 3, requires_grad=True), mg.ones(3, requires_grad=True)
    h = x * w
    h.node.register_prehook(lambda gradients: (gradients[0] * 3,))
    h.node.register_hook(lambda given, _: (given[0] * 2, None))
    loss = (h * h).sum()
    walk = mg.inspect.steps(loss)
    found = {step.name: step for step in walk}
    assert found["h"].hooked and [c.name for c in found["h"].contributions] == ["x"]
    loss.backward()
    assert w.grad is None and [(name, g.tolist()) for name, _, g in walk.leaves] == [("x", x.grad.tolist())]


def test_hooks_that_are_called_after_grad_was_added_to_do_not_run():
    x, seen = mg.ones(2, requires_grad=True), []
    x.register_post_accumulate_grad_hook(seen.append)
    walk = mg.inspect.steps((x * 2).sum())
    assert len(list(walk)) == 2 and [g.tolist() for _, _, g in walk.leaves] == [[2, 2]] and seen == []
