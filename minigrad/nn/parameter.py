"""Parameter: a tensor that a Module trains."""

from __future__ import annotations

from typing import Any

from .. import ops
from .._tensor import Tensor
from ..autograd import graph
from ..autograd.sharing import DETACHED, link
from ..functions.creation import empty


class Parameter(Tensor):
    """A leaf on the memory of `data`; assigned to an attribute of a Module, it is one of its parameters.

    A program may give it attributes of its own.
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        if data is None:
            data = empty(0)
        if not isinstance(data, Tensor):
            name = type(data).__name__  # type: ignore[unreachable]
            raise TypeError(f"Parameter: expected a Tensor, got {name}; make one with minigrad.tensor(…)")
        graph.Tensor.__init__(self, data.array)
        self.requires_grad = requires_grad
        link(data, self, DETACHED)

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.data.clone(), self.requires_grad)  # without attributes, as in PyTorch
        return memo[id(self)]

    def __repr__(self, **_: Any) -> str:
        return "Parameter containing:\n" + super().__repr__()


ops.use_tensor_class(Parameter)
