"""The array libraries as the engine uses them: NumPy, CuPy and Numba. No other part of the engine imports CuPy or Numba.

Imports between its files and folders go one way, in this order: raw arrays (`dtypes`, `arrays`, `operands`, `half`), the two places where
they are computed (`cpu`, `cuda`), what needs both (`devices`, `gathering`, `class_targets`), `fuse` and `random`.
"""

from numpy import ndarray

from . import cuda, random
from .arrays import (DeviceMismatchError, Span, array_module, asarray, byte_bounds, device_of, is_array, is_dense, places_in, register,
                     root, shares_memory)
from .class_targets import one_hot
from .cpu import compiling, products
from .cpu.compiling import use_numba
from .cpu.fp_warnings import get_fp_warnings, ignore_fp_warnings, restore_fp_warnings, set_fp_warnings, without_fp_warnings
from .cpu.parallel import copy, minus, over, plus, times
from .cpu.products import compute_products, precomputed
from .cpu.threads import get_num_threads, set_num_threads
from .cuda import rows, synchronize
from .devices import device, filler, item, to_device, to_numpy
from .dtypes import (NumPyScalar, bool_, check_bools, common_dtype, dtype, dtype_of, fitting, float16, float32, float64,
                     get_default_dtype, inf, int8, int16, int32, int64, nan, result_dtype, set_default_dtype, uint8, wrapped)
from .fuse.decorator import fuse
from .gathering import Pieces, gather
from .half import is_half, narrowed, rounded_vjp, widened, widened_options
from .index_range import check_range
from .operands import NUMBERS, NotAnOperand, operand, plain_array, promote

__all__ = [
    "NUMBERS", "DeviceMismatchError", "NotAnOperand", "NumPyScalar", "Pieces", "Span", "array_module", "asarray", "bool_", "byte_bounds",
    "check_bools", "check_range", "common_dtype", "compiling", "compute_products", "copy", "cuda", "device", "device_of", "dtype",
    "dtype_of", "filler", "fitting", "float16", "float32", "float64", "fuse", "gather", "get_default_dtype", "get_fp_warnings",
    "get_num_threads", "ignore_fp_warnings", "inf", "int8", "int16", "int32", "int64", "is_array", "is_dense", "is_half", "item", "minus",
    "nan", "narrowed", "ndarray", "one_hot", "operand", "over", "places_in", "plain_array", "plus", "precomputed", "products", "promote",
    "random", "register", "restore_fp_warnings", "result_dtype", "root", "rounded_vjp", "rows", "set_default_dtype", "set_fp_warnings",
    "set_num_threads", "shares_memory", "synchronize", "times", "to_device", "to_numpy", "uint8", "use_numba", "widened", "widened_options",
    "without_fp_warnings", "wrapped",
]
