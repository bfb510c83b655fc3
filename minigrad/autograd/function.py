"""`Function`: an operation of your own with PyTorch's interface, forward(ctx, …) and backward(ctx, *g)."""

from __future__ import annotations

import functools
import inspect
import warnings
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import backend
from . import engine
from .graph import Node, Tensor, constant, detach, origin, rebind, wrap
from .modes import in_mode, recording
from .sharing import has_opaque, link, views_of
from .sums import Parts
from .writes import tick, wrote

if TYPE_CHECKING:
    from .._tensor import Tensor as PublicTensor


class FunctionCtx:
    """Passes what `forward` knows to `backward`: saved tensors, and any attribute that you set."""

    _saved: tuple[Any, ...] = ()
    _dirty: tuple[Any, ...] = ()
    _constant: tuple[Any, ...] = ()
    _materialize = True
    needs_input_grad: tuple[bool, ...] = ()
    saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: PublicTensor | None) -> None:
        """Keep tensors for `backward`, which finds them in `ctx.saved_tensors`. Changing one in place before that is an error."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(f"save_for_backward: expected tensors, got {type(t).__name__}; set an attribute of ctx instead")
        self._saved = tensors

    def mark_dirty(self, *tensors: PublicTensor) -> None:
        """Say which inputs `forward` changed in place. It must return them, and they get the Function's gradient."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: PublicTensor) -> None:
        """Say which outputs have no gradient. Outputs of whole numbers never have one."""
        self._constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Say whether `backward` gets zeros for an output that no gradient has reached, as it does at first, or None."""
        self._materialize = value

    @property
    def saved_variables(self) -> tuple[Any, ...]:
        """Return `saved_tensors`, of which this is the old name."""
        warnings.warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2)
        return self.saved_tensors


class _Output:
    """Stands as `op` in the node of one of several outputs. Its VJP hands the gradient on to the node of the call."""

    owns = False  # the user's backward may return an array that is used elsewhere
    product: Any = False
    several = True

    def __init__(self, cls, array, i):
        self.__name__, self.output, self.index = cls.__name__, weakref.ref(array), i

    def raw(self, outputs):
        """Return this output of all."""
        return outputs[self.index]


class _Call:
    """Stands as `op` in the node of a Function: its class and name, and what is known of its outputs."""

    owns, several, materialize = False, False, True
    shapes: Any = ()  # (shape, dtype) of each of several outputs, None for what is no tensor

    def __init__(self, cls, array):
        self.cls, self.__name__ = cls, cls.__name__
        self.product: dict = {}  # {0: (the last gradient, what backward returned for it)}: backward runs once for all inputs
        self.output, self.module = weakref.ref(array), backend.array_module(array)

    def zeros(self, node, as_tensor):
        """Return zeros as the gradient of a value that was used, but that got no gradient from any use."""
        zeros = self.module.zeros(node.shape, dtype=node.dtype)
        if as_tensor:
            zeros = wrap(zeros)
        return Parts([None] * (len(self.shapes) or 1), zeros) if self.several or not self.materialize else zeros

    def gradients(self, g):
        """Return the gradients that the class's backward gets, one for each output, as tensors."""
        if type(g) is not Parts:
            return (g if isinstance(g, Tensor) else wrap(g),)
        parts = g.gradients
        if self.materialize:
            parts = [self.module.zeros(like[0], dtype=like[1]) if g is None and like else g for g, like in zip(parts, self.shapes)]
        return [g if g is None or isinstance(g, Tensor) else wrap(g) for g in parts]


