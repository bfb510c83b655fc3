"""float16 computed as PyTorch's CPU does it: in float32, each operation's result rounded once."""

from __future__ import annotations

import functools

import numpy

from . import arrays


def is_half(inputs):
    """Return whether the floating-point arrays among these, of which there is one, are all of float16."""
    found = {a.dtype for a in inputs if getattr(a, "dtype", None) is not None and a.dtype.kind == "f"}
    return found == {arrays.float16}


def widened(promoted, given):
    """Return the promoted inputs of an operation in float32; numbers, and arrays of one element, as they were given, not rounded before."""
    return [_widened(a, b) for a, b in zip(promoted, given)]


def _widened(promoted, given):
    if not arrays.is_array(given):
        return given.item() if isinstance(given, arrays.NumPyScalar) else given
    return _to(promoted, arrays.float32) if given.size != 1 or given.dtype == promoted.dtype else given.astype(arrays.float32)


def narrowed(function):
    """Return an operation on float16 arrays, given as float32: its value and what its VJPs return are rounded, once each."""

    def compute(*inputs, **options):
        value, *vjps = function(*inputs, **widened_options(options))
        rounded = _to(value, arrays.float16)
        if arrays.is_array(value) and value.dtype == arrays.float32:
            value[...] = rounded  # the VJPs know the value as it is returned
        return rounded, *[None if vjp is None else functools.partial(rounded_vjp, vjp) for vjp in vjps]

    return compute


def widened_options(options):
    """Return the options of an operation, arrays of float16 among them in float32."""
    return {name: _to(getattr(x, "array", x), arrays.float32) if is_half([x]) else x for name, x in options.items()}


def rounded_vjp(vjp, g):
    """Return vjp(g), computed in float32 for a float16 array or Tensor g."""
    return _to(vjp(_to(g, arrays.float32)), arrays.float16)


def _to(a, dtype):
    """Return a floating-point array, Tensor or NumPy's number, in another dtype; others as they are."""
    return arrays.array_module(a).astype(a, dtype) if a is not None and a.dtype.kind == "f" else a


def with_wide_numbers(function, args):
    """Return function(*args); beside float16 arrays of the host numbers count as float32, and a new result is rounded to float16."""
    if not any([type(a) is numpy.ndarray and a.dtype == arrays.float16 for a in args]):
        return function(*args)
    y = function(*[numpy.float32(a) if isinstance(a, (int, float)) or type(a) is numpy.float16 else a for a in args])
    return _to(y, arrays.float16) if arrays.is_array(y) else y
