"""What registering a hook returns, and where hooks are kept."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

BEFORE, AFTER = "before", "after"  # keys, beside the numbers of a tensor's hooks, of a node's hooks around its VJPs; AFTER also of a leaf's


class Handle:
    """A registered hook: `remove()` takes it away, and so does the end of a `with` block."""

    _numbers = itertools.count()

    def __init__(self, hooks: dict[Any, Any], hook: Callable[..., Any]) -> None:
        self._hooks, self._number = hooks, next(Handle._numbers)
        hooks[self._number] = hook

    def remove(self) -> None:
        """Take the hook away."""
        self._hooks.pop(self._number, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def register(owner: Any, hook: Callable[..., Any], key: str | None = None) -> Handle:
    """Add a hook to those of a node or a leaf: to the hooks of the tensor, or with a key to those that are kept under it."""
    if owner.hooks is None:
        owner.hooks = {}
    return Handle(owner.hooks if key is None else owner.hooks.setdefault(key, {}), hook)
