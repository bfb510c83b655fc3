"""Methods that change a tensor in place and return it: their names end in an underscore, as in PyTorch.

Each raises RuntimeError where PyTorch does: for a leaf that requires a gradient, a read-only array, a result of another kind of dtype.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import backend, ops
from ..autograd.formulas import formula
from ..printing import Size
from . import elementwise as e
from .arguments import beside, check_axes, check_number, check_power, lengths, times_alpha
from .parts import diagonal
from .random import bernoulli, whole_range
from .types import Operand, Tensor, named
from .writing import arithmetic, draw_into, replace

if TYPE_CHECKING:
    from .random import Generator


# ---- arithmetic


def add_(self: Tensor, other: Operand, *last: Any, alpha: float | Tensor = 1) -> Tensor:
    """Add alpha · other to self.

    y = self + alpha · other,  dL/dself = g,  dL/dother = alpha g
    """
    return arithmetic(self, "add", ops.add, times_alpha("add_", self, other, alpha, last))


def sub_(self: Tensor, other: Operand, *last: Any, alpha: float | Tensor = 1) -> Tensor:
    """Subtract alpha · other from self.

    y = self - alpha · other,  dL/dself = g,  dL/dother = -alpha g
    """
    return arithmetic(self, "subtract", ops.sub, times_alpha("sub_", self, other, alpha, last))


def mul_(self: Tensor, other: Operand) -> Tensor:
    """Multiply self by other.

    y = self · other,  dL/dself = g other,  dL/dother = g self
    """
    return arithmetic(self, "multiply", ops.mul, other)


def div_(self: Tensor, other: Operand, *, rounding_mode: str | None = None) -> Tensor:
    """Divide self by other, rounded as `div` does in the mode "floor" or "trunc".

    y = self / other,  dL/dself = g / other,  dL/dother = -g self / other²
    """
    if rounding_mode is not None:
        return replace(self, "div_", lambda: e.div(self, other, rounding_mode=rounding_mode), other)
    return arithmetic(self, "divide", ops.div, other)


def pow_(self: Tensor, other: Operand) -> Tensor:
    """Raise self to the power other.

    y = self^other,  dL/dself = g other self^(other-1) (0 where other = 0),  dL/dother = g y log self (0 where self = 0 ≤ other)
    """
    check_power(self, other)
    return arithmetic(self, "power", ops.pow, other)


# ---- functions of the tensor whose result takes its place


def written(function: Any) -> Callable[..., Tensor]:
    """Return the method that writes what function(self, …) returns into its tensor."""
    name = f"{function.__name__}_"

    @functools.wraps(function)
    def method(self: Tensor, *arguments: Any, **options: Any) -> Tensor:
        result: Tensor = replace(self, name, lambda: function(self, *arguments, **options), *arguments, *options.values())
        return result

    return named(method, name, f"Replace each element by what `{function.__name__}` returns for it.\n\n{formula(function)}")


# ---- elements given or drawn


def resize_(self: Tensor, *sizes: Any) -> Tensor:
    """Give self another shape. Its elements are kept row by row, as many as fit; further ones are 0 here, undefined in PyTorch."""
    if self._requires_grad:
        raise RuntimeError("resize_: a tensor that requires a gradient cannot be resized; use reshape")
    shape, flat = lengths(sizes), self.array.reshape(-1)
    xp, n = backend.array_module(flat), Size(shape).numel()
    found = flat[:n] if n <= flat.size else xp.concatenate([flat, xp.zeros(n - flat.size, flat.dtype)])
    self.data = beside(self, found.reshape(shape))
    return self


def zero_(self: Tensor) -> Tensor:
    """Set all elements to 0.

    y = 0,  dL/dself = 0
    """
    return fill_(self, 0)


def fill_(self: Tensor, value: Operand) -> Tensor:
    """Set all elements to `value`, a number or a 0-d tensor.

    y = value,  dL/dself = 0,  dL/dvalue = Σ g
    """
    if type(value) not in backend.NUMBERS and not isinstance(value, Tensor):
        value = backend.operand(value, "fill_")
    if shape := tuple(getattr(value, "shape", ())):
        raise RuntimeError(f"fill_: expected a number or a 0-d tensor, got shape {shape}; use copy_")
    self[...] = value
    return self


def fill_diagonal_(self: Tensor, fill_value: float) -> Tensor:
    """Set the elements on the diagonal of a matrix to a number.

    y = self with the number stored at [i, i],  dL/dself = g with 0 stored there,  no gradient for fill_value
    """
    check_axes("fill_diagonal_", 2, self)
    diagonal(self).fill_(fill_value)
    return self


def copy_(self: Tensor, source: Any, non_blocking: bool = False) -> Tensor:
    """Set the elements to those of `source`, broadcast, converted, and brought to the device of self.

    y = source,  dL/dself = 0,  dL/dsource = g, summed over the axes along which source was broadcast
    """
    if isinstance(source, Tensor) and source.array.ndim > self.array.ndim:
        raise RuntimeError(f"copy_: a source of shape {tuple(source.array.shape)} does not fit into {tuple(self.array.shape)}")
    if isinstance(source, Tensor) and source.device.type != self.device.type:
        source = source.to(self.device)
    self[...] = source
    return self


def normal_(self: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Draw all elements from the Gaussian distribution of this mean and standard deviation."""
    mean, std = check_number(mean, "normal_"), check_number(std, "normal_")
    if not std >= 0:
        raise RuntimeError(f"normal_: expected a standard deviation of at least 0, got {std}")
    return draw_into(self, "normal_", backend.random.normal, (mean, std), generator)


