"""The commands in hostile surroundings: odd names, pipes in place of files, damaged runs, full outputs, folders that vanish."""

import errno
import json
import math
import os
import random
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hostile import run_damage

import minigrad as mg
from minigrad.cli import main
from minigrad.cli.evaluate import evaluate
from minigrad.data import IdxError
from minigrad.experiments import checkpoint, plots, program, run_folder, terminal, training
from minigrad.experiments.config import ExperimentError
from minigrad.experiments.lecture_tables import load_lecture_tables
from minigrad.experiments.metrics import histogram
from minigrad.experiments.report import render, svg_charts
from minigrad.experiments.report.run_reader import read_runs
from minigrad.serialization import CheckpointError, atomic
from support.small_mnist import first_arrays, write_mnist

DOCUMENTED = (ExperimentError, CheckpointError, IdxError)
TINY = ["--batch-size", "50", "--epochs", "1", "--finetune-epochs", "1"]
FILES = ("config.json", "metrics.jsonl", "summary.json", checkpoint.FILE)
PROGRAM = """
import sys
from minigrad.experiments import plots
from minigrad.cli import main
plots.draw_all = lambda *arguments: None
codes = []
for arguments in " ".join(sys.argv[1:]).split(" AND "):
    try:
        codes.append(main(arguments.split(" ")))
    except SystemExit as end:
        codes.append(end.code)
sys.exit(codes != [0] * len(codes))
"""
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": None}
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX's pipes, devices and folders")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs a file system that allows any name, and /dev/full")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    train_images, train_labels, test_images, test_labels = first_arrays()
    small = train_images[:30], train_labels[:30], test_images[:20], test_labels[:20]
    return str(write_mnist(tmp_path_factory.mktemp("mnist"), small))


@pytest.fixture
def no_pictures(monkeypatch):
    monkeypatch.setattr(plots, "draw_all", lambda *arguments: None)


