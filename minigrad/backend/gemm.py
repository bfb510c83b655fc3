"""Products of float64 matrices by a kernel of our own, for cores with vectors of 512 bits, which NumPy's OpenBLAS does not fill.

C = A B is cut into tiles of 14 × 16 numbers. A tile stays in 28 registers while k runs: row k of the tile's part of B is two vectors;
each of the 14 numbers of column k of its part of A is multiplied with both and added. For that the parts lie packed, in the
order in which they are read: A in strips of 14 rows, B in strips of 16 columns, 256 numbers deep, so that a strip of each fits
the first cache and B's strips the second. The sum over k goes in order, whatever the number of threads: the bits do not depend on it.

The layout is that of K. Goto and R. van de Geijn, "Anatomy of high-performance matrix multiplication" (2008). Needs Numba.
"""

import threading

import numpy
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from .compiled import kept

ROWS, VECTORS, LANES = 14, 2, 8  # of a tile: 28 sums, 2 vectors of B and a number of A take 31 of 32 registers
COLUMNS = VECTORS * LANES
DEPTH, WIDTH = 256, 800  # of the part of B that is packed at a time

_index, _int, _byte, _vector = ir.IntType(64), ir.IntType(32), ir.IntType(8).as_pointer(), ir.VectorType(ir.DoubleType(), LANES)
READ = _int(0), _int(3), _int(1)  # what LLVM is told of a line called into the cache: to be read, often, data
_local = threading.local()


def multiply(x, y, out, bias=None):
    """out = x y (+ bias) for float64 matrices, each with neighbours in memory along one axis at least, `out` along its second."""
    if 0 in (*out.shape, x.shape[1]):
        out[...] = 0 if bias is None else bias
        return
    if not hasattr(_local, "space"):
        _local.space = _aligned(ROWS * DEPTH), _aligned(DEPTH * WIDTH), _aligned(ROWS * COLUMNS)
    begin = numpy.zeros(out.shape[1] + 2 * COLUMNS)
    if bias is not None:
        begin[:out.shape[1]] = bias
    _multiply(x, y, out, begin, *_local.space)


def _aligned(n):
    """n numbers that begin with a cache line."""
    space = numpy.empty(n + LANES)
    first = -space.ctypes.data % 64 // 8
    return space[first:first + n]


@intrinsic
def number(typing, x, i):
    """The number i places after the first of x in memory."""

    def generate(context, builder, signature, args):
        return builder.load(builder.gep(_first(context, builder, signature, args, 0), [args[1]]))

    return types.float64(x, i), generate


@intrinsic
def tile(typing, rows, columns, strip, depth, out, corner, row, add, begin, j, x, ahead, step):
    """out[corner + r row + c] = begin[j + c] + Σ_k rows[k, r] columns[strip + k, c], added to what stands there where `add` is not 0.

    Meanwhile the numbers x[ahead + k step], which will be wanted soon, are called into the cache.
    """

    def generate(context, builder, signature, args):
        _, _, strip, depth, _, corner, row, add, _, j, _, ahead, step = args
        a, b, c, begin, x = [_first(context, builder, signature, args, i) for i in (0, 1, 4, 8, 10)]
        b, c, begin, x = [builder.gep(p, [i]) for p, i in ((b, strip), (c, corner), (begin, j), (x, ahead))]
        starts = [builder.mul(row, _index(r)) for r in range(ROWS)]
        places = [_vector_at(builder, c, builder.add(start, _index(v * LANES))) for start in starts for v in range(VECTORS)]
        fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(_vector, [_vector] * 3), f"llvm.fma.v{LANES}f64")
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [_byte], ir.FunctionType(ir.VoidType(), [_byte, _int, _int, _int]))
        first = [builder.load(_vector_at(builder, begin, _index(v * LANES)), align=8) for v in range(VECTORS)]
        before, loop, after = builder.block, builder.append_basic_block("k"), builder.append_basic_block("after")
        builder.branch(loop)

        builder.position_at_end(loop)
        k = builder.phi(_index)
        sums = [builder.phi(_vector) for _ in places]
        a, b = builder.gep(a, [builder.mul(k, _index(ROWS))]), builder.gep(b, [builder.mul(k, _index(COLUMNS))])
        factors = [builder.load(_vector_at(builder, b, _index(v * LANES)), align=8) for v in range(VECTORS)]
        builder.call(fetch, [builder.bitcast(builder.gep(x, [builder.mul(k, step)]), _byte), *READ])
        grown = []
        for r in range(ROWS):
            one = builder.insert_element(_vector(ir.Undefined), builder.load(builder.gep(a, [_index(r)])), _index(0))
            all_lanes = builder.shuffle_vector(one, one, ir.VectorType(_int, LANES)(None))
            grown += [builder.call(fma, [all_lanes, factors[v], sums[r * VECTORS + v]]) for v in range(VECTORS)]
        following = builder.add(k, _index(1))
        builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)
        k.add_incoming(_index(0), before)
        k.add_incoming(following, loop)
        for i, (old, new) in enumerate(zip(sums, grown)):
            old.add_incoming(first[i % VECTORS], before)
            old.add_incoming(new, loop)

        builder.position_at_end(after)
        with builder.if_else(builder.icmp_signed("!=", add, _index(0))) as (yes, no):
            with yes:
                for place, new in zip(places, grown):
                    builder.store(builder.fadd(builder.load(place, align=8), new), place, align=8)
            with no:
                for place, new in zip(places, grown):
                    builder.store(new, place, align=8)
        return context.get_dummy_value()

    return types.void(rows, columns, strip, depth, out, corner, row, add, begin, j, x, ahead, step), generate


