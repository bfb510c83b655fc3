"""`fuse`: one element-wise body, run as plain NumPy, as one compiled loop (Numba) or as one CUDA kernel (CuPy).

The body is ordinary Python over arrays and numbers: operators, comparisons, and `xp.where`, `xp.sqrt`, `xp.absolute` with
`xp = array_module(…)`. It returns one expression, or changes parameters with `+=`, `-=`, `*=`, `p[...] =`. Small arrays are computed by
the body as it is written, which is also what tests compare with. For large arrays its text becomes a loop or a kernel: see `source`.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from numpy import empty, ndarray

from .. import arrays, cuda, half
from ..cpu import compiling, threads
from ..dtypes import NumPyScalar, float16, float32, float64
from ..gathering import Pieces
from . import kernels, loops
from .source import SUMMED, read, text_of

COMPILED = (float32, float64)  # in the machine's byte order; other dtypes are left to NumPy
BLOCK = 1 << 14  # elements that a plain body computes at a time, so that its temporaries stay in the cache


class Fused:
    """A fused function, called as the plain one; with `reduce=True` it returns the sum of the body's result over all elements."""

    def __init__(self, function, reduce=False):
        functools.update_wrapper(self, function)
        self.plain, self.reduce, self.lines = function, reduce, text_of(function)

    @functools.cached_property
    def body(self):
        """The Body that the text describes; None if there is no text: the function was typed at a prompt, or its file has been edited."""
        try:
            return read(self.plain, self.lines)
        except OSError:
            return None

    def __call__(self, *args):
        large = False
        for a in args:
            if type(a) is ndarray:
                if a.size >= threads.LARGE or a.dtype is float16:
                    large = True
            elif type(a) is Pieces:
                if a.size < threads.LARGE:
                    return self.call_plain(*args)
                large = True
            elif type(a) in _device_types:
                return kernels.launch(self, args)
        if large:
            return self._large(args)
        y = self.plain(*args)
        return arrays.array_module(y).sum(y) if self.reduce else y

    def mean(self, *args, count):
        """Return the sum of the body's results divided by `count`, NaN if that is 0, for a function with `reduce=True`."""
        if _device_types and count and any([type(a) in _device_types for a in args]):
            return kernels.launch(self, args, count)
        total = self(*args)
        return total / count if count else total * float("nan")

    def call_plain(self, *args):
        """Return the plain function's result for whole arrays. It works on a copy of each Pieces, and what it changes is written back."""
        given = [a.copy() if type(a) is Pieces else a for a in args]
        y = half.with_wide_numbers(self.plain, given)
        for i, a in enumerate(args):
            if type(a) is Pieces and (self.body is None or i in self.body.places):
                a.write(given[i])
        return arrays.array_module(y).sum(y) if self.reduce else y

    def _large(self, args):
        plan = None if sys.is_finalizing() or self.body is None else _plan(args)  # nothing can be imported while Python ends
        if plan is None:
            return self.call_plain(*args)
        kinds, views, n, block, lead, pieces = plan
        for i in self.body.places:
            if kinds[i] != "f":
                return self.call_plain(*args)
        if self.reduce:
            return self.call_plain(*args) if pieces else self._sum(kinds, views, n, lead.dtype)
        out = target = None
        if self.body.result:
            out = empty(lead.shape, lead.dtype)
            target = out if "r" in kinds else out.reshape(-1)
        run = self._runner(kinds, lead.dtype, block)

        def part(low, high):
            if pieces is None:
                run(None if target is None else target[low:high], [v[low:high] if k == "f" else v for v, k in zip(views, kinds)])
            else:
                for into, *parts in pieces.cuts([target, *views], low, high):
                    run(into, parts)

        threads.share(part, n, 16, lead.size)
        return args[self.body.places[0]] if out is None else out

    def _runner(self, kinds, dtype, block):
        """Return a function (target, parts of the arguments) that computes these parts in one thread."""
        loop = None if compiling.numba() is None else loops.loop(self.body, kinds, dtype)
        if loop is None:
            return lambda target, parts: _in_blocks(self.plain, target, parts, kinds, block)
        return lambda target, parts: loop(*parts) if target is None else loop(target, *parts)

    def _sum(self, kinds, views, n, dtype):
        """Return the sum of the sums of blocks of fixed length, which has the same bits for any number of threads."""
        partial = empty(-(-n // SUMMED), "float64")
        loop = None if compiling.numba() is None else loops.loop(self.body, kinds, dtype, reduce=True)

        def part(low, high):
            cut = [v[low * SUMMED:high * SUMMED] if k == "f" else v for v, k in zip(views, kinds)]
            if loop is not None:
                loop(partial[low:high], *cut)
                return
            for b in range(high - low):
                partial[low + b] = self.plain(*[c[b * SUMMED:(b + 1) * SUMMED] if k == "f" else c for c, k in zip(cut, kinds)]).sum()

        threads.share(part, len(partial), 1, n)
        return partial.sum().astype(dtype)


def _in_blocks(plain, target, parts, kinds, block):
    """Compute the plain body block by block, so that the temporaries stay in the cache, and write its results into `target`, if any."""
    for i in range(0, len(next(p for p, k in zip(parts, kinds) if k == "f")), block):
        y = plain(*[p[i:i + block] if k == "f" else p for p, k in zip(parts, kinds)])
        if target is not None:
            target[i:i + block] = y


_device_types: set = cuda.device_types


def _plan(args):
    """Return how to loop over `args`, (kinds, views, n, block, lead, pieces), or None if one loop cannot compute them.

    kinds: a letter for each argument, f (like the output), r (a row) or s (a number); views: their flat views, rows and numbers;
    n: length of the axis that the threads share; block: how much of it a plain body computes at a time; lead: the largest array;
    pieces: the first Pieces among `args`, or None.
    """
    lead: Any = None
    pieces: Any = None
    for a in args:
        if type(a) is Pieces:
            lead = pieces = pieces or a
        elif type(a) is ndarray and (lead is None or (a.size, a.ndim) > (lead.size, lead.ndim)):
            lead = a
    if lead is None or lead.dtype not in COMPILED:
        return None
    shape, dtype, size, kinds = lead.shape, lead.dtype, lead.size, ""
    views: list[Any] = []
    for a in args:
        if type(a) is ndarray:
            if a.dtype != dtype:
                return None
            if a.shape == shape and a.flags.carray:
                kind = "f"
            elif not any(a.strides) and (a.ndim == 0 or a.size == size):
                kind, a = "s", dtype.type(a.item() if a.ndim == 0 else a[(0,) * a.ndim])
            elif a.ndim == 1 and len(shape) == 2 and a.shape == shape[1:] and a.flags.carray:
                kind = "r"
            else:
                return None
        elif type(a) is Pieces:
            if a.dtype != dtype or a.shape != shape:
                return None
            kind = "f"
        elif isinstance(a, (float, int, NumPyScalar)):
            kind, a = "s", dtype.type(a)
        else:
            return None
        kinds += kind
        views.append(a)
    if "f" not in kinds:
        return None
    if "r" in kinds:
        return kinds, views, shape[0], max(1, BLOCK // shape[1]), lead, pieces
    return kinds, [v.reshape(-1) if type(v) is ndarray else v for v in views], size, BLOCK, lead, pieces


def fuse(function: Callable[..., Any] | None = None, *, reduce: bool = False) -> Any:
    """Decorate an element-wise function so that it is fused; with `reduce=True` it returns the sum of its result over all elements."""
    return functools.partial(fuse, reduce=reduce) if function is None else Fused(function, reduce)
