"""Hypothesis strategies for gradient checks: tensors away from kinks, arrays that broadcast, and the same values in other memory layouts.

Only this module of `minigrad.testing` imports Hypothesis.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st

from minigrad.functions.creation import from_numpy

__all__ = ["arrays_that_broadcast", "layouts", "tensors"]

Shape = int | tuple[int, ...]
MOST_DRAWN = 64  # elements that Hypothesis draws one by one, and can make simpler one by one
LIBRARIES = ("minigrad", "numpy", "torch")
DTYPES: dict[str, Literal[64, 32, 16]] = {"float64": 64, "float32": 32, "float16": 16}


# ---- values


def tensors(
    shape: Shape | st.SearchStrategy[Shape] | None = None,
    dtype: Any = "float64",
    away_from: Sequence[float] = (),
    min_value: float = -3,
    max_value: float = 3,
    *,
    margin: float = 0.1,
    requires_grad: bool = True,
    library: str = "minigrad",
) -> st.SearchStrategy[Any]:
    """Return a strategy for tensors with values in [min_value, max_value] that keep `margin` away from the points `away_from`.

    shape: a shape, a strategy for shapes, or None for shapes of 0 to 3 axes of sizes 0 to 4. An int is the size of one axis.
    dtype: float64, float32 or float16.
    away_from: kinks and poles of the function, such as [0] for relu; no value is nearer to one of them than `margin`.
    library: "minigrad", "torch" (leaves that require a gradient unless requires_grad=False) or "numpy", whose arrays JAX takes too.

    Up to 64 elements are drawn one by one; more come from a generator whose seed is drawn.

        @given(x=tensors(shape=(3, 4), away_from=[0]))
        def test_relu(gradcheck, x):
            gradcheck(relu, x)
    """
    make = maker(library, dtype, requires_grad)
    elements = away(intervals(away_from, min_value, max_value, margin), np.dtype(dtype))
    return shapes(shape).flatmap(lambda shape: filled(shape, *elements)).map(make)


def arrays_that_broadcast(
    n: int = 2,
    dtype: Any = "float64",
    away_from: Sequence[float] = (),
    min_value: float = -3,
    max_value: float = 3,
    *,
    margin: float = 0.1,
    requires_grad: bool = True,
    library: str = "numpy",
) -> st.SearchStrategy[tuple[Any, ...]]:
    """Return a strategy for tuples of `n` arrays whose shapes broadcast together, such as (3, 1), (4,) and (); sizes of 0 are among them.

    The other arguments are those of `tensors`. An axis of size 1, or one that is missing, is where a gradient must be summed.

        @given(arrays=arrays_that_broadcast(2))
        def test_add(gradcheck, arrays):
            gradcheck.vjp(add, add_backward, *arrays)
    """
    make = maker(library, dtype, requires_grad)
    elements = away(intervals(away_from, min_value, max_value, margin), np.dtype(dtype))
    drawn = np_st.mutually_broadcastable_shapes(num_shapes=n, min_side=0, max_side=4, max_dims=3).map(lambda found: found.input_shapes)
    return drawn.flatmap(lambda shapes: st.tuples(*[filled(shape, *elements).map(make) for shape in shapes]))


def shapes(shape: Any) -> st.SearchStrategy[tuple[int, ...]]:
    """Return a strategy for shapes as tuples."""
    if shape is None:
        return np_st.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    strategy = shape if isinstance(shape, st.SearchStrategy) else st.just(shape)
    return strategy.map(lambda shape: (shape,) if isinstance(shape, int) else tuple(shape))


def intervals(away_from: Sequence[float], low: float, high: float, margin: float) -> list[tuple[float, float]]:
    """Return the parts of [low, high] that are at least `margin` away from the points; raise ValueError if there are none."""
    points = sorted(float(point) for point in away_from)
    if not margin > 0:
        raise ValueError(f"margin: expected a positive number, got {margin}")
    if not low <= high:
        raise ValueError(f"min_value: expected a number of at most max_value, {high}, got {low}")
    starts, ends = [float(low), *[point + margin for point in points]], [*[point - margin for point in points], float(high)]
    found = [(max(start, low), min(end, high)) for start, end in zip(starts, ends) if max(start, low) <= min(end, high)]
    if not found:
        raise ValueError(f"no number between {low} and {high} is {margin} away from each of {points}; "
                         "choose a smaller margin=, or other min_value= and max_value=")
    return found


def away(parts: list[tuple[float, float]], dtype: np.dtype[Any]) -> tuple[st.SearchStrategy[float], Callable[..., Any], np.dtype[Any]]:
    """Return a strategy for a number in one of the intervals, a function that fills an array with such numbers, and the dtype."""
    parts = [(float(inward(low, dtype, np.inf)), float(inward(high, dtype, -np.inf))) for low, high in parts]
    simplest_first = sorted(parts, key=lambda part: (part[1] <= 0, min(abs(part[0]), abs(part[1]))))  # Hypothesis shrinks towards the first
    number = st.one_of(*[st.floats(low, high, width=DTYPES[dtype.name], allow_subnormal=False) for low, high in simplest_first])
    lengths = np.array([high - low for low, high in parts])

    def fill(seed: int, shape: tuple[int, ...]) -> Any:
        generator = np.random.default_rng(seed)
        share = lengths / lengths.sum() if lengths.sum() else np.full(len(parts), 1 / len(parts))
        low, high = np.moveaxis(np.array(parts)[generator.choice(len(parts), shape, p=share)], -1, 0)
        return np.clip((low + (high - low) * generator.random(shape)).astype(dtype), low, high).astype(dtype)

    return number, fill, dtype


def inward(bound: float, dtype: np.dtype[Any], towards: float) -> Any:
    """Return the number of the dtype next to `bound` in the direction `towards`, or `bound` itself."""
    rounded = dtype.type(bound)
    passed = float(rounded) < bound if towards > 0 else float(rounded) > bound
    return np.nextafter(rounded, dtype.type(towards)) if passed else rounded


def filled(shape: tuple[int, ...], number: Any, fill: Callable[..., Any], dtype: np.dtype[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for arrays of this shape."""
    count = int(np.prod(shape))
    if count > MOST_DRAWN:
        return st.integers(0, 2**32 - 1).map(lambda seed: fill(seed, shape))
    return st.lists(number, min_size=count, max_size=count).map(lambda values: np.array(values, dtype).reshape(shape))