class Function:
    """Base class: write `forward(ctx, *inputs)` and `backward(ctx, *g)` as static methods; call `YourFunction.apply(*inputs)`.

    `forward` works on tensors and returns one tensor, or a tuple of several and of anything else, which is passed on. `backward` gets
    g = d(loss)/d(output) for each of them, and returns one gradient for each input of `apply`, None for those that need none (numbers,
    for example). With `setup_context(ctx, inputs, output)`, which may save what is needed, `forward(*inputs)` has no ctx.
    """

    @staticmethod
    def forward(*inputs: Any, **options: Any) -> Any:  # a method with other arguments may replace one of this type
        """Return the value: one tensor, or a tuple."""
        raise TypeError("Function: define forward(ctx, *inputs) as a static method")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Save what `backward` needs, after forward(*inputs) has returned `output`."""

    @staticmethod
    def backward(ctx: Any, /, *gradients: Any, **options: Any) -> Any:
        """Return the gradients, one for each input of `apply`."""
        raise TypeError("Function: define backward(ctx, g) as a static method")

    @classmethod
    def apply(cls, *inputs: Any, **options: Any) -> PublicTensor:
        """Run `forward` on the inputs, which may be given by name, record it, and return what it returned: one tensor, or a tuple."""
        ctx, run = FunctionCtx(), cls.forward
        if cls.setup_context is not _SETUP:
            run, inputs = partial(_forward_and_setup, cls), _bound(run, inputs, options).args
        elif options:
            bound = _bound(run, (ctx, *inputs), options)
            run, inputs = partial(run, **bound.kwargs), bound.args[1:]
        ctx.needs_input_grad = tuple([isinstance(x, Tensor) and x._requires_grad for x in inputs])
        result = in_mode(False, run, ctx, *inputs)
        several = isinstance(result, tuple)
        if not several and not isinstance(result, Tensor):
            raise TypeError(f"{cls.__name__}.forward returned {type(result).__name__}; it must return one tensor, or a tuple of several")
        returned = result if several else (result,)
        outs = [_fresh(t, inputs, ctx) for t in result] if several else [_fresh(result, inputs, ctx)]
        recorded = True in ctx.needs_input_grad and bool(recording.get())
        if ctx._dirty:
            _check_dirty(cls.__name__, ctx._dirty, returned, recorded)
        if recorded:
            _record(cls, ctx, inputs, returned, outs, several)
        ctx._saved = ()
        return tuple(outs) if several else outs[0]  # type: ignore[return-value]


_SETUP = Function.setup_context


def _bound(forward, inputs, options):
    """Return the arguments of `forward`, those that are given by name and its defaults among them."""
    bound = inspect.signature(forward).bind(*inputs, **options)
    bound.apply_defaults()
    return bound


def _forward_and_setup(cls, ctx, *inputs):
    output = cls.forward(*inputs)
    cls.setup_context(ctx, inputs, output)
    return output


def _is_in(x, tensors):
    for t in tensors:
        if t is x:
            return True
    return False


def _fresh(t, inputs, ctx):
    """Return an output that can get a node: `t` itself, or another tensor on its memory if it is an input or has a history."""
    if not isinstance(t, Tensor) or not (t._requires_grad or _is_in(t, inputs)):
        return t
    if _is_in(t, ctx._dirty) and (recording.get() or not t._requires_grad):
        return t
    out = wrap(t.array)
    link(t, out)
    return out


def _check_dirty(name, dirty, returned, recorded):
    """Log that these inputs were changed in place; raise RuntimeError for one to which the Function's gradient cannot be given."""
    for x in dirty:
        wrote(x.array)
        if not _is_in(x, returned):
            raise RuntimeError(f"{name}: an input of shape {tuple(x.shape)} was marked as dirty, but forward did not return it; "
                               "the inputs that are changed in place must all be outputs")
        if recorded and x._requires_grad and x.node is None:
            raise RuntimeError(f"{name}: a leaf tensor that requires a gradient is changed in place; do it under minigrad.no_grad()")
        if recorded and (views_of(x) or has_opaque(x)):
            raise RuntimeError(f"{name}: an input of shape {tuple(x.shape)} that is changed in place shares its memory with another tensor "
                               "that has a history; give it a clone()")


def _record(cls, ctx, inputs, returned, outs, several):
    """Give the outputs their nodes: the node of the call, or with `several` a node for each, before which stands that of the call.

    returned: what `forward` returned; an output is the tensor itself, or another one on the same memory.
    """
    places = []
    for i, t in enumerate(outs):  # no comprehension, which would be slower for one output
        if isinstance(t, Tensor) and t.array.dtype.kind == "f" and not (ctx._constant and _is_in(returned[i], ctx._constant)):
            places.append(i)
    if not places:
        return
    node, first = Node(), outs[places[0]].array
    node.op, node.tick, node.options, node.hooks = _Call(cls, first), tick(), None, None
    node.shape, node.dtype = () if several else first.shape, first.dtype
    node.parents = [origin(x) if need else None for x, need in zip(inputs, ctx.needs_input_grad)]
    node.constants = [constant(x) if p is None else None for x, p in zip(inputs, node.parents)]
    saved = [None if t is None else (t.array, _origin(t, inputs, returned, places, ctx._dirty)) for t in ctx._saved]
    node.op.node = weakref.ref(node)
    node.vjps = _vjps(cls, ctx, node.op, saved, [isinstance(x, Tensor) for x in inputs])
    node.op.materialize = ctx._materialize
    if several:
        node.op.several, node.op.output = True, lambda: None
        node.op.shapes = [(t.array.shape, t.array.dtype) if isinstance(t, Tensor) else None for t in outs]
    for i in places:
        out = outs[i]
        value = _output_node(node, i, out.array) if several else node
        if ctx._dirty:
            rebind(out, value)
        else:
            out.node, out._requires_grad = value, True
        if engine.observers:
            engine.tell(inputs, out)
            node.made = getattr(value, "made", None)


