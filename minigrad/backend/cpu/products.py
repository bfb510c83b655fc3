"""Large matrix products on the worker threads, each with BLAS on one thread: two thread pools would compete for the cores."""

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

SMALL = 1 << 18  # multiplications up to which OpenBLAS computes a product in one thread by itself
LARGE = 3 << 19  # multiplications from which a product is shared by the worker threads
LARGE_GRADIENT = 1 << 12  # elements of a gradient from which a product's VJPs are computed together
NARROW = 8  # rows or columns of a result below which `gemm` is not used
FEW_ROWS = 256  # rows below which `gemm` spends a noticeable part of its time on copying y
WIDE_KERNELS = ("skylakex", "cooperlake", "sapphirerapids")  # OpenBLAS's kernels for vectors of 512 bits


class BlasLibraries:
    """The BLAS libraries in this process, as threadpoolctl finds them; none if it is not installed."""

    def __init__(self):
        self.found = None

    def get(self):
        """Return a list of objects with `get_num_threads`, `set_num_threads`, `internal_api` and `architecture`."""
        if self.found is None:
            uninterrupted(self._find)
        return self.found or ()

    def _find(self):
        try:
            threadpoolctl = compiling.import_needed("threadpoolctl")
            self.found = [_direct(c) for c in threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers]
        except ImportError:  # also while Python ends
            self.found = []


def _direct(controller):
    """Return OpenBLAS's own two functions in place of threadpoolctl's, which work only for the thread that calls them first."""
    for name in ("openblas", "scipy_openblas"):
        for suffix in ("", "64_", "_64"):
            getter, setter = [getattr(controller.dynlib, f"{name}_{verb}_num_threads{suffix}", None) for verb in ("get", "set")]
            if getter and setter and getattr(controller, "threading_layer", None) != "openmp":
                return types.SimpleNamespace(internal_api=controller.internal_api, get_num_threads=getter, set_num_threads=setter,
                                             architecture=getattr(controller, "architecture", None))
    return controller


blas = BlasLibraries()


