"""Where `backward` and `grad` leave gradients: `inputs`, hooks, leaves that are switched off, Variable; PyTorch is the oracle."""

import warnings

import numpy as np
import pytest
import torch

import minigrad as mg

LIBRARIES = (mg, torch)


def backward_of(asked, *, retain=False, hook=False, create=False, before=False):
    """Return what `backward(inputs=asked)` leaves in .grad for x → y = 2x → Σ y², with an unused leaf u and v = 2u."""
    def run(lib):
        x = lib.tensor([1.0, 2.0], requires_grad=True)
        u = lib.ones(2, requires_grad=True)
        tensors = {"x": x, "y": x * 2, "u": u, "v": u * 2, "c": lib.ones(2)}
        y, seen = tensors["y"], []
        if retain:
            y.retain_grad()
        if hook:
            y.register_hook(lambda g: (seen.append(g.tolist()), g * 10)[1])
            x.register_hook(lambda g: seen.append(g.tolist()))
        if before:
            x.grad, y.grad = lib.ones(2), lib.ones(2)
        loss = tensors["s"] = (y * y).sum()
        inputs = tensors[asked] if isinstance(asked, str) else tuple(tensors.get(name, name) for name in asked)
        loss.backward(inputs=inputs, create_graph=create)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            left = {name: None if t.grad is None else (t.grad.tolist(), t.grad.requires_grad) for name, t in tensors.items()}
        return left, seen, y.retains_grad
    return run


