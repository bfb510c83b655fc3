"""Look inside a backward pass: explain it in words, draw it, sum up a network, find where a number went wrong."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .backward_steps import Contribution, Step, Steps, steps
    from .explaining import Explanation, explain
    from .health import Health, concerns, watch
    from .layer_summary import Layer, Summary, summary
    from .recording import lines

__all__ = ["Contribution", "Explanation", "Health", "Layer", "Step", "Steps", "Summary", "concerns", "explain", "lines", "steps", "summary",
           "watch"]

_PARTS = {  # {name: the module of this package that defines it}; a module has another name, as its own would hide the function
    "Explanation": "explaining", "explain": "explaining",
    "Health": "health", "concerns": "health", "watch": "health",
    "Layer": "layer_summary", "Summary": "layer_summary", "summary": "layer_summary",
    "lines": "recording",
    "Contribution": "backward_steps", "Step": "backward_steps", "Steps": "backward_steps", "steps": "backward_steps",
}  # fmt: skip

if not TYPE_CHECKING:  # so that type checkers report a name that does not exist

    def __getattr__(name: str) -> Any:
        """Import a part when it is asked for."""
        if name not in _PARTS:
            raise AttributeError(f"module 'minigrad.inspect' has no attribute {name!r}")
        return getattr(import_module(f"minigrad.inspect.{_PARTS[name]}"), name)

    def __dir__() -> list[str]:
        """Return the public names."""
        return __all__
