"""Functions of one variable: trigonometric and hyperbolic ones, exponentials, logarithms, powers, the error function, roundings."""

from __future__ import annotations

import math

from ..autograd import op
from ..backend import array_module, fuse, over, times
from .arithmetic import zeros

# ---- trigonometric and hyperbolic


@op
def sin(x):
    """y = sin x,  dL/dx = g cos x"""
    return array_module(x).sin(x), lambda g: times(g, array_module(g).cos(x))


@op
def cos(x):
    """y = cos x,  dL/dx = -g sin x"""
    return array_module(x).cos(x), lambda g: times(-g, array_module(g).sin(x))


@op
def tan(x):
    """y = tan x,  dL/dx = g (1 + y²)"""
    y = array_module(x).tan(x)
    return y, lambda g: g * (1 + y * y)


@op
def sinh(x):
    """y = sinh x,  dL/dx = g cosh x"""
    return array_module(x).sinh(x), lambda g: g * array_module(g).cosh(x)


@op
def cosh(x):
    """y = cosh x,  dL/dx = g sinh x"""
    return array_module(x).cosh(x), lambda g: g * array_module(g).sinh(x)


@op
def arctan(x):
    """y = arctan x,  dL/dx = g / (1 + x²)"""
    return array_module(x).arctan(x), lambda g: g / (1 + x * x)


# ---- exponentials, logarithms, powers


@op
def expm1(x):
    """y = e^x - 1,  dL/dx = g (y + 1)

    Small values keep their digits.
    """
    y = array_module(x).expm1(x)
    return y, lambda g: times(g, y + 1)


@op
def log1p(x):
    """y = log(1 + x),  dL/dx = g / (1 + x)

    Small values keep their digits.
    """
    return array_module(x).log1p(x), lambda g: over(g, 1 + x)


@op
def log2(x):
    """y = log x / log 2,  dL/dx = g / (x log 2)"""
    return array_module(x).log2(x), lambda g: g / (x * math.log(2))


@op
def log10(x):
    """y = log x / log 10,  dL/dx = g / (x log 10)"""
    return array_module(x).log10(x), lambda g: g / (x * math.log(10))


@op
def reciprocal(x):
    """y = 1 / x,  dL/dx = -g y²"""
    y = over(1, x)
    return y, lambda g: -g * (y * y)


@op
def rsqrt(x):
    """y = 1 / √x,  dL/dx = -g y³ / 2"""
    y = over(1, array_module(x).sqrt(x))
    return y, lambda g: -0.5 * g * (y * y * y)


@op(wide=True)
def erf(x):
    """y = 2 / √π ∫ e^(-t²) dt from 0 to x,  dL/dx = 2 g e^(-x²) / √π"""
    return erf_value(x), lambda g: g * (2 / math.sqrt(math.pi) * array_module(g).exp(-x * x))


@fuse
def erf_value(x):
    """erf x; fused, as NumPy's is slow."""
    xp = array_module(x)
    return xp.erf(x)


# ---- roundings, whose derivative is 0


def rounded(name, x, **options):
    """NumPy's function `name` of x; whole numbers are copied. Raise NotImplementedError for bools, and for decimals of whole numbers."""
    if x.dtype.kind == "b" or (x.dtype.kind != "f" and any(options.values())):
        raise NotImplementedError(f"{name}: expected a floating-point tensor, got {x.dtype}; use .float() first")
    return getattr(array_module(x), name)(x, **options) if x.dtype.kind == "f" else array_module(x).copy(x)


@op
def floor(x):
    """y = ⌊x⌋,  dL/dx = 0"""
    return rounded("floor", x), zeros


@op
def ceil(x):
    """y = ⌈x⌉,  dL/dx = 0"""
    return rounded("ceil", x), zeros


@op
def trunc(x):
    """y = x cut towards 0,  dL/dx = 0"""
    return rounded("trunc", x), zeros


@op
def round(x, *, decimals=0):
    """y = x rounded to `decimals` digits,  dL/dx = 0

    Halves go to the even neighbour.
    """
    return rounded("round", x, decimals=decimals), zeros
