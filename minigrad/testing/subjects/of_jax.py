"""JAX functions, also jitted ones and those with a custom VJP, as subjects of a check."""

from __future__ import annotations

import contextlib
import re

import jax
import numpy as np
from jax import numpy as jnp

from ..findings import Stop
from ..snapshots import same, same_but_for_order
from .base import Subject, argument_names, misfit
from .of_vjp import seeded
from .trees import flatten, rebuild


class JaxSubject(Subject):
    """A function of pytrees. The arrays of floating-point numbers in them are checked, JAX's and NumPy's alike.

    Everything runs with JAX's 64-bit numbers enabled, unless a lower precision was asked for. A complex number counts as two real ones.
    """

    library = "jax"

    @property
    def composed(self):
        """Whether the function is more than one custom_vjp."""
        return not hasattr(self.function, "defvjp")

    def __init__(self, function, inputs, *, params=None, names=None, chosen=None, dtype=None, **options):
        if params is not None:
            raise ValueError("check_jax: functions of JAX take their parameters as an argument; pass them as an input, not as params=")
        self.inputs, self.chosen = tuple(inputs), chosen
        self.x64 = np.dtype(dtype or "float64") == np.float64
        self.own_names = argument_names(function, len(self.inputs)) if names is None else list(names)
        self.labels: list[str] | None = None  # the names of the outputs, where the tree does not say them
        with self._precision():
            super().__init__(function, self.inputs, names=self.own_names, dtype=dtype, **options)

    def flatten(self, tree, name):
        """Return [(name, leaf)] of a pytree; JAX's leaves are taken apart further where they are nested for Python."""
        pairs = jax.tree_util.tree_flatten_with_path(tree)[0]
        return [part for path, leaf in pairs for part in flatten(leaf, name + jax.tree_util.keystr(path))]

    def select(self):
        """Return the numbers of the arrays of floating-point numbers."""
        return [i for i, x in enumerate(self.leaves) if _is_float(x)] if self.chosen is None else self.chosen

    def check_inputs(self):
        """Raise TypeError for an array that NumPy has no name for, or whose precision was not asked for."""
        for name, i in zip(self.names, self.numbers):
            kind = self.leaves[i].dtype.name
            if kind not in ("float64", "float32", "float16", "complex128", "complex64"):
                raise TypeError(f"gradcheck: {name} of {self.name} is {kind}, which cannot be checked: {self.remedy()}")
        super().check_inputs()

    def remedy(self):
        """Return what to write for a float64 input."""
        return "pass numpy.asarray(x, \"float64\"), with which JAX computes in float64 during the check"

    def to_host(self, leaf):
        """Return an array as NumPy's. A complex one has a last axis of real and imaginary part."""
        array = np.asarray(leaf)
        if array.dtype.kind == "c":
            return np.stack([array.real, array.imag], axis=-1)
        return array if array.dtype.kind in "fiub" else array.astype("float32")  # bfloat16 and smaller

    @contextlib.contextmanager
    def _precision(self):
        """Enable 64-bit numbers inside the block, unless a lower precision was asked for."""
        if not self.x64:
            yield
            return
        enabled = getattr(jax, "enable_x64", None)
        if enabled is None:
            from jax.experimental import enable_x64 as enabled
        with enabled(True):
            yield

    @contextlib.contextmanager
    def _explained(self, part):
        """Turn JAX's errors that tell of a wrong gradient into Stop, and add to others which function was checked."""
        try:
            yield
        except Stop:
            raise
        except Exception as error:
            text = str(error)
            if "same container (pytree) structure as the args tuple" in text:
                raise Stop("count", f"a bwd rule returns another number of gradients than there are arguments: {text}") from error
            shapes = re.search(r"type \w+\[([\d,]*)\] corresponding to an input of type \w+\[([\d,]*)\]", text)
            if shapes and "bwd rule" in text:
                found, wanted = (tuple(int(n) for n in shape.split(",") if n) for shape in shapes.groups())
                verdict, cure = misfit(found, wanted, [shape for _, shape in self.outputs])
                place = re.search(r"output\[(\d+)\]", text)
                function = self.function
                while not isinstance(function, jax.custom_vjp) and hasattr(function, "__wrapped__"):  # jitted
                    function = function.__wrapped__
                flat = isinstance(function, jax.custom_vjp) and self.own == len(self.inputs) and place
                i = self.numbers.index(int(place[1])) if flat and int(place[1]) in self.numbers else None
                what = f"the gradient for {self.names[i]}" if i is not None else "a gradient of a bwd rule"
                raise Stop(verdict, f"{what} has shape {found}, not {wanted}{cure}", i) from error
            error.add_note(f"raised in the {part} of {self.name}, which the gradient check ran")
            raise

    def _fill(self, values):
        """Return the inputs with `values` for the checked leaves."""
        leaves = list(self.leaves)
        for i, value in zip(self.numbers, values):
            leaves[i] = value
        parts, filled = iter(leaves), []
        for x in self.inputs:
            given, tree = jax.tree_util.tree_flatten(x)
            filled.append(jax.tree_util.tree_unflatten(tree, [rebuild(leaf, parts) for leaf in given]))
        return filled

    def _arrays(self, arrays):
        """Return the values of the checked leaves as JAX's arrays."""
        found = [a[..., 0] + 1j * a[..., 1] if self.leaves[i].dtype.kind == "c" else a for i, a in zip(self.numbers, arrays)]
        return [jnp.asarray(np.array(a)) for a in found]

    def _call(self, values):
        """Return [(name, floating-point output)] for these values of the checked leaves."""
        y = self.function(*self._fill(values))
        self.single = not isinstance(y, (tuple, list, dict)) and jax.tree_util.all_leaves([y])
        return [(name, t) for name, t in self.flatten(y, "out") if _is_float(t)]

    def run(self, arrays):
        """Return the floating-point outputs."""
        with self._precision(), seeded(self.seed), self._explained("function"):
            return [np.array(self.to_host(t)) for _, t in self._call(self._arrays(arrays))]

    def trace(self, arrays):
        """Record a run with jax.vjp, whose function `pull` calls."""
        self.traced = [np.array(a) for a in arrays]
        with self._precision(), seeded(self.seed), self._explained("function"):
            def outputs(*values):
                found = self._call(values)
                self.output_names = [name for name, _ in found]
                return [t for _, t in found]

            found, self.back = jax.vjp(outputs, *self._arrays(arrays))
            self.kinds = [t.dtype for t in found]
            return [np.array(self.to_host(t)) for t in found]

    def record(self, arrays=None):
        """Record a run; name the outputs as they are nested."""
        row = super().record(arrays)
        names = self.labels or self.output_names
        self.outputs = [(name, shape) for name, (_, shape) in zip(names, self.outputs)]
        return row

    def pull(self, cotangents):
        """Return the gradients. JAX's gradient of a complex number is the conjugate of the pair of derivatives."""
        with self._precision(), seeded(self.seed), self._explained("backward"):
            found = self.back(self._cotangents(cotangents))
            return [np.array(self.to_host(jnp.conj(g))) for g in found]

    def _cotangents(self, cotangents):
        """Return cotangents in the dtypes of the outputs."""
        return [_typed(jnp.asarray(c), kind) for c, kind in zip(cotangents, self.kinds)]

    def complex_run(self, arrays):
        """Return the outputs for complex values of the inputs."""
        if any(self.leaves[i].dtype.kind == "c" for i in self.numbers):
            return None
        try:
            with self._precision(), seeded(self.seed):
                outputs = [t for _, t in self._call([jnp.asarray(a) for a in arrays])]
                return [np.array(t) for t in outputs] if all(t.dtype.kind == "c" for t in outputs) else None
        except Exception:
            return None

    def of_gradient(self, stream):
        """Return the gradients as a function of the inputs and of the cotangents, which are drawn."""
        self.trace(self.arrays)
        shapes, kinds, count = [y.shape for y in self.run(self.arrays)], self.kinds, len(self.inputs)
        cotangents = [np.asarray(stream.standard_normal(s), self.dtype or "float64") for s in shapes]

        def gradient(*values):
            leaves = [leaf for x in values[:count] for _, leaf in self.flatten(x, "")]
            _, back = jax.vjp(lambda *xs: [t for _, t in self._call(xs)], *[leaves[i] for i in self.numbers])
            return [jnp.conj(g) for g in back([_typed(g, kind) for g, kind in zip(values[count:], kinds)])]

        gradient.__name__ = f"gradient of {self.name}"
        names = [*self.own_names, *(["g"] if len(cotangents) == 1 else [f"g[{i}]" for i in range(len(cotangents))])]
        chosen = [*self.numbers, *range(self.own, self.own + len(cotangents))]
        made = type(self)(gradient, (*self.inputs, *cotangents), names=names, seed=self.seed, dtype=self.dtype, chosen=chosen)
        made.labels = [f"(d/d {name})" for name in self.names]
        return made

    def repeats(self, a, b):
        """Return whether two runs gave the same numbers; on an accelerator, where sums are added up in varying order, up to rounding."""
        return (same if jax.default_backend() == "cpu" else same_but_for_order)(a, b)

    def surrogate(self, function, arrays):
        """Return the value of a surrogate objective of the inputs."""
        with self._precision(), seeded(self.seed):
            return float(function(*self._fill(self._arrays(arrays))))

    def picked(self, found):
        """Return, of the gradients that an `expected` function returned, those of the checked inputs, in the order of JAX's leaves."""
        for is_leaf in (lambda x: x is None, None):
            leaves = jax.tree_util.tree_leaves(found, is_leaf=is_leaf)
            if len(leaves) == self.own:
                return [leaves[i] for i in self.numbers]
            if len(leaves) == len(self.numbers):
                return leaves
        return super().picked(found)

    def expected(self, function, cotangents):
        """Return what `function(g, *inputs)` gives: a gradient for each input, or for each checked one."""
        with self._precision(), seeded(self.seed):
            gs = self._cotangents(cotangents)
            found = function(gs[0] if self.single else tuple(gs), *self._fill(self._arrays(self.traced)))
            return [None if g is None else np.array(self.to_host(g)) for g in self.picked(found)]


def _is_float(x):
    """Return whether `x` is an array of real or complex numbers; a tracer is one, a key for random numbers is not."""
    return isinstance(x, (np.ndarray, jax.Array)) and jnp.issubdtype(x.dtype, jnp.inexact)


def _typed(g, kind):
    """Return a cotangent as JAX pairs it with an output of this dtype: for a complex one, the conjugate of the pair of derivatives."""
    return (g[..., 0] - 1j * g[..., 1] if jnp.issubdtype(kind, jnp.complexfloating) else g).astype(kind)
