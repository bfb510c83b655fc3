"""One row for each public function, method, layer and loss: the same call in minigrad and in PyTorch, which it gets as an argument.

A public function is a thin layer over an op of cases.py: its arguments, defaults and results are checked, in fewer examples.
"""

from functools import partial

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
import reference.functional
import torch
from support.cases import (
    Argument, Call, Plain, Row, along, away_from_zero, axes_of, below, broadcast, broadcasting, chosen, exchanged, expanded,
    from_log_softmax, from_product, from_softmax, from_statistics, from_sum, full_shapes, inner, joined, largest, limited, numbers, one,
    options, positive, product, repeated, shapes, sides, smaller, truths, two, two_arrays, weights,
)


def both(name, call, draw, **more):
    """Return the row of call(library, *arguments, **options), with minigrad and with PyTorch as the library."""
    return Row(name, partial(call, mg), partial(call, torch), draw, face=True, **more)


def function(name, draw, **more):
    """Return the row of the function of this name in both libraries."""
    return both(f"mg.{name}", lambda lib, *xs, **named: getattr(lib, name)(*xs, **named), draw, **more)


def method(name, draw, call=None, **more):
    """Return the row of the method of this name, or of an expression of tensors."""
    call = call or (lambda x, *xs, **named: getattr(x, name)(*xs, **named))
    return both(f"Tensor.{name}", lambda lib, *xs, **named: call(*xs, **named), draw, **more)


def of_class(name, *given, **options):
    """Return the row of a layer with these arguments."""
    return lambda lib, *xs: getattr(lib.nn, name)(*given, **options)(*xs)


# ---- calls


@broadcasting
def with_number(draw, numbers=numbers):
    """Draw two tensors, or a tensor and a number."""
    if draw(st.booleans()):
        return Call([Argument(draw(shapes)), Plain(draw(numbers))])
    return two_arrays(draw)


@broadcasting
def divided(draw):
    return with_number(draw, st.sampled_from([0.5, 2.0, -1.5, 3, -1]))


def dims(draw, **more):
    """Draw one dimension, several, or none; and keepdim."""
    shape = draw(shapes)
    return Call([Argument(shape)], {"dim": axes_of(draw, len(shape)), "keepdim": draw(st.booleans()), **more})


def dims_full(draw):
    """Draw the same where every group has an element; no dim is ()."""
    shape = draw(full_shapes)
    return Call([Argument(shape)], {"dim": axes_of(draw, len(shape)) or (), "keepdim": draw(st.booleans())})


def one_dim(draw):
    """Draw an axis with at least one element in every group."""
    shape = (*draw(full_shapes), draw(st.integers(1, 4)))
    return Call([Argument(shape)], {"dim": axes_of(draw, len(shape), several=False, none=False), "keepdim": draw(st.booleans())})


def dim_of(draw):
    call = along(draw)
    return Call(call.arguments, {"dim": call.options["axis"]})


def full(draw):
    return Call([Argument(draw(full_shapes))])


def matrix(draw):
    return Call([Argument(tuple(draw(st.lists(sides, max_size=2))))])


def stacked_matrix(draw):
    return Call([Argument((*draw(st.lists(sides, max_size=1)), draw(sides), draw(sides)))])


def vectors(draw):
    """Draw vectors on one side or both, or stacks of matrices."""
    n, k, m = draw(sides), draw(sides), draw(sides)
    forms = [[(k,), (k,)], [(n, k), (k,)], [(k,), (k, m)], [(2, n, k), (k,)], [(k,), (2, k, m)]]
    form = draw(st.one_of(st.none(), st.sampled_from(forms)))
    return Call([Argument(s) for s in form]) if form else product(draw)


def matrices(draw):
    n, k, m = draw(sides), draw(sides), draw(sides)
    return Call([Argument((n, k)), Argument((k, m))])


def flattened(draw):
    shape = draw(shapes)
    n = max(1, len(shape))
    start = draw(st.integers(0, n - 1))
    return Call([Argument(shape), Plain(start), Plain(draw(st.integers(start, n - 1)) - draw(st.sampled_from([0, n])))])


def squeezed(draw):
    shape = draw(shapes)
    return Call([Argument(shape), *([Plain(draw(st.integers(-len(shape), len(shape) - 1)))] if shape and draw(st.booleans()) else [])])


def permuted(draw):
    shape = draw(shapes)
    return Call([Argument(shape), Plain(tuple(draw(st.permutations(range(len(shape))))))])


def shaped(draw):
    """Draw a tensor and a shape of as many elements, with -1."""
    shape = (*draw(shapes), draw(st.integers(1, 3)))
    size = int(np.prod(shape))
    wanted = [(size,), (1, size), (*shape, 1), *([(-1,), (-1, shape[-1])] if size else [])]
    return Call([Argument(shape), Plain(draw(st.sampled_from(wanted)))])


def stacked(draw):
    shape = draw(shapes)
    return Call([Argument(shape)] * draw(st.integers(1, 3)), {"dim": draw(st.integers(-len(shape) - 1, len(shape)))})


def in_dim(draw):
    call = joined(draw)
    return Call(call.arguments, {"dim": call.options["axis"]})


@broadcasting
def cut_by_tensors(draw):
    """Draw bounds that broadcast into x: larger ones break PyTorch's own derivative."""
    shape = draw(shapes)
    return Call([Argument(shape), Argument(smaller(draw, shape)), Argument(smaller(draw, shape))])


def selected(draw):
    shape = (*draw(shapes), draw(st.integers(1, 4)))
    dim = draw(st.integers(-len(shape), len(shape) - 1))
    index = Argument((draw(sides),), below(max(1, shape[dim])))
    return Call([Argument(shape if shape[dim] else (2,) * len(shape)), Plain(dim), index])