def _vjps(cls, ctx, call, saved, given):
    """Return the VJPs of a call, one for each input. The first that is called for a gradient runs the class's backward for all."""
    def of_input(i, g):
        entry = results.get(0)
        if entry is None or entry[0] is not g:
            entry = results[0] = g, _backward(cls, ctx, g, saved, given, call)
        if i == last:
            results.clear()
        return entry[1][i]

    results, last = call.product, max([i for i, need in enumerate(ctx.needs_input_grad) if need])
    return [partial(of_input, i) for i in range(len(given))]


def _output_node(call, i, array):
    """Return a node for output `i` of the node of a call, which has several."""
    def vjp(g):
        return Parts([g if j == i else None for j in range(count)], g)

    node, count = Node(), len(call.op.shapes)
    node.op, node.tick, node.options, node.constants, node.hooks = _Output(call.op.cls, array, i), tick(), None, None, None
    node.parents, node.vjps, node.shape, node.dtype = (call,), (vjp,), array.shape, array.dtype
    return node


def _origin(t, inputs, returned, places, dirty):
    """Return what stands for a saved tensor in the graph: its node or leaf, None, or for an output the number of it.

    The node of an output is not kept, so that an output that is saved does not keep itself alive.
    """
    for i in places:
        if t is returned[i] and (not _is_in(t, inputs) or _is_in(t, dirty)):
            return i
    return origin(t) if t._requires_grad else None


def _unpack(saved, node):
    """Yield the tensors that were saved in the call of `node`, each attached to the graph as it was when it was saved."""
    for entry in saved:
        if entry is None:
            yield None
            continue
        array, source = entry
        if type(source) is int:  # an output
            source = _output_node(node, source, array) if node.op.several else node
        yield source if isinstance(source, Tensor) and source.array is array else wrap(array, source)


def _backward(cls, ctx, g, saved, given, call):
    """Return the gradients from the class's backward, one for each input of apply, as arrays where g holds arrays.

    given: for each input, whether it is a tensor.
    """
    raw = not isinstance(g.like if type(g) is Parts else g, Tensor)
    ctx.saved_tensors = tuple(_unpack(saved, call.node()))
    try:
        result = in_mode(not raw, cls.backward, ctx, *call.gradients(g))
    finally:
        ctx.saved_tensors = ()
    result = result if isinstance(result, (tuple, list)) else (result,)
    count = len(given)
    if len(result) != count and (len(result) < count or any([r is not None for r in result[count:]])):
        raise RuntimeError(f"{cls.__name__}.backward returned {len(result)} gradients for {count} inputs of apply; "
                           "return one for each, None for those that need none")
    for i, (r, is_tensor, need) in enumerate(zip(result, given, ctx.needs_input_grad)):
        if r is not None and not is_tensor:
            raise RuntimeError(f"{cls.__name__}.backward returned a gradient for input {i} of apply, which is no tensor; return None there")
        if r is not None and need and not isinstance(r, Tensor):
            raise TypeError(f"{cls.__name__}.backward returned {type(r).__name__} as a gradient; return tensors, or None")
    return [None if r is None or not need else r.array if raw else r for r, need in zip(result, ctx.needs_input_grad)]


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a `backward` that has no derivative of its own: it runs unrecorded, and a second derivative raises RuntimeError."""
    @functools.wraps(backward)
    def once(ctx, *gradients):
        result = in_mode(False, backward, ctx, *gradients)
        if not recording.get() or not any([isinstance(g, Tensor) and g._requires_grad for g in gradients]):
            return result
        results = result if isinstance(result, tuple) else (result,)
        return tuple([None if r is None else _Once.apply(r, *gradients) for r in results])

    return once


class _Once(Function):
    """y = result, a function of the gradients that cannot be differentiated."""

    @staticmethod
    def forward(ctx, result, *gradients):
        return result

    @staticmethod
    def backward(ctx, g):
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


class _EveryTensor(type):
    def __instancecheck__(cls, x):
        return isinstance(x, Tensor)


class Variable(metaclass=_EveryTensor):
    """PyTorch's old name: Variable(tensor) is a leaf on the tensor's memory, without its history, and every tensor is a Variable."""

    def __new__(cls, data: PublicTensor, requires_grad: bool = False, volatile: Any = None) -> Any:
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}; make it one with minigrad.tensor(…)")
        if volatile is not None:
            warnings.warn("volatile was removed and now has no effect. Use `with no_grad():` instead.", stacklevel=2)
            if volatile and requires_grad:
                raise ValueError("Variable can't be volatile and require_grad at the same time!")
        out = detach(data)
        out.requires_grad = requires_grad
        return out
