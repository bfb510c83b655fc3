"""Sums on the device by one kernel of many blocks: of the columns of a matrix, and of what an element-wise body gives for each element.

CuPy sums the 1,000 rows of a (1000, 784) array in 25 blocks, where an H100 can run some 500 at a time. For the sum of a body's results it
would need them stored first, and two more launches. Here each block leaves a partial sum, and the block that finishes last, as a counter
tells it, adds these up. The order of all additions depends on the shape alone: the bits are the same at each run and on each GPU.
"""

from __future__ import annotations

import functools
import threading
from math import prod

import numpy

from .. import arrays
from . import library as cuda

FIRST = (0, (0,))  # what names the first axis
TILE, ROWS = 32, 8  # the columns and rows of threads in a block that sums columns, as in its text below
THREADS = 256  # in a block that sums what a body gives, as in its text below
BLOCKS, MOST_BLOCKS = 512, 256  # so many blocks are wanted for the columns of a matrix, and at most so many for one sum
AHEAD = 4  # a thread adds up at least so many elements, if there are as many

COLUMNS = """
extern "C" __global__ void minigrad_columns(const T* x, T* part, T* out, unsigned* done, int rows, int columns, int slices) {
    int tiles = gridDim.x / slices, tile = blockIdx.x % tiles, slice = blockIdx.x / tiles, c = tile * 32 + threadIdx.x;
    __shared__ T sums[8][33];
    __shared__ bool last;
    T sum = 0;
    if (c < columns)
        for (int r = slice * 8 + threadIdx.y; r < rows; r += slices * 8) sum += x[(size_t)r * columns + c];
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y == 0 && c < columns) {
        for (int k = 1; k < 8; k++) sum += sums[k][threadIdx.x];
        part[(size_t)slice * columns + c] = sum;
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0) last = atomicInc(&done[tile], slices - 1) == slices - 1;  // 0 again after the last
    __syncthreads();
    if (last && threadIdx.y == 0 && c < columns) {
        T total = 0;
        for (int k = 0; k < slices; k++) total += ((volatile T*)part)[(size_t)k * columns + c];
        out[c] = total;
    }
}
"""
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
C_TYPES = {arrays.float32: "float", arrays.float64: "double"}


def columns_source(dtype):
    """Return the text of the kernel that sums the columns of a matrix, and its name."""
    return f"typedef {C_TYPES[dtype]} T;\n{COLUMNS}", "minigrad_columns"


def body_source(fused, dtype):
    """Return the text of the kernel that sums what a fused function's body gives, and its name."""
    from ..fuse.source import kernel_source

    name, (_, _, operation) = f"minigrad_sum_of_{fused.__name__}", kernel_source(fused.body)
    parameters = ", ".join(f"const T* {p}_" for p in fused.body.parameters)
    loads = " ".join(f"const T {p} = {p}_[i];" for p in fused.body.parameters)
    text = BODY_SUM.replace("NAME", name).replace("PARAMETERS", parameters).replace("BODY", f"{loads}\n{operation}")
    return f"typedef {C_TYPES[dtype]} T;\n{text}", name


def can_sum(x):
    """Return whether `of_columns` can sum x: a contiguous matrix of float32 or float64, not empty, fewer than 2³¹ elements."""
    return x.ndim == 2 and x.dtype in C_TYPES and 0 < x.size < 1 << 31 and x.flags.c_contiguous


def of_columns(x):
    """Return Σ over the rows of a matrix."""
    lib, (rows, columns) = cuda.library(), x.shape
    tiles = -(-columns // TILE)
    slices = max(1, min(BLOCKS // tiles, -(-rows // (ROWS * AHEAD))))
    out, part = lib.empty(columns, x.dtype), lib.empty((slices, columns), x.dtype)
    kernel = cuda.raw_kernel((of_columns, x.dtype), functools.partial(columns_source, x.dtype))
    numbers = numpy.int32(rows), numpy.int32(columns), numpy.int32(slices)
    kernel((tiles * slices,), (TILE, ROWS), (x, part, out, _counters(tiles), *numbers))
    return out


def of_body(fused, args, divisor):
    """Return the sum of a fused function's body over all elements, divided by a number.

    The arguments have one dtype, float32 or float64. None if they are not contiguous device arrays of one shape: the kernel reads
    element i of each.
    """
    x = args[0]
    if not all([type(a) in cuda.device_types and a.shape == x.shape and a.flags.c_contiguous for a in args]) or not x.size:
        return None
    lib, n = cuda.library(), prod(x.shape)
    blocks = min(MOST_BLOCKS, -(-n // (THREADS * AHEAD)))
    out, part = lib.empty((), x.dtype), lib.empty(blocks, x.dtype)
    kernel = cuda.raw_kernel((of_body, fused, x.dtype), functools.partial(body_source, fused, x.dtype))
    kernel((blocks,), (THREADS,), (*args, part, out, _counters(1), numpy.int64(n), x.dtype.type(divisor)))
    return out


def _counters(n):
    """Return at least n counters on the device, all 0. A kernel that counts with them sets them to 0 again.

    They belong to this thread and its current stream, whose kernels run one after the other, so that no two kernels use them at once.
    """
    key = _counters, threading.get_ident(), cuda.library().cuda.get_current_stream().ptr
    found = cuda.kept.get(key)
    if found is None or found.size < n:
        found = cuda.kept[key] = cuda.library().zeros(max(n, BLOCKS), "uint32")
    return found
