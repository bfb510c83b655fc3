"""NumPy and CuPy functions with a backward that was written by hand, as subjects of a check."""

from __future__ import annotations

import contextlib
import inspect

import numpy as np

from ... import backend
from ..findings import Stop
from .base import Subject
from .trees import rebuild


class VjpSubject(Subject):
    """forward(*arrays) and backward(g, *arrays), or one of the forms that `check_vjp` describes.

    Each run gets new arrays, which a run's forward and backward share, as they do where a network is trained.
    """

    library = "numpy"

    def __init__(self, forward, backward, arrays, *, cache=False, grads=None, **options):
        self.backward, self.cache, self.grads = backward, cache, grads
        super().__init__(forward, arrays, **options)
        if self.params and grads is None:
            raise ValueError(f"check_vjp: pass grads=, a function that returns {{name: gradient}} of {self.name}'s params after a backward")
        self.form = _form(backward, cache, self.inputs, self.name)

    def select(self):
        """Return the numbers of the arrays of floating-point numbers."""
        return [i for i, x in enumerate(self.leaves) if backend.is_array(x) and x.dtype.kind == "f"]

    def to_host(self, leaf):
        """Return an array or a number as a NumPy array."""
        return backend.to_numpy(leaf) if backend.is_array(leaf) else np.asarray(leaf)

    def _prepare(self, arrays):
        """Return new inputs with these values, where the given ones live; write those of parameters into them."""
        leaves = list(self.leaves)
        for i, array in zip(self.numbers, arrays):
            new = backend.to_device(np.array(array), backend.device_of(self.leaves[i]))
            if i < self.own:
                leaves[i] = new
            else:
                self.leaves[i][...] = new
        if self.seed is not None:
            reseed(self.seed)
        parts = iter(leaves[: self.own])
        return [rebuild(x, parts) for x in self.inputs], [leaves[i] for i in self.numbers]

    def _forward(self, arrays):
        """Return (the inputs, the outputs, the cache). Raise Stop if the function changed an input that it may not write to."""
        inputs, checked = self._prepare(arrays)
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
            for i, (x, array) in enumerate(zip(checked, arrays)):
                if not np.array_equal(self.to_host(x), array, equal_nan=True):
                    raise Stop("mutation", f"the forward changed its input {self.names[i]}; compute with a copy of it", i)
        return inputs, checked, outputs, cache

    def run(self, arrays):
        """Return the floating-point outputs of the forward."""
        with self._parameters_kept():
            return [np.array(self.to_host(t)) for t in self._forward(arrays)[2]]

    def trace(self, arrays):
        """Run the forward, whose inputs and cache `pull` gives to the backward."""
        self.traced = [np.array(a) for a in arrays]
        return self.run(arrays)

    def pull(self, cotangents):
        """Run forward and backward once, and return the gradients. Raise Stop where g, an input or the output was overwritten.

        The forward runs again each time, as a layer object may keep what it computed last.
        """
        with self._parameters_kept():
            inputs, checked, outputs, cache = self._forward(self.traced)
            before = [np.array(self.to_host(t)) for t in (*checked, *outputs)]
            parts = [backend.to_device(w.astype(self.to_host(t).dtype), _device(t)) for w, t in zip(cotangents, outputs)]
            given = iter(parts)
            gs = [next(given) if _is_float(t) else None for t in self.given]
            g = gs[0] if self.single else tuple(gs)
            found = self._call(g, inputs, cache)
            if not all(np.array_equal(self.to_host(p), w.astype(p.dtype), equal_nan=True) for p, w in zip(parts, cotangents)):
                raise Stop("mutation", "the backward changed the gradient g that it was given; other functions see the same array")
            for i, (x, old) in enumerate(zip((*checked, *outputs), before)):
                if not np.array_equal(self.to_host(x), old, equal_nan=True):
                    what = f"its input {self.names[i]}" if i < len(checked) else "the output"
                    raise Stop("mutation", f"the backward changed {what}: a second pass gives another gradient", i if i < len(checked) else None)
            return self._sort(found)

    def _call(self, g, inputs, cache):
        """Return what the backward gives, as one list."""
        if self.form == "list":
            return [None if f is None else f(g, *inputs) for f in self.backward]
        found = self.backward(g, cache) if self.form == "cache" else self.backward(g) if self.form == "g" else self.backward(g, *inputs)
        if isinstance(found, dict):
            return found
        return list(found) if isinstance(found, (tuple, list)) else [found]

    def _sort(self, found):
        """Return the gradients of the checked inputs, of what the backward returned. Raise Stop if their number is wrong."""
        own = [i for i in self.numbers if i < self.own]
        if isinstance(found, dict):
            raise TypeError(f"check_vjp: the backward of {self.name} returned a dict; return one gradient for each input, and pass grads= for params")
        if len(self.inputs) == 1 and len(found) != 1 and len(found) != self.own:
            found = [np.asarray(found)] if all(np.ndim(x) == 0 for x in found) else found
        if len(found) == self.own:
            picked = [found[i] for i in own]
        elif len(found) == len(own):
            picked = list(found)
        else:
            raise Stop("count", f"the backward returned {len(found)} gradients for {self.own} inputs")
        grads = self.grads() if self.grads is not None else {}
        picked += [grads.get(key) for key in self.parameters()]
        return [None if g is None else np.array(self.to_host(g)) for g in picked]

    @contextlib.contextmanager
    def _parameters_kept(self):
        """Put the values of the parameters back at the end."""
        kept = [(self.leaves[i], self.to_host(self.leaves[i]).copy()) for i in self.numbers if i >= self.own]
        try:
            yield
        finally:
            for array, old in kept:
                array[...] = backend.to_device(old, backend.device_of(array))

    def surrogate(self, function, arrays):
        """Return the value of a surrogate objective of the inputs."""
        with self._parameters_kept():
            return float(function(*self._prepare(arrays)[0]))

    def expected(self, function, cotangents):
        """Return what `function(g, *inputs)` gives."""
        inputs, _ = self._prepare(self.traced)
        found = function(cotangents[0] if self.single else tuple(cotangents), *inputs)
        return self._sort(list(found) if isinstance(found, (tuple, list)) else [found])


def reseed(seed):
    """Seed the generators that functions draw from without being given one: NumPy's and Python's."""
    import random

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
    raise TypeError(f"check_vjp: the backward of {name} takes {signature}; it must take (g, {', '.join(f'input{i}' for i in range(len(inputs)))}), "
                    "g alone, or with cache=True (g, cache)")


def _is_float(x):
    return (backend.is_array(x) or isinstance(x, np.floating | float)) and getattr(x, "dtype", np.dtype(float)).kind == "f"


def _device(x):
    return backend.device_of(x) if backend.is_array(x) else "cpu"


def _kind(x):
    return f"a {type(x).__name__}"
