"""The gradient of an argument that was broadcast is a sum over the axes that broadcasting added or stretched."""

from __future__ import annotations

from .. import backend


def unbroadcast(g, shape):
    """Return the sum of `g` over the axes along which an array of `shape` was broadcast."""
    xp, added = backend.array_module(g), g.ndim - len(shape)
    if g.shape[added:] == shape:
        return xp.sum(g, axis=tuple(range(added)))
    axes = (*range(added), *(i + added for i, n in enumerate(shape) if n == 1 and g.shape[i + added] != 1))
    return xp.reshape(xp.sum(g, axis=axes), shape)


def was_broadcast(small, large, out):
    """Return whether `small` broadcasts to `large`, each stretched or added axis as long as in the output `out`."""
    if len(large) < len(small):
        return False
    small = (0,) * (len(large) - len(small)) + tuple(small)  # 0: an axis that is not there
    out = (-1,) * (len(large) - len(out)) + tuple(out)[len(out) - len(large):]
    return all([n == m or (n <= 1 and m == o) for n, m, o in zip(small, large, out)])
