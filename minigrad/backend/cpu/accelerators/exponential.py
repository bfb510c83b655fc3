"""e^x for compiled loops, in steps that every lane of a vector can take: a loop that calls it computes as many numbers at a time as fit."""

import math

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

# Bits of an integer as wide as the float, bits of its fraction, the bias of its exponent, ln 2 as a number of so few digits that whole
# multiples of it are exact and the rest of it, numbers below and above which e^x is 0 and infinite, the last power in Taylor's series
FLOATS = {
    types.float32: (32, 23, 127, 0.693359375, -2.12194440054690583e-4, -104, 89, 7),
    types.float64: (64, 52, 1023, 6.93147180369123816490e-1, 1.90821492927058770002e-10, -746, 710, 13),
}


@intrinsic
def exp(typing, x):
    """e^x = 2^n e^r with n = x / ln 2, rounded, and r = x - n ln 2, at most ln 2 / 2 from 0; NaN passes through. Within 1 ulp."""
    bits, fraction, bias, ln2, rest, least, most, powers = FLOATS[x]

    def generate(context, builder, signature, args):
        kind, whole = args[0].type, ir.IntType(bits)
        fmuladd = builder.module.declare_intrinsic("llvm.fmuladd", [kind], ir.FunctionType(kind, [kind] * 3))
        half, shift = kind(0.5), kind(1.5 * 2**fraction)  # a number + shift is rounded, and its last bits are that whole number's

        def times_plus(a, b, c):
            return builder.call(fmuladd, [a, b, c])

        def two_to(shifted):
            """2^n for n + shift: n as the bits of an exponent."""
            exponent = builder.add(builder.bitcast(shifted, whole), whole(bias))
            return builder.bitcast(builder.shl(exponent, whole(fraction)), kind)

        x = builder.select(builder.fcmp_ordered(">", args[0], kind(most)), kind(most), args[0])
        x = builder.select(builder.fcmp_ordered("<", x, kind(least)), kind(least), x)
        n = builder.fsub(times_plus(x, kind(1 / math.log(2)), shift), shift)
        r = times_plus(n, kind(-rest), times_plus(n, kind(-ln2), x))
        series = kind(1 / math.factorial(powers))
        for k in range(powers - 1, -1, -1):
            series = times_plus(series, r, kind(1 / math.factorial(k)))
        first = times_plus(n, half, shift)  # 2^n as two factors: it may be out of range where e^x is not
        second = builder.fadd(builder.fsub(n, builder.fsub(first, shift)), shift)
        return builder.fmul(builder.fmul(series, two_to(first)), two_to(second))

    return x(x), generate
