"""Matrix products: `matmul`, and `linear`, the product and the sum of a layer."""

from __future__ import annotations

import math

from ..autograd import op
from ..backend import array_module


@op(product=True, wide=True)
def matmul(x, y):
    """z = x @ y,  dL/dx = g yᵀ,  dL/dy = xᵀ g

    x and y are two matrices, or stacks of them.
    """
    check_product(x, y)
    return (array_module(x).matmul(x, y),
            lambda g: array_module(g).matmul(g, array_module(y).swapaxes(y, -1, -2)),
            lambda g: array_module(g).matmul(array_module(x).swapaxes(x, -1, -2), g))


@op(product=True, wide=True)
def linear(x, weight, bias):
    """y = x weightᵀ + bias,  dL/dx = g weight,  dL/dweight = gᵀ x,  dL/dbias = Σ g over the rows

    x (…, in), weight (out, in), bias (out,).
    """
    check_linear(x, weight, bias)
    xp, shape, rows = array_module(x), x.shape, _rows(x)
    y = xp.linear(rows, weight, bias)
    return (_unrolled(y, (*shape[:-1], y.shape[1])), lambda g: _unrolled(array_module(g).matmul(_rows(g), weight), shape),
            lambda g: array_module(g).matmul(_rows(g).T, rows),
            lambda g: array_module(g).sum(_rows(g), axis=0))


def check_product(x, y):
    """Raise unless x (…, n, k) and y (…, k, m) have one dtype and the same k."""
    if x.dtype != y.dtype:
        raise RuntimeError(f"matmul: expected one dtype, got {x.dtype} and {y.dtype}; convert one with .to(dtype)")
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-2]:
        raise RuntimeError(f"matmul: shapes {tuple(x.shape)} and {tuple(y.shape)} do not fit: the last axis of the first must be as "
                           "long as the last but one of the second")


def check_linear(x, weight, bias):
    """Raise unless x (…, in), weight (out, in) and bias (out,) fit."""
    if weight.ndim != 2 or x.ndim == 0 or x.shape[-1] != weight.shape[1] or tuple(bias.shape) != (weight.shape[0],):
        raise RuntimeError(f"linear: expected x (…, in), weight (out, in), bias (out,); got {tuple(x.shape)}, {tuple(weight.shape)}, "
                           f"{tuple(bias.shape)}")
    if not x.dtype == weight.dtype == bias.dtype:
        raise RuntimeError(f"linear: expected one dtype, got x {x.dtype}, weight {weight.dtype}, bias {bias.dtype}; "
                           "convert the network with .double() or .float(), or x with .to(dtype)")


def _rows(x):
    return x if x.ndim == 2 else array_module(x).reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def _unrolled(rows, shape):
    return rows if len(shape) == 2 else array_module(rows).reshape(rows, shape)
