"""Backpropagation in one file: `op` records what is computed, `backward` goes back through it.

An operation is one function on raw arrays. It returns its value and, for each argument, a vector-Jacobian product (VJP): a function
from g = d(loss)/d(value) to d(loss)/d(argument). `op` turns such a function into one on Tensors: where an argument requires a
gradient, a `Node` remembers the VJPs and the arguments' own nodes. `backward_pass` starts with g of the result, asks each node's VJPs
for their contributions, and adds up what reaches the same node; the sums of the leaves (the tensors that you made) go into their `.grad`.

The rest stands beside it: `contract.py` says what arguments, VJPs and gradients must be, `sums.py` adds up, `visits.py` says which nodes a
pass visits, `hooks.py` lets you see gradients, `leaves.py` adds to `.grad`, `writes.py` notices changes of memory, and `replay.py` makes
higher derivatives.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from .. import backend
from ..backend import get_fp_warnings, ignore_fp_warnings, restore_fp_warnings, set_fp_warnings
from . import contract, writes
from .graph import Node, Tensor, _class, constant, link_to_input, origin, wrap
from .hooks import hooked, pass_leaf_through, pass_through
from .leaves import add_to_leaves
from .modes import in_mode, recording
from .visits import nodes_needed, products, without_gradient

if TYPE_CHECKING:
    from .._tensor import Tensor as PublicTensor


def op(function: Callable[..., Any] | None = None, *, promote: bool = False, product: bool = False, wide: bool = False,
       steps: bool = False) -> Any:
    """Make an operation on tensors of a function on raw arrays that returns (value, one VJP per argument).

    Array arguments are positional, options are keyword-only. The VJP None says that an argument has no gradient: one that requires a
    gradient is an error there. Without any VJP the operation is not differentiable. Called with no Tensor, it returns the raw value.
    The function must depend on its arguments alone, as a higher derivative runs it again; write a `Function` where it does not.
    promote: bring the arrays to one dtype first, as PyTorch would. wide: compute in float32 for float16, see `backend.narrowed`.
    product: the VJPs are products and sums, which `backend.compute_products` may compute at once.
    steps: what the VJPs return changes in steps; its derivative is 0 then, and no error.
    """
    if function is None:
        return functools.partial(op, promote=promote, product=product, wide=wide, steps=steps)
    name, mode, new = function.__name__, recording.get, Tensor.__new__

    @functools.wraps(function)
    def apply(*inputs, **options):
        arrays, compute = [], function
        kind, needed, plain = None, 0, True
        for x in inputs:
            if isinstance(x, Tensor):
                if x._requires_grad:
                    needed += 1
                x = x.array
                if kind is None:
                    kind, dtype = type(x), x.dtype
                elif x.dtype is not dtype or type(x) is not kind:
                    plain = False
            elif type(x) is not float and type(x) is not int:
                plain = False
            arrays.append(x)
        if kind is None:
            return function(*arrays, **options)[0]
        before, token = get_fp_warnings(), None
        try:
            token = ignore_fp_warnings()
            if not plain or dtype.char not in "fd":  # else numbers and arrays of float32 or float64: nothing to do
                inputs, arrays, compute = contract.prepare(apply, inputs, arrays, options)
            result = compute(*arrays, **options)
        except (ValueError, TypeError, OverflowError) as error:
            raise contract.refused(name, error) from None
        finally:
            set_fp_warnings(before) if token is None else restore_fp_warnings(token)
        if type(result) is not tuple:
            result = contract.as_tuple(name, result)
        value, vjps = result[0], result[1:]
        if type(value) is not kind and not backend.is_array(value):
            value = contract.as_array(name, value)
        out = new(_class[0])
        out.array = value
        out.node = out._grad = out.views = out.hooks = None
        out._requires_grad = False
        if value.base is not None or value is arrays[0]:
            link_to_input(apply, inputs, out)
        if needed and vjps and mode():
            record(apply, inputs, needed, vjps, options, out)
        return out

    apply.raw, apply.product, apply.promotes, apply.wide, apply.steps = function, product, promote, wide, steps  # type: ignore[attr-defined]
    apply.owns = True  # type: ignore[attr-defined]  # a new array that one of its VJPs returns is used nowhere else
    return apply


def record(apply, inputs, needed, vjps, options, out):
    """Give `out`, the value of a call, its node; `needed` of the inputs require gradients."""
    node = out.node = Node()
    out._requires_grad = True
    node.op, node.tick, node.options = apply, writes.tick(), options or None
    node.constants = node.hooks = None
    if needed == len(inputs):
        x = inputs[0]
        node.parents = (x if x.node is None else x.node,) if needed == 1 else tuple([x if x.node is None else x.node for x in inputs])
    else:
        parents = node.parents = tuple([None if not isinstance(x, Tensor) or not x._requires_grad else x if x.node is None else x.node
                                        for x in inputs])
        node.constants = tuple([constant(x) if p is None else None for p, x in zip(parents, inputs)])
        if len(vjps) <= len(inputs):
            vjps = tuple([None if p is None else vjp for p, vjp in zip(parents, vjps)])  # free what only the other VJPs hold
    node.vjps, node.dtype = vjps, out.array.dtype
    for vjp in vjps:
        if vjp is not None:
            needed -= 1
    if needed:
        contract.check_vjps(apply.__name__, inputs, vjps)
    first, shape = node.parents[0], out.array.shape
    node.shape = first.shape if type(first) is Node and first.shape == shape else shape  # a chain of nodes shares one tuple
    if observers:
        tell(inputs, out)


observers: tuple = ()  # what looks on, see inspect/recording.py: each has `recorded(inputs, out)` and `watched(sums)`


def tell(inputs, out):
    """Tell the observers of an operation that was recorded."""
    for observer in observers:
        observer.recorded(inputs, out)


def backward_pass(sums, retain, again, wanted, needed):
    """Visit nodes from the newest to the oldest, and give each one's gradient to its VJPs.

    sums: at first the gradients of the roots, at the end those of the leaves. When a node's turn comes, its sum is complete, as
        whatever uses its value is newer.
    again: {node: VJPs that record what they do} where the pass itself is recorded, else None.
    wanted, needed: {node: None}, to be filled with the gradients that were asked for, and the only nodes that have to run; or None.
    """
    while sums.newest_first:
        node = heappop(sums.newest_first)[1]
        g = sums.pop(node)
        if node.hooks or needed is not None:
            g = pass_through(node, g, wanted, needed)
            if needed is not None and node not in needed:
                continue
        if node.vjps is None or writes.latest > node.tick:
            contract.check_usable(node)
        call_vjps(node, g, sums, again, wanted, needed)
        if not retain:
            node.vjps, node.parents, node.constants = None, (), None
    for leaf in sums:
        if leaf.hooks:
            pass_leaf_through(leaf, sums)


def call_vjps(node, g, sums, again, wanted, needed):
    """Give the gradient of a node to its VJPs, and add what each returns to the sum of its argument's node or leaf."""
    vjps, parents, parent, vjp = node.vjps if again is None else again[node], node.parents, None, None
    try:
        if g is None:
            g, vjps = without_gradient(node, vjps, again is not None, sums)
        elif node.op.product:
            vjps = products(node, vjps, g, needed is None)
        if node.hooks:
            parents, vjps = hooked(node, vjps, g, sums, wanted, needed)
        kind = type(g)
        for parent, vjp in zip(parents, vjps):
            if parent is None or (needed is not None and parent not in needed and parent not in wanted):
                continue
            made, like = vjp(g), parent if type(parent) is Node else parent.array
            fits = type(made) is kind and made.shape == like.shape and made.dtype == like.dtype
            c = made if fits else contract.fit(made, g, node, like)
            if c is None:
                sums.visit((parent,))
            elif parent in sums:
                sums.add(parent, c, again is None)
            else:
                sums[parent] = c
                if like is parent:  # a node
                    heappush(sums.newest_first, (-parent.tick, parent))
                elif again is None and c is not g and c.base is None and (c is not made or (node.op.owns and not writes.keeps(vjp, c))):
                    sums.owned.add(parent)
    except Exception as error:
        contract.add_note(error, node, g, parent, vjp, vjps)
        raise