@pytest.fixture(scope="module")
def whole_run(data_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(plots, "draw_all", lambda *arguments: None)
        options = [*TINY, "--lr-step", "1", "--data-dir", data_dir, "--out", str(out), "--quiet"]
        assert main(["train", "autoencoder", *options]) == 0
    return out


@pytest.fixture
def run(whole_run, tmp_path):
    """A run's folder, to be damaged."""
    return shutil.copytree(whole_run, tmp_path / "run")


def start(*commands, cwd=None, env=(), **streams):
    """Run commands of minigrad, one after the other, in a new process that must end in time."""
    text = " AND ".join(" ".join(map(str, command)) for command in commands)
    variables = {**os.environ, "PYTHONPATH": str(Path(mg.__file__).parents[1]), **dict(env)}
    variables = {name: value for name, value in variables.items() if value is not None}
    streams = {"stdout": subprocess.PIPE, **streams}
    return subprocess.run([sys.executable, "-c", PROGRAM, text], cwd=cwd, env=variables, timeout=120, stderr=subprocess.PIPE, **streams)


def the_error(command, capsys):
    """Return the message of a command that fails, which must be one line."""
    capsys.readouterr()
    assert main(list(map(str, command))) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("minigrad: error: "), error
    return error


# Names


@linux
@pytest.mark.parametrize(
    ("name", "env"),
    [
        (b"p_\xff", {}),
        ("p_ü".encode(), {"PYTHONIOENCODING": "ascii"}),
        ("p_ü".encode(), C_LOCALE),
    ],
    ids=["no UTF-8", "ASCII output", "C locale"],
)
def test_a_runs_folder_may_have_any_name(name, env, data_dir, tmp_path):
    """The run is trained, resumed, reported and evaluated; the data's folder has such a name too."""
    out, data = os.fsencode(tmp_path) + b"/" + name, os.fsencode(tmp_path) + b"/data_" + name
    os.symlink(data_dir, data)
    out, data = os.fsdecode(out), os.fsdecode(data)
    done = start(
        ["train", "autoencoder", *TINY, "--data-dir", data, "--out", out],
        ["train", "autoencoder", "--resume", out],
        ["report", out],
        ["evaluate", out],
        env=env,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    shown = name.decode("utf-8", "backslashreplace")
    assert f"</span>{shown}" in Path(out, "report.html").read_text(encoding="utf-8")
    assert b"Going on with " in done.stdout


@linux
def test_a_run_is_resumed_where_file_names_have_another_encoding(run, data_dir, tmp_path):
    (tmp_path / "grün").symlink_to(data_dir)
    state = mg.load(run / checkpoint.FILE)
    mg.save(run_damage.replaced(state, ("config", "data_dir"), str(tmp_path / "grün")), run / checkpoint.FILE)
    done = start(["train", "autoencoder", "--resume", run, "--quiet"], env=C_LOCALE)
    assert (done.returncode, done.stderr) == (0, b"")


def test_commands_that_are_printed_can_be_pasted(monkeypatch):
    assert terminal.shell_word("a run") == "'a run'"
    for name in ("p_\udcff's", "a\nb", "\\ ü\x1b"):
        word = terminal.shell_word(name)
        if os.path.exists("/bin/bash"):
            done = subprocess.run(["/bin/bash", "-c", f"printf %s {word}"], stdout=subprocess.PIPE, check=True)
            assert done.stdout == os.fsencode(name)
        assert terminal.one_line(word) == word


def test_the_page_has_no_character_that_html_forbids(run):
    settings = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(settings | {"data_dir": "a\0b\ud800c\x1bd"}))
    html = render(read_runs([run]))
    html.encode("utf-8")
    assert r"a\x00b\ud800c\x1bd" in html


@pytest.mark.parametrize(
    "command",
    ["train denoising --out=", "train denoising --data-dir=", "train autoencoder --resume=", "report", "report x --out=", "evaluate",
     "evaluate x --data-dir="],
)  # fmt: skip
def test_an_empty_name_is_refused(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        main([*command.split(), *([] if "=" in command else [""])])
    assert "expected a name, found an empty text" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_an_unknown_user_is_a_folder_that_is_not_there(capsys):
    assert "expected a folder with" in the_error(["train", "denoising", "--data-dir", "~no-such-user/x"], capsys)


# Things in place of a run's files


@posix
def test_nothing_waits_for_a_pipe_or_reads_a_device(whole_run, tmp_path):
    kinds = {
        "pipe": os.mkfifo,
        "device": lambda path: path.symlink_to("/dev/null"),  # the device is only read here
        "socket": bind,
        "folder": os.mkdir,
    }
    commands, files = [], []
    for kind, make in kinds.items():
        for name in FILES:
            folder = shutil.copytree(whole_run, tmp_path / f"{kind}-{name}")
            (folder / name).unlink()
            make(folder / name)
            commands.append(["report", folder])
            files.append(folder / name)
            if name == checkpoint.FILE:
                commands += [["train", "autoencoder", "--resume", folder], ["evaluate", folder]]
                files += [folder / name] * 2
            if name == "config.json":
                commands.append(["train", "autoencoder", "--resume", folder])
                files.append(folder / name)
    done = start(*commands)
    lines = done.stderr.decode().splitlines()
    assert len(lines) == len(files)
    for line, file in zip(lines, files):
        assert line.startswith(f"minigrad: error: {file}: expected a file, found a ")
        assert "; re" in line  # the message says what to do: remove the file, or restore it


def bind(path):
    with socket.socket(socket.AF_UNIX) as made, pytest.MonkeyPatch.context() as patched:
        patched.chdir(path.parent)  # because a socket's name must be short
        made.bind(path.name)


@posix
def test_a_report_replaces_no_device_pipe_or_socket(run, tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    bind(tmp_path / "socket")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for name in ("pipe", "socket", "link"):
        assert "expected a file or a new name, found a device" in the_error(["report", run, "--out", tmp_path / name], capsys)
        assert not (tmp_path / name).is_file()
    done = start(["report", run, "--out", "/dev/stdout"])
    assert done.stderr.decode().startswith("minigrad: error: /dev/stdout: expected a file or a new name, found a device")


# Damaged files of a run


DAMAGES = {
    "versions that are null": ("config.json", '"versions": {', '"versions": null, "x": {', "versions: expected texts by name, found None"),
    "a setting that is a list": ("config.json", '"batch_size": 50', '"batch_size": [[50]]', "batch_size"),
    "a number beyond 2^64": ("metrics.jsonl", '"epoch": 1', '"epoch": 1' + "0" * 400, "phase, epoch, loss"),
    "a number of 5,000 digits": ("metrics.jsonl", '"epoch": 1', '"epoch": ' + "9" * 5000, "Exceeds the limit"),
    "an infinite time": ("metrics.jsonl", '"seconds": ', '"seconds": 1e999, "x": ', "and seconds"),
    "a phase that is a number": ("metrics.jsonl", '"pretrain"', "7", "phase"),
    "an epoch that is true": ("metrics.jsonl", '"epoch": 1', '"epoch": true', "epoch"),
    "a share of dead units": ("summary.json", '"dead_units": ', '"dead_units": 0.5, "x": ', "sparsity: expected numbers by name"),
    "a histogram of null": ("summary.json", '"edges": [', '"edges": [null, ', "code_histogram: expected lists of numbers"),
    "a count that is negative": ("summary.json", '"confusion": [\n    [', '"confusion": [\n    [-1, ', "expected a table of 10 × 10"),
    "deep nesting": ("summary.json", "{", "[" * 100_000, "recursion"),
    "a NUL byte": ("config.json", "lecture", "lec\0ture", "expected JSON"),
    "a byte that is no UTF-8": ("config.json", "lecture", "lec\udcffture", "expected UTF-8 text"),
    "a name twice": ("config.json", '"seed"', '"lr": 3, "seed"', "each name once"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_named_with_the_way_out(name, run, capsys):
    file, before, after, message = DAMAGES[name]
    content = (run / file).read_text()
    assert before in content
    (run / file).write_bytes(content.replace(before, after, 1).encode("utf-8", "surrogateescape"))
    error = the_error(["report", run], capsys)
    assert error.startswith(f"minigrad: error: {run / file}: ") and message in error and len(error) < 1_000
    assert "write it again from the checkpoint: minigrad train autoencoder --resume" in error or "restore the file from a copy" in error


def test_numbers_that_json_has_no_word_for_are_read(run):
    line = '{"phase": "pretrain", "epoch": %d, "loss": %s, "test_accuracy": null, "seconds": 1}\n'
    losses = ["NaN", "Infinity", "-Infinity", "1e999", "1.7e308", "-1.7e308", "5e-324", "null", "0.5"]
    (run / "metrics.jsonl").write_text("".join(line % (epoch, loss) for epoch, loss in enumerate(losses, start=1)))
    edges = '"code_histogram": {"edges": [-1.7e308, 1.7e308, 1e308, 1.7e308], "shares": [0.5, 0.5, 1]}'
    (run / "summary.json").write_text(f'{{"mse": NaN, "train_error": Infinity, "class_accuracy": {{"one": NaN}}, {edges}}}')
    html = render(read_runs([run]))
    assert "run, epoch 9: 0.5" in html and "run, epoch 7: 4.94066e-324" in html
    assert "run, epoch 5:" not in html


def documented(function, *arguments):
    """Call `function`, which may fail only in the documented ways."""
    try:
        return function(*arguments)
    except DOCUMENTED as error:
        assert len(str(error)) < 2_000
        return None


def test_damaged_texts_of_a_run_end_in_a_documented_error(run):
    (run / checkpoint.FILE).unlink()
    contents = {name: (run / name).read_bytes() for name in FILES[:3]}
    seed = random.randrange(1 << 32)  # pytest-randomly seeds `random`
    for number in range(300):
        rng = random.Random(f"{seed} {number}")
        name = rng.choice(list(contents))
        (run / name).write_bytes(run_damage.damaged_text(rng, name, contents[name]))
        try:
            documented(lambda: render(read_runs([run])).encode("utf-8"))
            if name == "config.json":
                documented(run_folder.version_changes, run, training.PACKAGES)
                documented(checkpoint.read_settings, run / name)
        except Exception as error:
            raise AssertionError(f"damage {number} of seed {seed}, in {name}") from error
        (run / name).write_bytes(contents[name])


def test_damaged_checkpoints_with_right_digests_are_refused_or_trained_to_the_end(run, no_pictures):
    state = mg.load(run / checkpoint.FILE)
    seed = random.randrange(1 << 32)
    for number in range(8):
        rng = random.Random(f"{seed} {number}")
        try:
            mg.save(run_damage.damaged_state(rng, state), run / checkpoint.FILE)
        except (TypeError, ValueError):
            continue  # minigrad cannot have written such a file
        try:
            documented(lambda: render(read_runs([run])))
            documented(resume_and_evaluate, run)
        except Exception as error:
            raise AssertionError(f"damage {number} of seed {seed}") from error


def resume_and_evaluate(folder):
    loaded = checkpoint.load_run(folder)
    if max(loaded.config.epochs, loaded.config.finetune_epochs) > 10:
        return  # training would take too long
    evaluate(folder)
    with np.errstate(all="ignore"):
        program.finish(checkpoint.PROGRAMS[loaded.config.lecture], loaded, training.load_data(loaded.config), out=folder, quiet=True,
                       save=checkpoint.save_run)  # fmt: skip
    render(read_runs([folder]))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("config batch_size", 0, "config: batch_size: expected a whole number of at most 64 bits, at least 1, found 0"),
        ("config lr", -1.0, "config: lr: expected a finite number, more than 0, found -1.0"),
        ("config momentum", 10**400, "config: momentum: expected <class 'float'>"),
        ("config epochs", True, "config: epochs: expected <class 'int'>"),
        ("config seed", 1 << 70, "config: seed: expected a whole number of at most 64 bits, at least 0"),
        ("config noise_mean", float("inf"), "config: noise_mean: expected a finite number, found inf"),
        ("optimizer param_groups 0 momentum", "x", "param_groups: expected momentum"),
        ("optimizer param_groups 0 lr", float("nan"), "param_groups: expected lr a rate"),
        ("scheduler step_size", 0, "scheduler: expected step_size 1, found 0"),
        ("scheduler last_epoch", 99, "scheduler: expected last_epoch 1, found 99"),
        ("figures sparsity", 3, "figures: sparsity: expected numbers by name"),
        ("snapshots noisy", mg.zeros(3, 5, dtype=mg.float64), "snapshot"),
        ("snapshots original", mg.zeros(5000, 784, dtype=mg.float64), "at most 10 images"),
        ("snapshots original", mg.tensor(0.5, dtype=mg.float64), "numbers in rows and columns"),
        ("metrics", mg.tensor(list(b"[7]"), dtype=mg.uint8), "metrics: expected an object with phase"),
        ("generator", mg.full((16,), 255, dtype=mg.uint8), "generator: expected a count of draws"),
        ("format", 10**400, "expected format 2"),
    ],
    ids=str,
)
def test_a_forged_checkpoint_is_refused_before_anything_is_trained(path, value, message, run):
    keys = [int(key) if key.isdigit() else key for key in path.split()]
    mg.save(run_damage.replaced(mg.load(run / checkpoint.FILE), keys, value), run / checkpoint.FILE)
    with pytest.raises(CheckpointError, match=re.escape(message)) as caught:
        checkpoint.load_run(run)
    assert str(run / checkpoint.FILE) in str(caught.value) and "restore the file from a copy" in str(caught.value)


# Outputs that fail, and what is said to be saved


@linux
def test_a_full_output_is_not_taken_for_a_full_disk(data_dir, tmp_path):
    with open("/dev/full", "w") as full:
        done = start(["train", "autoencoder", *TINY, "--data-dir", data_dir, "--out", tmp_path / "run"], ["--help"], stdout=full)
    again = f"no epoch is saved yet; to begin again: minigrad train autoencoder --resume {tmp_path / 'run'}"
    error = "minigrad: error: standard output: No space left on device"
    assert done.stderr.decode().splitlines() == [f"{error}; {again}", error]


@posix
def test_an_output_that_is_closed_leaves_a_run_that_is_resumed(data_dir, tmp_path, no_pictures):
    reader, writer = os.pipe()
    os.close(reader)
    out = tmp_path / "run"
    done = start(["train", "autoencoder", *TINY, "--data-dir", data_dir, "--out", out], stdout=writer)
    os.close(writer)
    assert done.stderr.decode().startswith("minigrad: error: the output was closed before all was said; no epoch is saved yet; to begin")
    assert main(["train", "autoencoder", "--resume", str(out), "--quiet"]) == 0


def failing_disk(monkeypatch, out, error, before=lambda: None):
    """Let writing fail after the run's metrics are written."""
    real = atomic._write_and_sync

    def write(path, chunks):
        if (out / "metrics.jsonl").exists():
            before()
            raise OSError(error, os.strerror(error))
        real(path, chunks)

    monkeypatch.setattr(atomic, "_write_and_sync", write)


@pytest.mark.parametrize(
    ("error", "happens", "said"),
    [
        (errno.ENOSPC, lambda out: None, "the last checkpoint is whole; to go on: minigrad train autoencoder --resume "),
        (errno.EROFS, lambda out: None, "the last checkpoint is whole; to go on: minigrad train autoencoder --resume "),
        (errno.EACCES, lambda out: (out / checkpoint.FILE).unlink(missing_ok=True), "no epoch is saved yet; to begin again: "),
        (errno.EIO, lambda out: (out / checkpoint.FILE).write_bytes(b"12345678"), "nothing that is saved can be read: "),
        (errno.ENOSPC, lambda out: shutil.rmtree(out, ignore_errors=True), "nothing is saved: there is no folder "),
    ],
    ids=["full disk", "read-only", "no checkpoint", "damaged checkpoint", "folder removed"],
)
def test_what_is_said_to_be_saved_is_saved(error, happens, said, data_dir, tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    failing_disk(monkeypatch, out, error, lambda: happens(out))
    message = the_error(["train", "autoencoder", *TINY, "--data-dir", data_dir, "--out", out, "--quiet"], capsys)
    assert f"{os.strerror(error)}; {said}" in message


def test_an_interrupt_tells_what_is_saved(whole_run, tmp_path, monkeypatch, capsys):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "run_lecture", interrupted)
    assert main(["train", "autoencoder", "--out", str(tmp_path / "new")]) == 130
    assert capsys.readouterr().err == f"\nminigrad: interrupted; nothing is saved: there is no folder {tmp_path / 'new'}\n"
    assert "holds another run already" in the_error(["train", "autoencoder", "--out", whole_run], capsys)


@posix
def test_a_folder_that_is_removed_meanwhile(data_dir, tmp_path, monkeypatch, capsys, no_pictures):
    out, real = tmp_path / "run", training.pretrain_epoch

    def epoch(*arguments):
        shutil.rmtree(out)
        return real(*arguments)

    monkeypatch.setattr(training, "pretrain_epoch", epoch)
    error = the_error(["train", "autoencoder", *TINY, "--data-dir", data_dir, "--out", out, "--quiet"], capsys)
    assert error.endswith(f"No such file or directory; nothing is saved: there is no folder {out}\n")


# Runs that diverge


def test_a_run_that_diverges_says_so(data_dir, tmp_path, capsys, no_pictures):
    out = tmp_path / "run"
    options = ["--batch-size", "10", "--epochs", "4", "--finetune-epochs", "0", "--lr", "1e200", "--data-dir", data_dir, "--out", str(out)]
    error = the_error(["train", "autoencoder", *options], capsys)
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    first = next(entry["epoch"] for entry in lines if entry["loss"] is None)
    assert [entry.get("diverged", False) for entry in lines] == [entry["epoch"] == first for entry in lines] and len(lines) == first
    said = f"the loss stopped being a finite number in epoch {first} of the pretraining"
    assert error.startswith(f"minigrad: error: {said}: the training diverged and stopped there; try a smaller --lr (now 1e+200); ")
    assert error.endswith(f"the same settings lead here again; to go on: minigrad train autoencoder --resume {out}\n")
    assert not (out / "summary.json").exists()
    html = (out / "report.html").read_text(encoding="utf-8")
    assert f'<p class="headline alarm">Diverged in epoch {first} of the pretraining: the loss is not a finite number.</p>' in html
    assert ".alarm { color: var(--alarm)" in html
    assert the_error(["train", "autoencoder", "--resume", out], capsys) == error


def test_a_run_of_an_earlier_version_that_went_on_after_diverging_says_so():
    entry = {"phase": "finetune", "epoch": 2, "loss": None, "test_accuracy": 9.8, "seconds": 1}
    said = run_folder.divergence({"lr": 1, "finetune_lr": 2}, [{**entry, "epoch": 1, "loss": 1e308}, entry, {**entry, "epoch": 3}])
    assert said == (
        "the loss stopped being a finite number in epoch 2 of the fine-tuning: the training diverged, and what follows means nothing; "
        "try a smaller --lr (now 1) or --finetune-lr (now 2)"
    )


def test_a_run_that_does_not_diverge_has_no_alarm(whole_run):
    assert 'alarm"' not in render(read_runs([whole_run]))


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e308, 5e-324])
def test_weights_and_losses_of_any_size_are_drawn(value, run, tmp_path):
    loaded = checkpoint.load_run(run)
    for tensor in loaded.snapshots.values():
        tensor.numpy()[::2], tensor.numpy()[1::2] = value, -value
    entry = loaded.metrics[0]
    loaded.metrics = [entry | {"epoch": epoch, "loss": loss} for epoch, loss in enumerate([value, -value, 0.5], start=1)]
    weight = loaded.snapshots["finetune classifier after"].numpy()
    plots.save(tmp_path / "weights.png", (4, 1), plots.weight_change, "", "classifier", weight, -weight)
    plots.save(tmp_path / "curves.png", (6, 2), plots.curves, "", "minigrad", loaded.metrics, load_lecture_tables()["autoencoder"])
    checkpoint.save_run(loaded, run)
    run_folder.write_metrics(run, loaded.metrics)
    html = render(read_runs([run]))
    assert not re.search(r"\d{12}\.", html)  # such as a loss of 1e308 with all its digits
    assert ("1.000e+308" in html) is (value == 1e308)


def test_a_histogram_takes_values_of_any_size():
    for value in (5e-324, 1e-310, 1e308, math.nan, 0.0):
        assert len(histogram(np.array([value, 0.0]))["shares"]) == 25


@pytest.mark.parametrize("low", [0.0, 5e-324, 1e-13, 1.0, -1e300, 2.0**60])
def test_ticks_of_any_size_are_few_and_differ(low):
    for high in (low, math.nextafter(low, math.inf), low + 1e-20, low * (1 + 1e-8), 1e300):
        ticks = svg_charts.nice_ticks(min(low, high), max(low, high))
        assert 2 <= len(set(ticks)) == len(ticks) <= 12 and all(map(math.isfinite, ticks))


# Surroundings


def test_a_matplotlib_that_cannot_be_imported_is_reported_before_the_training(data_dir, tmp_path):
    done = start(["train", "autoencoder", *TINY, "--data-dir", data_dir, "--out", tmp_path / "run"], env={"MPLBACKEND": "nonsense"})
    assert b"minigrad: error: --out: its pictures need matplotlib, which cannot be imported: Key backend" in done.stderr
    assert not (tmp_path / "run").exists()


@posix
def test_a_current_folder_that_was_deleted_is_reported(data_dir, tmp_path):
    program = "import os, sys; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')" + PROGRAM
    environment = {**os.environ, "PYTHONPATH": str(Path(mg.__file__).parents[1])}
    train = "train autoencoder"
    commands = [f"{train} --out x --data-dir {data_dir}", f"{train} --data-dir x", "report x", f"{train} --resume x"]
    done = subprocess.run(
        [sys.executable, "-c", program, " AND ".join(commands)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    lines = done.stderr.splitlines()
    assert len(lines) == len(commands)
    assert all(line.endswith("the current folder was deleted: go to another one with cd, then try again") for line in lines)


def test_a_home_terminal_or_width_that_is_missing_changes_nothing(data_dir, tmp_path):
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfigure.dpi: 7\n")
    env = {"HOME": None, "TERM": "dumb", "COLUMNS": "1", "MATPLOTLIBRC": str(tmp_path / "matplotlibrc")}
    done = start(["train", "autoencoder", *TINY, "--data-dir", data_dir, "--out", tmp_path / "run"], ["train", "denoising", "--help"],
                 ["doctor"], env=env)  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_matplotlibrc_does_not_change_the_pictures(tmp_path, monkeypatch):
    import matplotlib

    images, labels = np.zeros((10, 784), np.uint8), list(range(10))
    plots.save(tmp_path / "one.png", (8, 1.35), plots.digits, images, labels)
    with matplotlib.rc_context({"text.usetex": True, "savefig.dpi": 7}):
        plots.save(tmp_path / "two.png", (8, 1.35), plots.digits, images, labels)
        assert matplotlib.rcParams["savefig.dpi"] == 7
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@posix
def test_a_file_where_the_folder_should_be(data_dir, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    for name, message in [("file", "expected a folder, found a file"), ("pipe", "expected a folder, found"), ("nowhere", "File exists")]:
        assert message in the_error(["train", "autoencoder", *TINY, "--data-dir", data_dir, "--out", tmp_path / name], capsys)
