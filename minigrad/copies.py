"""Copies of tensors, by `copy`, `deepcopy` and `pickle`."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from . import backend
from .autograd import graph, sharing

if TYPE_CHECKING:
    from ._tensor import Tensor


def deep_copy(self: Tensor, memo: dict[Any, Any]) -> Tensor:
    """Return a copy with its own memory, gradient and attributes. Raise RuntimeError if self was computed."""
    if self.node is not None:
        raise RuntimeError("only leaf tensors can be deep-copied; use clone() or detach() first")
    new = _rebuild(type(self), _copied(self, memo), self._requires_grad)
    memo[id(self)] = new
    if _memory(self) in memo:  # other copies show its memory
        sharing.link(memo.setdefault(("copies", *_memory(self)), new), new, sharing.DETACHED)
    new._grad = copy.deepcopy(self._grad, memo)
    if hasattr(self, "__dict__"):
        new.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return new


def shallow_copy(self: Tensor) -> Tensor:
    """Return a tensor on the same memory, with the same attributes."""
    new = _rebuild(type(self), self.array, self._requires_grad, backend.device_of(self.array))
    sharing.link(self, new, sharing.DETACHED)
    if hasattr(self, "__dict__"):
        new.__dict__.update(self.__dict__)
    return new


def reduce(self: Tensor, protocol: Any) -> Any:
    """Return what `pickle` writes of a tensor: its class, a NumPy array, whether it requires a gradient, its device and attributes."""
    arguments = type(self), backend.to_numpy(self.array), self._requires_grad, backend.device_of(self.array)
    return _rebuild, arguments, getattr(self, "__dict__", None)


def _rebuild(cls: Any, array: Any, requires_grad: bool, device: str | None = None) -> Tensor:
    """Return a tensor of the class `cls`, whose own `__init__` is not called."""
    new = cls.__new__(cls)
    graph.Tensor.__init__(new, array if device is None else backend.to_device(array, device), requires_grad)
    return new


def _copied(x: Tensor, memo: dict[Any, Any]) -> Any:
    """Return the array of a copy of `x`. Copies made together share memory where the tensors do, as in PyTorch."""
    owner = backend.root(x.array)
    shown = [reference() for reference in x.views.everyone] if x.views is not None else []
    beside = [t.array for t in shown if t is not None and backend.root(t.array) is owner]
    if len(beside) < 2 or not backend.is_dense(owner):
        return backend.copy(x.array, order="K")
    key = _memory(x)
    if key not in memo:
        memo[key] = backend.Span(beside), x.views.everyone  # the list must live as long as its id is a key
    return memo[key][0].copied(x.array)


def _memory(x: Tensor) -> tuple[Any, ...]:
    """Return the key, in a memo of copies, of the memory that `x` shows with others."""
    return id(x.views.everyone) if x.views else None, id(backend.root(x.array))
