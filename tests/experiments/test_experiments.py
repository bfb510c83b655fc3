"""The two lectures as programs: what they print and write, and how they answer misuse."""

import contextlib
import dataclasses
import io
import json
import math
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from matplotlib import image as mpimg
from matplotlib.figure import Figure

import minigrad as mg
from minigrad.cli import main
from minigrad.data.mnist import load_mnist
from minigrad.experiments import autoencoder, denoising, plots, program, run_folder, tiled_images, training
from minigrad.experiments.config import CLASSES, LECTURES, config_as_dict
from minigrad.experiments.lecture_tables import load_lecture_tables
from minigrad.experiments.terminal import digits_as_text, progress
from reference.vision import import_torchvision

SMALL = ["--limit", "2500", "--epochs", "2", "--finetune-epochs", "1"]  # the last batch is short
NUMBER = r"\d+\.\d{6}"
CLASS_LINES = [rf"Accuracy of {name:>5} : {NUMBER} %" for name in CLASSES]
PNGS = [
    "class_accuracy",
    "confusion",
    "curves",
    "digits",
    "finetune_classifier",
    "finetune_encoder",
    "pretrain_decoder",
    "pretrain_decoder_pixels",
    "pretrain_encoder",
    "reconstructions",
]


@pytest.fixture(scope="module")
def few_images(tmp_path_factory):
    """A folder with 300 training images and 100 test images."""
    folder = tmp_path_factory.mktemp("few")
    images, labels, test_images, test_labels = load_mnist()
    write_idx(folder / "train-images-idx3-ubyte", images[:300])
    write_idx(folder / "train-labels-idx1-ubyte", labels[:300])
    write_idx(folder / "t10k-images-idx3-ubyte", test_images[:100])
    write_idx(folder / "t10k-labels-idx1-ubyte", test_labels[:100])
    return str(folder)


def write_idx(path, array):
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(head + array.tobytes())


@pytest.fixture(scope="module")
def tiny(few_images):
    """The options for a very small run."""
    return ["--data-dir", few_images, "--batch-size", "70", "--epochs", "2", "--finetune-epochs", "2"]


@pytest.fixture(scope="module")
def without_options(tiny):
    """What the very small run prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main(["train", "denoising", *tiny]) == 0
    return printed.getvalue()


def settings(lecture, **changes):
    return dataclasses.replace(LECTURES[lecture], **changes)


def expected_lines(lecture):
    """Return the whole output of a run with SMALL as regular expressions, one for each line."""
    net = re.escape(str(lecture.autoencoder())).split("\\\n")
    classifier = re.escape(str(lecture.classifier(lecture.autoencoder()))).split("\\\n")
    picture = [".*"] * 11 if lecture is autoencoder else []
    return [
        r"Train images : \(2500, 784\)",
        r"Train labels : \(2500,\)",
        r"Test images : \(10000, 784\)",
        r"Test labels : \(10000,\)",
        r"(No GPU is available\.|GPU is available!) The network runs on: cpu",
        *picture,
        *net,
        rf"At Iteration : 1 / 2 ; Mean-Squared Error : {NUMBER}",
        rf"At Iteration : 2 / 2 ; Mean-Squared Error : {NUMBER}",
        "Finished Training",
        *classifier,
        rf"At Iteration : 1 / 1 ; Train Error : {NUMBER} ; Test Accuracy : {NUMBER}",
        "Finished Training",
        *CLASS_LINES,
    ]


@pytest.fixture(scope="module", params=["denoising", "autoencoder"])
def finished(request, tmp_path_factory):
    """The lecture's module and the folder of a small run."""
    out = tmp_path_factory.mktemp("runs") / request.param
    assert main(["train", request.param, *SMALL, "--quiet", "--out", str(out)]) == 0
    return {"denoising": denoising, "autoencoder": autoencoder}[request.param], out


@pytest.mark.parametrize("lecture", [denoising, autoencoder])
def test_a_run_prints_the_lecture_s_lines_and_no_others(lecture, capsys):
    assert main(["train", lecture.__name__.split(".")[-1], *SMALL]) == 0
    printed, errors = capsys.readouterr()
    lines, expected = printed.splitlines(), expected_lines(lecture)
    assert len(lines) == len(expected)
    for line, pattern in zip(lines, expected):
        assert re.fullmatch(pattern, line), (pattern, line)
    assert errors == ""


