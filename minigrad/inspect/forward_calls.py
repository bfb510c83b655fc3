"""One forward pass of a network as a tree of calls: which module called which, with shapes, products and the error, if there is one."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from .. import nn, ops
from .._tensor import Tensor
from ..autograd import no_grad
from ..functions.comparisons import equal
from ..functions.random import default_generator

_patching = threading.RLock()  # held while the products are observed
Shapes = list[tuple[int, ...]]


@dataclass
class Call:
    """A call of a module, or, with outputs None, a module that was not called or whose call did not end.

    inputs, outputs: the shapes of the tensors among its positional arguments, and in what it returned.
    multiply_adds: of the matrix products in this call, those in its inner calls left out.
    output_bytes: what the returned tensors take.
    """

    module: nn.Module
    path: str  # in the network; "" for the network itself
    inputs: Shapes = field(default_factory=list)
    outputs: Shapes | None = None
    inner: list[Call] = field(default_factory=list)
    multiply_adds: int = 0
    output_bytes: int = 0
    was_called: bool = True

    @property
    def failed(self) -> bool:
        """Whether the call did not end."""
        return self.was_called and self.outputs is None


def call(net: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Call, Exception | None]:
    """Call the network without recording a graph, and return the tree of its calls, and the error that ended it, or None.

    The network's buffers and training modes and minigrad's default generator are afterwards as they were.
    """
    calls = _Calls(net)
    with ExitStack() as stack:
        for module in net.modules():
            stack.enter_context(module.register_forward_pre_hook(calls.begin))
            stack.enter_context(module.register_forward_hook(calls.end))
        stack.enter_context(observed_products(calls.multiply))
        stack.enter_context(unchanged(net))
        stack.enter_context(no_grad())
        try:
            net(*args, **kwargs)
        except Exception as error:
            return calls.root, error.with_traceback(None)  # its frames would keep all arrays alive
    return calls.root, None


class _Calls:
    """What the hooks of a forward pass have seen so far."""

    def __init__(self, net: nn.Module) -> None:
        self._paths = {module: path for path, module in net.named_modules()}
        self.root = Call(net, "")
        self._open: list[Call] = []  # the calls that have not ended, outer before inner

    def begin(self, module: nn.Module, args: Any) -> None:
        """Note that a module is called."""
        made = Call(module, self._paths[module]) if self._open else self.root
        made.inputs = shapes_of(list(tensors_in(args)))
        if self._open:
            self._open[-1].inner.append(made)
        self._open.append(made)

    def end(self, module: nn.Module, args: Any, output: Any) -> None:
        """Note what a module returned. Calls within it that have not ended raised an error, which it caught."""
        made = self._open.pop()
        while made.module is not module:
            made = self._open.pop()
        found = list(tensors_in(output))
        made.outputs, made.output_bytes = shapes_of(found), sum(t.array.nbytes for t in found)

    def multiply(self, x: Tensor, product: Tensor) -> None:
        """Count a product of matrices, x of shape (…, n, k) being its first factor: k multiplications for each of its elements."""
        if self._open:
            self._open[-1].multiply_adds += math.prod(product.shape) * x.shape[-1]


@contextmanager
def observed_products(see: Callable[[Tensor, Tensor], None]) -> Iterator[None]:
    """Call see(first factor, product) after each product of matrices that this thread computes in the block."""

    def observed(product: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(product)
        def multiply(x: Any, *others: Any, **options: Any) -> Any:
            out = product(x, *others, **options)
            if threading.get_ident() == thread:
                see(x, out)
            return out

        return multiply

    thread = threading.get_ident()
    with _patching:
        linear, matmul = ops.linear, ops.matmul
        ops.linear, ops.matmul = observed(linear), observed(matmul)  # every layer and function looks them up here
        try:
            yield
        finally:
            ops.linear, ops.matmul = linear, matmul


@contextmanager
def unchanged(net: nn.Module) -> Iterator[None]:
    """At the end of the block, restore the network's buffers and training modes, and the state of minigrad's default generator."""
    modes = [(module, module.training) for module in net.modules()]
    buffers = [(module, name, b, b.detach().clone()) for module in net.modules() for name, b in module._buffers.items() if b is not None]
    state = default_generator.get_state()
    try:
        yield
    finally:
        default_generator.set_state(state)
        for module, mode in modes:
            module.training = mode
        for module, name, buffer, before in buffers:
            module._buffers[name] = buffer
            if not equal(buffer, before):
                with no_grad():
                    buffer.copy_(before)


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested tuples, lists and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors_in(part)


def shapes_of(tensors: list[Tensor]) -> Shapes:
    """Return the shape of each tensor as a plain tuple."""
    return [tuple(int(n) for n in t.shape) for t in tensors]
