"""Changes in place: backward raises where a saved array was written to, and only there; what in-place methods do to the graph."""

import functools

import numpy as np
import pytest
import torch
from custom import Cube

import minigrad as mg
from minigrad import nn, optim
from minigrad.autograd import op


def leaf(*values, dtype="float64"):
    return mg.tensor(np.array(values, dtype), requires_grad=True)


def fails(y, *words):
    with pytest.raises(RuntimeError, match="changed in place") as caught:
        y.sum().backward()
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_the_error_names_op_and_shape():
    x = mg.ones(2, 3, requires_grad=True)
    y = x.exp() * x
    x.data.add_(1)
    fails(y, "mul", "(2, 3)")


@pytest.mark.parametrize("write", [
    lambda x: x.data.add_(1), lambda x: x.detach().zero_(), lambda x: x.data[0].fill_(1), lambda x: x.detach().view(6)[3:].mul_(2),
    lambda x: x.data.t()[1:, 1].sub_(1), lambda x: x.data.__setitem__((0, 0), 5.0),
    lambda x: x.data.copy_(mg.zeros(3)), lambda x: x.data.normal_(), lambda x: x.data.uniform_(), lambda x: x.data.clamp_(0, 1),
    lambda x: mg.from_numpy(x.detach().numpy()).add_(1), lambda x: nn.Parameter(x.detach()).data.add_(1),
    lambda x: [row.add_(1) for row in x.data], lambda x: x.detach().requires_grad_().data.tanh_(),
])
def test_writes_through_views_and_detached_tensors_are_seen(write):
    x = mg.ones(2, 3, requires_grad=True)
    y = x * x
    write(x)
    fails(y, "mul", "(2, 3)")


def test_a_write_beside_what_was_saved_is_none():
    """Views of other rows, and parameters that are neighbours in one flat buffer."""
    whole = mg.zeros(4, 3)
    a, b = whole[:2].requires_grad_(), whole[2:]
    y = a * a
    b.add_(1)
    whole[3].mul_(2)
    y.sum().backward()
    p, q = nn.Parameter(mg.ones(3)), nn.Parameter(mg.ones(3))
    optimizer = optim.Adam([p, q])
    p.grad, q.grad = mg.ones(3), mg.ones(3)
    optimizer.step()
    y = p * p
    with mg.no_grad():
        q.add_(1)
    y.sum().backward()
    y = p * p + q
    p.grad, q.grad = None, mg.ones(3)
    optimizer.step()
    y.sum().backward()
    y = p * p
    with mg.no_grad():
        p.add_(1)
    fails(y, "mul")


def test_a_write_to_what_was_not_saved_is_none():
    for form, which in [(lambda x, c: x + c, 1), (lambda x, c: x * c, 0), (lambda x, c: x - c, 0), (lambda x, c: x.sum() * 2, 0),
                        (lambda x, c: (x * 2).reshape(3, 1), 0), (lambda x, c: x.exp(), 0), (lambda x, c: x @ c, 0)]:
        x, c = mg.ones(3, requires_grad=True), mg.ones(3)
        y = form(x, c)
        (x, c)[which].detach().add_(1)
        y.sum().backward()


def test_a_value_that_was_saved_may_not_be_written():
    x = mg.ones(3, requires_grad=True)
    y = x.exp()
    y.data.add_(1)
    fails(y, "exp")


