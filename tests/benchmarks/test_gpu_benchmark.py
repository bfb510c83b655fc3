"""`python -m benchmarks.gpu`, rehearsed without a GPU: what it writes, survives and prints. No time is tested."""

import contextlib
import importlib.util
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.gpu import __main__ as command
from benchmarks.gpu import records, report, tests
from benchmarks.pairs import ROOT
from support.optional_tools import needs

TESTS = Path(__file__).parents[1]
PATHS = os.pathsep.join(filter(None, [str(TESTS), str(ROOT), os.environ.get("PYTHONPATH", "")]))
STAND_IN = {**os.environ, "MINIGRAD_GPU_STAND_IN": "support.cupy_on_host", "PYTHONPATH": PATHS}
REHEARSED = ["machine", "smoke", "steps", "kernels", "calls", "crossover"]  # the two other parts run pytest
CAN_REHEARSE = importlib.util.find_spec("cupy") is not None and shutil.which("g++") is not None
needs_stand_in = needs(CAN_REHEARSE, "rehearses with CuPy over g++, pip install -e '.[kernels]'")


def start(out, *arguments, environment=STAND_IN):
    """Start the command in a process group of its own."""
    line = [sys.executable, "-m", "benchmarks.gpu", "--out", str(out), *arguments]
    return subprocess.Popen(line, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0)


