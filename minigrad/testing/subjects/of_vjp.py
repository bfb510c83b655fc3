"""NumPy and CuPy functions with a backward that was written by hand, as subjects of a check."""

from __future__ import annotations

import contextlib
import inspect
import random

import numpy as np

from ... import backend
from ..findings import Stop
from ..snapshots import same, same_but_for_order
from .base import Subject
from .layouts import check_layouts
from .trees import flatten, pick, rebuild

LAYOUTS = ("in Fortran's order", "reversed")
REPEATED = "one number repeated, which cannot be written to"
READ_ONLY = ("assignment destination is read-only", "output array is read-only")  # what NumPy's ValueError says
CHANGED_G = "the backward changed the gradient g that it was given; other functions see the same array"


class VjpSubject(Subject):
    """forward(*arrays) and backward(g, *arrays), or one of the forms that `check_vjp` describes.

    Each run gets new arrays, which a run's forward and backward share, as they do where a network is trained.
    """

    library = "numpy"
    composed = False

    def __init__(self, forward, backward, arrays, *, cache=False, grads=None, **options):
        self.backward, self.cache, self.grads = backward, cache, grads
        if any(type(x).__module__.split(".")[0] == "cupy" for tree in (*arrays, options.get("params")) for _, x in flatten(tree, "")):
            backend.cuda.library()  # makes CuPy's arrays known
        super().__init__(forward, arrays, **options)
        if self.params and grads is None:
            raise ValueError(f"check_vjp: pass grads=, a function that returns {{name: gradient}} of {self.name}'s params after a backward")
        self.form = _form(backward, cache, self.inputs, self.name)

    def select(self):
        """Return the numbers of the arrays of floating-point numbers."""
        return [i for i, x in enumerate(self.leaves) if _is_array(x) and x.dtype.kind == "f"]

    def to_host(self, leaf):
        """Return an array or a number as a NumPy array."""
        return backend.to_numpy(leaf) if backend.is_array(leaf) else np.asarray(leaf)

    def _prepare(self, arrays):
        """Return new inputs with these values, where the given ones live; write those of parameters into them."""
        leaves = [copy_of(x) if _is_array(x) else x for x in self.leaves[: self.own]] + self.leaves[self.own :]
        for i, array in zip(self.numbers, arrays):
            new = backend.to_device(np.array(array), _device(self.leaves[i]))
            if i < self.own:
                leaves[i] = new
            else:
                self.leaves[i][...] = new
        parts = iter(leaves[: self.own])
        return [rebuild(x, parts) for x in self.inputs], leaves

    def _forward(self, arrays):
        """Return (the inputs, the leaves, the outputs, the cache). Raise Stop if the function changed an input that it may not write to."""
        inputs, leaves = self._prepare(arrays)
        y = self.function(*inputs)
        cache = None
        if self.cache:
            if not (isinstance(y, tuple) and len(y) == 2):
                raise TypeError(f"check_vjp: with cache=True {self.name} must return (output, cache), not {_kind(y)}")
            y, cache = y
        self.single = not isinstance(y, (tuple, list))
        self.given = [y] if self.single else list(y)
        outputs = [t for t in self.given if _is_float(t)]
        if not self.inplace:
            before = dict(zip(self.numbers, arrays))
            for i, x in enumerate(leaves):
                if _is_array(x) and not self._holds(x, before.get(i, self.leaves[i])):
                    name = self.leaf_names[i]
                    raise Stop("mutation", f"the forward changed its input {name}; compute with a copy of it", self._position(i))
        return inputs, leaves, outputs, cache

    def _holds(self, x, values):
        """Return whether an array still has these values; NaN equals NaN."""
        a, b = self.to_host(x), self.to_host(values)
        return a.dtype.kind == "O" or bool(np.array_equal(a, b) or (a.dtype.kind in "fcmM" and np.array_equal(a, b, equal_nan=True)))

    def _position(self, i):
        """Return which checked input the leaf number `i` is; None if it is not checked."""
        return self.numbers.index(i) if i in self.numbers else None

    def run(self, arrays):
        """Return the floating-point outputs of the forward."""
        with self._kept():
            return [np.array(self.to_host(t)) for t in self._forward(arrays)[2]]

    def trace(self, arrays):
        """Run the forward, whose inputs and cache `pull` gives to the backward."""
        self.traced = [np.array(a) for a in arrays]
        return self.run(arrays)

    def pull(self, cotangents):
        """Run forward and backward once, and return the gradients. Raise Stop where g, an input or the output was overwritten.

        The forward runs again each time, as a layer object may keep what it computed last.
        """
        return self._pull(cotangents, None)

    def _pull(self, cotangents, layout):
        with self._kept():
            inputs, leaves, outputs, cache = self._forward(self.traced)
            before = [copy_of(x) if _is_array(x) else x for x in (*leaves, *outputs)]
            g, parts = self._cotangent(cotangents, outputs, layout)
            written = [np.array(self.to_host(p)) for p in parts]
            try:
                found = self._call(g, inputs, cache)
            except ValueError as error:
                if layout == REPEATED and str(error) in READ_ONLY:
                    raise Stop("mutation", CHANGED_G) from error
                raise
            if not all(map(self._holds, parts, written)):
                raise Stop("mutation", CHANGED_G)
            for i, (x, old) in enumerate(zip((*leaves, *outputs), before)):
                if _is_array(x) and not self._holds(x, old):
                    what, at = (f"its input {self.leaf_names[i]}", self._position(i)) if i < len(leaves) else ("the output", None)
                    raise Stop("mutation", f"the backward changed {what}: a second pass gives another gradient", at)
            return self._sort(found)

    def _cotangent(self, cotangents, outputs, layout):
        """Return (g, the list of its arrays). With several outputs g is a tuple, with None for those that are not floating-point."""
        parts = [_laid_out(w.astype(self.to_host(t).dtype), t, layout) for w, t in zip(cotangents, outputs)]
        given = iter(parts)
        gs = tuple(next(given) if _is_float(t) else None for t in self.given)
        return gs[0] if self.single else gs, parts

    def _call(self, g, inputs, cache):
        """Return what the backward gives."""
        if self.form == "list":
            return [None if f is None else f(g, *inputs) for f in self.backward]
        return self.backward(g, cache) if self.form == "cache" else self.backward(g) if self.form == "g" else self.backward(g, *inputs)

    def _sort(self, found):
        """Return the gradients of the checked inputs, of what the backward returned. Raise Stop if their number is wrong."""
        if isinstance(found, dict) and not (len(self.inputs) == 1 and isinstance(self.inputs[0], dict)):
            raise TypeError(f"check_vjp: the backward of {self.name} returned a dict; return one gradient for each input, "
                            "and pass grads= for params")
        own = [i for i in self.numbers if i < self.own]
        picked = pick(found, self.inputs, own, self.own, self.own)
        if picked is None and self.own == len(self.inputs) == 1 and isinstance(found, list) and all(np.ndim(x) == 0 for x in found):
            picked = [np.asarray(found)]  # the gradient of a vector, as a list of numbers
        if picked is None:
            count = len(found) if isinstance(found, (tuple, list)) else 1
            raise Stop("count", f"the backward returned {count} gradient{'s' * (count != 1)} for {len(self.inputs)} inputs")
        if self.params:
            grads, keys = self.grads(), list(self.parameters())
            picked += [grads.get(keys[i - self.own]) for i in self.numbers if i >= self.own]
        return [None if g is None else self._real(g, i) for i, g in enumerate(picked)]

    def _real(self, g, i):
        """Return a gradient as a new array of the host. Raise Stop if it is complex."""
        g = np.array(self.to_host(g))
        if g.dtype.kind == "c":
            raise Stop("wrong", f"the gradient for {self.names[i]} is complex, and the argument is not; return its real part", i)
        return g

    def inspect(self, stream):
        """Raise Stop if backward writes to g, or if the gradients depend on how g lies in memory."""
        self.record(self.traced)
        if any(_is_array(t) and t.size > 1 for t in self.given):
            check_layouts(self, self._pull, stream, LAYOUTS, REPEATED)
        self._check_second_backward(stream)

    def _check_second_backward(self, stream):
        """Raise Stop if a second backward over the same forward gives another gradient. One that raises an error allows one backward only."""
        cotangents = self.split(stream.standard_normal(self.n))
        with self._kept():
            inputs, _, outputs, cache = self._forward(self.traced)
            first = self._sort(self._call(self._cotangent(cotangents, outputs, LAYOUTS[0])[0], inputs, cache))
            try:
                second = self._sort(self._call(self._cotangent(cotangents, outputs, LAYOUTS[0])[0], inputs, cache))
            except Exception:
                return
        for i, (number, a, b) in enumerate(zip(self.numbers, first, second)):  # those of parameters may add up
            if number < self.own and a is not None and b is not None and not self.repeats(a, b):
                raise Stop("mutation", f"a second backward over the same forward gives another gradient for {self.names[i]}: the first one "
                                       "changed what the forward saved", i)

    def complex_run(self, arrays):
        """Return the outputs for complex values of the inputs."""
        if any(i >= self.own for i in self.numbers):
            return None
        inputs, _ = self._prepare(arrays)
        try:
            with seeded(self.seed, self.leaves):
                y = self.function(*inputs)
            y = y[0] if self.cache else y
            outputs = [np.array(self.to_host(t)) for t in (y if isinstance(y, (tuple, list)) else [y])
                       if getattr(t, "dtype", np.dtype(type(t) if isinstance(t, float | complex) else object)).kind in "fc"]
        except Exception:
            return None
        return outputs if outputs and all(t.dtype.kind == "c" for t in outputs) else None

    def code(self):
        """Return the forward and the backward."""
        return [self.function, *(self.backward if self.form == "list" else [self.backward])]

    @contextlib.contextmanager
    def _kept(self):
        """Seed the generators; put the values of the parameters and the generators' states back at the end."""
        kept = [(x, copy_of(x)) for i, x in enumerate(self.leaves) if i >= self.own and _is_array(x)]
        try:
            with seeded(self.seed, self.leaves):
                yield
        finally:
            for array, old in kept:
                array[...] = old

    def repeats(self, a, b):
        """Return whether two runs gave the same numbers; on a GPU, where sums are added up in varying order, up to rounding."""
        return (same if all(_device(self.leaves[i]) == "cpu" for i in self.numbers) else same_but_for_order)(a, b)

    def surrogate(self, function, arrays):
        """Return the value of a surrogate objective of the inputs."""
        with self._kept():
            return float(self.to_host(function(*self._prepare(arrays)[0])).reshape(()))

    def expected(self, function, cotangents):
        """Return what `function(g, *inputs)` gives: a gradient for each input, or for each checked one, parameters last."""
        with self._kept():
            inputs, _, outputs, _ = self._forward(self.traced)
            found = function(self._cotangent(cotangents, outputs, None)[0], *inputs)
        return [None if g is None else self._real(g, i) for i, g in enumerate(self.picked(found))]