def test_quiet_prints_nothing_and_without_out_nothing_is_written(tiny, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "denoising", *tiny, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_config_json_has_every_setting_and_the_versions(finished):
    _, out = finished
    config = json.loads((out / "config.json").read_text())
    versions = config.pop("versions")
    preset = config_as_dict(LECTURES[out.name])
    assert config == {**preset, "limit": 2500, "epochs": 2, "finetune_epochs": 1}
    assert versions["numpy"] == np.__version__


def test_metrics_jsonl_has_an_object_an_epoch(finished):
    _, out = finished
    entries = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [(e["phase"], e["epoch"]) for e in entries] == [("pretrain", 1), ("pretrain", 2), ("finetune", 1)]
    for entry in entries:
        assert list(entry) == ["phase", "epoch", "loss", "test_accuracy", "seconds"]
        assert entry["loss"] > 0 and entry["seconds"] > 0
    assert [entry["test_accuracy"] is None for entry in entries] == [True, True, False]
    assert entries[1]["loss"] < entries[0]["loss"]


def test_summary_json_agrees_with_itself_and_with_the_metrics(finished):
    _, out = finished
    summary = json.loads((out / "summary.json").read_text())
    entries = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert summary["first_mse"] == entries[0]["loss"] and summary["mse"] == entries[1]["loss"]
    assert summary["train_error"] == entries[2]["loss"]
    assert summary["test_accuracy"] == pytest.approx(entries[2]["test_accuracy"], abs=1e-9)
    confusion = np.array(summary["confusion"])
    assert confusion.sum() == 10_000
    assert summary["test_accuracy"] == pytest.approx(confusion.trace() / 100)
    assert list(summary["class_accuracy"]) == list(CLASSES)
    shares = 100 * confusion.diagonal() / confusion.sum(axis=1)
    assert list(summary["class_accuracy"].values()) == pytest.approx(shares.tolist())
    assert set(summary["sparsity"]) == {
        "mean_abs_code",
        "share_of_code_below_0.01",
        "dead_units",
        "share_of_decoder_weights_below_0.001",
    }


def test_every_picture_is_written_and_no_other_file_is_left(finished):
    _, out = finished
    for name in PNGS:
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]
    assert {path.stem for path in out.glob("*.png")} == set(PNGS)


def test_a_seed_gives_the_same_run_again_and_another_seed_another(few_images):
    def errors(seed):
        small = {"data_dir": few_images, "batch_size": 70, "epochs": 1, "finetune_epochs": 1}
        config = settings("denoising", **small, seed=seed)
        summary = program.run_lecture(denoising, config, quiet=True)
        return summary["mse"], summary["train_error"], summary["confusion"]

    assert errors(3) == errors(3)
    assert errors(3)[0] != errors(4)[0]


def test_writing_files_does_not_change_the_numbers(finished):
    lecture, out = finished
    config = settings(out.name, limit=2500, epochs=2, finetune_epochs=1)
    summary = program.run_lecture(lecture, config, quiet=True)
    assert summary["confusion"] == json.loads((out / "summary.json").read_text())["confusion"]


@pytest.mark.parametrize(
    "options",
    [
        ["--optimizer", "sgd", "--lr", "0.5", "--momentum", "0.9"],
        ["--noise-std", "0", "--noise-mean", "0"],
        ["--l1-weight", "0.1"],
        ["--l1-weight", "0.1", "--l1-form", "slide"],
        ["--weight-decay", "0.01"],
        ["--lr-step", "1", "--lr-gamma", "0.5"],
        ["--batch-size", "71"],
        ["--limit", "299"],
        ["--seed", "7"],
        ["--dtype", "float32"],
        ["--finetune-lr", "0.3"],
    ],
    ids=" ".join,
)
def test_every_option_changes_the_run(options, tiny, without_options, capsys):
    assert main(["train", "denoising", *tiny, *options]) == 0
    assert capsys.readouterr().out != without_options


