"""PyTorch's face of a tensor: methods and operators, each a thin layer over one of the ops."""

from __future__ import annotations

import builtins
import copy
import itertools
import operator
import weakref
from typing import Any, NamedTuple

from . import backend, ops
from .autograd import contract, engine, graph, modes, sharing
from .autograd.writes import reshaped
from .in_place import arithmetic, bitwise, draw_into, replace
from .indexing import assign, index
from .printing import Size, format_tensor


class max_result(NamedTuple):
    """The largest elements along an axis, and where they stand."""

    values: Any
    indices: Any

    def __repr__(self) -> str:
        return f"torch.return_types.max(\nvalues={self.values!r},\nindices={self.indices!r})"


class min_result(NamedTuple):
    """The smallest elements along an axis, and where they stand."""

    values: Any
    indices: Any

    def __repr__(self) -> str:
        return f"torch.return_types.min(\nvalues={self.values!r},\nindices={self.indices!r})"


Extreme: Any = {"max": max_result, "min": min_result}


TYPE_NAMES = {
    "DoubleTensor": "float64", "FloatTensor": "float32", "HalfTensor": "float16", "LongTensor": "int64", "IntTensor": "int32",
    "ShortTensor": "int16", "CharTensor": "int8", "ByteTensor": "uint8", "BoolTensor": "bool",
}  # fmt: skip


NUMBERS = (bool, int, float)


def sizes(arguments: tuple) -> tuple:
    """Lengths given one by one or as one tuple, list or Size."""
    if len(arguments) == 1 and isinstance(arguments[0], (tuple, list)):
        arguments = tuple(arguments[0])
    return tuple(operator.index(n) for n in arguments)


def _over(dim: Any, axis: Any, keepdim: bool, keepdims: bool) -> tuple:
    """`dim` or NumPy's `axis`, `keepdim` or `keepdims`."""
    dim = axis if dim is None else dim
    return (tuple(dim) or None if isinstance(dim, (list, tuple)) else dim), bool(keepdim or keepdims)


def _operator(function: Any, reflected: str) -> Any:
    """The operator that calls `function`; an operand of another kind that has the reflected operator gets its turn."""
    def method(self: Any, other: Any) -> Any:
        try:
            return function(self, other)
        except backend.NotAnOperand:
            if hasattr(type(other), reflected):
                return NotImplemented
            raise

    return method


def _method(function: Any) -> Any:
    """The method that calls an operation of two operands."""
    def method(self: Any, other: Any) -> Any:
        return function(self, other)

    method.__name__, method.__doc__ = function.__name__, function.__doc__
    return method


