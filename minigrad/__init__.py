"""minigrad: a small tensor and autograd engine with PyTorch's names, over NumPy or CuPy arrays."""

from typing import TYPE_CHECKING

from . import autograd, backend, ops
from ._tensor import Tensor
from .autograd import enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled
from .backend import (DeviceMismatchError, bool_, device, dtype, float16, float32, float64, get_default_dtype, get_num_threads, inf,
                      int8, int16, int32, int64, nan, set_default_dtype, set_num_threads, uint8)
from .functions.comparisons import (allclose, eq, equal, ge, gt, is_tensor, isfinite, isinf, isnan, le, logical_and, logical_not,
                                    logical_or, lt, ne)
from .functions.conversions import clone
from .functions.creation import (arange, as_tensor, empty, empty_like, eye, from_numpy, full, full_like, linspace, ones, ones_like,
                                 tensor, zeros, zeros_like)
from .functions.elementwise import (abs, add, clamp, div, exp, floor_divide, log, log_softmax, maximum, minimum, mul, neg, pow, relu,
                                    remainder, sigmoid, sign, softmax, sqrt, square, sub, tanh)
from .functions.indexing import index_select, where
from .functions.products import matmul, mm
from .functions.random import (Generator, bernoulli, default_generator, get_rng_state, initial_seed, manual_seed, multinomial, normal,
                               rand, rand_like, randint, randint_like, randn, randn_like, randperm, seed, set_rng_state)
from .functions.reductions import all, amax, amin, any, argmax, argmin, max, mean, min, sum
from .functions.shapes import cat, flatten, numel, permute, reshape, squeeze, stack, t, transpose, unsqueeze
from .old_types import (BoolTensor, ByteTensor, CharTensor, DoubleTensor, FloatTensor, HalfTensor, IntTensor, LongTensor,
                        ShortTensor)
from .printing import Size, set_printoptions

from . import cuda, nn, optim  # isort: skip

if TYPE_CHECKING:
    from . import data, utils
    from . import inspect as inspect  # not in __all__: `from minigrad import *` must not hide Python's own module
    from .inspect import explain as explain
    from .serialization import CheckpointError, load, save

absolute, clip, concat, divide, multiply, subtract = abs, clamp, cat, div, mul, sub
float, double, half, long, int, bool = float32, float64, float16, int64, int32, bool_
__version__ = "0.1.0"

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "CheckpointError", "DeviceMismatchError", "DoubleTensor", "FloatTensor", "Generator",
    "HalfTensor", "IntTensor", "LongTensor", "ShortTensor", "Size", "Tensor", "__version__", "abs", "absolute", "add", "all",
    "allclose", "amax", "amin", "any", "arange", "argmax", "argmin", "as_tensor", "autograd", "backend", "bernoulli", "bool",
    "bool_", "cat", "clamp", "clip", "clone", "concat", "cuda", "data", "default_generator", "device", "div", "divide", "double",
    "dtype", "empty", "empty_like", "enable_grad", "eq", "equal", "exp", "eye", "flatten", "float", "float16", "float32", "float64",
    "floor_divide", "from_numpy", "full", "full_like", "ge", "get_default_dtype", "get_num_threads", "get_rng_state", "gt", "half",
    "index_select", "inf", "inference_mode", "initial_seed", "int", "int8", "int16", "int32", "int64", "is_grad_enabled",
    "is_inference_mode_enabled", "is_tensor", "isfinite", "isinf", "isnan", "le", "linspace", "load", "log", "log_softmax",
    "logical_and", "logical_not", "logical_or", "long", "lt", "manual_seed", "matmul", "max", "maximum", "mean", "min", "minimum",
    "mm", "mul", "multinomial", "multiply", "nan", "ne", "neg", "nn", "no_grad", "normal", "numel", "ones", "ones_like", "ops",
    "optim", "permute", "pow", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm", "relu",
    "remainder", "reshape", "save", "seed", "set_default_dtype", "set_grad_enabled", "set_num_threads", "set_printoptions",
    "set_rng_state", "sigmoid", "sign", "softmax", "sqrt", "square", "squeeze", "stack", "sub", "subtract", "sum", "t", "tanh",
    "tensor", "transpose", "uint8", "unsqueeze", "utils", "where", "zeros", "zeros_like",
]  # fmt: skip

if not TYPE_CHECKING:  # so that type checkers report a name that does not exist
    _LATE = {"data": "minigrad.data", "inspect": "minigrad.inspect", "random": "minigrad.functions.random", "utils": "minigrad.utils"}
    _LATE["explain"] = "minigrad.inspect"
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
        return [*__all__, "explain", "inspect"]
