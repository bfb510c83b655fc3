"""Backpropagation in one file: operations record nodes, and `backward` walks the nodes from the newest to the oldest.

An operation is one function on raw arrays. It returns its value and, for each array argument, a vector-Jacobian product
(VJP): a function from g = d(loss)/d(value) to d(loss)/d(argument). `op` turns such a function into one on Tensors: where
an argument requires a gradient, a `Node` remembers the VJPs and the arguments' own nodes. `backward` starts with g of the
result, asks each node's VJPs for their contributions, adds up what reaches the same node, and leaves the sums of
the leaves (the tensors that you made) in their `.grad`.

A higher derivative needs VJPs that record what they do. An operation's body gives them when it is called on Tensors: `replay` calls it so.
The numbers, though, are always those that the recorded VJPs hold: what is computed again only shows how they depend on the arguments. So
no array is kept for higher derivatives, each operation has one body, and a second derivative is that of the first one, or an error.
"""

from __future__ import annotations

import functools
import heapq
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .. import backend
from ..backend import QUIET, get_warnings, reset_warnings, set_warnings
from .modes import in_mode, recording
from .names import grad_fn_name
from .sharing import DETACHED, OPAQUE, VIEW, link
from .writes import Last, held, keeps, reshaped_since, tick, written_since, wrote

if TYPE_CHECKING:
    from .._tensor import Tensor as PublicTensor


class Node:
    """A recorded operation.

    op, options, constants: what was called, with which options and which arguments that need no gradient.
    parents: the nodes (or leaf tensors) of the arguments; None where no gradient is needed.
    vjps: for each argument, from d(loss)/d(value) to d(loss)/d(argument), up to broadcasting; None once freed.
    tick: when it was recorded; a node is always newer than its parents.
    """

    __slots__ = ("__weakref__", "constants", "dtype", "hooks", "op", "options", "parents", "shape", "tick", "vjps")
    op: Any
    options: dict | None
    constants: Any
    parents: Any
    vjps: Any
    tick: int
    shape: tuple  # of the value, as dtype
    dtype: Any
    hooks: dict | None

    def name(self):
        """The operation's name in PyTorch's manner, e.g. TanhBackward0."""
        return grad_fn_name(self)

    @property
    def next_functions(self):
        """The nodes that backward visits from here, as PyTorch lists them; a leaf tensor stands for itself."""
        return tuple((parent, 0) for parent in self.parents)

    def __repr__(self):
        return f"<{self.name()}>"