def keyed(draw):
    """Draw x and a key: numbers, slices, None, …, arrays of numbers anywhere, masks of leading axes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=3)))
    if shape and draw(st.integers(0, 4)) == 0:
        return Call([Argument(shape)], {"key": rng.random(shape[:draw(st.integers(1, len(shape)))]) < 0.5})
    count = draw(st.integers(0, 3))
    key = []
    for n in shape[:draw(st.integers(0, len(shape)))]:
        kind = draw(st.sampled_from(["number", "slice", "array"]))
        key.append(draw(st.integers(-n, n - 1)) if kind == "number" else rng.integers(-n, n, count) if kind == "array" else
                   slice(draw(st.sampled_from([None, 0, 1, -1])), draw(st.sampled_from([None, 2, -1])), draw(st.sampled_from([None, 2]))))
    for extra in draw(st.sampled_from([[], [None]])):
        key.insert(draw(st.integers(0, len(key))), extra)
    return Call([Argument(shape)], {"key": tuple(key)})


def written(draw):
    """Draw x, a key of slices and numbers, and a value that broadcasts into x[key]."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    key = tuple(draw(st.sampled_from([slice(None), slice(1, None), 0, -1])) for _ in shape[:draw(st.integers(0, len(shape)))])
    inner = np.empty(shape)[key].shape
    return Call([Argument(shape), Argument(inner[draw(st.integers(0, len(inner))):])], {"key": key})


def same_shape(draw):
    shape = draw(shapes)
    return Call([Argument(shape), Argument(shape)], {"reduction": draw(reductions)})


@broadcasting
def into(draw):
    """Draw an array and another that broadcasts into it."""
    shape = draw(shapes)
    return Call([Argument(shape), Argument(smaller(draw, shape))])


@broadcasting
def chosen_or_number(draw):
    condition, x = broadcast(draw, 2)
    return Call([Argument(condition, truths), Argument(x)])


def beside_larger(draw):
    large = draw(shapes)
    return Call([Argument(smaller(draw, large)), Argument(large, constant=True)])


@broadcasting
def three_arrays(draw):
    """Draw three arrays that broadcast."""
    return Call([Argument(s) for s in broadcast(draw, 3)])


@broadcasting
def into_twice(draw):
    """Draw an array and two others that broadcast into it."""
    shape = draw(shapes)
    return Call([Argument(shape), Argument(smaller(draw, shape)), Argument(smaller(draw, shape))])


def whole_numbers(draw):
    """Draw two arrays of whole numbers that broadcast."""
    return Call([Argument(s, below(40)) for s in broadcast(draw, 2)])


def with_slopes(draw):
    """Draw an array (N, C, …), and one slope, or one for each channel."""
    shape = (draw(sides), draw(st.integers(1, 3)), *draw(st.lists(sides, max_size=1)))
    return Call([Argument(shape), Argument((draw(st.sampled_from([1, shape[1]])),))])


def two_axes(draw):
    return Call([Argument((draw(sides), draw(sides)))])


def last_dim(draw):
    return Call([Argument((*draw(shapes), draw(sides)))])


def batch(draw):
    return Call([Argument((draw(sides), draw(st.integers(1, 3)), 2))])


def pair(draw):
    return Call(same_shape(draw).arguments)


@broadcasting
def raised(draw):
    return with_number(draw, st.sampled_from([0, 1, 2, 3, 1.5, -1]))  # ½: (-0) ** -½ is -inf in PyTorch, in IEEE inf


def whole_power(draw):
    return Call([Argument(draw(shapes)), Plain(draw(st.sampled_from([1, 2, 3])))])


reductions = st.sampled_from(["mean", "sum", "none"])


def classified(draw, **more):
    """Draw scores (N, C), (N, C, d) or (C,), a class for each, weights or none, an ignored class."""
    n, c = draw(sides), draw(st.integers(1, 4))
    shape, target = draw(st.sampled_from([((n, c), (n,)), ((n, c), (n,)), ((n, c, 2), (n, 2)), ((c,), ())]))
    weight = [Argument((c,), positive, constant=True)] if draw(st.booleans()) else [Plain(None)]
    ignored = draw(st.sampled_from([-100, -100, 0, c - 1]))
    return Call([Argument(shape), Argument(target, below(c)), *weight],
                {"ignore_index": ignored, "reduction": draw(reductions), **{k: draw(s) for k, s in more.items()}})


def smoothed(draw):
    return classified(draw, label_smoothing=st.sampled_from([0.0, 0.0, 0.1, 1.0]))


def soft_targets(draw):
    n, c = draw(sides), draw(st.integers(1, 4))
    return Call([Argument((n, c)), Argument((n, c), positive), Argument((c,), positive, constant=True)],
                {"reduction": draw(reductions), "label_smoothing": draw(st.sampled_from([0.0, 0.1]))})


def layer(draw):
    n, m = draw(sides), draw(sides)
    bias = [Argument((m,))] if draw(st.booleans()) else []
    return Call([Argument((*draw(st.lists(sides, max_size=2)), n)), Argument((m, n)), *bias])


def layer_with_weights(draw):
    n, m = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return Call([Argument((*draw(st.lists(sides, max_size=2)), n)), Argument((m, n), constant=True), Argument((m,), constant=True)])


# ---- layers and losses


def signs(rng, shape):
    return rng.choice([-1.0, 1.0], shape)


def compared(draw, **more):
    """Draw an input and a target of one shape, and options from these strategies."""
    shape = draw(shapes)
    return Call([Argument(shape), Argument(shape)], {k: draw(s) for k, s in {"reduction": reductions, **more}.items()})


def against(**more):
    """Return a function that draws such a pair."""
    return lambda draw: compared(draw, **more)