@contextlib.contextmanager
def seeded(seed, leaves=()):
    """Seed the generators inside the block, unless `seed` is None, and put the states of NumPy's and Python's back at the end.

    CuPy's is seeded if one of `leaves` lives on the device; its state cannot be put back.
    """
    if seed is None:
        yield
        return
    states = random.getstate(), np.random.get_state()
    reseed(seed)
    on_device = [x for x in leaves if backend.is_array(x) and backend.device_of(x) != "cpu"]
    if on_device and hasattr(backend.array_module(on_device[0]), "random"):
        backend.array_module(on_device[0]).random.seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


def reseed(seed):
    """Seed the generators that functions draw from without being given one: NumPy's and Python's."""
    random.seed(seed)
    np.random.seed(seed % 2**32)


def _form(backward, cache, inputs, name):
    """Return how the backward wants to be called: "list", "cache", "g" (alone) or "inputs"."""
    if isinstance(backward, (list, tuple)):
        return "list"
    if cache:
        return "cache"
    try:
        signature = inspect.signature(backward)
    except (TypeError, ValueError):
        return "inputs"
    for form, count in (("inputs", 1 + len(inputs)), ("g", 1)):
        with contextlib.suppress(TypeError):
            signature.bind(*range(count))
            return form
    wanted = ", ".join(["g", *(f"input{i}" for i in range(len(inputs)))])
    raise TypeError(f"check_vjp: the backward of {name} takes {signature}; it must take ({wanted}), g alone, or with cache=True (g, cache)")


def _is_array(x):
    return backend.is_array(x) or isinstance(x, np.ndarray | np.floating)


def _is_float(x):
    return (_is_array(x) or isinstance(x, np.floating | float)) and getattr(x, "dtype", np.dtype(float)).kind == "f"


def copy_of(x):
    """Return a copy of an array, in the same order in memory, where it lives."""
    return x.copy(order="K") if type(x) is np.ndarray else np.array(x) if isinstance(x, np.ndarray | np.floating) else backend.copy(x)


def _laid_out(w, y, layout):
    """Return the cotangent `w` where the output `y` lives, in memory as `layout` says; a scalar of NumPy if `y` is no array."""
    if not _is_array(y):
        return w[()]
    g = backend.to_device(w, backend.device_of(y))
    if not g.ndim or not g.size or layout is None:
        return g
    if layout == REPEATED:
        return backend.array_module(g).broadcast_to(g[(slice(0, 1),) * g.ndim], g.shape)
    if layout == "reversed":
        back = (slice(None, None, -1),) * g.ndim
        return g[back].copy("C")[back]
    return g.T.copy("C").T


def _device(x):
    return backend.device_of(x) if backend.is_array(x) else "cpu"


def _kind(x):
    return f"a {type(x).__name__}"