def _first(context, builder, signature, args, i):
    """Where argument i, an array, begins."""
    return cgutils.create_struct_proxy(signature.args[i])(context, builder, args[i]).data


def _vector_at(builder, pointer, i):
    return builder.bitcast(builder.gep(pointer, [i]), _vector.as_pointer())


@intrinsic
def turn(typing, target, at, width, x, first, step):
    """target[at + k width + w] = x[first + w step + k] for k, w < 8: a block of 8 × 8 numbers, transposed."""

    def generate(context, builder, signature, args):
        _, at, width, _, first, step = args
        a, b = [builder.gep(_first(context, builder, signature, args, i), [place]) for i, place in ((0, at), (3, first))]
        lines = [builder.load(_vector_at(builder, b, builder.mul(step, _index(w))), align=8) for w in range(LANES)]
        for size in (1, 2, 4):  # swap the blocks of this size beside the diagonal
            for i in [i for i in range(LANES) if not i & size]:
                upper, lower = lines[i], lines[i + size]
                lines[i] = _mix(builder, upper, lower, [LANES + j - size if j & size else j for j in range(LANES)])
                lines[i + size] = _mix(builder, upper, lower, [LANES + j if j & size else j + size for j in range(LANES)])
        for k in range(LANES):
            builder.store(lines[k], _vector_at(builder, a, builder.mul(width, _index(k))), align=8)
        return context.get_dummy_value()

    return types.void(target, at, width, x, first, step), generate


@intrinsic
def move(typing, target, at, x, first):
    """target[at + w] = x[first + w] for w < 8."""

    def generate(context, builder, signature, args):
        a, b = [_first(context, builder, signature, args, i) for i in (0, 2)]
        builder.store(builder.load(_vector_at(builder, b, args[3]), align=8), _vector_at(builder, a, args[1]), align=8)
        return context.get_dummy_value()

    return types.void(target, at, x, first), generate


def _mix(builder, x, y, lanes):
    return builder.shuffle_vector(x, y, ir.VectorType(_int, LANES)(lanes))


@kept(nogil=True)
def pack(target, at, width, x, first, n, step, next_step, depth):
    """target[at + k width + w] = x[first + w step + k next_step] for w < n, 0 for n ≤ w < width: a strip, in the order of k."""
    low = 0
    if n == width and step == 1:
        for k in range(depth):
            move(target, at + k * width, x, first + k * next_step)
            move(target, at + k * width + width - LANES, x, first + k * next_step + width - LANES)
        return
    if n == width and next_step == 1:
        low = depth // LANES * LANES
        for k in range(0, low, LANES):
            turn(target, at + k * width, width, x, first + k, step)
            turn(target, at + k * width + width - LANES, width, x, first + k + (width - LANES) * step, step)
    if n < width:
        target[at : at + depth * width] = 0
    for w in range(n):
        for k in range(low, depth):
            target[at + k * width + w] = number(x, first + w * step + k * next_step)


@njit
def _pieces(n, most, step):
    """(begin, end) of the pieces of range(n), none longer than `most`, as equal as multiples of `step` can be."""
    length = -(-n // -(-n // most) // step) * step
    return [(begin, min(begin + length, n)) for begin in range(0, n, length)]


@kept("void(float64[:, :], float64[:, :], float64[:, :], float64[::1], float64[::1], float64[::1], float64[::1])", nogil=True)
def _multiply(x, y, out, begin, rows, columns, rest):
    down, along = x.strides[0] // 8, x.strides[1] // 8
    under, beside = y.strides[0] // 8, y.strides[1] // 8
    row, zeros = out.strides[0] // 8, len(begin) - COLUMNS
    for left, right in _pieces(out.shape[1], WIDTH, COLUMNS):
        for start, stop in _pieces(x.shape[1], DEPTH, LANES):
            depth = stop - start
            for j in range(left, right, COLUMNS):
                pack(columns, (j - left) * depth, COLUMNS, y, start * under + j * beside, min(COLUMNS, right - j), beside, under, depth)
            for i in range(0, x.shape[0], ROWS):
                height = min(ROWS, x.shape[0] - i)
                pack(rows, 0, ROWS, x, i * down + start * along, height, down, along, depth)
                following = min(i + ROWS, x.shape[0] - height)
                for j in range(left, right, COLUMNS):
                    width, strip, first = min(COLUMNS, right - j), (j - left) * depth, zeros if start else j
                    ahead = (following + strip // (COLUMNS * depth) % height) * down + start * along
                    if height == ROWS and width == COLUMNS:
                        tile(rows, columns, strip, depth, out, i * row + j, row, start, begin, first, x, ahead, along)
                        continue
                    tile(rows, columns, strip, depth, rest, 0, COLUMNS, 0, begin, first, x, ahead, along)
                    for r in range(height):
                        for c in range(width):
                            out[i + r, j + c] = rest[r * COLUMNS + c] + (out[i + r, j + c] if start else 0)
