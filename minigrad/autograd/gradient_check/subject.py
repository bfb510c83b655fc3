"""The function that gradcheck checks: its values, also with an input moved, its gradients and its recorded operations."""

from __future__ import annotations

import functools

from ... import backend
from ...backend import array_module, device_of, to_device, to_numpy
from .. import engine, graph, visits
from ..modes import enable_grad, no_grad
from . import diagnosis
from .findings import Stop
from .snapshots import same, same_but_for_order, snapshot


class Subject:
    """A function and its inputs. positions: the numbers of the inputs that are checked; arrays: the elements of these inputs, on the host.

    The function and its backward pass run where the inputs live; whatever is drawn, returned and compared lies on the host.
    """

    def __init__(self, function, inputs, surrogate, rtol, seed):
        self.function, self.surrogate, self.name = function, surrogate, name_of(function)
        self.inputs = (inputs,) if isinstance(inputs, graph.Tensor) else tuple(inputs)
        self.tensors = [x for x in self.inputs if isinstance(x, graph.Tensor)]
        self.stream = backend.random.Stream(seed)
        wanted = [isinstance(x, graph.Tensor) and x.requires_grad for x in self.inputs]
        self.positions = [i for i, want in enumerate(wanted) if want]
        self._check_inputs(rtol)
        self.arrays = [to_numpy(self.inputs[i].array) for i in self.positions]

    def _check_inputs(self, rtol):
        if not self.positions:
            raise ValueError(f"gradcheck: no input of {self.name} requires a gradient; make one with requires_grad=True")
        for i, x in enumerate(self.inputs):
            if isinstance(x, graph.Tensor) and x.dtype.kind == "f" and x.dtype != backend.float64:
                raise TypeError(
                    f"gradcheck: input {i} of {self.name} is {x.dtype}; numeric derivatives to {rtol:g} need "
                    "float64: pass input.detach().double().requires_grad_()"
                )

    def draw(self, shape):
        """Return Gaussian random numbers in float64."""
        return backend.random.normal(tuple(shape), backend.float64, 0, 1, self.stream)

    def outputs(self):
        """Return the floating-point tensors that the function returns."""
        found = self.function(*self.inputs)
        found = found if isinstance(found, (tuple, list)) else (found,)
        found = [t for t in found if isinstance(t, graph.Tensor) and t.dtype.kind == "f"]
        if not found:
            raise TypeError(f"gradcheck: {self.name} returned no floating-point tensor")
        return found

    def value(self):
        """Return all elements of all outputs, followed by the surrogate objective, as one row."""
        with no_grad():
            parts = [to_numpy(t.array).reshape(-1).astype(backend.float64) for t in self.outputs()]
            if self.surrogate is not None:
                parts.append(to_numpy(self.surrogate(*self.inputs).array).reshape(1))
        return array_module(parts[0]).concatenate(parts)

    def moved(self, number, step):
        """Return `value` with `step` added to one input, which is restored afterwards."""
        x = self.inputs[self.positions[number]]
        array = x.array
        try:
            x.array = to_device(backend.asarray(self.arrays[number] + step), device_of(array))
            return self.value()
        finally:
            x.array = array

    def record(self):
        """Run the function once, with its operations recorded."""
        with enable_grad():
            self.recorded = self.outputs()
        self.n = sum(t.array.size for t in self.recorded)
        self.devices = self._devices()
        self.repeats = same_but_for_order if "cuda" in self.devices.values() else same

    def nodes(self):
        """Return the recorded operations between inputs and outputs, oldest first."""
        given = {x.node for x in self.tensors}
        starts = [t.node for t in self.recorded if t.node is not None]
        return [node for node in visits.nodes_before(starts, given) if node not in given] if starts else []

    def values(self, nodes):
        """Return {node: its value} for the recorded operations `nodes` and the inputs, computed again from the inputs."""
        found = {x.node: x for x in self.tensors if x.node is not None}
        with no_grad():
            for node in nodes:
                found[node] = node_function(node)(*node_inputs(node, found))
        return found

    def _devices(self):
        """Return {recorded operation: "cpu" or "cuda", where its value lives}."""
        found = {x.node: device_of(x.array) for x in (*self.tensors, *self.recorded)}
        for node in self.nodes():
            if node not in found:
                near = [found.get(p) or device_of(p.array) for p in node.parents if p is not None]
                near += [device_of(getattr(c, "array", c)) for c in node.constants or ()]
                found[node] = node.options["device"] if node.op.__name__ == "to_device" else max(near)  # "cuda", if any of them lives there
        return found

    def gradients(self, w):
        """Return d(Σ w · outputs) by `grad` for each checked input, as a row. `w` is a row with a number for each output element."""
        xp, start = array_module(w), 0
        inputs, roots = [self.inputs[i] for i in self.positions], []
        for t in self.recorded:
            if t.requires_grad:
                part = xp.copy(w[start : start + t.array.size]).reshape(t.array.shape)
                roots.append((t, to_device(part, device_of(t.array))))
            start += t.array.size
        found = self._backward(roots, inputs) if roots else [None] * len(inputs)
        zeros = [xp.zeros(t.array.size) for t in inputs]
        return [zero if g is None else to_numpy(g.array).reshape(-1) for zero, g in zip(zeros, found)]

    def _backward(self, roots, inputs):
        outputs, cotangents = zip(*roots)
        before = [snapshot(c) for c in cotangents]
        try:
            wrapped = [graph.wrap(c) for c in cotangents]
            found = engine.grad(outputs, inputs, wrapped, retain_graph=True, allow_unused=True)
        except RuntimeError as error:
            raise Stop(*diagnosis.refused(self, error)) from error
        if not all(map(same, cotangents, before)):
            raise Stop("mutation", "backward changed the gradient that it was given")
        return found


def name_of(function):
    """Return the name of a function for messages: that of an operation, of a Function's class, or in its definition."""
    if isinstance(function, functools.partial):
        return name_of(function.func)
    owner = getattr(function, "__self__", None)
    return owner.__name__ if isinstance(owner, type) else getattr(function, "__name__", type(function).__name__)


def node_function(node):
    """Return a recorded operation as a function of its array arguments."""
    if hasattr(node.op, "cls"):  # a Function's
        return node.op.cls.apply
    return functools.partial(node.op, **node.options) if node.options else node.op


def node_inputs(node, values):
    """Return the arguments of a recorded operation as new leaves. `values` are the values of the nodes."""
    arguments = []
    for parent, constant in zip(node.parents, node.constants or (None,) * len(node.parents)):
        if parent is None:
            arguments.append(constant)
            continue
        array = (values[parent] if isinstance(parent, graph.Node) else parent).array
        leaf = graph.wrap(array_module(array).copy(array))
        leaf.requires_grad = True
        arguments.append(leaf)
    return arguments


def unravel(i, shape):
    """Return the index of element number `i` of an array of `shape`."""
    index: tuple = ()
    for n in reversed(shape):
        index, i = (i % n, *index), i // n
    return index
