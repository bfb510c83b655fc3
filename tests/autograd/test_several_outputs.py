"""Functions with several outputs, and what `ctx` can be told about them: the same as in PyTorch."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad.inspect import explain, lines, steps
from support.strict_device import strict_device


def leaf(lib, *numbers):
    return lib.tensor(list(numbers), dtype=lib.float64, requires_grad=True)


def product_and_power(lib):
    """Return apply of (eˣ y, x² y, a text), whose backward needs inputs and outputs."""

    class ProductAndPower(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            a, b = x.exp() * y, x * x * y
            ctx.save_for_backward(x, y, a, b)
            return a, b, "text"

        @staticmethod
        def backward(ctx, ga, gb, nothing):
            x, y, a, b = ctx.saved_tensors
            assert nothing is None
            return ga * a + gb * 2 * x * y, ga * a / y + gb * b / y

    return ProductAndPower.apply


LOSSES = {
    "both": lambda a, b: (a * b).sum(),
    "the first": lambda a, b: (a**2).sum(),
    "the last": lambda a, b: (b**3).sum(),
    "one after the other": lambda a, b: (b * 2 + a).sum() + (a * a).sum(),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_three_derivatives(loss):
    """An output that the loss does not need is freed before the backward pass, also where backward saved it."""
    found = []
    for lib in (torch, mg):
        f, x, y = product_and_power(lib), leaf(lib, 0.5, -1.0), leaf(lib, 2.0, 3.0)
        gradients = lib.autograd.grad(loss(*f(x, y)[:2]), (x, y), create_graph=True)
        second = lib.autograd.grad(sum((g**2).sum() for g in gradients), (x, y), create_graph=True)
        third = lib.autograd.grad(sum((g**2).sum() for g in second), (x, y))
        found.append([t.tolist() for t in (*gradients, *second, *third)])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)


def test_the_gradients_of_outputs():
    found = []
    for lib in (torch, mg):
        f, x, y, seen = product_and_power(lib), leaf(lib, 0.5, -1.0), leaf(lib, 2.0, 3.0), []
        a, b, text = f(x, y)
        assert text == "text" and a.grad_fn.name() == b.grad_fn.name() == "ProductAndPowerBackward"
        seen += [g.tolist() for g in lib.autograd.grad((a * b).sum(), (a, b, x), retain_graph=True)]
        a.retain_grad()
        b.register_hook(lambda g, seen=seen: seen.append(g.tolist()))
        c, d, _ = f(a, b)
        (c + d * a).sum().backward()
        seen += [t.grad.tolist() for t in (a, x, y)]
        with pytest.raises(RuntimeError):  # freed
            b.sum().backward()
        found.append(seen)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12)


def test_the_checks_and_the_inspection_of_several_outputs():
    f, inputs = product_and_power(mg), (leaf(mg, 0.5, -1.0), leaf(mg, 2.0, 3.0))
    for check in (mg.autograd.gradcheck, mg.autograd.gradgradcheck):
        assert check(lambda x, y: f(x, y)[:2], inputs)
    with lines():
        a, b, _ = f(*inputs)
        loss = (a * b).sum()
    assert "ProductAndPower" in str(explain(loss))
    assert len(list(steps(loss))) == 5
    with mg.autograd.detect_anomaly(), pytest.raises(mg.autograd.AnomalyError, match="value of log: -inf"):
        a, b, _ = f(leaf(mg, 1.0), leaf(mg, 0.0).log())
        (a * 0 + b).sum().backward()
    with pytest.raises(RuntimeError, match="several outputs"):
        a.grad_fn.register_hook(lambda *gradients: None)

    class Wrong(mg.autograd.Function):
        forward = staticmethod(lambda ctx, x: (x * 2, x * 3))
        backward = staticmethod(lambda ctx, a, b: a * 2)

    with pytest.raises(RuntimeError, match="Wrong"):
        mg.autograd.gradcheck(Wrong.apply, [leaf(mg, 1.0, 2.0)])


def told(lib, tell, returned=lambda x, a, b: (a, b)):
    """Return apply of a Function whose ctx is told something, and a list of the gradients that its backward got."""
    seen = []

    class Told(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            a, b = x * 2, x * 3
            tell(ctx, a, b)
            return returned(x, a, b)

        @staticmethod
        def backward(ctx, *g):
            seen.append([None if t is None else (t.tolist(), str(t.dtype).removeprefix("torch.")) for t in g])
            given = [t for t in g if t is not None]
            return given[0] * 1.0 if given else None

    return Told.apply, seen


TOLD = {
    "nothing": lambda ctx, a, b: None,
    "not differentiable": lambda ctx, a, b: ctx.mark_non_differentiable(b),
    "neither": lambda ctx, a, b: ctx.mark_non_differentiable(a, b),
    "no zeros": lambda ctx, a, b: ctx.set_materialize_grads(False),
}
RETURNED = {
    "both": lambda x, a, b: (a, b),
    "a tuple of one": lambda x, a, b: (a,),
    "whole numbers": lambda x, a, b: (a, b.long()),
    "the same twice": lambda x, a, b: (a, a),
    "its input": lambda x, a, b: (x, b),
    "no tensor": lambda x, a, b: (None, a, 7),
    "a tuple in it": lambda x, a, b: (a, (b,)),
    "nothing": lambda x, a, b: (),
}


@pytest.mark.parametrize("returned", RETURNED.values(), ids=RETURNED)
@pytest.mark.parametrize("tell", TOLD.values(), ids=TOLD)
def test_which_gradients_backward_gets(tell, returned):
    found = []
    for lib in (torch, mg):
        f, seen = told(lib, tell, returned)
        x = leaf(lib, 1.0, 2.0)
        outs = f(x)
        tensors = [t for t in outs if lib.is_tensor(t)]
        for t in tensors:
            if t.requires_grad:
                t.sum().backward(retain_graph=True)
        values = [t.tolist() if lib.is_tensor(t) else str(t)[:3] for t in outs]
        found.append((seen, None if x.grad is None else x.grad.tolist(), [t.requires_grad for t in tensors], values, type(outs)))
        with lib.no_grad():
            assert not any(t.requires_grad for t in f(leaf(lib, 1.0)) if lib.is_tensor(t))
    assert found[0] == found[1]


def test_none_for_a_single_output_that_no_gradient_reached():
    for lib in (torch, mg):
        f, seen = told(lib, lambda ctx, a, b: ctx.set_materialize_grads(False), lambda x, a, b: a)
        g, _ = told(lib, lambda ctx, a, b: ctx.set_materialize_grads(False), lambda x, a, b: (a, b))

        class Silent(lib.autograd.Function):
            forward = staticmethod(lambda ctx, x: x * 1)
            backward = staticmethod(lambda ctx, g: None)

        x = leaf(lib, 1.0)
        Silent.apply(f(x)).sum().backward()
        Silent.apply(g(f(x))[1]).sum().backward()
        assert seen == [[None], [None]] and x.grad is None


def in_place(lib, outputs=1, marked=True):
    class Doubled(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            x.mul_(2)
            if marked:
                ctx.mark_dirty(x)
            ctx.save_for_backward(x)
            return (y * 3, x, x + y)[:1] if outputs == 0 else x if outputs == 1 else (x, y * x)

        @staticmethod
        def backward(ctx, g, *others):
            (x,) = ctx.saved_tensors
            return 2 * g * x, others[0] * x if others else None

    return Doubled.apply


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_function_that_changes_its_input(outputs):
    found = []
    for lib in (torch, mg):
        w, y = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0)
        x = w * 3
        x.retain_grad()
        out = in_place(lib, outputs)(x, y)
        first = out if outputs == 1 else out[0]
        assert first is x and x.grad_fn.name() == "DoubledBackward"
        gradients = lib.autograd.grad((x * (1 if outputs == 1 else out[1])).sum(), (w, y), create_graph=True, allow_unused=True)
        second = lib.autograd.grad((gradients[0] ** 2).sum(), w)
        found.append([None if t is None else t.tolist() for t in (x, *gradients, *second)])
        x = lib.ones(2, dtype=lib.float64)
        assert in_place(lib, 2)(x, y)[0] is x and x.requires_grad  # a constant gets the history of y
        x, used = w * 3, w * 2
        square = x * x
        in_place(lib, outputs)(x, used)
        with pytest.raises(RuntimeError):  # the old value was saved
            square.sum().backward()
        with pytest.raises(RuntimeError, match="leaf"):
            in_place(lib, outputs)(w, y)
        with pytest.raises(RuntimeError, match="must all be outputs"):
            in_place(lib, 0)(w * 1, y)
        with lib.no_grad():
            out = in_place(lib)(w, y)
            plain = lib.ones(2)
            assert out is not w and not out.requires_grad and in_place(lib)(plain, y) is plain
        x = w * 1
        assert in_place(lib, 1, marked=False)(x, y) is not x
    assert found[0] == found[1]


def test_an_input_with_views_cannot_be_marked_as_dirty():
    x = leaf(mg, 1.0, 2.0) * 3
    view = x[:1]
    with pytest.raises(RuntimeError, match="clone"):
        in_place(mg)(x, leaf(mg, 1.0, 1.0))
    assert view.requires_grad


def test_a_context_that_is_set_up_after_forward():
    for lib in (torch, mg):
        seen = []

        class Power(lib.autograd.Function):
            @staticmethod
            def forward(x, n=2):
                return x**n, n

            @staticmethod
            def setup_context(ctx, inputs, output, seen=seen):
                seen += [len(inputs), output[0].requires_grad, output[1], ctx.needs_input_grad]
                ctx.save_for_backward(inputs[0])
                ctx.n = output[1]

            @staticmethod
            def backward(ctx, g, nothing):
                (x,) = ctx.saved_tensors
                return g * ctx.n * x ** (ctx.n - 1), None

        x = leaf(lib, 3.0)
        for inputs, names in (((x, 3), {}), ((x,), {"n": 3}), ((), {"n": 3, "x": x})):
            (g,) = lib.autograd.grad(Power.apply(*inputs, **names)[0], x, create_graph=True)
            assert g.tolist() == [27.0] and lib.autograd.grad(g, x)[0].tolist() == [18.0]
        assert seen == [2, False, 3, (True, False)] * 3
        assert lib.autograd.grad(Power.apply(x)[0], x)[0].tolist() == [6.0] and seen[-4:] == [2, False, 2, (True, False)]
        assert product_and_power(lib)(x, y=x)[1].tolist() == [27.0]


def test_once_differentiable():
    for lib in (torch, mg):

        class Square(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x, y):
                ctx.save_for_backward(x)
                return x * x

            @staticmethod
            @lib.autograd.function.once_differentiable
            def backward(ctx, g, lib=lib):
                assert not lib.is_grad_enabled()
                return 2 * g * ctx.saved_tensors[0], None

        x = leaf(lib, 3.0)
        Square.apply(x, 1).backward()
        assert x.grad.tolist() == [6.0]
        for program in (lambda y: y, lambda y: y * y):
            (g,) = lib.autograd.grad(program(Square.apply(x, 1)), x, create_graph=True)
            with pytest.raises(RuntimeError):
                g.backward()
    with pytest.raises(RuntimeError, match="twice a function that was marked with @once_differentiable"):
        g.backward()


def test_a_gradient_that_is_broadcast_is_summed():
    for lib in (torch, mg):

        class Spread(lib.autograd.Function):
            forward = staticmethod(lambda ctx, x: (x.expand(3, 2) * 1, x * 2))
            backward = staticmethod(lambda ctx, a, b: a + 2 * b)

        x = leaf(lib, 1.0, 2.0)
        a, b = Spread.apply(x)
        (a.sum() + b.sum()).backward()
        assert x.grad.tolist() == [9.0, 9.0]


def test_several_outputs_on_a_device():
    with strict_device():
        f, x, y = product_and_power(mg), leaf(mg, 0.5, -1.0), leaf(mg, 2.0, 3.0)
        there = [t.detach().cuda().requires_grad_() for t in (x, y)]
        found = []
        for inputs in ((x, y), there):
            a, b, _ = f(*inputs)
            gradients = mg.autograd.grad((a.sum() + (b * b).sum()), inputs, create_graph=True)
            found.append([t.cpu().tolist() for t in (*gradients, *mg.autograd.grad((gradients[0] ** 2).sum(), inputs))])
        assert found[0] == found[1] and b.is_cuda


def test_a_pass_that_failed_leaves_nothing_behind():
    f, x = product_and_power(mg), leaf(mg, 0.5, -1.0)
    a, b, _ = f(x, leaf(mg, 2.0, 3.0))

    def fail(g):
        raise KeyboardInterrupt

    handle = a.register_hook(fail)
    with pytest.raises(KeyboardInterrupt):
        (a + b).sum().backward(retain_graph=True)
    handle.remove()
    (g,) = mg.autograd.grad(a.sum(), x)
    assert g.tolist() == a.tolist()
