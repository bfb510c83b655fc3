"""Higher derivatives: recorded operations are run again on Tensors, and the VJPs of this run are tied to what the first run kept.

Called on Tensors, an operation's body returns VJPs whose cells hold Tensors, so that calling them records a graph. This second run only
shows what each cell holds: an argument, the value, or something computed from them. The numbers are always those that the recorded VJPs
hold. So a value that was written to under `no_grad`, an array that was exchanged, or a mask that the body drew at random counts as it did
in the first derivative. No array is kept for higher derivatives, and each operation has one body.

- A cell with an argument or the value gets the recorded array, tied to the argument's or the operation's own node.
- A cell with something that has no graph, such as a mask or a number, gets what the recorded VJP holds: it is a constant.
- Something that was computed from the arguments must have the same bits as what the recorded VJP holds. Otherwise it is not known how
  that depends on the arguments, and `backward` raises an error that names the operation.

A Function's `forward` never runs again: its `backward` works on Tensors as it is.
"""

from __future__ import annotations

import types
from functools import partial
from typing import Any

from .. import backend
from . import writes
from .engine import op
from .graph import Node, Tensor, wrap
from .modes import in_mode
from .visits import nodes_before
from .writes import held, written_since

CONSTANTS = (int, float, complex, str, bytes, range, slice, type, types.EllipsisType, types.NoneType, backend.dtype, backend.NumPyScalar)


def recording_vjps(starts):
    """Return {node: VJPs that record what they do} for the starts and all before them. Where there are none, they raise RuntimeError."""
    return in_mode(True, _recording_vjps, starts)


def _recording_vjps(starts):
    again: dict = {}
    values: dict = {}  # node -> (its value as far as that is known, whether that may be wrong)
    for node in nodes_before(starts):
        given = _given(node, values)
        if hasattr(node.op, "output"):  # a Function's
            array = node.op.output()
            again[node], values[node] = node.vjps, _unknown(node, given) if array is None else (array, False)
            continue
        run = _Run(node, given)
        try:
            again[node] = run.vjps()
        except Exception as error:  # any error, as the body may run on other numbers than at first
            error = error if isinstance(error, _Different) else _Different(node, f"computing it again failed ({error})")
            again[node] = [partial(_refuse, str(error))] * len(node.vjps)
        values[node] = _unknown(node, given) if run.value is None else (run.value.array.astype(node.dtype, copy=False), any(run.doubts))
    return again


def _given(node, values):
    """Return for each argument of a node (the number or array, whether that may have changed since the node was recorded)."""
    given = []
    for parent, constant in zip(node.parents, node.constants or (None,) * len(node.parents)):
        if type(parent) is Node:
            array, in_doubt = values[parent]
            given.append((array, in_doubt or writes.latest > parent.tick))
        else:
            array = getattr(constant, "array", constant) if parent is None else parent.array
            given.append((array, writes.latest > node.tick and backend.is_array(array) and written_since(array, node.tick)))
    return given


def _unknown(node, given):
    """Return NaNs in place of a value that no longer exists: a VJP that needed it would hold it."""
    xp = backend.array_module(next(array for array, _ in given if backend.is_array(array)))
    return xp.broadcast_to(xp.full((), float("nan"), dtype=node.dtype), node.shape), True


def _refuse(message, g):
    """Raise the error that says why a node has no VJPs that record what they do, when such a VJP is called."""
    raise RuntimeError(message)


class _Different(RuntimeError):
    """Raised where an operation, run again, does not compute what its recorded VJPs hold."""

    def __init__(self, node, what):
        super().__init__(
            f"backward: {node.op.__name__} (output shape {tuple(node.shape)}) cannot be differentiated twice: {what}. "
            "Change no tensor in place that it was computed from, and let its body depend on the arguments alone; "
            "or write a Function, which does not run again")


