"""Products of matrices for processors with vectors of 512 bits, in place of `numpy.matmul`, that is OpenBLAS. Needs Numba.

On an AMD EPYC (Zen 5, OpenBLAS's SkylakeX kernels) the five products of a step take 13.9 ms instead of 17.3 (float64) and 6.8 instead of
7.2 (float32), on an Intel Xeon 22.5 instead of 25.8 and 11.2 instead of 12.0. On a Zen 4 with two threads a whole pretraining step takes
6 to 7 % less time in float64 and 4 to 5 % less in float32: `python -m benchmarks accelerators`, benchmarks/results/accelerators-cpu.md.
It saves more where the environment presets OpenBLAS's kernels for an older processor. `products.multiplier` chooses by processor, size
and dtype.

C = A B is cut into tiles of 14 rows and two vectors (2 × 8 numbers of float64, 2 × 16 of float32). A tile stays in 28 registers for all
k: row k of the tile's part of B is two vectors; each of the 14 numbers of column k of its part of A is multiplied by both, and the
products are added to the tile. B is copied in the order in which it is read: in strips as wide as a tile, 256 numbers deep, so that a
strip fits the first cache and all strips the second. A is copied too, in strips of 14 rows. The sum over k is made in order for any
number of threads, so the bits do not depend on it.

The layout is that of K. Goto and R. van de Geijn, "Anatomy of high-performance matrix multiplication" (2008).
"""

import functools
import threading

import numpy
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from ..compiling import kept

BYTES = 64  # in a vector
ROWS, VECTORS = 14, 2  # of a tile: its 28 sums, 2 vectors of B and a number of A take 31 of the 32 registers
DEPTH, WIDTH = 256, 800  # rows and columns of the part of B that is packed at a time: whole strips
BLOCK = 8  # numbers along each side of a block that is transposed at once

_index, _int, _byte = ir.IntType(64), ir.IntType(32), ir.IntType(8).as_pointer()
FLOATS = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}
READ = _int(0), _int(3), _int(1)  # arguments of LLVM's prefetch: the line will be read, often, and holds data
_local = threading.local()


def multiply(x, y, out, bias=None):
    """Write x y (+ bias) to `out`.

    All are matrices of float32 or float64; numbers that are neighbours along one axis of x and of y, and along the second axis of `out`,
    are neighbours in memory.
    """
    if 0 in (*out.shape, x.shape[1]):
        out[...] = 0 if bias is None else bias
        return
    columns = VECTORS * BYTES // out.itemsize
    space = _local.__dict__.get(out.dtype)
    if space is None:
        space = _local.__dict__[out.dtype] = [_aligned(n, out.dtype) for n in (ROWS * DEPTH, DEPTH * WIDTH, ROWS * columns)]
    begin = numpy.zeros(out.shape[1] + 2 * columns, out.dtype)
    if bias is not None:
        begin[:out.shape[1]] = bias
    compiled(out.dtype)(x, y, out, begin, *space)


