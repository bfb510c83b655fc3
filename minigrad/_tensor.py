"""Tensor: its properties, its conversions to Python and NumPy, and the table of its methods, which `functions/` defines."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, overload

from . import backend, copies, ops
from .autograd import graph, modes, sharing
from .autograd.writes import reshaped
from .functions import comparisons as c
from .functions import conversions as v
from .functions import creation, gradients, indexing, norms, parts, products, random, scattering, sorting
from .functions import elementwise as e
from .functions import in_place as i
from .functions import operators as o
from .functions import reductions as r
from .functions import shapes as s
from .functions.arguments import check_input
from .printing import Size, format_tensor

if TYPE_CHECKING:
    from .functions.types import Operand


class Tensor(graph.Tensor):
    """An array on the CPU or the GPU, the operations on it, and the gradient that `backward` leaves.

    `minigrad.tensor`, `zeros`, `randn` and others make tensors. `array` is the raw NumPy or CuPy array, `data` a detached tensor on the
    same memory.
    """

    __slots__ = ()
    array: Any

    def __init__(self, *data: Any, requires_grad: builtins.bool = False, device: Any = None) -> None:
        """Make a tensor as old programs do: Tensor(2, 3), uninitialised, Tensor([1, 2]) or Tensor(array), each of the default dtype.

        An array of that dtype shares its memory. Of a tensor, make a view, of its own dtype.
        """
        dtype = None if data and isinstance(data[0], Tensor) else backend.get_default_dtype()
        made = creation.from_old_arguments(data, dtype, device, "Tensor")
        super().__init__(made.array, requires_grad)
        if made.node is not None:
            self.node, self._requires_grad = made.node, True
        sharing.link(made, self, sharing.VIEW)

    # ---- what it is

    @property
    def shape(self) -> Size:
        """The lengths of the axes."""
        return Size(self.array.shape)

    @overload
    def size(self, dim: None = None) -> Size: ...
    @overload
    def size(self, dim: builtins.int) -> builtins.int: ...
    def size(self, dim: builtins.int | None = None) -> Size | builtins.int:
        """Return the lengths of the axes, or of one."""
        return Size(self.array.shape) if dim is None else self.array.shape[dim]

    def dim(self) -> builtins.int:
        """Return the number of axes."""
        return int(self.array.ndim)

    ndimension = dim

    @property
    def device(self) -> backend.device:
        """Where the array lives."""
        name = backend.device_of(self.array)
        return backend.device(name, 0 if name == "cuda" else None)

    @property
    def is_cuda(self) -> builtins.bool:
        """Whether the array lives on a GPU."""
        return backend.device_of(self.array) == "cuda"

    is_sparse = False  # no tensor is

    @property
    def T(self) -> Tensor:
        """The tensor with its axes in reverse order: y = selfᵀ,  dL/dself = gᵀ."""
        return ops.transpose(self)

    @property
    def mT(self) -> Tensor:
        """The tensor with its last two axes exchanged: y = selfᵀ,  dL/dself = gᵀ."""
        return self.transpose(-2, -1)

    @property
    def data(self) -> Tensor:
        """A tensor on the same memory, without history. Assigning replaces the memory."""
        return graph.detach(self)

    @data.setter
    def data(self, value: Tensor) -> None:
        if self.node is not None:
            raise RuntimeError("data can be replaced on a leaf only; this tensor was computed")
        array = check_input(value, "data", "value").array
        if self._requires_grad and array.dtype.kind != "f":
            raise RuntimeError(f"data: a tensor that requires a gradient takes floating-point numbers only, not {array.dtype}")
        if self._requires_grad and array.shape != self.array.shape:
            reshaped(self)
        self.array = array
        sharing.link(value, self, sharing.DETACHED)

    @overload
    def stride(self, dim: None = None) -> tuple[builtins.int, ...]: ...
    @overload
    def stride(self, dim: builtins.int) -> builtins.int: ...
    def stride(self, dim: builtins.int | None = None) -> tuple[builtins.int, ...] | builtins.int:
        """Return for each axis (or one) how many elements lie between neighbours."""
        steps = tuple(step // self.array.itemsize for step in self.array.strides)
        return steps if dim is None else steps[dim]

    def is_contiguous(self) -> builtins.bool:
        """Return whether the elements lie in memory one after another, the last axis fastest."""
        return bool(self.array.flags.c_contiguous)

    def element_size(self) -> builtins.int:
        """Return the number of bytes of one element."""
        return int(self.array.itemsize)

    def __len__(self) -> builtins.int:
        if self.array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return int(self.array.shape[0])

    def __repr__(self) -> str:
        return format_tensor(self)

    # ---- to Python and NumPy

    def item(self) -> Any:
        """Return the only element as a Python number. Raise RuntimeError if there are more."""
        if self.array.size != 1:
            raise RuntimeError(f"item() needs a tensor of one element, not of shape {tuple(self.array.shape)}; use tolist()")
        return backend.item(self.array)

    def tolist(self) -> Any:
        """Return the elements as nested lists; of a 0-d tensor, as a number."""
        return backend.to_numpy(self.array).tolist()

    def numpy(self, *, force: builtins.bool = False) -> backend.ndarray[Any, Any]:
        """Return the NumPy array, on the same memory.

        Raise RuntimeError if this tensor requires a gradient, TypeError if it lives on the GPU; with `force`, detach and copy it instead.
        """
        if force:
            return self.detach().cpu().array
        if self._requires_grad and modes.recording.get():
            raise RuntimeError("numpy() of a tensor that requires a gradient; use tensor.detach().numpy()")
        if backend.device_of(self.array) != "cpu":
            raise TypeError("numpy() of a tensor on the GPU; use tensor.cpu().numpy()")
        sharing.expose(self)
        return self.array

    def __array__(self, dtype: Any = None, copy: Any = None) -> backend.ndarray[Any, Any]:
        return backend.array_module(None).array(self.numpy(), dtype=dtype, copy=copy)

    def __float__(self) -> builtins.float:
        return float(self._number())

    def __int__(self) -> builtins.int:
        return int(self._number())

    def _number(self) -> Any:
        if self.array.size != 1:
            raise ValueError(f"a tensor of shape {tuple(self.array.shape)} is no number; only one of a single element is")
        return self.item()

    def __index__(self) -> builtins.int:
        if self.array.dtype.kind not in "iub" or self.array.size != 1:
            raise TypeError(f"only a whole-number tensor of one element is an index, not {self.dtype} of shape {tuple(self.array.shape)}")
        return int(self.item())

    def __bool__(self) -> builtins.bool:
        if self.array.size != 1:
            raise RuntimeError(f"the truth of a tensor of shape {tuple(self.array.shape)} is ambiguous; use .any() or .all()")
        return bool(self.item())

    def __iter__(self) -> Iterator[Tensor]:
        if self.array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> builtins.bool:
        if not isinstance(value, Tensor | bool | int | float | backend.NumPyScalar):
            raise RuntimeError(f"only a number or a tensor can be in a tensor, not {type(value).__name__}")
        return bool(self.eq(value).any())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.array.ndim == 0 else object.__format__(self, spec)

    @property
    def retains_grad(self) -> builtins.bool:
        """Whether this computed tensor keeps its gradient."""
        return self.node is not None and None in (self.node.hooks or ())

    # ---- the methods, defined and described in functions/

    add, sub, subtract, mul, multiply = e.add, e.sub, e.sub, e.mul, e.mul
    div, divide, true_divide, floor_divide, remainder, pow = e.div, e.div, e.div, e.floor_divide, e.remainder, e.pow
    neg, abs, absolute, square, sign, clamp, clip = e.neg, e.abs, e.abs, e.square, e.sign, e.clamp, e.clamp
    floor, ceil, trunc, round, erf = e.floor, e.ceil, e.trunc, e.round, e.erf
    exp, expm1, log, log1p, log2, log10 = e.exp, e.expm1, e.log, e.log1p, e.log2, e.log10
    sqrt, rsqrt, reciprocal, tanh, sigmoid, relu = e.sqrt, e.rsqrt, e.reciprocal, e.tanh, e.sigmoid, e.relu
    sin, cos, tan, sinh, cosh, atan, atan2 = e.sin, e.cos, e.tan, e.sinh, e.cosh, e.atan, e.atan2
    lerp, addcmul, addcdiv, maximum, minimum = e.lerp, e.addcmul, e.addcdiv, e.maximum, e.minimum
    softmax, log_softmax = e.softmax, e.log_softmax
    matmul, mm, bmm, mv, dot = products.matmul, products.mm, products.bmm, products.mv, products.dot
    outer, ger, addmm, baddbmm = products.outer, products.outer, products.addmm, products.baddbmm

    eq, ne, lt, le, gt, ge = c.eq, c.ne, c.lt, c.le, c.gt, c.ge
    logical_and, logical_or, logical_xor, logical_not = c.logical_and, c.logical_or, c.logical_xor, c.logical_not
    isnan, isfinite, isinf, isclose, is_floating_point = c.isnan, c.isfinite, c.isinf, c.isclose, c.is_floating_point
    bitwise_and, bitwise_or, bitwise_xor, bitwise_not = c.bitwise_and, c.bitwise_or, c.bitwise_xor, c.bitwise_not
    bitwise_left_shift, bitwise_right_shift = c.bitwise_left_shift, c.bitwise_right_shift

    sum, mean, max, min, amax, amin = r.sum, r.mean, r.max, r.min, r.amax, r.amin
    argmax, argmin, all, any, count_nonzero = r.argmax, r.argmin, r.all, r.any, r.count_nonzero
    prod, cumsum, cumprod, logsumexp, var, std, norm = r.prod, r.cumsum, r.cumprod, r.logsumexp, norms.var, norms.std, norms.norm
    sort, argsort, topk, median = sorting.sort, sorting.argsort, sorting.topk, sorting.median
    unique, bincount = sorting.unique, sorting.bincount

    reshape, reshape_as, view, view_as, flatten = s.reshape, s.view_as, s.view, s.view_as, s.flatten
    squeeze, unsqueeze, expand, expand_as = s.squeeze, s.unsqueeze, s.expand, s.expand_as
    t, transpose, swapaxes, swapdims, permute, movedim = s.t, s.transpose, s.transpose, s.transpose, s.permute, s.movedim
    unflatten, ravel, broadcast_to, select, narrow, split = s.unflatten, s.ravel, s.broadcast_to, parts.select, parts.narrow, parts.split
    chunk, unbind, diagonal, diag, trace = parts.chunk, parts.unbind, parts.diagonal, parts.diag, parts.trace
    tril, triu, flip, roll = parts.tril, parts.triu, parts.flip, parts.roll
    repeat, repeat_interleave, tile = parts.repeat, parts.repeat_interleave, parts.tile
    gather, scatter, scatter_add = scattering.gather, scattering.scatter, scattering.scatter_add
    index_add, nonzero = scattering.index_add, scattering.nonzero
    masked_fill, masked_select = scattering.masked_fill, scattering.masked_select
    numel, nelement = s.numel, s.numel
    index_select, __getitem__, __setitem__ = indexing.index_select, indexing.index, indexing.assign

    to, type, clone, contiguous, cpu, cuda = v.to, v.type, v.clone, v.contiguous, v.cpu, v.cuda
    double, float = v.in_dtype("double", backend.float64), v.in_dtype("float", backend.float32)
    half, bool = v.in_dtype("half", backend.float16), v.in_dtype("bool", backend.bool_)
    long, int = v.in_dtype("long", backend.int64), v.in_dtype("int", backend.int32)
    short, char, byte = v.in_dtype("short", backend.int16), v.in_dtype("char", backend.int8), v.in_dtype("byte", backend.uint8)
    type_as, new = v.type_as, creation.new
    new_empty, new_zeros, new_ones = map(creation.new_by, (creation.empty, creation.zeros, creation.ones))
    new_full, new_tensor = map(creation.new_by, (creation.full, creation.tensor))

    backward, detach, detach_, requires_grad_ = gradients.backward, gradients.detach, gradients.detach_, gradients.requires_grad_
    register_hook, retain_grad = gradients.register_hook, gradients.retain_grad
    register_post_accumulate_grad_hook = gradients.register_post_accumulate_grad_hook
    __deepcopy__, __copy__, __reduce_ex__ = copies.deep_copy, copies.shallow_copy, copies.reduce

    add_, sub_, mul_, div_, pow_ = i.add_, i.sub_, i.mul_, i.div_, i.pow_
    floor_divide_, remainder_, atan2_ = map(i.written, (e.floor_divide, e.remainder, e.atan2))
    neg_, abs_, square_, sign_, clamp_ = map(i.written, (e.neg, e.abs, e.square, e.sign, e.clamp))
    clip_ = clamp_
    floor_, ceil_, trunc_, round_, erf_ = map(i.written, (e.floor, e.ceil, e.trunc, e.round, e.erf))
    exp_, expm1_, log_, log1p_, log2_, log10_ = map(i.written, (e.exp, e.expm1, e.log, e.log1p, e.log2, e.log10))
    sqrt_, rsqrt_, reciprocal_ = map(i.written, (e.sqrt, e.rsqrt, e.reciprocal))
    tanh_, sigmoid_, relu_ = map(i.written, (e.tanh, e.sigmoid, e.relu))
    sin_, cos_, tan_, sinh_, cosh_, atan_ = map(i.written, (e.sin, e.cos, e.tan, e.sinh, e.cosh, e.atan))
    lerp_, addcmul_, addcdiv_ = map(i.written, (e.lerp, e.addcmul, e.addcdiv))
    masked_fill_, scatter_ = map(i.written, (scattering.masked_fill, scattering.scatter))
    scatter_add_, index_add_ = map(i.written, (scattering.scatter_add, scattering.index_add))
    zero_, fill_, copy_, normal_, uniform_, resize_ = i.zero_, i.fill_, i.copy_, i.normal_, i.uniform_, i.resize_
    fill_diagonal_ = i.fill_diagonal_
    bernoulli_, exponential_, random_ = i.bernoulli_, i.exponential_, i.random_
    bernoulli, multinomial = random.bernoulli, random.multinomial

    # ---- the operators

    __add__, __radd__, __sub__, __rsub__, __mul__, __rmul__ = o.add, o.add, o.sub, o.rsub, o.mul, o.rmul
    __truediv__, __rtruediv__, __floordiv__, __rfloordiv__ = o.truediv, o.rtruediv, o.floordiv, o.rfloordiv
    __mod__, __rmod__, __pow__, __rpow__, __matmul__, __rmatmul__ = o.mod, o.rmod, o.pow, o.rpow, o.matmul, o.rmatmul
    __neg__, __pos__, __abs__, __invert__ = e.neg, o.pos, e.abs, c.bitwise_not
    __lt__, __le__, __gt__, __ge__ = o.lt, o.le, o.gt, o.ge
    __eq__: ClassVar[Callable[[Tensor, Operand], Tensor]] = o.eq  # type: ignore[assignment]
    __ne__: ClassVar[Callable[[Tensor, Operand], Tensor]] = o.ne  # type: ignore[assignment]
    __hash__ = object.__hash__
    __and__, __rand__, __or__, __ror__, __xor__, __rxor__ = o.and_, o.and_, o.or_, o.or_, o.xor, o.xor
    __lshift__, __rlshift__, __rshift__, __rrshift__ = o.lshift, o.rlshift, o.rshift, o.rrshift
    __iadd__, __isub__, __imul__, __itruediv__, __ipow__ = o.iadd, o.isub, o.imul, o.itruediv, o.ipow
    __ifloordiv__, __imod__, __iand__, __ior__, __ixor__ = o.ifloordiv, o.imod, o.iand, o.ior, o.ixor
    __ilshift__, __irshift__ = o.ilshift, o.irshift


graph.use_tensor_class(Tensor)
ops.use_tensor_class(Tensor)
