"""The backends that every operation is tested on: how each is switched on, and how arrays are brought there and back."""

import importlib.util
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.backend import to_device, to_numpy
from minigrad.backend.cpu import compiling, threads
from support.strict_device import strict_device


@contextmanager
def on_cpu(numba: bool, large: int):
    """Switch Numba on or off, and let operations of `large` elements be divided among threads and compiled."""
    before = compiling.use_numba(numba), threads.LARGE
    threads.LARGE = large
    try:
        yield
    finally:
        compiling.use_numba(before[0])
        threads.LARGE = before[1]


@contextmanager
def as_it_is():
    yield


@dataclass
class Backend:
    """A backend: `active()` is the context in which a check runs, `device` the place of its arrays."""

    name: str
    active: Any = as_it_is
    device: str = "cpu"
    flushes: bool = False  # whether subnormal float32 numbers count as 0: CuPy compiles with -ftz=true
    marks: list = field(default_factory=list)

    def array(self, x: np.ndarray) -> Any:
        """Return a raw array of this backend; on the CPU the array itself."""
        return x if self.device == "cpu" else to_device(x, self.device)

    def tensor(self, x: np.ndarray) -> mg.Tensor:
        """Return a tensor on the memory of `array(x)`."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            return mg.from_numpy(self.array(x))

    def numpy(self, tensor: mg.Tensor) -> np.ndarray:
        """Return the elements as a NumPy array."""
        return to_numpy(tensor.array)


NEVER = 1 << 60
NUMPY = Backend("numpy", lambda: on_cpu(numba=False, large=NEVER))
BACKENDS = [NUMPY, Backend("blocks", lambda: on_cpu(numba=False, large=1))]
if importlib.util.find_spec("numba"):
    BACKENDS.append(Backend("numba", lambda: on_cpu(numba=True, large=1)))
BACKENDS += [
    Backend("strict", strict_device, "cuda"),  # a stand-in for CuPy without a GPU
    Backend("cupy", device="cuda", flushes=True, marks=[pytest.mark.gpu]),
]


def parameters(backends: list) -> list:
    """Return the backends as pytest's parameters."""
    return [pytest.param(b, marks=b.marks, id=b.name) for b in backends]
