"""`no_grad`, `enable_grad`, `set_grad_enabled`, `inference_mode`: whether operations are recorded, in a block or a decorated function."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])
recording: ContextVar[Any] = ContextVar("minigrad_recording", default=True)  # True, False, or the block that decides


def is_grad_enabled() -> bool:
    """Return whether operations on tensors that require gradients are recorded here."""
    return bool(recording.get())


class _Block:
    """One `with` block. It is true if operations in it are recorded; once it is left, the mode that was set before it decides again."""

    __slots__ = ("before", "manager", "of", "value")

    def __init__(self, manager, before):
        self.of, self.manager, self.before = manager.value, weakref.ref(manager), before
        self.value = bool(self.of)

    def __bool__(self):
        return bool(self.before) if self.is_left() else self.value

    def is_left(self):
        """Return whether the block was left, also by an exception that a signal handler raised before `__exit__` did anything.

        The `with` statement no longer holds its manager then.
        """
        return self.manager() is None


class _Mode:
    """A mode as context manager and decorator. Each thread has its own mode, and the end of a block restores the mode from before."""

    value: Any = True

    def __init__(self):
        self._entered = []  # for each block that was entered and not left: [block, token that restores the mode from before]

    def __new__(cls, function=None):
        if callable(function):  # @no_grad without parentheses
            return _wrapped(function, cls.value)
        return super().__new__(cls)

    def __enter__(self) -> None:
        self._enter(recording.get())

    def _enter(self, before, token=None):
        while type(before) is _Block and before.is_left():
            before = before.before
        block = _Block(self, before)
        entry = [block, token]
        self._entered.append(entry)
        try:
            first = recording.set(block)
            entry[1] = token or first
        except BaseException:
            recording.set(before)
            raise

    def __exit__(self, *error: object) -> None:
        block, token = self._entered[-1]
        try:
            recording.reset(token)
        except ValueError:  # the block was entered in another context
            recording.set(block.before)
        block.value = bool(block.before)  # for a context in which the block is still set
        del self._entered[-1]

    def __call__(self, function: F) -> F:
        return _wrapped(function, self.value)


if TYPE_CHECKING:  # type checkers do not know that calling a class with a function may return a function

    class ModeOrDecorator(Protocol):
        """The type of no_grad and enable_grad, used as `with no_grad():`, `@no_grad()` or `@no_grad`."""

        @overload
        def __call__(self) -> _Mode: ...
        @overload
        def __call__(self, function: F, /) -> F: ...

    no_grad: ModeOrDecorator
    enable_grad: ModeOrDecorator
else:

    class no_grad(_Mode):
        """In this block (or decorated function or generator) nothing is recorded: results do not require gradients."""

        value = False

    class enable_grad(_Mode):
        """In this block (or decorated function or generator) operations are recorded, also inside `no_grad`."""

        value = True


class set_grad_enabled(_Mode):
    """Context manager or decorator: record operations, or not. Each thread has its own mode, restored after exceptions.

    As a plain call, `set_grad_enabled(False)`, it sets the mode at once, as in PyTorch.
    """

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled: expected True or False, got {type(mode).__name__}")
        super().__init__()
        self.value, before = mode, recording.get()
        self._first = [(before, recording.set(self.value))]  # the mode before the call and its token, until a block is entered

    def __new__(cls, mode: bool) -> Self:
        return object.__new__(cls)

    def __enter__(self) -> None:
        self._enter(*(self._first.pop() if self._first else (recording.get(),)))

    def __call__(self, function: F) -> F:
        recording.set(self._first.pop()[0])
        return _wrapped(function, self.value)


INFERENCE = ()  # the mode in `inference_mode`: it is false, so that nothing is recorded


class inference_mode(_Mode):
    """In this block (or decorated function or generator) nothing is recorded, as in `no_grad`; with mode=False, operations are recorded.

    Its results are ordinary tensors, which may take part in recorded computations later.
    """

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self.value = INFERENCE if mode else True

    def __new__(cls, mode: Any = True) -> Any:
        return _wrapped(mode, INFERENCE) if callable(mode) else object.__new__(cls)


def is_inference_mode_enabled() -> bool:
    """Return whether this is inside `inference_mode`."""
    mode: Any = recording.get()
    while type(mode) is _Block and (mode.is_left() or mode.of is False):  # no_grad inside of it does not end it
        mode = mode.before
    return getattr(mode, "of", mode) is INFERENCE


def in_mode(value, function, *args, **options):
    """Return function(*args, **options), called with recording on or off. Off already, it stays as it is: `inference_mode` may be why."""
    before, token = recording.get(), None
    try:
        token = recording.set(before if value is False and not before else value)
        return function(*args, **options)
    finally:
        recording.set(before) if token is None else recording.reset(token)


def _wrapped(function, value):
    """Return `function` with the mode set around each call, and around each `next` of a generator."""
    if not inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def call(*args, **options):
            return in_mode(value, function, *args, **options)

        return call

    @functools.wraps(function)
    def generate(*args, **options):
        generator = in_mode(value, function, *args, **options)
        action, sent = generator.send, None
        while True:
            try:
                item = in_mode(value, action, sent)
            except StopIteration as end:
                return end.value
            try:
                action, sent = generator.send, (yield item)
            except GeneratorExit:
                in_mode(value, generator.close)
                raise
            except BaseException as error:
                action, sent = generator.throw, error

    return generate