def weighted(draw, **more):
    """Draw an input and a target, and weights that broadcast, or none."""
    call = compared(draw, **more)
    shape = smaller(draw, call.arguments[0].shape)
    weight = [Argument(shape, positive, constant=True)] if draw(st.booleans()) else []
    return Call([*call.arguments, *weight], call.options)


def with_signs(draw, count=1, **more):
    """Draw inputs of one shape, and a target of ±1 that is a constant."""
    shape = draw(shapes)
    return Call([*[Argument(shape)] * count, Argument(shape, signs, constant=True)],
                {"reduction": draw(reductions), **{k: draw(s) for k, s in more.items()}})


def ordered(draw):
    return with_signs(draw, 2, margin=st.sampled_from([0, 0.5]))


def scored(draw):
    """Draw scores (N, C), a class for each, weights or none."""
    n, c = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return Call([Argument((n, c)), Argument((n,), below(c)), Plain(draw(st.sampled_from([1, 2]))), Plain(draw(st.sampled_from([1.0, 0.5]))),
                 Argument((c,), positive, constant=True) if draw(st.booleans()) else Plain(None)], {"reduction": draw(reductions)})


def channels(draw):
    """Draw (N, C, …) of more than one value in each channel, and statistics for evaluation; weight and bias, or none."""
    c = draw(st.integers(1, 3))
    training = draw(st.booleans())
    shape = (draw(st.integers(3, 5)), c, *draw(st.sampled_from([(), (2,), (1,)])))
    running = [Plain(None)] * 2 if training else [Argument((c,), constant=True), Argument((c,), positive, constant=True)]
    affine = [Argument((c,))] * 2 if draw(st.booleans()) else []
    return Call([Argument(shape), *running, *affine], {"training": training, "eps": draw(st.sampled_from([0.1, 0.5]))})


def last_axes(draw):
    """Draw an array, the lengths of its last axes, and a weight and a bias of these, or none."""
    shape = (draw(sides), *draw(st.lists(st.integers(2, 3), min_size=1, max_size=2)))
    last = shape[draw(st.integers(1, len(shape) - 1)):]
    return Call([Argument(shape), Plain(last), *[Argument(last)] * draw(st.integers(0, 2))], {"eps": draw(st.sampled_from([0.1, 0.5]))})


def looked_up(draw):
    n = draw(st.integers(1, 4))
    return Call([Argument(draw(full_shapes), below(n)), Argument((n, draw(st.integers(1, 3))))],
                {"padding_idx": draw(st.sampled_from([None, 0, -1]))})


def dropped(draw):
    """Draw what is not random: all or nothing is kept, or evaluation."""
    p, training = draw(st.sampled_from([(0.0, True), (1.0, True), (0.5, False)]))
    return Call([Argument(draw(shapes))], {"p": p, "training": training})


def rows(draw):
    return Call([Argument((draw(sides), 3))])


def two_rows(draw):
    return Call([Argument((draw(sides), 3))] * 2)


def rows_with_norm(draw):
    return Call([Argument((draw(sides), 3))], {"p": draw(st.sampled_from([1.0, 2.0]))})


def some_rows(draw):
    return Call([Argument((draw(st.integers(3, 5)), 3))])


def two_and_signs(draw):
    return Call([Argument((3,)), Argument((3,)), Argument((3,), signs, constant=True)])


def multi_margin(x, target, p, margin, weight, reduction):
    """Return PyTorch's loss, made of operations, as PyTorch has no second derivative of its function."""
    over = (margin - x.gather(1, target[:, None]) + x).clamp(min=0) ** p
    losses = over.scatter(1, target[:, None], 0).mean(1) * (1 if weight is None else weight[target])
    return losses if reduction == "none" else getattr(losses, reduction)()


def weighing_positives(lib, x, target, weight=None, **named):
    factor = lib.tensor(2.5, dtype=x.dtype, device=x.device)
    return lib.nn.functional.binary_cross_entropy_with_logits(x, target, weight, pos_weight=factor, **named)


def made(name, *given):
    """Return a call of the layer of this name in the dtype of its input."""
    return lambda lib, x: getattr(lib.nn, name)(*given, dtype=x.dtype).to(x.device).requires_grad_(False)(x)


def table(lib, index, weight):
    return lib.nn.Embedding.from_pretrained(weight)(index)


def with_dim(draw, **more):
    """Draw a tensor with at least one element along a dim."""
    shape = (*draw(full_shapes), draw(st.integers(1, 5)))
    return Call([Argument(shape)], {"dim": axes_of(draw, len(shape), several=False, none=False), **more})


def normed(draw):
    return Call(dims_full(draw).arguments, {"p": draw(st.sampled_from([1, 2, 3, 1.5, 0.5, -1, "fro", np.inf, -np.inf]))})


def deviating(draw):
    """Draw at least two elements over `dim`."""
    shape = tuple(n + 1 for n in draw(full_shapes)) or (2,)
    return Call([Argument(shape)], {
        "dim": axes_of(draw, len(shape)), "correction": draw(st.sampled_from([0, 1])), "keepdim": draw(st.booleans())})


def several_in_dim(draw):
    """Draw at least two elements along a dim, and keepdim."""
    shape = tuple(n + 1 for n in draw(full_shapes)) or (2,)
    return Call([Argument(shape)], {"dim": axes_of(draw, len(shape), several=False, none=False), "keepdim": draw(st.booleans())})


def ranked(draw):
    call = with_dim(draw)
    n = call.arguments[0].shape[call.options["dim"]]
    return Call(call.arguments, {**call.options, "k": draw(st.integers(1, n))})


