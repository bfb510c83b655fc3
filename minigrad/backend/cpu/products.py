"""Large matrix products on our worker threads, with NumPy's BLAS on one thread each: two thread pools would fight over the cores."""

from __future__ import annotations

import functools
import operator
import os
import types
from typing import Any

import numpy

from .. import arrays, dtypes
from . import compiling, threads
from .interrupts import uninterrupted

SMALL = 1 << 18  # multiplications up to which OpenBLAS does not split a product
LARGE = 3 << 19  # from which handing out is worth its price
TOGETHER = 1 << 12  # elements of a gradient from which a product's VJPs are handed out at once
NARROW = 8  # rows or columns of a result below which our own kernel is not used


class Blas:
    """The BLAS libraries that are loaded, found by threadpoolctl; none without it."""

    def __init__(self):
        self.found = None

    def libraries(self):
        """What gets and sets the libraries' numbers of threads."""
        if self.found is None:
            uninterrupted(self._find)
        return self.found or ()

    def _find(self):
        try:
            from threadpoolctl import ThreadpoolController

            self.found = [_direct(c) for c in ThreadpoolController().select(user_api="blas").lib_controllers]
        except ImportError:  # or Python is about to end
            self.found = []


def _direct(controller):
    """OpenBLAS's own two functions instead of threadpoolctl's: those reserve the setting for the thread that calls them first."""
    for name in ("openblas", "scipy_openblas"):
        for suffix in ("", "64_", "_64"):
            getter, setter = [getattr(controller.dynlib, f"{name}_{verb}_num_threads{suffix}", None) for verb in ("get", "set")]
            if getter and setter and getattr(controller, "threading_layer", None) != "openmp":
                return types.SimpleNamespace(internal_api=controller.internal_api, get_num_threads=getter, set_num_threads=setter)
    return controller


blas = Blas()


