"""Large matrix products on our worker threads, with NumPy's BLAS on one thread each: two thread pools would fight over the cores."""

from __future__ import annotations

import functools

import numpy

from . import compiled, threads

SMALL = 1 << 18  # multiplications up to which OpenBLAS does not split a product
LARGE = 3 << 19  # from which handing out is worth its price
NARROW = 8  # rows or columns of a result below which our own kernel is not used


class Blas:
    """The BLAS libraries that are loaded, found by threadpoolctl; none without it."""

    def __init__(self):
        self.found = None

    def libraries(self):
        """What sets the libraries' numbers of threads."""
        if self.found is None:
            try:
                from threadpoolctl import ThreadpoolController

                self.found = ThreadpoolController().select(user_api="blas").lib_controllers
            except ImportError:
                self.found = []
        return self.found


blas = Blas()


def product(rows, n):
    """rows(low, high) over range(n) on each worker, BLAS on one thread meanwhile.

    Where BLAS cannot be told, it is one call, which BLAS splits itself.
    """
    if blas.libraries() and threads.get_num_threads() > 1:
        alone(threads.share, rows, n, 8)
    else:
        rows(0, n)


def alone(function, *args):
    """function(*args) with BLAS on one thread, unless one is all there is: BLAS's second would spin against our workers."""
    libraries = blas.libraries() if threads.get_num_threads() > 1 else ()
    before = [library.get_num_threads() for library in libraries]
    _set(libraries, before, [1] * len(before))
    try:
        return function(*args)
    finally:
        _set(libraries, [1] * len(before), before)


def multiplier(x, y):
    """multiply(x, y, out, bias=None), which writes x @ y + bias, also of some rows of x or columns of y: by BLAS, or by our own kernel."""
    if x.dtype.char == "d" and min(x.shape[0], y.shape[1]) >= NARROW and _is_dense(x) and _is_dense(y) and has_own_kernel():
        return _load_gemm().multiply
    return _blas_product


def has_own_kernel():
    """Whether `gemm` multiplies large float64 matrices: where Numba is, cores have vectors of 512 bits, and OpenBLAS is what else would."""
    return compiled.numba() is not None and threads.get_num_threads() > 1 and _is_openblas_on_wide_vectors()


def _blas_product(x, y, out, bias=None):
    numpy.matmul(x, y, out=out)
    if bias is not None:
        out += bias


def _is_dense(x):
    """Whether the kernel takes x: native, writable, and what are neighbours along one axis are neighbours in memory."""
    return x.dtype.isnative and x.flags.writeable and x.flags.aligned and x.itemsize in x.strides


@functools.cache
def _is_openblas_on_wide_vectors():
    from llvmlite.binding import get_host_cpu_features

    apis = {library.internal_api for library in blas.libraries()}
    return apis == {"openblas"} and get_host_cpu_features().get("avx512f", False)


@functools.cache
def _load_gemm():
    from . import gemm

    return gemm


def _set(libraries, old, new):
    for library, a, b in zip(libraries, old, new):
        if a != b:
            library.set_num_threads(b)
