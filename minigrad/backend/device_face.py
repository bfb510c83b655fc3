"""CuPy as the ops see it: its names, NumPy's behaviour where it has another, and the few functions that ops need beyond."""

from __future__ import annotations

import types

from . import arrays, late


def face(library):
    """A module with the names of `library` (CuPy, or what stands in for it) and the functions below."""
    xp = types.ModuleType("minigrad.backend.device_face.cupy", "CuPy's names, as the ops call them.")
    xp.__dict__.update({name: value for name, value in vars(library).items() if not name.startswith("_")})
    for build in (where, scatter, put_along_axis, take_along_axis, to_device, remainder, floor_divide):
        setattr(xp, build.__name__, build(library))
    xp.astype, xp.clip, xp.matmul, xp.stop_gradient = astype, clip, matmul, same
    xp.linear, xp.getitem = linear, getitem
    return xp


def astype(x, dtype):
    """x in another dtype; x itself where it has it."""
    return x.astype(dtype, copy=False)


def clip(x, min, max):
    """x limited to [min, max], either of which may be None."""
    return x.clip(min, max)


def matmul(x, y):
    """x @ y: the operator costs the host less than the function."""
    return x @ y


def linear(x, weight, bias):
    """x weightᵀ + bias"""
    y = x @ weight.T
    y += bias
    return y


def getitem(x, *, key):
    """x[key]"""
    return x[key]


def same(x):
    """x: a Tensor would be taken as a constant here."""
    return x


def where(library):
    def where(condition, x, y):
        """x where the condition holds, else y; the condition may be a plain bool."""
        return library.where(library.asarray(condition) if isinstance(condition, bool) else condition, x, y)

    return where


def scatter(library):
    def scatter(g, *, key, shape):
        """Zeros of `shape` with g added at [key]; the values of a repeated index add up, in no certain order."""
        out = library.zeros(shape, g.dtype)
        keys = key if isinstance(key, tuple) else (key,)
        if any(isinstance(k, library.ndarray) and k.dtype != bool for k in keys):
            library.add.at(out, key, g)
        else:
            out[key] = g
        return out

    return scatter


def put_along_axis(library):
    scattered = scatter(library)

    def put_along_axis(g, indices, axis, shape):
        """Zeros of `shape` with g added at the indices along one axis; the values of a repeated index add up."""
        places = [
            library.reshape(library.arange(n), [-1 if i == k else 1 for i in range(indices.ndim)])
            for k, n in enumerate(indices.shape)
        ]
        places[axis] = indices
        return scattered(g, key=tuple(places), shape=shape)

    return put_along_axis


def take_along_axis(library):
    def take_along_axis(x, indices, axis):
        """x[indices] along one axis. CuPy would wrap an index that is out of range: it is noted, and raised at the next read."""
        size = x.shape[axis]
        late.check(
            indices,
            -size,
            size,
            f"index {{}} is out of bounds for axis {axis} of size {size} (shape {x.shape})",
        )
        return library.take_along_axis(x, indices, axis)

    return take_along_axis


def to_device(library):
    def to_device(x, device):
        """x on "cpu" or "cuda"."""
        return x if arrays.device_of(x) == device else late.read(x)

    return to_device


def _is_whole(x, y):
    return not any(isinstance(v, float) or (hasattr(v, "dtype") and v.dtype.kind == "f") for v in (x, y))


def remainder(library):
    choose = where(library)

    def remainder(x, y):
        """x - y ⌊x / y⌋ with the sign of y, exact: CuPy subtracts a rounded product."""
        if _is_whole(x, y):
            return library.remainder(x, y)
        rest = library.fmod(x, y)
        return choose((rest != 0) & ((y < 0) != (rest < 0)), rest + y, rest)

    return remainder


def floor_divide(library):
    choose = where(library)

    def floor_divide(x, y):
        """⌊x / y⌋ of the exact quotient: CuPy rounds x / y first, and 1 // 0.1 would be 10."""
        if _is_whole(x, y):
            return library.floor_divide(x, y)
        rest = library.fmod(x, y)
        quotient = (x - rest) / y
        quotient = choose((rest != 0) & ((y < 0) != (rest < 0)), quotient - 1, quotient)
        whole = library.floor(quotient)
        whole = choose(quotient - whole > 0.5, whole + 1, whole)  # it is a whole number but for rounding
        return choose(y == 0, x / y, choose(quotient == 0, 0 * (x / y), whole))  # -0 where x / y is negative

    return floor_divide
