"""How much memory is resident at the peak of the whole of lecture 20?"""

import argparse
from typing import Any

from benchmarks import pairs, tables
from benchmarks.engines import ENGINES, RIVAL
from benchmarks.epoch import measured

DTYPES = ("float64",)
ASKED = {"float64": 0.8}
HEAD = ("peak resident memory", "dtype", "memory", "PyTorch", *tables.JUDGED)


def ask(options: argparse.Namespace, engines: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the table as text and the figures behind it. On a GPU this is the host's memory."""
    rows = []
    for dtype in options.dtypes or DTYPES:
        answers = measured(dtype, options, engines)
        shown = [key for key in answers if key not in RIVAL.values()]
        rows += [{"dtype": dtype, **pairs.compared(key, answers, "bytes", ASKED.get(dtype))} for key in shown]
    return [tables.markdown(HEAD, [cells(row) for row in rows])], {"rows": rows}


def cells(row: dict[str, Any]) -> list[str]:
    """Return a line of the table."""
    rival = tables.rival_figure(row, "bytes")
    memory = [tables.mebibytes(row["bytes"]), tables.mebibytes(rival)]
    return [ENGINES[row["engine"]].title, row["dtype"], *memory, *tables.judged(row)]
