"""A run that dies and is resumed ends as if it had not died: with the same losses, weights and pictures."""

import dataclasses
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest

import minigrad as mg
from minigrad.cli import main, train
from minigrad.experiments import checkpoint, plots, program, training
from minigrad.experiments.config import LECTURES, DivergedError
from minigrad.serialization import CheckpointError, atomic
from support.small_mnist import first_arrays, write_mnist

DEEP = os.environ.get("MINIGRAD_TEST_PROFILE") == "deep"
OPTIONS = [
    "--batch-size",
    "70",
    "--epochs",
    "3",
    "--finetune-epochs",
    "2",
    "--lr-step",
    "2",
    "--noise-std",
    "0.3",
]
SETTINGS = {"batch_size": 70, "epochs": 3, "finetune_epochs": 2, "lr_step": 2, "noise_std": 0.3}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return str(write_mnist(tmp_path_factory.mktemp("mnist"), first_arrays()))


@pytest.fixture(scope="module", autouse=True)
def small_pictures():
    """Pictures with fewer pixels, which are sooner written: here they are compared with each other only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots, "DPI", 30)
        yield


@pytest.fixture(scope="module")
def undisturbed(data_dir, tmp_path_factory):
    """The folder of a run from beginning to end."""
    out = tmp_path_factory.mktemp("runs") / "run"
    assert main(["train", "denoising", *OPTIONS, "--data-dir", data_dir, "--out", str(out), "--quiet"]) == 0
    return out


def command(*arguments):
    return [sys.executable, "-m", "minigrad", *map(str, arguments)]


def timeless(value):
    """Return a nested value without the seconds, in which two runs differ."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if key != "seconds"}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def contents(state):
    """Return a checkpoint's state with bytes in place of tensors."""
    if isinstance(state, mg.Tensor):
        return state.numpy().tobytes(), tuple(state.shape), state.dtype
    if isinstance(state, dict):
        return {key: contents(item) for key, item in state.items()}
    return state


def assert_same_checkpoint(one, two):
    states = [checkpoint.load_state(folder / checkpoint.FILE) for folder in (one, two)]
    metrics = [timeless(json.loads(state.pop("metrics").numpy().tobytes())) for state in states]
    assert metrics[0] == metrics[1]
    assert contents(states[0]) == contents(states[1])


def assert_same_run(one, two):
    """Assert that two folders have the same files, the same bytes in pictures, and elsewhere the same numbers except times."""
    assert sorted(os.listdir(one)) == sorted(os.listdir(two))
    assert_same_checkpoint(one, two)
    assert (one / "config.json").read_bytes() == (two / "config.json").read_bytes()
    assert timeless(json.loads((one / "summary.json").read_text())) == timeless(
        json.loads((two / "summary.json").read_text())
    )
    lines = [(folder / "metrics.jsonl").read_text().splitlines() for folder in (one, two)]
    assert [timeless(json.loads(line)) for line in lines[0]] == [
        timeless(json.loads(line)) for line in lines[1]
    ]
    for picture in one.glob("*.png"):
        assert picture.read_bytes() == (two / picture.name).read_bytes(), picture.name


# Killed


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")
def test_killed_at_any_moment_and_resumed(undisturbed, data_dir, tmp_path):
    """The run is killed at a random time after its first line of output, again and again; then it may end."""
    out = tmp_path / "run"
    arguments = ["train", "denoising", *OPTIONS, "--data-dir", data_dir, "--out", str(out)]
    for _ in range(40 if DEEP else 3):
        with subprocess.Popen(command(*arguments), stdout=subprocess.PIPE) as process:
            assert process.stdout.readline()
            time.sleep(random.uniform(0, 1))
            process.kill()
        assert process.returncode in (0, -signal.SIGKILL)
        if (out / "config.json").exists():
            arguments = ["train", "denoising", "--resume", str(out)]
    assert main([*arguments, "--quiet"]) == 0
    assert_same_run(undisturbed, out)


class Died(BaseException):
    """Raised in place of the process's death; no handler of the program catches it."""


