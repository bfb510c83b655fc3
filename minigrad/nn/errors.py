"""Errors inside a network say which layer of it they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .module import Module


class LayerError(RuntimeError):
    """The error of a layer that got an input it cannot take. The message begins with the layer's path in the network and its type."""

    def __init__(self, layer: Module, problem: str) -> None:
        super().__init__(problem)
        self.layer = layer
        self.path = ""

    def __str__(self) -> str:
        return f"{describe(self.layer, self.path)}: {self.args[0]}"


def describe(layer: Module, path: str) -> str:
    """Return a text such as 'encoder.0 (Linear)', or 'Linear' for a layer that is in no network."""
    name = type(layer).__name__
    return f"{path} ({name})" if path else name


def locate(error: Exception, module: Module) -> None:
    """Note in `error` the path within `module` of the layer that raised it.

    Every module that the error passes through calls this, so that the path of the outermost one, the longest, is what remains.
    """
    attributes = error.__dict__
    layer = attributes.setdefault("layer", module)
    path = next((name for name, child in module.named_modules() if child is layer), None)
    if path is None:  # `module` called a layer that is not inside it: the path noted so far stays
        return
    attributes["path"] = path
    if not isinstance(error, LayerError):
        old = attributes.get("layer_note")
        notes = [note for note in getattr(error, "__notes__", []) if note != old]
        attributes["layer_note"] = f"raised in layer {describe(layer, path)}"
        error.__notes__ = [*notes, attributes["layer_note"]]
