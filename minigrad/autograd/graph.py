"""The graph that is recorded: `Node`, an operation that was computed, and the core of `Tensor`, which knows the node that made it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import backend
from .formulas import formula
from .handles import AFTER, BEFORE, Handle, register
from .modes import recording
from .names import grad_fn_name
from .sharing import DETACHED, OPAQUE, VIEW, link

if TYPE_CHECKING:
    from .._tensor import Tensor as PublicTensor


class Node:
    """A recorded operation.

    op, options, constants: what was called, with which options and which arguments that need no gradient.
    parents: the nodes (or leaf tensors) of the arguments; None where no gradient is needed.
    vjps: for each argument, from d(loss)/d(value) to d(loss)/d(argument), up to broadcasting; None once freed.
    tick: when it was recorded; a node is always newer than its parents.

    `formula` says what was computed, and what its VJPs compute.
    """

    __slots__ = ("__weakref__", "constants", "dtype", "hooks", "made", "op", "options", "parents", "shape", "tick", "vjps")
    op: Any
    options: dict | None
    constants: Any
    parents: Any
    vjps: Any
    tick: int
    shape: tuple  # shape and dtype are those of the value
    dtype: Any
    hooks: dict | None  # {number: function of the gradient}; that of `retain_grad` stands under None, those of the node under names
    made: Any  # where the operation was called; set only inside a block that asks for it, see inspect/recording.py

    def name(self):
        """Return the operation's name in PyTorch's manner, e.g. TanhBackward0."""
        return grad_fn_name(self)

    @property
    def formula(self) -> str:
        """Return the value and the gradients as the operation's docstring states them, or "": "y = tanh(x),  dL/dx = g (1 - y²)"."""
        return formula(self.op)

    @property
    def next_functions(self):
        """Return the nodes that backward visits from here, listed as in PyTorch; a leaf tensor stands for itself."""
        return tuple((parent, 0) for parent in self.parents)

    def register_hook(self, fn: Callable[[tuple, tuple], Any]) -> Handle:
        """Call fn(grad_inputs, grad_outputs) in a backward pass when the VJPs of this node have been called.

        grad_inputs: what each argument gets, None where nothing; grad_outputs: (the gradient of the value,). Both hold tensors.
        A tuple that fn returns replaces grad_inputs. Return a handle whose `remove()` takes the hook away. Raise RuntimeError for a
        Function with several outputs.
        """
        return register(self._of_one_output(), fn, AFTER)

    def register_prehook(self, fn: Callable[[tuple], Any]) -> Handle:
        """Call fn(grad_outputs) before the VJPs; a tuple that fn returns replaces grad_outputs. See `register_hook`."""
        return register(self._of_one_output(), fn, BEFORE)

    def _of_one_output(self):
        if getattr(self.op, "several", False):
            raise RuntimeError(f"{self.name()} is the node of a Function with several outputs, which takes no hooks; "
                               "call register_hook on the tensors")
        return self

    def __repr__(self):
        return f"<{self.name()}>"


class Tensor:
    """The core of a tensor: an array, its gradient, and the node that made it. `minigrad.Tensor` adds PyTorch's methods."""

    __slots__ = ("__weakref__", "_grad", "_requires_grad", "array", "hooks", "node", "views")
    array: Any
    node: Node | None
    _grad: Any
    _requires_grad: bool
    views: Any  # a sharing.Family, if another tensor shows the same memory
    hooks: dict | None
    __array_ufunc__ = None  # NumPy leaves ndarray + Tensor to Tensor.__radd__

    def __init__(self, array, requires_grad=False):
        self.array = array if backend.is_array(array) else backend.asarray(array)  # NumPy's 0-d results are scalars
        self.node = self._grad = self.views = self.hooks = None
        self._requires_grad = False
        if requires_grad:
            self.requires_grad = requires_grad

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise TypeError(f"requires_grad must be True or False, not {type(value).__name__}")
        if self.node is not None and not value:
            raise RuntimeError("requires_grad can only be switched off on a leaf; use detach() to get a tensor without history")
        if value and self.array.dtype.kind != "f":
            raise RuntimeError(f"only floating-point tensors can require gradients, not {self.array.dtype}; "
                               "use .double() or .float() first")
        self._requires_grad = value

    @property
    def grad(self) -> PublicTensor | None:
        """Return d(loss)/d(self), added up over the calls of backward(), or None."""
        found, node = self._grad, self.node
        if found is None and node is not None and not (node.hooks and None in node.hooks):
            warnings.warn(NO_GRAD_HERE.format(tuple(self.array.shape), node.name()), stacklevel=2)
        return found

    @grad.setter
    def grad(self, value: PublicTensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad: expected a Tensor or None, got {type(value).__name__}")
            array, g = self.array, value.array
            if (array.shape, array.dtype, type(array)) != (g.shape, g.dtype, type(g)):
                raise RuntimeError(f"grad: expected shape {tuple(array.shape)}, {array.dtype} on {backend.device_of(array)}; "
                                   f"got {tuple(g.shape)}, {g.dtype} on {backend.device_of(g)}")
        self._grad = value

    @property
    def dtype(self) -> backend.dtype[Any]:
        """The kind of number that the elements are."""
        return self.array.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.array.ndim

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor was not made by a recorded operation."""
        return self.node is None

    @property
    def grad_fn(self) -> Node | None:
        """The node of the operation that made this tensor, or None."""
        return self.node

    shape = property(lambda self: self.array.shape)


NO_GRAD_HERE = ("The .grad attribute of a Tensor that is not a leaf Tensor is being accessed (shape {}, made by {}). Its .grad attribute "
                "won't be populated during backward(); call .retain_grad() on it before, or look at the leaf that you mean")

_class: list = [Tensor]  # the class of what operations return; minigrad's public Tensor takes this place


def use_tensor_class(cls):
    """Let operations return `cls`, a subclass of Tensor, and return it."""
    _class[0] = cls
    return cls


def wrap(array, node=None):
    """Return a tensor over `array`; with `node` (or a leaf tensor) it is the value of that node."""
    out = _class[0].__new__(_class[0])
    out.array, out.node, out._grad, out.views, out.hooks = array, node, None, None, None
    out._requires_grad = node is not None
    return out


def origin(tensor):
    """Return what stands for a tensor in the graph: the node that made it, or the leaf itself."""
    return tensor if tensor.node is None else tensor.node


def constant(x):
    """Return an argument that needs no gradient as it is now: an in-place method may give the tensor another array and node later."""
    return wrap(x.array) if isinstance(x, Tensor) else x


def rebind(x, node):
    """Give `x` the history of `node`, or none for None; if `retain_grad` was called before, its gradient is still kept."""
    old, x.node, x._requires_grad = x.node, node, node is not None
    if old is not None and old.hooks and (keep := old.hooks.pop(None, None)) is not None and node is not None:
        node.hooks = {**(node.hooks or {}), None: keep}


# ---- tensors on the same memory

view_ops: set = set()  # operations whose value shows their argument's memory, with the argument's gradient


def link_to_input(apply, inputs, out):
    """Note which of the inputs `out` shares its memory with, if any. A view that is not recorded counts as a detached tensor."""
    owner = backend.root(out.array)
    for x in inputs:
        if isinstance(x, Tensor) and backend.root(x.array) is owner:
            link(x, out, OPAQUE if apply not in view_ops else VIEW if recording.get() else DETACHED)
            return


def detach(tensor):
    """Return a tensor on the same memory, without history."""
    out = wrap(tensor.array)
    link(tensor, out, DETACHED)
    return out