class _Run:
    """One recorded operation, to be run again."""

    def __init__(self, node, given):
        self.node, self.arrays, self.doubts = node, [array for array, _ in given], [doubt for _, doubt in given]
        self.value: Any = None
        self.is_wide = node.op.wide and node.dtype == backend.float16  # whether it computes in float32
        self.dtype = backend.float32 if self.is_wide else node.dtype

    def vjps(self):
        """Return VJPs that record what they do."""
        before = self.arrays
        vjps = self._tied()
        if self.computed and any([a is not b for a, b in zip(self.arrays, before)]):
            vjps = self._tied()  # what is computed from the arguments must come from the arrays that the recorded VJPs hold
        if self.computed:
            if self.different:
                raise _Different(self.node, "what its VJPs hold beside them is not what is computed now")
            for i, doubt in enumerate(self.doubts):
                if doubt and i not in self.confirmed:
                    raise _Different(self.node, f"its argument {i} may have been changed in place afterwards")
        return vjps

    def _tied(self):
        """Return the VJPs of another run of the body, tied to the recorded ones; put the arguments that those hold into `arrays`."""
        node, self.arrays = self.node, list(self.arrays)
        self.confirmed, self.functions = set(), set()  # the numbers of arguments that a VJP holds; functions that are tied
        self.computed = self.different = False  # whether a VJP holds what was computed from the arguments; whether that differs
        arguments = [self._argument(i) for i in range(len(self.arrays))]
        self.places = {id(a): i for i, a in enumerate(arguments) if isinstance(a, Tensor)}
        options = node.options or {}
        self.value, *vjps = node.op.raw(*arguments, **(backend.widened_options(options) if self.is_wide else options))
        if self.is_wide:
            vjps = [vjp and partial(backend.rounded_vjp, vjp) for vjp in vjps]
        tied = [None if old is None else self._tie(old, new) for old, new in zip(node.vjps, vjps, strict=True)]
        if node.op.steps:
            tied = [partial(_depending_on, arguments, new) if any(True for _ in held(old)) else new for old, new in zip(node.vjps, tied)]
        return tied

    def _argument(self, i):
        """Return argument `i` as a Tensor tied to the graph, in the dtype to which the operation promotes; as it is if it was none."""
        array, node = self.arrays[i], self.node
        if not backend.is_array(array):
            return array
        if array.dtype != self.dtype and (node.op.promotes or (self.is_wide and array.dtype == backend.float16)):
            array = array.astype(self.dtype)
        raw = node.parents[i] is None and not isinstance(node.constants[i], Tensor)
        return array if raw else wrap(array, node.parents[i])

    def _tie(self, old, new):
        """Return what a VJP of this run must hold instead of `new`, where the recorded one holds `old`."""
        kind = type(new)
        if isinstance(new, Tensor):
            return self._tie_tensor(old, new)
        if new is old or kind is types.ModuleType or hasattr(new, "raw"):  # an operation stands for NumPy's function of its name
            return new
        if kind is type(old):
            if kind is types.FunctionType and new.__code__ is old.__code__:
                return self._tie_function(old, new)
            if kind is partial:
                function, args, options = self._tie((old.func, old.args, old.keywords), (new.func, new.args, new.keywords))
                return partial(function, *args, **options)
            if kind is types.MethodType:
                return types.MethodType(self._tie(old.__func__, new.__func__), self._tie(old.__self__, new.__self__))
            if kind is dict and new.keys() == old.keys():
                return {k: self._tie(old[k], new[k]) for k in new}
        if isinstance(new, (tuple, list)) and isinstance(old, (tuple, list)) and len(new) == len(old):
            if all([type(n) is int for n in new]):  # a shape
                return old
            parts = [self._tie(o, n) for o, n in zip(old, new)]
            return old if all([p is o for p, o in zip(parts, old)]) else type(old)(parts)
        if all([isinstance(x, CONSTANTS) or backend.is_array(x) for x in (old, new)]):
            return old
        raise _Different(self.node, f"its VJP holds another {type(old).__name__} now")

    def _tie_function(self, old, new):
        if new in self.functions:
            return new
        self.functions.add(new)
        for before, cell in zip(old.__closure__ or (), new.__closure__ or ()):
            try:
                held, now = before.cell_contents, cell.cell_contents
            except ValueError:  # not filled yet
                continue
            if now is not held and (tied := self._tie(held, now)) is not now:
                cell.cell_contents = tied
        if new.__defaults__ or new.__kwdefaults__:
            new.__defaults__, new.__kwdefaults__ = self._tie((old.__defaults__, old.__kwdefaults__), (new.__defaults__, new.__kwdefaults__))
        return new

    def _tie_tensor(self, old, new):
        place, array = self.places.get(id(new)), getattr(old, "array", old)
        if not backend.is_array(array):
            array = backend.asarray(array, new.dtype, like=new.array)  # NumPy's 0-d results are scalars
        if place is not None:
            self.confirmed.add(place)
            self.arrays[place] = new.array = array
        elif new is self.value:
            new.array, new.node, new._requires_grad = array, self.node, True
        elif not new._requires_grad:
            return wrap(array)
        else:
            self.computed, self.different = True, self.different or not _have_same_bits(new.array, array)
        return new


def _depending_on(arguments, vjp, g):
    """Return vjp(g), which changes in steps and so has no graph, as a function of the arguments with derivative 0."""
    c = vjp(g)
    return c if c._requires_grad else constant_in(c, *[a for a in arguments if isinstance(a, Tensor) and a._requires_grad])


@op
def constant_in(x, *others):
    """y = x, as a function of the others too,  dL/dx = g,  dL/dothers = 0"""
    return x, lambda g: g, *[partial(_zeros, other) for other in others]


def _zeros(x, g):
    xp = backend.array_module(x)
    return xp.astype(xp.zeros_like(x), g.dtype)  # x is float32 where an operation is wide, its gradient float16


def _have_same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and backend.to_numpy(a).tobytes() == backend.to_numpy(b).tobytes()