class Tensor:
    """The core of a tensor: an array, its gradient, and the node that made it. `minigrad.Tensor` adds PyTorch's methods."""

    __slots__ = ("__weakref__", "_grad", "_requires_grad", "array", "hooks", "node", "views")
    array: Any
    node: Node | None
    _grad: Any
    _requires_grad: bool
    views: Any  # a sharing.Family, once others show the same memory
    hooks: dict | None
    __array_ufunc__ = None  # ndarray + Tensor is left to Tensor.__radd__

    def __init__(self, array, requires_grad=False):
        self.array = array if backend.is_array(array) else backend.asarray(array)  # NumPy's 0-d results are scalars
        self.node = self._grad = self.views = self.hooks = None
        self._requires_grad = False
        if requires_grad:
            self.requires_grad = requires_grad

    @property
    def requires_grad(self):
        """Whether operations on this tensor are recorded."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value):
        if not isinstance(value, bool):
            raise TypeError(f"requires_grad must be True or False, not {type(value).__name__}")
        if self.node is not None and not value:
            raise RuntimeError("requires_grad can only be switched off on a leaf; use detach() to get a tensor without history")
        if value and self.array.dtype.kind != "f":
            raise RuntimeError(f"only floating-point tensors can require gradients, not {self.array.dtype}; "
                               "use .double() or .float() first")
        self._requires_grad = value

    @property
    def grad(self):
        """d(loss)/d(self), added up over the calls of backward(), or None."""
        found, node = self._grad, self.node
        if found is None and node is not None and not (node.hooks and None in node.hooks):
            warnings.warn(NO_GRAD_HERE.format(tuple(self.array.shape), node.name()), stacklevel=2)
        return found

    @grad.setter
    def grad(self, value):
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad: expected a Tensor or None, got {type(value).__name__}")
            ours, theirs = self.array, value.array
            if (ours.shape, ours.dtype, type(ours)) != (theirs.shape, theirs.dtype, type(theirs)):
                raise RuntimeError(f"grad: expected shape {tuple(ours.shape)}, {ours.dtype} on {backend.device_of(ours)}; "
                                   f"got {tuple(theirs.shape)}, {theirs.dtype} on {backend.device_of(theirs)}")
        self._grad = value

    shape = property(lambda self: self.array.shape)
    dtype = property(lambda self: self.array.dtype)
    ndim = property(lambda self: self.array.ndim)
    is_leaf = property(lambda self: self.node is None, doc="True where the tensor was not made by a recorded operation.")
    grad_fn = property(lambda self: self.node, doc="The node of the operation that made this tensor, or None.")


NO_GRAD_HERE = ("The .grad attribute of a Tensor that is not a leaf Tensor is being accessed (shape {}, made by {}). Its .grad attribute "
                "won't be populated during backward(); call .retain_grad() on it before, or look at the leaf that you mean")
CYCLE = ("Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient, which keeps memory "
         "until the garbage collector runs. Use autograd.grad when creating the graph, or set .grad to None after use")

_class: list = [Tensor]  # what operations return; `minigrad.tensor` puts its Tensor here


def use_tensor_class(cls):
    """Let operations return `cls`, a subclass of Tensor."""
    _class[0] = cls
    return cls


def wrap(array, node=None):
    """A tensor over `array`; with `node` (or a leaf tensor) it is the value of that node."""
    out = _class[0].__new__(_class[0])
    out.array, out.node, out._grad, out.views, out.hooks = array, node, None, None, None
    out._requires_grad = node is not None
    return out


def origin(tensor):
    """Return what stands for a tensor in the graph: the node that made it, or the leaf itself."""
    return tensor if tensor.node is None else tensor.node


# ---- recording


def op(
    function: Callable[..., Any] | None = None, *, promote: bool = False, product: bool = False, wide: bool = False, steps: bool = False
) -> Any:
    """Make an operation on tensors of a function on raw arrays that returns (value, one VJP per array argument).

    Array arguments are positional, options are keyword-only. `promote=True` brings the arrays to one dtype first, as PyTorch
    would. `product=True` says that its VJPs are products and sums, which `backend.together` may compute at once. `wide=True` lets it
    compute in float32 for float16, see `backend.narrowed`. `steps=True` says that what its VJPs return changes in steps: its derivative
    is 0 then, and no error. Called with no Tensor, the operation returns the raw value. An operation without VJPs is not differentiable.
    The body must depend on its arguments alone, as a higher derivative runs it again; what draws random numbers or counts its calls is
    a `Function`.
    """
    if function is None:
        return functools.partial(op, promote=promote, product=product, wide=wide, steps=steps)
    name = function.__name__
    mode, new = recording.get, Tensor.__new__

    @functools.wraps(function)
    def apply(*inputs, **options):
        arrays, kind, needs, mixed, plain = [], None, False, False, True
        for x in inputs:
            if isinstance(x, Tensor):
                if x._requires_grad:
                    needs = True
                x = x.array
                if kind is None:
                    kind, dtype = type(x), x.dtype
                elif type(x) is not kind:
                    mixed = True
                elif x.dtype is not dtype:
                    plain = False
            elif type(x) is not float and type(x) is not int:
                plain = False
            arrays.append(x)
        if kind is None:
            return function(*arrays, **options)[0]
        before, token = get_warnings(), None
        try:
            token = set_warnings(QUIET)
            compute = function
            if mixed or not plain or dtype.char not in "fd":  # else numbers and arrays of float32 or float64: nothing to do
                given = arrays
                if promote:
                    if mixed:
                        return apply(*_on_one_device(name, inputs), **options)
                    arrays = backend.promote(arrays, name)
                _one_device(name, arrays)
                if wide and backend.is_half([*arrays, *options.values()]):
                    compute, arrays = backend.narrowed(function), backend.widened(arrays, given)
            result = compute(*arrays, **options)
            value, vjps = result[0], result[1:]
        except (ValueError, TypeError, OverflowError) as error:
            raise _refused(name, error) from None
        finally:
            set_warnings(before) if token is None else reset_warnings(token)
        if type(value) is not kind and not backend.is_array(value):  # NumPy's 0-d results are scalars
            value = backend.asarray(value)
        out = new(_class[0])
        out.array, out.node, out._grad, out.views, out.hooks = value, None, None, None, None
        if value.base is not None or value is arrays[0]:
            _link(apply, inputs, out)
        if needs and vjps and mode():
            out._requires_grad = True
            _record(apply, inputs, vjps, options, out)
        else:
            out._requires_grad = False
        return out

    apply.raw, apply.product, apply.promotes, apply.wide, apply.steps = function, product, promote, wide, steps  # type: ignore[attr-defined]
    apply.owns = True  # type: ignore[attr-defined]  # what its VJPs make anew belongs to nobody else
    return apply


def _refused(name, error):
    """The array library's complaint about shapes or values, as PyTorch's type of error and with the operation's name."""
    ours = isinstance(error, backend.DeviceMismatchError) or str(error).startswith(name)
    return error if ours else (OverflowError if isinstance(error, OverflowError) else RuntimeError)(f"{name}: {error}")


