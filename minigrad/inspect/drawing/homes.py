"""To which modules the boxes of a picture belong: as `lines` recorded it, or else as the paths of the parameters say."""

from __future__ import annotations

from typing import Any

from ..names import Names
from ..recording import Made

Home = tuple[tuple[str, str], ...]  # (path, what its frame says), the outermost module first


class Homes:
    """The modules of nodes and leaves, e.g. ("net", "net (Sequential)"), ("net.0", "net.0 (Linear)")."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._roots: dict[int, tuple[int, str, dict[str, str]]] = {}  # {id: (number, name, {path of a module in it: type})}
        self._kept: list[Any] = []  # the roots: while one lives, no other has its id
        self._leaves: dict[int, tuple[str, Home]] = {}  # {id of a parameter: (its name, the home)}

    def of_node(self, node: Any, made: Made | None) -> Home:
        """Return the home of a node: the modules whose call recorded it, or those of the only layer whose parameters it uses."""
        if made is not None and made.root is not None:
            return self._home(made.root, made.path)
        homes = [_by_name(self._names.of(p)) for p in node.parents if p is not None and hasattr(p, "array")]
        return _common([home for home in homes if home])

    def of_leaf(self, leaf: Any) -> Home | None:
        """Return the home of a leaf: that of its module; () for a variable, and None if nothing is known of it."""
        name = self._names.of(leaf)
        return self._leaves[id(leaf)][1] if id(leaf) in self._leaves else None if name is None else _by_name(name)

    def name_of(self, leaf: Any) -> str | None:
        """Return the name of a leaf: a variable, or its path in a module."""
        return self._names.of(leaf) or self._leaves.get(id(leaf), (None,))[0]

    def _home(self, root: Any, path: str) -> Home:
        if id(root) not in self._roots:
            self._look_at(root)
        number, name, types = self._roots[id(root)]
        parts = path.split(".") if path else []
        found = []
        for i in range(len(parts) + 1):
            inner = ".".join(parts[:i])
            shown = ".".join(part for part in (name, inner) if part)
            kind = types.get(inner, "")
            found.append((shown if name else f"{number}: {shown}", f"{shown} ({kind})" if shown and kind else shown or kind))
        return tuple(found)

    def _look_at(self, root: Any) -> None:
        name = self._names.of(root) or ""
        self._kept.append(root)
        self._roots[id(root)] = (len(self._roots), name, {path: type(module).__name__ for path, module in root.named_modules()})
        for path, parameter in root.named_parameters():
            full = ".".join(part for part in (name, path) if part)
            self._leaves.setdefault(id(parameter), (full, self._home(root, path.rpartition(".")[0])))


def _by_name(name: str | None) -> Home:
    """Return the home that a path tells: ("net", "net"), ("net.0", "net.0") of "net.0.weight"."""
    parts = (name or "").split(".")[:-1]
    paths = [".".join(parts[:i]) for i in range(1, len(parts) + 1)]
    return tuple((path, path) for path in paths)


def _common(homes: list[Home]) -> Home:
    """Return the modules that all homes begin with."""
    found = []
    for levels in zip(*homes):
        if len(set(levels)) > 1:
            break
        found.append(levels[0])
    return tuple(found)
