"""The numbers that the lectures print, which pictures and reports show beside those of a run."""

import json
from importlib import resources
from typing import Any


def load_lecture_tables() -> dict[str, Any]:
    """Return the tables of lecture_tables.json by lecture."""
    text = resources.files("minigrad.experiments").joinpath("lecture_tables.json").read_text(encoding="utf-8")
    tables: dict[str, Any] = json.loads(text)
    return tables