def _record(apply, inputs, vjps, options, out):
    """Give `out` its node."""
    node = out.node = Node()
    node.op, node.tick, node.options, node.hooks = apply, tick(), options or None, None
    node.dtype = out.array.dtype
    if len(inputs) == 1:
        x = inputs[0]
        node.parents, node.vjps, node.constants = (x if x.node is None else x.node,), vjps, None
    else:
        parents = node.parents = tuple([None if not isinstance(x, Tensor) or not x._requires_grad else x if x.node is None else x.node
                                        for x in inputs])
        node.vjps, node.constants = vjps, None
        for p in parents:  # `None in parents` would compare tensors with ==
            if p is None:
                node.vjps = tuple([None if p is None else v for p, v in zip(parents, vjps)])
                node.constants = tuple([_constant(x) if p is None else None for p, x in zip(parents, inputs)])
                break
    first, shape = node.parents[0], out.array.shape
    node.shape = first.shape if type(first) is Node and first.shape == shape else shape  # one tuple for a chain of nodes


def _constant(x):
    """`x` as it is now: a tensor that needs no gradient may take over another array and node, by an in-place method."""
    return wrap(x.array) if isinstance(x, Tensor) else x


def _one_device(name, arrays):
    devices = [backend.device_of(a) for a in arrays if backend.is_array(a)]
    if len(set(devices)) > 1:
        raise backend.DeviceMismatchError(f"{name}: tensors on different devices: {', '.join(devices)}; bring them to one with .to(device)")


def _on_one_device(name, inputs):
    """The inputs, 0-d tensors of the host brought to the device of the others, as in PyTorch."""
    device = max(backend.device_of(x.array) for x in inputs if isinstance(x, Tensor))  # "cuda" if any
    inputs = [backend.array_module(x).to_device(x, device=device) if isinstance(x, Tensor) and x.array.ndim == 0 else x for x in inputs]
    _one_device(name, [x.array for x in inputs if isinstance(x, Tensor)])
    return inputs


def _link(apply, inputs, out):
    """Note that `out` shows the memory of one of the inputs. A view that is not recorded is as a detached tensor."""
    owner = backend.root(out.array)
    for x in inputs:
        if isinstance(x, Tensor) and backend.root(x.array) is owner:
            link(x, out, OPAQUE if apply not in view_ops else VIEW if recording.get() else DETACHED)
            return


view_ops: set = set()  # operations whose value shows their argument's memory, with the argument's gradient


def detach(tensor):
    """A tensor on the same memory, without history."""
    out = wrap(tensor.array)
    link(tensor, out, DETACHED)
    return out


# ---- backpropagation


