"""Gradients of tensors: `backward`, `detach`, `requires_grad_`, and hooks that see or replace a gradient."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import backend
from ..autograd import engine, graph
from ..autograd.handles import AFTER, Handle, register
from .types import Operand, Tensor

__all__ = ["Handle"]


def backward(
    self: Tensor, gradient: Operand | None = None, retain_graph: bool | None = None, create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add d(self)/d(leaf), weighted by `gradient`, to the `.grad` of every leaf that self was computed from, or of `inputs` alone."""
    if gradient is not None and not isinstance(gradient, Tensor):
        gradient = backend.plain_array(gradient, "backward")
    engine.backward(self, gradient, retain_graph, create_graph, inputs=inputs)


def detach(self: Tensor) -> Tensor:
    """Return a tensor on the same memory, without history."""
    return graph.detach(self)


def detach_(self: Tensor) -> Tensor:
    """Forget the history of this tensor, and return it."""
    self.node, self._requires_grad = None, False
    return self


def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Set `requires_grad`, and return self."""
    self.requires_grad = requires_grad
    return self


def clear_gradients(tensors: Iterable[Tensor], set_to_none: bool) -> None:
    """Set the gradients of these tensors to None, or fill them with 0."""
    for t in tensors:
        if set_to_none:
            t._grad = None
        elif t._grad is not None:
            t._grad.detach_().zero_()


def register_hook(self: Tensor, hook: Callable[[Tensor], Any]) -> Handle:
    """Call hook(gradient) when the gradient of this tensor is known; what it returns replaces the gradient.

    Return a handle whose `remove()` takes the hook away.
    """
    if not self._requires_grad:
        raise RuntimeError("register_hook: the tensor does not require a gradient")
    return register(graph.origin(self), hook)


def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], Any]) -> Handle:
    """Call hook(self) each time that `backward` has added to the `.grad` of this leaf.

    It is called once the gradients of the pass have been added up, under no_grad unless create_graph is set, and may change self and
    self.grad. Return a handle whose `remove()` takes the hook away. Raise RuntimeError for a tensor that was computed.
    """
    if not self._requires_grad:
        raise RuntimeError("register_post_accumulate_grad_hook: the tensor does not require a gradient")
    if self.node is not None:
        raise RuntimeError(f"register_post_accumulate_grad_hook: the tensor was computed, by {self.node.name()}, and has no .grad of its "
                           "own; call it on a leaf, or register_hook here")
    return register(self, hook, AFTER)


def retain_grad(self: Tensor) -> None:
    """Let `backward` leave the gradient of this computed tensor in `.grad` too."""
    if not self._requires_grad:
        raise RuntimeError("retain_grad: the tensor does not require a gradient")
    if self.node is not None:
        if self.node.hooks is None:
            self.node.hooks = {}
        self.node.hooks[None] = functools.partial(_keep, weakref.ref(self))


def _keep(reference: weakref.ref[Tensor], g: Any) -> None:
    """Add a gradient to the `.grad` of a tensor, if the tensor still exists: the hook behind `retain_grad`."""
    t = reference()
    if t is not None:
        t._grad = g.clone() if t._grad is None else t._grad + g
