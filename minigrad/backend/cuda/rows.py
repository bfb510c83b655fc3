"""Rows of an array on the device, taken by their numbers: checked, gathered, converted and scaled by one kernel."""

from __future__ import annotations

import functools
from math import prod

from .. import arrays
from . import library as cuda
from . import range_checks

# A negative row number counts from the end. One out of range is noted for the host, and row 0 is read in its place.
GATHER = """long long given = index[i / width], row = given < 0 ? given + rows : given;
if (row < 0 || row >= rows) {{
    if (i % width == 0 && note[0] == 0) {{
        note[0] = message;
        note[1] = given;
    }}
    row = 0;
}}
y = {value};"""


def source(scaled):
    """Return the kernel of `take`: inputs, outputs, operation, name, preamble. `scaled`: the elements are divided by a number."""
    value = "T(x[row * width + i % width])"
    inputs = "raw X x, raw S index, int64 rows, int64 width, int64 message" + (", T divisor" if scaled else "")
    operation = GATHER.format(value=f"{value} / divisor" if scaled else value)
    return inputs, "T y, raw int64 note", operation, "minigrad_scaled_rows" if scaled else "minigrad_rows", ""


def row_index(x, key):
    """Return the index of a key x[index] or x[index, …] if it is one that `take` serves, a list of row numbers on the device; else None."""
    index, *rest = key if type(key) is tuple else (key,)
    kind = type(x)
    if kind not in cuda.device_types or type(index) is not kind or index.ndim != 1 or index.dtype.kind not in "iu":
        return None
    if not x.ndim or not x.size or not index.size or x.dtype == arrays.float16:
        return None
    return index if not rest or (len(rest) == 1 and rest[0] is Ellipsis) else None


def take(x, index, dtype=None, divisor=None):
    """Return x[index], as `dtype` and divided by a number if these are given.

    A row number out of range is an IndexError at the host's next read.
    """
    rows, width = len(x), prod(x.shape[1:])
    out = cuda.library().empty((index.size, *x.shape[1:]), x.dtype if dtype is None else dtype)
    number, note = range_checks.place_for(f"index {{}} is out of bounds for axis 0 of size {rows}")
    kernel = cuda.kernel((take, divisor is not None), functools.partial(source, divisor is not None))
    given = () if divisor is None else (out.dtype.type(divisor),)
    kernel(x, index, rows, width, number, *given, out, note)
    return out


def divided(x, dtype, divisor):
    """Return x as `dtype`, divided by a number, by one kernel."""
    return cuda.library().divide(x, dtype.type(divisor), dtype=dtype)
