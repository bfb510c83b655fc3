"""What a Function's forward and backward may return: the same as in PyTorch."""

import sys
import warnings
import weakref

import numpy as np
import pytest
import torch

import minigrad as mg

LIBRARIES = {"minigrad": mg, "torch": torch}


def leaf(lib, *numbers):
    return lib.tensor(list(numbers), dtype=lib.float64, requires_grad=True)


def functions(lib):
    """Return the Functions of a library, by name."""
    base, seen = lib.autograd.Function, []

    class Double(base):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            seen.append(g.tolist())
            return g * 2

    class Silent(base):
        @staticmethod
        def forward(ctx, x, y=None):
            return x * 3 if y is None else x * y

        @staticmethod
        def backward(ctx, g):
            return None, None

    class Whole(base):
        @staticmethod
        def forward(ctx, x):
            return (x * 2).long()

        @staticmethod
        def backward(ctx, g):
            return g

    class Surplus(base):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2, None, None

    class TooMany(base):
        @staticmethod
        def forward(ctx, x, n=1):
            return x * n

        @staticmethod
        def backward(ctx, g):
            return g, g

    class TooFew(base):
        @staticmethod
        def forward(ctx, x, y):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g

    return {f.__name__: f.apply for f in (Double, Silent, Whole, Surplus, TooMany, TooFew)}, seen


@pytest.mark.parametrize("create", [False, True])
def test_a_function_gets_zeros_where_no_gradient_reached_it(create):
    programs = {
        "directly": lambda f, x: f["Silent"](f["Double"](x)),
        "through an operation": lambda f, x: f["Silent"]((f["Double"](x) * 5).t()),
        "of two inputs": lambda f, x: f["Silent"](f["Double"](x), f["Double"](x) * 2),
        "to a leaf only": lambda f, x: f["Silent"](x * 2),
        "beside a real gradient": lambda f, x: (lambda y: f["Silent"](y) + f["Silent"](y * 1) + y)(f["Double"](x)),
        "before a real gradient": lambda f, x: (lambda y: y * 2 + f["Silent"](y))(f["Double"](x)),
        "after a real gradient": lambda f, x: (lambda y: y + f["Silent"](f["Double"](y)))(f["Double"](x)),
    }
    for name, program in programs.items():
        found = []
        for lib in (mg, torch):
            f, seen = functions(lib)
            x = leaf(lib, 1.0, 2.0)
            (g,) = lib.autograd.grad(program(f, x).sum(), x, create_graph=create, allow_unused=True)
            program(f, x).sum().backward()
            found.append((None if g is None else g.tolist(), None if x.grad is None else x.grad.tolist(), sorted(seen)))
        assert found[0] == found[1], name


def test_hooks_see_gradients_only():
    """PyTorch calls a hook with None where no gradient reached its tensor."""
    f, _ = functions(mg)
    x, seen = leaf(mg, 1.0), []
    y = x * 2
    y.register_hook(seen.append)
    y.retain_grad()
    f["Silent"](y).sum().backward()
    assert seen == [] and x.grad is None and y.grad is None


def test_whole_numbers_require_no_gradient():
    for lib in (mg, torch):
        out = functions(lib)[0]["Whole"](leaf(lib, 1.0, 2.0))
        assert not out.requires_grad and out.grad_fn is None and out.tolist() == [2, 4]


def test_surplus_nones_are_ignored():
    for lib in (mg, torch):
        x = leaf(lib, 1.0, 2.0)
        functions(lib)[0]["Surplus"](x).sum().backward()
        assert x.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("lib", LIBRARIES)
@pytest.mark.parametrize("call", ["TooMany(x)", "TooMany(x, 3)", "TooFew(x, x)"])
def test_a_wrong_number_of_gradients_is_an_error(lib, call):
    f = functions(LIBRARIES[lib])[0]
    y = eval(call, {**f, "x": leaf(LIBRARIES[lib], 1.0, 2.0)})
    with pytest.raises(RuntimeError, match="gradient"):
        y.sum().backward()


