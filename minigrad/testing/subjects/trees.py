"""Nested inputs: tuples, lists, dicts, named tuples and dataclasses, taken apart into leaves with names and put together again."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any


def flatten(tree: Any, name: str) -> list[tuple[str, Any]]:
    """Return [(name, leaf)] of a nested value, with names as they are written in Python: x[0], x['w'], x.bias.

    Whatever is no tuple, list, dict or dataclass is a leaf. Structure sequences, as torch.max returns, are tuples.
    """
    return [(name + path, leaf) for path, leaf in _parts(tree)]


def rebuild(tree: Any, leaves: Any) -> Any:
    """Return a value nested as `tree`, whose leaves are taken from the iterator `leaves` in the order of `flatten`."""
    if type(tree) in (tuple, list) or hasattr(type(tree), "n_sequence_fields"):
        return type(tree)([rebuild(x, leaves) for x in tree])
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*[rebuild(x, leaves) for x in tree])
    if isinstance(tree, dict):
        items = {key: rebuild(x, leaves) for key, x in tree.items()}
        return items if type(tree) is dict else _like_dict(tree, items)
    if _is_dataclass(tree):
        return dataclasses.replace(tree, **{f.name: rebuild(getattr(tree, f.name), leaves) for f in _fields(tree)})
    return next(leaves)


def align(tree: Any, like: Any) -> list[Any] | None:
    """Return what `tree`, nested as `like`, has for each leaf of `like`, None for a missing key. Return None if it is nested otherwise."""
    steps = _steps(like)
    if steps is None:
        return [tree]
    if tree is None:
        return [None] * len(_parts(like))
    given = _steps(tree)
    if given is None or isinstance(tree, dict) != isinstance(like, dict) or (len(given) != len(steps) and not isinstance(like, dict)):
        return [tree] if given is None and len(_parts(like)) == 1 else None
    values = dict(given) if isinstance(like, dict) else dict(zip([step for step, _ in steps], [x for _, x in given]))
    parts = [align(values.get(step), x) for step, x in steps]
    return None if any(part is None for part in parts) else [leaf for part in parts for leaf in part or ()]


def pick(found: Any, inputs: Any, numbers: list[int], own: int, total: int) -> list[Any] | None:
    """Return, of gradients that a function returned, those of the leaves `numbers`; None if they are too many or too few.

    There may be one gradient for each input, nested as it is, one for each of its leaves, or one for each leaf of `numbers`. The leaves
    of the inputs are the first `own` of `total`; parameters follow.
    """
    parts = list(found) if isinstance(found, (tuple, list)) else [found]
    leaves: list[Any] | None = None
    if len(parts) == len(inputs):
        rows = [align(g, x) for g, x in zip(parts, inputs)]
        leaves = None if any(row is None for row in rows) else [leaf for row in rows for leaf in row or ()]
    if leaves is None and len(inputs) == 1 and _steps(inputs[0]) is not None:
        leaves = align(found, inputs[0])
    if leaves is None and len(parts) in (own, total):
        leaves = parts
    if leaves is not None and all(i < len(leaves) for i in numbers):
        return [leaves[i] for i in numbers]
    return parts if len(parts) == len(numbers) else None


def _parts(tree):
    steps = _steps(tree)
    return [("", tree)] if steps is None else [(step + path, leaf) for step, x in steps for path, leaf in _parts(x)]


def _steps(tree):
    """Return [(how the part is written after the whole, the part)]; None for a leaf."""
    if type(tree) in (tuple, list) or hasattr(type(tree), "n_sequence_fields"):
        return [(f"[{i}]", x) for i, x in enumerate(tree)]
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return [(f".{name}", x) for name, x in zip(tree._fields, tree)]
    if isinstance(tree, dict):
        return [(f"[{key!r}]", x) for key, x in tree.items()]
    if _is_dataclass(tree):
        return [(f".{f.name}", getattr(tree, f.name)) for f in _fields(tree)]
    return None


def _is_dataclass(x):
    return dataclasses.is_dataclass(x) and not isinstance(x, type)


def _fields(x):
    return [f for f in dataclasses.fields(x) if f.init]


def _like_dict(tree, items):
    """Return a dict of the class of `tree` (an OrderedDict, say) with these items."""
    new = copy.copy(tree)
    new.update(items)
    return new
