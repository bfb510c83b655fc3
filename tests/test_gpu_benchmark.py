"""benchmarks/gpu.py on the strict device: that all of it runs, and says so where it cannot. No time is asserted."""

import pytest
from strict_device import strict_device

from benchmarks import gpu
from minigrad.backend import cuda


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(gpu, "BATCH", (40, 784))
    monkeypatch.setattr(gpu, "IMAGES", 40)
    with strict_device():
        yield


def test_every_call_runs(small):
    for call in gpu.calls().values():
        call()


def test_every_step_runs(small):
    losses = [step().item() for step in gpu.steps("float32").values()]
    assert all(0 < loss < 1 for loss in losses)


def test_what_a_graph_cannot_hold_is_an_answer(small):
    for work in list(gpu.captured_works().values())[:4]:
        work()
        assert gpu.capture(work) == "AttributeError: 'types.SimpleNamespace' object has no attribute 'Stream'"


def test_described_with_date_and_versions(small):
    about = gpu.describe()
    assert about["gpu"] == "strict device" and about["tf32"] is False
    assert {"date", "numpy", "compute_capability"} <= set(about)


def test_report():
    times = {"seconds": 2e-5, "host_seconds": 1e-5}
    text = gpu.report({"calls": {"a ufunc": times}, "steps": {"a step": times}, "graph": {"a sum": "works"}})
    assert "| a ufunc | 20.0 µs | 10.0 µs |" in text and "| a sum           |  works |" in text


def test_without_a_gpu_it_says_that_it_did_not_run(capsys, tmp_path):
    before = cuda.use(None)
    try:
        if gpu.mg.cuda.is_available():
            pytest.skip("there is a GPU")
        assert gpu.main(["--out", str(tmp_path)]) == 1
    finally:
        cuda.use(before)
    assert capsys.readouterr().out.startswith("NOT RUN") and not list(tmp_path.iterdir())
