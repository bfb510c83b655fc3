"""Rows of an array on the device, taken by their numbers: one kernel checks the numbers, copies, converts and scales the rows."""

from __future__ import annotations

import functools
from math import prod

from ..dtypes import float16
from . import range_checks
from .cupy_library import device_types, kernel, library

# A negative row number counts from the end. For one out of range a note is left for the host, and row 0 is read in its place.
TAKE = """long long given = index[i / width], row = given < 0 ? given + rows : given;
if (row < 0 || row >= rows) {{
    if (i % width == 0 && note[0] == 0) {{
        note[0] = message;
        note[1] = given;
    }}
    row = 0;
}}
y = {value};"""


def source(scaled):
    """Return the kernel of `take`: inputs, outputs, operation, name, preamble. If `scaled`, it divides by a number."""
    value = "T(x[row * width + i % width])"
    inputs = "raw X x, raw S index, int64 rows, int64 width, int64 message" + (", T divisor" if scaled else "")
    operation = TAKE.format(value=f"{value} / divisor" if scaled else value)
    return inputs, "T y, raw int64 note", operation, "minigrad_scaled_rows" if scaled else "minigrad_rows", ""


def row_index(x, key):
    """Return the index in the key of x[index] or x[index, …] if it is a device array of row numbers that `take` accepts, else None."""
    index, *rest = key if type(key) is tuple else (key,)
    kind = type(x)
    if kind not in device_types or type(index) is not kind or index.ndim != 1 or index.dtype.kind not in "iu":
        return None
    if not x.ndim or not x.size or not index.size or x.dtype == float16:
        return None
    return index if not rest or (len(rest) == 1 and rest[0] is Ellipsis) else None


def take(x, index, dtype=None, divisor=None):
    """Return x[index], as `dtype` and divided by `divisor` if these are given.

    A row number out of range raises IndexError at the host's next read.
    """
    rows, width = len(x), prod(x.shape[1:])
    out = library().empty((index.size, *x.shape[1:]), x.dtype if dtype is None else dtype)
    number, note = range_checks.place_for(f"index {{}} is out of bounds for axis 0 of size {rows}")
    take_rows = kernel((take, divisor is not None), functools.partial(source, divisor is not None))
    given = () if divisor is None else (out.dtype.type(divisor),)
    take_rows(x, index, rows, width, number, *given, out, note)
    return out


def divided(x, dtype, divisor):
    """Return x as `dtype`, divided by a number, computed by one kernel."""
    return library().divide(x, dtype.type(divisor), dtype=dtype)
