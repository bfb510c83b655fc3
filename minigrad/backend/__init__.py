"""The only part of minigrad's engine that names NumPy, CuPy or Numba: arrays, devices, threads, fused loops, random draws."""

from .arrays import (DeviceMismatchError, NotAnOperand, NumPyScalar, Span, array_module, asarray, bool_, byte_bounds, check_bools,
                     common_dtype, device_of, dtype, dtype_of, fitting, float16, float32, float64, get_default_dtype, inf, int16, int32,
                     int64, int8, is_array, is_dense, nan, ndarray, operand, places_in, plain_array, promote, register, result_dtype,
                     root, set_default_dtype, shares_memory, uint8, wrapped)
from .cpu.products import compute_products, precomputed, precomputed as taken, compute_products as together
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

__all__ = [name for name in dir() if not name.startswith("_")]
