"""Readers of options that name a file or a folder."""

import argparse
import os
from pathlib import Path


def path(text: str) -> Path:
    """Return the path that an option names; an empty text, which pathlib takes for the current folder, is refused."""
    if not text:
        raise argparse.ArgumentTypeError("expected a name, found an empty text; the current folder is written as .")
    return Path(text)


def full_path(text: str) -> str:
    """Return a path that means the same when the run is resumed from another folder. An unknown ~user stays as it is."""
    return str(path(os.path.expanduser(text)).absolute())
