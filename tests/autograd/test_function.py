"""What a Function's forward and backward may return: the same as in PyTorch."""

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


def test_each_pass_asks_backward_anew():
    """Also if the same gradient comes again with other numbers, and another input is asked for."""
    for lib in (mg, torch):

        class Product(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x, y):
                ctx.save_for_backward(x, y)
                return x * y

            @staticmethod
            def backward(ctx, g):
                x, y = ctx.saved_tensors
                return g * y, g * x

        x, y = leaf(lib, 2.0), leaf(lib, 3.0)
        z, g = Product.apply(x, y), lib.tensor([1.0], dtype=lib.float64)
        assert lib.autograd.grad(z, x, g, retain_graph=True)[0].tolist() == [3.0]
        g.mul_(10)
        assert lib.autograd.grad(z, y, g, retain_graph=True)[0].tolist() == [20.0]
        g.mul_(10)
        assert [c.tolist() for c in lib.autograd.grad(z, (x, y), g)] == [[300.0], [200.0]]


def test_zeros_in_place_of_unused_gradients():
    for lib in (mg, torch):
        x, unused = leaf(lib, 1.0), leaf(lib, 2.0, 3.0)
        for create in (False, True):
            _, zeros = lib.autograd.grad((x * x).sum(), (x, unused), create_graph=create, materialize_grads=True)
            assert zeros.tolist() == [0.0, 0.0] and zeros.requires_grad == create
        with pytest.raises(ValueError, match="allow_unused"):
            lib.autograd.grad((x * x).sum(), (x, unused), allow_unused=False, materialize_grads=True)


def test_a_vjp_that_returns_a_constant():
    @mg.autograd.op
    def step(x):
        slope = np.array([1.0, 0.0])
        return x * slope, lambda g: slope

    x = leaf(mg, 1.0, 2.0)
    (g,) = mg.autograd.grad(step(x * x).sum(), x, create_graph=True)
    assert g.tolist() == [2.0, 0.0] and mg.autograd.grad(g.sum(), x)[0].tolist() == [2.0, 0.0]
