"""The only part of minigrad's engine that names NumPy, CuPy or Numba: arrays, devices, threads, fused loops, random draws."""

from .arrays import (DeviceMismatchError, NotAnOperand, NumPyScalar, Span, array_module, asarray, bool_, byte_bounds, check_bools,
                     common_dtype, device_of, dtype, dtype_of, fitting, float16, float32, float64, get_default_dtype, inf, int16, int32,
                     int64, int8, is_array, is_dense, nan, ndarray, operand, places_in, plain_array, promote, register, result_dtype,
                     root, set_default_dtype, shares_memory, uint8, wrapped)
from .cpu.products import taken, together
from .fuse import loops
from .fuse.loops import use_numba
from .cpu.numpy_names import copy, get_warnings, minus, over, plus, QUIET, quietly, reset_warnings, set_warnings, times
from .cuda.library import synchronize
from .devices import device, filler, item, to_device, to_numpy
from .fuse.decorator import fuse
from .gathering import Pieces, gather
from .half import is_half, narrowed, rounded_vjp, widened, widened_options
from .indexing import check_range, one_hot
from .cpu.threads import get_num_threads, set_num_threads
from .cpu import products
from .cuda import library as cuda, rows
from . import random

__all__ = [
    "QUIET", "DeviceMismatchError", "NotAnOperand", "NumPyScalar", "Pieces", "Span", "array_module", "asarray", "bool_", "byte_bounds",
    "check_bools", "check_range", "common_dtype", "copy", "cuda", "device", "device_of", "dtype", "dtype_of", "filler", "fitting",
    "float16", "float32", "float64", "fuse", "gather", "get_default_dtype", "get_num_threads", "get_warnings", "inf", "int8", "int16",
    "int32", "int64", "is_array", "is_dense", "is_half", "item", "loops", "minus", "nan", "narrowed", "ndarray", "one_hot", "operand",
    "over", "places_in", "plain_array", "plus", "products", "promote", "quietly", "random", "register", "reset_warnings",
    "result_dtype", "root", "rounded_vjp", "rows", "set_default_dtype", "set_num_threads", "set_warnings", "shares_memory",
    "synchronize", "taken", "times", "to_device", "to_numpy", "together", "uint8", "use_numba", "widened", "widened_options", "wrapped",
]  # fmt: skip
