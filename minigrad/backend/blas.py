"""Large matrix products on our worker threads, with NumPy's BLAS on one thread each: two thread pools would fight over the cores."""

from __future__ import annotations

from . import threads


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
    libraries = blas.libraries()
    if not libraries or threads.get_num_threads() == 1:
        rows(0, n)
        return
    before = [library.get_num_threads() for library in libraries]
    _set(libraries, before, [1] * len(before))
    try:
        threads.share(rows, n, 8)
    finally:
        _set(libraries, [1] * len(before), before)


def _set(libraries, old, new):
    for library, a, b in zip(libraries, old, new):
        if a != b:
            library.set_num_threads(b)
