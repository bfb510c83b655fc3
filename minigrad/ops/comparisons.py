"""Comparisons and logic, element by element. They have no gradient."""

from __future__ import annotations

from ..autograd import op
from ..backend import array_module


@op(promote=True)
def greater(x, y):
    """z = (x > y),  no gradient"""
    return (x > y,)


@op(promote=True)
def greater_equal(x, y):
    """z = (x ≥ y),  no gradient"""
    return (x >= y,)


@op(promote=True)
def less(x, y):
    """z = (x < y),  no gradient"""
    return (x < y,)


@op(promote=True)
def less_equal(x, y):
    """z = (x ≤ y),  no gradient"""
    return (x <= y,)


@op(promote=True)
def equal(x, y):
    """z = (x = y), element by element,  no gradient"""
    return (x == y,)


@op(promote=True)
def not_equal(x, y):
    """z = (x ≠ y), element by element,  no gradient"""
    return (x != y,)


@op
def logical_and(x, y):
    """z = (x and y), element by element,  no gradient"""
    return (array_module(x).logical_and(x, y),)


@op
def logical_or(x, y):
    """z = (x or y), element by element,  no gradient"""
    return (array_module(x).logical_or(x, y),)


@op
def logical_not(x):
    """y = (not x), element by element,  no gradient"""
    return (array_module(x).logical_not(x),)


@op
def isnan(x):
    """y = (x is NaN), element by element,  no gradient"""
    return (x != x,)