class Product:
    """A product that can be computed in parts: part(low, high) computes those of range(n), `after` comes when all are there.

    multiply: what computes it if it is of two matrices, else None.
    """

    def __init__(self, part, n, multiply=None, after=None):
        self.part, self.n, self.heavy, self.after = part, n, multiply is not None, after
        self.own = multiply not in (None, _blas_product)

    def cut(self, shares):
        """Give each of these lists its part."""
        length = -(-self.n // (len(shares) * 8)) * 8
        for i, mine in zip(range(0, self.n, length), shares):
            mine.append((self.part, i, min(i + length, self.n)))


def compute(products):
    """The products, on all threads; BLAS on one thread meanwhile, unless all is our own kernel's.

    Where BLAS cannot be told, it is called once for each and splits it itself.
    """
    if all([p.own for p in products]):
        _share(products)
    elif blas.libraries():
        alone(_share if threads.get_num_threads() > 1 else _run, products)
    else:
        _run(products)
    for p in products:
        if p.after is not None:
            p.after()


def _run(products):
    for p in products:
        p.part(0, p.n)


def _share(products):
    """Products of matrices each by an equal group of threads, or all by all if there are no such groups; the rest by all."""
    if len(products) == 1:
        threads.share(products[0].part, products[0].n, 8)
        return
    shares: list[list] = [[] for _ in range(threads.get_num_threads())]
    heavy = [p for p in products if p.heavy]
    group = len(shares) if not heavy or len(shares) % len(heavy) else len(shares) // len(heavy)
    for i, p in enumerate(heavy):
        p.cut(shares[i * group:(i + 1) * group] or shares)
    for p in products:
        if not p.heavy:
            p.cut(shares)

    def some(low, high):
        for mine in shares[low:high]:
            for part, begin, end in mine:
                part(begin, end)

    threads.share(some, len(shares))


def together(vjps, g):
    """The VJPs of a product; where g is large their values are computed now, by handing out all of them at once.

    One after the other each thread would pack the factors that it shares with others again, and all would meet for each.
    """
    if type(g) is not numpy.ndarray or g.size < TOGETHER or g.dtype == dtypes.float16 or threads.get_num_threads() == 1:
        return vjps
    postponed = Postponed(g)
    made = [None if vjp is None else vjp(postponed) for vjp in vjps]
    if postponed.products:
        compute(postponed.products)
    return [None if c is None else functools.partial(taken, [c]) for c in made]


def taken(made, g):
    """What was computed for this gradient; it is given away."""
    return made.pop()


class Postponed:
    """A gradient, as a node's product VJPs get it: products and sums of it are noted in `products`, to be computed together.

    Only what is given this object can postpone anything: other operations that run meanwhile, in a signal handler or a finalizer say,
    are computed at once.
    """

    def __init__(self, array, products=None):
        self.array, self.products = array, [] if products is None else products

    shape = property(lambda self: self.array.shape)
    ndim = property(lambda self: self.array.ndim)
    dtype = property(lambda self: self.array.dtype)
    T = property(lambda self: Postponed(self.array.T, self.products))


postponed: Any = types.ModuleType("postponed", "NumPy's names that a product's VJPs call, for a Postponed gradient.")
arrays.register(Postponed, postponed, None)


def _reshape(g, shape):
    return Postponed(g.array.reshape(shape), g.products)


postponed.reshape = _reshape


def now_or_later(product, out, products):
    """Return `out`, which the product writes: now, or when the list `products`, to which it is added, is computed."""
    if products is None:
        compute([product])
    else:
        products.append(product)
    return out


_under_way: dict = {}  # a mark for each call of `alone`, in any thread
_restore: list = []  # what gives BLAS its threads back when no call is under way


def alone(function, *args):
    """Return function(*args), called with BLAS on one thread: BLAS's other threads would spin against our workers.

    They would also make a fork hang, in the child, that another thread of the program does meanwhile.
    """
    mark, restored = object(), map(operator.call, _restore)
    try:
        _under_way[mark] = True
        for library in blas.libraries():
            before = library.get_num_threads()
            if before != 1:
                _restore.append(functools.partial(library.set_num_threads, before))
                library.set_num_threads(1)
        return function(*args)
    finally:
        if mark in _under_way:
            del _under_way[mark]  # noqa: RUF051  # `pop` is a call, after which a signal handler may raise
        if not _under_way:
            list(restored)  # one call, which no signal handler can cut in two
        if not _under_way:
            del _restore[:]


def multiplier(x, y):
    """multiply(x, y, out, bias=None), which writes x @ y + bias, also of some rows of x or columns of y: by BLAS, or by our own kernel."""
    if x.dtype.char in "fd" and min(x.shape[0], y.shape[1]) >= NARROW and _is_dense(x) and _is_dense(y) and has_own_kernel():
        if x.dtype not in _kernels:
            compiling.prepare(_load_kernel, x.dtype)
        return _kernels.get(x.dtype, _blas_product)
    return _blas_product


def has_own_kernel():
    """Whether `gemm` multiplies large matrices: where Numba is, cores have vectors of 512 bits, and OpenBLAS is what else would."""
    return compiling.numba() is not None and threads.get_num_threads() > 1 and _is_openblas_on_wide_vectors()


def _blas_product(x, y, out, bias=None):
    numpy.matmul(x, y, out=out)
    if bias is not None:
        out += bias


def _is_dense(x):
    """Whether the kernel takes x: native, writable, and what are neighbours along one axis are neighbours in memory."""
    return x.dtype.isnative and x.flags.writeable and x.flags.aligned and x.itemsize in x.strides


_found: dict = {}  # what `_is_openblas_on_wide_vectors` returns, under "wide", once it is known


def _is_openblas_on_wide_vectors():
    """Return whether NumPy multiplies with OpenBLAS, and Numba compiles for vectors of 512 bits: NUMBA_CPU_NAME may say otherwise."""
    if "wide" not in _found:
        compiling.prepare(_look_for_wide_vectors)
    return _found.get("wide", False)


def _look_for_wide_vectors():
    from numba.core.registry import cpu_target

    apis = {library.internal_api for library in blas.libraries()}
    _found["wide"] = apis == {"openblas"} and "+avx512f" in cpu_target.target_context.codegen().magic_tuple()[2].split(",")


_kernels: dict = {}  # `gemm.multiply` for each dtype that it is compiled for


def _load_kernel(dtype):
    from .accelerators import gemm

    gemm.compiled(dtype)
    _kernels[dtype] = gemm.multiply


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_under_way.clear)
