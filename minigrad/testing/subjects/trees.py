"""Nested inputs: tuples, lists, dicts, named tuples and dataclasses, taken apart into leaves with names and put together again."""

from __future__ import annotations

import dataclasses
from typing import Any


def flatten(tree: Any, name: str) -> list[tuple[str, Any]]:
    """Return [(name, leaf)] of a nested value, with names as they are written in Python: x[0], x['w'], x.bias.

    Whatever is no tuple, list, dict or dataclass is a leaf.
    """
    return [(name + path, leaf) for path, leaf in _parts(tree)]


def rebuild(tree: Any, leaves: Any) -> Any:
    """Return a value nested as `tree`, whose leaves are taken from the iterator `leaves` in the order of `flatten`."""
    if type(tree) in (tuple, list):
        return type(tree)([rebuild(x, leaves) for x in tree])
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*[rebuild(x, leaves) for x in tree])
    if isinstance(tree, dict):
        items = {key: rebuild(x, leaves) for key, x in tree.items()}
        return items if type(tree) is dict else _like_dict(tree, items)
    if _is_dataclass(tree):
        return dataclasses.replace(tree, **{f.name: rebuild(getattr(tree, f.name), leaves) for f in _fields(tree)})
    return next(leaves)


def _parts(tree):
    if type(tree) in (tuple, list):
        items = [(f"[{i}]", x) for i, x in enumerate(tree)]
    elif isinstance(tree, tuple) and hasattr(tree, "_fields"):
        items = [(f".{name}", x) for name, x in zip(tree._fields, tree)]
    elif isinstance(tree, dict):
        items = [(f"[{key!r}]", x) for key, x in tree.items()]
    elif _is_dataclass(tree):
        items = [(f".{f.name}", getattr(tree, f.name)) for f in _fields(tree)]
    else:
        return [("", tree)]
    return [(step + path, leaf) for step, x in items for path, leaf in _parts(x)]


def _is_dataclass(x):
    return dataclasses.is_dataclass(x) and not isinstance(x, type)


def _fields(x):
    return [f for f in dataclasses.fields(x) if f.init]


def _like_dict(tree, items):
    """Return a dict of the class of `tree` (an OrderedDict, say) with these items."""
    new = tree.copy()
    new.update(items)
    return new
