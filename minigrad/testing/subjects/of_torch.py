"""PyTorch functions, `autograd.Function` classes and modules, as subjects of a check."""

from __future__ import annotations

import contextlib
import re

import numpy as np
import torch

from ..findings import Stop
from ..snapshots import same, same_but_for_order
from .base import Subject, argument_names, misfit
from .layouts import check_layouts
from .of_vjp import seeded
from .trees import flatten, rebuild

LAYOUTS = ("not contiguous", "transposed")
REPEATED = "expanded from one number"


class TorchSubject(Subject):
    """A function of tensors. Inputs that require a gradient are checked; without any, and without `params`, all floating-point ones.

    The values of a run are placed in the tensors that were passed, so that a function which knows them from elsewhere sees them, too.
    Each tensor gets its own memory back at the end of the run, and its `grad` and `requires_grad` are as before.
    """

    library = "torch"

    @property
    def composed(self):
        """Whether the function is more than one autograd.Function."""
        return getattr(self.function, "__name__", "") != "apply"

    def __init__(self, function, inputs, *, names=None, chosen=None, **options):
        self.inputs, self.chosen = tuple(inputs), chosen
        names = _argument_names(function, len(self.inputs)) if names is None else list(names)
        if isinstance(function, type) and issubclass(function, torch.autograd.Function):
            function = function.apply
        self.own_names = names
        super().__init__(function, self.inputs, names=names, **options)
        self.checked = [self.leaves[i] for i in self.numbers]
        modules = [m for m in (self.function, self.params) if isinstance(m, torch.nn.Module)]
        self.buffers = list({id(b): b for m in modules for b in m.buffers()}.values())
        self.twice = False  # whether the gradients are known to have a graph
        self.labels: list[str] | None = None  # the names of the outputs, where the tree does not say them

    # ---- what is checked

    def parameters(self):
        """Return {dotted name: parameter} of a module, or the dict of tensors that was given."""
        return dict(self.params.named_parameters() if isinstance(self.params, torch.nn.Module) else self.params or {})

    def select(self):
        """Return the numbers of the tensors to check. A tensor that is passed twice is one input."""
        if self.chosen is not None:
            return self.chosen
        own = [i for i, x in enumerate(self.leaves[: self.own]) if _is_float(x)]
        wanted = [i for i in own if self.leaves[i].requires_grad]
        if not wanted and self.params is None:
            wanted = own
        named = not isinstance(self.params, torch.nn.Module)
        wanted += [i for i, x in enumerate(self.leaves) if i >= self.own and _is_float(x) and (named or x.requires_grad)]
        return list({id(self.leaves[i]): i for i in reversed(wanted)}.values())[::-1]

    def nothing_to_check(self):
        """Return the message for inputs without a floating-point tensor."""
        return f"gradcheck: no input of {self.name} is a tensor of floating-point numbers, and no parameter requires a gradient"

    def check_inputs(self):
        """Raise TypeError for a tensor that NumPy cannot represent, or whose precision was not asked for."""
        for name, i in zip(self.names, self.numbers):
            if self.leaves[i].dtype not in (torch.float64, torch.float32, torch.float16, torch.complex128, torch.complex64):
                raise TypeError(f"gradcheck: {name} of {self.name} is {self.leaves[i].dtype}, which cannot be checked: {self.remedy()}")
        super().check_inputs()

    def remedy(self):
        """Return what to write for a float64 input."""
        return "pass x.detach().double().requires_grad_()" + (", and module.double() for params" if self.params is not None else "")

    def to_host(self, leaf):
        """Return a tensor as a NumPy array, which may share its memory. A complex one has a last axis of real and imaginary part."""
        t = leaf.detach()
        if t.layout is not torch.strided:
            t = t.to_dense()
        if t.is_complex():
            t = torch.view_as_real(t.resolve_conj())
        if t.is_floating_point() and t.dtype not in (torch.float64, torch.float32, torch.float16):
            t = t.float()
        return t.resolve_neg().cpu().numpy()

    # ---- runs

    def run(self, arrays):
        """Return the floating-point outputs. The function runs with gradients enabled, as it may compute some itself."""
        with self._placed(arrays):
            return [np.array(self.to_host(y)) for _, y in self._forward(arrays)]

    def trace(self, arrays):
        """Run the function once with its graph recorded, which every `pull` goes through."""
        self.traced = [np.array(a) for a in arrays]
        constants = [(name, x, x.detach().clone()) for name, x in zip(self.leaf_names, self.leaves)
                     if isinstance(x, torch.Tensor) and not self.inplace and not any(x is y for y in self.checked)]
        with self._placed(arrays):
            self.memory = [x.data for x in self.checked]
            found = self._forward(arrays)
            self.output_names, self.recorded = [name for name, _ in found], [y for _, y in found]
            host = [np.array(self.to_host(y)) for y in self.recorded]
        for name, x, before in constants:
            if not _same(x.detach(), before):
                x.data.copy_(before)
                raise Stop("mutation", f"the forward changed its input {name}; compute with a clone() of it, or pass inplace=True", None)
        return host

    def record(self, arrays=None):
        """Record a run; name the outputs as they are nested."""
        row = super().record(arrays)
        names = self.labels or self.output_names
        self.outputs = [(name, shape) for name, (_, shape) in zip(names, self.outputs)]
        return row

    def pull(self, cotangents):
        """Return the gradients through the recorded graph. Raise Stop if g, an input or an output was overwritten."""
        return self._pull(cotangents, None)

    def _pull(self, cotangents, layout):
        with self._placed(self.memory):
            pairs = [(y, _cotangent(c, y, layout)) for c, y in zip(cotangents, self.recorded) if y.requires_grad]
            if not pairs:
                return [None] * len(self.checked)
            watched = [("the gradient g that it was given; other functions see the same memory", None, g) for _, g in pairs]
            watched += [(f"its input {name}", i, x.detach()) for i, (name, x) in enumerate(zip(self.names, self.checked))]
            watched += [("the output", None, y.detach()) for y in self.recorded]
            before = [t.clone() for _, _, t in watched]
            with self._explained("backward"):
                outputs, gs = zip(*pairs)
                found = torch.autograd.grad(outputs, self.checked, gs, retain_graph=True, allow_unused=True)
            for (what, i, t), old in zip(watched, before):
                if not _same(t, old):
                    raise Stop("mutation", f"the backward changed {what}", i)
            return [None if g is None else np.array(self.to_host(g)) for g in found]

    def _forward(self, arrays):
        """Return [(name, floating-point output)]. Raise Stop if the function changed a checked input."""
        with self._explained("forward"):
            found = self._call(self.inputs)
        for i, (x, array) in enumerate(zip(self.checked, arrays)):
            if self.to_host(x).tobytes() != array.tobytes():
                raise Stop("mutation", f"the forward changed its input {self.names[i]}; compute with a clone() of it", i)
        return found

    def _call(self, inputs):
        """Return [(name, floating-point output)] for the inputs themselves, or for copies if the function may write to them."""
        if self.inplace:
            inputs = [rebuild(x, iter([t.clone() if isinstance(t, torch.Tensor) else t for _, t in flatten(x, "")])) for x in inputs]
        y = self.function(*inputs)
        self.single = isinstance(y, torch.Tensor)
        return [(name, t) for name, t in flatten(y, "out") if _is_float(t)]

    @contextlib.contextmanager
    def _placed(self, values):
        """Place arrays or tensors in the checked tensors, which require a gradient, and seed the generators; put all back at the end."""
        with torch.inference_mode(False), torch.enable_grad(), contextlib.nullcontext() if self.seed is None else _seeded(self.seed):
            kept = [(x, x.data, x.requires_grad, x.grad if x.is_leaf else None) for x in self.checked]
            buffers = [b.detach().clone() for b in self.buffers]
            try:
                for x, value in zip(self.checked, values):
                    x.data = value if isinstance(value, torch.Tensor) else _tensor(value, x)
                    if x.is_leaf:
                        x.requires_grad_()
                        x.grad = None
                yield
            finally:
                for x, data, required, grad in kept:
                    x.data = data
                    if x.is_leaf:
                        x.requires_grad_(required)
                        x.grad = grad
                for b, old in zip(self.buffers, buffers):
                    b.data.copy_(old)

    @contextlib.contextmanager
    def _explained(self, part):
        """Turn PyTorch's errors that tell of a wrong gradient into Stop, and add to others which function was checked."""
        try:
            yield
        except Stop:
            raise
        except Exception as error:
            told = self._told(str(error), part) if isinstance(error, RuntimeError) else None
            if told is None:
                error.add_note(f"raised in the {part} of {self.name}, which the gradient check ran")
                raise
            raise told from error

    def _told(self, text, part):
        """Return what to raise for the text of a RuntimeError; None if it is to be raised as it is."""
        if "an incorrect number of gradients" in text:
            return Stop("count", text.replace("function ", "the backward of ", 1))
        if shapes := re.search(r"invalid gradient at index (\d+) - got \[(.*?)\] but expected shape compatible with \[(.*?)\]", text):
            got, wanted = (tuple(int(n) for n in shape.split(",") if n) for shape in shapes.groups()[1:])
            return Stop("transposed" if misfit(got, wanted)[0] == "transposed" else "shape", text, self._position(int(shapes[1])))
        if "modified by an inplace operation" in text:
            return Stop("mutation", f"a tensor that backward needs was overwritten: {text}")
        if "leaf Variable that requires grad" in text:
            return Stop("mutation", f"the forward changes its input in place; pass inplace=True if it may: {text}")
        if "single memory location" in text and part == "backward":
            return Stop("mutation", "the backward changes the gradient g that it was given; other functions see the same memory")
        return None

    def _position(self, argument):
        """Return which checked input an argument of the function's own Function is; None where it belongs to an inner one."""
        own = isinstance(getattr(self.function, "__self__", None), type) and self.own == len(self.inputs)
        return self.numbers.index(argument) if own and argument in self.numbers else None

    # ---- further looks

    def inspect(self, stream):
        """Raise Stop if backward overwrites what forward saved, or if the gradients depend on how g lies in memory."""
        self.record(self.traced)
        cotangents = [stream.standard_normal(shape) for _, shape in self.outputs]
        functions = [node for node in _nodes(self.recorded) if isinstance(node, torch.autograd.function.BackwardCFunction)]
        before = [_saved(node) for node in functions]
        first, second = self.pull(cotangents), self.pull(cotangents)
        if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second) if a is not None and b is not None):
            for node, old in zip(functions, before):
                for what, now in _saved(node).items():
                    if what in old and not _same(now, old[what]):
                        raise Stop("mutation", f"the backward of {node.name().removesuffix('Backward')} changed {what}, which its forward "
                                               "kept: a second pass gives another gradient")
        if any(y.numel() > 1 for y in self.recorded):
            check_layouts(self, self._pull, stream, LAYOUTS, REPEATED)

    def complex_run(self, arrays):
        """Return the outputs for complex values of the inputs."""
        if any(i >= self.own or self.leaves[i].is_complex() for i in self.numbers):
            return None
        leaves = list(self.leaves[: self.own])
        for i, array in zip(self.numbers, arrays):
            leaves[i] = torch.from_numpy(np.array(array)).to(leaves[i].device)
        parts = iter(leaves)
        inputs = [rebuild(x, parts) for x in self.inputs]
        try:
            with self._placed([a.real for a in arrays]), torch.no_grad():
                outputs = [y for _, y in self._call(inputs)]
                return [y.resolve_conj().cpu().numpy().copy() for y in outputs] if all(y.is_complex() for y in outputs) else None
        except Exception:
            return None

    def of_gradient(self, stream):
        """Return the gradients as a function of the inputs and of the cotangents, which are drawn."""
        device = self.checked[0].device
        shapes = [y.shape for y in self.run(self.arrays)]
        kind = getattr(torch, np.dtype(self.dtype or "float64").name)
        with torch.inference_mode(False):
            cotangents = [torch.as_tensor(stream.standard_normal(s), dtype=kind, device=device) for s in shapes]
        count = len(self.inputs)

        def gradient(*values):
            leaves = [leaf for x in values[:count] for _, leaf in flatten(x, "")] + self.leaves[self.own :]
            inputs = [leaves[i] for i in self.numbers]
            found = self._call(values[:count])
            pairs = [(y, _typed(g, y)) for (_, y), g in zip(found, values[count:]) if y.requires_grad]
            if not pairs:
                return tuple(torch.zeros_like(x) for x in inputs)
            grads = torch.autograd.grad([y for y, _ in pairs], inputs, [g for _, g in pairs], create_graph=True, allow_unused=True)
            if not self.twice:
                self._find_graph(grads)
            return tuple(torch.zeros_like(x) if g is None else g for g, x in zip(grads, inputs))

        gradient.__name__ = f"gradient of {self.name}"
        names = [*self.own_names, *(["g"] if len(cotangents) == 1 else [f"g[{i}]" for i in range(len(cotangents))])]
        chosen = [i for i in self.numbers if i < self.own] + list(range(self.own, self.own + len(cotangents)))
        chosen += [i + len(cotangents) for i in self.numbers if i >= self.own]
        inputs = (*self.inputs, *cotangents)
        made = type(self)(gradient, inputs, params=self.params, names=names, seed=self.seed, dtype=self.dtype, chosen=chosen)
        made.labels = [f"(d/d {name})" for name in self.names]
        return made

    def _find_graph(self, grads):
        """Raise ValueError for a gradient without a graph, through which no further gradient comes."""
        lost = any(g is not None and not g.requires_grad and bool((g != 0).any()) for g in grads)
        if lost or any(node.name() == "torch::autograd::Error" for node in _nodes([g for g in grads if g is not None])):
            raise ValueError(f"gradcheck: order=2 needs a backward made of differentiable operations of PyTorch; that of {self.name} "
                             "(once_differentiable, or computed outside of them) cannot be differentiated")
        self.twice = True

    def repeats(self, a, b):
        """Return whether two runs gave the same numbers; on an accelerator, where sums are added up in varying order, up to rounding."""
        return (same if all(x.device.type == "cpu" for x in self.checked) else same_but_for_order)(a, b)

    def surrogate(self, function, arrays):
        """Return the value of a surrogate objective of the inputs."""
        with self._placed(arrays):
            found = function(*self.inputs)
            return float(found.detach() if isinstance(found, torch.Tensor) else found)

    def expected(self, function, cotangents):
        """Return what `function(g, *inputs)` gives: a gradient for each input, or for each checked one, parameters last."""
        with self._placed(self.memory):
            gs = [_cotangent(c, y, None) for c, y in zip(cotangents, self.recorded)]
            found = function(gs[0] if self.single else tuple(gs), *self.inputs)
            return [None if g is None else np.array(self.to_host(torch.as_tensor(g))) for g in self.picked(found)]