def maker(library: str, dtype: Any, requires_grad: bool) -> Callable[[Any], Any]:
    """Return the function that makes a NumPy array a tensor of the library, on the array's memory."""
    if library not in LIBRARIES:
        raise ValueError(f"library: expected one of {', '.join(LIBRARIES)}, got {library!r}; JAX takes NumPy's arrays")
    if np.dtype(dtype).name not in DTYPES:
        raise ValueError(f"dtype: expected one of {', '.join(DTYPES)}, got {dtype}; other values have no gradient")
    if library == "numpy":
        return lambda array: array
    wrap = from_numpy if library == "minigrad" else importlib.import_module("torch").from_numpy
    return lambda array: wrap(array).requires_grad_(requires_grad)


# ---- layouts


@st.composite
def layouts(draw: st.DrawFn, values: Any) -> Any:
    """Draw the values of an array or tensor in another memory layout: equal, but with other strides, another offset, or read-only.

    values: an array of NumPy, a tensor of minigrad or PyTorch, or a strategy for them. The result is of the same kind: a NumPy array, or a
        leaf that requires a gradient if the given one does.

    The layouts are C and Fortran order, the transpose of a copy, every second element of a larger array, reversed axes (negative strides;
    not in PyTorch, which has none), an offset into a larger array, a read-only array (NumPy alone), and strides of 0 along axes on which
    all values are equal.

        @given(x=layouts(tensors(shape=(3, 4), library="numpy")))
        def test_softmax(gradcheck, x):
            gradcheck.vjp(softmax, softmax_backward, x)
    """
    given = draw(values) if isinstance(values, st.SearchStrategy) else values
    torch = importlib.import_module("torch") if type(given).__module__.partition(".")[0] == "torch" else None
    if isinstance(given, np.ndarray):
        return draw(st.sampled_from(LAYOUTS))(given)
    array = given.detach().cpu().numpy()
    if torch is not None:
        return in_torch(torch, draw(st.sampled_from(IN_TORCH))(array)).requires_grad_(given.requires_grad)
    return from_numpy(draw(st.sampled_from(WRITABLE))(array)).requires_grad_(given.requires_grad)


def contiguous(array: Any) -> Any:
    """Return a copy in C order."""
    return np.array(array, order="C")


def fortran(array: Any) -> Any:
    """Return a copy in Fortran order."""
    return np.array(array, order="F")


def transposed(array: Any) -> Any:
    """Return a copy whose last two axes lie the other way round in memory."""
    if array.ndim < 2:
        return contiguous(array)
    return np.array(np.swapaxes(array, -1, -2), order="C").swapaxes(-1, -2)


def strided(array: Any) -> Any:
    """Return every second element, along each axis, of a larger array."""
    larger = np.zeros([2 * n for n in array.shape], array.dtype)
    view = larger[every(2, array.ndim)]
    view[...] = array
    return view


def reversed_axes(array: Any) -> Any:
    """Return a copy with negative strides."""
    backwards = every(-1, array.ndim)
    return np.array(array[backwards], order="C")[backwards]


def every(step: int, ndim: int) -> Any:
    """Return the index that takes every step-th element along each axis."""
    return (*[slice(None, None, step)] * ndim, ...)  # with `...` the result is a view also of a 0-d array


def offset(array: Any) -> Any:
    """Return a view that begins three elements into a larger array."""
    larger = np.zeros(array.size + 5, array.dtype)
    view = larger[3:3 + array.size].reshape(array.shape)
    view[...] = array
    return view


def expanded(array: Any) -> Any:
    """Return the array with a stride of 0 along the axes on which all its values are equal."""
    array = contiguous(array)
    equal = [array.shape[axis] > 0 and bool((array == array.take([0], axis)).all()) for axis in range(array.ndim)]
    small = array[(*[slice(1) if one else slice(None) for one in equal], ...)]
    strides = [0 if one else stride for one, stride in zip(equal, small.strides)]
    return np.lib.stride_tricks.as_strided(small, array.shape, strides)


def read_only(array: Any) -> Any:
    """Return a copy that cannot be written to."""
    array = contiguous(array)
    array.setflags(write=False)
    return array


def in_torch(torch: Any, view: Any) -> Any:
    """Return a tensor of PyTorch that is a view of the same memory: with the strides and the offset of `view`."""
    whole = view
    while whole.base is not None:
        whole = whole.base
    first = (view.ctypes.data - whole.ctypes.data) // view.itemsize
    strides = [stride // view.itemsize for stride in view.strides]
    return torch.from_numpy(whole.ravel(order="K")).as_strided(view.shape, strides, first)


IN_TORCH = (contiguous, fortran, transposed, strided, offset, expanded)
WRITABLE = (*IN_TORCH, reversed_axes)
LAYOUTS = (*WRITABLE, read_only)
