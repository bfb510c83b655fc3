"""Hooks: functions of the user that get the gradient of a tensor, and may replace it."""

from __future__ import annotations

from .graph import Tensor, wrap
from .modes import in_mode


def run_hooks(hooks, g):
    """Return a gradient after a tensor's hooks, in order; what a hook returns replaces it. The key None is retain_grad's, the last."""
    for _, hook in sorted(hooks.items(), key=lambda item: item[0] is None):
        raw = not isinstance(g, Tensor)
        result = in_mode(not raw, hook, wrap(g) if raw else g)
        if result is not None:
            new = result.array if raw else result
            if new.shape != g.shape or new.dtype != g.dtype:
                raise RuntimeError(f"a hook returned shape {tuple(new.shape)}, {new.dtype} for a gradient of {tuple(g.shape)}, {g.dtype}")
            g = new
    return g


def pass_through(node, g, wanted, needed):
    """Return the gradient of a node after its hooks, and put it into `wanted` if it was asked for.

    As in PyTorch, `wanted` gets it as it is before the hooks where the pass goes on from this node, and else as it is after them.
    """
    before = g
    if node.hooks and g is not None:
        g = run_hooks(node.hooks, g)
    if needed is not None and node in wanted:
        wanted[node] = before if node in needed else g
    return g


def pass_leaf_through(leaf, sums):
    """Run the hooks of a leaf; an array that a hook returned is not among the owned ones."""
    g = sums[leaf]
    sums[leaf] = new = run_hooks(leaf.hooks, g)
    if new is not g:
        sums.owned.discard(leaf)
