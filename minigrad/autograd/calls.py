"""How the call of a `Function` stands in the graph: one node for its value, or one for the call and one for each of several outputs.

In a backward pass the nodes of the outputs hand their gradients on to that of the call, where they are put together as `Parts`. The class's
backward then runs once, with the gradients of all outputs, and returns those of all inputs.
"""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

from .. import backend
from . import engine
from .graph import Node, Tensor, constant, origin, rebind, wrap
from .modes import in_mode
from .sums import Parts
from .writes import tick


class _Output:
    """Stands as `op` in the node of one of several outputs. Its VJP hands the gradient on to the node of the call."""

    owns = False  # the user's backward may return an array that is used elsewhere
    product: Any = False
    several = True

    def __init__(self, cls, array, i):
        self.__name__, self.output, self.index = cls.__name__, weakref.ref(array), i

    def raw(self, outputs):
        """Return this one of all outputs of the call."""
        return outputs[self.index]


class _Call:
    """Stands as `op` in the node of a Function: its class and name, and what is known of its outputs."""

    owns, several, materialize = False, False, True
    shapes: Any = ()  # (shape, dtype) of each of several outputs, None for what is no tensor

    def __init__(self, cls, array):
        self.cls, self.__name__ = cls, cls.__name__
        self.product: dict = {}  # {0: (the last gradient, what backward returned for it)}: backward runs once for all inputs
        self.output, self.module = weakref.ref(array), backend.array_module(array)

    def zeros(self, node, as_tensor):
        """Return the gradient of a call whose values were used, but got no gradient from any use.

        It is zeros, or `Parts` without gradients for several values, or where `backward` is to get None instead of zeros.
        """
        zeros = self.module.zeros(node.shape, dtype=node.dtype)
        if as_tensor:
            zeros = wrap(zeros)
        return Parts([None] * (len(self.shapes) or 1), zeros) if self.several or not self.materialize else zeros

    def gradients(self, g):
        """Return the gradients that the class's backward gets, one for each output, as tensors."""
        if type(g) is not Parts:
            return (g if isinstance(g, Tensor) else wrap(g),)
        parts = g.gradients
        if self.materialize:
            parts = [self.module.zeros(like[0], dtype=like[1]) if g is None and like else g for g, like in zip(parts, self.shapes)]
        return [g if g is None or isinstance(g, Tensor) else wrap(g) for g in parts]


def is_in(x, tensors):
    """Return whether `x` itself is one of the tensors."""
    return id(x) in map(id, tensors)


def record(cls, ctx, inputs, returned, outs, several):
    """Give the outputs their nodes: the node of the call, or with `several` a node for each, before which stands that of the call.

    returned: what `forward` returned; an output is the tensor itself, or another one on the same memory.
    """
    places = []
    for i, t in enumerate(outs):  # no comprehension, which would be slower for one output
        if isinstance(t, Tensor) and t.array.dtype.kind == "f" and not (ctx._constant and is_in(returned[i], ctx._constant)):
            places.append(i)
    if not places:
        return
    node, first = Node(), outs[places[0]].array
    node.op, node.tick, node.options, node.hooks = _Call(cls, first), tick(), None, None
    node.shape, node.dtype = () if several else first.shape, first.dtype
    node.parents = [origin(x) if need else None for x, need in zip(inputs, ctx.needs_input_grad)]
    node.constants = [constant(x) if p is None else None for x, p in zip(inputs, node.parents)]
    saved = [None if t is None else (t.array, _origin(t, inputs, returned, places, ctx._dirty)) for t in ctx._saved]
    node.op.node = weakref.ref(node)
    node.vjps = _vjps(cls, ctx, node.op, saved, [isinstance(x, Tensor) for x in inputs])
    node.op.materialize = ctx._materialize
    if several:
        node.op.several, node.op.output = True, lambda: None
        node.op.shapes = [(t.array.shape, t.array.dtype) if isinstance(t, Tensor) else None for t in outs]
    for i in places:
        out = outs[i]
        value = _output_node(node, i, out.array) if several else node
        if ctx._dirty:
            rebind(out, value)
        else:
            out.node, out._requires_grad = value, True
            if out.views is not None:
                out.views.opaque = True  # a view of an input, say: its gradient is that of the class
        if engine.observers:
            engine.tell(inputs, out)
            node.made = getattr(value, "made", None)


def _vjps(cls, ctx, call, saved, given):
    """Return the VJPs of a call, one for each input. The first that is called for a gradient runs the class's backward for all."""
    def of_input(i, g):
        entry = results.get(0)
        if entry is None or entry[0] is not g:
            entry = results[0] = g, _backward(cls, ctx, g, saved, given, call)
        if i == last:
            results.clear()
        return entry[1][i]

    results, last = call.product, max([i for i, need in enumerate(ctx.needs_input_grad) if need])
    return [partial(of_input, i) for i in range(len(given))]


def _output_node(call, i, array):
    """Return a node for output `i`, the given array, of a call with several outputs; `call` is its node."""
    def vjp(g):
        return Parts([g if j == i else None for j in range(count)], g)

    node, count = Node(), len(call.op.shapes)
    node.op, node.tick, node.options, node.constants, node.hooks = _Output(call.op.cls, array, i), tick(), None, None, None
    node.parents, node.vjps, node.shape, node.dtype = (call,), (vjp,), array.shape, array.dtype
    return node


def _origin(t, inputs, returned, places, dirty):
    """Return what stands for a saved tensor in the graph: its node or leaf, None, or for an output the number of it.

    The node of an output is not kept, so that an output that is saved does not keep itself alive.
    """
    for i in places:
        if t is returned[i] and (not is_in(t, inputs) or is_in(t, dirty)):
            return i
    return origin(t) if t._requires_grad else None


def _unpack(saved, node):
    """Yield the tensors that were saved in the call of `node`, each attached to the graph as it was when it was saved."""
    for entry in saved:
        if entry is None:
            yield None
            continue
        array, source = entry
        if type(source) is int:  # an output
            source = _output_node(node, source, array) if node.op.several else node
        yield source if isinstance(source, Tensor) and source.array is array else wrap(array, source)


def _backward(cls, ctx, g, saved, given, call):
    """Return the gradients from the class's backward, one for each input of apply, as arrays where g holds arrays.

    given: for each input, whether it is a tensor.
    """
    raw = not isinstance(g.like if type(g) is Parts else g, Tensor)
    ctx.saved_tensors = tuple(_unpack(saved, call.node()))
    try:
        result = in_mode(not raw, cls.backward, ctx, *call.gradients(g))
    finally:
        ctx.saved_tensors = ()
    result = result if isinstance(result, (tuple, list)) else (result,)
    count = len(given)
    if len(result) != count and (len(result) < count or any([r is not None for r in result[count:]])):
        raise RuntimeError(f"{cls.__name__}.backward returned {len(result)} gradients for {count} inputs of apply; "
                           "return one for each, None for those that need none")
    for i, (r, is_tensor, need) in enumerate(zip(result, given, ctx.needs_input_grad)):
        if r is not None and not is_tensor:
            raise RuntimeError(f"{cls.__name__}.backward returned a gradient for input {i} of apply, which is no tensor; return None there")
        if r is not None and need and not isinstance(r, Tensor):
            raise TypeError(f"{cls.__name__}.backward returned {type(r).__name__} as a gradient; return tensors, or None")
    return [None if r is None or not need else r.array if raw else r for r, need in zip(result, ctx.needs_input_grad)]
