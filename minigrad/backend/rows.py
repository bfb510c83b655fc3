"""Rows of an array on the device, taken by their numbers: checked, gathered, converted and scaled by one kernel."""

from __future__ import annotations

import functools
from math import prod

from . import arrays, cuda, late

# the number of a row, negative ones counted from the end; out of range: noted, and row 0 in its place
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


def numbers(x, key):
    """Return the index of x[index] or x[index, …] if `take` serves: row numbers on the device, x there too, its rows in a row. Or None."""
    index, *rest = key if type(key) is tuple else (key,)
    kind = type(x)
    fits = kind in cuda.device_types and type(index) is kind and index.ndim == 1 and index.dtype.kind in "iu" and x.size > 0 < index.size \
        and x.ndim > 0 and x.dtype != arrays.float16 and x.flags.c_contiguous
    return index if fits and (not rest or (len(rest) == 1 and rest[0] is Ellipsis)) else None


def take(x, index, dtype=None, divisor=None):
    """Return x[index], as `dtype` and divided by a number if these are given.

    A number of a row that is out of range is an IndexError at the host's next read.
    """
    rows, width = len(x), prod(x.shape[1:])
    out = cuda.library().empty((index.size, *x.shape[1:]), x.dtype if dtype is None else dtype)
    number, note = late.place_for(f"index {{}} is out of bounds for axis 0 of size {rows}")
    kernel = cuda.kernel((take, divisor is not None), functools.partial(source, divisor is not None))
    given = () if divisor is None else (out.dtype.type(divisor),)
    kernel(x, index, rows, width, number, *given, out, note)
    return out


def divided(x, dtype, divisor):
    """Return x as `dtype`, divided by a number, by one kernel."""
    return cuda.library().divide(x, dtype.type(divisor), dtype=dtype)
