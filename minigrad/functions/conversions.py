"""Tensors in another dtype, on another device, and as copies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from .. import backend, ops
from .arguments import check_input
from .types import DeviceLike, DTypeLike, Tensor, named

__all__ = ["clone"]

TYPE_NAMES = {
    "DoubleTensor": "float64", "FloatTensor": "float32", "HalfTensor": "float16", "LongTensor": "int64", "IntTensor": "int32",
    "ShortTensor": "int16", "CharTensor": "int8", "ByteTensor": "uint8", "BoolTensor": "bool",
}  # fmt: skip


def to(
    self: Tensor, *args: Any, dtype: DTypeLike = None, device: DeviceLike = None, copy: bool = False,
    non_blocking: bool = False,
) -> Tensor:
    """Return this tensor in another dtype, on another device, or both.

    They may be given in any order; another tensor stands for its own dtype and device. Return self, not a copy, if it has them already,
    unless `copy` is True.

    y = self in another dtype or on another device,  dL/dself = g in the dtype and on the device of self
    """
    for a in args:
        if isinstance(a, Tensor):
            dtype, device = a.dtype, a.device
        elif isinstance(a, backend.device) or (isinstance(a, str) and a.partition(":")[0] in ("cpu", "cuda")):
            device = a
        elif not isinstance(a, bool) and a is not None:
            dtype = a
    out = self
    if device is not None:
        name = backend.device(device).type
        if name != backend.device_of(self.array):
            out = ops.to_device(out, device=name)
    if dtype is not None:
        target = backend.dtype_of(dtype)
        if target != self.array.dtype:
            out = ops.astype(out.detach() if target.kind != "f" else out, target)
    return out.clone() if copy and out is self else out


@overload
def type(self: Tensor, dtype: None = None) -> str: ...
@overload
def type(self: Tensor, dtype: Any) -> Tensor: ...
def type(self: Tensor, dtype: Any = None) -> Tensor | str:
    """Return this tensor in another dtype; without one, the name of its type, such as torch.FloatTensor.

    y = self in the dtype `dtype`,  dL/dself = g in the dtype of self
    """
    if dtype is None:
        return "torch." + next(name for name, known in TYPE_NAMES.items() if known == str(self.dtype))
    if isinstance(dtype, str):
        dtype = TYPE_NAMES.get(dtype.removeprefix("torch."), dtype)
    return self.to(getattr(dtype, "holds", dtype))  # a type such as FloatTensor holds a dtype


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """Return this tensor in the dtype and on the device of another.

    y = self in the dtype of other,  dL/dself = g in the dtype of self,  no gradient for other
    """
    return self.to(check_input(other, "type_as", "other"))


def in_dtype(name: str, dtype: Any) -> Callable[[Tensor], Tensor]:
    """Return the method of this name, which converts to `dtype`."""
    def method(self: Tensor) -> Tensor:
        return self.to(dtype)

    gradient = "dL/dself = g in the dtype of self" if dtype.kind == "f" else "no gradient"
    return named(method, name, f"Return this tensor in {dtype}; whole numbers are cut towards 0.\n\ny = self in {dtype},  {gradient}")


def cpu(self: Tensor) -> Tensor:
    """Return this tensor on the CPU.

    y = self on the CPU,  dL/dself = g on the device of self
    """
    return self.to("cpu")


def cuda(self: Tensor, device: DeviceLike = None) -> Tensor:
    """Return this tensor on the GPU. Raise RuntimeError, with a hint of the cause, if no GPU can be used.

    y = self on the GPU,  dL/dself = g on the device of self
    """
    return self.to("cuda")


def clone(input: Tensor) -> Tensor:
    """Return a copy, which is recorded: gradients pass through it.

    y = input, copied,  dL/dinput = g
    """
    return ops.copy(check_input(input, "clone"))


def contiguous(self: Tensor) -> Tensor:
    """Return this tensor, or a copy whose elements lie in memory one after another, row by row.

    y = self,  dL/dself = g
    """
    return self if self.is_contiguous() else ops.copy(self.reshape(-1)).reshape(self.shape)
