"""FloatTensor and its like: the types of old programs, each a constructor and a name of a dtype."""

from __future__ import annotations

from typing import Any

from . import backend
from ._tensor import Tensor
from .functions.conversions import TYPE_NAMES
from .functions.creation import from_old_arguments


class TensorType:
    """A constructor like `Tensor`, with a dtype of its own, which `.type(FloatTensor)` and isinstance accept too."""

    def __init__(self, name: str) -> None:
        self.__name__, self.holds = name, backend.dtype_of(TYPE_NAMES[name])

    def __call__(self, *data: Any) -> Tensor:
        return from_old_arguments(data, self.holds, None, self.__name__)

    def __instancecheck__(self, x: Any) -> bool:
        return isinstance(x, Tensor) and x.dtype == self.holds

    def __repr__(self) -> str:
        return f"<class 'torch.{self.__name__}'>"


(DoubleTensor, FloatTensor, HalfTensor, LongTensor, IntTensor, ShortTensor, CharTensor, ByteTensor,
 BoolTensor) = map(TensorType, TYPE_NAMES)