def backward(
    tensors: PublicTensor | Iterable[PublicTensor], grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    *, inputs: Any = None,
) -> None:
    """Add d(tensors)/d(leaf), weighted by `grad_tensors`, to the `.grad` of every leaf that they were computed from, or of `inputs`.

    tensors: one or several; grad_tensors: for each a tensor of its shape, or None for a tensor of one element (taken as 1).
    The graph is freed unless retain_graph; create_graph records the backward pass itself, for higher derivatives.
    inputs: tensors of the graph, computed ones too: these alone get a gradient (and those that asked `retain_grad()` on the way).
    """
    roots = _roots(tensors, grad_tensors, "backward")
    if create_graph:
        warnings.warn(CYCLE, stacklevel=3)
    wanted = None
    if inputs is not None:
        inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
        wanted = _wanted(inputs, "backward")
        for t in inputs:
            t.retain_grad()
    leaves = _run(roots, create_graph if retain_graph is None else retain_graph, create_graph, wanted)
    if wanted is not None:
        leaves = {leaf: (g, False) for leaf, g in leaves.items() if g is not None and type(leaf) is not Node}
    turn = [threading.get_ident()]
    try:
        if _turn.setdefault(0, turn) is not turn:
            _wait_for(turn)
        for leaf, (g, ours) in leaves.items():
            if leaf._requires_grad:  # or it was switched off after the forward pass
                _accumulate(leaf, g, ours, create_graph)
    finally:
        if 0 in _turn and _turn[0] is turn:
            del _turn[0]


_turn: dict = {}  # {0: [thread]} of the call of `backward` that adds to the gradients of leaves, or empty


def _wait_for(turn):
    """Wait until no other thread adds to the gradients of leaves, so that none of two sums is lost; then let `turn` be its turn.

    A backward pass in a signal handler or a finalizer does not wait for its own thread, nor, while Python ends, for another.
    """
    while (other := _turn.setdefault(0, turn)) is not turn and other[0] != turn[0] and not sys.is_finalizing():
        time.sleep(1e-5)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_turn.clear)


