"""Sums over the rows of a matrix on the device, by one kernel of many blocks.

CuPy sums the 1,000 rows of a (1000, 784) array in 25 blocks, where an H100 can run some 500 at a time. Here each block stores a partial
sum and counts itself as finished; the block that counts as the last one adds the partial sums up. The order of all additions depends on
the shape alone, so that the bits are the same at each run and on each GPU.
"""

from __future__ import annotations

import functools
import threading

import numpy

from ..dtypes import float32, float64
from .cupy_library import library, made, raw_kernel

TILE, ROWS = 32, 8  # columns and rows of threads in a block, as in the kernel's text below
BLOCKS = 512  # about as many blocks as a GPU runs at a time
PER_THREAD = 4  # elements that a thread adds up at least, where there are as many

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
C_TYPES = {float32: "float", float64: "double"}


def columns_source(dtype):
    """Return the text of the kernel that sums each column of a matrix, and its name."""
    return f"typedef {C_TYPES[dtype]} T;\n{COLUMNS}", "minigrad_columns"


def can_sum(x):
    """Return whether `of_columns` can sum x: it is a contiguous float32 or float64 matrix with 1 to 2³¹ - 1 elements."""
    return x.ndim == 2 and x.dtype in C_TYPES and 0 < x.size < 1 << 31 and x.flags.c_contiguous


def of_columns(x):
    """Return the sum over the rows of a matrix, one number for each column."""
    lib, (rows, columns) = library(), x.shape
    tiles = -(-columns // TILE)
    slices = max(1, min(BLOCKS // tiles, -(-rows // (ROWS * PER_THREAD))))
    out, part = lib.empty(columns, x.dtype), lib.empty((slices, columns), x.dtype)
    kernel = raw_kernel((of_columns, x.dtype), functools.partial(columns_source, x.dtype))
    numbers = numpy.int32(rows), numpy.int32(columns), numpy.int32(slices)
    kernel((tiles * slices,), (TILE, ROWS), (x, part, out, counters(tiles), *numbers))
    return out


def counters(n):
    """Return at least n counters on the device, all 0, for a kernel that sets them to 0 again at its end.

    They belong to this thread and its current stream, whose kernels run one after the other, so that no two kernels use them at once.
    """
    key = counters, threading.get_ident(), library().cuda.get_current_stream().ptr
    found = made.get(key)
    if found is None or found.size < n:
        found = made[key] = library().zeros(max(n, BLOCKS), "uint32")
    return found
