"""Where each operation was called: in `with lines():` a node keeps its source line, the layer that it belongs to, and its value."""

from __future__ import annotations

import linecache
import os
import sys
from contextvars import ContextVar
from types import FrameType
from typing import Any, Self

from ..autograd.graph import Node, Tensor, observers

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
PROGRAMS = tuple(PACKAGE + part + os.sep for part in ("experiments", "lessons"))  # their lines are a reader's, not the engine's
MODULE = os.path.join(PACKAGE, "nn", "module.py")

_entered: ContextVar[tuple[Any, ...]] = ContextVar("minigrad_observers", default=())  # the observers of this thread


class Made:
    """Where a node was made.

    file, line, text, function: the innermost line of the program, outside minigrad, that led to the call.
    root, path, layer: the outermost module whose call led there, the path in it of the innermost one, and the type of that.
    value: the array, or None if it was not kept.
    """

    __slots__ = ("file", "function", "layer", "line", "path", "root", "text", "value")

    def __init__(self, frame: FrameType | None, value: Any = None) -> None:
        self.file, self.line, self.function, modules = "", 0, "", []
        while frame is not None:
            code = frame.f_code
            name = code.co_filename
            if name == MODULE and code.co_name == "__call__":
                modules.append(frame.f_locals["self"])
            elif not self.file and (not name.startswith(PACKAGE) or name.startswith(PROGRAMS)):
                self.file, self.line, self.function = name, frame.f_lineno, code.co_name
            frame = frame.f_back
        self.text = linecache.getline(self.file, self.line).strip()
        self.root, self.path, self.layer, self.value = None, "", "", value
        if modules:
            self.root, inner = modules[-1], modules[0]
            self.layer = type(inner).__name__
            self.path = next((path for path, module in self.root.named_modules() if module is inner), "")

    def place(self) -> str:
        """Return the file's name, the line and its text, as in "train.py:12: h = (x @ w + b).tanh()"."""
        where = f"{os.path.basename(self.file)}:{self.line}"
        return f"{where}: {self.text}" if self.text else where

    def layer_name(self, names: Any = None) -> str:
        """Return the layer's path and type, as in "net.encoder.1 (Tanh)"; "" outside of any module."""
        if self.root is None:
            return ""
        name = (names.of(self.root) if names is not None else None) or ""
        path = ".".join(part for part in (name, self.path) if part)
        return f"{path} ({self.layer})" if path else self.layer


class Observer:
    """A block in which the engine tells of each operation and each backward pass of this thread."""

    def __enter__(self) -> Self:
        _entered.set((*_entered.get(), self))
        observers.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        observers.remove(self)
        _entered.set(tuple(observer for observer in _entered.get() if observer is not self))

    def is_of_this_thread(self) -> bool:
        """Return whether the block was entered in this thread or context."""
        return any(observer is self for observer in _entered.get())

    def recorded(self, inputs: Any, out: Tensor) -> None:
        """See an operation that was just recorded: its inputs and its value."""

    def watched(self, sums: Any) -> Any:
        """Return the sums that a backward pass is to use."""
        return sums


class lines(Observer):
    """In this block each recorded operation notes the line that called it, its layer, and its value, for `explain`, `steps` and `draw`.

    The values live as long as the graph, so a block is for a few passes that are to be looked at. Other threads are not touched.
    """

    def recorded(self, inputs: Any, out: Any) -> None:
        """Note where the operation was called, and its value."""
        if self.is_of_this_thread():
            out.node.made = Made(sys._getframe(2), out.array)


def made_of(node: Node) -> Made | None:
    """Return where a node was made, or None if it was recorded outside of `lines`."""
    return getattr(node, "made", None)