def grad(
    outputs: PublicTensor | Iterable[PublicTensor], inputs: PublicTensor | Iterable[PublicTensor], grad_outputs: Any = None,
    retain_graph: bool | None = None, create_graph: bool = False, *, allow_unused: bool | None = None, materialize_grads: bool = False,
) -> tuple[PublicTensor, ...]:
    """Return d(outputs)/d(input) for each of `inputs`, weighted by `grad_outputs`: a tuple of tensors. No `.grad` is touched.

    An input that was not used is an error; its gradient is None with allow_unused, and zeros with materialize_grads.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: with materialize_grads=True unused inputs get zeros; leave allow_unused out or set it to True")
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    wanted = _wanted(inputs, "grad")
    roots = _roots(outputs, grad_outputs, "grad")
    found = _run(roots, create_graph if retain_graph is None else retain_graph, create_graph, wanted)
    result = []
    for i, t in enumerate(inputs):
        g = found.get(origin(t))
        if g is None and materialize_grads:
            g = wrap(backend.array_module(t.array).zeros_like(t.array))
            g.requires_grad = create_graph
        elif g is None and not allow_unused:
            raise RuntimeError(f"grad: input {i} of shape {tuple(t.shape)} was not used to compute the outputs; "
                               "set allow_unused=True to get None for it")
        elif g is not None and not isinstance(g, Tensor):
            g = wrap(backend.copy(g, order="C"))
        result.append(g)
    return tuple(result)


def _wanted(inputs, name):
    """{node or leaf: None} of the tensors whose gradients are asked for, checked."""
    if not inputs:
        raise RuntimeError(f"{name}: `inputs` argument to `{name}()` cannot be empty")
    for i, t in enumerate(inputs):
        if not isinstance(t, Tensor):
            raise RuntimeError(f"{name}: all inputs have to be Tensors, but input {i} is {type(t).__name__}")
        if not t._requires_grad:
            raise RuntimeError(f"{name}: input {i} of shape {tuple(t.shape)} does not require a gradient")
    return {origin(t): None for t in inputs}


def _roots(tensors, gradients, name):
    """[(tensor, its gradient)], checked."""
    tensors = (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)
    if gradients is None:
        gradients = (None,) * len(tensors)
    elif isinstance(gradients, Tensor) or backend.is_array(gradients := backend.plain_array(gradients, name)):
        gradients = (gradients,)
    if len(gradients) != len(tensors):
        raise RuntimeError(f"{name}: {len(tensors)} tensors, but {len(gradients)} gradients")
    roots = []
    for t, g in zip(tensors, gradients):
        if not isinstance(t, Tensor):
            raise TypeError(f"{name}: expected tensors, got {type(t).__name__}")
        if not t._requires_grad:
            raise RuntimeError(f"{name}: the tensor of shape {tuple(t.shape)} does not require a gradient and has no grad_fn: "
                               "nothing that it was computed from has requires_grad=True, or it was computed under no_grad()")
        if g is None:
            if t.array.size != 1:
                raise RuntimeError(f"{name}: a gradient can be left out only for a tensor of one element, not of shape "
                                   f"{tuple(t.shape)}; pass a gradient of that shape, or reduce it first, e.g. with .sum()")
            g = backend.array_module(t.array).ones_like(t.array)
        else:
            g = g if isinstance(g, Tensor) else backend.plain_array(g, name)
            array = g.array if isinstance(g, Tensor) else g
            if tuple(array.shape) != tuple(t.array.shape):
                raise RuntimeError(f"{name}: the gradient has shape {tuple(array.shape)}, its tensor {tuple(t.shape)}")
            if type(array) is not type(t.array):
                _one_device(name, [array, t.array])
            if array.dtype != t.array.dtype:
                g = array = array.astype(t.array.dtype)
        roots.append((t, g))
    return roots


def _run(roots, retain, create, wanted):
    """The backward pass. Returns {leaf: (gradient, is the array ours alone)}, or {node or leaf: gradient} for the wanted ones."""
    grads: dict = {}  # node or leaf -> the sum so far
    owned: set = set()  # those whose sum is an array of ours alone, free to add to
    heap: list = []  # (-tick, node): a node comes when everything newer, so all its contributions, has been
    for tensor, g in roots:
        g = (g if isinstance(g, Tensor) else wrap(g)) if create else g.array if isinstance(g, Tensor) else g
        start = tensor if tensor.node is None else tensor.node
        if start in grads:
            total = grads[start] + g
            grads[start] = total if create else backend.asarray(total, like=g)
            continue
        grads[start] = g
        if type(start) is Node:
            heapq.heappush(heap, (-start.tick, start))
    needed = None if wanted is None else _needed([node for _, node in heap], wanted)
    again = None
    if create:
        from .replay import recording_vjps

        again = recording_vjps([node for _, node in heap])
    before, token = get_warnings(), None
    try:
        token = set_warnings(QUIET)
        if create:
            in_mode(True, _walk, grads, owned, heap, retain, again, wanted, needed)
        else:  # on raw arrays: nothing is recorded
            _walk(grads, owned, heap, retain, again, wanted, needed)
        leaves = {leaf: (g, leaf in owned) if not leaf.hooks else _hooked(leaf, g, leaf in owned) for leaf, g in grads.items()}
    finally:
        set_warnings(before) if token is None else reset_warnings(token)
    return leaves if wanted is None else {n: leaves[n][0] if n in leaves else g for n, g in wanted.items()}


def _walk(grads, owned, heap, retain, again, wanted, needed):
    """Visit nodes from the newest to the oldest, hand each one's gradient to its VJPs, and add up what comes back."""
    silent: set = set()  # nodes that are visited although no gradient may reach them: a Function's backward returned None
    while heap:
        node = heapq.heappop(heap)[1]
        g = grads.pop(node, None)
        if needed is not None and node in wanted and node in needed:
            wanted[node] = g  # before its hooks where the pass goes on from here, else after them, as in PyTorch
        if node.hooks and g is not None:
            g = run_hooks(node.hooks, g)
        if needed is not None and node not in needed:
            if node in wanted:
                wanted[node] = g
            continue
        vjps = node.vjps
        if vjps is None:
            raise RuntimeError(f"backward: the graph of {node.op.__name__} (shape {tuple(node.shape)}) was freed by an earlier "
                               "backward(); pass retain_graph=True to the first one to go through it again")
        if Last.write > node.tick:
            _check_unchanged(node)
        if again is not None:
            vjps = again[node]
            if type(vjps) is str:
                raise RuntimeError(vjps)
        if g is None:
            if hasattr(node.op, "zeros"):  # a Function's backward gets zeros then, as in PyTorch
                g = node.op.zeros(node, again is not None)
            else:
                _visit_later(node.parents, grads, silent, heap)
                vjps = ()
        kind = type(g)
        if product := node.op.product:
            if product is not True:
                product.clear()  # what a Function's backward returned in an earlier pass
            elif again is None and needed is None and g is not None:
                vjps = backend.together(vjps, g)
        for parent, vjp in zip(node.parents, vjps):
            if parent is None or (needed is not None and parent not in needed and parent not in wanted):
                continue
            c, like = vjp(g), parent if type(parent) is Node else parent.array
            if type(c) is not kind or c.shape != like.shape or c.dtype != like.dtype:
                if c is None:  # a user's Function may have nothing to say
                    _visit_later((parent,), grads, silent, heap)
                    continue
                made, c = c, _fit(c, g, node, like)
                fresh = c is not made
            else:
                fresh = False
            seen = grads.get(parent)
            if seen is None:
                grads[parent] = c
                if type(parent) is Node:
                    if not silent or parent not in silent:
                        heapq.heappush(heap, (-parent.tick, parent))
                elif again is None and c is not g and c.base is None and (fresh or (node.op.owns and not keeps(vjp, c))):
                    owned.add(parent)
            elif parent in owned:
                seen += c
            else:
                total = grads[parent] = seen + c
                if type(total) is not kind:  # NumPy turned 0-d into a scalar
                    grads[parent] = backend.asarray(total)
                elif again is None:
                    owned.add(parent)
        if not retain:
            node.vjps, node.parents, node.constants = None, (), None
        vjps = vjp = c = seen = None


