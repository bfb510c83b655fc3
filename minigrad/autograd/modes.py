"""Whether operations are recorded: `no_grad` and `enable_grad`, context variables that also decorate."""

from __future__ import annotations

import functools
import inspect
from contextvars import ContextVar

recording: ContextVar[bool] = ContextVar("minigrad_recording", default=True)


def is_grad_enabled() -> bool:
    """Whether operations on tensors that require gradients are recorded here."""
    return recording.get()


class set_grad_enabled:
    """Context manager or decorator: record operations, or not. Each thread has its own mode, restored after exceptions.

    As a plain call, `set_grad_enabled(False)`, it sets the mode at once, as in PyTorch.
    """

    def __init__(self, mode: bool):
        self.mode = bool(mode)
        self._tokens: list = [recording.set(self.mode)]
        self._entered = False

    def __enter__(self):
        if self._entered:
            self._tokens.append(recording.set(self.mode))
        self._entered = True

    def __exit__(self, *error):
        recording.reset(self._tokens.pop())

    def __call__(self, function):
        recording.reset(self._tokens.pop())
        return _wrapped(function, lambda: _Mode(self.mode))


class _Mode:
    """One of the two modes as context manager and decorator."""

    value = True

    def __init__(self, value=None):
        if value is not None:
            self.value = value
        self._tokens: list = []

    def __new__(cls, function=None):
        if callable(function):  # @no_grad without parentheses
            return _wrapped(function, cls)
        return super().__new__(cls)

    def __enter__(self):
        self._tokens.append(recording.set(self.value))

    def __exit__(self, *error):
        recording.reset(self._tokens.pop())

    def __call__(self, function):
        value = self.value
        return _wrapped(function, lambda: _Mode(value))


class no_grad(_Mode):
    """In this block (or decorated function or generator) nothing is recorded: results do not require gradients."""

    value = False


class enable_grad(_Mode):
    """In this block (or decorated function or generator) operations are recorded, also inside `no_grad`."""

    value = True


def _wrapped(function, mode):
    """`function` with the mode set around each call, and around each `next` of a generator."""
    if not inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def call(*args, **options):
            with mode():
                return function(*args, **options)

        return call

    @functools.wraps(function)
    def generate(*args, **options):
        with mode():
            generator = function(*args, **options)
        action, value = generator.send, None
        while True:
            try:
                with mode():
                    item = action(value)
            except StopIteration as end:
                return end.value
            try:
                action, value = generator.send, (yield item)
            except GeneratorExit:
                with mode():
                    generator.close()
                raise
            except BaseException as error:
                action, value = generator.throw, error

    return generate
