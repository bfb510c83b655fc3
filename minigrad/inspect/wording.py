"""What texts say of arrays and of the gradients in a backward pass, and what a terminal can show of it."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

from ..backend import to_numpy
from .backward_steps import Contribution, Step

FEW = 6  # so many numbers are written out
NOTABLE = 10  # a gradient that grows or shrinks by this factor is worth a remark
PLAIN = {  # what stands for a character where the output can only show ASCII
    "→": "->", "²": "^2", "³": "^3", "ᵀ": "^T", "·": "*", "…": "...", "Σ": "sum ", "√": "sqrt ", "≤": "<=", "≥": ">=", "≠": "!=", "×": "x",
    "−": "-", "∞": "inf", "⌊": "floor(", "⌋": ")", "—": "-", "‖": "||", "ᵢ": "_i", "ʸ": "^y", "ˣ": "^x", "⁻": "^-", "¹": "1", "½": "1/2",
}  # fmt: skip


def shape_text(tensor: Any) -> str:
    """Return a shape as Python writes it, e.g. "(3, 4)"."""
    return str(tuple(int(n) for n in tensor.shape))


def norm(tensor: Any) -> float:
    """Return √(Σ x²) of a tensor's elements in float64, without overflow: 0 if there are none, NaN or inf if one is."""
    x = np.absolute(to_numpy(tensor.array).astype(np.float64))
    peak = float(x.max(initial=0))
    return peak * float(np.linalg.norm((x / peak).ravel())) if 0 < peak < np.inf else peak


def numbers(tensor: Any) -> str:
    """Return the numbers of a tensor if they are few, else their range and norm, and how many are not finite."""
    x = to_numpy(tensor.array)
    if x.size == 0:
        return "empty"
    if x.size <= FEW:
        return _written(x.tolist())
    if x.dtype.kind != "f":
        return f"{x.min()} … {x.max()}"
    finite = x[np.isfinite(x)]
    if finite.size < x.size:
        return f"{_not_finite(x)}" + (f", the others {finite.min():.4g} … {finite.max():.4g}" if finite.size else "")
    low, high = f"{x.min():.4g}", f"{x.max():.4g}"
    return f"all {low}, norm {norm(tensor):.4g}" if low == high else f"{low} … {high}, norm {norm(tensor):.4g}"


def _written(numbers: Any) -> str:
    """Return numbers in nested lists as Python writes them, with five digits."""
    if isinstance(numbers, list):
        return f"[{', '.join(map(_written, numbers))}]"
    return f"{numbers:.5g}" if isinstance(numbers, float) else str(numbers)


def _not_finite(x: Any) -> str:
    counts = {"nan": int(np.isnan(x).sum()), "inf": int((x == np.inf).sum()), "-inf": int((x == -np.inf).sum())}
    found = " and ".join(f"{n} × {name}" for name, n in counts.items() if n)
    return f"{found} of {x.size} elements"


def is_finite(tensor: Any) -> bool:
    """Return whether all elements of a tensor are finite."""
    return bool(np.isfinite(to_numpy(tensor.array)).all())


def remarks(step: Step, contribution: Contribution) -> list[tuple[str, bool]]:
    """Return in words what happened to a gradient on its way to an argument, as (text, whether it is a warning)."""
    c, g, found = contribution.value, step.g, []
    if c is None or g is None:
        return [("no gradient: the backward of this Function returned None", False)] if c is None else []
    if contribution.summed_axes:
        axes = ", ".join(map(str, contribution.summed_axes))
        word = "axis" if len(contribution.summed_axes) == 1 else "axes"
        found.append((f"summed over {word} {axes} of {contribution.returned_shape}: it was broadcast", False))
    found += _size_remarks(g, c)
    if contribution.use > 1 and contribution.total is not None:
        found.append((f"added: use {contribution.use} of {contribution.name}, the sum is {numbers(contribution.total)}", False))
    return found


def _size_remarks(g: Any, c: Any) -> list[tuple[str, bool]]:
    """Return what there is to say of the size of a contribution, compared with that of the gradient which it was computed from."""
    before, after = norm(g), norm(c)
    if not is_finite(c):
        text = "not finite from here on" if is_finite(g) else "still not finite"
        return [(f"{text}: {_not_finite(to_numpy(c.array))}", True)]
    if not np.isfinite(before) or before == 0 or c.array.size == 0:
        return []
    if after == 0:
        return [("all zero from here on", True)]
    ratio = after / before
    if ratio >= NOTABLE:
        return [(f"grows by {ratio:.3g}", False)]
    return [(f"shrinks to 1/{1 / ratio:.3g}", False)] if ratio <= 1 / NOTABLE else []


# ---- terminals


def width_of_terminal() -> int:
    """Return how many columns the terminal has; 80 where there is none."""
    import shutil

    return max(40, shutil.get_terminal_size((80, 24)).columns)


def has_colours(stream: Any = None) -> bool:
    """Return whether a stream (the standard output by default) is a terminal that shows colours; NO_COLOR switches them off."""
    stream = sys.stdout if stream is None else stream
    return bool(getattr(stream, "isatty", bool)()) and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def printable(text: str, encoding: str | None = None) -> str:
    """Return the text with other characters for those that an encoding (the standard output's by default) cannot write."""
    encoding = encoding or getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
        return text
    except UnicodeEncodeError:
        for character, plain in PLAIN.items():
            text = text.replace(character, plain)
        return text.encode(encoding, "backslashreplace").decode(encoding)
