"""Gradients must not depend on how g lies in memory: the same g is given to a backward in several memory layouts."""

from __future__ import annotations

import numpy as np

from ..findings import Stop


def check_layouts(subject, pull, stream, layouts, repeated) -> None:
    """Raise Stop if a gradient differs, by more than rounding, when g lies in memory in another way.

    pull(cotangents, layout) gives the gradients; `layout` is None for contiguous cotangents, or one of `layouts`. `repeated` is the layout
    of the gradient of a sum: one number, which stands for all elements.
    """
    shapes = [shape for _, shape in subject.outputs]
    drawn = [stream.standard_normal(shape) for shape in shapes]
    level = [np.full(shape, stream.standard_normal()) for shape in shapes]
    for cotangents, kinds in ((drawn, layouts), (level, [repeated])):
        whole = pull(cotangents, None)
        tripled = pull([3 * c for c in cotangents], None)
        for kind in kinds:
            try:
                found = pull(cotangents, kind)
            except Stop:
                raise
            except Exception as error:
                raise Stop("layout", f"the backward fails when g is {kind} in memory: {type(error).__name__}: {error}") from error
            for i, gradients in enumerate(zip(whole, found, tripled)):
                if differ(*gradients):
                    raise Stop("layout", f"the gradient for {subject.names[i]} is another one when g is {kind} in memory; "
                                         "make g contiguous before its memory is read", i)


def differ(whole, found, tripled) -> bool:
    """Return whether two gradients differ by more than rounding, whose size is seen in the gradient of three times the cotangent."""
    if whole is None or found is None:
        return any(g is not None and bool(np.any(g)) for g in (whole, found))
    if whole.shape != found.shape:
        return True
    if not whole.size:
        return False
    eps = float(np.finfo(whole.dtype).eps) if whole.dtype.kind == "f" else 0.0
    a, b = whole.astype("float64"), found.astype("float64")
    rounding = np.zeros_like(a) if tripled is None or tripled.shape != a.shape else abs(tripled.astype("float64") / 3 - a)
    finite = np.isfinite(a) & np.isfinite(b) & np.isfinite(rounding)
    if not finite.any():
        return False
    a, b, rounding = a[finite], b[finite], rounding[finite]
    allowed = min(max(1e-9, 1e4 * eps), 0.1) * max(float(abs(a).max()), float(abs(b).max())) + 1000 * float(rounding.max())
    return float(abs(a - b).max()) > allowed
