"""The engine's rules as small checks: random graphs against PyTorch, ownership, modes, hooks, in-place writes, freeing."""

import gc
import threading
import weakref

import numpy as np
import torch

import minigrad as mg
from minigrad.autograd import grad

RULES = {}


def rule(function):
    RULES[function.__name__.replace("_", " ")] = function
    return function


def leaf(*values, dtype="float64"):
    return mg.tensor(np.array(values, dtype=dtype), requires_grad=True)


def raises(error, call, *words):
    """Assert that the call raises this kind of error with these words in its message."""
    try:
        call()
    except error as caught:
        assert all(word in str(caught) for word in words), str(caught)
        return
    raise AssertionError(f"no {error.__name__} where one is due")


# ---- graphs against PyTorch

UNARY = [lambda x: x.tanh(), lambda x: x * 0.5, lambda x: -x, lambda x: x.sigmoid(), lambda x: x.t().t(), lambda x: x.clone(),
         lambda x: x.reshape(-1).reshape(3, 3), lambda x: x[[0, 0, 2]], lambda x: x.detach() * x, lambda x: x.relu()]
BINARY = [lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y, lambda x, y: x @ y * 0.3, lambda x, y: x + y[0],
          lambda x, y: x * y[:, :1], lambda x, y: x + y.sum() * 0.1]


def random_graph(lib, seed, leaves):
    """Return (roots, all values) of a graph whose operations, arguments and roots depend on the seed alone."""
    rng = np.random.default_rng(seed)
    values = list(leaves)
    for _ in range(rng.integers(1, 14)):
        recent = values[-3:] if rng.random() < 0.5 else values
        x, y = (recent[i] for i in rng.integers(0, len(recent), 2))
        values.append(UNARY[rng.integers(len(UNARY))](x) if rng.random() < 0.4 else BINARY[rng.integers(len(BINARY))](x, y))
    made = [v for v in values if v.grad_fn is not None]
    return [made[i] for i in rng.integers(0, len(made), rng.integers(1, 3))] if made else [values[0] * 1], values


def graph_agrees(seed):
    """Assert that gradients of leaves and interior values, from one or two roots and in the second pass too, are PyTorch's."""
    arrays = [np.random.default_rng([seed, i]).normal(0, 1, (3, 3)) for i in range(3)]
    sides = []
    for lib, make in ((mg, mg.tensor), (torch, torch.tensor)):
        leaves = [make(a.copy(), requires_grad=True) for a in arrays]
        roots, values = random_graph(lib, seed, leaves)
        kept = [v for v in values[3::2] if v.requires_grad]
        for v in kept:
            v.retain_grad()
        for again in (True, False):
            for i, root in enumerate(roots):
                root.backward(make(arrays[i] + 1), retain_graph=again or i + 1 < len(roots))
        sides.append([t.grad for t in [*leaves, *kept]])
    for i, (a, b) in enumerate(zip(*sides)):
        assert (a is None) == (b is None), f"graph {seed}: gradient {i}"
        if a is not None:
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-11, atol=1e-11, err_msg=f"graph {seed}: gradient {i}")
    memory = [g.array for g in sides[0] if g is not None]
    for i, a in enumerate(memory):
        assert not any(np.shares_memory(a, b) for b in memory[:i]), f"graph {seed}: two gradients share memory"
        assert a.flags.writeable


@rule
def random_graphs():
    for seed in range(60):
        graph_agrees(seed)


@rule
def fan_out():
    for n in (1, 2, 3, 17, 64):
        x = leaf(2.0, 3.0)
        y = x * 1
        sum([y * y for _ in range(n)]).sum().backward()
        assert x.grad.tolist() == [4.0 * n, 6.0 * n]


@rule
def second_pass_adds():
    x = leaf(3.0)
    y = x * x
    z = y + y
    z.backward(retain_graph=True)
    z.backward()
    assert x.grad.item() == 24


@rule
def backward_through_a_long_chain():
    x = leaf(1.0)
    y = x
    for _ in range(20_000):
        y = y + 0
    y.backward()
    assert x.grad.item() == 1


