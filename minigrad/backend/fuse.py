"""`fuse`: one element-wise body, run as plain NumPy, as one compiled loop (Numba) or as one CUDA kernel (CuPy).

The body is ordinary Python over arrays and numbers: operators, comparisons, and `xp.where`, `xp.sqrt`, `xp.absolute`
with `xp = array_module(…)`. It returns one expression, or changes parameters with `+=`, `-=`, `*=`, `p[...] =`. Called as written
it is the oracle. For large arrays the same text is turned into a loop: see `source`.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy
from numpy import empty, ndarray, zeros

from . import arrays, compiled, cuda, threads
from .gathering import Pieces

STAGED = 1 << 19  # bytes between two compiled loops; each change of hands costs the threads a wait for the GIL
BLOCK = 1 << 14  # elements that a plain body takes at a time, so that its temporaries stay in the cache


class Fused:
    """A fused function; call it as the plain one. `reduce=True` returns the sum of the body's result over all elements."""

    def __init__(self, function, reduce=False):
        functools.update_wrapper(self, function)
        self.plain, self.reduce = function, reduce

    @functools.cached_property
    def body(self):
        """What the text says; None where there is no text (a function typed at a prompt)."""
        from .source import read

        try:
            return read(self.plain)
        except OSError:
            return None

    def __call__(self, *args):
        large = False
        for a in args:
            if type(a) is ndarray:
                if a.size >= threads.LARGE:
                    large = True
            elif type(a) is Pieces:
                large = True
            elif type(a) in _device_types:
                return cuda.launch(self, args)
        if large:
            return self._large(args)
        return self._whole(*args) if self.reduce else self.plain(*args)

    def _whole(self, *args):
        y = self.plain(*[a.whole() if type(a) is Pieces else a for a in args])
        return arrays.array_module(y).sum(y) if self.reduce else y

    def _large(self, args):
        plan = _plan(args) if self.body is not None else None
        if plan is None or any(k != "f" for p, k in zip(self.body.parameters, plan[0]) if p in self.body.written):
            return self._whole(*args)
        kinds, views, n, block = plan
        dtype, shape = next((v.dtype, a.shape) for v, a, k in zip(views, args, kinds) if k == "f")
        pieces = next((v for v in views if type(v) is Pieces), None)
        if self.reduce:
            return self._whole(*args) if pieces else self._sum(kinds, views, n, dtype)
        out = (zeros if pieces else empty)(shape, dtype) if self.body.result else None
        target = None if out is None else out.reshape(next(v.shape for v, k in zip(views, kinds) if k == "f"))
        run = self._runner(kinds, dtype, block)

        def part(low, high):
            for i, j in pieces.stretches(low, high) if pieces else ((low, high),):
                run(None if target is None else target[i:j], [v[i:j] if k == "f" else v for v, k in zip(views, kinds)])

        threads.share(part, n, 16)
        if out is not None:
            return out
        return args[self.body.parameters.index(self.body.written[0])]

    def _runner(self, kinds, dtype, block):
        """A function (target, parts of the arguments) that does the work for these parts in one thread."""
        body = self.body
        if compiled.numba() is None:
            return lambda target, parts: _in_blocks(self.plain, target, parts, kinds, block)
        if body.stages is None:
            loop = compiled.loop(body, kinds, dtype)
            return lambda target, parts: loop(*([] if target is None else [target]), *parts)
        before, function, after = body.stages
        ufunc, first, second = getattr(numpy, function), compiled.loop(before, kinds, dtype), compiled.loop(after, kinds + "f", dtype)

        def staged(target, parts):
            length = len(target)
            e = empty((min(max(1, STAGED // target[:1].nbytes), length), *target.shape[1:]), dtype)
            for i in range(0, length, len(e)):
                cut = [p[i:i + len(e)] if k == "f" else p for p, k in zip(parts, kinds)]
                piece = e[:length - i]
                first(piece, *cut)
                ufunc(piece, piece)
                second(target[i:i + len(e)], *cut, piece)

        return staged

    def _sum(self, kinds, views, n, dtype):
        """Sums of blocks of fixed length, then the sum of those: the same bits for any number of threads."""
        from .source import SUMMED

        partial = empty(-(-n // SUMMED), "float64")
        loop = None if compiled.numba() is None else compiled.loop(self.body, kinds, dtype, reduce=True)

        def part(low, high):
            cut = [v[low * SUMMED:high * SUMMED] if k == "f" else v for v, k in zip(views, kinds)]
            if loop is not None:
                loop(partial[low:high], *cut)
                return
            for b in range(high - low):
                partial[low + b] = self.plain(*[c[b * SUMMED:(b + 1) * SUMMED] if k == "f" else c for c, k in zip(cut, kinds)]).sum()

        threads.share(part, len(partial))
        return partial.sum().astype(dtype)


def _in_blocks(plain, target, parts, kinds, block):
    """The plain body on pieces that stay in the cache."""
    for i in range(0, len(next(p for p, k in zip(parts, kinds) if k == "f")), block):
        y = plain(*[p[i:i + block] if k == "f" else p for p, k in zip(parts, kinds)])
        if target is not None:
            target[i:i + block] = y


_device_types: set = cuda.device_types


def _plan(args):
    """How to loop over `args`: (kinds, flat or row views and numbers, length of the shared axis, block), or None."""
    lead = next(iter(sorted((a for a in args if type(a) is ndarray), key=lambda a: -a.size)))
    shape, dtype = lead.shape, lead.dtype
    if dtype.kind != "f":
        return None
    kinds = ""
    views: list[Any] = []
    for a in args:
        if type(a) is Pieces:
            if a.dtype != dtype or a.shape != shape:
                return None
            kinds, views = kinds + "f", [*views, a]
        elif type(a) is not ndarray:
            if not isinstance(a, (float, int, arrays.NumPyScalar)):
                return None
            kinds, views = kinds + "s", [*views, dtype.type(a)]
        elif a.dtype != dtype:
            return None
        elif a.shape == shape and a.flags.c_contiguous and a.flags.writeable:
            kinds, views = kinds + "f", [*views, a]
        elif not any(a.strides) and (a.ndim == 0 or a.size == lead.size):
            kinds, views = kinds + "s", [*views, a.item() if a.ndim == 0 else a[(0,) * a.ndim]]
            views[-1] = dtype.type(views[-1])
        elif a.ndim == 1 and len(shape) == 2 and a.shape == shape[1:] and a.flags.c_contiguous and a.flags.writeable:
            kinds, views = kinds + "r", [*views, a]
        else:
            return None
    if "f" not in kinds:
        return None
    if "r" in kinds:
        return kinds, views, shape[0], max(1, BLOCK // shape[1])
    return kinds, [v.reshape(-1) if k == "f" else v for v, k in zip(views, kinds)], lead.size, BLOCK


def fuse(function=None, *, reduce=False):
    """Mark an element-wise helper for fusing. With `reduce=True` the sum over all elements is returned instead."""
    return functools.partial(fuse, reduce=reduce) if function is None else Fused(function, reduce)