class DyingDisk:
    """The os module up to its n-th file call, which is half done when the process dies."""

    def __init__(self, n):
        self.left = n

    def __getattr__(self, name):
        function = getattr(os, name)
        if name not in ("open", "write", "fsync", "replace", "close", "unlink", "listdir"):
            return function

        def call(*arguments):
            self.left -= 1
            if self.left <= 0:
                if name == "write" and self.left == 0:
                    function(arguments[0], arguments[1][: len(arguments[1]) // 2])
                raise Died
            return function(*arguments)

        return call


@pytest.fixture
def no_pictures(monkeypatch):
    monkeypatch.setattr(program.plots, "draw_all", lambda *arguments: None)


def run_in_process(config, out, data):
    lecture = checkpoint.PROGRAMS[config.lecture]
    program.run_lecture(lecture, config, out=out, quiet=True, data=data, save=checkpoint.save_run)


def resume_in_process(out, data):
    run = checkpoint.load_or_start(out)
    lecture = checkpoint.PROGRAMS[run.config.lecture]
    program.finish(lecture, run, data, out=out, quiet=True, save=checkpoint.save_run)


@pytest.mark.parametrize("lecture", ["denoising", "autoencoder"])
def test_dying_at_any_file_call_and_resumed(lecture, data_dir, tmp_path, monkeypatch, no_pictures):
    """The run dies at random file calls in all its parts, and is resumed once each time."""
    config = dataclasses.replace(LECTURES[lecture], **SETTINGS, data_dir=data_dir)
    data = training.load_data(config)
    run_in_process(config, tmp_path / "undisturbed", data)
    calls = sorted(random.sample(range(9, 150), 100 if DEEP else 6))
    for n in calls:
        out = tmp_path / f"died-{n}"
        with monkeypatch.context() as patched, pytest.raises(Died):
            patched.setattr(atomic, "os", DyingDisk(n))
            run_in_process(config, out, data)
        resume_in_process(out, data)
        assert_same_checkpoint(tmp_path / "undisturbed", out)
        assert sorted(os.listdir(out)) == sorted(os.listdir(tmp_path / "undisturbed"))


def test_a_finished_run_resumed_ends_the_same(undisturbed, capsys, no_pictures):
    before = {path.name: path.read_bytes() for path in undisturbed.iterdir()}
    assert main(["train", "denoising", "--resume", str(undisturbed)]) == 0
    assert {path.name: path.read_bytes() for path in undisturbed.iterdir()} == before
    assert f"Going on with {undisturbed} after epoch 2 of 2 (fine-tuning)" in capsys.readouterr().out


@pytest.mark.parametrize("stop", [1, 4], ids=["in the pretraining", "in the fine-tuning"])
def test_a_run_goes_on_with_its_own_settings_whatever_the_lecture_s_are_today(stop, data_dir, tmp_path, no_pictures):
    """Runs of lecture 12 used to be fine-tuned with a rate of 0.5."""
    config = dataclasses.replace(LECTURES["autoencoder"], **SETTINGS, finetune_lr=0.5, data_dir=data_dir)
    assert config.finetune_lr != LECTURES["autoencoder"].finetune_lr
    data, out = training.load_data(config), tmp_path / "stopped"
    run_in_process(config, tmp_path / "undisturbed", data)

    def save(run, folder):
        checkpoint.save_run(run, folder)
        if len(run.metrics) == stop:
            raise Died

    with pytest.raises(Died):
        program.run_lecture(checkpoint.PROGRAMS["autoencoder"], config, out=out, quiet=True, data=data, save=save)
    assert main(["train", "autoencoder", "--resume", str(out), "--quiet"]) == 0
    assert_same_checkpoint(tmp_path / "undisturbed", out)
    assert checkpoint.load_run(out).optimizer.param_groups[0]["lr"] == pytest.approx(0.05)  # 0.5, once multiplied by --lr-gamma


def test_other_versions_are_mentioned(undisturbed, tmp_path, capsys, no_pictures):
    out = tmp_path / "run"
    shutil.copytree(undisturbed, out)
    config = json.loads((out / "config.json").read_text())
    (out / "config.json").write_text(json.dumps(config | {"versions": {"numpy": "1.2.3", "gone": "4"}}))
    assert main(["train", "denoising", "--resume", str(out)]) == 0
    assert f"Begun with numpy 1.2.3, now with {np.__version__}: last digits may" in capsys.readouterr().out
    assert_same_checkpoint(undisturbed, out)
    (out / "config.json").write_text("[")
    assert main(["train", "denoising", "--resume", str(out)]) == 1
    assert "config.json: expected JSON" in capsys.readouterr().err


# Diverged


def poisoned(monkeypatch, epoch, *, loss=None, weight=None):
    """Let the `epoch`-th epoch of the pretraining return `loss`, and change the network's first weight to `weight`."""
    real = training.pretrain_epoch

    def pretrain_epoch(run, *arguments):
        true_loss = real(run, *arguments)
        if run.epoch != epoch:
            return true_loss
        if weight is not None:
            run.net.encoder[0].weight.data[0, 0] = weight
        return true_loss if loss is None else loss

    monkeypatch.setattr(training, "pretrain_epoch", pretrain_epoch)


def test_an_epoch_that_diverges_is_not_saved(undisturbed, data_dir, tmp_path, monkeypatch, capsys):
    """Epoch 2 diverges, so that the checkpoint stays that of epoch 1; resumed in a healthy process, the run ends as if nothing had been."""
    out, arguments = tmp_path / "run", ["train", "denoising", *OPTIONS, "--data-dir", data_dir]
    with monkeypatch.context() as patched:
        poisoned(patched, 2, loss=np.nan)
        assert main([*arguments, "--out", str(out), "--quiet"]) == 1
        assert "error: the loss stopped being a finite number in epoch 2 of the pretraining" in capsys.readouterr().err
        assert (checkpoint.load_run(out).epoch, len(checkpoint.load_run(out).metrics)) == (1, 1)
        assert main(["train", "denoising", "--resume", str(out)]) == 1  # the same happens again, after the same line
        printed = capsys.readouterr()
    *before, last = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert len(before) == 1 and "diverged" not in before[0]
    assert last["diverged"] is True and last["loss"] is None
    assert printed.out.splitlines()[-1].startswith("At Iteration : 2 / 3 ; Mean-Squared Error : ")
    assert "to go on: minigrad train denoising --resume" in printed.err
    assert "Diverged in epoch 2 of the pretraining" in (out / "report.html").read_text(encoding="utf-8")
    assert not (out / "summary.json").exists()
    monkeypatch.setattr(program.plots, "draw_all", lambda *arguments: None)
    resume_in_process(out, training.load_data(checkpoint.load_run(out).config))
    assert_same_checkpoint(undisturbed, out)


@pytest.mark.parametrize("weight", [np.nan, -np.inf])
def test_weights_that_are_not_finite_are_not_saved_though_the_loss_is(weight, data_dir, tmp_path, monkeypatch):
    poisoned(monkeypatch, 2, weight=weight)
    config = dataclasses.replace(LECTURES["autoencoder"], **SETTINGS, data_dir=data_dir)
    with pytest.raises(DivergedError, match=r"^a weight stopped being a finite number in epoch 2 of the pretraining: "):
        run_in_process(config, tmp_path, training.load_data(config))
    entries = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [(entry["epoch"], entry["loss"] > 0, entry.get("diverged")) for entry in entries] == [(1, True, None), (2, True, True)]
    assert checkpoint.load_run(tmp_path).epoch == 1


def test_fine_tuning_that_diverges_keeps_the_pretraining(data_dir, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train, "write_report", lambda *arguments: None)
    out = tmp_path / "run"
    short = ["--epochs", "1", "--finetune-epochs", "2", "--finetune-lr", "1e308", "--batch-size", "70", "--data-dir", data_dir]
    assert main(["train", "denoising", *short, "--out", str(out)]) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == "At Iteration : 1 / 2 ; Train Error : nan"  # no accuracy: it would mean nothing
    assert "epoch 1 of the fine-tuning" in printed.err and "--finetune-lr (now 1e+308)" in printed.err
    run = checkpoint.load_run(out)
    assert (run.phase, run.epoch) == ("pretrain", 1)


def test_a_loss_that_is_large_but_finite_is_no_divergence(data_dir, monkeypatch):
    poisoned(monkeypatch, 1, loss=1e308, weight=-1e308)
    assert main(["train", "denoising", "--epochs", "1", "--finetune-epochs", "0", "--data-dir", data_dir, "--quiet"]) == 0


def test_a_run_that_diverges_without_a_folder_says_that_nothing_is_saved(data_dir, monkeypatch, capsys):
    poisoned(monkeypatch, 1, loss=np.nan)
    assert main(["train", "denoising", *OPTIONS, "--data-dir", data_dir, "--quiet"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.endswith("; nothing is saved\n") and printed.err.count("\n") == 1


# Two at once


@pytest.mark.skipif(os.name != "posix", reason="Windows has no lock on folders")
def test_a_folder_into_which_another_process_trains_is_left_alone(undisturbed, tmp_path, capsys):
    out = tmp_path / "run"
    shutil.copytree(undisturbed, out)
    before = {path: path.read_bytes() for path in out.iterdir()}
    holder = "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", holder, out], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()
        assert main(["train", "denoising", "--resume", str(out), "--quiet"]) == 1
        assert f"{out}: another process is training into this folder" in capsys.readouterr().err
        assert {path: path.read_bytes() for path in out.iterdir()} == before
        process.kill()
    assert main(["train", "denoising", "--resume", str(out), "--quiet"]) == 0


def test_a_run_begun_with_a_relative_data_dir_is_resumed_from_anywhere(data_dir, tmp_path, monkeypatch, no_pictures):
    os.symlink(data_dir, tmp_path / "digits")
    monkeypatch.chdir(tmp_path)
    assert main(["train", "denoising", *OPTIONS, "--data-dir", "digits", "--out", "run", "--quiet"]) == 0
    monkeypatch.chdir("/")
    assert main(["train", "denoising", "--resume", str(tmp_path / "run"), "--quiet"]) == 0


# Ctrl-C


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_saves_says_how_to_resume_and_exits_with_130(undisturbed, data_dir, tmp_path, no_pictures):
    out = tmp_path / "a run"
    arguments = ["train", "denoising", *OPTIONS, "--data-dir", data_dir, "--out", out]
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # the background jobs of a shell, and their children, ignore SIGINT
    with subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heeds
    ) as process:
        while not process.stdout.readline().startswith("At Iteration : 1 / 3"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    line = stderr.strip().splitlines()[-1]
    assert line.startswith(
        "minigrad: interrupted; all whole epochs are saved; to go on: minigrad train denoising"
    )
    again = shlex.split(line.partition("to go on: minigrad ")[2])
    assert again == ["train", "denoising", "--resume", str(out)]
    assert main([*again, "--quiet"]) == 0
    assert_same_checkpoint(undisturbed, out)


def test_ctrl_c_without_a_folder_says_that_nothing_is_saved(monkeypatch, capsys):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "run_lecture", interrupted)
    assert main(["train", "denoising"]) == 130
    assert capsys.readouterr().err == "\nminigrad: interrupted; nothing is saved\n"


# The checkpoint of a run


@pytest.fixture(scope="module")
def saved(undisturbed):
    return mg.load(undisturbed / checkpoint.FILE)


def test_a_finished_run_has_all_its_pictures_in_the_checkpoint_and_the_report(saved, undisturbed):
    layers = ["pretrain encoder", "pretrain decoder", "finetune encoder", "finetune classifier"]
    weights = [f"{layer} {moment}" for layer in layers for moment in ("before", "after")]
    assert sorted(saved["snapshots"]) == sorted([*weights, "original", "noisy", "reconstruction"])
    html = (undisturbed / "report.html").read_text(encoding="utf-8")
    assert html.count("<img ") == 3 + 3 * (len(layers) + 1)  # the decoder is shown twice


def altered(saved, *path, value=None):
    """Return a copy of the nested `saved` with `value` at `path`, or without that entry if the value is `del_`."""
    key, *rest = path
    copy = dict(saved) if isinstance(saved, dict) else list(saved)
    if rest:
        copy[key] = altered(copy[key], *rest, value=value)
    elif value is del_:
        del copy[key]
    else:
        copy[key] = value
    return copy


class Removed:
    """The value that stands for a removed entry."""

    def __repr__(self):
        return "removed"


del_ = Removed()
WEIGHT = "0.0.weight"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["network", WEIGHT], del_, "network: expected the tensors 0.0.weight, .* found"),
        (["network", "extra"], mg.zeros(1), "network: expected the tensors"),
        (["network", WEIGHT], mg.zeros(3, 3), r"0.0.weight: expected .*float64 of shape \(400, 784\), found"),
        (
            ["network", WEIGHT],
            mg.zeros(400, 784, dtype=mg.float32),
            "expected .*float64 of .* found .*float32",
        ),
        (["network", WEIGHT], 3, "network: 0.0.weight: expected"),
        (["optimizer", "state"], {"nobody": {}}, "optimizer: state: expected some of 0.0.weight"),
        (
            ["optimizer", "state"],
            {WEIGHT: {"m": mg.zeros(2, 2)}},
            r"m of 0.0.weight: expected .*\(400, 784\)",
        ),
        (["optimizer", "state"], {WEIGHT: 3}, "state of 0.0.weight: expected"),
        (["optimizer", "param_groups"], [], "param_groups: expected"),
        (["optimizer", "param_groups", 0, "lr"], del_, "param_groups: expected"),
        (["optimizer", "param_groups", 0, "params"], [WEIGHT], "param_groups: expected"),
        (["optimizer"], {}, "param_groups: expected"),
        (["generator"], mg.zeros(3), "generator: state: expected"),
        (["scheduler"], None, "scheduler: expected"),
        (["scheduler", "last_epoch"], del_, "scheduler: expected"),
        (["phase"], "dreaming", "phase: expected pretrain or finetune, found 'dreaming'"),
        (["epoch"], 3, "epoch: expected 0 to 2, found 3"),
        (["epoch"], "2", "epoch: expected <class 'int'>, found '2'"),
        (["noise"], mg.zeros(16, dtype=mg.uint8), "noise: state: expected None, found uint8"),
        (["format"], 3, "expected format 2, found 3, written by minigrad"),
        (["config", "lr"], "0.1", "config: lr: expected <class 'float'>, found '0.1'"),
        (
            ["config", "dtype"],
            "float16",
            r"config: dtype: expected \['float32', 'float64'\], found 'float16'",
        ),
        (["config", "seed"], del_, "config: expected the settings lecture, epochs"),
        (["config", "lecture"], "cooking", "config: lecture: expected"),
        (["metrics"], mg.zeros(3, dtype=mg.uint8), "metrics: expected JSON"),
        (["metrics"], [], "metrics: expected <class"),
        (["snapshots", "noisy"], 5, "snapshot 'noisy': expected a tensor, found 5"),
        (["snapshots", "pretrain decoder before"], mg.zeros(784, 15, dtype=mg.float64), "expected square images, found 15 pixels"),
        (["extra"], 1, "expected a run "),
        (["epoch"], del_, "expected a run "),
    ],
    ids=str,
)
def test_a_checkpoint_that_does_not_fit_is_refused(saved, tmp_path, path, value, message):
    mg.save(altered(saved, *path, value=value), tmp_path / checkpoint.FILE)
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load_run(tmp_path)


