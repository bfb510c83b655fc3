"""Arguments of the public functions: what they may be, how they are checked and converted, and the errors for all others."""

from __future__ import annotations

import functools
import operator
import warnings
from typing import Any

from .. import backend, ops
from ..autograd import graph
from ..printing import Size
from .types import DeviceLike, DTypeLike, Function, Tensor

# ---- tensors, operands, numbers


def check_input(x: Any, name: str, argument: str = "input") -> Tensor:
    """Return `x`, this argument of the function `name`; raise TypeError if it is no tensor."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}(): argument '{argument}' must be Tensor, not {type(x).__name__}; "
                        "make one with minigrad.tensor(…) or minigrad.from_numpy(…)")
    return x


def check_array(x: Any, name: str) -> Any:
    """Return `x`, a tensor or an array; raise TypeError for anything else."""
    x = x if isinstance(x, Tensor) else backend.plain_array(x, name)
    return x if backend.is_array(x) else check_input(x, name, "other")


def check_number(x: Any, name: str) -> Any:
    """Return `x`, a number, or a tensor or array of one element, as a Python number; raise TypeError for anything else."""
    value = raw(x, name)
    if not backend.is_array(value):
        return value
    if value.size != 1:
        raise TypeError(f"{name}: expected a number or a tensor of one element, got one of shape {tuple(value.shape)}")
    return backend.item(value)


def raw(x: Any, name: str) -> Any:
    """Return the array of a tensor, or `x` as a number or an array; raise TypeError for anything else."""
    return x.array if isinstance(x, Tensor) else backend.operand(x, name)


def floating(x: Any, name: str = "") -> Tensor:
    """Return `x`, the first argument of the function `name`, in the default floating-point dtype if it holds whole numbers."""
    if not isinstance(x, Tensor):
        check_input(x, name)
    return x if x.array.dtype.kind == "f" else x.to(backend.get_default_dtype())


def beside(x: Tensor, value: Any) -> Tensor:
    """Return a tensor over `value`, an array, or a number that becomes one on the device of `x`."""
    return graph.wrap(value if backend.is_array(value) else backend.asarray(value, like=x.array))


# ---- shapes and axes


def sizes(arguments: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """Return whole numbers that were given one by one, or as one tuple, list or Size, or `named` by a keyword."""
    if named is not None:
        arguments = tuple(named) if isinstance(named, (tuple, list)) else (named,)
    if len(arguments) == 1 and isinstance(arguments[0], (tuple, list)):
        arguments = tuple(arguments[0])
    return tuple(operator.index(n) for n in arguments)


def lengths(arguments: tuple[Any, ...], size: Any = None) -> tuple[int, ...]:
    """Return lengths that were given one by one, as one tuple, or by the keyword `size`; raise RuntimeError for one below 0."""
    return check_not_negative("size", sizes(arguments, size))


def check_not_negative(name: str, numbers: Any) -> Any:
    """Return the number (or the numbers); raise RuntimeError if one is below 0."""
    if any([n < 0 for n in (numbers if isinstance(numbers, tuple) else (numbers,))]):
        raise RuntimeError(f"{name}: expected no number below 0, got {numbers}")
    return numbers


def shaped(x: Tensor, shape: Any) -> Tensor:
    """Return x, reshaped if it has another shape."""
    return x if x.array.shape == shape else ops.reshape(x, shape)


def fill_shape(x: Tensor, shape: tuple[int, ...], name: str) -> tuple[int, ...]:
    """Return the shape with its -1 filled in; raise RuntimeError where the elements of `x` do not fit."""
    known = Size(n for n in shape if n != -1).numel()
    if shape.count(-1) == 1 and known and x.array.size % known == 0:
        shape = tuple(x.array.size // known if n == -1 else n for n in shape)
    if Size(shape).numel() != x.array.size or -1 in shape:
        raise RuntimeError(f"{name}: shape {shape} is invalid for {x.array.size} elements of shape {tuple(x.array.shape)}")
    return shape


def axis_of(dim: Any, ndim: int) -> int:
    """Return `dim` counted from 0; raise IndexError, which says what is possible, if there is no such axis."""
    if type(dim) is not int:
        if not hasattr(dim, "__index__"):
            raise TypeError(f"dim must be a whole number, not {dim!r} ({type(dim).__name__})")
        dim = operator.index(dim)
    n = max(ndim, 1)
    if not -n <= dim < n:
        raise IndexError(f"dimension out of range: expected {-n} … {n - 1}, got {dim}")
    return dim % n


def axes_of(dim: Any, x: Tensor) -> tuple[int, ...] | None:
    """Return `dim` as axes counted from 0, or None for all of them, also for a 0-d tensor, which has none."""
    if dim is None:
        return None
    found = tuple(axis_of(d, x.array.ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))
    if len(set(found)) < len(found):
        raise RuntimeError(f"dim {dim} names an axis twice")
    return found if x.array.ndim else None


def takes_axis(function: Function) -> Function:
    """Let a function of `dim` and `keepdim` also take them by NumPy's words `axis` and `keepdims`, as PyTorch's functions do."""
    @functools.wraps(function)
    def renamed(*arguments: Any, **options: Any) -> Any:
        for word, name in (("axis", "dim"), ("keepdims", "keepdim")):
            if word in options:
                if name in options:
                    raise TypeError(f"{function.__name__}(): got both {name} and {word}, which are the same argument")
                options[name] = options.pop(word)
        return function(*arguments, **options)

    return renamed  # type: ignore[return-value]


def check_axes(name: str, n: int, *tensors: Any, or_more: bool = False) -> None:
    """Raise TypeError unless these are tensors, RuntimeError unless each has n axes, or at least n with `or_more`."""
    if any([not n <= check_input(x, name).array.ndim <= (n, backend.inf)[or_more] for x in tensors]):
        shapes = " and ".join([str(tuple(x.shape)) for x in tensors])
        raise RuntimeError(f"{name}: expected {'at least ' * or_more}{n} {'axis' if n == 1 else 'axes'}, got shape {shapes}")


# ---- dtypes and devices


def check_floating(x: Any, name: str) -> Tensor:
    """Return `x`, the first argument of the function `name`; raise RuntimeError unless it is a floating-point tensor."""
    if check_input(x, name).array.dtype.kind != "f":
        raise RuntimeError(f"{name}: expected a floating-point tensor, got {x.dtype}; use .float() or .double() first")
    return x


def dtype_or_default(dtype: DTypeLike) -> Any:
    """Return the dtype that is asked for, or the default one."""
    return backend.dtype_of(dtype, backend.get_default_dtype())


def device_name(device: DeviceLike) -> str:
    """Return "cpu" or "cuda", the kind of the device that is asked for; the CPU if none is."""
    return backend.device(device).type if device is not None else "cpu"


# ---- limits of arithmetic


def times_alpha(name: str, x: Tensor, other: Any, alpha: Any, last: tuple[Any, ...] = ()) -> Any:
    """Return alpha · other, computed in the dtype of x + other; raise RuntimeError if alpha does not fit into it.

    Old programs give alpha before the other operand, which is in `last` then.
    """
    if last:
        warnings.warn(f"{name}(alpha, other) is deprecated; use {name}(other, alpha=alpha)", stacklevel=3)
        alpha, (other,) = other, last
    if type(alpha) is int and alpha == 1:
        return other
    alpha = alpha.item() if isinstance(alpha, Tensor) else backend.operand(alpha, name)
    array = raw(other, name)
    target = backend.result_dtype([x.array, array])
    if (isinstance(alpha, float) and target.kind != "f") or (isinstance(alpha, bool) and target.kind != "b"):
        raise RuntimeError(f"{name}: alpha={alpha} does not go with a result of {target}; give a number of that kind")
    if isinstance(array, backend.NUMBERS):
        return bool(array and alpha) if target.kind == "b" else array * alpha % (1 << 64) if target.kind in "iu" else array * alpha
    alpha = backend.fitting(alpha, target, name)
    return (other if isinstance(other, Tensor) else graph.wrap(array)).to(target) * alpha


def check_power(x: Tensor, exponent: Any) -> None:
    """Raise for whole numbers to a whole exponent that is negative (CuPy would give 0) or does not fit into their dtype."""
    if type(exponent) is int and x.array.dtype.kind in "iu":
        if exponent < 0:
            raise RuntimeError("pow: Integers to negative integer powers are not allowed; use .double() first")
        backend.fitting(exponent, x.array.dtype, "pow")
