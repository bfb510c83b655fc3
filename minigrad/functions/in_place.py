"""Methods that change a tensor in place and return it: their names end in an underscore, as in PyTorch.

Each raises RuntimeError where PyTorch does: for a leaf that requires a gradient, a read-only array, a result of another kind of dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import backend, ops
from ..autograd.formulas import formula_of
from ..printing import Size
from . import elementwise as e
from . import scattering as s
from .arguments import NUMBERS, beside, check_number, check_power, lengths, times_alpha
from .random import bernoulli, whole_range
from .types import Operand, Tensor
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


def floor_divide_(self: Tensor, other: Operand) -> Tensor:
    """Divide self by other, and round down.

    y = ⌊self / other⌋,  no gradient
    """
    return arithmetic(self, None, ops.floor_divide, other)


def remainder_(self: Tensor, other: Operand) -> Tensor:
    """Replace self by the remainder, which has the sign of `other`.

    y = self - other ⌊self / other⌋,  dL/dself = g,  dL/dother = -g ⌊self / other⌋
    """
    return arithmetic(self, None, ops.remainder, other)


def atan2_(self: Tensor, other: Tensor) -> Tensor:
    """Replace self by the angle of the point (other, self).

    y = the angle of the point (other, self),  dL/dself = g other / (self² + other²),  dL/dother = -g self / (self² + other²)
    """
    return replace(self, "atan2_", lambda: e.atan2(self, other), other)


def lerp_(self: Tensor, end: Tensor, weight: float | Tensor) -> Tensor:
    """Move self towards end.

    y = self + weight (end - self),  dL/dself = g (1 - weight),  dL/dend = g weight,  dL/dweight = g (end - self)
    """
    return replace(self, "lerp_", lambda: e.lerp(self, end, weight), end, weight)


def addcmul_(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """Add the product of two tensors and the number `value` to self.

    y = self + value · tensor1 · tensor2,  dL/dself = g,  dL/dtensor1 = value g tensor2,  dL/dtensor2 = value g tensor1,
    no gradient for value
    """
    return replace(self, "addcmul_", lambda: e.addcmul(self, tensor1, tensor2, value=value), tensor1, tensor2)


def addcdiv_(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """Add the quotient of two tensors, times the number `value`, to self.

    y = self + value · tensor1 / tensor2,  dL/dself = g,  dL/dtensor1 = value g / tensor2,
    dL/dtensor2 = -value g tensor1 / tensor2²,  no gradient for value
    """
    return replace(self, "addcdiv_", lambda: e.addcdiv(self, tensor1, tensor2, value=value), tensor1, tensor2)


# ---- functions of one variable


def written(function: Any) -> Callable[..., Tensor]:
    """Return the method that writes what a function of one variable returns into its tensor."""
    name = f"{function.__name__}_"

    def method(self: Tensor, **options: Any) -> Tensor:
        result: Tensor = replace(self, name, lambda: function(self, **options))
        return result

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Replace each element by what `{function.__name__}` returns for it.\n\n{formula_of(function, input='self')}"
    return method


abs_, atan_, ceil_, cos_, cosh_, erf_ = map(written, (e.abs, e.atan, e.ceil, e.cos, e.cosh, e.erf))
exp_, expm1_, floor_, log_, log1p_, log2_, log10_ = map(written, (e.exp, e.expm1, e.floor, e.log, e.log1p, e.log2, e.log10))
neg_, reciprocal_, relu_, round_, rsqrt_ = map(written, (e.neg, e.reciprocal, e.relu, e.round, e.rsqrt))
sigmoid_, sign_, sin_, sinh_, sqrt_ = map(written, (e.sigmoid, e.sign, e.sin, e.sinh, e.sqrt))
square_, tan_, tanh_, trunc_ = map(written, (e.square, e.tan, e.tanh, e.trunc))


def clamp_(self: Tensor, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """Limit each element to [min, max], numbers or tensors, of which one may be missing.

    y = min(max(self, min), max),  dL/dself = g where min ≤ self ≤ max, else 0,
    dL/dmin = g where self < min < max, else 0,  dL/dmax = g where self > max or max < min, else 0
    """
    return replace(self, "clamp_", lambda: e.clamp(self, min, max), min, max)


# ---- elements given or drawn


def resize_(self: Tensor, *sizes: Any) -> Tensor:
    """Give self another shape. Its elements are kept row by row, as many as fit; further ones are 0 here, undefined in PyTorch."""
    if self._requires_grad:
        raise RuntimeError("resize_: a tensor that requires a gradient cannot be resized; use reshape")
    shape, flat = lengths(sizes), self.array.reshape(-1)
    missing = backend.array_module(flat).zeros(max(0, Size(shape).numel() - flat.size), flat.dtype)
    kept = flat[:Size(shape).numel()]
    self.data = beside(self, (backend.array_module(flat).concatenate([kept, missing]) if missing.size else kept).reshape(shape))
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
    if type(value) not in NUMBERS and not isinstance(value, Tensor):
        value = backend.operand(value, "fill_")
    if shape := tuple(getattr(value, "shape", ())):
        raise RuntimeError(f"fill_: expected a number or a 0-d tensor, got shape {shape}; use copy_")
    self[...] = value
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


def masked_fill_(self: Tensor, mask: Tensor, value: float | Tensor) -> Tensor:
    """Set the elements where the mask is True to the number `value`, see `masked_fill`.

    y = value where mask, else self,  dL/dself = 0 where mask, else g,  dL/dvalue = Σ g where mask,  no gradient for mask
    """
    return replace(self, "masked_fill_", lambda: s.masked_fill(self, mask, value), value)


def scatter_(
    self: Tensor, dim: int, index: Tensor, src: Tensor | float | None = None, *, value: float | None = None, reduce: str | None = None
) -> Tensor:
    """Set the elements at `index` along `dim` to those of `src`, see `scatter`.

    y = self with src stored at `index`,  dL/dself = g with 0 stored there,  dL/dsrc = g at `index`,
    no gradient for index,  no gradient for value
    """
    return replace(self, "scatter_", lambda: s.scatter(self, dim, index, src, value=value, reduce=reduce), src)


def scatter_add_(self: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Add the elements of `src` at `index` along `dim`, see `scatter_add`.

    y = self + zeros with src added at `index`,  dL/dself = g,  dL/dsrc = g at `index`,  no gradient for index
    """
    return replace(self, "scatter_add_", lambda: s.scatter_add(self, dim, index, src), src)


def index_add_(self: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """Add alpha times the entries of `source` at `index` along `dim`, see `index_add`.

    y = self + zeros with alpha source added at `index`,  dL/dself = g,  dL/dsource = alpha g at `index`,  no gradient for index
    """
    return replace(self, "index_add_", lambda: s.index_add(self, dim, index, source, alpha=alpha), source)


def index_fill_(self: Tensor, dim: int, index: Tensor, value: float | Tensor) -> Tensor:
    """Set the entries at `index` along `dim` to the number `value`, see `index_fill`.

    y = self with value stored at `index`,  dL/dself = g with 0 stored there,  dL/dvalue = Σ g at `index`,  no gradient for index
    """
    return replace(self, "index_fill_", lambda: s.index_fill(self, dim, index, value), value)


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
