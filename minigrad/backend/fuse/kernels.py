"""A fused function on device arrays: one kernel, written from its body.

The sum of a function with `reduce=True` is one kernel too, where CuPy would need the body's results stored first and two more launches.
Each block stores a partial sum, and the block that finishes last adds these up, in an order that depends on the shape alone.
"""

from __future__ import annotations

import functools
from math import prod

import numpy

from .. import cuda
from ..cuda.sums import C_TYPES, PER_THREAD, counters
from ..dtypes import NumPyScalar
from .source import kernel_source

NUMBERS = (int, float, NumPyScalar)
THREADS = 256  # in a block of the kernel that sums, as in its text below
MOST_BLOCKS = 256  # of the kernel that sums: the last block's threads add up one partial sum each

BODY_SUM = """
__device__ T sum_of_block(T sum, T* sums) {
    sums[threadIdx.x] = sum;
    __syncthreads();
    for (int k = 128; k > 0; k /= 2) {
        if (threadIdx.x < k) sums[threadIdx.x] += sums[threadIdx.x + k];
        __syncthreads();
    }
    return sums[0];
}

extern "C" __global__ void NAME(PARAMETERS, T* part, T* out, unsigned* done, long long n, T divisor) {
    __shared__ T sums[256];
    __shared__ bool last;
    T sum = 0;
    for (long long i = blockIdx.x * 256ll + threadIdx.x; i < n; i += gridDim.x * 256ll) {
        T out_;
        BODY
        sum += out_;
    }
    sum = sum_of_block(sum, sums);
    if (threadIdx.x == 0) {
        part[blockIdx.x] = sum;
        __threadfence();
        last = atomicInc(done, gridDim.x - 1) == gridDim.x - 1;
    }
    __syncthreads();
    if (last) {
        sum = sum_of_block(threadIdx.x < gridDim.x ? ((volatile T*)part)[threadIdx.x] : T(0), sums);
        if (threadIdx.x == 0) out[0] = sum / divisor;
    }
}
"""


def launch(fused, args, divisor=1):
    """Run a fused function on device arrays as one kernel and return its result, divided by a number if it is a sum (`reduce=True`)."""
    lib, body = cuda.library(), fused.body
    dtype = _common_dtype(args, lib.ndarray)
    if body is None or dtype is None or dtype not in cuda.FUSED:  # None is asked for first: numpy.dtype("float64") == None
        return _divided(fused.call_plain(*args), divisor)
    if fused.reduce:
        total = sum_of_body(fused, args, divisor)
        if total is not None:
            return total
    values = [a if type(a) is lib.ndarray else dtype.type(a) for a in args]
    written = [values[k] for k in body.places]
    out = cuda.kernel(fused, lambda: source_of(fused))(*[v for k, v in enumerate(values) if k not in body.places], *written)
    if body.result is None:
        return written[0]
    return _divided(lib.sum(out), divisor) if fused.reduce else out


def _divided(total, divisor):
    return total if divisor == 1 else total / divisor


def _common_dtype(args, kind):
    """Return the one dtype of the device arrays in `args`; None if there are several dtypes, or arrays with axes that live on the host."""
    dtype = None
    for a in args:
        if type(a) is kind:
            if dtype is not None and a.dtype != dtype:
                return None
            dtype = a.dtype
        elif not isinstance(a, NUMBERS) and not (type(a) is numpy.ndarray and a.ndim == 0):
            return None
    return dtype


def source_of(fused):
    """Return the kernel of a fused function: inputs, outputs, operation, name, preamble."""
    return *kernel_source(fused.body), f"minigrad_{fused.__name__}", ""


def sum_of_body(fused, args, divisor):
    """Return the sum of a fused function's body over all elements of arguments of one dtype, divided by a number.

    Return None if they are not contiguous device arrays of one shape, since the kernel reads element i of each.
    """
    x = args[0]
    if not all([type(a) in cuda.device_types and a.shape == x.shape and a.flags.c_contiguous for a in args]) or not x.size:
        return None
    lib, n = cuda.library(), prod(x.shape)
    blocks = min(MOST_BLOCKS, -(-n // (THREADS * PER_THREAD)))
    out, part = lib.empty((), x.dtype), lib.empty(blocks, x.dtype)
    kernel = cuda.raw_kernel((sum_of_body, fused, x.dtype), functools.partial(sum_source, fused, x.dtype))
    kernel((blocks,), (THREADS,), (*args, part, out, counters(1), numpy.int64(n), x.dtype.type(divisor)))
    return out


def sum_source(fused, dtype):
    """Return the text of the kernel that sums a fused function's body over all elements, and its name."""
    name, (_, _, operation) = f"minigrad_sum_of_{fused.__name__}", kernel_source(fused.body)
    parameters = ", ".join(f"const T* {p}_" for p in fused.body.parameters)
    loads = " ".join(f"const T {p} = {p}_[i];" for p in fused.body.parameters)
    text = BODY_SUM.replace("NAME", name).replace("PARAMETERS", parameters).replace("BODY", f"{loads}\n{operation}")
    return f"typedef {C_TYPES[dtype]} T;\n{text}", name
