"""`Function`: an operation of your own with PyTorch's interface, forward(ctx, …) and backward(ctx, g)."""

from __future__ import annotations

import warnings
import weakref
from typing import TYPE_CHECKING, Any

from .. import backend
from . import engine
from .graph import Node, Tensor, constant, detach, origin, wrap
from .modes import in_mode, recording
from .sharing import link
from .writes import tick

if TYPE_CHECKING:
    from .._tensor import Tensor as PublicTensor


class Context:
    """Passes what `forward` knows to `backward`: saved tensors, and any attribute that you set."""

    _saved: tuple[Any, ...] = ()
    needs_input_grad: tuple[bool, ...] = ()
    saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: PublicTensor | None) -> None:
        """Keep tensors for `backward`, which finds them in `ctx.saved_tensors`. Changing one in place before that is an error."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(f"save_for_backward: expected tensors, got {type(t).__name__}; set an attribute of ctx instead")
        self._saved = tensors

    @property
    def saved_variables(self) -> tuple[Any, ...]:
        """Return `saved_tensors`, of which this is the old name."""
        warnings.warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2)
        return self.saved_tensors


class _Call:
    """Stands as `op` in the node of a Function: its class and name, and what is known of its value."""

    owns = False  # the user's backward may return an array that is used elsewhere

    def __init__(self, cls, array):
        self.cls, self.__name__ = cls, cls.__name__
        self.product: dict = {}  # {0: (the last gradient, what backward returned for it)}: backward runs once for all inputs
        self.output, self._module = weakref.ref(array), backend.array_module(array)

    def zeros(self, node, as_tensor):
        """Return zeros as the gradient of a value that was used, but that got no gradient from any use."""
        zeros = self._module.zeros(node.shape, dtype=node.dtype)
        return wrap(zeros) if as_tensor else zeros


class Function:
    """Base class: write `forward(ctx, *inputs)` and `backward(ctx, g)` as static methods; call `YourFunction.apply(*inputs)`.

    `forward` works on tensors and returns one tensor. `backward` gets g = d(loss)/d(output) and returns one gradient for each
    input of `apply`, None for those that need none (numbers, for example).
    """

    @staticmethod
    def forward(ctx: Any, /, *inputs: Any, **options: Any) -> Any:  # a method with other arguments may replace one of this type
        """Return the value, one tensor."""
        raise TypeError("Function: define forward(ctx, *inputs) as a static method")

    @staticmethod
    def backward(ctx: Any, /, *gradients: Any, **options: Any) -> Any:
        """Return the gradients, one for each input of `apply`."""
        raise TypeError("Function: define backward(ctx, g) as a static method")

    @classmethod
    def apply(cls, *inputs: Any) -> PublicTensor:
        """Run `forward` on the inputs, record it, and return its value."""
        ctx = Context()
        ctx.needs_input_grad = tuple(isinstance(x, Tensor) and x._requires_grad for x in inputs)
        out = in_mode(False, cls.forward, ctx, *inputs)
        if not isinstance(out, Tensor):
            raise TypeError(f"{cls.__name__}.forward returned {type(out).__name__}; it must return one tensor")
        returned = out
        if any(out is x for x in inputs) or out._requires_grad:
            out = wrap(out.array)
            link(returned, out)
        if recording.get() and any(ctx.needs_input_grad) and out.array.dtype.kind == "f":
            _record(cls, ctx, inputs, out, returned)
        ctx._saved = ()
        return out


def _record(cls, ctx, inputs, out, returned):
    """Give `out` its node. `returned` is the tensor that `forward` returned: `out` itself, or another one on the same memory."""
    node = Node()
    node.op, node.tick, node.options, node.hooks = _Call(cls, out.array), tick(), None, None
    node.shape, node.dtype = out.array.shape, out.array.dtype
    node.parents = [origin(x) if need else None for x, need in zip(inputs, ctx.needs_input_grad)]
    node.constants = [constant(x) if p is None else None for x, p in zip(inputs, node.parents)]
    me = weakref.ref(node)  # a weak reference, so that an output that is saved does not keep itself alive
    saved = [None if t is None else (t.array, _origin(t, inputs, returned, me)) for t in ctx._saved]
    results, given = node.op.product, [isinstance(x, Tensor) for x in inputs]

    def gradients(g):
        entry = results.get(0)
        if entry is None or entry[0] is not g:
            entry = results[0] = g, _backward(cls, ctx, g, saved, given)
        return entry[1]

    def vjp(i):
        def of_input(g):
            result = gradients(g)[i]
            if i == last:
                results.clear()
            return result

        return of_input

    last = max(i for i, p in enumerate(node.parents) if p is not None)
    node.vjps = [vjp(i) for i in range(len(inputs))]
    out.node, out._requires_grad = node, True
    if engine.observers:
        engine.tell(inputs, out)


def _origin(t, inputs, returned, me):
    """Return what stands for a saved tensor in the graph: its node or leaf, for the value the Function's own node `me`, or None."""
    if t is returned and not any([t is x for x in inputs]):
        return me
    return origin(t) if t._requires_grad else None


def _unpack(saved):
    """Yield the saved tensors, each attached to the graph as it was when it was saved."""
    for entry in saved:
        if entry is None:
            yield None
            continue
        array, source = entry
        source = source() if isinstance(source, weakref.ref) else source
        yield source if isinstance(source, Tensor) and source.array is array else wrap(array, source)


def _backward(cls, ctx, g, saved, given):
    """Return the gradients from the class's backward, one for each input of apply, as arrays where g is an array.

    given: for each input, whether it is a tensor.
    """
    raw = not isinstance(g, Tensor)
    ctx.saved_tensors = tuple(_unpack(saved))
    try:
        result = in_mode(not raw, cls.backward, ctx, wrap(g) if raw else g)
    finally:
        ctx.saved_tensors = ()
    result = result if isinstance(result, (tuple, list)) else (result,)
    count = len(given)
    if len(result) < count or any([r is not None for r in result[count:]]):
        raise RuntimeError(f"{cls.__name__}.backward returned {len(result)} gradients for {count} inputs of apply; "
                           "return one for each, None for those that need none")
    for i, (r, is_tensor, need) in enumerate(zip(result, given, ctx.needs_input_grad)):
        if r is not None and not is_tensor:
            raise RuntimeError(f"{cls.__name__}.backward returned a gradient for input {i} of apply, which is no tensor; return None there")
        if r is not None and need and not isinstance(r, Tensor):
            raise TypeError(f"{cls.__name__}.backward returned {type(r).__name__} as a gradient; return tensors, or None")
    return [None if r is None or not need else r.array if raw else r for r, need in zip(result, ctx.needs_input_grad)]


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