def _aligned(n, dtype):
    """Return an array of n numbers that begins at a cache line."""
    space = numpy.empty(n + BYTES // dtype.itemsize, dtype)
    first = -space.ctypes.data % BYTES // dtype.itemsize
    return space[first:first + n]


@intrinsic
def number(typing, x, i):
    """Return the number i places after the first of x in memory."""

    def generate(context, builder, signature, args):
        return builder.load(builder.gep(_first(context, builder, signature, args, 0), [args[1]]))

    return x.dtype(x, i), generate


def _tile(vectors):
    @intrinsic
    def tile(typing, rows, columns, strip, depth, out, corner, row, add, begin, j, x, ahead, step):
        """Set out[corner + r row + c] = begin[j + c] + Σ_k rows[k, r] columns[strip + k, c] for r < 14 and all c of `vectors` vectors.

        Add that to `out` instead if `add` is not 0. Meanwhile fetch the numbers x[ahead + k step], which are needed soon, into the cache.
        """
        size = out.dtype.bitwidth // 8
        lanes = BYTES // size
        vector = ir.VectorType(FLOATS[out.dtype], lanes)

        def generate(context, builder, signature, args):
            _, _, strip, depth, _, corner, row, add, _, j, _, ahead, step = args
            a, b, c, begin, x = [_first(context, builder, signature, args, i) for i in (0, 1, 4, 8, 10)]
            b, c, begin, x = [builder.gep(p, [i]) for p, i in ((b, strip), (c, corner), (begin, j), (x, ahead))]

            def place(pointer, i):
                return builder.bitcast(builder.gep(pointer, [i]), vector.as_pointer())

            starts = [builder.mul(row, _index(r)) for r in range(ROWS)]
            places = [place(c, builder.add(start, _index(v * lanes))) for start in starts for v in range(vectors)]
            name = f"llvm.fma.v{lanes}f{8 * size}"
            fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
            fetch = builder.module.declare_intrinsic("llvm.prefetch", [_byte], ir.FunctionType(ir.VoidType(), [_byte, _int, _int, _int]))
            first = [builder.load(place(begin, _index(v * lanes)), align=size) for v in range(vectors)]
            before, loop, after = builder.block, builder.append_basic_block("k"), builder.append_basic_block("after")
            builder.branch(loop)

            builder.position_at_end(loop)
            k = builder.phi(_index)
            sums = [builder.phi(vector) for _ in places]
            a, b = builder.gep(a, [builder.mul(k, _index(ROWS))]), builder.gep(b, [builder.mul(k, _index(VECTORS * lanes))])
            factors = [builder.load(place(b, _index(v * lanes)), align=size) for v in range(vectors)]
            builder.call(fetch, [builder.bitcast(builder.gep(x, [builder.mul(k, step)]), _byte), *READ])
            grown = []
            for r in range(ROWS):
                one = builder.insert_element(vector(ir.Undefined), builder.load(builder.gep(a, [_index(r)])), _index(0))
                all_lanes = builder.shuffle_vector(one, one, ir.VectorType(_int, lanes)(None))
                grown += [builder.call(fma, [all_lanes, factors[v], sums[r * vectors + v]]) for v in range(vectors)]
            following = builder.add(k, _index(1))
            builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)
            for variable, old, new in [(k, _index(0), following), *zip(sums, first * ROWS, grown)]:
                variable.add_incoming(old, before)
                variable.add_incoming(new, loop)

            builder.position_at_end(after)
            with builder.if_else(builder.icmp_signed("!=", add, _index(0))) as (yes, no):
                with yes:
                    for p, new in zip(places, grown):
                        builder.store(builder.fadd(builder.load(p, align=size), new), p, align=size)
                with no:
                    for p, new in zip(places, grown):
                        builder.store(new, p, align=size)
            return context.get_dummy_value()

        return types.void(rows, columns, strip, depth, out, corner, row, add, begin, j, x, ahead, step), generate

    return tile


tile, half_tile = _tile(VECTORS), _tile(1)


def _first(context, builder, signature, args, i):
    """Return a pointer to the first number of argument i, an array."""
    return cgutils.create_struct_proxy(signature.args[i])(context, builder, args[i]).data


@intrinsic
def turn(typing, target, at, width, x, first, step):
    """Set target[at + k width + w] = x[first + w step + k] for k, w < 8: transpose a block of 8 × 8 numbers."""

    def generate(context, builder, signature, args):
        _, at, width, _, first, step = args
        a, b = [builder.gep(_first(context, builder, signature, args, i), [place]) for i, place in ((0, at), (3, first))]
        lines = [builder.load(_block_at(builder, b, builder.mul(step, _index(w))), align=4) for w in range(BLOCK)]
        for size in (1, 2, 4):  # swap the blocks of this size beside the diagonal
            for i in [i for i in range(BLOCK) if not i & size]:
                upper, lower = lines[i], lines[i + size]
                lines[i] = _mix(builder, upper, lower, [BLOCK + j - size if j & size else j for j in range(BLOCK)])
                lines[i + size] = _mix(builder, upper, lower, [BLOCK + j if j & size else j + size for j in range(BLOCK)])
        for k in range(BLOCK):
            builder.store(lines[k], _block_at(builder, a, builder.mul(width, _index(k))), align=4)
        return context.get_dummy_value()

    return types.void(target, at, width, x, first, step), generate


@intrinsic
def move(typing, target, at, x, first):
    """Set target[at + w] = x[first + w] for w < 8."""

    def generate(context, builder, signature, args):
        a, b = [_first(context, builder, signature, args, i) for i in (0, 2)]
        builder.store(builder.load(_block_at(builder, b, args[3]), align=4), _block_at(builder, a, args[1]), align=4)
        return context.get_dummy_value()

    return types.void(target, at, x, first), generate