def _argument_names(function, count):
    """Return the names of the arguments: those of a Function's or a module's forward, where they are written."""
    owner = function if isinstance(function, type) else getattr(function, "__self__", None)
    if isinstance(owner, type) and issubclass(owner, torch.autograd.Function):
        with_context = owner.setup_context is torch.autograd.Function.setup_context
        return argument_names(owner.forward, count + with_context)[with_context:]
    return argument_names(function.forward if isinstance(function, torch.nn.Module) else function, count)


def _is_float(x):
    return isinstance(x, torch.Tensor) and (x.is_floating_point() or x.is_complex())


def _nodes(outputs):
    """Return the recorded operations of these tensors; that of a Function is the `ctx` of its forward."""
    seen, waiting = set(), [y.grad_fn for y in outputs if y.grad_fn is not None]
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += [parent for parent, _ in node.next_functions if parent is not None]
    return list(seen)


def _tensor(array, like):
    """Return a new tensor with these values and the dtype, device and, where it is dense, the memory layout of `like`."""
    new = torch.empty_like(like.detach())
    (torch.view_as_real(new) if new.is_complex() else new).copy_(torch.from_numpy(np.array(array, order="C")))
    return new


def _typed(g, y):
    """Return a cotangent in the dtype of its output `y`; that of a complex one has a last axis of real and imaginary part."""
    return (torch.view_as_complex(g.contiguous()) if y.is_complex() else g).to(y.dtype)


