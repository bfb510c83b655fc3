"""Where each operation was called: in `with lines():` a node keeps its source line, the layer that it belongs to, and its value."""

from __future__ import annotations

import linecache
import os
import re
import sys
import threading
from contextvars import ContextVar
from types import FrameType
from typing import Any, Self

from ..autograd import engine
from ..autograd.graph import Node, Tensor

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
PROGRAMS = tuple(PACKAGE + part + os.sep for part in ("experiments", "lessons"))  # their lines are a reader's, not the engine's
CELL = re.compile(r"ipykernel_|<ipython-input")  # in the name that a notebook's cell has in place of a file's
MODULE = os.path.join(PACKAGE, "nn", "module.py")

_changing = threading.Lock()  # held while the tuple of the engine's observers is exchanged for another
_entered: ContextVar[tuple[Any, ...]] = ContextVar("minigrad_observers", default=())  # the observers of this thread


class Made:
    """Where a node was made.

    file, line, function: the innermost line of the program, outside minigrad, that led to the call.
    root, inner: the outermost and the innermost module whose call led there; None outside of any.
    value: the array, or None if it was not kept. flaw: what is not finite in it, see `anomalies`.
    """

    __slots__ = ("file", "flaw", "function", "inner", "line", "root", "value")

    def __init__(self, frame: FrameType | None) -> None:
        self.file, self.line, self.function = "", 0, ""
        self.value: Any = None
        self.flaw: Any = None
        self.root: Any = None
        self.inner: Any = None
        while frame is not None:
            code = frame.f_code
            if code.co_filename == MODULE and code.co_name == "__call__":
                self.root = frame.f_locals["self"]
                self.inner = self.inner or self.root
            elif not self.file and is_of_program(code.co_filename):
                self.file, self.line, self.function = code.co_filename, frame.f_lineno, code.co_name
            frame = frame.f_back

    @property
    def text(self) -> str:
        """The text of the line; "" where the source is not known."""
        return linecache.getline(self.file, self.line).strip()

    @property
    def path(self) -> str:
        """The path of the innermost module in the outermost, as in "encoder.1"; "" for the outermost itself."""
        return "" if self.root is None else next((path for path, module in self.root.named_modules() if module is self.inner), "")

    def place(self) -> str:
        """Return the file's name, the line and its text, as in "train.py:12: h = (x @ w + b).tanh()"; "cell" for one of a notebook."""
        name = "cell" if CELL.search(self.file) else os.path.basename(self.file)
        where = f"{name}:{self.line}"
        return f"{where}: {self.text}" if self.text else where

    def layer_name(self, names: Any = None) -> str:
        """Return the layer's path and type, as in "net.encoder.1 (Tanh)"; "" outside of any module."""
        if self.root is None:
            return ""
        name = (names.of(self.root) if names is not None else None) or ""
        path, kind = ".".join(part for part in (name, self.path) if part), type(self.inner).__name__
        return f"{path} ({kind})" if path else kind


def is_of_program(file: str) -> bool:
    """Return whether a source file belongs to a program that uses minigrad; the lectures and lessons do."""
    return not file.startswith(PACKAGE) or file.startswith(PROGRAMS)


def program_frame(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame of the program, from `frame` on outwards."""
    while frame is not None and not is_of_program(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


class Observer:
    """A block in which the engine tells of each operation and each backward pass of this thread."""

    def __enter__(self) -> Self:
        with _changing:
            engine.observers = (*engine.observers, self)
        _entered.set((*_entered.get(), self))
        return self

    def __exit__(self, *error: object) -> None:
        with _changing:
            engine.observers = _without(engine.observers, self)
        _entered.set(_without(_entered.get(), self))

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
            noted(out.node, sys._getframe(3)).value = out.array


def noted(node: Any, frame: FrameType | None) -> Made:
    """Return where a node was made, from the frame that calls the operation; several blocks share what is noted."""
    made = made_of(node)
    if made is None:
        made = node.made = Made(frame)
    return made


def _without(observers: tuple[Any, ...], one: Any) -> tuple[Any, ...]:
    """Return the observers without the last occurrence of one of them, which may have been entered several times."""
    places = [i for i, observer in enumerate(observers) if observer is one]
    return observers if not places else observers[:places[-1]] + observers[places[-1] + 1:]


def made_of(node: Node) -> Made | None:
    """Return where a node was made, or None if it was recorded outside of a block that notes it."""
    return getattr(node, "made", None)