def test_a_gradient_for_a_tensor_that_needs_none_is_ignored():
    for lib in (mg, torch):
        x = leaf(lib, 1.0, 2.0)
        functions(lib)[0]["TooMany"](x, lib.tensor([3.0, 3.0], dtype=lib.float64)).sum().backward()
        assert x.grad.tolist() == [1.0, 1.0]


def product(lib, calls):
    """Return a Function for x · y, whose backward appends each gradient that it gets to `calls`."""

    class Product(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, g):
            calls.append(g.tolist())
            x, y = ctx.saved_tensors
            return g * y, g * x

    return Product


def test_each_pass_asks_backward_anew():
    """Also if the same gradient comes again with other numbers, and another input is asked for."""
    for lib in (mg, torch):
        Product = product(lib, [])
        x, y = leaf(lib, 2.0), leaf(lib, 3.0)
        z, g = Product.apply(x, y), lib.tensor([1.0], dtype=lib.float64)
        assert lib.autograd.grad(z, x, g, retain_graph=True)[0].tolist() == [3.0]
        g.mul_(10)
        assert lib.autograd.grad(z, y, g, retain_graph=True)[0].tolist() == [20.0]
        g.mul_(10)
        assert [c.tolist() for c in lib.autograd.grad(z, (x, y), g)] == [[300.0], [200.0]]


def test_backward_runs_once_for_all_inputs():
    calls: list = []
    Product = product(mg, calls)
    x, y = leaf(mg, 2.0), leaf(mg, 3.0)
    z = Product.apply(x, y)
    z.backward(retain_graph=True)
    assert (x.grad.item(), y.grad.item(), calls) == (3, 2, [[1.0]])
    g = mg.ones(1, dtype=mg.float64)
    one = weakref.ref(g.array)
    mg.autograd.grad(z, (x, y), g, retain_graph=True)
    del g
    assert one() is None  # a graph that is kept for another pass does not keep what the first one computed
    first, second = Product.apply(x, y).grad_fn.vjps
    g, h = np.array([10.0]), np.array([100.0])
    assert (first(g).item(), first(h).item(), second(g).item()) == (30, 300, 20)  # as two threads may call them in turn