class Tensor(graph.Tensor):
    """An array on the CPU or the GPU, the operations on it, and the gradient that `backward` leaves.

    Made by `minigrad.tensor`, `zeros`, `randn`, …. `array` is the raw NumPy or CuPy array, `data` a detached tensor on
    the same memory.
    """

    __slots__ = ()
    array: Any

    def __init__(self, *data: Any, requires_grad: bool = False) -> None:
        """Tensor(array); or, as in old programs, Tensor(2, 3), uninitialised, and Tensor([1, 2]), of the default dtype."""
        array = backend.plain_array(data[0], "Tensor") if data else None
        if backend.is_array(array):
            super().__init__(array, *data[1:] or (requires_grad,))
        else:
            super().__init__(_from_old_arguments(data, backend.get_default_dtype()), requires_grad)
            if data and isinstance(data[0], Tensor):
                sharing.link(data[0], self, sharing.VIEW)

    # ---- what it is

    @property
    def shape(self) -> Size:
        """The lengths of the axes."""
        return Size(self.array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The lengths of the axes, or of one."""
        return Size(self.array.shape) if dim is None else self.array.shape[dim]

    def dim(self) -> int:
        """The number of axes."""
        return int(self.array.ndim)

    def numel(self) -> int:
        """The number of elements."""
        return int(self.array.size)

    nelement, ndimension = numel, dim

    @property
    def device(self) -> backend.device:
        """Where the array lives."""
        name = backend.device_of(self.array)
        return backend.device(name, 0 if name == "cuda" else None)

    is_cuda = property(lambda self: backend.device_of(self.array) == "cuda", doc="Whether the array lives on a GPU.")

    @property
    def data(self) -> Tensor:
        """A tensor on the same memory, without history. Assigning replaces the memory."""
        return graph.detach(self)

    @data.setter
    def data(self, value: Tensor) -> None:
        if self.node is not None:
            raise RuntimeError("data can be replaced on a leaf only; this tensor was computed")
        array = _tensor(value, "data").array
        if self._requires_grad and array.dtype.kind != "f":
            raise RuntimeError(f"data: a tensor that requires a gradient takes floating-point numbers only, not {array.dtype}")
        if self._requires_grad and array.shape != self.array.shape:
            reshaped(self)
        self.array = array
        sharing.link(value, self, sharing.DETACHED)

    def stride(self, dim: int | None = None) -> Any:
        """For each axis (or one), how many elements lie between neighbours."""
        steps = tuple(step // self.array.itemsize for step in self.array.strides)
        return steps if dim is None else steps[dim]

    def is_floating_point(self) -> bool:
        """Whether the dtype is float16, float32 or float64."""
        return bool(self.array.dtype.kind == "f")

    def is_contiguous(self) -> bool:
        """Whether the elements lie in memory one after another, the last axis fastest."""
        return bool(self.array.flags.c_contiguous)

    def element_size(self) -> int:
        """Bytes of one element."""
        return int(self.array.itemsize)

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return int(self.array.shape[0])

    def __repr__(self) -> str:
        return format_tensor(self)

    # ---- to Python and NumPy

    def item(self) -> Any:
        """The only element as a Python number."""
        if self.array.size != 1:
            raise RuntimeError(f"item() needs a tensor of one element, not of shape {tuple(self.array.shape)}; use tolist()")
        return backend.item(self.array)

    def tolist(self) -> Any:
        """The elements as nested lists (a number for a 0-d tensor)."""
        return backend.to_numpy(self.array).tolist()

    def numpy(self, *, force: builtins.bool = False) -> Any:
        """The NumPy array, on the same memory; with `force` also of a tensor that requires a gradient, and a copy of one on the GPU."""
        if force:
            return self.detach().cpu().array
        if self._requires_grad and modes.recording.get():
            raise RuntimeError("numpy() of a tensor that requires a gradient; use tensor.detach().numpy()")
        if backend.device_of(self.array) != "cpu":
            raise TypeError("numpy() of a tensor on the GPU; use tensor.cpu().numpy()")
        sharing.expose(self)
        return self.array

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __float__(self) -> float:
        return float(self._number())

    def __int__(self) -> int:
        return int(self._number())

    def _number(self) -> Any:
        if self.array.size != 1:
            raise ValueError(f"a tensor of shape {tuple(self.array.shape)} is no number; only one of a single element is")
        return self.item()

    def __index__(self) -> int:
        if self.array.dtype.kind not in "iub" or self.array.size != 1:
            raise TypeError(f"only a whole-number tensor of one element is an index, not {self.dtype} of shape {tuple(self.array.shape)}")
        return int(self.item())

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise RuntimeError(f"the truth of a tensor of shape {tuple(self.array.shape)} is ambiguous; use .any() or .all()")
        return bool(self.item())

    def __iter__(self) -> Any:
        if self.array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        if not isinstance(value, Tensor | bool | int | float | backend.NumPyScalar):
            raise RuntimeError(f"only a number or a tensor can be in a tensor, not {type(value).__name__}")
        return bool(self.eq(value).any())

    def __format__(self, spec: str) -> str:
        return format(self.item() if self.array.ndim == 0 else str(self), spec)

    def __deepcopy__(self, memo: dict) -> Tensor:
        if self.node is not None:
            raise RuntimeError("only leaf tensors can be deep-copied; use clone() or detach() first")
        new = _rebuild(type(self), _copied(self, memo), self._requires_grad)
        memo[id(self)] = new
        _link_copies(self, new, memo)
        new._grad = copy.deepcopy(self._grad, memo)
        if hasattr(self, "__dict__"):
            new.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return new

    def __reduce_ex__(self, protocol: Any) -> Any:
        arguments = type(self), backend.to_numpy(self.array), self._requires_grad, backend.device_of(self.array)
        return _rebuild, arguments, getattr(self, "__dict__", None)

    def __copy__(self) -> Tensor:
        new = _rebuild(type(self), self.array, self._requires_grad, backend.device_of(self.array))
        sharing.link(self, new, sharing.DETACHED)
        if hasattr(self, "__dict__"):
            new.__dict__.update(self.__dict__)
        return new

    # ---- gradients

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False, inputs: Any = None) -> None:
        """Add d(self)/d(leaf), weighted by `gradient`, to the `.grad` of every leaf that self was computed from, or of `inputs` alone."""
        if gradient is not None and not isinstance(gradient, Tensor):
            gradient = backend.plain_array(gradient, "backward")
        engine.backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def detach(self) -> Tensor:
        """A tensor on the same memory, without history."""
        return graph.detach(self)

    def detach_(self) -> Tensor:
        """Forget the history of this tensor."""
        self.node, self._requires_grad = None, False
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad`; returns self."""
        self.requires_grad = requires_grad
        return self

    def register_hook(self, hook: Any) -> Handle:
        """Call hook(gradient) when the gradient of this tensor is known; what it returns replaces it. Returns a handle."""
        if not self._requires_grad:
            raise RuntimeError("register_hook: the tensor does not require a gradient")
        owner = graph.origin(self)
        if owner.hooks is None:
            owner.hooks = {}
        return Handle(owner.hooks, hook)

    def retain_grad(self) -> None:
        """Let `backward` leave the gradient of this computed tensor in `.grad` too."""
        if not self._requires_grad:
            raise RuntimeError("retain_grad: the tensor does not require a gradient")
        if self.node is not None:
            if self.node.hooks is None:
                self.node.hooks = {}
            self.node.hooks[None] = _Keep(self)

    @property
    def retains_grad(self) -> bool:
        """Whether this computed tensor keeps its gradient."""
        return self.node is not None and None in (self.node.hooks or ())

    # ---- dtype, device, copies

    def to(self, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False, non_blocking: bool = False) -> Tensor:
        """This tensor in another dtype and/or on another device (in any order, or those of another tensor); itself if nothing changes."""
        for a in args:
            if isinstance(a, Tensor):
                dtype, device = a.dtype, a.device
            elif isinstance(a, backend.device) or (isinstance(a, str) and a.partition(":")[0] in ("cpu", "cuda")):
                device = a
            elif not isinstance(a, bool) and a is not None:
                dtype = a
        out: Any = self
        if device is not None:
            name = backend.device(device).type
            if name != backend.device_of(self.array):
                out = ops.to_device(out, device=name)
        if dtype is not None:
            target = backend.dtype_of(dtype)
            if target != self.array.dtype:
                out = ops.astype(out.detach() if target.kind != "f" else out, target)
        return out.clone() if copy and out is self else out

    def type(self, dtype: Any = None) -> Any:
        """This tensor in another dtype; without one, the name of its type."""
        if dtype is None:
            return "torch." + next(name for name, known in TYPE_NAMES.items() if known == str(self.dtype))
        if isinstance(dtype, str):
            dtype = TYPE_NAMES.get(dtype.removeprefix("torch."), dtype)
        return self.to(getattr(dtype, "holds", dtype))  # a type such as FloatTensor holds a dtype

    def double(self) -> Tensor:
        """In float64."""
        return self.to(backend.float64)

    def float(self) -> Tensor:
        """In float32."""
        return self.to(backend.float32)

    def half(self) -> Tensor:
        """In float16."""
        return self.to(backend.float16)

    def long(self) -> Tensor:
        """In int64."""
        return self.to(backend.int64)

    def int(self) -> Tensor:
        """In int32."""
        return self.to(backend.int32)

    def bool(self) -> Tensor:
        """In bool."""
        return self.to(backend.bool_)

    def cpu(self) -> Tensor:
        """On the CPU."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Tensor:
        """On the GPU; a RuntimeError that says what is missing where there is none."""
        return self.to("cuda")

    def clone(self) -> Tensor:
        """A copy, recorded."""
        return ops.copy(self)

    def contiguous(self) -> Tensor:
        """Itself, or a copy whose elements lie one after another."""
        return self if self.is_contiguous() else ops.copy(self.reshape(-1)).reshape(self.shape)

    # ---- shape

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape; one length may be -1. A view where possible."""
        return ops.reshape(self, _fill(self, sizes(shape), "reshape"))

    def view(self, *shape: Any) -> Tensor:
        """`reshape` that never copies."""
        shape = _fill(self, sizes(shape), "view")
        out = ops.reshape(self, shape)
        if self.array.size and backend.root(out.array) is not backend.root(self.array):
            if self.array.base is None and sharing.is_free(self):  # a result that PyTorch may have put row by row
                self.array = backend.copy(self.array, order="C")
                return ops.reshape(self, shape)
            raise RuntimeError(f"view: shape {tuple(self.array.shape)} with strides {self.array.strides} cannot be seen as {shape} "
                               "without a copy; use .reshape(…)")
        return out

    def view_as(self, other: Tensor) -> Tensor:
        """`view` in the shape of another tensor."""
        return self.view(_tensor(other, "view_as").shape)

    reshape_as = view_as

    def flatten(self, start_dim: builtins.int = 0, end_dim: builtins.int = -1) -> Tensor:
        """The axes from start_dim to end_dim as one."""
        n, shape = self.array.ndim, self.array.shape
        first, last = _axis(start_dim, n), _axis(end_dim, n)
        if n == 0:
            return self.reshape(1)
        if first > last:
            raise RuntimeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
        if first == last:
            return self
        return self.reshape(*shape[:first], Size(shape[first:last + 1]).numel(), *shape[last + 1:])

    def squeeze(self, dim: Any = None) -> Tensor:
        """Without the axes of size 1 (all, or those named)."""
        asked = dim if isinstance(dim, (tuple, list)) else (dim,)
        named = range(self.array.ndim) if dim is None else [_axis(d, self.array.ndim) for d in asked]
        return ops.squeeze(self, axis=tuple(d for d in named if self.array.ndim and self.array.shape[d] == 1))

    def unsqueeze(self, dim: builtins.int) -> Tensor:
        """With a new axis of size 1."""
        return ops.expand_dims(self, _axis(dim, self.array.ndim + 1))

    def t(self) -> Tensor:
        """Rows and columns exchanged."""
        if self.array.ndim > 2:
            raise RuntimeError(f"t() expects at most 2 axes, got shape {tuple(self.array.shape)}; use transpose or permute")
        return ops.transpose(self)

    @property
    def T(self) -> Tensor:
        """Axes reversed."""
        return ops.transpose(self)

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged."""
        return self.transpose(-2, -1)

    def transpose(self, dim0: builtins.int, dim1: builtins.int) -> Tensor:
        """Two axes exchanged."""
        n = self.array.ndim
        first, second = _axis(dim0, n), _axis(dim1, n)
        return ops.swapaxes(self, first, second) if n else ops.reshape(self, ())

    swapaxes = transpose

    def permute(self, *dims: Any) -> Tensor:
        """Axes in another order."""
        order = tuple(_axis(d, self.array.ndim) for d in sizes(dims))
        if sorted(order) != list(range(self.array.ndim)):
            raise RuntimeError(f"permute: {sizes(dims)} is not an order of {self.array.ndim} axes")
        return ops.transpose(self, order)

    def expand(self, *shape: Any) -> Tensor:
        """Repeated along axes of size 1 and new leading axes, without copying; -1 keeps a length."""
        wanted = sizes(shape)
        old = (1,) * (len(wanted) - self.array.ndim) + tuple(self.array.shape)
        if len(old) != len(wanted) or any(n not in (-1, m) and m != 1 for m, n in zip(old, wanted)):
            raise RuntimeError(f"expand: shape {tuple(self.array.shape)} cannot be expanded to {wanted}")
        return ops.broadcast_to(self, tuple(m if n == -1 else n for m, n in zip(old, wanted)))

    def expand_as(self, other: Tensor) -> Tensor:
        """`expand` to the shape of another tensor."""
        return self.expand(_tensor(other, "expand_as").shape)

    def __getitem__(self, key: Any) -> Tensor:
        return index(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        assign(self, key, value)

    def index_select(self, dim: builtins.int, index: Tensor) -> Tensor:
        """The entries at `index` (1-d, whole numbers) along `dim`."""
        rank = self.array.ndim
        if rank == 0:
            return self.reshape(1).index_select(dim, index).reshape(())
        return self[(slice(None),) * _axis(dim, rank) + (_tensor(index, "index_select").reshape(-1),)]

    # ---- reductions

    def sum(self, dim: Any = None, keepdim: Any = False, *, axis: Any = None, keepdims: Any = False, dtype: Any = None) -> Tensor:
        """Σ over `dim` (a number, several, or all); whole numbers and bools give int64."""
        if dim is axis is dtype is None and not keepdim and not keepdims and self.array.dtype.kind == "f":
            return ops.sum(self)
        dim, keepdim = _over(dim, axis, keepdim, keepdims)
        over = _checked(dim, self)
        x = _converted(self, dtype)
        if x.array.dtype.kind == "f":
            return ops.sum(x, axis=over, keepdims=keepdim)
        total = _wrap(x, backend.array_module(x.array).sum(x.array, axis=over, keepdims=keepdim, dtype=backend.int64))
        return total if dtype is None else total.to(dtype)

    def mean(self, dim: Any = None, keepdim: Any = False, *, axis: Any = None, keepdims: Any = False, dtype: Any = None) -> Tensor:
        """Σ / n over `dim`."""
        x = _converted(self, dtype)
        if x.array.dtype.kind != "f" and (wanted := backend.dtype_of(dtype, x.dtype)).kind != "f":
            raise RuntimeError(f"mean: expected a floating-point tensor, got {wanted}; use .float() or .double() first")
        dim, keepdim = _over(dim, axis, keepdim, keepdims)
        mean = ops.mean(x, axis=_checked(dim, self), keepdims=keepdim)
        return mean if dtype is None else mean.to(dtype)

    def max(self, dim: Any = None, keepdim: Any = False, *, axis: Any = None, keepdims: Any = False) -> Any:
        """The largest element; with `dim` (values, indices) along it; with a tensor the larger of the two, element by element."""
        return _extreme(self, "max", dim, axis, keepdim or keepdims)

    def min(self, dim: Any = None, keepdim: Any = False, *, axis: Any = None, keepdims: Any = False) -> Any:
        """The smallest element; with `dim` (values, indices) along it; with a tensor the smaller of the two, element by element."""
        return _extreme(self, "min", dim, axis, keepdim or keepdims)

    def amax(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """The largest element over `dim`; ties share the gradient."""
        axis = _axes(dim, self)
        _check_not_empty("amax", self, axis)
        return ops.max(self, axis=axis, keepdims=keepdim)

    def amin(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """The smallest element over `dim`; ties share the gradient."""
        axis = _axes(dim, self)
        _check_not_empty("amin", self, axis)
        return ops.min(self, axis=axis, keepdims=keepdim)

    def argmax(self, dim: Any = None, keepdim: Any = False, *, axis: Any = None) -> Tensor:
        """The index of the largest element, over all or along `dim`."""
        return _arg(ops.argmax, self, axis if dim is None else dim, keepdim)

    def argmin(self, dim: Any = None, keepdim: Any = False, *, axis: Any = None) -> Tensor:
        """The index of the smallest element, over all or along `dim`."""
        return _arg(ops.argmin, self, axis if dim is None else dim, keepdim)

    def all(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """Whether all elements are true: bools, for uint8 1 or 0."""
        return _truth(self, "all", dim, keepdim)

    def any(self, dim: Any = None, keepdim: Any = False) -> Tensor:
        """Whether any element is true: bools, for uint8 1 or 0."""
        return _truth(self, "any", dim, keepdim)

    # ---- element by element

    __add__, __sub__ = _operator(ops.add, "__radd__"), _operator(ops.sub, "__rsub__")
    __mul__, __truediv__ = _operator(ops.mul, "__rmul__"), _operator(lambda x, y: x.div(y), "__rtruediv__")
    __floordiv__, __mod__ = _operator(ops.floor_divide, "__rfloordiv__"), _operator(ops.remainder, "__rmod__")
    __pow__, __matmul__ = _operator(lambda x, y: x.pow(y), "__rpow__"), _operator(lambda x, y: x.matmul(y), "__rmatmul__")

    def __rfloordiv__(self, other: Any) -> Tensor:
        return ops.floor_divide(other, self)

    def __rmod__(self, other: Any) -> Tensor:
        return ops.remainder(other, self)

    __radd__ = __add__

    def __rmul__(self, other: Any) -> Tensor:
        if isinstance(other, list | tuple | str):
            return NotImplemented  # Python repeats it
        return ops.mul(other, self)

    def __rsub__(self, other: Any) -> Tensor:
        return ops.sub(other, self)

    def __rtruediv__(self, other: Any) -> Tensor:
        return ops.div(*_floats(other, self))

    def __rpow__(self, other: Any) -> Tensor:
        return ops.pow(other, self)

    def __rmatmul__(self, other: Any) -> Tensor:
        return _product(other, self)

    def __neg__(self) -> Tensor:
        return ops.neg(self)

    def __abs__(self) -> Tensor:
        return ops.absolute(self)

    def __pos__(self) -> Tensor:
        return self

    __and__ = _operator(lambda x, y: _bitwise("bitwise_and", x, y), "__rand__")
    __or__ = _operator(lambda x, y: _bitwise("bitwise_or", x, y), "__ror__")
    __xor__ = _operator(lambda x, y: _bitwise("bitwise_xor", x, y), "__rxor__")

    __lshift__ = _operator(lambda x, y: _bitwise("left_shift", x, y), "__rlshift__")
    __rshift__ = _operator(lambda x, y: _bitwise("right_shift", x, y), "__rrshift__")
    __rlshift__ = _operator(lambda x, y: _bitwise("left_shift", y, x), "__lshift__")
    __rrshift__ = _operator(lambda x, y: _bitwise("right_shift", y, x), "__rshift__")
    __iand__ = _operator(lambda x, y: bitwise(x, "bitwise_and", y, _bitwise), "__rand__")
    __ior__ = _operator(lambda x, y: bitwise(x, "bitwise_or", y, _bitwise), "__ror__")
    __ixor__ = _operator(lambda x, y: bitwise(x, "bitwise_xor", y, _bitwise), "__rxor__")
    __ilshift__ = _operator(lambda x, y: bitwise(x, "left_shift", y, _bitwise), "__rlshift__")
    __irshift__ = _operator(lambda x, y: bitwise(x, "right_shift", y, _bitwise), "__rrshift__")

    def __invert__(self) -> Tensor:
        return _bitwise("invert", self)

    __eq__, __ne__ = _operator(ops.equal, "__eq__"), _operator(ops.not_equal, "__ne__")
    __lt__, __le__ = _operator(ops.less, "__gt__"), _operator(ops.less_equal, "__ge__")
    __gt__, __ge__ = _operator(ops.greater, "__lt__"), _operator(ops.greater_equal, "__le__")

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__
    __hash__ = object.__hash__

    def add(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """self + alpha · other"""
        return ops.add(self, _times_alpha("add", self, other, alpha))

    def sub(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """self - alpha · other"""
        return ops.sub(self, _times_alpha("sub", self, other, alpha))

    def pow(self, exponent: Any) -> Tensor:
        """self ** exponent"""
        _check_power(self, exponent)
        return ops.pow(self, exponent)

    def div(self, other: Any) -> Tensor:
        """self / other"""
        return ops.div(*_floats(self, other))

    def matmul(self, other: Any) -> Tensor:
        """The product of matrices, or stacks of them; a vector counts as one row on the left and as one column on the right."""
        return _product(self, other)

    def mm(self, mat2: Any) -> Tensor:
        """The product of two matrices"""
        if _tensor(mat2, "mm").ndim != 2 or self.array.ndim != 2:
            raise RuntimeError(f"mm: expected two matrices, got shapes {tuple(self.shape)} and {tuple(mat2.shape)}; use @")
        return ops.matmul(self, mat2)

    mul, floor_divide, remainder = map(_method, (ops.mul, ops.floor_divide, ops.remainder))
    eq, ne, lt, le, gt, ge = map(_method, (ops.equal, ops.not_equal, ops.less, ops.less_equal, ops.greater, ops.greater_equal))
    multiply, divide, true_divide, neg, abs, absolute, subtract = mul, div, div, __neg__, __abs__, __abs__, sub

    def logical_and(self, other: Any) -> Tensor:
        """self and other, both taken as bools"""
        return ops.logical_and(self, _operand(other, "logical_and"))

    def logical_or(self, other: Any) -> Tensor:
        """self or other, both taken as bools"""
        return ops.logical_or(self, _operand(other, "logical_or"))

    def logical_not(self) -> Tensor:
        """not self, taken as a bool"""
        return ops.logical_not(self)

    def exp(self) -> Tensor:
        """e^x"""
        return ops.exp(_float(self))

    def log(self) -> Tensor:
        """Natural logarithm"""
        return ops.log(_float(self))

    def sqrt(self) -> Tensor:
        """√x"""
        return ops.sqrt(_float(self))

    def square(self) -> Tensor:
        """x²"""
        return ops.square(self if self.array.dtype.kind != "b" else self.long())

    def sign(self) -> Tensor:
        """-1, 0 or 1"""
        return ops.sign(self) if self.array.dtype.kind != "b" else self.clone()

    def tanh(self) -> Tensor:
        """Hyperbolic tangent"""
        return ops.tanh(_float(self))

    def sigmoid(self) -> Tensor:
        """1 / (1 + e^-x)"""
        return ops.sigmoid(_float(self))

    def relu(self) -> Tensor:
        """max(x, 0)"""
        return ops.relu(self)

    def softmax(self, dim: builtins.int, dtype: Any = None) -> Tensor:
        """e^x / Σ e^x along `dim`"""
        x, axis = (self.to(dtype) if dtype is not None else self).contiguous(), _axis(dim, self.array.ndim)
        return ops.softmax(x, axis=axis) if x.array.ndim else ops.softmax(x.reshape(1), axis=0).reshape(())

    def log_softmax(self, dim: builtins.int, dtype: Any = None) -> Tensor:
        """x - log Σ e^x along `dim`"""
        x, axis = (self.to(dtype) if dtype is not None else self).contiguous(), _axis(dim, self.array.ndim)
        return ops.log_softmax(x, axis=axis) if x.array.ndim else ops.log_softmax(x.reshape(1), axis=0).reshape(())

    def clamp(self, min: Any = None, max: Any = None) -> Tensor:
        """x limited to [min, max]; numbers or tensors."""
        if min is None and max is None:
            raise RuntimeError("clamp: give min, max or both")
        given = [b if b is None else b.array if isinstance(b, Tensor) else backend.operand(b, "clamp") for b in (min, max)]
        target = backend.result_dtype([self.array, *[b for b in given if b is not None]])
        limits = [b.to(target) if isinstance(b, Tensor) else backend.fitting(g, target, "clamp") if isinstance(g, NUMBERS) else g
                  for b, g in zip((min, max), given)]
        return ops.clip(self.to(target), *limits)

    clip = clamp

    def isnan(self) -> Tensor:
        """Which elements are NaN"""
        return ops.isnan(self)

    def isfinite(self) -> Tensor:
        """Which elements are neither infinite nor NaN"""
        return _wrap(self, backend.array_module(self.array).isfinite(self.array))

    def isinf(self) -> Tensor:
        """Which elements are infinite"""
        return _wrap(self, backend.array_module(self.array).isinf(self.array))

    # ---- in place

    def add_(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """self += alpha · other"""
        return arithmetic(self, "add", ops.add, _times_alpha("add_", self, other, alpha))

    def sub_(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """self -= alpha · other"""
        return arithmetic(self, "subtract", ops.sub, _times_alpha("sub_", self, other, alpha))

    def mul_(self, other: Any) -> Tensor:
        """self *= other"""
        return arithmetic(self, "multiply", ops.mul, other)

    def div_(self, other: Any) -> Tensor:
        """self /= other"""
        return arithmetic(self, "divide", ops.div, other)

    def pow_(self, other: Any) -> Tensor:
        """self **= other"""
        _check_power(self, other)
        return arithmetic(self, "power", ops.pow, other)

    def floor_divide_(self, other: Any) -> Tensor:
        """self //= other"""
        return arithmetic(self, None, ops.floor_divide, other)

    def remainder_(self, other: Any) -> Tensor:
        """self %= other"""
        return arithmetic(self, None, ops.remainder, other)

    __iadd__, __isub__, __imul__ = _operator(add_, "__radd__"), _operator(sub_, "__rsub__"), _operator(mul_, "__rmul__")
    __itruediv__, __ipow__ = _operator(div_, "__rtruediv__"), _operator(pow_, "__rpow__")
    __ifloordiv__, __imod__ = _operator(floor_divide_, "__rfloordiv__"), _operator(remainder_, "__rmod__")

    def zero_(self) -> Tensor:
        """All elements 0"""
        return self.fill_(0)

    def fill_(self, value: Any) -> Tensor:
        """All elements `value`"""
        if type(value) not in NUMBERS and not isinstance(value, Tensor):
            value = backend.operand(value, "fill_")
        if getattr(value, "ndim", 0):
            raise RuntimeError(f"fill_: expected a number or a 0-d tensor, got shape {tuple(value.shape)}; use copy_")
        self[...] = value
        return self

    def copy_(self, source: Any, non_blocking: builtins.bool = False) -> Tensor:
        """The elements of `source`, broadcast and converted"""
        if isinstance(source, Tensor) and source.array.ndim > self.array.ndim:
            raise RuntimeError(f"copy_: a source of shape {tuple(source.array.shape)} does not fit into {tuple(self.array.shape)}")
        if isinstance(source, Tensor) and source.device.type != self.device.type:
            source = source.to(self.device)
        self[...] = source
        return self

    def clamp_(self, min: Any = None, max: Any = None) -> Tensor:
        """Limit to [min, max]"""
        return replace(self, "clamp_", lambda: self.clamp(min, max))

    clip_ = clamp_

    def normal_(self, mean: Any = 0, std: Any = 1, *, generator: Any = None) -> Tensor:
        """Gaussian with this mean and standard deviation"""
        mean, std = _number(mean, "normal_"), _number(std, "normal_")
        if not std >= 0:
            raise RuntimeError(f"normal_: expected a standard deviation of at least 0, got {std}")
        return draw_into(self, "normal_", backend.random.normal, (mean, std), generator)

    def uniform_(self, from_: Any = 0, to: Any = 1, *, generator: Any = None) -> Tensor:
        """Uniform on [from, to)"""
        from_, to = _number(from_, "uniform_"), _number(to, "uniform_")
        if not from_ <= to:
            raise RuntimeError(f"uniform_: expected from ≤ to, got {from_} and {to}")
        if from_ in (-backend.inf, backend.inf) or to == backend.inf:
            raise RuntimeError(f"uniform_: expected finite numbers, got {from_} and {to}")
        if self.array.dtype.kind == "f":
            from_, to = (backend.fitting(number, self.array.dtype, "uniform_") for number in (from_, to))
        return draw_into(self, "uniform_", backend.random.uniform, (from_, to), generator)

    def exp_(self) -> Tensor:
        """e^x"""
        return replace(self, "exp_", self.exp)

    def sqrt_(self) -> Tensor:
        """√x"""
        return replace(self, "sqrt_", self.sqrt)

    def neg_(self) -> Tensor:
        """-x"""
        return replace(self, "neg_", self.__neg__)

    def abs_(self) -> Tensor:
        """|x|"""
        return replace(self, "abs_", self.__abs__)

    def tanh_(self) -> Tensor:
        """Hyperbolic tangent"""
        return replace(self, "tanh_", self.tanh)

    def sigmoid_(self) -> Tensor:
        """1 / (1 + e^-x)"""
        return replace(self, "sigmoid_", self.sigmoid)

    def relu_(self) -> Tensor:
        """max(x, 0)"""
        return replace(self, "relu_", self.relu)

    # ---- tensors like this one

    def new(self, *shape: Any) -> Tensor:
        """An uninitialised tensor of this dtype and device (or one with the given data, if it is a list)."""
        if len(shape) == 1 and isinstance(shape[0], list):
            return self.new_tensor(shape[0])
        return self.new_empty(*shape)

    def new_empty(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
        """An uninitialised tensor of this dtype and device"""
        return _new(self, "empty", (sizes(size),), dtype, device, requires_grad)

    def new_zeros(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
        """Zeros of this dtype and device"""
        return _new(self, "zeros", (sizes(size),), dtype, device, requires_grad)

    def new_ones(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
        """Ones of this dtype and device"""
        return _new(self, "ones", (sizes(size),), dtype, device, requires_grad)

    def new_full(
        self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: builtins.bool = False
    ) -> Tensor:
        """A constant of this dtype and device"""
        from .creation import full

        device = self.device if device is None else device
        return full(size, fill_value, dtype=backend.dtype_of(dtype, self.dtype), device=device, requires_grad=requires_grad)

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: builtins.bool = False) -> Tensor:
        """A copy of `data` as a tensor of this dtype and device"""
        from .creation import tensor

        device = self.device if device is None else device
        return tensor(data, dtype=backend.dtype_of(dtype, self.dtype), device=device, requires_grad=requires_grad)


class Handle:
    """What register_hook returns: `remove()` takes the hook away."""

    _numbers = itertools.count()

    def __init__(self, hooks: dict, hook: Any) -> None:
        self._hooks, self._number = hooks, next(Handle._numbers)
        hooks[self._number] = hook

    def remove(self) -> None:
        """Take the hook away."""
        self._hooks.pop(self._number, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


class _Keep:
    """The hook behind retain_grad: adds the gradient to the tensor's `.grad`, if the tensor is still there."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = weakref.ref(tensor)

    def __call__(self, g: Any) -> None:
        t = self.tensor()
        if t is not None:
            t._grad = g.clone() if t._grad is None else t._grad + g


def _from_old_arguments(data: tuple, dtype: Any) -> Any:
    """The array that Tensor(2, 3) or Tensor([1, 2]) means."""
    xp = backend.array_module(None)
    if len(data) == 1 and isinstance(data[0], Tensor):
        return data[0].array
    if len(data) == 1 and isinstance(data[0], list | tuple | backend.ndarray) and not isinstance(data[0], Size):
        found = backend.plain_array(data[0], "Tensor")
        return backend.quietly(backend.plain_array(xp.asarray(found), "Tensor").astype, dtype, copy=False)
    return xp.empty(sizes(data), dtype) if data else xp.empty(0, dtype)


def _new(x: Tensor, name: str, arguments: tuple, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    """A tensor made by the array library of `x`."""
    if name != "array" and any([n < 0 for n in arguments[0]]):
        raise RuntimeError(f"new_{name}: expected lengths of at least 0, got {arguments[0]}")
    array = getattr(backend.array_module(x.array), name)(*arguments, dtype=backend.dtype_of(dtype, x.dtype))
    where = x.device if device is None else backend.device(device)
    return Tensor(backend.to_device(array, where.type), requires_grad)


def _rebuild(cls: Any, array: Any, requires_grad: bool, device: str | None = None) -> Tensor:
    new = cls.__new__(cls)
    graph.Tensor.__init__(new, array if device is None else backend.to_device(array, device), requires_grad)
    return new


def _times_alpha(name: str, x: Tensor, other: Any, alpha: Any) -> Any:
    """alpha · other, computed in the dtype of x + other, into which alpha must fit."""
    if type(alpha) is int and alpha == 1:
        return other
    alpha = alpha.item() if isinstance(alpha, Tensor) else backend.operand(alpha, name)
    raw = other.array if isinstance(other, Tensor) else backend.operand(other, name)
    target = backend.result_dtype([x.array, raw])
    if (isinstance(alpha, float) and target.kind != "f") or (isinstance(alpha, bool) and target.kind != "b"):
        raise RuntimeError(f"{name}: alpha={alpha} does not go with a result of {target}; give a number of that kind")
    if isinstance(raw, NUMBERS):
        return bool(raw and alpha) if target.kind == "b" else raw * alpha % (1 << 64) if target.kind in "iu" else raw * alpha
    alpha = backend.fitting(alpha, target, name)
    return (other if isinstance(other, Tensor) else Tensor(raw)).to(target) * alpha


def _check_power(x: Tensor, exponent: Any) -> None:
    """A whole exponent of whole numbers is not negative (CuPy would give 0), and fits into their dtype."""
    if type(exponent) is int and x.array.dtype.kind in "iu":
        if exponent < 0:
            raise RuntimeError("pow: Integers to negative integer powers are not allowed; use .double() first")
        backend.fitting(exponent, x.array.dtype, "pow")


def _copied(x: Tensor, memo: dict) -> Any:
    """The array of a copy of `x`. Tensors that show one memory do so as copies too, if they are copied together, as in PyTorch."""
    owner = backend.root(x.array)
    shown = [reference() for reference in x.views.everyone] if x.views is not None else []
    beside = [t.array for t in shown if t is not None and backend.root(t.array) is owner]
    if len(beside) < 2 or not backend.is_dense(owner):
        return backend.copy(x.array, order="K")
    key = _memory(x)
    if key not in memo:
        memo[key] = backend.Span(beside), x.views.everyone  # which must live as long as its id is a key
    return memo[key][0].copied(x.array)


def _link_copies(x: Tensor, new: Tensor, memo: dict) -> None:
    """Note that `new`, a copy of `x`, shows the memory of copies made before."""
    if _memory(x) in memo:
        sharing.link(memo.setdefault(("copies", *_memory(x)), new), new, sharing.DETACHED)


def _memory(x: Tensor) -> tuple:
    """The key, in a memo of copies, of the memory that `x` shows with others."""
    return id(x.views.everyone) if x.views else None, id(backend.root(x.array))


def _wrap(tensor: Tensor, value: Any) -> Tensor:
    return graph.wrap(value if backend.is_array(value) else backend.asarray(value, like=tensor.array))


def _truth(x: Tensor, name: str, dim: Any, keepdim: bool) -> Tensor:
    found = _wrap(x, getattr(backend.array_module(x.array), name)(x.array, axis=_checked(dim, x), keepdims=keepdim))
    return found.to(backend.uint8) if x.array.dtype == backend.uint8 else found


def _converted(x: Tensor, dtype: Any) -> Tensor:
    """x in `dtype`, to be summed; whole numbers of fewer than 64 bits stay as they are, as their sum in int64 is exact without a copy."""
    if dtype is None or (x.array.dtype.kind != "f" and x.array.itemsize < 8 and backend.dtype_of(dtype) != backend.bool_):
        return x
    return x.to(dtype)


def _float(x: Tensor) -> Tensor:
    """Whole numbers as the default floating-point dtype."""
    return x if x.array.dtype.kind == "f" else x.to(backend.get_default_dtype())


def _floats(x: Any, y: Any) -> tuple:
    """Operands of a true division: whole numbers beside whole numbers become floating-point."""
    if ((isinstance(x, Tensor) and x.array.dtype.kind != "f") or (isinstance(y, Tensor) and y.array.dtype.kind != "f")) and \
            backend.result_dtype([a.array if isinstance(a, Tensor) else backend.operand(a, "div") for a in (x, y)]).kind != "f":
        return tuple(a.to(backend.get_default_dtype()) if isinstance(a, Tensor) else a for a in (x, y))
    return x, y


def _bitwise(name: str, *operands: Any) -> Tensor:
    """Bit by bit, for whole numbers and bools."""
    arrays = backend.promote([x.array if isinstance(x, Tensor) else x for x in operands], name)
    contract.check_one_device(name, arrays)
    if any(getattr(a, "dtype", backend.float64).kind == "f" for a in arrays):
        got = ", ".join(str(getattr(x, "dtype", type(x).__name__)) for x in operands)
        raise TypeError(f"{name}: expected whole numbers or bools, got {got}")
    if "shift" in name and all(a.dtype.kind == "b" for a in arrays):
        raise TypeError(f"{name}: not defined for bools; convert with .long()")
    x = next(x for x in operands if isinstance(x, Tensor))
    return _wrap(x, getattr(backend.array_module(x.array), name)(*arrays))


def _product(x: Any, y: Any) -> Tensor:
    """x @ y; a vector counts as one row on the left and as one column on the right."""
    if not isinstance(x, Tensor):
        x = _factor(x)
    if not isinstance(y, Tensor):
        y = _factor(y)
    if getattr(x, "ndim", 0) == 0 or getattr(y, "ndim", 0) == 0:
        shapes = [tuple(getattr(a, "shape", ())) for a in (x, y)]
        raise RuntimeError(f"matmul: expected at least 1 axis each, got shapes {shapes[0]} and {shapes[1]}; use * with numbers")
    out = ops.matmul(ops.expand_dims(x, 0) if x.ndim == 1 else x, ops.expand_dims(y, 1) if y.ndim == 1 else y)
    single = tuple(axis for axis, a in ((-2, x), (-1, y)) if a.ndim == 1)
    return ops.squeeze(out, axis=single) if single else out


def _factor(x: Any) -> Any:
    """An array that is multiplied with a tensor."""
    x = backend.plain_array(x, "matmul")
    if not backend.is_array(x):
        raise backend.NotAnOperand(f"matmul: expected tensors, got {type(x).__name__}")
    return x


def _tensor(x: Any, name: str) -> Tensor:
    """x; a TypeError if it is no tensor."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}: expected a Tensor, got {type(x).__name__}")
    return x


def _operand(x: Any, name: str) -> Any:
    """x, a tensor or an array; a TypeError for anything else."""
    x = x if isinstance(x, Tensor) else backend.plain_array(x, name)
    return x if backend.is_array(x) else _tensor(x, name)


def _number(x: Any, name: str) -> Any:
    """x, a number or a tensor of one element, as a number; a TypeError for anything else."""
    if type(x) in NUMBERS:
        return x
    if isinstance(x, Tensor) and x.array.ndim == 0:
        return x.item()
    if not isinstance(x, builtins.bool | builtins.int | builtins.float | backend.NumPyScalar):
        raise TypeError(f"{name}: expected a number, got {type(x).__name__}")
    return x


def _axis(dim: int, ndim: int) -> int:
    """`dim` counted from 0; an IndexError that says what is possible."""
    if type(dim) is not int:
        dim = operator.index(dim)  # a TypeError for what is no whole number
    n = max(ndim, 1)
    if not -n <= dim < n:
        raise IndexError(f"dimension out of range: expected {-n} … {n - 1}, got {dim}")
    return dim % n


def _checked(dim: Any, x: Tensor) -> Any:
    """`dim` for an op: None, or numbers from 0; a 0-d tensor has nothing to reduce."""
    if dim is None:
        return None
    found = tuple(_axis(d, x.array.ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))
    if len(set(found)) < len(found):
        raise RuntimeError(f"dim {dim} names an axis twice")
    return found if x.array.ndim else None


def _axes(dim: Any, x: Tensor) -> tuple:
    """`dim` as a tuple of axes from 0; None and () are all of them."""
    return _checked(dim, x) or tuple(range(x.array.ndim))


def _check_not_empty(name: str, x: Tensor, axis: Any) -> None:
    """IndexError where there is nothing to choose from."""
    shape = x.array.shape
    if 0 in (shape if axis is None else [shape[a] for a in axis]):
        raise IndexError(f"{name}: nothing to choose from in shape {tuple(shape)} along dim {axis}")


def _fill(x: Tensor, shape: tuple, name: str) -> tuple:
    """The shape with its -1 filled in; a RuntimeError where the elements do not fit."""
    known = Size(n for n in shape if n != -1).numel()
    if shape.count(-1) == 1 and known and x.array.size % known == 0:
        shape = tuple(x.array.size // known if n == -1 else n for n in shape)
    if Size(shape).numel() != x.array.size or -1 in shape:
        raise RuntimeError(f"{name}: shape {shape} is invalid for {x.array.size} elements of shape {tuple(x.array.shape)}")
    return shape


def _arg(function: Any, x: Tensor, dim: Any, keepdim: bool) -> Tensor:
    _check_not_empty(function.__name__, x, _checked(dim, x))
    if dim is None or x.array.ndim == 0:
        out = function(x, axis=None)
        return out.reshape((1,) * x.array.ndim) if keepdim else out
    out = function(x, axis=_axis(dim, x.array.ndim))
    return out.unsqueeze(dim) if keepdim else out


def _extreme(x: Tensor, name: str, dim: Any, axis: Any, keepdim: bool) -> Any:
    if isinstance(dim, Tensor):
        return (ops.maximum if name == "max" else ops.minimum)(x, dim)
    dim = axis if dim is None else dim
    if dim is None:
        if not x.array.size:
            raise RuntimeError(f"{name}: an empty tensor of shape {tuple(x.array.shape)} has no {name}imum; give a dim")
        return getattr(ops, name)(x)
    if x.array.ndim == 0:
        _axis(dim, 0)
        return Extreme[name](x.clone(), _wrap(x, 0))
    dim = _axis(dim, x.array.ndim)
    if not x.array.shape[dim]:
        raise IndexError(f"{name}: axis {dim} of shape {tuple(x.array.shape)} is empty")
    indices = (ops.argmax if name == "max" else ops.argmin)(x, axis=dim).unsqueeze(dim)
    values = ops.take_along_axis(x, indices.array, dim)
    return Extreme[name](values, indices) if keepdim else Extreme[name](values.squeeze(dim), indices.squeeze(dim))


graph.use_tensor_class(Tensor)
ops.use_tensor_class(Tensor)
