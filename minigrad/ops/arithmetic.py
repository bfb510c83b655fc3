"""Arithmetic, element by element."""

from __future__ import annotations

import math

from ..autograd import op
from ..backend import array_module, fuse, minus, over, plus, times


def unchanged(g):
    """The VJP of x + constant: one function for all nodes, so that a long sum holds nothing but nodes."""
    return g


def zeros(g):
    """The VJP of a function whose derivative is 0."""
    return array_module(g).zeros_like(g)


def module_of(x, y):
    """The array module of two operands, of which one may be a number."""
    return array_module(x if hasattr(x, "shape") else y)


@op(promote=True)
def add(x, y):
    """z = x + y,  dL/dx = g,  dL/dy = g"""
    return plus(x, y), unchanged, unchanged


@op(promote=True)
def sub(x, y):
    """z = x - y,  dL/dx = g,  dL/dy = -g"""
    return minus(x, y), unchanged, lambda g: -g


@op(promote=True, wide=True)
def mul(x, y):
    """z = x · y,  dL/dx = g y,  dL/dy = g x"""
    return times(x, y), lambda g: times(g, y), lambda g: times(g, x)


@op(promote=True, wide=True)
def div(x, y):
    """z = x / y,  dL/dx = g / y,  dL/dy = -g x / y²"""
    z = over(x, y)
    return z, lambda g: over(g, y), lambda g: times(-g, over(z, y))


@op
def neg(x):
    """y = -x,  dL/dx = -g"""
    return -x, lambda g: -g


@op(promote=True)
def pow(x, y):
    """z = x^y,  dL/dx = g y x^(y-1) (0 where y = 0),  dL/dy = g z log x (0 where x = 0 ≤ y)"""
    z = x**y

    def vjp_x(g):
        xp, some = array_module(g), y != 0  # where y = 0, the derivatives of this are 0 too, whatever x is, as in PyTorch
        if not hasattr(y, "shape"):
            return g * (y * x ** (y - 1)) if some else xp.zeros_like(g)
        return xp.where(some, g * (y * some * x ** (y - some)), 0)

    def vjp_y(g):
        xp, never = array_module(g), (x == 0) & (y >= 0)  # where x = 0 ≤ y, x^y does not change with y, nor does the derivative
        return g * xp.where(never, 0, xp.where(never, 1, z) * logarithm(x, never))

    return z, vjp_x, vjp_y


def logarithm(x, skipped):
    """log x of an array, 0 where it is skipped, or of a number, which stays a number: it must not decide the dtype"""
    if hasattr(x, "shape"):
        xp = array_module(x)
        return xp.log(xp.where(skipped, 1, x))
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


@op
def square(x):
    """y = x²,  dL/dx = 2 g x"""
    return times(x, x), lambda g: times(g, times(2, x))


@op
def sqrt(x):
    """y = √x,  dL/dx = g / (2 y)"""
    y = array_module(x).sqrt(x)
    return y, lambda g: over(g, times(2, y))


@op
def exp(x):
    """y = e^x,  dL/dx = g y"""
    y = array_module(x).exp(x)
    return y, lambda g: times(g, y)


@op
def log(x):
    """y = log x,  dL/dx = g / x"""
    return array_module(x).log(x), lambda g: over(g, x)


@op(promote=True)
def arctan2(x, y):
    """z = the angle of the point (y, x),  dL/dx = g y / (x² + y²),  dL/dy = -g x / (x² + y²)

    The derivatives at (0, 0) are 0, as in PyTorch.
    """
    def inverse(g):
        s = x * x + y * y
        return array_module(g).where(s == 0, 0, 1 / s)

    return array_module(x).arctan2(x, y), lambda g: g * (y * inverse(g)), lambda g: g * (-x * inverse(g))


@op
def absolute(x):
    """y = |x|,  dL/dx = g sign(x)

    The derivative at 0 and NaN is 0, as in PyTorch.
    """
    return array_module(x).absolute(x), lambda g: g * signs(x)