def uniform_(self: Tensor, from_: float = 0, to: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Draw all elements uniformly from [from_, to)."""
    from_, to = check_number(from_, "uniform_"), check_number(to, "uniform_")
    if not from_ <= to:
        raise RuntimeError(f"uniform_: expected from ≤ to, got {from_} and {to}")
    if from_ in (-backend.inf, backend.inf) or to == backend.inf:
        raise RuntimeError(f"uniform_: expected finite numbers, got {from_} and {to}")
    if self.array.dtype.kind == "f":
        from_, to = (backend.fitting(number, self.array.dtype, "uniform_") for number in (from_, to))
    return draw_into(self, "uniform_", backend.random.uniform, (from_, to), generator)


def exponential_(self: Tensor, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Draw all elements from the exponential distribution of the rate `lambd`, whose mean is 1 / lambd."""
    if not check_number(lambd, "exponential_") > 0:
        raise RuntimeError(f"exponential_: expected a rate above 0, got {lambd}")
    return draw_into(self, "exponential_", backend.random.exponential, (check_number(lambd, "exponential_"),), generator)


def bernoulli_(self: Tensor, p: float | Tensor = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Set each element to 1 with the probability p, a number or a tensor that is broadcast, else to 0."""
    def draw(*_: Any) -> Any:
        return bernoulli(self.detach(), p, generator=generator).array

    return draw_into(self, "bernoulli_", draw, (), generator, "fiub")


def random_(self: Tensor, from_: int | None = None, to: int | None = None, *, generator: Generator | None = None) -> Tensor:
    """Draw all elements uniformly from the whole numbers in [from_, to), as random_(to) from [0, to).

    Without arguments, draw from 0 … the largest number of an integer dtype, or the one up to which a floating-point dtype has each.
    """
    dtype = self.array.dtype
    if from_ is None and to is None:
        kind, size = dtype.kind, dtype.itemsize
        to = (1 << {2: 11, 4: 24, 8: 53}[size]) + 1 if kind == "f" else 2 if kind == "b" else 1 << 8 * size - (kind == "i")
    limits = whole_range("random_", from_ or 0, to, dtype)
    return draw_into(self, "random_", backend.random.integers, limits, generator, "fiub")
