"""`Subject`: a function, its inputs and its gradients, as a check sees them whatever library they belong to."""

from __future__ import annotations

import contextlib
import functools
import inspect
from typing import Any

import numpy as np

from ..findings import BlindSpot, Stop
from ..reached import never_run
from ..snapshots import same
from .trees import flatten, pick


class Subject:
    """A function, and the inputs whose gradients are checked. Each library has a subclass, which defines the methods that raise here.

    arrays: the values of the checked inputs, as NumPy arrays of the host; names: what these inputs are called in messages;
    numbers: which of all inputs they are (parameters count after the inputs).
    outputs: [(name, shape)] of the floating-point outputs, after `record`; n: the number of all their elements.
    """

    library = ""
    composed = True  # whether the function may be composed of several that are right by themselves

    def __init__(self, function, inputs, *, params=None, names=None, seed=None, inplace=False, dtype=None):
        self.function, self.inputs, self.params = function, tuple(inputs), params
        self.name, self.seed, self.inplace, self.dtype = name_of(function), seed, inplace, dtype
        self.own_names = argument_names(function, len(self.inputs)) if names is None else list(names)
        if len(self.own_names) != len(self.inputs):
            raise ValueError(f"gradcheck: {len(self.own_names)} names for the {len(self.inputs)} inputs of {self.name}")
        leaves = [part for name, x in zip(self.own_names, self.inputs) for part in self.flatten(x, name)]
        self.own = len(leaves)  # leaves of the inputs; those of the parameters follow
        leaves += [(f"params[{key!r}]", value) for key, value in self.parameters().items()]
        self.leaves, self.leaf_names = [leaf for _, leaf in leaves], [name for name, _ in leaves]
        self.numbers = self.select()
        if not self.numbers:
            raise ValueError(self.nothing_to_check())
        self.names = [self.leaf_names[i] for i in self.numbers]
        self.arrays = [np.array(self.to_host(self.leaves[i])) for i in self.numbers]
        self.outputs: list[tuple[str, tuple]] = []
        self.n = 0
        self.check_inputs()

    # ---- what a library defines

    def flatten(self, tree: Any, name: str) -> list[tuple[str, Any]]:
        """Return [(name, leaf)] of an input or an output."""
        return flatten(tree, name)

    def parameters(self) -> dict[str, Any]:
        """Return {name: parameter} of `params`."""
        return dict(self.params or {})

    def select(self) -> list[int]:
        """Return the numbers of the leaves whose gradients are to be checked."""
        raise NotImplementedError

    def nothing_to_check(self) -> str:
        """Return the message for inputs of which none can be checked."""
        return f"gradcheck: no input of {self.name} is an array of floating-point numbers"

    def to_host(self, leaf: Any) -> np.ndarray:
        """Return a leaf or an output as a NumPy array."""
        raise NotImplementedError

    def run(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """Return the floating-point outputs for these values of the checked inputs."""
        raise NotImplementedError

    def trace(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """Run the function such that `pull` gives its gradients at these values; return the floating-point outputs."""
        raise NotImplementedError

    def pull(self, cotangents: list[np.ndarray]) -> list[np.ndarray | None]:
        """Return the gradient of Σ cotangent · output for each checked input, at the values that were last traced."""
        raise NotImplementedError

    def of_gradient(self, stream) -> Subject:
        """Return the subject of the next order: the gradients as a function of the inputs and of the cotangents."""
        raise ValueError(f"gradcheck: order=2 needs a backward that can itself be differentiated; check that of {self.name} as a function")

    def inspect(self, stream) -> None:
        """Look at the parts of a traced function that the library knows; raise Stop for a fault."""

    def blame(self, check: Any) -> Any:
        """Return the failed check of the first part of the function that is wrong when checked alone; None if there is none."""
        return None

    def repeats(self, a: np.ndarray, b: np.ndarray) -> bool:
        """Return whether the results of two runs are the same."""
        return same(a, b)

    def complex_run(self, arrays: list[np.ndarray]) -> list[np.ndarray] | None:
        """Return the outputs for complex values of the checked inputs; None if the function does not accept them."""
        return None

    def never_reached(self, check: Any) -> list:
        """Return the Findings for parts of the function that no gradient reached."""
        return []

    def code(self) -> list:
        """Return the Python functions that the check runs: the function, and its backward where it is one."""
        return [self.function]

    def unused_code(self, check: Any) -> list:
        """Return a BlindSpot for each line of the function and of its backward that was never run."""

        def once():
            self.value()
            self.record()
            self.gradients(check.stream.standard_normal(self.n))

        return [BlindSpot("a mistake in a line that is never run", self.name, False, line) for line in never_run(once, self.code())]

    def imprecise_part(self, check: Any) -> Any:
        """Return the failed check of a part of the function whose backward is imprecise; None if there is none."""
        return None

    def surrogate(self, function: Any, arrays: list[np.ndarray]) -> float:
        """Return the value of a surrogate objective, a scalar function of the inputs, at these values."""
        raise NotImplementedError

    def picked(self, found: Any) -> list[Any]:
        """Return, of the gradients that an `expected` function returned, those of the checked inputs; parameters come last."""
        gradients = pick(found, self.inputs, self.numbers, self.own, len(self.leaves))
        if gradients is None:
            raise ValueError(f"gradcheck: expected= must return one gradient for each of {len(self.numbers)} checked inputs of {self.name}")
        return gradients

    def expected(self, function: Any, cotangents: list[np.ndarray]) -> list[np.ndarray | None]:
        """Return the gradients that `function(g, *inputs)` gives for the checked inputs."""
        raise NotImplementedError

    # ---- what the check calls

    def check_inputs(self):
        """Raise TypeError for an input whose precision was not asked for."""
        for name, array in zip(self.names, self.arrays):
            wanted = self.dtype or np.dtype("float64")
            if array.dtype != wanted:
                raise TypeError(f"gradcheck: {name} of {self.name} is {array.dtype}; numeric derivatives are most exact in float64: "
                                f"{self.remedy()}, or pass dtype=\"{array.dtype}\" for a check with less precision")

    def remedy(self) -> str:
        """Return what to write for a float64 input."""
        return "pass x.astype(\"float64\")"

    def value(self, arrays=None) -> np.ndarray:
        """Return all elements of all outputs as one row of float64. `arrays` are other values of the checked inputs."""
        return self._row(self.run(self.arrays if arrays is None else arrays))

    def record(self, arrays=None) -> np.ndarray:
        """Run the function such that `gradients` works, at these values; return its outputs as `value` does."""
        found = self.trace(self.arrays if arrays is None else arrays)
        self.outputs = [("out" if len(found) == 1 else f"out[{i}]", y.shape) for i, y in enumerate(found)]
        self.kinds = [y.dtype for y in found]
        row = self._row(found)
        self.n = row.size
        return row

    def gradients(self, w) -> list[np.ndarray]:
        """Return d(Σ w · outputs)/d(input) for each checked input as a row of float64. `w` has a number for each output element."""
        found = self.pull(self.split(w))
        self.gradient_kinds = [a.dtype if g is None else g.dtype for a, g in zip(self.arrays, found)]
        rows = []
        for i, (array, g) in enumerate(zip(self.arrays, found)):
            if g is not None and g.shape != array.shape:
                self.misfit(i, g)
            rows.append(np.zeros(array.size) if g is None else np.asarray(g, "float64").reshape(-1))
        return rows

    def split(self, w) -> list[np.ndarray]:
        """Return a row of cotangents as one array for each output."""
        parts, start = [], 0
        for (_, shape), kind in zip(self.outputs, self.kinds):
            size = int(np.prod(shape))
            parts.append(w[start : start + size].reshape(shape).astype(kind))
            start += size
        return parts

    def misfit(self, i, g):
        """Raise Stop for a gradient that has not its argument's shape."""
        shape = self.arrays[i].shape
        verdict, cure = misfit(g.shape, shape, [y for _, y in self.outputs])
        raise Stop(verdict, f"the gradient for {self.names[i]} has shape {g.shape}, not {shape}{cure}", i)

    def place(self, row: int) -> tuple[str, tuple, int]:
        """Return (name, index) of the output element number `row`, and the number of its output."""
        for number, (name, shape) in enumerate(self.outputs):
            size = int(np.prod(shape))
            if row < size:
                return name, unravel(row, shape), number
            row -= size
        raise IndexError(row)

    def _row(self, outputs):
        if not outputs:
            kind = "tensor" if self.library in ("minigrad", "torch") else "array"
            raise TypeError(f"gradcheck: {self.name} returned no floating-point {kind}")
        return np.concatenate([np.asarray(y, "float64").reshape(-1) for y in outputs])


def misfit(found, wanted, outputs=()) -> tuple[str, str]:
    """Return (verdict, what to do) for a gradient of shape `found` whose argument has shape `wanted`. `outputs` are the outputs' shapes."""
    if len(wanted) > 1 and found == (*wanted[:-2], wanted[-1], wanted[-2]):
        return "transposed", ""
    grown = len(found) > len(wanted) or any(n != m for n, m in zip(found, wanted))
    fits = len(found) >= len(wanted) and all(m in (n, 1) for n, m in zip(found[::-1], wanted[::-1]))
    if grown and fits and (found in outputs or not outputs):
        return "broadcast", "; sum it over the axes along which the argument was broadcast"
    return "shape", ""


def name_of(function) -> str:
    """Return the name of a function for messages: that of an operation, of a Function's class, in its definition, or "Class.method"."""
    if isinstance(function, functools.partial):
        return name_of(function.func)
    owner = getattr(function, "__self__", None)
    if inspect.ismethod(function) and not isinstance(owner, type):
        return f"{type(owner).__name__}.{function.__name__}"
    return owner.__name__ if isinstance(owner, type) else getattr(function, "__name__", type(function).__name__)


def argument_names(function, count) -> list[str]:
    """Return the names of the first `count` positional arguments of a function; "input 0" and so on where they are not known."""
    names: list[str] = []
    with contextlib.suppress(TypeError, ValueError):
        for p in inspect.signature(function).parameters.values():
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
                names.append(p.name)
            elif p.kind == p.VAR_POSITIONAL:
                names += [f"{p.name.lstrip('_') or 'input'}[{i}]" for i in range(count - len(names))]
    return [*names, *(f"input {i}" for i in range(len(names), count))][:count]


def unravel(i, shape) -> tuple[int, ...]:
    """Return the index of element number `i` of an array of `shape`."""
    return tuple(int(k) for k in np.unravel_index(i, shape)) if shape else ()
