"""float16, computed as PyTorch's CPU does: in float32, with each operation's result rounded once."""

from __future__ import annotations

import functools

import numpy

from . import arrays
from .dtypes import NumPyScalar, float16, float32


def is_half(inputs):
    """Return whether there are floating-point arrays among these, and all of them are float16."""
    found = {a.dtype for a in inputs if getattr(a, "dtype", None) is not None and a.dtype.kind == "f"}
    return found == {float16}


def widened(promoted, given):
    """Return the promoted inputs of an operation in float32.

    Numbers, and arrays of one element, are taken from the inputs as they were given, since the promoted ones are rounded to float16.
    """
    return [_widened(a, b) for a, b in zip(promoted, given)]


def _widened(promoted, given):
    if not arrays.is_array(given):
        return given.item() if isinstance(given, NumPyScalar) else given
    return _to(promoted, float32) if given.size != 1 or given.dtype == promoted.dtype else given.astype(float32)


def narrowed(function):
    """Return an operation that takes float16 arrays as float32, and rounds its value, and what its VJPs return, to float16 once."""

    def compute(*inputs, **options):
        value, *vjps = function(*inputs, **widened_options(options))
        rounded = _to(value, float16)
        if arrays.is_array(value) and value.dtype == float32:
            value[...] = rounded  # so that the VJPs use the value as it is returned
        return rounded, *[None if vjp is None else functools.partial(rounded_vjp, vjp) for vjp in vjps]

    return compute


def widened_options(options):
    """Return the options of an operation with float16 arrays among them converted to float32."""
    return {name: _to(getattr(x, "array", x), float32) if is_half([x]) else x for name, x in options.items()}


def rounded_vjp(vjp, g):
    """Return vjp(g) for a float16 array or Tensor g, computed in float32 and rounded."""
    return _to(vjp(_to(g, float32)), float16)


def _to(a, dtype):
    """Return a floating-point array, Tensor or NumPy scalar in another dtype, and others as they are."""
    return arrays.array_module(a).astype(a, dtype) if a is not None and a.dtype.kind == "f" else a


def with_wide_numbers(function, args):
    """Return function(*args); with float16 arrays of the host, numbers are taken as float32 and a new array is rounded to float16."""
    if not any([type(a) is numpy.ndarray and a.dtype == float16 for a in args]):
        return function(*args)
    y = function(*[numpy.float32(a) if isinstance(a, (int, float)) or type(a) is numpy.float16 else a for a in args])
    return _to(y, float16) if arrays.is_array(y) else y
