"""One row for each op: minigrad's function, PyTorch's, the arguments it takes, and where its derivative is a convention.

From a row Hypothesis draws a `Call`: shapes with sizes 0 and 1 and every broadcast, options, and arguments that are
differentiated or not. checks.py checks every row in the same way. PyTorch's side is the twin in reference/ops.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
import reference.ops as twins

# ---- values


def reals(rng, shape):
    return rng.normal(0, 1.5, shape)


def positive(rng, shape):
    return rng.uniform(0.1, 4, shape)


def inner(rng, shape):
    return rng.uniform(0.2, 0.8, shape)


def away_from_zero(rng, shape):
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.3, 3, shape)


def truths(rng, shape):
    return rng.random(shape) < 0.5


def below(n):
    """Return a domain of whole numbers from 0 to n - 1."""
    return lambda rng, shape: rng.integers(0, n, shape)


@dataclass
class Argument:
    """An array of this shape with values from a domain. Floating-point arrays are differentiated, unless constant."""

    shape: tuple
    domain: Callable | None = None  # None: the row's domain
    constant: bool = False


@dataclass
class Plain:
    """A plain Python argument: a number, a shape, an axis."""

    value: Any


@dataclass
class Call:
    """The arguments of one call, and its options by keyword."""

    arguments: list
    options: dict = field(default_factory=dict)


# ---- rows


@dataclass
class Row:
    """An op, minigrad's and PyTorch's, with all that its tests need to know.

    draw:    a function of Hypothesis' draw that returns a Call.
    domain:  the domain of the floating-point arguments.
    kinks:   values at which the derivative is a convention, or at which arguments are equal; they are drawn often.
    terms:   function (arrays, options, g) that returns the sizes of the terms that the op adds up: [for the value, for each gradient].
    special: whether values at ±inf, NaN, ±1e38 … are compared; "one": with one such value, as the order of a sum would decide.
    order:   the number of derivatives: 0 for an op without a gradient.
    surrogate: whether the gradient is, on purpose, not the derivative.
    face:    whether it is a thin layer over another row's op: then value and gradient are checked in fewer examples.
    covers:  the names that the row is for, if it draws one of several.
    """

    name: str
    function: Callable
    twin: Callable
    draw: Callable
    domain: Callable = reals
    kinks: tuple = (0.0, 1.0)
    terms: Callable | None = None
    special: Any = True
    order: int = 2
    surrogate: bool = False
    face: bool = False
    covers: tuple = ()

    def __repr__(self):
        return self.name

    @property
    def elementwise(self):
        """Return whether its arguments broadcast, so that gradients are summed back."""
        return getattr(self.draw, "broadcasts", False)


def largest(x):
    """Return the largest finite magnitude."""
    return np.abs(x[np.isfinite(x)]).max(initial=0.0)


# ---- shapes


sides = st.sampled_from([1, 2, 3, 1, 2, 3, 4, 0])
ranks = st.sampled_from([2, 3, 1, 2, 3, 0])  # drawn from this list, as a quarter of Hypothesis' lists are empty
shapes = ranks.flatmap(lambda n: st.tuples(*[sides] * n))
full_shapes = ranks.flatmap(lambda n: st.tuples(*[st.integers(1, 4)] * n))


def broadcast(draw, count, shape=None):
    """Draw shapes that broadcast together: one is whole, in the others some axes are 1 and some leading axes are missing."""
    shape = draw(shapes) if shape is None else shape
    whole = draw(st.integers(0, count - 1))
    found = []
    for i in range(count):
        if i == whole:
            found.append(shape)
            continue
        ones = draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
        found.append(tuple(1 if one else n for one, n in zip(ones, shape))[draw(st.integers(0, len(shape))):])
    return found


def smaller(draw, shape):
    """Draw a shape that broadcasts into this one."""
    return tuple(draw(st.sampled_from([1, n])) for n in shape)[draw(st.integers(0, len(shape))):]


def axes_of(draw, ndim, several=True, none=True):
    """Draw None, one axis from either end, or several."""
    if not ndim:
        return None
    one = st.integers(-ndim, ndim - 1)
    some = st.lists(st.integers(0, ndim - 1), min_size=1, max_size=ndim, unique=True).map(tuple)
    return draw(st.one_of(*[one], *([some] if several else []), *([st.none()] if none else [])))


# ---- calls


def broadcasting(draw_call):
    """Mark a function that draws calls whose arguments broadcast."""
    draw_call.broadcasts = True
    return draw_call


def one(draw):
    return Call([Argument(draw(shapes))])


def options(**named):
    """Draw one array, and options from these strategies."""
    return lambda draw: Call([Argument(draw(shapes))], {k: draw(s) for k, s in named.items()})


numbers = st.sampled_from([0.5, 2.0, -1.5, 3, -1, 0.0, 1.0])


@broadcasting
def two(draw, numbers=numbers):
    """Draw two arrays that broadcast, or an array and a number on either side."""
    form = draw(st.sampled_from(["arrays", "arrays", "arrays", "right", "left"]))
    if form == "arrays":
        return Call([Argument(s) for s in broadcast(draw, 2)])
    both = [Argument(draw(shapes)), Plain(draw(numbers))]
    return Call(both if form == "right" else both[::-1])


@broadcasting
def two_arrays(draw):
    return Call([Argument(s) for s in broadcast(draw, 2)])


@broadcasting
def divided(draw):
    return two(draw, st.sampled_from([0.5, 2.0, -1.5, 3, -1]))


@broadcasting
def powers(draw):
    """Draw x ** y: for positive x and any y; for any x the whole powers 0 … 3 and -1, and parts of a positive one (not ½: PyTorch's
    derivative at -0 is 1/√-0 = -inf, IEEE's power +inf)."""
    form = draw(st.sampled_from(["arrays", "number", "base"]))
    if form == "arrays":
        a, b = broadcast(draw, 2)
        return Call([Argument(a, positive), Argument(b)])
    if form == "base":
        return Call([Plain(draw(st.sampled_from([2, 0.5, 1.0, 3.0]))), Argument(draw(shapes))])
    exponent = draw(st.sampled_from([0, 1, 2, 3, 2.0, 3.0, -1, 1.5, 0.25]))
    domain = reals if exponent in (0, 1, 2, 3) else away_from_zero if exponent == -1 else positive
    return Call([Argument(draw(shapes), domain), Plain(exponent)])


@broadcasting
def chosen(draw):
    condition, a, b = broadcast(draw, 3)
    return Call([Argument(condition, truths), Argument(a), Argument(b)])


def reduced(draw):
    shape = draw(shapes)
    return Call([Argument(shape)], {"axis": axes_of(draw, len(shape)), "keepdims": draw(st.booleans())})


def reduced_full(draw):
    """Draw a reduction with at least one element in every group."""
    shape = draw(full_shapes)
    return Call([Argument(shape)], {"axis": axes_of(draw, len(shape)), "keepdims": draw(st.booleans())})


def index_of(draw):
    shape = draw(full_shapes)
    return Call([Argument(shape)], {"axis": axes_of(draw, len(shape), several=False)})


def along(draw):
    """Draw an axis of an array with at least one axis."""
    shape = (*draw(st.lists(sides, max_size=2)), draw(sides))
    return Call([Argument(shape)], {"axis": axes_of(draw, len(shape), several=False, none=False)})


def product(draw):
    """Draw (…, n, k) and (…, k, m), stacks that broadcast."""
    n, k, m = draw(sides), draw(sides), draw(sides)
    a, b = broadcast(draw, 2, tuple(draw(st.lists(sides, max_size=2))))
    return Call([Argument((*a, n, k)), Argument((*b, k, m))])


def layer(draw):
    """Draw x (…, in), weight (out, in), bias (out,)."""
    n, m = draw(sides), draw(sides)
    return Call([Argument((*draw(st.lists(sides, max_size=2)), n)), Argument((m, n)), Argument((m,))])


def reshaped(draw):
    shape = draw(shapes)
    return Call([Argument(shape), Plain(draw(same_size(shape)))])


def same_size(shape):
    """Draw a shape with as many elements."""
    size = int(np.prod(shape))
    return st.sampled_from([(size,), (1, size), (size, 1), (-1,) if size else (0, 2), tuple(reversed(shape)), (*shape, 1)])


def reordered(draw):
    shape = draw(st.one_of(shapes, st.tuples(sides, sides, sides)))  # an order of three axes need not be its own inverse
    orders = st.permutations(range(len(shape))).map(tuple)
    order = draw(st.one_of(orders, orders, st.none()))
    return Call([Argument(shape), Plain(order)])


def exchanged(draw):
    shape = (*draw(shapes), draw(sides))
    axis = st.integers(-len(shape), len(shape) - 1)
    return Call([Argument(shape), Plain(draw(axis)), Plain(draw(axis))])


def expanded(draw):
    shape = draw(shapes)
    return Call([Argument(shape), Plain(draw(st.integers(-len(shape) - 1, len(shape))))])


def squeezed(draw):
    shape = draw(shapes)
    ones = [i for i, n in enumerate(shape) if n == 1]
    return Call([Argument(shape)], {"axis": draw(st.sampled_from([None, tuple(ones), *ones]))})


def repeated(draw):
    small, large = broadcast(draw, 2)
    return Call([Argument(small), Plain(np.broadcast_shapes(small, large))])


def flipped(draw):
    shape = (*draw(shapes), draw(sides))
    return Call([Argument(shape)], {"axis": axes_of(draw, len(shape), none=False)})


def part(draw, n, rng):
    """Draw a key for one axis of n elements: a slice, a number, or an array of numbers that may repeat."""
    kinds = ["all", "slice", "slice", *(["number", "array"] if n else [])]
    kind = draw(st.sampled_from(kinds))
    if kind == "number":
        return draw(st.integers(-n, n - 1))
    if kind == "array":
        return rng.integers(-n, n, draw(st.integers(0, 4)))
    end = st.one_of(st.none(), st.integers(-n - 1, n + 1))
    return slice(None) if kind == "all" else slice(draw(end), draw(end), draw(st.sampled_from([None, 1, 2])))


def keys(draw, shape, arrays=1):
    """Draw a key for an array of this shape: basic, with one array of numbers, or one boolean mask over all axes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if arrays and draw(st.integers(0, 5)) == 0:
        return np.asarray(rng.random(shape) < 0.5)
    key: list = []
    for n in shape[:draw(st.integers(0, len(shape)))]:
        found = part(draw, n, rng)
        before = {type(k) for k in key}
        if (type(found) is int and np.ndarray in before) or (type(found) is np.ndarray and before & {int, np.ndarray}):
            found = slice(None)  # PyTorch and NumPy differ in keys with numbers and arrays
        key.append(found)
    if draw(st.booleans()):
        key.insert(draw(st.sampled_from([0, len(key)])), None)
    whole = sum(k is not None for k in key) == len(shape)
    return (..., *key) if whole and draw(st.booleans()) else (*key, ...)  # with `...` a 0-d result stays an array


def taken(draw):
    shape = draw(shapes)
    return Call([Argument(shape)], {"key": keys(draw, shape)})


def scattered(draw):
    shape = draw(shapes)
    key = keys(draw, shape)
    return Call([Argument(np.empty(shape)[key].shape)], {"key": key, "shape": shape})


def assigned(draw):
    shape = draw(shapes)
    key, places = keys(draw, shape), np.arange(np.prod(shape, dtype=int)).reshape(shape)
    if np.unique(places[key]).size < places[key].size:
        key = (...,)  # the one key here: where a place repeats, overwritten values would get a gradient too
    return Call([Argument(shape), Argument(places[key].shape)], {"first": (...,), "last": key})


def taken_along(draw):
    shape = (*draw(st.lists(sides, max_size=2)), draw(st.integers(1, 4)))
    axis = len(shape) - 1
    count = (*shape[:-1], draw(sides))
    return Call([Argument(shape), Argument(count, below(shape[-1])), Plain(draw(st.sampled_from([axis, -1])))])


def put_along(draw):
    before, n = tuple(draw(st.lists(sides, max_size=2))), draw(st.integers(1, 4))
    values = (*before, draw(sides))
    return Call([Argument(values), Argument(values, below(n)), Plain(len(before)), Plain((*before, n))])


def joined(draw):
    shape = (*draw(st.lists(sides, max_size=2)), draw(sides))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    found = []
    for n in draw(st.lists(sides, min_size=1, max_size=3)):
        one_shape = list(shape)
        one_shape[axis] = n
        found.append(Argument(tuple(one_shape)))
    return Call(found, {"axis": axis})


def on_diagonal(draw):
    """Draw matrices, or stacks of them, and a diagonal that crosses them."""
    n, m = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    offset = draw(st.integers(1 - n, m - 1))
    shape = (*draw(st.lists(sides, max_size=2)), n, m)
    return shape, offset, min(n, m - offset) if offset >= 0 else min(n + offset, m)


def diagonals(draw):
    shape, offset, _ = on_diagonal(draw)
    return Call([Argument(shape)], {"offset": offset})


def put_diagonals(draw):
    shape, offset, n = on_diagonal(draw)
    return Call([Argument((*shape[:-2], n))], {"offset": offset, "shape": shape})


def varied(draw):
    """Draw a reduction of at least two elements in every group, and what is taken off their number."""
    shape = tuple(n + 1 for n in draw(full_shapes)) or (2,)
    return Call([Argument(shape)], {"axis": axes_of(draw, len(shape)), "keepdims": draw(st.booleans()), "correction": draw(
        st.sampled_from([1, 0, 0.5]))})


def standardized(draw):
    """Draw an array with at least one axis, the axes that are standardized, and what is added to the variance."""
    shape = draw(full_shapes) or (2,)
    return Call([Argument(shape)], {"axis": axes_of(draw, len(shape)), "eps": draw(st.sampled_from([0.1, 0.5]))})


def paired(draw):
    shape = draw(shapes)
    return Call([Argument(shape), Argument(shape)])


def classified(draw):
    """Draw log-probabilities (N, C), targets, weights of the classes, an ignored class."""
    n, c = draw(sides), draw(st.integers(1, 4))
    weight = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).uniform(0.2, 2, c) if draw(st.booleans()) else None
    ignored = draw(st.sampled_from([-100, 0, c - 1]))
    return Call([Argument((n, c)), Argument((n,), below(c))], {"weight": weight, "ignore_index": ignored})


dtypes = st.sampled_from([mg.float32, mg.float64])
bounds = [(-1.0, 1.0), (0.0, 1.0), (None, 1.0), (0.0, None), (-1, 1), (1.0, 1.0)]


def limited(draw):
    low, high = draw(st.sampled_from(bounds))
    return Call([Argument(draw(shapes)), Plain(low), Plain(high)])


@broadcasting
def limited_by_any(draw):
    """Draw bounds that are numbers, or arrays that broadcast into x (larger ones break PyTorch's own derivative)."""
    if draw(st.booleans()):
        return limited(draw)
    shape = draw(shapes)
    both = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    return Call([Argument(shape), *[Argument(smaller(draw, shape)) if there else Plain(None) for there in both]])


# ---- how large the terms are


def from_product(arrays, options, g):
    x, y, *bias = map(largest, arrays)
    return [x * y + sum(bias), largest(g) * y, largest(g) * x, *(largest(g) for _ in bias)]


def from_average(arrays, options, g):
    """Return the sizes of the terms of a weighted mean, which may cancel."""
    return [largest(arrays[0]), *[0.0] * len(arrays)]


def from_distance(arrays, options, g):
    x, target = arrays
    d = largest(x) + largest(target)
    return [d * d, *[largest(g) * d / max(1, x.size)] * 2]


def from_logits(arrays, options, g):
    return [largest(arrays[0]) * (1 + largest(arrays[1])), largest(g) * (1 + largest(arrays[1])), 0]


def from_softmax(arrays, options, g):
    x = arrays[0]
    e = np.exp(x - x.max(axis=options["axis"], keepdims=True, initial=-np.inf, where=np.isfinite(x)))
    return [0, largest(g) * e / e.sum(axis=options["axis"], keepdims=True)]


def from_log_softmax(arrays, options, g):
    return [2 * largest(arrays[0]) + 2, largest(g)]


def from_sum(arrays, options, g):
    return [largest(arrays[0]), 0]


def from_squares(arrays, options, g):
    return [4 * largest(arrays[0]) ** 2, 8 * largest(g) * largest(arrays[0])]


def from_statistics(arrays, options, g):
    """Return the sizes of the terms of a normalisation, whose divisor may be small."""
    size = 4 + sum(map(largest, arrays))
    return [400 * size**3, *[4e5 * size**3 * largest(g)] * len(arrays)]


def from_sums(arrays, options, g):
    return [arrays[0].size * largest(arrays[0]), g.size * largest(g)]


def from_logarithm(arrays, options, g):
    return [2 * largest(arrays[0]) + 2, largest(g) * (1 + largest(arrays[0]))]


def from_logarithms(arrays, options, g):
    """Return the sizes of the terms of log(1 - x) - log x for probabilities not far from ½, which cancel at ½."""
    return [0, 0, 4 * largest(g)]


def from_one(arrays, options, g):
    """Return the sizes of the terms of g (1 - y²), y being at most 1, or of g itself, at every use."""
    return [0, largest(g)]


# ---- the ops


def op(name, draw, **more):
    return Row(f"ops.{name}", getattr(mg.ops, name), getattr(twins, name), draw, **more)


def floor_divided(x, y):
    """Return ⌊x / y⌋ as a constant: backward through it is an error."""
    out = mg.ops.floor_divide(x, y)
    return out.detach() if isinstance(out, mg.Tensor) else out


weights = st.sampled_from([0.1, 1.0, -0.5, 0.0])
OPS = [
    op("add", two),
    op("sub", two),
    op("mul", two),
    op("div", divided, domain=away_from_zero, kinks=(1.0, -1.0)),
    op("neg", one),
    op("pow", powers, kinks=(0.0, 1.0, 2.0)),
    op("square", one),
    op("sqrt", one, domain=positive, kinks=(1.0,)),
    op("exp", one),
    op("log", one, domain=positive, kinks=(1.0,)),
    op("absolute", one),
    op("sign", one),
    op("arctan2", two_arrays, kinks=(1.0,)),
    *[op(name, one) for name in ("sin", "cos", "tan", "arctan", "erf", "floor", "ceil", "trunc")],
    *[op(name, one, special=False) for name in ("sinh", "cosh")],  # PyTorch's overflow at 88.8 in float32, whose value is 1.8e38
    *[op(name, one, domain=positive, kinks=(1.0,)) for name in ("log1p", "log2", "log10", "rsqrt")],
    op("reciprocal", one, domain=away_from_zero, kinks=(1.0, -1.0)),
    op("expm1", one, terms=from_one),
    op("round", options(decimals=st.sampled_from([0, 1, -1])), kinks=(0.0, 0.5, 2.5, -1.5)),
    op("maximum", two_arrays),
    op("minimum", two_arrays),
    Row("ops.floor_divide", floor_divided, twins.floor_divide, divided, domain=away_from_zero, kinks=(1.0, -1.0), order=0),
    op("remainder", divided, domain=away_from_zero, kinks=(1.0, -1.0)),
    op("clip", limited_by_any, kinks=(-1.0, 0.0, 1.0)),
    op("where", chosen),
    op("matmul", product, terms=from_product, special="one"),
    op("linear", layer, terms=from_product, special="one"),
    op("greater", two, order=0),
    op("greater_equal", two, order=0),
    op("less", two, order=0),
    op("less_equal", two, order=0),
    op("equal", two, order=0),
    op("not_equal", two, order=0),
    op("logical_and", two_arrays, order=0),
    op("logical_or", two_arrays, order=0),
    op("logical_not", one, order=0),
    op("isnan", one, order=0),
    op("tanh", one, terms=from_one),
    op("sigmoid", one, terms=from_one),
    op("relu", one),
    op("leaky_relu", options(slope=st.sampled_from([0.01, 0.5, 0.0, -0.5]))),
    op("softmax", along, terms=from_softmax),
    op("log_softmax", along, terms=from_log_softmax),
    op("sum", reduced, terms=from_sum, special="one"),
    op("mean", reduced, terms=from_sum, special="one"),
    op("var", varied, terms=from_squares, special="one"),
    op("standardize", standardized, terms=from_statistics, special="one"),
    op("cumsum", along, terms=from_sums, special="one"),
    op("logsumexp", reduced, terms=from_logarithm),
    op("max", reduced_full),
    op("min", reduced_full),
    op("argmax", index_of, order=0),
    op("argmin", index_of, order=0),
    op("reshape", reshaped),
    op("transpose", reordered),
    op("swapaxes", exchanged),
    op("expand_dims", expanded),
    op("squeeze", squeezed),
    op("broadcast_to", repeated, terms=from_one),
    op("getitem", taken, terms=from_one),
    op("scatter", scattered, terms=from_sum),
    op("assign", assigned, terms=from_sum),
    op("diagonal", diagonals),
    op("put_diagonal", put_diagonals),
    op("take_along_axis", taken_along, terms=from_one),
    op("put_along_axis", put_along, terms=from_sum),
    op("join", joined),
    Row("ops.concatenate", lambda *xs, axis: mg.ops.concatenate(xs, axis), lambda *xs, axis: twins.concatenate(xs, axis), joined),
    op("copy", one),
    Row("ops.astype", lambda x, *, dtype: mg.ops.astype(x, dtype), lambda x, *, dtype: twins.astype(x, dtype), options(dtype=dtypes)),
    op("to_device", options(device=st.just("cpu"))),
    op("flip", flipped),
    op("stop_gradient", one, order=0),
    op("zeros_like", one, order=0),
    op("ones_like", one, order=0),
    op("mse", paired, terms=from_distance, special="one"),
    op("bce", paired, domain=inner, kinks=(), special=False, terms=from_logarithms),
    op("bce_logits", paired, terms=from_logits, special=False),
    op("nll", classified, terms=from_average, special="one"),
    op("nll_each", classified),
    op("l1_penalty", options(weight=weights), surrogate=True),
    op("l1_penalty_slide", options(weight=weights), surrogate=True),
]

# ops whose third derivatives are compared
THRICE = ("mul", "div", "pow", "square", "sqrt", "exp", "log", "matmul", "linear", "tanh", "sigmoid", "softmax", "log_softmax")
