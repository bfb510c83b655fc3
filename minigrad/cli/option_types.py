"""Types for argparse: each reads the text of an option and returns its value, or raises an error that says what was expected."""

import argparse
import math
import os
from collections.abc import Callable
from pathlib import Path

from minigrad.experiments.config import LARGEST
from minigrad.serialization.tensor_file import shown


def path(text: str) -> Path:
    """Return the path that an option names. Refuse an empty text, which pathlib takes for the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("expected a name, found an empty text; the current folder is written as .")
    return Path(text)


def full_path(text: str) -> str:
    """Return the absolute path, so that it means the same when the run is resumed from another folder. An unknown ~user stays as it is."""
    return str(path(os.path.expanduser(text)).absolute())


def whole(smallest: int) -> Callable[[str], int]:
    """Return a type for whole numbers that are at least `smallest`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = smallest - 1
        if not smallest <= value <= LARGEST:
            most = f" and at most {LARGEST}" if value > LARGEST else ""
            raise argparse.ArgumentTypeError(f"expected a whole number, at least {smallest}{most}; found {shown(text)}")
        return value

    return read


def number(smallest: float = -math.inf, *, above: float = -math.inf) -> Callable[[str], float]:
    """Return a type for finite numbers that are at least `smallest` and more than `above`."""
    bound = "" if math.isinf(smallest) else f", at least {smallest:g}"
    bound += "" if math.isinf(above) else f", more than {above:g}"

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= smallest and value > above):
            raise argparse.ArgumentTypeError(f"expected a number{bound}; found {shown(text)}")
        return value

    return read