def _visit_later(parents, grads, silent, heap):
    """Let the parents be visited although they got no gradient: a Function among what they were computed from gets zeros."""
    for parent in parents:
        if type(parent) is Node and parent not in grads and parent not in silent:
            silent.add(parent)
            heapq.heappush(heap, (-parent.tick, parent))


def _hooked(leaf, g, ours):
    """A leaf's gradient after its hooks."""
    new = run_hooks(leaf.hooks, g)
    return new, ours and new is g


def unbroadcast(g, shape):
    """Sum `g` over the axes along which an array of `shape` was broadcast."""
    xp, added = backend.array_module(g), g.ndim - len(shape)
    if g.shape[added:] == shape:
        return xp.sum(g, axis=tuple(range(added)))
    axes = (*range(added), *(i + added for i, n in enumerate(shape) if n == 1 and g.shape[i + added] != 1))
    return xp.reshape(xp.sum(g, axis=axes), shape)


def _fit(c, g, node, like):
    """What a VJP returned, brought to the shape and dtype of `like`; a RuntimeError that names the op where it cannot be."""
    name, shape, dtype = node.op.__name__, like.shape, like.dtype
    if shape and type(c) is type(g) and c.dtype == dtype and c.shape == node.shape and c.shape[len(c.shape) - len(shape):] == shape:
        return unbroadcast(c, shape)
    if not isinstance(c, Tensor) and not backend.is_array(c):
        if not isinstance(c, backend.NumPyScalar):
            raise RuntimeError(f"the VJP of {name} returned {type(c).__name__} where an array of shape {shape} is expected")
        c = backend.asarray(c)
    a, b = (x.array if isinstance(x, Tensor) else x for x in (c, g))
    if type(a) is not type(b) and name != "to_device":
        raise backend.DeviceMismatchError(f"the VJP of {name} returned an array on {backend.device_of(a)} "
                                          f"for one on {backend.device_of(b)}")
    if c.shape != shape:
        if not _stretched(shape, c.shape, node.shape):
            raise RuntimeError(f"the VJP of {name} returned shape {tuple(c.shape)} for an input of shape {shape} "
                               f"(output {tuple(node.shape)}); expected the input's shape, or one that it was broadcast to")
        c = unbroadcast(c, shape)
    if c.dtype != dtype:
        if node.dtype == dtype:
            raise RuntimeError(f"the VJP of {name} returned dtype {c.dtype} for an input of {dtype}; "
                               "look for a NumPy scalar such as np.float64(2) in it")
        c = backend.array_module(c).astype(c, dtype) if isinstance(c, Tensor) else c.astype(dtype)
    if not isinstance(c, Tensor):
        if not backend.is_array(c):  # NumPy turned 0-d into a scalar
            c = backend.asarray(c)
        if isinstance(g, Tensor):  # a constant
            c = wrap(c)
    return c