def running(word):
    """Return the command lines of running processes that contain this word."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # the process has just ended
            line = path.read_bytes().decode(errors="replace").replace("\0", " ")
            found += [line] if str(word) in line else []
    return found


# ---- the rehearsal


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory):
    """The folder, the text and the exit code of a rehearsal of all parts that do not run pytest."""
    out = tmp_path_factory.mktemp("gpu")
    process = start(out, "--parts", *REHEARSED)
    text, _ = process.communicate(timeout=600)
    return out, text, process.returncode


@pytest.mark.slow
@needs_stand_in
def test_every_part_ends_well(rehearsal):
    out, text, code = rehearsal
    summary = json.loads((out / "summary.json").read_text())
    assert code == 0, text[-3000:]
    assert list(summary["parts"]) == REHEARSED
    assert all(re.fullmatch(r"exit code 0, \d+ s", how) for how in summary["parts"].values())
    assert summary["about"]["gpu"].startswith("this machine's processor (no GPU)") and summary["about"]["rehearsal"] is True
    assert {"python", "numpy"} <= set(summary["about"]["versions"])
    assert len(list(out.iterdir())) <= 8  # some machines return no more files


@pytest.mark.slow
@needs_stand_in
def test_what_the_parts_find(rehearsal):
    out, text, _ = rehearsal
    smoke = records.read(out / "smoke.jsonl")
    assert sum(entry.get("good") is True for entry in smoke) == 9 and not any(map(records.failed, smoke))
    steps = [entry for entry in records.read(out / "steps.jsonl") if entry.get("engine") == "cupy"]
    works, dtypes = ("pretraining", "classifier", "lecture12"), ("float32", "float64")
    assert {(e["work"], e["dtype"]) for e in steps} == set(itertools.product(works, dtypes))
    assert all(entry["seconds"] > 0 and entry["low_seconds"] <= entry["seconds"] <= entry["high_seconds"] for entry in steps)
    assert all(len(entry["losses"]) == 10 for entry in steps if entry["what"] == "step")
    graphs = [entry for entry in steps if "frozen" in entry["what"]]
    assert len(graphs) == 2 and all(entry["capture_changes_nothing"] and entry["replays_train"] for entry in graphs)
    calls = records.read(out / "calls.jsonl")
    answers = {entry["captured"]: entry["answer"] for entry in calls if "captured" in entry}
    refused = answers.pop("product by CuPy")
    assert "currently unsupported" in refused and set(answers.values()) == {"works"}
    assert sum("call" in entry for entry in calls) > 15
    crossover = records.read(out / "crossover.jsonl")
    axes = ("batch", "hidden", "product", "tanh")
    assert {(e["axis"], e["device"]) for e in crossover} == set(itertools.product(axes, ("cpu", "cuda")))
    for line in ("Smoke: 9 of 9 checks held.", "| pretraining, float32 ", "| in a CUDA graph", "hidden, float64: the GPU is"):
        assert line in text and line in (out / "log.txt").read_text()


@pytest.mark.slow
@needs_stand_in
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL], ids=["told to end", "killed"])
def test_what_was_found_survives_the_end_at_any_moment(tmp_path, by):
    process = start(tmp_path, "--parts", "smoke", "calls")
    found = tmp_path / "smoke.jsonl"
    deadline = time.monotonic() + 120
    while not (found.exists() and len(found.read_text().splitlines()) >= 3):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(by)
    process.communicate(timeout=60)
    assert process.returncode == (143 if by == signal.SIGTERM else -by)
    time.sleep(0.5)
    assert running(tmp_path) == []  # the part's process has ended too
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["parts"] == {"smoke": "running"} and len(records.read(found)) >= 3
    assert "==== smoke" in (tmp_path / "log.txt").read_text()


def test_without_a_gpu_it_says_that_it_did_not_run(tmp_path):
    process = start(tmp_path / "out", environment={**os.environ, "CUDA_VISIBLE_DEVICES": "", "MINIGRAD_GPU_STAND_IN": ""})
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 1 and "NOT RUN: there is no CuPy with a usable GPU here" in text
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("program", ["import sys; sys.exit('no such key')", "import time; time.sleep(60)"], ids=["fails", "hangs"])
def test_a_machine_that_cannot_be_described_is_measured_nevertheless(monkeypatch, program):
    run = subprocess.run
    monkeypatch.setattr(command, "LOOK", 2)
    monkeypatch.setattr(command.subprocess, "run", lambda _, **options: run([sys.executable, "-c", program], **options))
    assert "the machine could not be described" in command.look()["failure"]


# ---- one part


def test_a_part_that_hangs_is_ended_with_all_that_it_started(tmp_path):
    child = f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', {str(tmp_path)!r}])"
    hang = f"import subprocess, sys, time\n{child}\nprint('so far', flush=True)\ntime.sleep(600)"
    with open(tmp_path / "log.txt", "w", buffering=1) as log:
        how = command.run_part([sys.executable, "-c", hang], 3, log, numba=False)
    assert re.fullmatch(r"stopped at its limit of 3 s, \d s", how)
    assert (tmp_path / "log.txt").read_text() == "so far\n"
    time.sleep(0.5)
    assert running(tmp_path) == []


def options_of(out, *arguments):
    return command.parser().parse_args(["--out", str(out), *arguments])


def test_each_part_is_one_process_with_the_time_that_is_left(tmp_path, monkeypatch):
    started = []

    def run_part(line, limit, log, *, numba):
        started.append((line[-1], limit, numba))
        return f"exit code {int(line[-1] == 'smoke')}, 0 s"

    monkeypatch.setattr(command, "run_part", run_part)
    command.prepare(tmp_path, command.PARTS)
    assert command.run_parts(options_of(tmp_path, "--seconds", "1000"), {}, time.monotonic()) is False  # one part failed
    assert [name for name, _, _ in started] == list(command.PARTS)
    assert all(limit == command.PARTS[name].limit for name, limit, _ in started)
    assert [name for name, _, numba in started if numba] == ["crossover"]  # the other parts do not wait for Numba's compiler
    started.clear()
    assert command.run_parts(options_of(tmp_path, "--seconds", "525"), {}, time.monotonic() - 500) is False
    assert [name for name, _, _ in started] == ["machine", "smoke", "kernels", "calls", "crossover"]
    assert all(limit <= 25 for _, limit, _ in started)
    parts = json.loads((tmp_path / "summary.json").read_text())["parts"]
    assert parts["steps"] == "not begun: too little time was left"


def test_a_closed_pipe_stops_nothing(tmp_path, monkeypatch):
    class Closed:
        def write(self, text):
            raise BrokenPipeError

        flush = write

    monkeypatch.setattr(command, "run_part", lambda *_, **__: "exit code 0, 0 s")
    monkeypatch.setattr(sys, "stdout", Closed())
    command.prepare(tmp_path, command.PARTS)
    assert command.run_parts(options_of(tmp_path), {}, time.monotonic()) is True
    assert list(json.loads((tmp_path / "summary.json").read_text())["parts"]) == list(command.PARTS)


def test_a_run_starts_its_own_files_anew_and_leaves_others(tmp_path):
    for name in ("steps.jsonl", "calls.jsonl", "log.txt", "mine.txt"):
        (tmp_path / name).write_text("old")
    command.prepare(tmp_path, ["steps"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls.jsonl", "mine.txt"]


def test_lines_are_read_back_without_one_that_was_cut_off(tmp_path, capsys):
    import numpy as np

    write = records.writer(tmp_path / "x.jsonl")
    write(what="a", value=np.float32(0.5), good=np.bool_(True), where=Path("b"))
    with records.attempt(write, "c"):
        raise ValueError("of this")
    with open(tmp_path / "x.jsonl", "a") as file:
        file.write('{"what": "cut o')
    first, second = records.read(tmp_path / "x.jsonl")
    assert first == {"what": "a", "value": 0.5, "good": True, "where": "b"} and not records.failed(first)
    assert second == {"what": "c", "failure": "ValueError: of this"} and records.failed(second)
    assert records.failed({"good": False}) and records.read(tmp_path / "nothing") == []


@pytest.fixture
def small_suite(tmp_path, monkeypatch):
    """A test file with the marker gpu that needs no GPU, and a folder for what pytest says."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = gpu")
    file = tmp_path / "test_small.py"
    file.write_text("import pytest\n@pytest.mark.gpu\ndef test_right(): pass\n@pytest.mark.gpu\ndef test_wrong(): assert 0\n")
    return tmp_path, [f"--rootdir={tmp_path}", "-c", str(tmp_path / "pytest.ini"), str(file)]


