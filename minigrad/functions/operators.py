"""Python's operators on tensors.

For another operand that no function of tensors takes they return NotImplemented if its type has the reflected operator, which Python
then calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import backend, ops
from ..autograd.formulas import formula
from . import comparisons as c
from . import elementwise, in_place, products
from .in_place import written
from .types import Operand, Tensor


def operator(function: Any, reflected: str) -> Callable[[Tensor, Operand], Tensor]:
    """Return the operator that calls function(self, other), or leaves an unknown operand to its type's own operator `reflected`."""
    def method(self: Tensor, other: Operand) -> Tensor:
        try:
            return function(self, other)
        except backend.NotAnOperand:
            if hasattr(type(other), reflected):
                return NotImplemented
            raise

    return described(method, f"{function.__name__}(self, other)", function)


def described(method: Callable[[Tensor, Operand], Tensor], call: str, function: Any) -> Callable[[Tensor, Operand], Tensor]:
    """Give `method` a docstring that names this call and the formula of the function, if it has one, and return it."""
    stated = formula(function)
    method.__doc__ = f"Return {call}: {stated}" if stated else None
    return method


add, sub, mul = operator(ops.add, "__radd__"), operator(ops.sub, "__rsub__"), operator(ops.mul, "__rmul__")
truediv, matmul = operator(elementwise.quotient, "__rtruediv__"), operator(products.product, "__rmatmul__")
floordiv, mod = operator(ops.floor_divide, "__rfloordiv__"), operator(ops.remainder, "__rmod__")
pow = operator(elementwise.pow, "__rpow__")


def reflected(function: Any) -> Callable[[Tensor, Operand], Tensor]:
    """Return the reflected operator, which calls function(other, self)."""
    def method(self: Tensor, other: Operand) -> Tensor:
        return function(other, self)

    return described(method, f"{function.__name__}(other, self)", function)


rsub, rtruediv, rmatmul = reflected(ops.sub), reflected(elementwise.quotient), reflected(products.product)
rfloordiv, rmod, rpow = reflected(ops.floor_divide), reflected(ops.remainder), reflected(ops.pow)


def rmul(self: Tensor, other: Operand) -> Tensor:
    """Return other · self, but leave lists, tuples and texts to Python, which repeats them.

    y = other · self,  dL/dself = g other,  dL/dother = g self
    """
    return NotImplemented if isinstance(other, list | tuple | str) else ops.mul(other, self)


def pos(self: Tensor) -> Tensor:
    """Return self."""
    return self


# ---- comparisons

eq, ne = operator(ops.equal, "__eq__"), operator(ops.not_equal, "__ne__")
lt, le = operator(ops.less, "__gt__"), operator(ops.less_equal, "__ge__")
gt, ge = operator(ops.greater, "__lt__"), operator(ops.greater_equal, "__le__")

# ---- bit by bit


and_, or_, xor = operator(c.bitwise_and, "__rand__"), operator(c.bitwise_or, "__ror__"), operator(c.bitwise_xor, "__rxor__")
lshift, rshift = operator(c.bitwise_left_shift, "__rlshift__"), operator(c.bitwise_right_shift, "__rrshift__")
rlshift = operator(lambda x, y: c.bitwise_left_shift(y, x), "__lshift__")
rrshift = operator(lambda x, y: c.bitwise_right_shift(y, x), "__rshift__")

# ---- in place

iadd, isub, imul = operator(in_place.add_, "__radd__"), operator(in_place.sub_, "__rsub__"), operator(in_place.mul_, "__rmul__")
itruediv, ipow = operator(in_place.div_, "__rtruediv__"), operator(in_place.pow_, "__rpow__")
ifloordiv, imod = operator(written(elementwise.floor_divide), "__rfloordiv__"), operator(written(elementwise.remainder), "__rmod__")
iand, ior = operator(written(c.bitwise_and), "__rand__"), operator(written(c.bitwise_or), "__ror__")
ixor = operator(written(c.bitwise_xor), "__rxor__")
ilshift, irshift = operator(written(c.bitwise_left_shift), "__rlshift__"), operator(written(c.bitwise_right_shift), "__rrshift__")
