"""How long does lecture 20 take as a whole process, with checkpoints, pictures and report, and how long do its epochs?"""

import argparse
from typing import Any

from benchmarks import pairs, tables
from benchmarks.engines import ENGINES, RIVAL
from benchmarks.jobs import run_jobs

DTYPES = ("float64",)
ASKED = {"float64": 0.80}
PARTS = {
    "seconds": "the whole process",
    "pretrain": "its pretraining",
    "finetune": "its fine-tuning",
    "rest": "the rest: imports, data, pictures, files",
}
HEAD = ("train denoising", "dtype", "engine", "time", "PyTorch", *tables.JUDGED, "MSE", "accuracy")


def ask(options: argparse.Namespace, engines: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the table as text and the figures behind it."""
    rows = [row for dtype in options.dtypes or DTYPES for row in compare(dtype, options, engines)]
    return [tables.markdown(HEAD, [cells(row) for row in rows])], {"rows": rows}


def measured(dtype: str, options: argparse.Namespace, engines: list[str]) -> pairs.Answers:
    """Return the jobs' answers, measured once for this question and for `memory`."""
    settings = ["--dtype", dtype]
    for name in ("epochs", "finetune_epochs", "limit"):
        if getattr(options, name) is not None:
            settings += ["--" + name.replace("_", "-"), str(getattr(options, name))]
    engines = [key for key in engines if not ENGINES[key].is_variant]
    return run_jobs(tuple(engines), tuple(settings), options.pairs, options.threads)


def compare(dtype: str, options: argparse.Namespace, engines: list[str]) -> list[dict[str, Any]]:
    """Return rows for every part of the job and every engine but PyTorch."""
    answers = measured(dtype, options, engines)
    rows = []
    for part in PARTS:
        one = {
            key: [{"seconds": seconds_of(part, answer)} for answer in rounds]
            for key, rounds in answers.items()
        }
        for key in answers:
            if key not in RIVAL.values():
                asked = ASKED.get(dtype) if part == "seconds" else None
                row = {"part": part, "dtype": dtype, **pairs.compared(key, one, asked=asked)}
                rows.append(row | (learnt(answers[key][-1]) if part == "seconds" else {}))
    return rows


def seconds_of(part: str, answer: pairs.Answer) -> float:
    """Return the seconds of one of PARTS."""
    if part == "rest":
        return float(answer["seconds"] - sum(answer["phases"].values()))
    return float(answer["seconds"] if part == "seconds" else answer["phases"][part])


def learnt(answer: pairs.Answer) -> dict[str, float]:
    """Return the job's results: the last error of the pretraining, and the last accuracy in per cent."""
    found: dict[str, float] = {}
    for entry in answer["metrics"]:
        if entry["phase"] == "pretrain":
            found["mse"] = entry["loss"]
        else:
            found["accuracy"] = entry["test_accuracy"]
    return found


def cells(row: dict[str, Any]) -> list[str]:
    """Return a line of the table."""
    head = [PARTS[row["part"]], row["dtype"], ENGINES[row["engine"]].title, tables.duration(row["seconds"])]
    mse = f"{row['mse']:.4f}" if "mse" in row else ""
    accuracy = f"{row['accuracy']:.2f} %" if "accuracy" in row else ""
    return [*head, tables.duration(tables.rival_figure(row)), *tables.judged(row), mse, accuracy]
