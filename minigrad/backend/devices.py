"""Devices by name, and moving arrays between them."""

from __future__ import annotations

import math

import numpy

from . import arrays
from .cpu.numpy_names import cpu
from .cuda import library as cuda
from .cuda import range_checks


class device:
    """Where an array lives: device("cpu") or device("cuda"). Compares equal to its name too."""

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
    """`array` as a numpy.ndarray, copied off the GPU if it lives there."""
    return array if isinstance(array, numpy.ndarray) else range_checks.read(array) if arrays.is_array(array) else numpy.asarray(array)


def item(array):
    """The only element of `array` as a Python number."""
    return array.item() if isinstance(array, numpy.ndarray) else range_checks.read(array).item()


def to_device(array, name):
    """`array` on "cpu" or "cuda"; the same array where it is there already."""
    if arrays.device_of(array) == name:
        return array
    if name == "cpu":
        return to_numpy(array)
    made = cuda.library().asarray(array)
    if array.ndim == 0 and is_negative_zero(array):
        made *= -1
    return made


def filler(number, like):
    """`number` as it can be written into `like`; an array where CuPy would take -0.0 for 0."""
    if arrays.device_of(like) != "cpu" and isinstance(number, float) and is_negative_zero(number):
        return to_device(numpy.asarray(number, like.dtype), "cuda")
    return number


def is_negative_zero(number):
    """Whether a number, or a 0-d array of the host, is -0.0; CuPy fills new memory with 0 for it."""
    return number == 0 and math.copysign(1, number) < 0


def move(x, *, device):
    """`to_device`, as the ops call it."""
    return to_device(x, device)


cpu.to_device = move