def differentiate(sums, retain, create, wanted=None):
    """Make a backward pass from the roots' gradients. Return ({leaf: gradient}, the leaves whose gradient is nobody else's).

    With `wanted`, {node or leaf: None}, return the gradients of these instead.
    """
    for observer in observers:
        sums = observer.watched(sums)
    needed = None if wanted is None else nodes_needed(sums, wanted)
    again, run = None, backward_pass  # on raw arrays: nothing is recorded
    if create:
        from .replay import recording_vjps

        again, run = recording_vjps(sums), functools.partial(in_mode, True, backward_pass)
    backend.without_fp_warnings(run, sums, create if retain is None else retain, again, wanted, needed)
    return (sums if wanted is None else {n: sums.get(n, g) for n, g in wanted.items()}), sums.owned


def backward(tensors: PublicTensor | Iterable[PublicTensor], grad_tensors: Any = None, retain_graph: bool | None = None,
             create_graph: bool = False, *, inputs: Any = None) -> None:
    """Add d(tensors)/d(leaf), weighted by `grad_tensors`, to the `.grad` of every leaf that they were computed from, or of `inputs`.

    tensors: one or several; grad_tensors: for each a tensor of its shape, or None for a tensor of one element (taken as 1).
    The graph is freed unless retain_graph; create_graph records the backward pass itself, for higher derivatives.
    inputs: tensors of the graph, computed ones too: these alone get a gradient (and those on the way that had `retain_grad()` called).
    """
    sums = contract.check_roots(tensors, grad_tensors, "backward", create_graph)
    if create_graph:
        contract.warn_of_cycle()
    wanted = None
    if inputs is not None:
        inputs, wanted = contract.check_wanted(inputs, "backward")
        for t in inputs:
            t.retain_grad()
    found, owned = differentiate(sums, retain_graph, create_graph, wanted)
    if wanted is not None:
        found = {leaf: g for leaf, g in found.items() if g is not None and type(leaf) is not Node}
    add_to_leaves(found, owned, create_graph)


