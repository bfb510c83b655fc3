"""The four checks as they are called: each makes a subject of a function and its inputs, and checks it."""

from __future__ import annotations

import functools
from typing import Any, Unpack

from .checking import Options, run_check
from .findings import Report


def gradcheck(function: Any, inputs: Any, **options: Unpack[Options]) -> Report:
    """Check the gradients of a function of minigrad tensors; return a Report, which is true if nothing was found.

    function: returns one or several tensors, also nested in tuples, lists, dicts and dataclasses.
    inputs: a tensor, or a sequence of tensors and other values, also nested; those that require a gradient are checked. A tensor of at most
        `max_elements` elements is checked element by element, against every element of an output that is as small, and a larger tensor
        along `directions` random directions that together move every element.
    options: see `checking.Options`. `gradcheck(function, inputs, eps=1e-6, atol=1e-4)` of PyTorch's programs is understood.

    It is also checked that running twice gives the same bits (on a GPU, where numbers at repeated indices add up in an order that varies,
    the same numbers up to rounding), and that no input, saved array or g is changed.
    Raise GradcheckError, which names the mistake, unless raise_exception is False; raise TypeError or ValueError for inputs that cannot be
    checked.
    """
    __tracebackhide__ = True
    from .subjects.of_minigrad import TensorSubject

    positional = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    return run_check(functools.partial(TensorSubject, function, positional), dict(options), "gradcheck", (function, positional, {}))


def gradgradcheck(function: Any, inputs: Any, **options: Unpack[Options]) -> Report:
    """Check the gradients of a function of minigrad tensors, and the gradients of these; see `gradcheck`."""
    __tracebackhide__ = True
    options.setdefault("order", 2)
    return gradcheck(function, inputs, **options)


def check_vjp(forward: Any, backward: Any, *arrays: Any, cache: bool = False, grads: Any = None, **options: Unpack[Options]) -> Report:
    """Check a hand-written backward of a function of NumPy or CuPy arrays; return a Report, which is true if nothing was found.

    forward(*arrays) returns the output y, or several as a tuple. backward takes one of these forms:
        backward(g, *arrays), with g = d(loss)/dy, returns one gradient for each array (or for each floating-point array);
        backward(g), for the methods of a layer object that keeps what it needs;
        backward(g, cache) with cache=True, where forward returns (y, cache);
        a list of functions (g, *arrays), one for each array.
    arrays: also nested in tuples, lists, dicts and dataclasses; all floating-point arrays are checked.
    params, grads: {name: array} that forward reads from elsewhere (the layer's weights; they are changed for a while and put back), and a
        function that returns {name: gradient} after a backward.
    options: see `checking.Options`. Errors are as in `gradcheck`.

    g and the inputs are shared as in a network that is trained: it is found if the backward overwrites them, or trusts in their layout.
    """
    __tracebackhide__ = True
    from .subjects.of_vjp import VjpSubject

    make = functools.partial(VjpSubject, forward, backward, arrays, cache=cache, grads=grads)
    more = {**({"cache": True} if cache else {}), **({"grads": grads} if grads is not None else {})}
    return run_check(make, dict(options), "check_vjp", ((forward, backward), arrays, more))


def check_torch(function: Any, *tensors: Any, **options: Unpack[Options]) -> Report:
    """Check the gradients of a PyTorch function; return a Report, which is true if nothing was found.

    function: a callable, an autograd.Function class, or a module. tensors: also nested; those that require a gradient are checked, or all
    floating-point ones if none does. params: a module whose parameters are checked, too.
    options: see `checking.Options`. Errors are as in `gradcheck`.
    """
    __tracebackhide__ = True
    from .subjects.of_torch import TorchSubject

    return run_check(functools.partial(TorchSubject, function, tensors), dict(options), "check_torch", (function, tensors, {}))


def check_jax(function: Any, *trees: Any, **options: Unpack[Options]) -> Report:
    """Check the gradients of a JAX function, also with custom_vjp or jit; return a Report, which is true if nothing was found.

    trees: the arguments, nested as JAX allows; all floating-point arrays in them are checked, in float64 also where JAX's x64 mode is off.
    options: see `checking.Options`. Errors are as in `gradcheck`.
    """
    __tracebackhide__ = True
    from .subjects.of_jax import JaxSubject

    return run_check(functools.partial(JaxSubject, function, trees), dict(options), "check_jax", (function, trees, {}))
