"""Backpropagation in one file: `op` records what is computed, `backward` goes back through it.

An operation is one function on raw arrays. It returns its value and, for each argument, a vector-Jacobian product (VJP): a function
from g = d(loss)/d(value) to d(loss)/d(argument). `op` turns such a function into one on Tensors: where an argument requires a
gradient, a `Node` remembers the VJPs and the arguments' own nodes. `backward_pass` starts with g of the result, asks each node's VJPs
for their contributions, and adds up what reaches the same node; the sums of the leaves (the tensors that you made) go into their `.grad`.

That is all of backpropagation. The rest stands beside it: `contract.py` says what arguments, VJPs and gradients must be, `visits.py`
which nodes a pass visits, `hooks.py` lets you see gradients, `leaves.py` adds to `.grad`, `writes.py` notices memory that was changed
meanwhile, and `replay.py` makes higher derivatives.
"""

from __future__ import annotations

import functools
import warnings
from heapq import heappop, heappush

from .. import backend
from ..backend import QUIET, get_warnings, reset_warnings, set_warnings
from . import contract
from .graph import Node, Tensor, _class, constant, link_to_input, origin, wrap
from .hooks import pass_leaves_through, pass_through
from .leaves import add_to_leaves
from .modes import in_mode, recording
from .visits import nodes_needed, visit_later, without_gradient
from .writes import Last, keeps, tick

# ---- recording


def op(function=None, *, promote=False, product=False, wide=False, steps=False):
    """Make an operation on tensors of a function on raw arrays that returns (value, one VJP per argument).

    Array arguments are positional, options are keyword-only. The VJP None says that an argument has no gradient: it is an error to
    call the operation with one that requires a gradient there. Arguments at the end that have none may have no VJP either. An operation
    without VJPs is not differentiable. Called with no Tensor, the operation returns the raw value.

    promote: bring the arrays to one dtype first, as PyTorch would.
    product: its VJPs are products and sums, which `backend.together` may compute at once.
    wide: compute in float32 for float16, see `backend.narrowed`.
    steps: what its VJPs return changes in steps; the derivative of that is 0 then, and no error.

    The body must depend on its arguments alone, as a higher derivative runs it again; what draws random numbers or counts its calls is
    a `Function`.
    """
    if function is None:
        return functools.partial(op, promote=promote, product=product, wide=wide, steps=steps)
    name = function.__name__
    mode, new = recording.get, Tensor.__new__

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
        before, token = get_warnings(), None
        try:
            token = set_warnings(QUIET)
            if not plain or dtype.char not in "fd":  # else numbers and arrays of float32 or float64: nothing to do
                inputs, arrays, compute = contract.prepare(apply, inputs, arrays, options)
            result = compute(*arrays, **options)
        except (ValueError, TypeError, OverflowError) as error:
            raise contract.refused(name, error) from None
        finally:
            set_warnings(before) if token is None else reset_warnings(token)
        if type(result) is not tuple:
            raise contract.no_tuple(name, result)
        value, vjps = result[0], result[1:]
        if type(value) is not kind and not backend.is_array(value):
            value = contract.as_array(name, value)
        out = new(_class[0])
        out.array = value
        out.node = out._grad = out.views = out.hooks = None
        if value.base is not None or value is arrays[0]:
            link_to_input(apply, inputs, out)
        if needed and vjps and mode():
            out._requires_grad = True
            record(apply, inputs, needed, vjps, options, out)
        else:
            out._requires_grad = False
        return out

    apply.raw, apply.product, apply.promotes, apply.wide, apply.steps = function, product, promote, wide, steps  # type: ignore[attr-defined]
    apply.owns = True  # type: ignore[attr-defined]  # what its VJPs make anew belongs to nobody else
    return apply