def grad(outputs: PublicTensor | Iterable[PublicTensor], inputs: PublicTensor | Iterable[PublicTensor], grad_outputs: Any = None,
         retain_graph: bool | None = None, create_graph: bool = False, only_inputs: bool = True, allow_unused: bool | None = None,
         is_grads_batched: bool = False, materialize_grads: bool = False) -> tuple[PublicTensor, ...]:
    """Return d(outputs)/d(input) for each of `inputs`, weighted by `grad_outputs`: a tuple of tensors. No `.grad` is touched.

    An input that was not used is an error; its gradient is None with allow_unused, and zeros with materialize_grads.
    only_inputs is PyTorch's old argument, which no longer does anything. Raise RuntimeError for is_grads_batched, which is not here.
    """
    if is_grads_batched:
        raise RuntimeError("grad: is_grads_batched is not here; call grad once for each of grad_outputs")
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: with materialize_grads=True unused inputs get zeros; leave allow_unused out or set it to True")
    inputs, wanted = contract.check_wanted(inputs, "grad")
    sums = contract.check_roots(outputs, grad_outputs, "grad", create_graph)
    found, _ = differentiate(sums, retain_graph, create_graph, wanted)
    result = []
    for i, t in enumerate(inputs):
        g = found[origin(t)]
        if g is None:
            g = contract.unused(i, t, allow_unused, materialize_grads, create_graph)
        elif not isinstance(g, Tensor):
            g = wrap(backend.copy(g, order="C"))
        result.append(g)
    return tuple(result)
