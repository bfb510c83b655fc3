"""What an operation and its VJPs must return, and what the errors say: the operation, the argument, the shapes."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import Function, grad, op
from minigrad.backend import array_module


def leaf(*values):
    return mg.tensor(np.array(values, dtype="float64"), requires_grad=True)


def odd_operation(function, **options):
    """Return the operation made from `function`, under the name odd."""
    function.__name__ = "odd"
    return op(function, **options)


# ---- what an operation returns


@pytest.mark.parametrize("shape", [(), (2,), (3, 2), (1, 1)])
def test_a_bare_array_is_refused(shape):
    odd = odd_operation(lambda x: x * np.ones(shape))
    for argument in (mg.ones(shape), mg.ones(shape, requires_grad=True)):
        with pytest.raises(TypeError, match=r"^odd: the operation's function returned (ndarray|float64); expected its value and one VJP"):
            odd(argument)


@pytest.mark.parametrize("result", [None, 3.0, "text", {}])
def test_what_is_no_tuple_is_refused(result):
    with pytest.raises(TypeError, match=f"^odd: the operation's function returned {type(result).__name__}; expected its value"):
        odd_operation(lambda x: result)(leaf(1.0))


def test_a_list_of_value_and_vjps_does():
    x = leaf(1.0, 2.0)
    odd_operation(lambda x: [x * 2, lambda g: g * 2])(x).sum().backward()
    assert x.grad.tolist() == [2, 2]


@pytest.mark.parametrize("make", [lambda x: (x, x * 2), lambda x: [1.0, 2.0], lambda x: None, lambda x: "text", mg.tensor])
def test_a_value_that_is_no_array_is_refused(make):
    kind = type(make(np.ones(2))).__name__
    with pytest.raises(TypeError, match=f"^odd: the operation's value is {kind}; expected one array, followed by one VJP"):
        odd_operation(lambda x: (make(x), lambda g: g))(leaf(1.0, 2.0))


@pytest.mark.parametrize("number", [3, 3.0, True, np.float64(3), np.float32(3), np.int64(3)])
def test_a_number_is_a_value(number):
    out = odd_operation(lambda x: (number,))(leaf(1.0, 2.0))
    assert type(out.array) is np.ndarray and out.array.shape == () and out.item() == number and not out.requires_grad


# ---- how many VJPs


def test_too_few_vjps_are_refused():
    odd = odd_operation(lambda x, y: (x * y, lambda g: g * y))
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    with pytest.raises(RuntimeError, match=re.escape("odd: the operation's function returned 1 VJPs for 2 arguments, but argument 1 of "
                                                     "shape (2,) requires a gradient; return one for each argument")):
        odd(x, y)
    with pytest.raises(RuntimeError, match="argument 1 of shape"):
        odd(x.detach(), y)
    with pytest.raises(RuntimeError, match="argument 1 of shape"):  # a number is an argument too
        odd(2.0, y)
    odd(x, y.detach()).sum().backward()  # the last arguments may have no VJP where they need none
    assert x.grad.tolist() == [3, 4]
    with mg.no_grad():
        assert odd(x, y).tolist() == [3, 8]


def test_too_many_vjps_are_refused():
    odd = odd_operation(lambda x, *others: (x * 2, lambda g: g * 2, lambda g: g, lambda g: g))
    for arguments in ((leaf(1.0),), (leaf(1.0), leaf(2.0)), (leaf(1.0), 3.0), (mg.ones(1), leaf(2.0))):
        with pytest.raises(RuntimeError, match=f"^odd: the operation's function returned 3 VJPs for {len(arguments)} arguments"):
            odd(*arguments)
    odd(leaf(1.0), 2.0, leaf(3.0)).sum().backward()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_argument_whose_vjp_is_none_may_not_require_a_gradient(place):
    vjps = [lambda g: g, lambda g: g, lambda g: g]
    vjps[place] = None
    odd = odd_operation(lambda x, y, z: (x + y + z, *vjps))
    arguments = [leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(5.0, 6.0)]
    wrong = re.escape(f"odd: argument {place} of shape (2,) requires a gradient, but the operation has none for it (its VJP is None)")
    with pytest.raises(RuntimeError, match=wrong):
        odd(*arguments)
    with pytest.raises(RuntimeError, match=wrong):
        odd(*[x if i == place else x.detach() for i, x in enumerate(arguments)])
    with mg.no_grad():
        odd(*arguments)
    for constant in (arguments[place].detach(), 2.0):
        odd(*[constant if i == place else x for i, x in enumerate(arguments)]).sum().backward()
    assert [None if x.grad is None else x.grad.tolist() for x in arguments] == [None if i == place else [2, 2] for i in range(3)]


def test_only_the_vjp_of_a_function_may_return_none():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"the VJP of odd returned NoneType where an array of shape \(2,\) is expected"):
        odd_operation(lambda x: (x * 2, lambda g: None))(x).sum().backward()

    class Constant(Function):
        forward = staticmethod(lambda ctx, x: x * 1)
        backward = staticmethod(lambda ctx, g: None)

    (Constant.apply(x) + x).sum().backward()
    assert x.grad.tolist() == [1, 1]


# ---- exceptions inside a VJP


class Mine(Exception):
    pass


def note_of(call, kind=Mine):
    """Return the note of the exception that a call raises."""
    with pytest.raises(kind) as caught:
        call()
    assert len(caught.value.__notes__) == 1
    return caught.value.__notes__[0]


def raising(error):
    def vjp(g):
        raise error

    return vjp


@pytest.mark.filterwarnings("ignore:Using backward")
@pytest.mark.parametrize("create", [False, True])
def test_an_exception_in_a_vjp_says_where(create):
    fails = raising(Mine)
    odd = odd_operation(lambda x, y: (x * y, lambda g: g * 1, fails))
    x, y = leaf(1.0, 2.0), leaf(3.0)
    out = odd(x * 1, y).sum()
    assert note_of(lambda: out.backward(create_graph=create)) == \
        "in the VJP of odd for argument 1 of shape (1,): g has shape (2,), the output (2,)"


def test_the_exception_is_the_one_that_was_raised():
    error = KeyError("mine")
    x = leaf(1.0)
    out = odd_operation(lambda x: (x * 2, raising(error)))(x)
    with pytest.raises(KeyError) as caught:
        out.backward()
    assert caught.value is error and error.__cause__ is error.__context__ is None
    with pytest.raises(KeyboardInterrupt) as interrupted:
        odd_operation(lambda x: (x * 2, raising(KeyboardInterrupt())))(x).backward()
    assert not hasattr(interrupted.value, "__notes__")


def test_the_second_of_two_equal_arguments_is_named():
    twice = raising(Mine)
    odd = odd_operation(lambda x, y: (x * y, lambda g: g, twice))
    x = leaf(1.0)
    assert "argument 1 of shape (1,)" in note_of(odd(x, x).backward)
    assert "argument 0 of shape (1,)" in note_of(odd_operation(lambda x, y: (x * y, twice, twice))(x, x).backward)


def test_a_vjp_that_two_arguments_have_in_common():
    same = raising(Mine)
    odd = odd_operation(lambda x, y: (x * y, same, same))
    x, y = leaf(1.0, 2.0), leaf(3.0)
    out = odd(x, y).sum()
    assert "argument 1 of shape (1,)" in note_of(lambda: grad(out, y))
    assert "argument 0 of shape (2,)" in note_of(odd(x, y).sum().backward)


def test_an_array_in_place_of_a_vjp_is_named():
    odd = odd_operation(lambda x, y: (x * y, lambda g: g * y, x))
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    assert "in the VJP of odd for argument 1" in note_of(odd(x, y).sum().backward, TypeError)


def test_what_does_not_fit_is_named_too():
    odd = odd_operation(lambda x, y: (x * y, lambda g: g * y, lambda g: np.ones(3)))
    assert "odd for argument 1 of shape (2,)" in note_of(odd(leaf(1.0, 2.0), leaf(3.0, 4.0)).sum().backward, RuntimeError)


def test_products_that_are_computed_together_say_it():
    odd = odd_operation(lambda x, y: (x @ y, lambda g: array_module(g).matmul(g, y.T), raising(Mine)), product=True)
    x, y = mg.ones(80, 80, requires_grad=True), mg.ones(80, 80, requires_grad=True)
    threads = mg.get_num_threads()
    try:
        for number, where in ((1, "VJP of odd for argument 1 of shape (80, 80)"), (2, "VJPs of odd")):
            mg.set_num_threads(number)
            for other in (x, x.detach()):
                assert note_of(odd(other, y).sum().backward) == f"in the {where}: g has shape (80, 80), the output (80, 80)"
    finally:
        mg.set_num_threads(threads)


def test_an_exception_in_a_functions_backward_says_where():
    class Odd(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, g):
            raise Mine

    x, y = mg.ones(2), leaf(1.0, 2.0, 3.0)
    out = Odd.apply(x.sum(), y)
    assert note_of(out.sum().backward) == "in the VJP of Odd for argument 1 of shape (3,): g has shape (3,), the output (3,)"
    assert "VJP of Odd" in note_of(lambda: grad(Odd.apply(x.sum(), y).sum(), y))
