"""Comparisons and logic, element by element. They have no gradient."""

from __future__ import annotations

from ..autograd import op
from ..backend import array_module


@op(promote=True)
def greater(x, y):
    """x > y"""
    return (x > y,)


@op(promote=True)
def greater_equal(x, y):
    """x ≥ y"""
    return (x >= y,)


@op(promote=True)
def less(x, y):
    """x < y"""
    return (x < y,)


@op(promote=True)
def less_equal(x, y):
    """x ≤ y"""
    return (x <= y,)


@op(promote=True)
def equal(x, y):
    """x = y, element by element"""
    return (x == y,)


@op(promote=True)
def not_equal(x, y):
    """x ≠ y, element by element"""
    return (x != y,)


@op
def logical_and(x, y):
    """x and y, element by element"""
    return (array_module(x).logical_and(x, y),)


@op
def logical_or(x, y):
    """x or y, element by element"""
    return (array_module(x).logical_or(x, y),)


@op
def logical_not(x):
    """not x, element by element"""
    return (array_module(x).logical_not(x),)


@op
def isnan(x):
    """Whether each element is NaN"""
    return (x != x,)