def _cotangent(c, y, layout):
    """Return a cotangent for the output `y` that lies in memory as `layout` says."""
    g = _typed(torch.from_numpy(np.array(c, order="C")).to(y.device), y)
    if layout == REPEATED:
        return g[(0,) * g.ndim].expand(g.shape) if g.numel() else g
    if layout == "transposed" and g.ndim > 1:
        axes = tuple(reversed(range(g.ndim)))
        return g.permute(axes).contiguous().permute(axes)
    if layout == "not contiguous" and g.ndim:
        wide = torch.zeros(*g.shape[:-1], 2 * g.shape[-1], dtype=g.dtype, device=g.device)
        wide[..., ::2] = g
        return wide[..., ::2]
    return g


def _same(a, b):
    """Return whether two tensors hold the same values; NaN equals NaN."""
    return a.shape == b.shape and bool(torch.equal(a, b) or ((a == b) | ((a != a) & (b != b))).all())


def _saved(node):
    """Return {name: copy} of the tensors and arrays that a Function's forward keeps in its `ctx`."""
    parts = []
    with contextlib.suppress(RuntimeError):  # one was overwritten, which the next backward reports
        parts += [(f"saved_tensors[{i}]", t) for i, t in enumerate(node.saved_tensors)]
    parts += [part for key, value in vars(node).items() for part in flatten(value, f"ctx.{key}")]
    found = {name: torch.from_numpy(np.array(t)) if isinstance(t, np.ndarray) and t.dtype.kind in "fiub" else t for name, t in parts}
    return {name: t.detach().clone() for name, t in found.items() if isinstance(t, torch.Tensor)}


@contextlib.contextmanager
def _seeded(seed):
    """Seed the generators of PyTorch, NumPy and Python inside the block, and put their states back at the end."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    with seeded(seed), torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        yield
