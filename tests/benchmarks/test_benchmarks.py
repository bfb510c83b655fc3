"""The benchmarks as programs: what they count, compare and write. No time is tested."""

import json
import math
import statistics
import sys

import numpy as np
import pytest

import minigrad as mg
from benchmarks import __main__ as command
from benchmarks import accelerators, counts, epoch, jobs, machine, neighbours, pairs, products, tables
from benchmarks.engines import ENGINES
from benchmarks.ops import figure
from benchmarks.scaling_picture import crossing, crossovers
from minigrad import nn
from minigrad.backend import compiling
from minigrad.experiments.training import step as training_step
from support.subprocesses import succeed

MACHINE = {
    "processor": "a processor",
    "cores": 2,
    "gpu": None,
    "threads": 2,
    "versions": {"minigrad": "0"},
    "missing": {"cupy": "there is no GPU"},
}
QUICK = ["--pairs", "1", "--threads", "1", "--dtypes", "float64", "--limit", "60"]


@pytest.fixture
def ask(monkeypatch, tmp_path, capsys):
    """Return a function that runs the command, on a machine that is already described, and returns exit code, text and JSON.

    It does not wait until other processes leave the cores, since the times are not looked at.
    """
    monkeypatch.setattr(machine, "describe", lambda threads: MACHINE)
    monkeypatch.setattr(neighbours.Cores, "are_free", lambda self: True)

    def run(question, *options):
        code = command.main([question, *QUICK, "--out", str(tmp_path), *options])
        text, path = capsys.readouterr(), tmp_path / f"{question}.json"
        return code, text, json.loads(path.read_text()) if path.exists() else None

    return run


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


# ---- every question, small


@pytest.mark.slow
def test_step_compares_with_pytorch_and_with_its_own_products(ask):
    options = ["--works", "pretraining", "--steps", "2", "--batch-size", "20", "--engines", "numpy", "torch"]
    code, text, kept = ask("step", *options)
    assert code == 0, text.err
    (row,) = kept["steps"]
    assert (row["work"], row["dtype"], row["engine"]) == ("pretraining", "float64", "numpy")
    assert row["to"]["torch"]["ratio"] == row["seconds"] / row["to"]["torch"]["seconds"]
    assert [line for line in text.out.splitlines() if f"{row['to']['torch']['ratio']:.3f}" in cells(line)]
    (row,) = kept["products"]
    assert row["ratio"] == row["seconds"] / row["products_seconds"]
    assert kept["machine"]["processor"] == "a processor" and kept["options"]["steps"] == 2


def test_overhead_has_bare_numpy_beside_it(ask):
    code, text, kept = ask("overhead", "--blocks", "2", "--calls", "2", "--engines", "numpy", "cupy")
    assert code == 0, text.err
    assert [row["title"] for row in kept["rows"]] == ["minigrad, NumPy alone", "bare NumPy, by hand"]
    assert "Not measured: minigrad, CuPy (there is no GPU)." in text.out


def test_ops_has_a_row_for_each_operation_and_size(ask):
    quick = ["--op-blocks", "1", "--block-seconds", "0", "--engines", "numpy", "--ops", "linear", "nll_loss"]
    code, text, kept = ask("ops", *quick)
    assert code == 0, text.err
    sizes = ["8 × 16", "100 × 100", "1000 × 784"]
    lines = [cells(line) for line in text.out.splitlines() if line.startswith(("| linear", "| nll_loss"))]
    assert [line[:2] for line in lines] == [[op, size] for op in ("linear", "nll_loss") for size in sizes]
    assert len(kept["rows"]) == 6