def _stretched(small, large, out):
    """Whether `small` broadcasts to `large`, the sizes that are new standing in `out` too (aligned at the right)."""
    if len(large) < len(small):
        return False
    small = (0,) * (len(large) - len(small)) + tuple(small)  # 0: an axis that is not there
    out = (-1,) * (len(large) - len(out)) + tuple(out)[len(out) - len(large):]
    return all([n == m or (n <= 1 and m == o) for n, m, o in zip(small, large, out)])


def _check_unchanged(node):
    for parent in node.parents:
        if type(parent) is not Node and parent is not None and reshaped_since(parent, node.tick):
            raise RuntimeError(f"backward: a leaf that {node.op.__name__} (output shape {tuple(node.shape)}) used has got data of another "
                               f"shape since, {tuple(parent.shape)}; call backward() before")
    for vjp in node.vjps:
        for array in held(vjp) if vjp is not None else ():
            if written_since(array, node.tick):
                raise RuntimeError(f"backward: {node.op.__name__} (output shape {tuple(node.shape)}) saved a tensor of shape "
                                   f"{tuple(array.shape)} that was changed in place afterwards; change a clone() instead, "
                                   "or call backward() before the change")


def run_hooks(hooks, g):
    """Pass a gradient through a tensor's hooks, in order; what a hook returns replaces it. `None` keys retain_grad, the last."""
    for _, hook in sorted(hooks.items(), key=lambda item: item[0] is None):
        raw = not isinstance(g, Tensor)
        result = in_mode(not raw, hook, wrap(g) if raw else g)
        if result is not None:
            new = result.array if raw else result
            if new.shape != g.shape or new.dtype != g.dtype:
                raise RuntimeError(f"a hook returned shape {tuple(new.shape)}, {new.dtype} for a gradient of {tuple(g.shape)}, {g.dtype}")
            g = new
    return g


def _accumulate(leaf, g, ours, create):
    """leaf.grad += g; the first gradient becomes an array that nobody else has."""
    before = leaf._grad
    if create:
        leaf._grad = backend.array_module(g).copy(g) if before is None else before + g
    elif before is None:
        first = wrap(g if ours else backend.copy(g, order="C"))
        if leaf._grad is None:
            leaf._grad = first
        else:  # a backward pass in a signal handler was quicker
            _accumulate(leaf, g, ours, create)
    elif before._requires_grad:
        leaf._grad = wrap(backend.asarray(before.array + g, like=g))
    else:
        before.array += g
        wrote(before.array)


# ---- which nodes a pass needs


def _graph(starts, stop=()):
    """Every node that the starts depend on, oldest first; not beyond the nodes in `stop`."""
    seen, stack = set(starts), list(starts)
    while stack:
        node = stack.pop()
        if node in stop:
            continue
        if node.vjps is None:
            raise RuntimeError(f"backward: the graph of {node.op.__name__} (shape {tuple(node.shape)}) was freed by an earlier "
                               "backward(); pass retain_graph=True to the first one to go through it again")
        for parent in node.parents:
            if type(parent) is Node and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=lambda node: node.tick)


def _needed(starts, wanted):
    """The nodes from which a wanted node or leaf can be reached: only these need to run."""
    needed = set()
    for node in _graph(starts):
        if any(parent in wanted or parent in needed for parent in node.parents if parent is not None):
            needed.add(node)
    return needed