def test_no_epochs_at_all_is_a_run_too(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "DPI", 30)  # small pictures are sooner written
    out = tmp_path / "run"
    no_epochs = ["--epochs", "0", "--finetune-epochs", "0", "--quiet"]
    assert main(["train", "autoencoder", *tiny, *no_epochs, "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["mse"] is None and 0 < summary["test_accuracy"] < 40
    assert (out / "curves.png").exists()


def test_numbers_that_json_has_no_word_for_are_null(tmp_path):
    entry = {"loss": math.nan, "test_accuracy": math.inf, "epoch": 1, "more": [{"x": -math.inf}]}
    run_folder.write_metrics(tmp_path, [entry])
    (line,) = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert line == '{"loss": null, "test_accuracy": null, "epoch": 1, "more": [{"x": null}]}'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: command"),
        (["train"], "the following arguments are required: lecture"),
        (["train", "lecture20"], "invalid choice: 'lecture20'"),
        (["train", "denoising", "--epoch", "3"], "unrecognized arguments: --epoch 3"),
        (["train", "denoising", "--epochs", "many"], "expected a whole number, at least 0; found 'many'"),
        (["train", "denoising", "--epochs", "-1"], "expected a whole number, at least 0; found '-1'"),
        (["train", "denoising", "--batch-size", "0"], "expected a whole number, at least 1; found '0'"),
        (["train", "denoising", "--lr", "0"], "expected a number, more than 0; found '0'"),
        (["train", "denoising", "--lr", "nan"], "expected a number, more than 0; found 'nan'"),
        (["train", "denoising", "--noise-std", "-1"], "expected a number, at least 0; found '-1'"),
        (["train", "denoising", "--dtype", "float16"], "invalid choice: 'float16'"),
        (["train", "denoising", "--out"], "expected one argument"),
    ],
)
def test_misuse_is_one_line_and_exit_code_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    printed, errors = capsys.readouterr()
    assert exit_.value.code == 2
    assert message in errors and errors.count("\n") == 1 and printed == ""


def test_a_missing_data_folder_is_one_line_and_exit_code_1(capsys, tmp_path):
    out = tmp_path / "run"
    missing = tmp_path / "nowhere"
    assert main(["train", "denoising", "--data-dir", str(missing), "--out", str(out)]) == 1
    printed, errors = capsys.readouterr()
    assert str(missing) in errors and errors.count("\n") == 1 and printed == ""
    assert not out.exists()


def test_out_that_holds_another_run_is_left_alone(finished, tiny, capsys):
    _, out = finished
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert main(["train", "denoising", *tiny, "--out", str(out)]) == 1
    errors = capsys.readouterr().err
    assert "holds another run" in errors and errors.count("\n") == 1
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before


