"""Hooks: functions of the user that get the gradient of a tensor, or what a node gets and gives, and may replace it."""

from __future__ import annotations

from typing import Any

from . import contract
from .graph import Tensor, wrap
from .handles import AFTER, BEFORE
from .modes import in_mode

# ---- of a tensor


def run_hooks(hooks, g):
    """Return a gradient after a tensor's hooks, in order; what a hook returns replaces it. The key None is retain_grad's, the last."""
    of_tensor = [item for item in hooks.items() if type(item[0]) is not str]
    for _, hook in sorted(of_tensor, key=lambda item: item[0] is None):
        raw = not isinstance(g, Tensor)
        result = in_mode(not raw, hook, wrap(g) if raw else g)
        if result is not None:
            new = result.array if raw else result
            if new.shape != g.shape or new.dtype != g.dtype:
                raise RuntimeError(f"a hook returned shape {tuple(new.shape)}, {new.dtype} for a gradient of {tuple(g.shape)}, {g.dtype}")
            g = new
    return g


def pass_through(node, g, wanted, needed):
    """Return the gradient of a node after the hooks before its VJPs, and put it into `wanted` if it was asked for.

    As in PyTorch, `wanted` gets it as it is before the hooks where the pass goes on from this node, and else as it is after them.
    """
    before = g
    if node.hooks and g is not None:
        g = run_hooks(node.hooks, g)
    if needed is not None and node in wanted:
        wanted[node] = before if node in needed else g
    return g if needed is not None and node not in needed else before_vjps(node, g)


def pass_leaf_through(leaf, sums):
    """Run the hooks of a leaf; an array that a hook returned is not among the owned ones."""
    g = sums[leaf]
    sums[leaf] = new = run_hooks(leaf.hooks, g)
    if new is not g:
        sums.owned.discard(leaf)


def accumulated(leaf, create):
    """Call the hooks that `register_post_accumulate_grad_hook` gave a leaf."""
    for hook in tuple(leaf.hooks.get(AFTER, {}).values()):
        in_mode(create, hook, leaf)


# ---- of a node


def before_vjps(node, g):
    """Return the gradient that the VJPs of a node get, after the hooks of `register_prehook`."""
    if node.hooks and BEFORE in node.hooks:
        (g,) = run_node_hooks(node.hooks[BEFORE], (g,), node)
    return g


def hooked(node, vjps, g, sums, wanted, needed):
    """Return (parents, VJPs) with which the pass goes on: VJPs that return what the hooks of the node leave of its VJPs' results for g.

    A parent that gets no gradient is None in the first. Without such hooks, return both as they are.
    """
    if not node.hooks.get(AFTER):
        return node.parents, vjps
    made: list[Any] = [None] * len(node.parents)
    for i, (parent, vjp) in enumerate(zip(node.parents, vjps)):
        if parent is not None and (needed is None or parent in needed or parent in wanted):
            made[i] = contract.fit(vjp(g), g, node, getattr(parent, "array", parent))
    left = run_node_hooks(node.hooks[AFTER], tuple(made), node, (g,))
    sums.visit([parent for parent, before, c in zip(node.parents, made, left) if before is not None and c is None])
    return [None if c is None else parent for parent, c in zip(node.parents, left)], [returning(c) for c in left]


def returning(c):
    """Return a VJP that returns what was computed already."""
    return lambda g: c


def run_node_hooks(hooks, gradients, node, *beside):
    """Return a tuple of gradients, arrays or tensors or None, after hooks that are called with them as tensors, and with those `beside`."""
    tensors, recorded = _as_tensors(gradients), any([isinstance(g, Tensor) for g in (*gradients, *sum(beside, ()))])
    others = [_as_tensors(given) for given in beside]
    for hook in tuple(hooks.values()):
        result = in_mode(recorded, hook, tensors, *others)
        if result is not None:
            _check_replacement(result, tensors, node)
            tensors = result
    return tensors if recorded else tuple([None if t is None else t.array for t in tensors])


def _as_tensors(gradients):
    return tuple([g if g is None or isinstance(g, Tensor) else wrap(g) for g in gradients])


def _check_replacement(new, old, node):
    """Raise unless a hook of `node` returned a tuple of tensors, or None, that can stand for the gradients."""
    where = f"a hook of {node.name()} (output shape {tuple(node.shape)})"
    if not isinstance(new, tuple):
        raise TypeError(f"{where} must return a tuple of {len(old)} gradients, or None to leave them; it returned {type(new).__name__}")
    if len(new) != len(old):
        raise RuntimeError(f"{where} returned {len(new)} gradients instead of {len(old)}")
    for i, (a, b) in enumerate(zip(new, old)):
        if a is not None and not isinstance(a, Tensor):
            raise TypeError(f"{where} returned {type(a).__name__} as gradient {i}; return tensors, or None")
        if a is not None and b is None:
            raise RuntimeError(f"{where} returned a gradient at {i}, where there is None: that argument needs none")
        if a is not None and (a.shape != b.shape or a.dtype != b.dtype or type(a.array) is not type(b.array)):
            raise RuntimeError(f"{where} returned shape {tuple(a.shape)}, {a.dtype} for gradient {i} of {tuple(b.shape)}, {b.dtype}")
