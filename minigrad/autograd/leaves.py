"""The end of a backward pass: its sums are added to the `.grad` of the leaves, by one thread at a time."""

from __future__ import annotations

import os
import sys
import threading
import time

from .. import backend
from .graph import wrap
from .hooks import accumulated
from .writes import wrote


def add_to_leaves(sums, owned, create):
    """Add the gradients {leaf: gradient} to the leaves. `owned` are the leaves whose gradient is an array that nobody else has."""
    turn = [threading.get_ident()]
    try:
        if _turn.setdefault(0, turn) is not turn:
            _wait_for(turn)
        for leaf, g in sums.items():
            if leaf._requires_grad:  # or it was switched off after the forward pass
                _accumulate(leaf, g, leaf in owned, create)
    finally:
        if 0 in _turn and _turn[0] is turn:
            del _turn[0]
    for leaf in sums:
        if leaf.hooks and leaf._requires_grad:
            accumulated(leaf, create)


_turn: dict = {}  # {0: [thread]} of the call of `backward` that adds to the gradients of leaves, or empty


def _wait_for(turn):
    """Wait until no other thread adds to the gradients of leaves, so that none of two sums is lost; then let `turn` be its turn.

    A backward pass in a signal handler or a finalizer does not wait for its own thread, nor, while Python ends, for another.
    """
    while (other := _turn.setdefault(0, turn)) is not turn and other[0] != turn[0] and not sys.is_finalizing():
        time.sleep(1e-5)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_turn.clear)


def _accumulate(leaf, g, owned, create):
    """Compute leaf.grad += g; the first gradient becomes an array that nobody else has, a copy of `g` unless it is `owned`."""
    before = leaf._grad
    if create:
        leaf._grad = backend.array_module(g).copy(g) if before is None else before + g
    elif before is None:
        first = wrap(g if owned else backend.copy(g, order="C"))
        if leaf._grad is None:
            leaf._grad = first
        else:  # a backward pass in a signal handler has set it meanwhile
            _accumulate(leaf, g, owned, create)
    elif before._requires_grad:
        leaf._grad = wrap(backend.asarray(before.array + g, like=g))
    else:
        before.array += g
        wrote(before.array)
