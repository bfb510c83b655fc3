"""Functions of minigrad tensors as subjects of a check: also their recorded operations, each of which can be checked alone."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from ... import backend
from ..._tensor import Tensor
from ...autograd import engine, graph, visits
from ...autograd.modes import enable_grad
from ...autograd.writes import held
from ...backend import device_of, to_device, to_numpy
from ..diagnosis import fits_float32
from ..findings import Finding, Stop
from ..snapshots import same, same_but_for_order, snapshot
from .base import Subject
from .of_vjp import reseed
from .recorded_nodes import devices_of, gradients_of, node_function, node_inputs, values_of
from .trees import flatten, rebuild


class TensorSubject(Subject):
    """A function of tensors. Values are put into the given tensors themselves, so that a function may also read them from elsewhere."""

    library = "minigrad"

    @property
    def composed(self):  # type: ignore[override]
        """Whether several operations are recorded."""
        return len(self.nodes()) > 1

    def __init__(self, function, inputs, **options):
        super().__init__(function, (inputs,) if isinstance(inputs, graph.Tensor) else tuple(inputs), **options)
        self.tensors = [x for x in self.leaves if isinstance(x, graph.Tensor)]
        self.checked: list[Any] = [self.leaves[i] for i in self.numbers]
        self.originals = [x.array for x in self.checked]

    def parameters(self):
        """Return {name: parameter} of a module or a dict."""
        params = self.params or {}
        return dict(params.named_parameters() if hasattr(params, "named_parameters") else params)

    def select(self):
        """Return the numbers of the tensors that require a gradient; of a tensor that is given twice only the first."""
        found = {id(x): i for i, x in reversed(list(enumerate(self.leaves))) if isinstance(x, graph.Tensor) and x.requires_grad}
        return sorted(found.values())

    def nothing_to_check(self):
        """Return the message for inputs none of which requires a gradient."""
        return f"gradcheck: no input of {self.name} requires a gradient; make one with requires_grad=True"

    def remedy(self):
        """Return what to write for a float64 input."""
        return "pass input.detach().double().requires_grad_()"

    def to_host(self, leaf):
        """Return a tensor as a NumPy array."""
        return to_numpy(leaf.array)

    # ---- running

    @contextlib.contextmanager
    def _placed(self, arrays):
        """Let the checked tensors hold these arrays for a while."""
        try:
            for x, array in zip(self.checked, arrays):
                x.array = array
            yield
        finally:
            for x, array in zip(self.checked, self.originals):
                x.array = array

    def _on_device(self, arrays):
        """Return copies of host arrays where the checked tensors live; the tensors' own arrays for their own values."""
        if arrays is self.arrays:
            return self.originals
        return [to_device(backend.asarray(np.array(a)), device_of(old)) for a, old in zip(arrays, self.originals)]

    def _call(self, arrays):
        """Return the floating-point tensors that the function returns. Raise Stop if it changed an input."""
        if self.seed is not None:
            from ... import manual_seed

            reseed(self.seed)
            manual_seed(self.seed)
        before = [snapshot(x.array) for x in self.tensors]
        inputs = self.inputs
        with enable_grad():
            if self.inplace:
                clones = iter([leaf.clone() if isinstance(leaf, Tensor) else leaf for leaf in self.leaves[: self.own]])
                inputs = tuple([rebuild(x, clones) for x in inputs])
            try:
                found = self.function(*inputs)
            except RuntimeError as error:
                if "VJPs for" in str(error):
                    raise Stop("count", str(error)) from error
                raise
        for x, copy in zip(self.tensors, before):
            if not same(x.array, copy):
                i = next((i for i, t in enumerate(self.checked) if t is x), None)
                name = "an input" if i is None else f"its input {self.names[i]}"
                raise Stop("mutation", f"the function changed {name}; compute with a clone() of it", i)
        return [t for _, t in flatten(found, "") if isinstance(t, graph.Tensor) and t.dtype.kind == "f"]

    def run(self, arrays):
        """Return the floating-point outputs."""
        placed = self._on_device(arrays)
        with self._placed(placed):
            return [to_numpy(t.array) for t in self._call(placed)]

    def trace(self, arrays):
        """Run the function with its operations recorded."""
        self.traced = self._on_device(arrays)
        with self._placed(self.traced):
            self.recorded = self._call(self.traced)
        self.devices = devices_of(self._all_nodes(), (*self.tensors, *self.recorded))
        return [to_numpy(t.array) for t in self.recorded]

    def repeats(self, a, b):
        """Return whether two runs gave the same bits; on a GPU, which adds up in an order that varies, the same but for rounding."""
        return (same_but_for_order if "cuda" in getattr(self, "devices", {}).values() else same)(a, b)

    def pull(self, cotangents):
        """Return the gradients by the engine."""
        roots = [(t, to_device(w, device_of(t.array))) for t, w in zip(self.recorded, cotangents) if t.requires_grad]
        if not roots:
            return [None] * len(self.checked)
        outputs, given = zip(*roots)
        before = [snapshot(x) for x in (*given, *self.traced)]
        with self._placed(self.traced):
            try:
                found = engine.grad(outputs, self.checked, [graph.wrap(w) for w in given], retain_graph=True, allow_unused=True)
            except RuntimeError as error:
                raise Stop(*self._refused(error)) from error
        for i, (x, copy) in enumerate(zip((*given, *self.traced), before)):
            if not same(x, copy):
                raise Stop("mutation", "backward changed " + ("the gradient that it was given" if i < len(given) else "an input"))
        return [None if g is None else to_numpy(g.array) for g in found]

    def surrogate(self, function, arrays):
        """Return the value of a surrogate objective of the inputs."""
        with self._placed(self._on_device(arrays)):
            return float(function(*self.inputs).detach().item())

    def expected(self, function, cotangents):
        """Return what `function(g, *inputs)` gives."""
        gs = [graph.wrap(to_device(w, device_of(t.array))) for t, w in zip(self.recorded, cotangents)]
        found = function(gs[0] if len(gs) == 1 else tuple(gs), *self.inputs)
        found = list(found) if isinstance(found, (tuple, list)) else [found]
        if len(found) != len(self.checked):
            raise ValueError(f"gradcheck: expected= returned {len(found)} gradients for {len(self.checked)} checked inputs")
        return [None if t is None else to_numpy(t.array) for t in found]

    def of_gradient(self, stream):
        """Return the subject of the gradients, as a function of the inputs and of the cotangents."""
        gs = [graph.wrap(to_device(w, device_of(t.array))) for t, w in
              zip(self.recorded, self.split(stream.standard_normal(self.n)))]
        for g in gs:
            g.requires_grad = True
        count, checked, function = len(self.inputs), self.checked, self.function

        def gradient(*arguments):
            outputs: Any = [t for _, t in flatten(function(*arguments[:count]), "") if isinstance(t, graph.Tensor) and t.dtype.kind == "f"]
            outputs, cotangents = zip(*[(t, g) for t, g in zip(outputs, arguments[count:]) if t.requires_grad])
            return engine.grad(outputs, checked, cotangents, create_graph=True, materialize_grads=True)

        gradient.__name__ = f"gradient of {self.name}"
        own = [name for name, _ in zip(self.own_names, self.inputs)]
        return TensorSubject(gradient, (*self.inputs, *gs), params=self.params, seed=self.seed, dtype=self.dtype,
                             names=[*own, *(["g"] if len(gs) == 1 else [f"g[{i}]" for i in range(len(gs))])])

    # ---- the recorded operations

    def nodes(self):
        """Return the recorded operations between inputs and outputs, oldest first, that have one value and can be checked alone."""
        return [node for node in self._all_nodes() if not getattr(node.op, "several", False)]

    def _all_nodes(self):
        """Return the recorded operations between inputs and outputs, oldest first."""
        given = {x.node for x in self.tensors}
        starts = [t.node for t in self.recorded if t.node is not None]
        return [node for node in visits.nodes_before(starts, given) if node not in given] if starts else []

    def inspect(self, stream):
        """Call each backward function of each operation with one random g; raise Stop if it changes g or a saved array."""
        self.imprecise = []
        with self._placed(self.traced):
            for number, node in enumerate(self.nodes()):
                g = self._cotangent(node, stream)
                saved = [a for vjp in node.vjps for a in held(vjp)]
                before = [snapshot(a) for a in (g, *saved)]
                for i, (parent, vjp) in enumerate(zip(node.parents, node.vjps)):
                    try:
                        c = None if parent is None else vjp(g)
                    except RuntimeError as error:
                        raise Stop(*self._refused(error)) from error
                    culprit = f"the backward function of {node.op.__name__} for argument {i} changed"
                    if not same(g, before[0]):
                        raise Stop("mutation", f"{culprit} the gradient g that it was given; other operations see the same array", i)
                    if not all(map(same, saved, before[1:])):
                        raise Stop("mutation", f"{culprit} an array that was saved for it: a second pass gives another gradient", i)
                    if backend.is_array(c) and node.dtype == backend.float64 == parent.dtype and fits_float32(to_numpy(c)):
                        self.imprecise.append(number)

    def _cotangent(self, node, stream):
        """Return a random gradient of the value of a recorded operation."""
        return to_device(backend.asarray(stream.standard_normal(node.shape)).astype(node.dtype), self.devices[node])

    def imprecise_part(self, check):
        """Return the failed check of an operation whose backward computes in float32 or less; None if there is none."""
        nodes = self.nodes()  # as numerous as when they were inspected, but others
        return self._first_wrong(check, [nodes[i] for i in self.imprecise]) if self.imprecise and self.composed else None

    def _refused(self, error):
        """Return (verdict, detail, argument) for a backward pass that raised an error; (verdict, detail) if no argument is to blame."""
        text = str(error)
        if "gradients for" in text or "VJPs for" in text:
            return "count", text
        stream = np.random.default_rng(0)
        for node in self.nodes():
            g = self._cotangent(node, stream)
            for i, (parent, vjp) in enumerate(zip(node.parents, node.vjps)):
                try:
                    c = None if parent is None else vjp(g)
                except RuntimeError:
                    continue
                shape = tuple(getattr(c, "shape", ()))
                wanted = () if c is None else tuple(parent.shape)
                if len(shape) > 1 and shape != wanted == (*shape[:-2], shape[-1], shape[-2]):
                    return "transposed", f"the gradient for argument {i} of {node.op.__name__} has shape {shape}, not {wanted}", i
        return "shape", text

    def blame(self, check):
        """Return the failed check of the first recorded operation that is wrong when checked alone; None if there is none."""
        nodes = self.nodes() if hasattr(self, "recorded") else []
        if len(nodes) < 2 or check.options["surrogate"] is not None or check.options["expected"] is not None:
            return None
        return self._first_wrong(check, nodes)

    def _first_wrong(self, check, suspects):
        """Return the failed check of the first of the recorded operations `suspects` that is wrong when checked alone."""
        try:
            values = values_of(self.nodes(), self.tensors)
        except (KeyError, RuntimeError):  # what an operation was computed from is one of several values, or no longer exists
            return None
        for node in suspects:
            inputs = node_inputs(node, values)
            if any([isinstance(x, graph.Tensor) and x.requires_grad and x.dtype != backend.float64 for x in inputs]):
                continue
            subject = TensorSubject(node_function(node), inputs, dtype=None)
            inner = type(check)(subject, {**check.options, "allow_kinks": True, "allow_vacuous": True, "params": None})
            inner.run()
            if inner.findings and inner.findings[0].accuses:
                inner.findings[0].detail += f" (found inside {self.name})"
                return inner
        return None

    def code(self):
        """Return the function, and those of its recorded operations that are not minigrad's own."""
        functions = [getattr(self.function, "raw", self.function)]
        for op in [node.op for node in self._all_nodes()]:
            if hasattr(op, "cls"):
                functions += [op.cls.forward, op.cls.backward]
            elif hasattr(op, "raw") and not (op.__module__ or "").startswith("minigrad."):
                functions.append(op.raw)
        return functions

    def never_reached(self, check):
        """Return a Finding for a user's own operation whose gradient was 0 everywhere, so that its backward was not checked."""
        given = zip(self.recorded, self.split(np.random.default_rng(0).standard_normal(self.n)))
        gradients = gradients_of(self.nodes(), [(t.node, to_device(w, device_of(t.array))) for t, w in given if t.node is not None])
        for node in self.nodes():
            g = gradients.get(node)
            own = not (getattr(node.op, "__module__", "") or "").startswith("minigrad.")
            if own and g is not None and np.prod(node.shape) and not to_numpy(g).any():
                detail = f"the gradient that reaches {node.op.__name__} is 0 everywhere, so that its backward was not checked: its " \
                         "branch was never taken; choose other inputs (allow_vacuous=True accepts this)"
                return [Finding(self.name, "vacuous", detail)]
        return []
