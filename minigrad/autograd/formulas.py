"""The formulas that docstrings state: the value of an operation, and the gradient of each argument.

The first paragraph of an operation's docstring is, for example, "z = x · y,  dL/dx = g y,  dL/dy = g x", where g is dL/dz. The value is
called z where the arguments are x and y, else y. Arguments that never have a gradient are named at the end: ",  no gradient for indices".
"""

from __future__ import annotations

import re
from typing import Any


def formula(op: Any) -> str:
    """Return the formula of an operation, a `Function` or a public function: the paragraph of its docstring that states one, or ""."""
    text = getattr(op, "cls", op).__doc__ or ""  # a Function's node has its class in `cls`
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if re.search(r"dL/d\w+ = |, +no gradient", paragraph):
            return re.sub(r",\s+(?=dL/d|no gradient)", ",  ", re.sub(r"\s*\n\s*", " ", paragraph.strip()))
    return ""


def formula_of(op: Any, **names: str) -> str:
    """Return the formula with other names for its arguments: formula_of(ops.exp, x="input") is "y = e^input,  dL/dinput = g y"."""
    text = formula(op)
    for name, new in names.items():
        text = re.sub(rf"(?<![a-z]){name}(?![a-z])|(?<=dL/d){name}(?= )", new, text)
    return text


def formula_parts(op: Any) -> tuple[str, dict[str, str]]:
    """Return the parts of a formula: for tanh ("y = tanh(x)", {"x": "g (1 - y²)"}); for what states none ("", {})."""
    stated = re.sub(r",\s+no gradient( for [\w, ]+)?$", "", formula(op))
    value, *gradients = re.split(r"[,;]?\s+(?=dL/d\w+ = )", stated)
    pairs = (gradient.removeprefix("dL/d").split(" = ", 1) for gradient in gradients)
    return value, dict(pair for pair in pairs if len(pair) == 2)
