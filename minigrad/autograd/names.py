"""PyTorch's names for recorded operations, which a printed tensor shows in `grad_fn=<…>`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OTHERS = {
    "absolute": "Abs",
    "arctan": "Atan",
    "arctan2": "Atan2",
    "astype": "ToCopy",
    "broadcast_to": "Expand",
    "clip": "ClampBackward1",
    "copy": "Clone",
    "expand_dims": "Unsqueeze",
    "join": "Cat",
    "log1p": "Log1P",
    "mse": "MseLoss",
    "nll": "NllLoss",
    "put_diagonal": "DiagEmbed",
    "reshape": "View",
    "scatter": "IndexPut",
    "square": "Pow",
    "swapaxes": "Transpose",
    "take_along_axis": "Gather",
    "to_device": "ToCopy",
    "transpose": "Permute",
}


def grad_fn_name(node: Any) -> str:
    """Return the name of PyTorch's node for the same computation, e.g. TanhBackward0, or MyFunctionBackward for a Function."""
    if not node.op.owns:
        return f"{node.op.__name__}Backward"
    name = SPECIAL.get(node.op.__name__, _plain)(node)
    return name if "Backward" in name or name == "CopySlices" else f"{name}Backward0"


def _plain(node: Any) -> str:
    name = node.op.__name__
    return OTHERS.get(name) or "".join(word.capitalize() for word in name.split("_"))


def _reduction(node: Any) -> str:
    return f"{_plain(node)}Backward{int((node.options or {}).get('axis') is not None)}"


def _extreme(node: Any) -> str:
    return _plain(node) + "Backward1" if (node.options or {}).get("axis") is None else f"A{node.op.__name__}"


def _number(node: Any) -> int | None:
    """Return which argument, 0 or 1, is a Python number; None if neither is."""
    constants = node.constants or ()
    return next((i for i, c in enumerate(constants) if isinstance(c, int | float)), None)


def _assign(node: Any) -> str:
    last = node.options["last"]
    return "IndexPut" if isinstance(last, tuple) and any(hasattr(part, "dtype") for part in last) else "CopySlices"


def _getitem(node: Any) -> str:
    key = node.options["key"]
    parts = key if isinstance(key, tuple) else (key,)
    for part in reversed(parts):
        if part is None:
            return "Unsqueeze"
        if isinstance(part, int):
            return "Select"
        if isinstance(part, slice) and part != slice(None):
            return "Slice"
        if part is not Ellipsis and not isinstance(part, slice):
            return "Index"
    return "Slice" if any(isinstance(part, slice) for part in parts) else "Alias"


SPECIAL: dict[str, Callable[[Any], str]] = {
    "assign": _assign,
    "div": lambda node: "Mul" if _number(node) == 0 else "Div",  # PyTorch multiplies by the reciprocal
    "getitem": _getitem,
    "linear": lambda node: "Addmm" if len(node.shape) == 2 else "View",
    "matmul": lambda node: "Mm" if len(node.shape) == 2 else "UnsafeView",
    "max": _extreme,
    "mean": _reduction,
    "min": _extreme,
    "pow": lambda node: {1: "PowBackward0", None: "PowBackward1", 0: "PowBackward2"}[_number(node)],
    "round": lambda node: f"RoundBackward{int('decimals' in (node.options or {}))}",
    "sub": lambda node: "RsubBackward1" if _number(node) == 0 else "Sub",
    "sum": _reduction,
}