@op
def sign(x):
    """y = sign(x): -1, 0 or 1,  dL/dx = 0

    It is 0 at NaN, as in PyTorch.
    """
    return signs(x), zeros


def signs(x):
    """-1, 0 or 1; 0 at NaN"""
    xp = array_module(x)
    return xp.where(x == x, xp.sign(x), 0)


@op(promote=True)
def maximum(x, y):
    """z = max(x, y),  dL/dx = g where x > y, g / 2 where x = y, else 0,  dL/dy = g where y > x, g / 2 where x = y, else 0

    Where x or y is NaN, z is NaN and both get g, as in PyTorch.
    """
    return (module_of(x, y).maximum(x, y),
            lambda g: pick_grad(g, x, y), lambda g: pick_grad(g, y, x))


@op(promote=True)
def minimum(x, y):
    """z = min(x, y),  dL/dx = g where x < y, g / 2 where x = y, else 0,  dL/dy = g where y < x, g / 2 where x = y, else 0

    Where x or y is NaN, z is NaN and both get g, as in PyTorch.
    """
    return (module_of(x, y).minimum(x, y),
            lambda g: pick_grad(g, y, x), lambda g: pick_grad(g, x, y))


@op(promote=True, wide=True)
def floor_divide(x, y):
    """z = ⌊x / y⌋,  no gradient

    Backward through it is an error, and so is a whole number divided by 0, as in PyTorch.
    """
    check_divisor("floor_divide", y)
    return module_of(x, y).floor_divide(x, y), no_quotient_grad, no_quotient_grad


def no_quotient_grad(g):
    """Raise: there is no derivative."""
    raise RuntimeError("floor_divide: the derivative of ⌊x / y⌋ is not implemented, as in PyTorch; detach() its operands")


@op(promote=True, steps=True)
def remainder(x, y):
    """z = x - y ⌊x / y⌋,  dL/dx = g,  dL/dy = -g ⌊x / y⌋

    It has the sign of y.
    """
    check_divisor("remainder", y)
    xp = module_of(x, y)
    return xp.remainder(x, y), unchanged, lambda g: -g * xp.stop_gradient(xp.floor_divide(x, y))


def check_divisor(name, y):
    """Raise where whole numbers are divided by 0."""
    if getattr(y, "dtype", None) is not None and y.dtype.kind in "iu" and not (y != 0).all():
        raise RuntimeError(f"{name}: division of whole numbers by 0; a divisor of shape {tuple(y.shape)} has a 0 in it")


def pick_grad(g, winner, loser):
    """g where winner > loser, half of it where they are equal, 0 elsewhere; g where either is NaN, as in PyTorch."""
    xp = array_module(g)
    return xp.where(winner == loser, g / 2, xp.where(winner < loser, 0, g))


@op
def clip(x, min, max):
    """y = x limited to [min, max],  dL/dx = g where min ≤ x ≤ max, else 0,
    dL/dmin = g where x < min < max, else 0,  dL/dmax = g where x > max or max < min, else 0

    A bound may be None, which limits nothing. Where max < min, y = max. Where x is NaN, y is NaN and no argument gets g.
    """
    low, high = -math.inf if min is None else min, math.inf if max is None else max
    return (array_module(x).clip(x, min, max), lambda g: clip_grad(g, x, low, high),
            lambda g: array_module(g).where(x < min if max is None else (x < min) & (min < max), g, 0),
            lambda g: array_module(g).where(x > max if min is None else (x > max) | (max < min), g, 0))


@fuse
def clip_grad(g, x, low, high):
    """g where low ≤ x ≤ high, else 0, also where x is NaN."""
    xp = array_module(g)
    return xp.where((x >= low) & (x <= high), g, 0)


@op
def where(condition, x, y):
    """z = x where condition, else y,  dL/dx = g where condition, else 0,  dL/dy = 0 where condition, else g,  no gradient for condition"""
    xp = array_module(x if hasattr(x, "shape") else y if hasattr(y, "shape") else condition)
    return (xp.where(condition, x, y), None,
            lambda g: array_module(g).where(condition, g, 0), lambda g: array_module(g).where(condition, 0, g))
