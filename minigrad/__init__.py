"""minigrad: a small tensor and autograd engine with PyTorch's names, over NumPy or CuPy arrays."""

from . import autograd, backend, ops
from .autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .backend import (DeviceMismatchError, bool_, device, dtype, float16, float32, float64, get_default_dtype, get_num_threads, inf,
                      int8, int16, int32, int64, nan, set_default_dtype, set_num_threads, uint8)
from .creation import (Generator, arange, as_tensor, default_generator, empty, empty_like, eye, from_numpy, full, full_like,
                       initial_seed, linspace, manual_seed, normal, ones, ones_like, rand, rand_like, randint, randn, randn_like,
                       randperm, tensor, zeros, zeros_like)
from .functions import (abs, absolute, add, all, allclose, amax, amin, any, argmax, argmin, cat, clamp, clip, clone, concat, div,
                        divide, eq, equal, exp, flatten, floor_divide, ge, gt, index_select, is_tensor, isfinite, isinf, isnan, le, log,
                        log_softmax, logical_and, logical_not, logical_or, lt, matmul, max, maximum, mean, min, minimum, mm, mul,
                        multiply, ne, neg, numel, permute, pow, relu, remainder, reshape, sigmoid, sign, softmax, sqrt, square, squeeze,
                        stack, sub, subtract, sum, t, tanh, transpose, unsqueeze, where)
from .old_types import (BoolTensor, ByteTensor, CharTensor, DoubleTensor, FloatTensor, HalfTensor, IntTensor, LongTensor,
                        ShortTensor)
from .printing import set_printoptions
from .tensor import Size, Tensor

from . import cuda, nn, optim  # isort: skip

float, double, half, long, int, bool = float32, float64, float16, int64, int32, bool_
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`save`, `load`, `CheckpointError`, `data` (and its PyTorch name `utils.data`) are imported when asked for.

    So an import of minigrad costs little more than NumPy's.
    """
    from importlib import import_module
    from types import SimpleNamespace

    if name in ("CheckpointError", "load", "save"):
        return getattr(import_module("minigrad.serialization"), name)
    if name not in ("data", "utils"):
        raise AttributeError(f"module 'minigrad' has no attribute {name!r}")
    data = import_module("minigrad.data")
    return data if name == "data" else SimpleNamespace(data=data)