def same(lib, seen):
    """A Function whose forward returns its input, with d(output)/d(x) = 3 x in its backward."""

    class Same(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(None, x, None)
            return x

        @staticmethod
        def backward(ctx, g):
            before, x, after = ctx.saved_tensors
            seen.append((before, x, after))
            return g * x * 3

    return Same.apply


def test_a_forward_that_returns_its_input():
    for lib in (mg, torch):
        x, seen = leaf(lib, 2.0), []
        y = same(lib, seen)(x)
        assert y is not x and y.requires_grad and x.is_leaf and x.grad_fn is None
        (g,) = lib.autograd.grad(y, x, create_graph=True)
        assert g.tolist() == [6.0] and lib.autograd.grad(g, x)[0].tolist() == [3.0]
        assert seen[0][0] is None and seen[0][1] is x and seen[0][2] is None  # a leaf that was saved comes back itself
        with lib.no_grad():
            constant = same(lib, seen)(x)
            x.add_(1)
        assert not constant.requires_grad and constant.tolist() == y.tolist() == [3.0]  # they show the memory of x
        given = x.detach()
        assert same(lib, seen)(given) is not given
        z = x * 1
        y = same(lib, seen)(z)
        with pytest.raises(RuntimeError):  # the gradient of y is not that of z
            y.mul_(2)


@pytest.mark.parametrize("computed", [False, True])
def test_a_view_that_forward_returns_is_not_changed_in_place(computed):
    for lib in (mg, torch):

        class Flat(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x.view(-1)

            @staticmethod
            def backward(ctx, g):
                return g.view(1, 1)

        x = lib.ones(1, 1, requires_grad=True)
        y = x * 1 if computed else x
        with pytest.raises(RuntimeError):  # the change would not be in the history of y
            Flat.apply(y).mul_(2)
        assert y.item() == 1


def test_a_forward_that_returns_an_input_that_is_a_constant():
    for lib in (mg, torch):

        class First(lib.autograd.Function):
            @staticmethod
            def forward(ctx, c, x):
                return c

            @staticmethod
            def backward(ctx, g):
                return None, g * 5

        c, x = lib.ones(1), lib.ones(1, requires_grad=True)
        y = First.apply(c, x)
        assert y is not c and y.requires_grad and not c.requires_grad and c.grad_fn is None
        y.backward()
        assert x.grad.tolist() == [5.0]


def test_a_forward_that_returns_a_tensor_with_a_history():
    """The tensor itself stays what it is."""
    for make in (lambda w: w, lambda w: w * 2):
        w, x = leaf(mg, 1.0), leaf(mg, 5.0)
        kept = make(w)
        history = kept.grad_fn

        class Kept(mg.autograd.Function):
            forward = staticmethod(lambda ctx, x, kept=kept: kept)
            backward = staticmethod(lambda ctx, g: g * 7)

        y = Kept.apply(x)
        assert y is not kept and kept.grad_fn is history and np.shares_memory(y.array, kept.array)
        y.backward()
        assert x.grad.tolist() == [7.0] and w.grad is None and kept.grad_fn is history
        assert not Kept.apply(mg.zeros(1)).requires_grad and kept.requires_grad


def test_a_leaf_that_was_saved_counts_as_it_was():
    x = leaf(mg, 2.0)
    y, z = same(mg, [])(x), x * x
    x.data = mg.tensor([5.0], dtype=mg.float64)
    assert mg.autograd.grad(y, x)[0].tolist() == [6.0] and mg.autograd.grad(z, x)[0].tolist() == [4.0]


def test_old_names_are_warned_of_where_they_stand():
    class Old(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            lines.append(sys._getframe().f_lineno + 1)
            (x,) = ctx.saved_variables
            return g * x

    lines, Variable = [], mg.autograd.Variable
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        Old.apply(leaf(mg, 1.0)).backward()
        lines.append(sys._getframe().f_lineno + 1)
        Variable(mg.ones(1), volatile=True)
        lines.append(sys._getframe().f_lineno + 1)
        assert Variable(mg.ones(1), requires_grad=True, volatile=False).requires_grad  # as in PyTorch
    assert [(w.filename, w.lineno) for w in found] == [(__file__, line) for line in lines]
    with pytest.warns(UserWarning, match="volatile"), pytest.raises(ValueError, match="volatile"):
        Variable(mg.ones(1), requires_grad=True, volatile=True)


def test_what_is_no_tensor_cannot_be_saved():
    for lib in (mg, torch):

        class Saves(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(None, 3)
                return x * 1

            @staticmethod
            def backward(ctx, g):
                return g

        with pytest.raises(TypeError, match="save"):
            Saves.apply(leaf(lib, 1.0))


def test_zeros_in_place_of_unused_gradients():
    for lib in (mg, torch):
        x, unused = leaf(lib, 1.0), leaf(lib, 2.0, 3.0)
        for create in (False, True):
            _, zeros = lib.autograd.grad((x * x).sum(), (x, unused), create_graph=create, materialize_grads=True)
            assert zeros.tolist() == [0.0, 0.0] and zeros.requires_grad == create
        with pytest.raises(ValueError, match="allow_unused"):
            lib.autograd.grad((x * x).sum(), (x, unused), allow_unused=False, materialize_grads=True)
        assert lib.autograd.grad((x * x).sum(), x, allow_unused=False)[0].tolist() == [2.0]


def test_a_vjp_that_returns_a_constant():
    @mg.autograd.op
    def step(x):
        slope = np.array([1.0, 0.0])
        return x * slope, lambda g: slope

    x = leaf(mg, 1.0, 2.0)
    (g,) = mg.autograd.grad(step(x * x).sum(), x, create_graph=True)
    assert g.tolist() == [2.0, 0.0] and mg.autograd.grad(g.sum(), x)[0].tolist() == [2.0, 0.0]