def test_tests_are_written_line_by_line(small_suite):
    out, files = small_suite
    assert tests.run_pytest(out, files) == 1
    text = (out / "tests.txt").read_text()
    assert "test_small.py::test_right" in text and "1 failed, 1 passed" in text
    assert "FAILED" in report.test_lines(out)[1] and "1 failed, 1 passed" in report.test_lines(out)[0]


def test_a_plugin_that_fails_costs_no_tests(small_suite, monkeypatch):
    out, files = small_suite
    monkeypatch.setattr(tests, "find_spec", lambda name: name == "pytest_timeout")
    monkeypatch.setattr(tests, "TIME_LIMIT", "no number")
    assert tests.run_pytest(out, files) == 1
    text = (out / "tests.txt").read_text()
    assert "pytest ended with exit code 4; once more without --timeout=no number" in text and "1 failed, 1 passed" in text


# ---- the report


def test_a_curve_that_differs_stands_beside_the_times_and_discards_nothing(tmp_path):
    times = {"host_seconds": 1e-4, "low_seconds": 4e-4, "high_seconds": 6e-4}
    write = records.writer(tmp_path / "steps.jsonl")
    for engine, seconds, last in (("cupy", 5e-4, 0.5), ("torch_cuda", 4e-4, 0.6), ("torch_cuda_default", 8e-4, 0.6)):
        write(what="step", work="pretraining", dtype="float32", engine=engine, turn=0, losses=[1.0, last], seconds=seconds, **times)
    write(what="pretraining, float32, torch_cuda_graph", failure="RuntimeError: no graph")
    table, failure = report.step_tables(tmp_path)
    in_minigrad, torch, default = table.splitlines()[2:]
    assert "500 µs" in in_minigrad and "1.250" in in_minigrad and "DIFFERENT by 1e-01, 1e-05 allowed" in in_minigrad
    assert "400 µs" in torch and "800 µs" in default and "equal to 0e+00" in default and "no graph" in failure


def test_a_section_that_fails_leaves_the_others(tmp_path):
    summary = {"about": {"failure": "unknown"}, "parts": {"kernels": "exit code 0, 1 s"}}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    (tmp_path / "kernels.json").write_text('{"cupy, float32": {"us_of')
    records.writer(tmp_path / "smoke.jsonl")(what="rows", good=True)
    text = report.of(tmp_path)
    assert "kernel_table failed: JSONDecodeError" in text and "Smoke: 1 of 1 checks held." in text and "| kernels |" in text


def test_the_command_prints_an_earlier_run_and_names_a_folder_without_one(tmp_path, capsys):
    report.main([str(ROOT / "benchmarks" / "results" / "gpu")])
    assert "NVIDIA H200" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        report.main([str(tmp_path)])
    assert end.value.code == 2 and f"{tmp_path} has no summary.json" in capsys.readouterr().err


def test_crossovers_in_words(tmp_path):
    write = records.writer(tmp_path / "crossover.jsonl")
    for n in (10, 100, 1000):
        write(axis="batch", value=n, dtype="float32", device="cpu", seconds=1e-6 * n)
        write(axis="batch", value=n, dtype="float32", device="cuda", seconds=2e-5)
        write(axis="hidden", value=n, dtype="float32", device="cpu", seconds=1e-6)
        write(axis="hidden", value=n, dtype="float32", device="cuda", seconds=2e-6)
    write(axis="tanh", value=10, dtype="float32", device="cpu", seconds=1.0)  # the GPU's time was not measured
    first, second = report.crossovers(tmp_path)[0].splitlines()
    assert first == "batch, float32: the GPU is faster from 20 on (10 … 1,000 measured)"
    assert second == "hidden, float32: the GPU is slower at the largest size (10 … 1,000 measured)"
