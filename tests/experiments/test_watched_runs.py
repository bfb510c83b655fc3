"""`minigrad train --watch`: the health of each epoch in the metrics, a line about it, and the same training as without it."""

import json

import pytest

from minigrad.cli import main, train
from minigrad.experiments import checkpoint, file_checks, program, training
from minigrad.experiments.terminal import health_line
from minigrad.serialization import CheckpointError
from support.small_mnist import first_arrays, write_mnist

OPTIONS = ["--batch-size", "15", "--epochs", "2", "--finetune-epochs", "1"]  # 14 batches an epoch: two of its steps are watched


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return str(write_mnist(tmp_path_factory.mktemp("mnist"), first_arrays()))


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(program.plots, "draw_all", lambda *arguments: None)
    monkeypatch.setattr(train, "write_report", lambda *arguments: None)


def entries(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def test_a_watched_run_is_the_same_run_and_goes_on_being_watched(data_dir, tmp_path, monkeypatch, capsys):
    plain, whole, died = (tmp_path / name for name in ("plain", "whole", "died"))
    arguments = ["train", "autoencoder", *OPTIONS, "--data-dir", data_dir]
    assert main([*arguments, "--out", str(plain), "--quiet"]) == 0
    assert main([*arguments, "--out", str(whole), "--watch"]) == 0
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Health : ")]
    assert len(printed) == 3 and max(map(len, printed)) <= 80
    watched = entries(whole)
    health = [line.pop("health") for line in watched]
    assert watched == entries(plain)
    assert [list(layers) for layers in health] == [["encoder.0", "encoder.1", "decoder.0"]] * 2 + [["0.0", "0.1", "classifier.0"]]
    for layers in health:
        assert [list(numbers) for numbers in layers.values()] == [
            ["gradient_norm", "weight_norm", "update_ratio"], ["dead"], ["gradient_norm", "weight_norm", "update_ratio"]]  # fmt: skip

    def save(run, folder):
        real(run, folder)
        if len(run.metrics) == 1:
            raise KeyboardInterrupt

    real = checkpoint.save_run
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "save_run", save)
        assert main([*arguments, "--out", str(died), "--watch", "--quiet"]) == 130
    assert main(["train", "autoencoder", "--resume", str(died), "--quiet"]) == 0
    assert entries(died) == entries(whole)


def test_a_run_can_be_watched_from_any_epoch_on(data_dir, tmp_path):
    out, arguments = tmp_path / "run", ["train", "denoising", "--epochs", "0", "--finetune-epochs", "1", "--data-dir", data_dir]

    def interrupt(*arguments):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training, "finetune_epoch", interrupt)
        assert main([*arguments, "--out", str(out), "--quiet"]) == 130
    assert main(["train", "denoising", "--resume", str(out), "--watch", "--quiet"]) == 0
    assert list(entries(out)[0]["health"]) == ["0.0", "0.1", "classifier.0"]


def test_the_health_of_an_epoch_that_diverged_is_kept(data_dir, tmp_path):
    out = tmp_path / "run"
    arguments = ["train", "autoencoder", *OPTIONS, "--lr", "1e200", "--data-dir", data_dir, "--out", str(out), "--quiet", "--watch"]
    assert main(arguments) == 1
    (entry,) = entries(out)
    assert entry["diverged"] and entry["health"]["encoder.0"]["gradient_norm"] is None


def test_a_line_about_the_health_fits_a_terminal():
    layer = {"gradient_norm": 1.0, "weight_norm": 1.0, "update_ratio": 0.0025}
    assert health_line({"0": layer, "1": {"dead": 0.05}, "2": {**layer, "update_ratio": 0.001}}) == (
        "Health : each step changes the weights by 0.1 to 0.25 %"
    )
    assert health_line({}) == "Health : no step was watched"
    assert health_line({"0": {"dead": 0.37}}) == "Health : 0: 37 % of the units are dead"
    many = health_line({f"layer{i}": {"dead": 0.5} for i in range(9)})
    assert many == "Health : layer0: 50 % of the units are dead; 8 more" and len(many) <= 80
    long = health_line({"a" * 100: {"dead": 0.5}})
    assert len(long) == 80 and long.endswith("...")


@pytest.mark.parametrize("health", [3, [], {"0": 3}, {"0": {"dead": "many"}}, {"0": {"dead": [0.5]}}], ids=str)
def test_a_health_that_is_damaged_is_refused(health):
    entry = {"phase": "pretrain", "epoch": 1, "loss": 0.5, "test_accuracy": None, "seconds": 1.0}
    file_checks.check_epoch("file", {**entry, "health": {"0": {"dead": 0.5, "update_ratio": None}}, "diverged": True})
    with pytest.raises(CheckpointError, match="file: health: expected numbers by name, by layer, found"):
        file_checks.check_epoch("file", {**entry, "health": health})
    with pytest.raises(CheckpointError, match="file: diverged: expected true or false, found 1"):
        file_checks.check_epoch("file", {**entry, "diverged": 1})
