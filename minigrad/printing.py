"""How a Tensor is printed: PyTorch's text to the letter, so that diff can compare what two programs print.

That includes the `torch.` in `dtype=torch.float64` and in `torch.Size([2, 3])`.
"""

from __future__ import annotations

import math
from typing import Any, SupportsIndex, overload

from .backend import get_default_dtype, to_numpy

PREFIX = "torch."
options: dict[str, Any] = {
    "precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None,
}  # fmt: skip
DEFAULTS = dict(options)
PROFILES: dict[str, dict[str, Any]] = {
    "default": DEFAULTS,
    "short": {**DEFAULTS, "precision": 2, "edgeitems": 2},
    "full": {**DEFAULTS, "threshold": math.inf},
}


class Size(tuple[int, ...]):
    """A shape: a tuple that prints as PyTorch's."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{PREFIX}Size([{', '.join(map(str, self))}])"

    def numel(self) -> int:
        """Return the number of elements."""
        return math.prod(self)

    @overload
    def __getitem__(self, key: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> Size: ...
    def __getitem__(self, key: Any) -> int | Size:
        part = tuple.__getitem__(self, key)
        return Size(part) if isinstance(key, slice) else part

    def __add__(self, other: Any) -> Size:
        return Size(tuple.__add__(self, tuple(other)))

    def __radd__(self, other: Any) -> Size:
        return Size(tuple(other) + tuple(self))

    def __mul__(self, times: Any) -> Size:
        return Size(tuple.__mul__(self, times))


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed; None leaves an option as it is; `sci_mode=None` means "as needed".

    precision:  digits behind the point (4)
    threshold:  a tensor of more elements is summarised (1000)
    edgeitems:  elements shown at either end of a summarised axis (3)
    linewidth:  characters in a line (80)
    profile:    "default", "short" or "full", before the others are applied
    sci_mode:   whether numbers are printed as 1.0000e+00
    """
    if profile is not None:
        if profile not in PROFILES:
            raise ValueError(f"set_printoptions: expected a profile among {', '.join(PROFILES)}, got {profile!r}")
        options.update(PROFILES[profile])
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    options.update({name: value for name, value in given.items() if value is not None}, sci_mode=sci_mode)


def format_tensor(tensor: Any) -> str:
    """Return the text of repr(tensor)."""
    array = to_numpy(tensor.array)
    head = "tensor("
    body = _format_array(array, len(head)) if array.size else "[]"
    return _with_suffixes(head + body, _suffixes(tensor, array), len(head))


def _suffixes(tensor: Any, array: Any) -> list[str]:
    """Return what is printed behind the numbers: device, size, dtype and history, each where it is not the usual one."""
    usual = {get_default_dtype().name}
    suffixes = []
    if str(tensor.device) != "cpu":
        suffixes.append(f"device='{tensor.device}'")
    if not array.size and array.ndim != 1:
        suffixes.append(f"size={array.shape}")
    if array.size:
        usual |= {"int64", "bool"}
    if array.dtype.name not in usual:
        suffixes.append(f"dtype={PREFIX}{array.dtype.name}")
    if tensor.grad_fn is not None:
        suffixes.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    return suffixes


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    """Return the text with the suffixes and the closing parenthesis behind it; a suffix that is too long for the line begins another."""
    length = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        fits = length + len(suffix) + 2 <= options["linewidth"]
        text += (", " if fits else ",\n" + " " * indent) + suffix
        length = (length + 2 if fits else indent) + len(suffix)
    return text + ")"


def _format_array(array: Any, indent: int) -> str:
    """Return the numbers of an array in brackets, without the middle of each long axis if there are more than the threshold."""
    n = options["edgeitems"]
    cut = [array.size > options["threshold"] and size > 2 * n for size in array.shape]
    for axis, size in enumerate(array.shape):
        if cut[axis]:
            array = array.take([*range(n), *range(size - n, size)], axis)
    return _nested(array, indent, cut, Formatter(array.reshape(-1).tolist(), floating=array.dtype.kind == "f"))


def _nested(array: Any, indent: int, cut: list[bool], formatter: Formatter) -> str:
    """Return the numbers of an array in brackets, with "..." in the middle of each axis that was cut."""
    if array.ndim == 0:
        return formatter(array.item())
    parts = [_nested(part, indent + 1, cut[1:], formatter) for part in array]
    if cut[0]:
        parts.insert(options["edgeitems"], " ..." if array.ndim == 1 else "...")
    if array.ndim == 1:
        return _lines(parts, indent, formatter)
    gap: str = "\n" * (array.ndim - 1) + " " * (indent + 1)
    return "[" + ("," + gap).join(parts) + "]"


def _lines(words: list[str], indent: int, formatter: Formatter) -> str:
    """Return the words in brackets, as many in each line as fit."""
    per_line = max(1, (options["linewidth"] - indent) // (formatter.width + 2))
    lines = [", ".join(words[i : i + per_line]) for i in range(0, len(words), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


class Formatter:
    """One width and one notation for all numbers of a tensor, chosen by those that are finite and not 0."""

    def __init__(self, values: list[Any], floating: bool) -> None:
        self.floating, self.scientific, self.whole, self.width = floating, False, True, 1
        counted = values
        if floating:
            counted = [value for value in values if value != 0 and math.isfinite(value)]
            sizes = [abs(value) for value in counted]
            self.whole = all(value == math.floor(value) for value in counted)
            self.scientific = bool(sizes) and self._needs_exponents(min(sizes), max(sizes))
        self.width = max([1, *(len(self._text(value)) for value in counted)])

    @staticmethod
    def _needs_exponents(smallest: float, largest: float) -> bool:
        if options["sci_mode"] is not None:
            return bool(options["sci_mode"])
        return largest / smallest > 1000 or largest > 1e8 or smallest < 1e-4

    def _text(self, value: Any) -> str:
        if not self.floating:
            return str(value)
        if self.scientific:
            return f"{value:.{options['precision']}e}"
        if self.whole:
            return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"
        return f"{value:.{options['precision']}f}"

    def __call__(self, value: Any) -> str:
        return self._text(value).rjust(self.width)