# ---- ownership


@rule
def gradients_own_their_memory():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    g = mg.ones(2, dtype=mg.float64)
    (x + y).backward(g)
    assert not np.shares_memory(x.grad.array, y.grad.array) and not np.shares_memory(x.grad.array, g.array)
    x.grad.mul_(2)
    assert y.grad.tolist() == [1, 1] and g.tolist() == [1, 1]
    z = leaf(1.0, 2.0)
    z.sum().backward()
    z.grad.mul_(3)
    assert z.grad.tolist() == [3, 3]
    w = leaf(1.0, 2.0)
    w.exp().backward(g)
    saved = leaf(5.0, 6.0)
    (w * saved).backward(g)
    assert not np.shares_memory(w.grad.array, saved.array)


@rule
def a_gradient_that_is_a_saved_array_is_copied():
    y = leaf(2.0, 3.0)
    x = leaf(5.0, 7.0)
    (x * y).backward(mg.ones(2, dtype=mg.float64))
    x.grad.zero_()
    assert y.tolist() == [2, 3]
    from minigrad.autograd import op

    @op
    def constant_gradient(x):
        fixed = x * 0 + 4
        return x * 4, lambda g: fixed

    z = leaf(1.0, 1.0)
    out = constant_gradient(z)
    out.backward(mg.ones(2, dtype=mg.float64), retain_graph=True)
    z.grad.zero_()
    out.backward(mg.ones(2, dtype=mg.float64))
    assert z.grad.tolist() == [4, 4]


@rule
def float32_stays_float32():
    x = leaf(1.0, 2.0, dtype="float32")
    y = ((x * 2.0 + 1).tanh() / 3).mean()
    y.backward()
    assert y.dtype == x.grad.dtype == mg.float32


# ---- modes


