"""Measurements in turn, each in a fresh process, engine after engine, round after round; and their ratios."""

import functools
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.engines import ENGINES, RIVAL, environment
from benchmarks.neighbours import Cores

ROOT = Path(__file__).resolve().parent.parent

Answer = dict[str, Any]
Answers = dict[str, list[Answer]]  # by engine, one a round


class BenchmarkError(Exception):
    """Raised where a measurement failed, or the engines did not compute the same."""


def in_turn(request: dict[str, Any], engines: list[str], *, rounds: int, threads: int) -> Answers:
    """Put `request` to each engine in turn, A B … A B …, in so many rounds, and return the answers. Wait for free cores before each."""
    answers: Answers = {key: [] for key in engines}
    cores = Cores(threads)
    for _ in range(rounds):
        for key in engines:
            question = {**request, "engine": key, "threads": threads}
            answers[key].append(cores.measure(functools.partial(ask, question)))
    return answers


def ask(request: dict[str, Any]) -> Answer:
    """Return the answer of a fresh process (benchmarks/worker.py)."""
    env = environment(ENGINES[request["engine"]], request["threads"])
    command = [sys.executable, "-m", "benchmarks.worker", json.dumps(request)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchmarkError(f"{request}: exit code {done.returncode}\n{done.stderr.strip()[-2000:]}")
    answer: Answer = json.loads(done.stdout.splitlines()[-1])
    return answer


def median(answers: list[Answer], key: str = "seconds") -> float:
    """Return the median of one figure over the rounds."""
    return statistics.median(answer[key] for answer in answers)


def compared(
    key: str, answers: Answers, figure: str = "seconds", asked: float | None = None
) -> dict[str, Any]:
    """Return an engine's figure, and its ratios to PyTorch's engines on the same device, of the medians and round by round.

    "to" has, for each of these, the ratio of the medians, the lowest and the highest ratio within a round.
    What is asked of minigrad with Numba is met if it holds against each of them.
    """
    own, rival = answers[key], RIVAL[ENGINES[key].device]
    row = {"engine": key, figure: median(own, figure), "rounds": [a[figure] for a in own], "to": {}}
    if "host_seconds" in own[0]:
        row["host_seconds"] = median(own, "host_seconds")
    for other in (rival, f"{rival}_default"):
        if other in answers and other != key:
            row["to"][other] = ratio(own, answers[other], figure)
    if key == "numba" and asked is not None and row["to"]:
        row |= {"asked": asked, "met": all(found["ratio"] <= asked for found in row["to"].values())}
    return row


def ratio(own: list[Answer], rival: list[Answer], figure: str = "seconds") -> dict[str, Any]:
    """Return the ratio of the medians and its range within the rounds, with the figures that it is divided by."""
    by_round = [a[figure] / b[figure] for a, b in zip(own, rival, strict=True)]
    return {
        "ratio": median(own, figure) / median(rival, figure),
        "low": min(by_round),
        "high": max(by_round),
        figure: median(rival, figure),
        "rounds": [answer[figure] for answer in rival],
    }


def check_equal(what: str, answers: Answers, tolerance: float, figure: str = "losses") -> None:
    """Raise BenchmarkError unless all answers have the same numbers, within a tolerance relative to the largest number."""
    given = [(engine, answer[figure]) for engine, rounds in answers.items() for answer in rounds]
    reference, expected = given[-1]
    for engine, found in given:
        scale = max(map(abs, expected), default=0.0)
        together = zip(found, expected, strict=True)
        if not all(abs(a - b) <= tolerance * scale for a, b in together):  # NaN is never within
            raise BenchmarkError(
                f"{what}: {figure} of {ENGINES[engine].title} and {ENGINES[reference].title} differ by more "
                f"than {tolerance:g} of the largest, so their times are not comparable:\n{found}\n{expected}"
            )
