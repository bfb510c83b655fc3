"""Fair turns: a fresh process for every measurement, engine after engine, round after round; medians, ratios."""

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.engines import ENGINES, environment

ROOT = Path(__file__).resolve().parent.parent

Answer = dict[str, Any]


class BenchmarkError(Exception):
    """A measurement failed, or the engines did not compute the same."""


def in_turn(
    request: dict[str, Any], engines: list[str], *, pairs: int, threads: int
) -> dict[str, list[Answer]]:
    """Put `request` to each engine in turn, A B … A B …, `pairs` times; the answers by engine."""
    answers: dict[str, list[Answer]] = {key: [] for key in engines}
    for _ in range(pairs):
        for key in engines:
            answers[key].append(ask({**request, "engine": key, "threads": threads}))
    return answers


def ask(request: dict[str, Any]) -> Answer:
    """What a fresh process answers (benchmarks/worker.py)."""
    env = environment(ENGINES[request["engine"]], request["threads"])
    command = [sys.executable, "-m", "benchmarks.worker", json.dumps(request)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchmarkError(f"{request}: exit code {done.returncode}\n{done.stderr.strip()[-2000:]}")
    answer: Answer = json.loads(done.stdout.splitlines()[-1])
    return answer


def median(answers: list[Answer], key: str = "seconds") -> float:
    """The median of one figure over the rounds."""
    return statistics.median(answer[key] for answer in answers)


def ratio(ours: list[Answer], theirs: list[Answer], key: str = "seconds") -> dict[str, float]:
    """The ratio of the medians, and the smallest and the largest ratio within a round."""
    rounds = [a[key] / b[key] for a, b in zip(ours, theirs, strict=True)]
    return {"ratio": median(ours, key) / median(theirs, key), "low": min(rounds), "high": max(rounds)}


def check_equal(what: str, answers: dict[str, list[Answer]], tolerance: float, key: str = "losses") -> None:
    """Raise unless all answers give the same numbers, relative to the largest: curves come before times."""
    given = [(engine, answer[key]) for engine, rounds in answers.items() for answer in rounds]
    reference, expected = given[-1]
    for engine, found in given:
        scale = max(map(abs, expected), default=0.0)
        pairs = zip(found, expected, strict=True)
        if not all(abs(a - b) <= tolerance * scale for a, b in pairs):  # NaN is never within
            raise BenchmarkError(
                f"{what}: {key} of {ENGINES[engine].title} and {ENGINES[reference].title} differ by more "
                f"than {tolerance:g} of the largest, so their times are not comparable:\n{found}\n{expected}"
            )
