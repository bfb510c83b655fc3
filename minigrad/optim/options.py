"""The options of an optimizer, as its `__init__` is given them."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor


def options_of(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the options among the arguments of an optimizer's `__init__`, which are its `locals()`.

    Those that choose among PyTorch's kernels are left out: foreach and fused have no effect here. Raise NotImplementedError, which is a
    RuntimeError, for capturable=True and differentiable=True.
    """
    options = {name: value for name, value in arguments.items() if name not in ("self", "params", "__class__")}
    if options.pop("foreach", None) and options.get("fused"):
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    options.pop("fused", None)
    for name, instead in (("capturable", "a step needs no such preparation"), ("differentiable", "write p = p - lr * g instead of a step")):
        if options.pop(name, False):
            raise NotImplementedError(f"{name}=True is not supported by minigrad's optimizers; {instead}")
    return options


def plain(option: Any) -> Any:
    """Return the number in a tensor of one element; anything else as it is."""
    return option.item() if isinstance(option, Tensor) and option.numel() == 1 else option