def test_scaling_draws_its_picture(ask, tmp_path):
    quick = ["--largest", "10", "--shrink-peaks", "16", "--block-seconds", "0", "--scaling-blocks", "1"]
    code, text, kept = ask("scaling", *quick, "--engines", "numpy")
    assert code == 0, text.err
    points = [(row["axis"], row["value"]) for row in kept["float64"]["rows"]]
    assert points == [("batch", 10), ("depth", 1), ("depth", 3), ("depth", 10)]
    assert kept["float64"]["peaks"]["cpu"]["flops"] > 0 and "no crossover" in text.out
    assert (tmp_path / "scaling-float64.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_epoch_and_memory_tell_of_whole_jobs(ask, monkeypatch):
    settings = ("--epochs", "1", "--finetune-epochs", "1", "--limit", "40", "--batch-size", "20")
    in_minigrad = jobs.run_job(ENGINES["numpy"], settings, threads=1)
    in_torch = {**in_minigrad, "seconds": 2 * in_minigrad["seconds"], "bytes": 4 * in_minigrad["bytes"]}
    monkeypatch.setattr(epoch, "run_jobs", lambda *_: {"numpy": [in_minigrad], "torch": [in_torch]})
    assert [entry["phase"] for entry in in_minigrad["metrics"]] == ["pretrain", "finetune"]
    assert 0 < sum(in_minigrad["phases"].values()) < in_minigrad["seconds"]
    code, _, kept = ask("epoch", "--engines", "numpy")
    whole = next(row for row in kept["rows"] if row["part"] == "seconds")
    assert code == 0 and whole["to"]["torch"]["ratio"] == 0.5
    assert whole["mse"] == in_minigrad["metrics"][0]["loss"]
    code, _, kept = ask("memory", "--engines", "numpy")
    assert code == 0 and kept["rows"][0]["to"]["torch"]["ratio"] == 0.25


def test_accelerators_are_left_out_one_by_one(ask, monkeypatch):
    """The gain is the share of the time without an accelerator that it saves. The processes' times are given here."""
    asked = []

    def answer(request):
        asked.append((request["dtype"], request["batch_size"], request["left_out"]))
        return {"losses": [1.0], "seconds": {"": 3.0, "gemm": 4.0, "spinning": 2.0}.get(request["left_out"], 3.0)}

    monkeypatch.setattr(pairs, "ask", answer)
    code, text, kept = ask("accelerators", "--batches", "100", "--pairs", "2")
    assert code == 0, text.err
    assert asked == 2 * [("float64", 100, name) for name in ["", *accelerators.ACCELERATORS]]
    assert [row["gain"] for row in kept["rows"]] == [0.25, -0.5, *[0] * (len(accelerators.ACCELERATORS) - 2)]
    assert "product kernel" in text.out and "25.0%" in text.out
    code, text, _ = ask("accelerators", "--engines", "numpy")
    assert code == 1 and "need Numba" in text.err


@pytest.mark.slow
def test_a_step_without_an_accelerator(ask):
    code, text, kept = ask("accelerators", "--batches", "20", "--steps", "2")
    assert code == 0, text.err
    assert [row["accelerator"] for row in kept["rows"]] == list(accelerators.ACCELERATORS)


USES_ALL = """
import sys
import minigrad as mg
from benchmarks.accelerators import ACCELERATORS, leave_out
if sys.argv[1] != "none":
    leave_out(sys.argv[1])
mg.set_num_threads(2)
x = mg.ones(400, 400)
(x @ x).sigmoid()
print(*[name for name in ACCELERATORS if f"minigrad.backend.cpu.accelerators.{name}" in sys.modules])
"""


def test_an_accelerator_that_is_left_out_is_not_loaded():
    pytest.importorskip("numba", reason="needs the extra `fast`, which is not installed")
    loaded = succeed(USES_ALL, "none").split()
    assert set(accelerators.ACCELERATORS) - set(loaded) <= {"gemm"}  # gemm needs vectors of 512 bits
    for name in accelerators.ACCELERATORS:
        assert succeed(USES_ALL, name).split() == [other for other in loaded if other != name]


GPU_ENGINES = ["cupy", "torch_cuda", "torch_cuda_default", "torch_cuda_graph"]
ON_A_GPU = ["step", "--works", "pretraining", "--dtypes", "float64", "--pairs", "1", "--steps", "2", "--batch-size", "20", "--limit", "200"]


@pytest.mark.gpu
def test_the_engines_on_a_gpu_learn_alike(tmp_path):
    if not pytest.importorskip("torch").cuda.is_available():
        pytest.skip("compares with PyTorch on the GPU, and PyTorch sees none")
    assert command.main([*ON_A_GPU, "--engines", *GPU_ENGINES, "--out", str(tmp_path)]) == 0
    rows = json.loads((tmp_path / "step.json").read_text())["steps"]
    assert {row["engine"] for row in rows} == {"cupy", "torch_cuda_default", "torch_cuda_graph"}


def test_that_comparison_starts_a_process_for_each_engine(tmp_path, monkeypatch):
    asked = []

    def answer(request):
        asked.append(request["engine"])
        return {"losses": [1.0], "seconds": 1.0, "host_seconds": 0.5}

    monkeypatch.setattr(machine, "describe", lambda threads: {**MACHINE, "missing": {}})
    monkeypatch.setattr(pairs, "ask", answer)
    monkeypatch.setattr(neighbours.Cores, "are_free", lambda self: True)  # else a busy machine would start processes again
    assert command.main([*ON_A_GPU, "--engines", *GPU_ENGINES, "--out", str(tmp_path)]) == 0
    assert asked == GPU_ENGINES


def test_the_machine_is_described():
    """A process of its own finds out what is missing, and the heading is made of that."""
    found = machine.describe(1)
    assert (found["threads"], found["cores"] > 0, found["missing"].get("torch")) == (1, True, None)
    assert ("numba" in found["missing"]) == (compiling.numba() is None)
    assert set(machine.BLAS_PRESETS) < set(found["environment"]) and "1 threads" in command.heading(found, [])


def test_the_heading_says_which_kernels_blas_runs():
    pool = {"user_api": "blas", "architecture": "Prescott"}
    known = {**MACHINE, "libraries": [pool, {"user_api": "openmp"}], "environment": {"OPENBLAS_CORETYPE": None}}
    assert "2 threads; BLAS kernels for Prescott; minigrad 0" in command.heading(known, [])
    known["environment"] = {"OPENBLAS_CORETYPE": "Prescott"}
    assert "kernels for Prescott (preset by OPENBLAS_CORETYPE=Prescott)" in command.heading(known, [])
    assert "2 threads; minigrad 0" in command.heading(MACHINE, [])


# ---- what must be refused


def test_a_measurement_that_fails_is_an_error_with_its_text():
    with pytest.raises(pairs.BenchmarkError, match=r"(?s)exit code 1.*KeyError: 'no such operation'"):
        pairs.ask(
            {"question": "ops", "engine": "numpy", "threads": 1, "ops": ["no such operation"], "sizes": [0]}
        )


def test_no_engine_and_no_question_are_errors(ask, capsys):
    code, text, kept = ask("step", "--engines", "cupy")
    assert code == 1 and "none of the engines asked for is there" in text.err and kept is None
    with pytest.raises(SystemExit, match="2"):
        ask("stepp")
    assert (
        "expected a question (step, overhead, ops, epoch, memory, accelerators, scaling); found 'stepp'"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("wrong", [1.0 + 1e-4, math.nan])
def test_times_of_different_computations_are_not_told(wrong):
    answers = {"numpy": [{"losses": [2.0, wrong]}], "torch": [{"losses": [2.0, 1.0]}]}
    with pytest.raises(pairs.BenchmarkError, match=r"losses of minigrad, NumPy alone and PyTorch"):
        pairs.check_equal("a work", answers, 1e-5)
    answers["numpy"] = [{"losses": [2.0, 1.0 + 1e-6]}]
    pairs.check_equal("a work", answers, 1e-5)


def test_jobs_that_learn_differently_are_not_compared():
    def job(loss):
        return [{"metrics": [{"phase": "pretrain", "epoch": 1, "loss": loss}]}]

    jobs.check_curves({"numpy": job(1.04), "torch": job(1.0)})
    with pytest.raises(pairs.BenchmarkError, match=r"the loss is 1\.06 .* and 1 with PyTorch"):
        jobs.check_curves({"numpy": job(1.06), "torch": job(1.0)})


# ---- what is counted


@pytest.fixture(params=[5, 2000])  # with 2,000 rows, the products of each gradient are computed at once by two threads
def rows(request):
    before = mg.get_num_threads()
    mg.set_num_threads(2)
    yield request.param
    mg.set_num_threads(before)


@pytest.fixture
def three_layers(rows):
    """A network, and a training step of it on so many rows."""
    net = nn.Sequential(nn.Linear(7, 6), nn.Tanh(), nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    run = type("Run", (), {"net": net, "optimizer": mg.optim.SGD(net.parameters(), lr=0.1)})
    x, target = mg.randn(rows, 7, dtype=mg.float64), mg.randn(rows, 3, dtype=mg.float64)
    return lambda: training_step(run, nn.MSELoss(), x, target), net


def test_a_steps_own_products_are_those_of_its_layers(three_layers, rows):
    step, net = three_layers
    replay = products.products_of(step, net, rows)
    with products.recorded() as again:
        replay()
    shapes = sorted((*x.shape, y.shape[1]) for x, y in again)
    forward = [(rows, 7, 6), (rows, 6, 4), (rows, 4, 3)]
    weights = [(out, rows, inner) for _, inner, out in forward]
    inputs = [(rows, out, inner) for _, inner, out in forward[1:]]
    assert shapes == sorted([*forward, *weights, *inputs])
    assert counts.operations([7, 6, 4, 3], rows) == sum(2 * math.prod(shape) for shape in shapes)


def test_products_that_do_not_add_up_are_refused(three_layers, rows):
    with pytest.raises(pairs.BenchmarkError, match="the network's layers"):
        products.products_of(*three_layers, rows + 1)


def test_bytes_are_counted_by_hand():
    n, k, m = 2, 3, 5
    x, w, y = n * k, k * m, n * m
    linear, activation, loss = x + w + y, 2 * y, 5 * y
    backward = 3 * y + (y + x + w)  # activation, weights; the gradient of the first layer's input is not needed
    assert counts.bytes_moved([k, m], n, 8) == 8 * (linear + activation + loss + backward + 7 * w)


def test_ratios_are_of_medians_and_their_range_of_rounds():
    in_minigrad = [{"seconds": s} for s in (1.0, 2.0, 9.0)]
    in_torch = [{"seconds": s} for s in (4.0, 2.0, 6.0)]
    row = pairs.compared("numba", {"numba": in_minigrad, "torch": in_torch}, asked=0.5)
    found = row["to"]["torch"]
    assert (found["ratio"], found["low"], found["high"]) == (0.5, 0.25, 1.5)
    assert row["seconds"] == statistics.median([1, 2, 9]) and row["met"]
    assert not pairs.compared("numba", {"numba": in_minigrad, "torch": in_torch}, asked=0.49)["met"]
    assert tables.judged(row) == ["0.500", "0.25 … 1.50", "≤ 0.50", "yes"]
    slower = [{"seconds": s} for s in (3.0, 3.0, 3.0)]
    row = pairs.compared("numba", {"numba": in_minigrad, "torch": in_torch, "torch_default": slower}, asked=0.5)
    assert tables.judged(row)[-1] == "NO"  # 2 / 4 meets the limit, 2 / 3 does not
    assert tables.to_default(row) == "0.667"


def test_peak_memory_is_the_childs_own():
    size = 300 << 20
    hog = jobs.watch([sys.executable, "-c", f"b'x' * {size}"], env={})
    idle = jobs.watch([sys.executable, "-c", ""], env={})
    assert size < hog["bytes"] < 1.2 * size and idle["bytes"] < size
    with pytest.raises(pairs.BenchmarkError, match="exit code 3"):
        jobs.watch([sys.executable, "-c", "raise SystemExit(3)"], env={})


def test_other_programs_share_is_what_is_not_its_own(monkeypatch):
    clocks = {"busy": iter([100.0, 107.0]), "own": iter([50.0, 54.0]), "wall": iter([0.0, 10.0])}
    monkeypatch.setattr(neighbours, "busy_seconds", lambda: next(clocks["busy"]))
    monkeypatch.setattr(neighbours, "own_seconds", lambda: next(clocks["own"]))
    monkeypatch.setattr(neighbours.time, "perf_counter", lambda: next(clocks["wall"]))
    monkeypatch.setattr(neighbours.os, "cpu_count", lambda: 2)
    assert neighbours.Watch().others() == pytest.approx(3 / 20)
    assert "15%" in neighbours.warning(0.15) and not neighbours.warning(0.01) and not neighbours.warning(None)


def test_measurements_are_made_while_the_threads_have_cores_of_their_own(monkeypatch):
    cores, naps, calls, now = neighbours.Cores(2), [], [], {"cores": 2.0}
    coming: list = []

    def nap(seconds):
        naps.append(seconds)
        now["cores"] = coming.pop(0)

    def call():
        calls.append(now["cores"])
        now["cores"] = coming.pop(0)
        return len(calls)

    monkeypatch.setattr(cores, "_seconds", lambda n: 1.0 if n == 1 else 2 / now["cores"])
    monkeypatch.setattr(neighbours.time, "sleep", nap)
    coming[:] = [1.9]
    assert cores.measure(call) == 1 and not naps  # the cores were free before and after
    now["cores"], coming[:] = 1.2, [1.3, 1.9, 1.1, 2.0, 1.9]
    assert cores.measure(call) == 3  # it waited twice, measured, lost a core, waited, and measured again
    assert len(naps) == 3 and calls == [2.0, 1.9, 2.0]
    now["cores"], coming[:] = 2.0, [1.1, 2.0] * 4
    assert cores.measure(call) == 7 and len(naps) == 6  # a core was lost each time: the last of four measurements counts
    now["cores"], coming[:], cores.patience = 1.2, [1.2, 1.2, 1.2], 2 * neighbours.NAP
    assert cores.measure(call) == 8 and len(naps) == 8  # the cores are never free: it naps twice, then measures


def test_threads_that_are_counted_do_work():
    cores = neighbours.Cores(2)
    assert 0 < cores.count() == cores.most


# ---- where CPU and GPU cross


def test_crossing_of_two_power_laws():
    sizes = [1, 10, 100, 1000]
    cpu, gpu = [(n, 1e-6 * n) for n in sizes], [(n, 2e-5 + 0 * n) for n in sizes]
    assert crossing(cpu, gpu) == pytest.approx(20)
    assert crossing(gpu, cpu) == math.inf  # as the GPU is slower at the largest size
    assert crossing(cpu, [(n, s / 2) for n, s in cpu]) == 0
    assert crossing(cpu, []) is None


def test_crossovers_in_words():
    def row(engine, value, seconds):
        return {"axis": "batch", "engine": engine, "value": value, "seconds": seconds}

    rows = [row("numba", 10, 1.0), row("numba", 1000, 100.0), row("cupy", 10, 10.0), row("cupy", 1000, 10.0)]
    assert crossovers(rows) == {"batch, minigrad": "batch, minigrad: the GPU is faster from 100 on"}


# ---- tables


@pytest.mark.parametrize(
    "seconds, text", [(12.34, "12.3 s"), (0.1, "100 ms"), (1e-3, "1.00 ms"), (2.5e-7, "0.250 µs")]
)
def test_durations(seconds, text):
    assert tables.duration(seconds) == text


def test_empty_columns_are_left_out():
    text = tables.markdown(["what", "b", "c"], [["one", "", "2"]])
    assert text.splitlines() == ["| what |  c |", "| ---- | -: |", "| one  |  2 |"]


def test_the_figure_of_an_array_tells_signs_and_places_apart():
    x = np.array([1.0, 2.0, -3.0])
    figures = {figure(mg.tensor(y)) for y in (x, -x, x[::-1].copy(), abs(x), x * (1 + 1e-9))}
    assert len(figures) == 5 and figure(mg.tensor(x)) in figures