@rule
def no_grad_is_restored():
    try:
        with mg.no_grad():
            assert not (leaf(1.0) * 2).requires_grad
            with mg.enable_grad():
                assert (leaf(1.0) * 2).requires_grad
            assert not mg.is_grad_enabled()
            raise KeyError
    except KeyError:
        pass
    assert mg.is_grad_enabled() and (leaf(1.0) * 2).requires_grad

    @mg.no_grad()
    def numbers():
        yield mg.is_grad_enabled()
        yield mg.is_grad_enabled()

    seen = []
    for mode in numbers():
        seen += [mode, mg.is_grad_enabled()]
    assert seen == [False, True, False, True]
    seen = []
    with mg.no_grad():
        thread = threading.Thread(target=lambda: seen.append(mg.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


@rule
def backward_records_nothing():
    x = leaf(1.0, 2.0)
    hooks = []
    y = x * x
    y.register_hook(lambda g: hooks.append(mg.is_grad_enabled()))
    y.sum().backward()
    assert hooks == [False] and not x.grad.requires_grad and mg.is_grad_enabled()
    with mg.no_grad():
        raises(RuntimeError, lambda: (x * 2).sum().backward(), "does not require")


# ---- hooks


@rule
def hooks_run_in_order():
    x = leaf(1.0)
    y = x * 1
    calls = []
    y.register_hook(lambda g: calls.append(("first", g.item())) or g + 1)
    handle = y.register_hook(lambda g: calls.append(("second", g.item())) or g * 10)
    y.retain_grad()
    (y * 3).backward()
    assert calls == [("first", 3.0), ("second", 4.0)]
    assert x.grad.item() == y.grad.item() == 40
    handle.remove()
    calls.clear()
    x.grad = None
    z = x * 2
    x.register_hook(lambda g: calls.append(g.item()))
    (z + z * 3).backward()
    assert calls == [8.0] and x.grad.item() == 8  # the hook is called once, for the whole sum


# ---- in-place writes


@rule
def writes_after_the_forward_pass_are_seen():
    cases = {
        "mul_": lambda x: x.detach().mul_(2),
        "data": lambda x: x.data.add_(1),
        "view": lambda x: x.detach()[1:].zero_(),
        "item": lambda x: x.data.__setitem__(0, 5.0),
    }
    for name, write in cases.items():
        x = leaf(1.0, 2.0, 3.0)
        y = (x * x).sum()
        write(x)
        raises(RuntimeError, y.backward, "mul", "in place")
        assert name
    with mg.no_grad():
        x = leaf(1.0, 2.0)
        x.add_(1)
    (x * x).sum().backward()
    assert x.grad.tolist() == [4, 6]
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    z = (a * a).sum()
    b.data.add_(1)  # the memory of another tensor
    z.backward()
    buffer = mg.zeros(4, dtype=mg.float64).array
    first, second = (mg.from_numpy(part).requires_grad_() for part in (buffer[:2], buffer[2:]))
    loss = (first * first).sum()
    second.data.add_(1)  # a neighbour in the same buffer
    loss.backward()
    loss = (first * first).sum()
    mg.from_numpy(buffer).add_(1)
    raises(RuntimeError, loss.backward, "in place")


@rule
def in_place_on_leaves_and_interior():
    x = leaf(1.0, 2.0)
    raises(RuntimeError, lambda: x.add_(1), "leaf")
    y = x * 1
    y.mul_(3)
    y.sum().backward()
    assert x.grad.tolist() == [3, 3]


# ---- freeing, and what backward refuses


@rule
def freed_graphs_say_so():
    x = leaf(1.0)
    y = (x * x).tanh()
    y.backward()
    raises(RuntimeError, y.backward, "tanh", "retain_graph")
    raises(RuntimeError, lambda: (x * mg.ones(2, dtype=mg.float64)).backward(), "one element")
    raises(RuntimeError, lambda: (x * 2).backward(mg.ones(3, dtype=mg.float64)), "shape")
    raises(RuntimeError, mg.ones(1).backward, "does not require")


@rule
def dropping_the_loss_frees_the_graph():
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        y = x.exp()
        interior = weakref.ref(y.node)
        loss = (y * y).sum()
        del y
        loss.backward()
        assert interior() is None or interior().vjps is None
        del loss
        assert interior() is None
    finally:
        gc.enable()


@rule
def grad_returns_what_was_asked():
    x, y, unused = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(1.0)
    z = x * y
    w = (z * z).sum()
    gz, gx = grad(w, (z, x), retain_graph=True)
    assert gz.tolist() == [6, 16] and gx.tolist() == [18, 64] and x.grad is None
    raises(RuntimeError, lambda: grad(w, unused, retain_graph=True), "allow_unused")
    assert grad(w, (unused,), allow_unused=True, retain_graph=True) == (None,)
    assert grad(w, unused, materialize_grads=True, allow_unused=True)[0].tolist() == [0]
    (first,) = grad((x * x * x).sum(), x, create_graph=True)
    (second,) = grad(first.sum(), x)
    assert second.tolist() == [6, 12]


@rule
def several_outputs_share_one_backward():
    class Both(mg.autograd.Function):
        forward = staticmethod(lambda ctx, x: (x * 2, x * 3, x * 5))
        backward = staticmethod(lambda ctx, a, b, c: 2 * a + 3 * b + 5 * c)

    x = leaf(1.0, 2.0)
    a, b, _ = Both.apply(x)
    (a + 7 * b * b).sum().backward(retain_graph=True)
    assert x.grad.tolist() == [2.0 + 7 * 18, 2.0 + 7 * 36]
    assert mg.autograd.grad((b + b).sum(), x)[0].tolist() == [6.0, 6.0]


@rule
def wrong_vjps_are_refused():
    from minigrad.autograd import op

    def once(vjp):
        @op
        def odd(x):
            return x * 2, vjp

        return lambda: odd(leaf(1.0, 2.0)).sum().backward()

    raises(RuntimeError, once(lambda g: np.ones((3, 2))), "odd", "shape")
    raises(RuntimeError, once(lambda g: g.astype("float32")), "odd", "dtype")
    raises(RuntimeError, once(lambda g: [1, 2]), "odd", "list")