def _block_at(builder, pointer, i):
    return builder.bitcast(builder.gep(pointer, [i]), ir.VectorType(pointer.type.pointee, BLOCK).as_pointer())


def _mix(builder, x, y, lanes):
    return builder.shuffle_vector(x, y, ir.VectorType(_int, BLOCK)(lanes))


@njit
def pack(target, at, width, x, first, n, step, next_step, depth):
    """Set target[at + k width + w] = x[first + w step + k next_step] for w < n, 0 for n ≤ w < width: copy a strip, in the order of k."""
    low = 0
    if n == width and step == 1:
        for k in range(depth):
            for w in range(0, width - BLOCK, BLOCK):
                move(target, at + k * width + w, x, first + k * next_step + w)
            move(target, at + k * width + width - BLOCK, x, first + k * next_step + width - BLOCK)
        return
    if n == width and next_step == 1:
        low = depth // BLOCK * BLOCK
        for k in range(0, low, BLOCK):
            for w in range(0, width - BLOCK, BLOCK):
                turn(target, at + k * width + w, width, x, first + k + w * step, step)
            turn(target, at + k * width + width - BLOCK, width, x, first + k + (width - BLOCK) * step, step)
    if n < width:
        target[at : at + depth * width] = 0
    for w in range(n):
        for k in range(low, depth):
            target[at + k * width + w] = number(x, first + w * step + k * next_step)


@njit
def _pieces(n, most, step):
    """Return (begin, end) of each piece of range(n): at most `most` long, and of lengths as equal as multiples of `step` can be."""
    length = -(-n // -(-n // most) // step) * step
    return [(begin, min(begin + length, n)) for begin in range(0, n, length)]


def _multiply(x, y, out, begin, rows, columns, rest):
    """Multiply as `multiply` does, with the bias in `begin`, followed by zeros.

    rows, columns: space for packed parts of x and y; rest: space for a tile that is partly outside `out`.
    """
    wide = VECTORS * BYTES // out.itemsize
    down, along = x.strides[0] // x.itemsize, x.strides[1] // x.itemsize
    y_down, y_along = y.strides[0] // x.itemsize, y.strides[1] // x.itemsize
    row, zeros = out.strides[0] // x.itemsize, len(begin) - wide
    for left, right in _pieces(out.shape[1], WIDTH, wide):
        for start, stop in _pieces(x.shape[1], DEPTH, BLOCK):
            depth = stop - start
            for j in range(left, right, wide):
                pack(columns, (j - left) * depth, wide, y, start * y_down + j * y_along, min(wide, right - j), y_along, y_down, depth)
            for i in range(0, x.shape[0], ROWS):
                height = min(ROWS, x.shape[0] - i)
                pack(rows, 0, ROWS, x, i * down + start * along, height, down, along, depth)
                following = min(i + ROWS, x.shape[0] - height)
                for j in range(left, right, wide):
                    width, strip, first = min(wide, right - j), (j - left) * depth, zeros if start else j
                    ahead = (following + strip // (wide * depth) % height) * down + start * along
                    if height == ROWS and width == wide:
                        tile(rows, columns, strip, depth, out, i * row + j, row, start, begin, first, x, ahead, along)
                    elif height == ROWS and width == wide // 2:
                        half_tile(rows, columns, strip, depth, out, i * row + j, row, start, begin, first, x, ahead, along)
                    else:
                        if width > wide // 2:
                            tile(rows, columns, strip, depth, rest, 0, wide, 0, begin, first, x, ahead, along)
                        else:
                            half_tile(rows, columns, strip, depth, rest, 0, wide, 0, begin, first, x, ahead, along)
                        for r in range(height):
                            for c in range(width):
                                out[i + r, j + c] = rest[r * wide + c] + (out[i + r, j + c] if start else 0)


@functools.cache
def compiled(dtype):
    """Return `_multiply` compiled for a dtype."""
    matrix, row = f"{dtype}[:, :]", f"{dtype}[::1]"
    return kept(f"void({matrix}, {matrix}, {matrix}, {row}, {row}, {row}, {row})", nogil=True)(_multiply)