def test_a_write_after_backward_is_none():
    model = nn.Linear(2, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        model(mg.ones(1, 2)).tanh().sum().backward()
        optimizer.step()


CLOSURES = {
    "a cell": lambda x: lambda g: g * x,
    "a default": lambda x: lambda g, saved=x: g * saved,
    "a nested function": lambda x: (lambda inner: lambda g: g * inner())(lambda: x),
    "a partial": lambda x: functools.partial(lambda saved, g: g * saved, x),
    "a partial's keyword": lambda x: functools.partial(lambda g, saved: g * saved, saved=x),
    "a tuple": lambda x: (lambda pair: lambda g: g * pair[0])((x, None)),
    "a list": lambda x: (lambda items: lambda g: g * items[1])([None, x]),
    "a view": lambda x: (lambda view: lambda g: g * view.reshape(g.shape))(x.reshape(-1)),
}


@pytest.mark.parametrize("name", CLOSURES)
def test_saved_arrays_are_found_in(name):
    build = CLOSURES[name]

    @op
    def keeper(x):
        return x * x / 2, build(x)

    x = mg.ones(2, 2, requires_grad=True)
    keeper(x).sum().backward()
    assert x.grad.tolist() == [[1.0, 1.0]] * 2
    y = keeper(x)
    x.data.add_(1)
    fails(y, "keeper")


def test_saved_tensors_of_a_function_are_watched():
    x = leaf(1.0, 2.0)
    y = Cube.apply(x)
    x.data.add_(1)
    fails(y, "Cube")


def test_in_place_on_a_leaf_that_requires_a_gradient():
    x = mg.ones(2, requires_grad=True)
    for change in (lambda: x.add_(1), lambda: x.zero_(), lambda: x.__setitem__(0, 1.0), lambda: x.tanh_(), lambda: x.normal_()):
        with pytest.raises(RuntimeError, match="no_grad"):
            change()
    with mg.no_grad():
        x.add_(1)
    assert x.tolist() == [2.0, 2.0] and x.requires_grad and x.is_leaf


def test_in_place_on_a_tensor_with_a_view():
    x = mg.ones(2, 2, requires_grad=True)
    y = x * 2
    view = y[0]
    with pytest.raises(RuntimeError, match=r"add_.*\(2, 2\).*view"):
        y.add_(1)
    with pytest.raises(RuntimeError, match="view"):
        view.add_(1)
    del view
    y.add_(1)
    (y * y).sum().backward()
    assert x.grad.tolist() == [[12.0, 12.0]] * 2


def test_in_place_on_an_interior_tensor_takes_over():
    """What used the old value is right, and so is what uses the new one."""
    x = leaf(2.0)
    y = x * 3
    z = y * y
    same = y
    y.mul_(x).add_(1)
    assert same is y and y.tolist() == [13.0] and z.tolist() == [36.0]
    (y + z).sum().backward()
    assert x.grad.tolist() == [6 * 2.0 + 18 * 2.0]


def test_a_constant_that_takes_a_gradient_in_place():
    found = []
    for lib in (mg, torch):
        x, total = lib.ones(3, requires_grad=True), lib.zeros(3)
        for k in range(3):
            total += x * k
        total[1] = x[0] * 5
        total.sum().backward()
        found.append([x.grad.tolist(), total.tolist()])
    assert found[0] == found[1]


def test_the_log_of_writes_does_not_grow():
    from minigrad.autograd import writes

    x = mg.zeros(1000)
    for i in range(1000):
        x[i].fill_(1)
    entry, _ = writes._written[id(mg.backend.root(x.array))]
    assert len(entry) <= 257
    for _ in range(3):
        kept = [mg.zeros(3).add_(1) for _ in range(100)]
        for _ in range(1000):
            mg.zeros(3).add_(1)
        assert len(writes._written) <= writes.Last.purge <= 64 + 2 * (len(kept) + alive_in(writes._written))
    root = mg.backend.root(x.array)
    (start, end), then = next(iter(entry.items()))
    assert writes.written_since(root, then - 1) and end > start
    other = np.zeros(1000, np.float32)
    writes._written[id(other)] = writes._written[id(root)]  # as if `other` had got the place of freed memory
    assert not writes.written_since(other, 0)
    writes.wrote(other)
    assert writes.written_since(other, 0) and len(writes._written[id(other)][0]) == 1


def alive_in(written):
    """Return how many arrays of the log are still there."""
    return sum(reference() is not None for _, reference in written.values())
