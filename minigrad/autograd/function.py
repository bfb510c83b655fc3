"""`Function`: an operation of your own with PyTorch's interface, forward(ctx, …) and backward(ctx, *g)."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from .calls import is_in, record
from .graph import Tensor, detach, wrap
from .modes import in_mode, recording
from .sharing import has_opaque, link, views_of
from .writes import wrote

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
            record(cls, ctx, inputs, returned, outs, several)
        ctx._saved = ()
        return tuple(outs) if several else outs[0]  # type: ignore[return-value]


_SETUP = Function.setup_context


def _bound(forward, inputs, options):
    """Return the arguments of a call of `forward`, bound to its parameters, with its defaults for those that are missing."""
    bound = inspect.signature(forward).bind(*inputs, **options)
    bound.apply_defaults()
    return bound


def _forward_and_setup(cls, ctx, *inputs):
    """Return the value of `forward`, which has no ctx, after `setup_context` has seen it."""
    output = cls.forward(*inputs)
    cls.setup_context(ctx, inputs, output)
    return output


def _fresh(t, inputs, ctx):
    """Return an output that can get a node: `t` itself, or another tensor on its memory if it is an input or has a history."""
    if not isinstance(t, Tensor) or not (t._requires_grad or is_in(t, inputs)):
        return t
    if is_in(t, ctx._dirty) and (recording.get() or not t._requires_grad):
        return t
    out = wrap(t.array)
    link(t, out)
    return out


def _check_dirty(name, dirty, returned, recorded):
    """Log that these inputs were changed in place; raise RuntimeError for one to which the Function's gradient cannot be given."""
    for x in dirty:
        wrote(x.array)
        if not is_in(x, returned):
            raise RuntimeError(f"{name}: an input of shape {tuple(x.shape)} was marked as dirty, but forward did not return it; "
                               "the inputs that are changed in place must all be outputs")
        if recorded and x._requires_grad and x.node is None:
            raise RuntimeError(f"{name}: a leaf tensor that requires a gradient is changed in place; do it under minigrad.no_grad()")
        if recorded and (views_of(x) or has_opaque(x)):
            raise RuntimeError(f"{name}: an input of shape {tuple(x.shape)} that is changed in place shares its memory with another tensor "
                               "that has a history; give it a clone()")


class InplaceFunction(Function):
    """PyTorch's old name of a Function that changes an input in place."""


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
