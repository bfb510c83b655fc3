"""Devices by name, and moving arrays and numbers between them."""

from __future__ import annotations

import math

import numpy

from . import arrays, cuda
from .cpu.numpy_names import numpy_names
from .cuda import range_checks


class device:
    """Where an array lives: device("cpu") or device("cuda"). It also compares equal to its name."""

    __slots__ = ("index", "type")
    type: str
    index: int | None

    def __init__(self, name: str | device, index: int | None = None) -> None:
        if isinstance(name, device):
            self.type, self.index = name.type, name.index
            return
        kind, _, number = str(name).partition(":")
        if kind not in ("cpu", "cuda") or (number and not number.isdigit()):
            raise RuntimeError(f"device: expected 'cpu', 'cuda' or 'cuda:0', got {name!r}")
        self.type, self.index = kind, int(number) if number else index
        if self.index:
            raise RuntimeError(f"device: {name!r}: minigrad uses one GPU, cuda:0; set CUDA_VISIBLE_DEVICES to choose which that is")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            other = device(other)
        return isinstance(other, device) and self.type == other.type and (self.index or 0) == (other.index or 0)

    def __hash__(self) -> int:
        return hash((self.type, self.index or 0))

    def __repr__(self) -> str:
        return f"device(type={self.type!r}" + (f", index={self.index})" if self.index is not None else ")")

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"


def to_numpy(array):
    """Return `array` as a numpy.ndarray, copied from the GPU if it lives there."""
    return array if isinstance(array, numpy.ndarray) else range_checks.read(array) if arrays.is_array(array) else numpy.asarray(array)


def item(array):
    """Return the only element of `array` as a Python number."""
    return to_numpy(array).item()


def to_device(array, device):
    """Return `array` on the device "cpu" or "cuda": the same array if it lives there already, otherwise a copy."""
    if arrays.device_of(array) == device:
        return array
    if device == "cpu":
        return to_numpy(array)
    made = cuda.library().asarray(array)
    if array.ndim == 0 and is_negative_zero(array):
        made *= -1
    return made


def filler(number, like):
    """Return `number` in a form that can be written into `like`: a 0-d array for -0.0 on a device, where CuPy would write 0."""
    if arrays.device_of(like) != "cpu" and isinstance(number, float) and is_negative_zero(number):
        return to_device(numpy.asarray(number, like.dtype), "cuda")
    return number


def is_negative_zero(number):
    """Return whether a number, or a 0-d array of the host, is -0.0; CuPy fills new memory with 0 instead."""
    return number == 0 and math.copysign(1, number) < 0


numpy_names.to_device = to_device
