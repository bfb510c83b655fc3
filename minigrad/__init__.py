"""minigrad: a small tensor and autograd engine with PyTorch's names, over NumPy or CuPy arrays."""

from math import e, pi
from typing import TYPE_CHECKING

from . import autograd, backend, ops
from ._tensor import Tensor
from .autograd import enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled
from .backend import (DeviceMismatchError, bool_, device, dtype, float16, float32, float64, get_default_dtype, get_num_threads, inf,
                      int8, int16, int32, int64, nan, set_default_dtype, set_num_threads, uint8)
from .functions.comparisons import *
from .functions.conversions import clone
from .functions.creation import *
from .functions.elementwise import *
from .functions.indexing import *
from .functions.norms import *
from .functions.parts import *
from .functions.products import *
from .functions.random import *
from .functions.reductions import *
from .functions.scattering import *
from .functions.shapes import *
from .functions.sorting import *
from .old_types import (BoolTensor, ByteTensor, CharTensor, DoubleTensor, FloatTensor, HalfTensor, IntTensor, LongTensor,
                        ShortTensor)
from .printing import Size, set_printoptions

from . import cuda, nn, optim  # isort: skip

if TYPE_CHECKING:
    from . import backends, data, linalg, utils
    from . import inspect as inspect  # not in __all__: `from minigrad import *` must not hide Python's own module
    from .functions import random as random  # not in __all__ either
    from .inspect import explain as explain
    from .serialization import CheckpointError, load, save
    from .settings import finfo, iinfo, set_default_device, set_default_tensor_type, use_deterministic_algorithms

absolute, clip, concat, divide, ger, multiply, subtract = abs, clamp, cat, div, outer, mul, sub
swapaxes = swapdims = transpose
float, double, half, long, int, short, bool = float32, float64, float16, int64, int32, int16, bool_
newaxis = None
__version__ = "0.1.0"

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "CheckpointError", "DeviceMismatchError", "DoubleTensor", "FloatTensor", "HalfTensor",
    "IntTensor", "LongTensor", "ShortTensor", "Size", "Tensor", "__version__", "autograd", "backend", "backends", "bool", "bool_",
    "cuda", "data", "device", "double", "dtype", "e", "enable_grad", "finfo", "float", "float16", "float32", "float64",
    "get_default_dtype", "get_num_threads", "half", "iinfo", "inf", "inference_mode", "int", "int8", "int16", "int32", "int64",
    "is_grad_enabled", "is_inference_mode_enabled", "linalg", "load", "long", "nan", "newaxis", "nn", "no_grad", "ops", "optim", "pi",
    "save", "set_default_device", "set_default_dtype", "set_default_tensor_type", "set_grad_enabled", "set_num_threads",
    "set_printoptions", "short", "uint8", "use_deterministic_algorithms", "utils",
]  # fmt: skip
__all__ += [name for name, value in list(globals().items()) if getattr(value, "__module__", "").startswith("minigrad.functions.")]

if not TYPE_CHECKING:  # so that type checkers report a name that does not exist
    _LATE = {name: f"minigrad.{name}" for name in ("backends", "data", "inspect", "linalg", "utils")}
    _LATE |= {"explain": "minigrad.inspect", "random": "minigrad.functions.random"}
    _LATE |= dict.fromkeys(("finfo", "iinfo", "set_default_device", "set_default_tensor_type", "use_deterministic_algorithms"),
                           "minigrad.settings")
    _LATE |= dict.fromkeys(("CheckpointError", "load", "save"), "minigrad.serialization")

    def __getattr__(name):
        """Import these parts when they are asked for, as `import minigrad` must be quick."""
        from importlib import import_module

        if name not in _LATE:
            raise import_module("minigrad.unknown_names").unknown(__name__, name)
        module = import_module(_LATE[name])
        return getattr(module, name, module)

    def __dir__():
        """Return the public names."""
        return [*__all__, "explain", "inspect", "random"]
