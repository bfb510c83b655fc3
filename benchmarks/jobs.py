"""A lecture as a whole process, from the command to the last picture: its time, peak memory and curve."""

import functools
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.engines import ENGINES, Engine, environment
from benchmarks.pairs import ROOT, Answers, BenchmarkError

LECTURE = "denoising"
WARM_UP = ("--epochs", "1", "--finetune-epochs", "1", "--limit", "2000")  # brings compiled loops and files into caches
TOLERANCE = {"pretrain": 0.05, "finetune": 0.10}  # of the losses: each engine draws weights and noise of its own


@functools.cache
def run_jobs(engines: tuple[str, ...], settings: tuple[str, ...], rounds: int, threads: int) -> Answers:
    """Run the whole job with each engine in turn, after a short one that does not count, and compare the curves.

    The answers have seconds, bytes (peak resident memory), phases (the seconds in each phase) and metrics.
    """
    for key in engines:
        run_job(ENGINES[key], (*settings, *WARM_UP), threads)
    answers: Answers = {key: [] for key in engines}
    for _ in range(rounds):
        for key in engines:
            answers[key].append(run_job(ENGINES[key], settings, threads))
    check_curves(answers)
    return answers


def run_job(engine: Engine, settings: tuple[str, ...], threads: int) -> dict[str, Any]:
    """Run one whole process, whose checkpoints, pictures and report go to a folder that is deleted at its end."""
    program = ["minigrad", "train"] if engine.library == "minigrad" else ["reference"]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        settings = (*settings, "--device", engine.device, "--out", str(out))
        command = [sys.executable, "-m", *program, LECTURE, *settings]
        answer = watch(command, environment(engine, threads))
        lines = (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    metrics = [json.loads(line) for line in lines]
    phases = {phase: sum(m["seconds"] for m in metrics if m["phase"] == phase) for phase in TOLERANCE}
    return {**answer, "phases": phases, "metrics": metrics}


# A small process between this one and the job: the system counts the memory of the process that starts a job as the job's.
STARTER = """import json, os, sys, time
started = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
_, status, usage = os.wait4(pid, 0)
print(json.dumps([time.perf_counter() - started, usage.ru_maxrss]))
sys.exit(os.waitstatus_to_exitcode(status))"""


def watch(command: list[str], env: dict[str, str]) -> dict[str, float]:
    """Run a command to its end, and return its seconds by the wall clock and its peak of resident memory in bytes."""
    starter = [sys.executable, "-c", STARTER, *command]
    done = subprocess.run(starter, cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchmarkError(f"{command}: exit code {done.returncode}\n{done.stderr.strip()[-2000:]}")
    seconds, peak = json.loads(done.stdout)
    return {"seconds": seconds, "bytes": peak * (1 if sys.platform == "darwin" else 1024)}


def check_curves(answers: Answers) -> None:
    """Raise BenchmarkError unless each epoch's loss is near the same with all engines."""
    runs = [(key, answer["metrics"]) for key, rounds in answers.items() for answer in rounds]
    reference, expected = runs[-1]
    for key, metrics in runs:
        for found, other in zip(metrics, expected, strict=True):
            difference = abs(found["loss"] - other["loss"])
            if not difference <= TOLERANCE[other["phase"]] * other["loss"]:
                raise BenchmarkError(
                    f"{other['phase']}, epoch {other['epoch']}: the loss is {found['loss']:g} with "
                    f"{ENGINES[key].title} and {other['loss']:g} with {ENGINES[reference].title}: these are "
                    f"different jobs, their times are not comparable"
                )