def grad_of(outputs, asked, *, retain=False, hook=False, **options):
    """Return what `grad` returns for the same graph, and what it leaves in .grad."""
    def run(lib):
        x = lib.tensor([1.0, 2.0], requires_grad=True)
        u = lib.ones(2, requires_grad=True)
        tensors = {"x": x, "y": x * 2, "u": u, "c": lib.ones(2)}
        y, seen = tensors["y"], []
        if retain:
            y.retain_grad()
        if hook:
            y.register_hook(lambda g: (seen.append(g.tolist()), g * 10)[1])
            x.register_hook(lambda g: (seen.append(g.tolist()), g * 10)[1])
        tensors["s"] = (y * y).sum()
        tensors["t"] = y.sum()
        outputs_, inputs = ([tensors.get(name, name) for name in names] for names in (outputs, asked))
        found = lib.autograd.grad(outputs_, inputs, **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [None if g is None else g.tolist() for g in found], seen, x.grad is None, None if y.grad is None else y.grad.tolist()
    return run


ASKED = {
    "a computed one": backward_of("y"),
    "a computed one that retains": backward_of(["y"], retain=True),
    "twice": backward_of(["x", "x"]),
    "a computed one twice": backward_of(["y", "y"]),
    "both": backward_of(["y", "x"]),
    "both, retaining": backward_of(["x", "y"], retain=True),
    "the leaf, one on the way retaining": backward_of("x", retain=True),
    "one unused": backward_of(["x", "u"]),
    "unused alone": backward_of(["u"]),
    "computed and unused": backward_of(["v", "y"]),
    "the root": backward_of(["s"]),
    "the root and a leaf": backward_of(["s", "x"]),
    "none": backward_of([]),
    "a constant": backward_of(["c"]),
    "no tensor": backward_of([3]),
    "hooks, asked for y": backward_of(["y"], hook=True),
    "hooks, asked for x": backward_of(["x"], hook=True),
    "hooks, asked for both": backward_of(["x", "y"], hook=True, retain=True),
    "added": backward_of(["x", "y"], before=True),
    "grad of x twice": grad_of("s", "xx"),
    "grad of y twice and x": grad_of("s", "yyx"),
    "grad of the output": grad_of("s", "sx"),
    "grad of two outputs, one an input": grad_of("st", "sty"),
    "grad of one output twice": grad_of("ss", "x"),
    "grad, retaining": grad_of("s", "x", retain=True),
    "grad of y, retaining": grad_of("s", "yx", retain=True),
    "grad, hooks on x": grad_of("s", "x", hook=True),
    "grad, hooks on y": grad_of("s", "y", hook=True),
    "grad, hooks on both": grad_of("s", "xy", hook=True),
    "grad of none": grad_of("s", ""),
    "grad of a constant": grad_of("s", "c"),
    "grad of no tensor": grad_of("s", [3]),
    "grad of unused": grad_of("s", "xu"),
    "grad of unused, allowed": grad_of("s", "xu", allow_unused=True),
    "grad of unused, zeros": grad_of("s", "xu", materialize_grads=True),
    "grad of unused, zeros and not allowed": grad_of("s", "x", materialize_grads=True, allow_unused=False),
}


@pytest.mark.parametrize("case", ASKED)
def test_gradients_go_where_pytorchs_go(case):
    found = []
    for lib in LIBRARIES:
        try:
            found.append(ASKED[case](lib))
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            found.append(type(error).__name__)
    assert found[0] == found[1]


@pytest.mark.filterwarnings("ignore:Using backward")
def test_gradients_asked_for_can_be_recorded():
    for asked in (["y"], ["y", "x"], ["x", "x"]):
        in_minigrad, in_torch = (backward_of(asked, create=True, retain=True)(lib) for lib in LIBRARIES)
        assert in_minigrad == in_torch


def test_several_roots_and_inputs():
    for lib in LIBRARIES:
        x, w = lib.ones(2, requires_grad=True), lib.ones(2, requires_grad=True)
        lib.autograd.backward([(x * w).sum(), (x * 3).sum()], inputs=(t for t in [x]))
        assert x.grad.tolist() == [4, 4] and w.grad is None


# ---- leaves that are switched off


def test_a_leaf_switched_off_between_forward_and_backward_gets_no_gradient():
    for lib in LIBRARIES:
        x, w, seen = lib.ones(2, requires_grad=True), lib.ones(2, requires_grad=True), []
        x.register_hook(lambda g, seen=seen: seen.append(g.tolist()))
        loss = (x * w * 2).sum()
        x.requires_grad_(False)
        loss.backward(retain_graph=True)
        assert x.grad is None and w.grad.tolist() == [2, 2] and seen == [[2, 2]]
        for call in (lambda x=x, loss=loss, lib=lib: lib.autograd.grad(loss, x), lambda x=x, loss=loss: loss.backward(inputs=[x])):
            with pytest.raises(RuntimeError):
                call()
        x.requires_grad_()
        loss.backward()
        assert x.grad.tolist() == [2, 2] and w.grad.tolist() == [4, 4]


def test_a_network_that_is_frozen_after_the_forward_pass():
    for lib in LIBRARIES:
        net = lib.nn.Sequential(lib.nn.Linear(2, 2), lib.nn.Linear(2, 1))
        loss = net(lib.ones(1, 2)).sum()
        net[0].requires_grad_(False)
        loss.backward()
        assert [p.grad is None for p in net.parameters()] == [True, True, False, False]


# ---- Variable, numpy


def test_a_variable_is_a_leaf_without_history():
    for lib in LIBRARIES:
        Variable = lib.autograd.Variable
        w = lib.ones(2, requires_grad=True)
        for data, wanted in ((w * 2, False), (w, False), (w * 2, True), (lib.ones(2), True), (lib.ones(2), False)):
            v = Variable(data, requires_grad=wanted)
            assert v is not data and v.is_leaf and v.grad_fn is None and v.requires_grad == wanted and isinstance(data, Variable)
            v.data[0] = 5
            assert data[0] == 5
        (Variable(w * 2, requires_grad=True) * w).sum().backward()
        assert w.grad.tolist() == [10, 2]  # 2w is a constant there
        for error, call in [(TypeError, lambda V=Variable: V(np.ones(2))), (TypeError, lambda V=Variable: V([1.0])),
                            (RuntimeError, lambda V=Variable, lib=lib: V(lib.ones(2, dtype=lib.int64), requires_grad=True))]:
            with pytest.raises(error):
                call()
        with pytest.warns(UserWarning, match="volatile was removed and now has no effect"):
            assert not Variable(w, volatile=True).requires_grad
        with pytest.warns(UserWarning, match="volatile"), pytest.raises(ValueError, match="volatile and require_grad at the same time"):
            Variable(w, True, True)


def test_numpy_under_no_grad_and_by_force():
    for lib in LIBRARIES:
        x = lib.ones(2, requires_grad=True)
        for call in (x.numpy, (x * 2).numpy, lambda x=x: np.asarray(x)):
            with pytest.raises(RuntimeError, match="numpy"):
                call()
        with lib.no_grad():
            assert np.asarray(x).tolist() == [1, 1]
            x.numpy()[0] = 3
        assert x.tolist() == [3, 1] and (x * 2).numpy(force=True).tolist() == [6, 2]
        x.numpy(force=True)[1] = 4
        assert x.tolist() == [3, 4]


# ---- warnings


def warned(call):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call()
    here = __file__, call.__code__.co_firstlineno  # the line that is warned of is the one with the call
    return [(w.category, str(w.message)[:60], (w.filename, w.lineno) == here) for w in found]


def test_the_gradient_of_a_computed_tensor_is_warned_of():
    for lib in LIBRARIES:
        x = lib.ones(2, requires_grad=True)
        y, hooked, kept, given, constant = x * 2, x * 2, x * 2, x * 2, lib.ones(2) * 2
        hooked.register_hook(lambda g: None)
        kept.retain_grad()
        given.grad = lib.ones(2)
        for t in (y, hooked):
            found = warned(lambda t=t: t.grad)
            assert found == [(UserWarning, "The .grad attribute of a Tensor that is not a leaf Tensor is being"[:60], True)]
        for quiet in (x, kept, given, constant):
            assert not warned(lambda t=quiet: t.grad)
        with lib.no_grad():
            assert not warned(lambda z=x * 2: z.grad)


def test_a_recorded_gradient_in_a_leaf_is_warned_of():
    x = mg.ones(2, requires_grad=True)
    expected = [(UserWarning, "Using backward() with create_graph=True will create a reference cycle"[:60], True)]
    assert warned(lambda: (x * x).sum().backward(create_graph=True)) == expected
    assert not warned(lambda: mg.autograd.grad((x * x).sum(), x, create_graph=True))
    assert not warned(lambda: (x * x).sum().backward(retain_graph=True))


# ---- leaves whose memory is replaced


@pytest.mark.parametrize("shape, new", [((3,), (1,)), ((1,), (3,)), ((3,), (1, 3)), ((2, 3), (3,)), ((3,), ())], ids=str)
def test_a_leaf_that_takes_another_shape_between_forward_and_backward(shape, new):
    """An error here; PyTorch gives the tensor of the new shape a gradient of the old one."""
    x, w = mg.ones(shape, requires_grad=True), mg.ones(3, requires_grad=True)
    loss = (x * w).sum()
    x.data = mg.zeros(new)
    for call in (lambda: loss.backward(retain_graph=True), lambda: mg.autograd.grad(loss, x, retain_graph=True),
                 lambda: mg.autograd.grad(loss, w, retain_graph=True)):
        with pytest.raises(RuntimeError, match="data of another shape since"):
            call()
    (x * w).sum().backward()
    assert tuple(x.grad.shape) == new
    x.grad = None
    loss = (x * w).sum()
    x.data = mg.ones(new)  # the same shape
    loss.backward()
    assert tuple(x.grad.shape) == new


def test_whole_numbers_are_no_data_of_a_leaf_that_requires_a_gradient():
    for lib in LIBRARIES:
        x = lib.ones(2, requires_grad=True)
        with pytest.raises(RuntimeError):
            x.data = lib.tensor([1, 2])
        x.requires_grad_(False)
        x.data = lib.tensor([1, 2])
        assert x.dtype == lib.int64