def gathered(draw):
    """Draw x, a dim, and an index that names each place once (unless the layout repeats it), no longer than x along the other axes."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    dim = draw(st.integers(-len(shape), len(shape) - 1))
    sides = [draw(st.integers(0, n)) for n in shape]
    return Call([Argument(shape), Plain(dim), Argument(tuple(sides), lambda rng, sides: np.argsort(rng.random(sides), dim))])


def scattered(draw):
    """Draw x, a dim, a source, and as an option, which keeps its memory layout, an index that names each place once."""
    x, dim, index = gathered(draw).arguments
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Call([x, dim, Argument(index.shape)], {"index": index.domain(rng, index.shape)})


def added_at(draw):
    call = selected(draw)
    shape = list(call.arguments[0].shape)
    shape[call.arguments[1].value] = call.arguments[2].shape[0]
    return Call([*call.arguments, Argument(tuple(shape))])


def masked(draw):
    x, mask = broadcast(draw, 2)
    return Call([Argument(x), Argument(mask, truths)])


def cut(draw):
    """Draw a tensor, a dim, a start and a length that fit."""
    call = with_dim(draw)
    n = call.arguments[0].shape[call.options["dim"]]
    start = draw(st.integers(-n, n - 1))
    return Call([*call.arguments, Plain(call.options["dim"]), Plain(start), Plain(draw(st.integers(0, n - start % n)))])


def in_parts(draw):
    call = with_dim(draw)
    return Call([*call.arguments, Plain(draw(st.integers(1, 6))), Plain(call.options["dim"])])


def triangular(draw):
    return Call([*stacked_matrix(draw).arguments, Plain(draw(st.integers(-3, 3)))])


def times(draw, every_axis=False):
    """Draw an array, and how often it is repeated along its last axes (with every_axis along all), and along a new one before them."""
    shape = draw(shapes)
    n = draw(st.integers(len(shape) if every_axis else max(len(shape) - 1, 0), len(shape) + 1))
    return Call([Argument(shape), Plain(tuple(draw(st.sampled_from([1, 2, 3, 0])) for _ in range(n)))])


def rolled(draw):
    shape = draw(shapes)
    if not shape or draw(st.booleans()):
        return Call([Argument(shape), Plain(draw(st.integers(-4, 4)))])
    axes = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=3))
    return Call([Argument(shape), Plain(tuple(draw(st.integers(-4, 4)) for _ in axes)), Plain(tuple(axes))])


def moved(draw):
    shape = (*draw(shapes), draw(sides))
    order = st.lists(st.integers(0, len(shape) - 1), min_size=len(shape), max_size=len(shape), unique=True)
    n = draw(st.integers(1, len(shape)))
    return Call([Argument(shape), Plain(tuple(draw(order)[:n])), Plain(tuple(draw(order)[:n]))])


def vectors_only(draw):
    return Call([Argument((draw(sides),)) for _ in range(2)])


def one_vector(draw):
    return Call([Argument((draw(sides),))])


def vector_or_matrix(draw):
    n, m = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return Call([Argument(draw(st.sampled_from([(n,), (n, m)]))), Plain(draw(st.integers(1 - n, m - 1)))])


def reversed_along(draw):
    shape = (*draw(shapes), draw(sides))
    return Call([Argument(shape), Plain(tuple(draw(st.lists(st.integers(0, len(shape) - 1), unique=True))))])


def stacked_alike(draw):
    return Call([Argument(draw(st.shared(shapes, key="alike")))] * draw(st.integers(1, 3)))


def equal_vectors(draw):
    return Call([Argument((draw(sides),))] * 2)


def matrix_and_vector(draw):
    n, k = draw(sides), draw(sides)
    return Call([Argument((n, k)), Argument((k,))])


def stacks(draw):
    b, n, k, m = (draw(sides) for _ in range(4))
    return Call([Argument((b, n, k)), Argument((b, k, m))])


def summed_with(draw, stack=False):
    call = stacks(draw) if stack else matrices(draw)
    a, b = (argument.shape for argument in call.arguments)
    return Call([Argument(smaller(draw, (*a[:-1], b[-1]))), *call.arguments], {
        "beta": draw(st.sampled_from([1, 0.5])), "alpha": draw(st.sampled_from([1, -2]))})


def einsums(draw):
    """Draw an equation and its operands; lengths of 1 broadcast."""
    equation = draw(st.sampled_from([
        "ij,jk->ik", "ij,jk", "bij,bjk->bik", "ij,ij->", "ij->ji", "ii->i", "ii", "iji->j", "i,j->ij", "...i,...i->...", "i...,ij->...j",
        "ab,bc,cd->ad", "ab,b->", "ij,kj->ikj", "...ij->...ji", "ba,ca", "ij,ij,i->j", "a,ab,abc->abc", "bn,anm,bm->ba", "...,...->..."]))
    lengths = {letter: draw(sides) for letter in "abcdijknm"}
    dots = tuple(draw(st.lists(sides, max_size=2)))
    found = []
    for term in equation.split("->")[0].split(","):
        before, three, after = term.partition("...")
        found.append(Argument((*(lengths[c] for c in before), *(dots if three else ()), *(lengths[c] for c in after))))
    return Call([Plain(equation), *found])


# ---- functions of a library


def linear_layer(lib, x, weight, bias):
    made = lib.nn.Linear(weight.shape[1], weight.shape[0], dtype=x.dtype).to(x.device)
    with lib.no_grad():
        made.weight.copy_(weight)
        made.bias.copy_(bias)
    return made(x)


def functional(name, draw, **more):
    return both(f"F.{name}", lambda lib, *xs, **named: getattr(lib.nn.functional, name)(*xs, **named), draw, **more)


def cross(lib, x, target, weight, **named):
    return lib.nn.functional.cross_entropy(x, target, weight, **named)


def set_item(lib, x, value, key):
    y = x * 1
    y[key] = value
    return y


def any_of(place, names, draw, **more):
    """Return the row of several functions or layers of one place, "mg", "nn" or "Tensor"; names: [(name, options)], or names alone."""
    calls = [(name, {}) if isinstance(name, str) else name for name in names]

    def drawn(pick):
        call = draw(pick)
        return Call(call.arguments, {"pick": pick(st.sampled_from(calls)), **call.options})

    def call(lib, x, *others, pick):
        if place == "Tensor":
            return getattr(x * 1, pick[0])(*others, **pick[1])
        return getattr(lib.nn, pick[0])(**pick[1])(x * 1, *others) if place == "nn" else getattr(lib, pick[0])(x, *others, **pick[1])

    covers = tuple(f"{place}.{name}" for name, _ in calls)
    return both(f"{place}: {', '.join(dict(calls))}", call, broadcasting(drawn) if hasattr(draw, "broadcasts") else drawn, covers=covers,
                **more)


def in_place(name, draw, **more):
    """Return the row of the method, which changes a copy of x."""

    def call(lib, x, *rest, **named):
        y = x * 1
        getattr(y, name)(*rest, **named)
        return y

    return both(f"Tensor.{name}", call, draw, **more)


def from_scores(arrays, options, g):
    return [2 * largest(arrays[0]) + 4, *[2 * largest(g) + largest(g) * largest(a) for a in arrays]]


def from_difference(arrays, options, g):
    d = sum(map(largest, arrays))
    return [d * d + d, *[2 * largest(g) * (1 + d)] * len(arrays)]


def from_dim(terms):
    return lambda arrays, options, g: terms(arrays, {"axis": options["dim"]}, g)


def from_several(arrays, options, g):
    """Return the sizes of the terms of a few additions and products."""
    size = 4 + sum(map(largest, arrays))
    return [size * size, *[4 * size * largest(g)] * len(arrays)]


def from_tensors(arrays, options, g):
    return [largest(arrays[0]) * largest(arrays[1]), largest(g) * largest(arrays[1]), largest(g) * largest(arrays[0])]


def from_g(arrays, options, g):
    return [0, *[largest(g)] * len(arrays)]


def from_whole(arrays, options, g):
    """Return the sizes of the terms of sums and products of all elements."""
    count, size = 1 + sum(np.size(a) for a in arrays), 1 + sum(map(largest, arrays))
    return [count * size**3, *[count * size**3 * largest(g)] * len(arrays)]


def from_far(arrays, options, g):
    """Return the sizes of the terms of the squares of numbers up to 1300."""
    return [2e6, 2e6 * largest(g)]


def from_powers(arrays, options, g):
    """Return the sizes of the terms of a product of all elements along an axis."""
    size = max(1, largest(arrays[0])) ** max(arrays[0].shape, default=1)
    return [size, size * largest(g) * arrays[0].size]


def apart(lib, x):
    """Return x with numbers added that make all elements different."""
    return x + (lib.arange(x.numel(), dtype=x.dtype, device=x.device) * 37 % 127 * 10).reshape(x.shape)


def pair_of(name, part):
    """Return the call of a function of the library that returns (values, indices), and takes one of both."""
    return lambda lib, x, **named: getattr(getattr(lib, name)(apart(lib, x), **named), part)


SMOOTH = ["sin", "cos", "tan", "sinh", "cosh", "atan", "erf", "expm1"]
UNARY_IN_PLACE = ["exp", "neg", "abs", "tanh", "sigmoid", "relu", "square", "sign", "sin", "cos", "tan", "atan", "erf", "expm1", "floor",
                  "ceil", "trunc", "round"]
ACTIVATIONS = [
    ("LeakyReLU", {}), ("LeakyReLU", {"negative_slope": 0.2, "inplace": True}), ("ELU", {}), ("ELU", {"alpha": 0.5}), ("SELU", {}),
    ("GELU", {}), ("GELU", {"approximate": "tanh"}), ("SiLU", {}), ("Softplus", {}), ("LogSigmoid", {}),
    ("Softplus", {"beta": 2.0, "threshold": 3.0}), ("Hardtanh", {}), ("ReLU6", {}),
]  # fmt: skip
UNARY = ["exp", "square", "sign", "abs", "absolute", "neg", "relu", "clone"]
COMPARED = ["eq", "ne", "lt", "le", "gt", "ge"]
FACES = [
    *[function(name, one) for name in UNARY],
    *[function(name, one, domain=positive, kinks=(1.0,)) for name in ("log", "sqrt")],
    *[function(name, one, terms=from_g) for name in ("tanh", "sigmoid")],
    *[function(name, one, order=0) for name in ("isnan", "isfinite", "isinf", "logical_not")],
    *[function(name, with_number, terms=from_g) for name in ("add", "sub", "subtract", "mul", "multiply")],
    *[function(name, divided, domain=away_from_zero, kinks=(1.0,), terms=from_g) for name in ("div", "divide")],
    any_of("mg", SMOOTH, one, terms=from_g, special=False),
    any_of("mg", ["log1p", "log2", "log10", "rsqrt", "reciprocal"], one, domain=positive, kinks=(1.0,)),
    any_of("mg", ["floor", "ceil", "trunc", ("round", {}), ("round", {"decimals": 1})], one),
    any_of("Tensor", [f"{name}_" for name in UNARY_IN_PLACE], one, terms=from_g),
    any_of("Tensor", ["log_", "log1p_", "log2_", "log10_", "sqrt_", "rsqrt_", "reciprocal_"], one, domain=positive, kinks=(1.0,)),
    function("atan2", two_arrays, kinks=(1.0,), terms=from_several),
    any_of("mg", ["lerp", "addcmul"], three_arrays, terms=from_several, special=False),
    any_of("Tensor", ["lerp_", "addcmul_"], into_twice, terms=from_several, special=False),
    function("addcdiv", three_arrays, domain=away_from_zero, kinks=(1.0,), terms=from_several, special=False),
    method("addcdiv_", into_twice, lambda x, *xs: (x * 1).addcdiv_(*xs, value=0.5), domain=away_from_zero, kinks=(1.0,),
           terms=from_several, special=False),
    any_of("mg", [("div", {"rounding_mode": "floor"}), ("div", {"rounding_mode": "trunc"})], divided, domain=away_from_zero,
           kinks=(1.0,), special=False),  # PyTorch's gradient is 0 at infinity, too
    any_of("mg", ["logical_xor", "isclose"], two_arrays, order=0),
    any_of("mg", ["bitwise_and", "bitwise_or", "bitwise_xor"], whole_numbers, order=0),
    any_of("mg", ["bitwise_left_shift", "bitwise_right_shift"], whole_numbers, order=0),
    function("bitwise_not", lambda draw: Call(whole_numbers(draw).arguments[:1]), order=0),
    both("mg.floor_divide", lambda lib, x, y: lib.floor_divide(x, y).detach(), divided, domain=away_from_zero, kinks=(1.0,), order=0),
    function("remainder", divided, domain=away_from_zero, kinks=(1.0,), terms=from_several),
    *[function(name, with_number, order=0) for name in COMPARED],
    *[function(name, two_arrays, order=0) for name in ("logical_and", "logical_or")],
    *[function(name, two_arrays, terms=from_g) for name in ("maximum", "minimum")],
    function("pow", raised, domain=positive, kinks=(1.0,), terms=from_g),
    *[function(name, dims, terms=from_sum, special="one") for name in ("sum", "mean")],
    *[function(name, dims_full) for name in ("amax", "amin")],
    *[function(name, full) for name in ("max", "min")],
    *[both(f"mg.{name}, values", lambda lib, x, name=name, **named: getattr(lib, name)(x, **named).values, one_dim)
      for name in ("max", "min")],
    *[both(f"mg.{name}, indices", lambda lib, x, name=name, **named: getattr(lib, name)(x, **named).indices, one_dim, order=0)
      for name in ("max", "min")],
    *[both(f"mg.{name} of two", lambda lib, x, y, name=name: getattr(lib, name)(x, y), two_arrays, terms=from_g)
      for name in ("max", "min")],
    *[function(name, one_dim, order=0) for name in ("argmax", "argmin", "all", "any")],
    *[both(f"mg.{name} of everything", lambda lib, x, name=name: getattr(lib, name)(x), full, order=0)
      for name in ("argmax", "argmin", "all", "any")],
    function("softmax", dim_of, terms=from_dim(from_softmax)),
    function("log_softmax", dim_of, terms=from_dim(from_log_softmax)),
    *[function(name, limited, kinks=(-1.0, 0.0, 1.0)) for name in ("clamp", "clip")],
    both("mg.clamp by tensors", lambda lib, x, low, high: lib.clamp(x, low, high), cut_by_tensors, terms=from_g),
    *[both(f"mg.{name}", lambda lib, x, name=name, **named: getattr(lib, name)(apart(lib, x), **named), deviating, terms=from_far,
           special=False) for name in ("var", "std")],
    function("norm", normed, domain=away_from_zero, kinks=(1.0,), terms=from_whole, special=False),
    function("prod", several_in_dim, terms=from_powers, special=False),
    function("cumsum", with_dim, terms=from_whole, special="one"),
    function("cumprod", with_dim, terms=from_powers, special=False),
    function("logsumexp", one_dim, terms=from_scores),
    function("count_nonzero", with_dim, order=0),
    *[both(f"mg.{name}, values", pair_of(name, "values"), draw, terms=from_g, special=False) for name, draw in [
        ("sort", with_dim), ("topk", ranked), ("median", one_dim)]],
    both("mg.topk, indices", pair_of("topk", "indices"), ranked, order=0, special=False),
    both("mg.sort, indices", lambda lib, x, dim: lib.sort(x, dim=dim, descending=True, stable=True).indices, with_dim, order=0),
    both("mg.argsort", lambda lib, x, dim: lib.argsort(x, dim=dim, stable=True), with_dim, order=0),
    both("mg.unique", lambda lib, x: lib.unique(x.long()), one, order=0, special=False),
    both("mg.bincount", lambda lib, x: lib.bincount(x.abs().long()), one_vector, order=0, special=False),
    function("gather", gathered, terms=from_g),
    both("mg.scatter", lambda lib, x, dim, src, index: lib.scatter(x, dim, lib.as_tensor(index), src), scattered, terms=from_g),
    both("mg.scatter_add", lambda lib, x, dim, src, index: lib.scatter_add(x, dim, lib.as_tensor(index), src), scattered,
         terms=from_several),
    function("index_add", added_at, terms=from_whole, special=False),
    both("mg.masked_fill", lambda lib, x, mask: lib.masked_fill(x, mask, -1.5), masked, terms=from_g),
    function("masked_select", masked, terms=from_g),
    both("mg.nonzero", lambda lib, x: lib.nonzero(x), one, order=0),
    both("mg.select", lambda lib, x, dim, start, length: lib.select(x, dim, start), cut, terms=from_g),
    function("narrow", cut, terms=from_g),
    *[both(f"mg.{name}", lambda lib, x, n, dim, name=name: lib.cat([part * part.shape[dim] for part in getattr(lib, name)(x, n, dim)], dim),
           in_parts, terms=from_several) for name in ("split", "chunk")],
    both("mg.unbind", lambda lib, x, dim: lib.stack(lib.unbind(x, dim)[::-1]), with_dim),
    both("mg.diagonal", lambda lib, x, offset: lib.diagonal(x, offset, -1, 0), triangular, terms=from_g),
    function("diag", vector_or_matrix),
    function("trace", two_axes, terms=from_whole, special="one"),
    *[function(name, triangular, terms=from_g) for name in ("tril", "triu")],
    both("mg.repeat_interleave", lambda lib, x, dim: lib.repeat_interleave(x, 3, dim), with_dim, terms=from_whole),
    function("tile", times, terms=from_whole, special=False),
    function("roll", rolled),
    function("flip", reversed_along),
    both("mg.meshgrid", lambda lib, x, y: lib.stack([part * part for part in lib.meshgrid(x, y, indexing="xy")]), vectors_only,
         terms=from_whole, special=False),
    function("movedim", moved),
    function("ravel", one),
    both("mg.unflatten", lambda lib, x: lib.unflatten(x, -1, (-1, 1)), last_dim),
    function("broadcast_to", repeated, terms=from_g),
    *[both(f"mg.{name}", lambda lib, *xs, name=name: getattr(lib, name)(xs), stacked_alike) for name in ("hstack", "vstack")],
    function("bmm", stacks, terms=from_product, special="one"),
    function("mv", matrix_and_vector, terms=from_tensors, special="one"),
    function("dot", equal_vectors, terms=from_tensors, special="one"),
    *[function(name, vectors_only, terms=from_tensors) for name in ("outer", "ger")],
    function("addmm", summed_with, terms=from_whole, special=False),
    function("baddbmm", lambda draw: summed_with(draw, True), terms=from_whole, special=False),
    function("einsum", einsums, terms=from_whole, special=False),
    method("repeat", lambda draw: times(draw, every_axis=True), terms=from_whole, special=False),
    function("reshape", shaped),
    function("flatten", flattened),
    function("squeeze", squeezed),
    function("unsqueeze", expanded),
    function("t", matrix),
    *[function(name, exchanged) for name in ("transpose", "swapaxes", "swapdims")],
    function("permute", permuted),
    function("matmul", vectors, terms=from_tensors, special="one"),
    function("mm", matrices, terms=from_product, special="one"),
    *[both(f"mg.{name}", lambda lib, *xs, name=name, **named: getattr(lib, name)(xs, **named), in_dim) for name in ("cat", "concat")],
    both("mg.stack", lambda lib, *xs, **named: lib.stack(xs, **named), stacked),
    function("where", chosen, terms=from_g),
    both("mg.where with a number", lambda lib, c, x: lib.where(c, x, 2.0), chosen_or_number, terms=from_g),
    function("index_select", selected, terms=from_g),
    method("2 + x", one, lambda x: 2 + x),
    method("2 - x", one, lambda x: 2 - x),
    method("2 * x", one, lambda x: 2 * x),
    method("2 / x", one, lambda x: 2 / x, domain=away_from_zero, kinks=(1.0,)),
    method("2 ** x", one, lambda x: 2**x),
    method("operators", two, lambda x, y: (x + y) * x - y / 2 + abs(-x), terms=from_several, special=False),
    method("x @ y", vectors, lambda x, y: x @ y, terms=from_tensors, special="one"),
    method("x[key]", keyed, lambda x, key: x[key], terms=from_g),
    both("Tensor.__setitem__", set_item, written, terms=from_g),
    method("view", shaped, lambda x, shape: x.contiguous().view(shape)),
    method("expand", repeated, terms=from_g),
    method("expand_as", beside_larger, terms=from_g),
    method("T", two_axes, lambda x: x.T),
    method("mT", stacked_matrix, lambda x: x.mT),
    method("contiguous", one),
    method("double", one),
    method("float", one),
    method("add with alpha", two_arrays, lambda x, y: x.add(y, alpha=3) - x.sub(y, alpha=0.5), terms=from_several),
    *[in_place(name, into, terms=from_g) for name in ("add_", "sub_", "mul_", "copy_")],
    in_place("div_", into, domain=away_from_zero, kinks=(1.0,), terms=from_g),
    in_place("pow_", whole_power),
    both("Tensor.fill_diagonal_", lambda lib, x: (x * 2).fill_diagonal_(-1.5), two_axes, terms=from_g),
    in_place("clamp_", limited, kinks=(-1.0, 0.0, 1.0)),
    functional("linear", layer, terms=from_product, special="one"),
    *[functional(name, one, terms=from_g) for name in ("tanh", "sigmoid", "relu")],
    functional("leaky_relu", options(negative_slope=st.sampled_from([0.01, 0.3])), terms=from_g),
    functional("logsigmoid", one, terms=from_g),
    functional("silu", one, terms=from_g, special=False),  # PyTorch's value at -88.8 in float32 depends on the length of the array
    functional("selu", one, terms=from_g, special=False),  # for NaN, PyTorch's gradient depends on the length of the array
    functional("elu", options(alpha=st.sampled_from([1.0, 0.5])), terms=from_g, special=False),  # likewise
    functional("gelu", options(approximate=st.sampled_from(["none", "tanh"])), terms=from_several,
               special=False),  # for infinity, PyTorch's value depends on the length of the array
    functional("softplus", options(beta=st.sampled_from([1.0, 2.0]), threshold=st.sampled_from([20.0, 1.5])), terms=from_g),
    functional("hardtanh", options(min_val=st.sampled_from([-1.0, 0.0]), max_val=st.sampled_from([1.0, 2.0])), kinks=(-1.0, 0.0, 1.0),
               special=False),  # likewise
    functional("relu6", one, kinks=(0.0, 6.0), special=False),
    functional("prelu", with_slopes, kinks=(1.0,), terms=from_several, special=False),
    any_of("nn", ACTIVATIONS, one, terms=from_several, special=False),
    both("nn.PReLU", lambda lib, x: lib.nn.PReLU().to(x)(x), one, kinks=(1.0,), terms=from_g, special=False),
    both("F.relu in place", lambda lib, x: lib.nn.functional.relu(x * 1, inplace=True), one),
    functional("softmax", dim_of, terms=from_dim(from_softmax)),
    functional("log_softmax", dim_of, terms=from_dim(from_log_softmax)),
    both("F.one_hot", lambda lib, x: lib.nn.functional.one_hot(x.long(), 7), one, domain=positive, kinks=(1.0,), order=0, special=False),
    functional("mse_loss", same_shape, terms=from_difference, special="one"),
    functional("l1_loss", same_shape, terms=from_difference, special="one"),
    functional("nll_loss", classified, terms=from_scores, special="one"),
    functional("cross_entropy", smoothed, terms=from_scores, special=False),
    both("F.cross_entropy of probabilities", cross, soft_targets, terms=from_scores, special=False),
    Row("F.l1_penalty", mg.nn.functional.l1_penalty, reference.functional.l1_penalty, options(
        weight=weights, form=st.sampled_from(["sign", "slide"])), face=True, surrogate=True),
    Row("nn.L1Penalty", lambda x, weight: mg.nn.L1Penalty(weight)(x), reference.functional.l1_penalty, options(weight=weights), face=True,
        surrogate=True),
    both("nn.Linear", linear_layer, layer_with_weights, terms=from_several, special="one"),
    *[both(f"nn.{name}", of_class(name), one, terms=from_g) for name in ("Identity", "Tanh", "Sigmoid", "ReLU")],
    both("nn.ReLU in place", lambda lib, x: lib.nn.ReLU(inplace=True)(x * 1), one),
    both("nn.Flatten", of_class("Flatten"), batch),
    both("nn.Softmax", of_class("Softmax", dim=-1), last_dim, terms=from_g),
    both("nn.LogSoftmax", of_class("LogSoftmax", dim=-1), last_dim, terms=from_scores),
    both("nn.MSELoss", of_class("MSELoss"), pair, terms=from_difference, special="one"),
    both("nn.L1Loss", of_class("L1Loss", reduction="sum"), pair, terms=from_difference, special="one"),
    both("nn.NLLLoss", lambda lib, x, target, weight, **named: lib.nn.NLLLoss(weight, **named)(x, target), classified, terms=from_scores,
         special="one"),
    both("nn.CrossEntropyLoss", lambda lib, x, target, weight, **named: lib.nn.CrossEntropyLoss(weight, **named)(x, target), smoothed,
         terms=from_scores, special=False),
    functional("binary_cross_entropy", weighted, domain=inner, kinks=(), terms=from_several, special=False),
    functional("binary_cross_entropy_with_logits", weighted, terms=from_several, special=False),
    both("F.binary_cross_entropy_with_logits, pos_weight", weighing_positives, weighted, terms=from_several, special=False),
    functional("huber_loss", against(delta=st.sampled_from([0.4, 2.3])), terms=from_several, special="one"),
    functional("smooth_l1_loss", against(beta=st.sampled_from([0.0, 0.4, 2.3])), terms=from_several, special="one"),
    functional("kl_div", against(log_target=st.booleans(), reduction=st.sampled_from(["batchmean", "sum", "none"])), domain=positive,
               kinks=(1.0,), terms=from_several, special=False),
    Row("F.multi_margin_loss", mg.nn.functional.multi_margin_loss, multi_margin, scored, kinks=(), terms=from_several, special=False,
        face=True),
    functional("margin_ranking_loss", ordered, terms=from_several, special="one"),
    functional("dropout", dropped),
    functional("batch_norm", channels, kinks=(), terms=from_statistics, special=False),
    functional("layer_norm", last_axes, kinks=(), terms=from_statistics, special=False),
    functional("embedding", looked_up, terms=from_several, special=False),
    functional("normalize", rows_with_norm, domain=away_from_zero, kinks=(1.0,), terms=from_statistics, special=False),
    *[functional(name, two_rows, domain=away_from_zero, kinks=(), terms=from_statistics, special=False)
      for name in ("cosine_similarity", "pairwise_distance")],
    any_of("nn", ["CosineSimilarity", "PairwiseDistance", "HuberLoss", "SmoothL1Loss", "BCELoss", "BCEWithLogitsLoss",
                  ("KLDivLoss", {"reduction": "batchmean"})], two_rows, domain=inner, kinks=(), terms=from_statistics, special=False),
    any_of("nn", ["MarginRankingLoss"], two_and_signs, kinks=(), terms=from_several, special=False),
    Row("nn.MultiMarginLoss", lambda x, *given, **named: mg.nn.MultiMarginLoss(*given[1:], **named)(x, given[0]), multi_margin, scored,
        kinks=(), terms=from_several, special=False, face=True),
    both("nn.BatchNorm1d", made("BatchNorm1d", 3, 0.1), some_rows, kinks=(), terms=from_statistics, special=False),
    both("nn.LayerNorm", made("LayerNorm", 3, 0.1), some_rows, kinks=(), terms=from_statistics, special=False),
    both("nn.Embedding", table, lambda draw: Call([Argument(draw(shapes), below(4)), Argument((4, 2), constant=True)]), order=0),
    both("nn.Dropout", lambda lib, x: lib.nn.Dropout(1.0)(x) + lib.nn.Dropout().eval()(x), one, special=False),
    both("nn.Unflatten", of_class("Unflatten", 1, (3, -1)), rows),
]