def record(apply, inputs, needed, vjps, options, out):
    """Give `out`, the value of a call, its node; `needed` of the inputs require gradients."""
    node = out.node = Node()
    node.op, node.tick = apply, tick()
    node.options, node.dtype = options or None, out.array.dtype
    node.constants = node.hooks = None
    if len(vjps) != len(inputs):
        contract.check_vjps(apply.__name__, inputs, vjps)
    if len(inputs) == 1:
        x = inputs[0]
        parents = (x if x.node is None else x.node,)
    elif needed == len(inputs):
        parents = tuple([x if x.node is None else x.node for x in inputs])
    else:
        parents = tuple([None if not isinstance(x, Tensor) or not x._requires_grad else x if x.node is None else x.node for x in inputs])
        node.constants = tuple([constant(x) if p is None else None for p, x in zip(parents, inputs)])
        vjps = tuple([None if p is None else vjp for p, vjp in zip(parents, vjps)])  # let go of what only the others hold
    node.parents, node.vjps = parents, vjps
    for vjp in vjps:
        if vjp is None:
            contract.check_vjps(apply.__name__, inputs, vjps)
    first, shape = node.parents[0], out.array.shape
    node.shape = first.shape if type(first) is Node and first.shape == shape else shape  # one tuple for a chain of nodes


# ---- going back


def backward_pass(sums, owned, newest_first, retain, again, wanted, needed):
    """Visit nodes from the newest to the oldest, give each one's gradient to its VJPs, and add up what they return.

    sums: {node or leaf: what has reached it so far}; at the end, the gradients of the leaves. A node's sum is complete when its turn
        comes, as whatever uses its value is newer.
    owned: the leaves whose sum is an array that nobody else has, so that more may be added in place.
    newest_first: a heap of (-tick, node).
    again: the function from a node to its VJPs where the pass itself is recorded, else None.
    wanted, needed: {node: None}, to be filled with the gradients that were asked for, and the only nodes that have to run; or None.
    """
    silent: set = set()  # nodes that are visited although no gradient may reach them: a Function's backward returned None
    parent = vjp = None
    while newest_first:
        node = heappop(newest_first)[1]
        g = sums.pop(node, None)
        if node.hooks or needed is not None:
            g = pass_through(node, g, wanted, needed)
            if needed is not None and node not in needed:
                continue
        if node.vjps is None or Last.write > node.tick:
            contract.check_usable(node)
        vjps = node.vjps if again is None else again(node)
        try:
            if g is None:
                g, vjps = without_gradient(node, vjps, again is not None, sums, silent, newest_first)
            elif node.op.product:
                vjps = _products(node, vjps, g, again is None and needed is None)
            kind = type(g)
            for parent, vjp in zip(node.parents, vjps):
                if parent is None or (needed is not None and parent not in needed and parent not in wanted):
                    continue
                made, like = vjp(g), parent if type(parent) is Node else parent.array
                fits = type(made) is kind and made.shape == like.shape and made.dtype == like.dtype
                c = made if fits else contract.fit(made, g, node, like)
                if c is None:
                    visit_later((parent,), sums, silent, newest_first)
                elif (total := sums.get(parent)) is not None:
                    _add(sums, owned, parent, total, c, again is None)
                else:
                    sums[parent] = c
                    if like is parent:  # a node
                        if parent not in silent:
                            heappush(newest_first, (-parent.tick, parent))
                    elif again is None and c is not g and c.base is None and (c is not made or (node.op.owns and not keeps(vjp, c))):
                        owned.add(parent)
        except Exception as error:
            contract.add_note(error, node, g, parent, vjp, vjps)
            raise
        if not retain:
            node.vjps, node.parents, node.constants = None, (), None
        vjps = parent = vjp = c = made = total = None


def _products(node, vjps, g, whole):
    """Return the VJPs of a product, computed at once if all of them are called; forget what a Function's backward returned earlier."""
    if node.op.product is not True:
        node.op.product.clear()
    elif whole:
        return backend.together(vjps, g)
    return vjps


def _add(sums, owned, parent, total, c, raw):
    """Add a contribution to a sum: in place if the sum is an array that nobody else has, else into a new array."""
    if parent in owned:
        total += c
        return
    total = sums[parent] = total + c
    if type(total) is not type(c):  # NumPy turned 0-d into a scalar
        sums[parent] = backend.asarray(total)
    elif raw:
        owned.add(parent)


