"""The error for a name that a module of minigrad does not have: it tells the nearest names, and the page that helps."""

from __future__ import annotations

import re
import sys
from typing import Any

NOT_HERE = {  # what PyTorch has and minigrad has not, by a part of the name in lower case
    r"conv(_?transpose)?[1-3]d": "convolutions",
    r"pool": "pooling",
    r"^(lstm|gru|rnn)": "recurrent layers",
    r"batch_?norm[23]d|(group|instance|rms|response)_?norm": "normalisation but BatchNorm1d and LayerNorm",
    r"dropout.+|.+dropout": "dropout but Dropout",
    r"embedding_?bag": "EmbeddingBag",
    r"transformer|multihead|dot_product": "attention",
    r"complex|^(real|imag|conj)$": "complex numbers",
    r"sparse": "sparse tensors",
    r"bfloat16": "bfloat16",
    r"^(fft|special|distributions|distributed|jit|compile|func|vmap|fx|onnx|amp|autocast|profiler|multiprocessing|hub)$":
        "counterpart of torch.{}",
}  # fmt: skip
PAGES = {"minigrad.optim": "optim", "minigrad.optim.lr_scheduler": "optim", "minigrad.autograd": "autograd"}  # in docs/api, by module
OWN = "docs/extending.md shows how to write an operation of your own"


class UnknownName(AttributeError):
    """An AttributeError that looks for the nearest names when its text is read: `hasattr` and `getattr` with a default never read it."""

    __module__, __qualname__ = "builtins", "AttributeError"  # as a traceback shows it

    def __init__(self, module: Any, name: str) -> None:
        super().__init__(f"module {module.__name__!r} has no attribute {name!r}", obj=module)  # with obj Python adds no names of its own
        self.unknown = name

    def __str__(self) -> str:
        return self.args[0] + hint(self.obj, self.unknown)

    def __reduce__(self) -> Any:
        return AttributeError, (str(self),)


def unknown(module: str, name: str) -> AttributeError:
    """Return the error for a name that the module called `module` does not have; of a private name it says no more."""
    error = UnknownName(sys.modules[module], name)
    return error if name[:1] != "_" else AttributeError(*error.args)


def hint(module: Any, name: str) -> str:
    """Return what the error says beside Python's words."""
    for pattern, kind in NOT_HERE.items():
        if re.search(pattern, name.lower()):
            return f"; minigrad has no {kind.format(name)}, as docs/deviations.md says"
    near = nearest(name, getattr(module, "__all__", None) or [known for known in dir(module) if known[:1] != "_"])
    listed = " and ".join(filter(None, (", ".join(near[:-1]), near[-1]))) if near else ""
    names = f"; the nearest {'name is' if len(near) == 1 else 'names are'} {listed}" if near else ""
    page = PAGES.get(module.__name__)
    return f"{names}; {f'docs/api/{page}.md shows all that it has' if page else OWN}"


def nearest(name: str, names: list[str]) -> list[str]:
    """Return up to three of the names that look like `name`, whatever their case, the nearest first."""
    from difflib import get_close_matches

    by_case = {known.lower(): known for known in names}
    return [by_case[found] for found in get_close_matches(name.lower(), by_case, 3, 0.55)]