def test_a_checkpoint_of_format_1_is_resumed(saved, tmp_path):
    """It has no entry for the noise's generator, which on the CPU is the run's generator."""
    mg.save(altered(altered(saved, "noise", value=del_), "format", value=1), tmp_path / checkpoint.FILE)
    run = checkpoint.load_run(tmp_path)
    assert (run.phase, run.epoch) == (saved["phase"], saved["epoch"]) and run.noise is run.generator
    assert run.generator.get_state().tolist() == saved["generator"].tolist()
    assert all(np.array_equal(value.numpy(), saved["network"][name].numpy()) for name, value in run.net.state_dict().items())


def test_a_users_state_dict_is_no_run(tmp_path):
    mg.save({"weight": mg.zeros(2)}, tmp_path / checkpoint.FILE)
    with pytest.raises(CheckpointError, match=r"expected a run .*, found \{'weight'"):
        checkpoint.load_run(tmp_path)


def test_a_damaged_checkpoint_is_reported_in_one_line(undisturbed, tmp_path, capsys):
    content = bytearray((undisturbed / checkpoint.FILE).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / checkpoint.FILE).write_bytes(content)
    assert main(["train", "denoising", "--resume", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"minigrad: error: {tmp_path / checkpoint.FILE}: tensor ")
    assert error.count("\n") == 1


def test_the_optimizers_state_is_stored_by_parameter_name(data_dir, tmp_path):
    config = dataclasses.replace(LECTURES["denoising"], **SETTINGS, data_dir=data_dir)
    run = training.start(config, checkpoint.PROGRAMS["denoising"])
    data = training.load_data(config)
    training.pretrain_epoch(run, data)
    checkpoint.save_run(run, tmp_path)
    state = mg.load(tmp_path / checkpoint.FILE)["optimizer"]
    names = [name for name, _ in run.net.named_parameters()]
    assert state["param_groups"][0]["params"] == names == list(state["state"])
    assert state["state"][names[0]]["exp_avg"].shape == run.net.encoder[0].weight.shape