def differentiate(roots, retain, create, wanted=None):
    """Make one backward pass from the roots. Return ({leaf: gradient}, the leaves whose gradient is an array that nobody else has).

    With `wanted`, {node or leaf: None}, return the gradients of these instead.
    """
    sums: dict = {}
    owned: set = set()
    newest_first: list = []
    for tensor, g in roots:
        g = (g if isinstance(g, Tensor) else wrap(g)) if create else g.array if isinstance(g, Tensor) else g
        start = tensor if tensor.node is None else tensor.node
        if start in sums:
            total = sums[start] + g
            sums[start] = total if create else backend.asarray(total, like=g)
            continue
        sums[start] = g
        if type(start) is Node:
            heappush(newest_first, (-start.tick, start))
    needed = None if wanted is None else nodes_needed([node for _, node in newest_first], wanted)
    again = None
    if create:
        from .replay import recording_vjps

        again = recording_vjps([node for _, node in newest_first])
    retain = create if retain is None else retain
    before, token = get_warnings(), None
    try:
        token = set_warnings(QUIET)
        if create:
            in_mode(True, backward_pass, sums, owned, newest_first, retain, again, wanted, needed)
        else:  # on raw arrays: nothing is recorded
            backward_pass(sums, owned, newest_first, retain, again, wanted, needed)
        pass_leaves_through(sums, owned)
    finally:
        set_warnings(before) if token is None else reset_warnings(token)
    return (sums if wanted is None else {n: sums.get(n, g) for n, g in wanted.items()}), owned


# ---- the two ways to ask for gradients

CYCLE = ("Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient, which keeps memory "
         "until the garbage collector runs. Use autograd.grad when creating the graph, or set .grad to None after use")


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, *, inputs=None):
    """Add d(tensors)/d(leaf), weighted by `grad_tensors`, to the `.grad` of every leaf that they were computed from, or of `inputs`.

    tensors: one or several; grad_tensors: for each a tensor of its shape, or None for a tensor of one element (taken as 1).
    The graph is freed unless retain_graph; create_graph records the backward pass itself, for higher derivatives.
    inputs: tensors of the graph, computed ones too: these alone get a gradient (and those on the way that had `retain_grad()` called).
    """
    roots = contract.check_roots(tensors, grad_tensors, "backward")
    if create_graph:
        warnings.warn(CYCLE, stacklevel=3)
    wanted = None
    if inputs is not None:
        inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
        wanted = contract.check_wanted(inputs, "backward")
        for t in inputs:
            t.retain_grad()
    found, owned = differentiate(roots, retain_graph, create_graph, wanted)
    if wanted is not None:
        found = {leaf: g for leaf, g in found.items() if g is not None and type(leaf) is not Node}
    add_to_leaves(found, owned, create_graph)


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, *, allow_unused=None, materialize_grads=False):
    """Return d(outputs)/d(input) for each of `inputs`, weighted by `grad_outputs`: a tuple of tensors. No `.grad` is touched.

    An input that was not used is an error; its gradient is None with allow_unused, and zeros with materialize_grads.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: with materialize_grads=True unused inputs get zeros; leave allow_unused out or set it to True")
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    wanted = contract.check_wanted(inputs, "grad")
    roots = contract.check_roots(outputs, grad_outputs, "grad")
    found, _ = differentiate(roots, retain_graph, create_graph, wanted)
    result = []
    for i, t in enumerate(inputs):
        g = found[origin(t)]
        if g is None and materialize_grads:
            g = wrap(backend.array_module(t.array).zeros_like(t.array))
            g.requires_grad = create_graph
        elif g is None and not allow_unused:
            raise contract.unused(i, t)
        elif g is not None and not isinstance(g, Tensor):
            g = wrap(backend.copy(g, order="C"))
        result.append(g)
    return tuple(result)