class Product:
    """A product, or a sum, that can be computed in parts: part(low, high) computes those of range(n); `after` is called when all are done.

    multiply: the function that computes a product of two matrices, None for a sum.
    """

    def __init__(self, part, n, multiply=None, after=None):
        self.part, self.n, self.after = part, n, after
        self.is_of_matrices, self.uses_blas = multiply is not None, multiply in (None, blas_multiply)

    def cut(self, shares):
        """Add an equal part of this product to each of these lists."""
        length = -(-self.n // (len(shares) * 8)) * 8
        for i, share in zip(range(0, self.n, length), shares):
            share.append((self.part, i, min(i + length, self.n)))


def compute(products):
    """Compute the products on all threads, with BLAS on one thread meanwhile if any of them uses it.

    If the number of BLAS's threads cannot be set, call BLAS once for each product, which it then shares by itself.
    """
    if not any([p.uses_blas for p in products]):
        _share(products)
    elif blas.get():
        with_blas_on_one_thread(_share if threads.get_num_threads() > 1 else _run, products)
    else:
        _run(products)
    for p in products:
        if p.after is not None:
            p.after()


def _run(products):
    for p in products:
        p.part(0, p.n)


def _share(products):
    """Compute each product of matrices in an equal group of threads, or in all if there are no equal groups; the sums in all threads."""
    if len(products) == 1:
        threads.share(products[0].part, products[0].n, 8)
        return
    shares: list[list] = [[] for _ in range(threads.get_num_threads())]
    of_matrices = [p for p in products if p.is_of_matrices]
    group = len(shares) if not of_matrices or len(shares) % len(of_matrices) else len(shares) // len(of_matrices)
    for i, p in enumerate(of_matrices):
        p.cut(shares[i * group:(i + 1) * group] or shares)
    for p in products:
        if not p.is_of_matrices:
            p.cut(shares)

    def compute_shares(low, high):
        for share in shares[low:high]:
            for part, begin, end in share:
                part(begin, end)

    threads.share(compute_shares, len(shares))


def compute_products(vjps, g):
    """Return the VJPs of a product; for a large g on several threads their values are computed here, all at once.

    Computed one after the other, each would make every thread copy the factors that it has in common with the others, and would make all
    threads wait for each other.
    """
    if type(g) is not numpy.ndarray or g.size < LARGE_GRADIENT or g.dtype == dtypes.float16 or threads.get_num_threads() == 1:
        return vjps
    postponed = Postponed(g)
    values = [None if vjp is None else vjp(postponed) for vjp in vjps]
    if postponed.products:
        compute(postponed.products)
    return [None if value is None else functools.partial(precomputed, [value]) for value in values]


def precomputed(values, g):
    """Return the precomputed value of a VJP and keep no reference to it."""
    return values.pop()


class Postponed:
    """The gradient that a product's VJPs are called with: products and sums of it are added to `products`, to be computed together.

    Operations on other arrays that run meanwhile, in a signal handler or a finalizer for instance, are computed at once, as only this
    object postpones anything.
    """

    def __init__(self, array, products=None):
        self.array, self.products = array, [] if products is None else products

    shape = property(lambda self: self.array.shape)
    ndim = property(lambda self: self.array.ndim)
    dtype = property(lambda self: self.array.dtype)
    T = property(lambda self: Postponed(self.array.T, self.products))


postponed: Any = types.ModuleType("postponed", "NumPy's names that a product's VJPs call, for a Postponed gradient.")
arrays.register(Postponed, postponed, None)


postponed.reshape = lambda g, shape: Postponed(g.array.reshape(shape), g.products)


def compute_or_queue(product, out, products):
    """Return `out`, after computing the product into it, or after adding the product to the list `products` if there is one."""
    if products is None:
        compute([product])
    else:
        products.append(product)
    return out


_under_way: dict = {}  # a mark for each running call of `with_blas_on_one_thread`, in any thread
_restore: list = []  # functions that set BLAS's threads as before, called when no such call runs any more


def with_blas_on_one_thread(function, *args):
    """Return function(*args), called with BLAS on one thread: its other threads would compete with the workers for the cores.

    They would also make a child process hang that another thread of the program forks meanwhile.
    """
    mark, restored = object(), map(operator.call, _restore)
    try:
        _under_way[mark] = True
        for library in blas.get():
            before = library.get_num_threads()
            if before != 1:
                _restore.append(functools.partial(library.set_num_threads, before))
                library.set_num_threads(1)
        return function(*args)
    finally:
        if mark in _under_way:
            del _under_way[mark]  # noqa: RUF051  # `pop` is a call, after which a signal handler may raise
        if not _under_way:
            list(restored)  # a single call, which no signal handler can interrupt
        if not _under_way:
            del _restore[:]


def multiplier(x, y):
    """Return the function that multiplies these matrices: BLAS's, or `gemm.multiply` where that is faster.

    Its parameters are (x, y, out, bias=None); it writes x @ y + bias to `out`. It may be called with some rows of x or columns of y: the
    choice is made for the whole product, so that it does not depend on the number of threads.
    """
    if x.dtype.char in "fd" and min(x.shape[0], y.shape[1]) >= NARROW and _is_dense(x) and _is_dense(y) and can_use_gemm() \
            and (x.shape[0] >= FEW_ROWS or not _found["BLAS is wide"] or _is_fast_with_few_rows(x, y)):
        return compiling.prepared(_kernels, x.dtype, _load_kernel, x.dtype) or blas_multiply
    return blas_multiply


def _is_fast_with_few_rows(x, y):
    """Return whether `gemm` is as fast as BLAS for an x of few rows: with float32 and a transposed y, such as a layer's weights."""
    return x.dtype.char == "f" and y.strides[0] == y.itemsize


def can_use_gemm():
    """Return whether Numba is in use, its code has vectors of 512 bits, and NumPy's BLAS is OpenBLAS, which `gemm` may surpass."""
    if compiling.numba() is None:
        return False
    if "gemm" not in _found:
        compiling.prepare(_look_at_processor_and_blas)
    return _found.get("gemm", False)


def blas_multiply(x, y, out, bias=None):
    """Write x @ y + bias to `out`, by BLAS."""
    numpy.matmul(x, y, out=out)
    if bias is not None:
        out += bias


def _is_dense(x):
    """Return whether `gemm` accepts x: native, writable, and with neighbours along one axis also neighbours in memory."""
    return x.dtype.isnative and x.flags.writeable and x.flags.aligned and x.itemsize in x.strides


_found: dict = {}  # what `_look_at_processor_and_blas` finds


def _look_at_processor_and_blas():
    """Find out what Numba compiles for, as NUMBA_CPU_NAME may say, and which kernels OpenBLAS uses, as OPENBLAS_CORETYPE may say."""
    from numba.core.registry import cpu_target

    apis = {library.internal_api for library in blas.get()}
    kernels = [str(getattr(library, "architecture", None)) for library in blas.get()]
    _found["BLAS is wide"] = all(name.lower() in WIDE_KERNELS for name in kernels)
    _found["gemm"] = apis == {"openblas"} and "+avx512f" in cpu_target.target_context.codegen().magic_tuple()[2].split(",")


_kernels: dict = {}  # `gemm.multiply` for each dtype that it is compiled for


def _load_kernel(dtype):
    from .accelerators import gemm

    gemm.compiled(dtype)
    return gemm.multiply


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_under_way.clear)
