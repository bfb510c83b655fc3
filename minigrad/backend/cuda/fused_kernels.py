"""A fused function on device arrays: one kernel, made from its body's text."""

from __future__ import annotations

import functools

import numpy

from .. import arrays
from . import library as cuda
from . import sums

SCALARS = (int, float, arrays.NumPyScalar)


def launch(fused, args, divisor=1):
    """Run a fused function on device arrays as one kernel; what a function with `reduce=True` sums is divided by a number."""
    lib, body = cuda.library(), fused.body
    dtype = _common_dtype(args, lib.ndarray)
    if body is None or dtype is None or dtype not in cuda.FUSED:  # (numpy.dtype("float64") == None)
        return _divided(fused._whole(*args), divisor)
    if fused.reduce:
        total = sums.of_body(fused, args, divisor)
        if total is not None:
            return total
    values = [a if type(a) is lib.ndarray else dtype.type(a) for a in args]
    read, changed = _places(body)
    written = [values[k] for k in changed]
    out = cuda.kernel(fused, lambda: source_of(fused))(*[values[k] for k in read], *written)
    if body.result is None:
        return written[0]
    return _divided(lib.sum(out), divisor) if fused.reduce else out


def _divided(total, divisor):
    return total if divisor == 1 else total / divisor


@functools.cache
def _places(body):
    """Which of the parameters are only read, and which are written, in the kernel's order."""
    read = [k for k, name in enumerate(body.parameters) if name not in body.written]
    return read, [body.parameters.index(name) for name in body.written]


def _common_dtype(args, kind):
    """The one dtype of the device arrays in `args`; None if there are several, or arrays of the host."""
    dtype = None
    for a in args:
        if type(a) is kind:
            if dtype is not None and a.dtype != dtype:
                return None
            dtype = a.dtype
        elif not isinstance(a, SCALARS) and not (type(a) is numpy.ndarray and a.ndim == 0):
            return None
    return dtype


def source_of(fused):
    """A fused function as the text of a kernel: inputs, outputs, operation, name, preamble."""
    from ..fuse.source import kernel_source

    return *kernel_source(fused.body), f"minigrad_{fused.__name__}", ""
