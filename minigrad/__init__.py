"""minigrad: a small tensor and autograd engine with PyTorch's names, over NumPy or CuPy arrays."""

from typing import TYPE_CHECKING

from . import autograd, backend, ops
from ._tensor import Tensor
from .autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .backend import (DeviceMismatchError, bool_, device, dtype, float16, float32, float64, get_default_dtype, get_num_threads, inf,
                      int8, int16, int32, int64, nan, set_default_dtype, set_num_threads, uint8)
from .functions.comparisons import (allclose, bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor,
                                    eq, equal, ge, gt, is_tensor, isclose, isfinite, isinf, isnan, le, logical_and, logical_not,
                                    logical_or, logical_xor, lt, ne)
from .functions.conversions import clone
from .functions.creation import (arange, as_tensor, empty, empty_like, eye, from_numpy, full, full_like, linspace, logspace, ones,
                                 ones_like, tensor, zeros, zeros_like)
from .functions.elementwise import (abs, add, addcdiv, addcmul, atan, atan2, ceil, clamp, cos, cosh, div, erf, exp, expm1, floor,
                                    floor_divide, lerp, log, log10, log1p, log2, log_softmax, maximum, minimum, mul, neg, pow, reciprocal,
                                    relu, remainder, round, rsqrt, sigmoid, sign, sin, sinh, softmax, sqrt, square, sub, tan, tanh, trunc)
from .functions.indexing import index_select, where
from .functions.norms import norm, std, var
from .functions.parts import (chunk, diag, diagonal, flip, meshgrid, narrow, roll, select, split, tile, trace, tril, triu,
                              unbind)
from .functions.products import addmm, baddbmm, bmm, dot, einsum, inner, matmul, mm, mv, outer
from .functions.random import (Generator, default_generator, initial_seed, manual_seed, normal, rand, rand_like, randint, randn,
                               randn_like, randperm)
from .functions.reductions import (all, amax, amin, any, argmax, argmin, count_nonzero, cumprod, cumsum, logsumexp, max, mean, min, prod,
                                   sum)
from .functions.scattering import (gather, index_add, index_fill, masked_fill, masked_select, nonzero, scatter, scatter_add, take)
from .functions.shapes import (broadcast_to, cat, flatten, hstack, movedim, numel, permute, ravel, reshape, squeeze, stack, t,
                               transpose, unflatten, unsqueeze, vstack)
from .functions.sorting import argsort, bincount, kthvalue, median, sort, topk, unique
from .old_types import (BoolTensor, ByteTensor, CharTensor, DoubleTensor, FloatTensor, HalfTensor, IntTensor, LongTensor,
                        ShortTensor)
from .printing import Size, set_printoptions

from . import cuda, nn, optim  # isort: skip

if TYPE_CHECKING:
    from . import data, linalg, utils
    from . import inspect as inspect  # not in __all__: `from minigrad import *` must not hide Python's own module
    from .inspect import explain as explain
    from .serialization import CheckpointError, load, save

absolute, clip, concat, divide, multiply, subtract = abs, clamp, cat, div, mul, sub
ger, swapaxes, swapdims = outer, transpose, transpose
float, double, half, long, int, bool = float32, float64, float16, int64, int32, bool_
__version__ = "0.1.0"

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "CheckpointError", "DeviceMismatchError", "DoubleTensor", "FloatTensor", "Generator",
    "HalfTensor", "IntTensor", "LongTensor", "ShortTensor", "Size", "Tensor", "__version__", "abs", "absolute", "add", "addcdiv",
    "addcmul", "addmm", "all", "allclose", "amax", "amin", "any", "arange", "argmax", "argmin", "argsort", "as_tensor", "atan", "atan2",
    "autograd", "backend", "baddbmm", "bincount", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "bmm", "bool", "bool_", "broadcast_to", "cat", "ceil", "chunk", "clamp", "clip", "clone",
    "concat", "cos", "cosh", "count_nonzero", "cuda", "cumprod", "cumsum", "data", "default_generator", "device", "diag", "diagonal",
    "div", "divide", "dot", "double", "dtype", "einsum", "empty", "empty_like", "enable_grad", "eq", "equal", "erf", "exp", "expm1",
    "eye", "flatten", "flip", "float", "float16", "float32", "float64", "floor", "floor_divide", "from_numpy", "full", "full_like",
    "gather", "ge", "ger", "get_default_dtype", "get_num_threads", "gt", "half", "hstack", "index_add", "index_fill", "index_select",
    "inf", "initial_seed", "inner", "int", "int8", "int16", "int32", "int64", "is_grad_enabled", "is_tensor", "isclose", "isfinite",
    "isinf", "isnan", "kthvalue", "le", "lerp", "linalg", "linspace", "load", "log", "log1p", "log2", "log10", "log_softmax",
    "logical_and", "logical_not", "logical_or", "logical_xor", "logspace", "logsumexp", "long", "lt", "manual_seed", "masked_fill",
    "masked_select", "matmul", "max", "maximum", "mean", "median", "meshgrid", "min", "minimum", "mm", "movedim", "mul", "multiply",
    "mv", "nan", "narrow", "ne", "neg", "nn", "no_grad", "nonzero", "norm", "normal", "numel", "ones", "ones_like", "ops", "optim",
    "outer", "permute", "pow", "prod", "rand", "rand_like", "randint", "randn", "randn_like", "randperm", "ravel", "reciprocal", "relu",
    "remainder", "reshape", "roll", "round", "rsqrt", "save", "scatter", "scatter_add", "select", "set_default_dtype",
    "set_grad_enabled", "set_num_threads", "set_printoptions", "sigmoid", "sign", "sin", "sinh", "softmax", "sort", "split", "sqrt",
    "square", "squeeze", "stack", "std", "sub", "subtract", "sum", "swapaxes", "swapdims", "t", "take", "tan", "tanh", "tensor", "tile",
    "topk", "trace", "transpose", "tril", "triu", "trunc", "uint8", "unbind", "unflatten", "unique", "unsqueeze", "utils", "var",
    "vstack", "where", "zeros", "zeros_like",
]  # fmt: skip

if not TYPE_CHECKING:  # so that type checkers report a name that does not exist
    _LATE = {"data": "minigrad.data", "inspect": "minigrad.inspect", "linalg": "minigrad.linalg", "utils": "minigrad.utils"}
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
