"""Look inside a backward pass: explain it in words, draw it, sum up a network, find where a number went wrong."""

from importlib import import_module
from typing import Any

_PARTS: dict[str, str] = {"Health": "health", "concerns": "health", "watch": "health"}  # {name: the module of this package that defines it}

__all__: list[str] = ["Health", "concerns", "watch"]


def __getattr__(name: str) -> Any:
    """Import a part when it is asked for."""
    if name not in _PARTS:
        raise AttributeError(f"module 'minigrad.inspect' has no attribute {name!r}")
    return getattr(import_module(f"minigrad.inspect.{_PARTS[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
