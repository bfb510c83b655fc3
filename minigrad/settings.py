"""PyTorch's settings, which programs make at their start, and the limits of dtypes."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from . import backend
from .functions.conversions import TYPE_NAMES

__all__ = ["finfo", "iinfo", "set_default_device", "set_default_tensor_type", "use_deterministic_algorithms"]


def finfo(type: Any = None) -> Any:
    """Return the limits of a floating-point dtype, by default of the default dtype: bits, eps, max, min, tiny, resolution and dtype."""
    dtype = backend.dtype_of(type, backend.get_default_dtype())
    if dtype.kind != "f":
        raise TypeError(f"finfo: expected a floating-point dtype, got {dtype}; use iinfo for whole numbers")
    limits = np.finfo(dtype)
    numbers = {name: float(getattr(limits, name)) for name in ("eps", "max", "min", "tiny", "smallest_normal")}
    return SimpleNamespace(bits=limits.bits, dtype=str(limits.dtype), resolution=float(str(limits.resolution)), **numbers)


def iinfo(type: Any) -> Any:
    """Return the limits of a dtype of whole numbers: bits, max, min and dtype."""
    dtype = backend.dtype_of(type)
    if dtype.kind not in "iu":
        raise TypeError(f"iinfo: expected a dtype of whole numbers, got {dtype}; use finfo for floating-point dtypes")
    limits = np.iinfo(dtype)
    return SimpleNamespace(bits=limits.bits, max=limits.max, min=limits.min, dtype=str(limits.dtype))


def set_default_tensor_type(t: Any) -> None:
    """Make the dtype of a type, such as DoubleTensor or its name, the default dtype, as `set_default_dtype` does."""
    name = t.removeprefix("torch.") if isinstance(t, str) else getattr(t, "__name__", t)
    if name not in TYPE_NAMES:
        raise TypeError(f"set_default_tensor_type: expected DoubleTensor, FloatTensor or HalfTensor, found {name}; .cuda() moves tensors")
    backend.set_default_dtype(TYPE_NAMES[name])


def set_default_device(device: Any) -> None:
    """Accept the CPU, on which new tensors lie unless their `device` says otherwise; raise NotImplementedError for another device."""
    if device is not None and backend.device(device).type != "cpu":
        raise NotImplementedError(f"set_default_device: new tensors lie on the CPU, found {device}; give them device={str(device)!r}")


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accept PyTorch's setting, which has no effect."""