def test_out_that_is_a_file_is_one_line_and_exit_code_1(tiny, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        assert main(["train", "denoising", *tiny, "--out", str(out)]) == 1
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.skipif(training.gpu_is_available(), reason="there is a GPU")
def test_cuda_without_a_gpu_is_one_line_and_exit_code_1(capsys):
    assert main(["train", "denoising", "--device", "cuda"]) == 1
    printed, errors = capsys.readouterr()
    assert errors.startswith("minigrad: error: ") and errors.count("\n") == 1 and printed == ""


def test_a_closed_pipe_is_one_line_and_exit_code_1(tiny):
    command = [sys.executable, "-m", "minigrad", "train", "denoising", *tiny]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read().count(b"\n") == 1
    process.stderr.close()
    assert process.wait() == 1


def test_data_dir_and_limit_choose_the_images(tiny, few_images, capsys):
    assert main(["train", "denoising", *tiny, "--limit", "250"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Train images : (250, 784)" and lines[2] == "Test images : (100, 784)"
    data = training.load_data(settings("denoising", data_dir=few_images, limit=250))
    images, labels, test_images, test_labels = load_mnist()
    assert np.array_equal(data.train_images.numpy(), images[:250].reshape(250, 784))
    assert np.array_equal(data.train_labels.numpy(), labels[:250])
    assert np.array_equal(data.test_images.numpy(), test_images[:100].reshape(100, 784))
    assert np.array_equal(data.test_labels.numpy(), test_labels[:100])


def test_the_loss_is_the_mean_over_the_batches():
    config = settings("autoencoder", limit=250, batch_size=100, lr=1e-300, momentum=0.0)
    data = training.load_data(config)
    run = training.start(config, autoencoder)
    losses = []
    for inputs, _ in data.batches(run):
        losses.append(((run.net(inputs) - inputs) ** 2).mean().item())
    assert len(losses) == 3
    assert training.pretrain_epoch(run, data) == pytest.approx(sum(losses) / 3, rel=1e-12)


def test_noise_is_clamped_and_drawn_from_the_generator_alone():
    x = mg.tensor([[0.0, 0.5, 1.0]] * 4000, dtype=mg.float64)
    first, again = (training.add_noise(x, 0.1, 0.2, mg.Generator().manual_seed(5)) for _ in range(2))
    assert first.numpy().min() == 0 and first.numpy().max() == 1
    assert np.array_equal(first.numpy(), again.numpy())
    middle = first.numpy()[:, 1]
    assert math.isclose(middle.mean(), 0.6, abs_tol=0.02)
    assert math.isclose(middle.std(), 0.2, abs_tol=0.02)


def test_a_bar_is_shown_on_a_terminal_alone(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    def shown(out, err):
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        assert list(progress(range(3), total=3, title="pretrain 1/2")) == [0, 1, 2]
        return out.getvalue() + err.getvalue()

    assert shown(io.StringIO(), io.StringIO()) == ""
    assert shown(io.StringIO(), Terminal()) == ""
    assert shown(Terminal(), io.StringIO()) == ""
    assert "pretrain 1/2" in shown(Terminal(), Terminal())


def test_cutting_the_decoder_keeps_what_the_encoder_learnt():
    for lecture in (denoising, autoencoder):
        net = lecture.autoencoder()
        classifier = lecture.classifier(net)
        assert [name for name, _ in classifier.named_children()] == ["0", "classifier"]
        old, new = net.encoder[0].weight.data, classifier[0][0].weight.data
        assert np.array_equal(old.numpy(), new.numpy())


def test_lecture_12_s_settings_are_its_notebook_s():
    config = LECTURES["autoencoder"]
    assert (config.optimizer, config.lr, config.finetune_lr, config.momentum) == ("sgd", 0.5, 0.01, 0.9)
    assert (config.batch_size, config.shuffle, config.dtype, config.has_noise) == (1000, False, "float64", False)
    assert (config.weight_decay, config.lr_step, config.l1_weight) == (0.0, None, 0.0)
    spoken = load_lecture_tables()["autoencoder"]["spoken"]
    assert (config.epochs, config.finetune_epochs) == (spoken["epochs"], spoken["finetune_epochs"]) == (10, 3)


def test_fine_tuning_trains_encoder_and_classifier_together(few_images):
    for name, lecture in (("denoising", denoising), ("autoencoder", autoencoder)):
        run = training.start(settings(name, data_dir=few_images), lecture)
        training.to_classifier(run, lecture)
        before = {name: value.numpy().copy() for name, value in run.net.state_dict().items()}
        training.finetune_epoch(run, training.load_data(run.config))
        assert list(before) == ["0.0.weight", "0.0.bias", "classifier.0.weight", "classifier.0.bias"]
        assert not [name for name, value in run.net.state_dict().items() if np.array_equal(value.numpy(), before[name])]


def test_the_classes_are_those_of_one_forward_pass_over_all_test_images(monkeypatch):
    """The program takes the test images in batches, lecture 12 all at once."""
    run = training.start(settings("autoencoder"), autoencoder)
    training.to_classifier(run, autoencoder)
    images = training.load_data(settings("autoencoder", limit=1)).test_images
    predicted = training.predict(run, images).tolist()
    monkeypatch.setattr(training, "TEST_BATCH", len(images))
    assert training.predict(run, images).tolist() == predicted
    assert len(set(predicted)) > 1


@pytest.mark.parametrize("lecture", ["denoising", "autoencoder"])
def test_the_printed_curves_are_drawn_over_a_run_of_as_many_epochs(lecture):
    printed = load_lecture_tables()[lecture]
    keys = [("pretrain", "loss", "autoencoder_mse"), ("finetune", "loss", "train_error"), ("finetune", "test_accuracy", "test_accuracy")]
    metrics = [
        {"phase": phase, "epoch": epoch, "loss": 1 / epoch, "test_accuracy": None if phase == "pretrain" else 90 + epoch / 10}
        for phase, epochs in (("pretrain", len(printed["autoencoder_mse"])), ("finetune", len(printed["test_accuracy"])))
        for epoch in range(1, epochs + 1)
    ]
    figure = Figure()
    plots.curves(figure, "", "minigrad", metrics, printed)
    for axes, (phase, key, name) in zip(figure.axes[:3], keys, strict=True):
        curve, lecture_curve = axes.lines
        entries = [entry for entry in metrics if entry["phase"] == phase]
        assert curve.get_ydata().tolist() == [entry[key] for entry in entries]
        assert list(lecture_curve.get_ydata()) == printed[name]
        assert list(lecture_curve.get_xdata()) == list(curve.get_xdata()) == [entry["epoch"] for entry in entries]
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["minigrad", "lecture, printed"]


def test_a_digit_as_text():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 4:14, 4:6] = 255
    lines = digits_as_text(image.reshape(1, 784), [1]).splitlines()
    assert lines == ["@@"] * 5 + [""] * 5 + ["1".center(20).rstrip()]


def test_tiles_put_each_unit_in_its_place():
    weight = np.arange(400 * 784, dtype=float).reshape(400, 784)
    for layer, matrix in (("encoder", weight), ("decoder", weight.T)):
        image = tiled_images.tiles(matrix, layer)
        assert image.shape == (20 * 30 - 2, 20 * 30 - 2)
        assert np.array_equal(image[30:58, 60:88], weight[22].reshape(28, 28))
        assert np.isnan(image[28:30]).all()
    classes = tiled_images.tiles(weight[:10, :400], "classifier")
    assert classes.shape == (2 * 21 - 1, 5 * 21 - 1)
    assert np.array_equal(classes[21:41, 42:62], weight[7, :400].reshape(20, 20))


@pytest.mark.parametrize("shape", [(784, 400), (400, 784), (784, 100), (10, 16)], ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_weight_matrix_as_lecture_20_shows_it_is_torchvision_s_grid(shape, dtype):
    make_grid = import_torchvision().utils.make_grid
    normal = np.random.default_rng(0).normal(0.1, 0.3, shape).astype(dtype)
    side = math.isqrt(shape[1])
    for weight in (normal, np.full_like(normal, 0.25), 1e-7 * normal):
        in_torch = make_grid(torch.from_numpy(weight).view(-1, 1, side, side), nrow=20, normalize=True)
        in_minigrad = tiled_images.make_grid(weight)
        assert in_minigrad.dtype == weight.dtype
        np.testing.assert_array_equal(in_minigrad, in_torch[0].numpy())


def test_the_decoder_s_grids_stand_in_the_picture_pixel_by_pixel(tmp_path):
    before, after = np.random.default_rng(0).normal(0, 1, (2, 784, 400))
    plots.save(tmp_path / "decoder.png", (8, 8), plots.grids, "heading", before, after)
    shown = np.rint(mpimg.imread(tmp_path / "decoder.png") * 255).astype(int)
    assert shown.shape == (882 + 64, 3 * 442 + 2 * 16 + 32, 4)
    for i, weight in enumerate((before, after, after - before)):
        left = 16 + i * (442 + 16)
        panel = shown[-16 - 882 : -16, left : left + 442]
        assert np.abs(panel[..., 0] - 255 * tiled_images.make_grid(weight)).max() < 2  # a colour map has 256 colours
        assert (panel[..., :1] == panel[..., :3]).all()


def test_a_grid_of_weights_that_are_no_finite_numbers():
    weight = np.arange(32.0).reshape(8, 4)
    weight[1] = [np.nan, np.inf, -np.inf, 30]
    grid = tiled_images.make_grid(weight)
    assert grid[2, 2] == 0 and grid[3, 4 * 7 + 3] == 1
    assert np.isnan(grid[2, 6]) and grid[2, 7] == np.inf and grid[3, 6] == -np.inf
    assert np.isnan(tiled_images.make_grid(np.full((8, 4), np.nan))[2:4, 2:4]).all()


def test_the_lectures_tables_are_whole():
    tables = load_lecture_tables()
    assert {len(tables["autoencoder"][key]) for key in ("autoencoder_mse", "train_error", "test_accuracy")} == {30}
    assert [tables["autoencoder"]["test_accuracy"][i] for i in (0, 1, 2, 29)] == [85.36, 88.29, 89.35, 93.50]
    assert len(tables["denoising"]["autoencoder_mse"]) == LECTURES["denoising"].epochs
    assert len(tables["denoising"]["test_accuracy"]) == LECTURES["denoising"].finetune_epochs
    assert len(tables["denoising"]["train_error"]) == LECTURES["denoising"].finetune_epochs
    assert tuple(tables["denoising"]["class_accuracy"]) == CLASSES
    assert tables["denoising"]["class_accuracy"]["five"] == round(100 * 781 / 892, 6)
