"""The report is one file that loads nothing, tells the runs apart and says what their folders say."""

import base64
import dataclasses
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib import image as mpimg

import minigrad as mg
from minigrad.cli import main
from minigrad.experiments import checkpoint, palette
from minigrad.experiments.config import CLASSES, LECTURES, config_as_dict
from minigrad.experiments.lecture_tables import load_lecture_tables
from minigrad.experiments.report import png_images, read_run, render, svg_charts, write_report
from minigrad.experiments.report.run_reader import read_runs
from minigrad.experiments.tiled_images import make_grid, side_by_side

EPOCH = '{"phase": "pretrain", "epoch": 1, "loss": 0.5, "test_accuracy": 1, "seconds": 1}'
VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """The tags, attributes and texts of a page; an error is raised if the tags are not balanced."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open and data.strip():
            self.texts.append(data.strip())


def write_run(folder, lecture="denoising", *, finished=True, versions=None, loss=0.05, **settings):
    """Write a run's folder with made-up results."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    config = config_as_dict(dataclasses.replace(LECTURES[lecture], **settings))
    (folder / "config.json").write_text(json.dumps(config | {"versions": versions or {"numpy": "2.4.6"}}))
    metrics = [
        {"phase": "pretrain", "epoch": 1, "loss": 0.07, "test_accuracy": None, "seconds": 1.5},
        {"phase": "pretrain", "epoch": 2, "loss": loss, "test_accuracy": None, "seconds": 1.5},
    ]
    if finished:
        metrics.append({"phase": "finetune", "epoch": 1, "loss": 1.2, "test_accuracy": 87.5, "seconds": 0.5})
        confusion = np.diag(np.arange(100, 110))
        confusion[4, 9] = 17
        summary = {
            "lecture": lecture, "first_mse": 0.07, "mse": 0.0512347, "first_train_error": 1.2,
            "train_error": 1.2, "first_test_accuracy": 87.5, "test_accuracy": 87.5, "seconds": 3.5,
            "class_accuracy": {name: 80.0 + i for i, name in enumerate(CLASSES)},
            "confusion": confusion.tolist(),
            "code_histogram": {"edges": [0.0, 0.5, 1.0], "shares": [0.75, 0.25]},
            "sparsity": {
                "mean_abs_code": 0.4321, "share_of_code_below_0.01": 0.0123, "dead_units": 7,
                "share_of_decoder_weights_below_0.001": 0.5,
            },
        }  # fmt: skip
        (folder / "summary.json").write_text(json.dumps(summary))
        shapes = {
            "pretrain encoder": (16, 784), "pretrain decoder": (784, 16), "finetune encoder": (16, 784),
            "finetune classifier": (10, 16),
        }  # fmt: skip
        snapshots = {
            f"{name} {moment}": mg.from_numpy(rng.standard_normal(shape))
            for name, shape in shapes.items()
            for moment in ("before", "after")
        }
        for name in ("original", "noisy", "reconstruction"):
            snapshots[name] = mg.from_numpy(rng.random((10, 784)))
        mg.save({"snapshots": snapshots}, folder / checkpoint.FILE)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in metrics))
    return folder


def report_on(*folders):
    return render(read_runs(list(folders)))


def test_the_page_is_whole_and_loads_nothing(tmp_path):
    html = report_on(write_run(tmp_path / "run"))
    page = Page(html)
    assert "script" not in page.tags
    assert not {"link", "iframe", "object", "embed", "base"} & set(page.tags)
    for _, name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "xlink:href", "srcset", "action"):
            assert value.startswith("data:image/png;base64,")
    without_images = re.sub("data:image/png;base64,[A-Za-z0-9+/=]*", "", html)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|@font-face", without_images)
    assert "default-src 'none'" in html
    assert 'name="viewport" content="width=device-width' in html
    assert "@media (prefers-color-scheme: dark)" in html
    assert all(value for tag, name, value in page.attributes if (tag, name) == ("img", "alt"))


def test_the_report_says_what_the_folder_says(tmp_path):
    page = Page(report_on(write_run(tmp_path / "my run", seed=12345, versions={"numpy": "9.8.7"})))
    assert {"my run", "0.051235", "87.50 %", "3.5 s", "17", "12345", "9.8.7"} <= set(page.texts)
    assert {"0.4321", "1.23 %", "50.00 %", "7", "my run, |code| 0.25: 75"} <= set(page.texts)
    printed = load_lecture_tables()["denoising"]
    assert f"{printed['autoencoder_mse'][-1]:.6f}" in page.texts
    assert f"{printed['test_accuracy'][-1]:.2f} %" in page.texts
    assert "not finished" not in page.texts
    titles = " ".join(page.texts)
    assert "my run, epoch 2: 0.05" in titles
    assert "lecture, epoch 20: 0.006731" in titles
    assert "my run, nine: 89.00" in titles
    assert "lecture, nine: 89.20" in titles


def test_runs_stand_side_by_side(tmp_path):
    folders = [write_run(tmp_path / f"run-{i}", l1_weight=i / 10, loss=0.05 + i / 100) for i in range(8)]
    page = Page(report_on(*folders))
    for i in range(8):
        assert f"(l1_weight {i / 10})" in page.texts
        assert f"run-{i}, epoch 2: {0.05 + i / 100:.6g}" in page.texts
    assert page.attributes.count(("tr", "class", "differs")) == 1
    assert page.tags.count("img") == 8 * (3 + 5 * 3)


def test_runs_of_the_same_name_get_their_folders_names(tmp_path):
    folders = [write_run(tmp_path / name / "run") for name in "ab"]
    assert [run.name for run in read_runs(folders)] == [str(folder) for folder in folders]


def test_both_lectures_in_one_report(tmp_path):
    html = report_on(write_run(tmp_path / "one"), write_run(tmp_path / "two", "autoencoder"))
    page = Page(html)
    assert "Lecture 20: a denoising autoencoder; Lecture 12: an autoencoder" in page.texts
    assert "the lecture (denoising)" in page.texts
    assert "the lecture (autoencoder)" in page.texts
    last = {"lecture (denoising), epoch 20: 0.006731", "lecture (autoencoder), epoch 30: 0.016203", "lecture (autoencoder), epoch 30: 93.5"}
    assert last <= set(page.texts)
    assert {tag for tag, name, value in page.attributes if (name, value) == ("class", "mark lecture lecture1")} == {"path"}
    assert {"Lecture 20, printed on the slides", load_lecture_tables()["autoencoder"]["source"]} <= set(page.texts)


def cells(page, heading):
    """Return the figures of a row of the first table."""
    start = page.texts.index(heading) + 1
    return page.texts[start : start + 2]


@pytest.mark.parametrize(
    ("settings", "epochs", "mse", "accuracy"),
    [
        ({}, "10 + 3", "0.023397", "89.35 %"),
        ({"epochs": 30, "finetune_epochs": 30}, "30 + 30", "0.016203", "93.50 %"),
        ({"epochs": 100, "finetune_epochs": 1}, "30 + 1", "0.016203", "85.36 %"),
        ({"epochs": 0, "finetune_epochs": 0}, "0 + 0", "–", "–"),
    ],
)
def test_the_lecture_s_figures_are_those_after_as_many_epochs(tmp_path, settings, epochs, mse, accuracy):
    page = Page(report_on(write_run(tmp_path / "run", "autoencoder", **settings)))
    assert cells(page, "epochs") == ["2 + 1", epochs]
    assert cells(page, "mean-squared error, last") == ["0.051235", mse]
    assert cells(page, "test accuracy, last") == ["87.50 %", accuracy]


def test_the_settings_of_the_fine_tuning_are_shown(tmp_path):
    page = Page(report_on(write_run(tmp_path / "run", "autoencoder")))
    for name, value in (("finetune_lr", "0.01"), ("momentum", "0.9"), ("finetune_epochs", "3"), ("lr", "0.5")):
        assert cells(page, name)[0] == value


def test_the_decoder_is_shown_as_in_lecture_20_too(tmp_path):
    run = read_run(write_run(tmp_path / "run"))
    html = render([run])
    assert "Decoder, pretraining, as lecture 20 shows it" in html
    before, after = (run.snapshots[f"pretrain decoder {moment}"] for moment in ("before", "after"))
    for weight in (before, after, after - before):
        assert png_images.data_uri(png_images.grid(make_grid(weight))) in html


def test_a_run_that_is_not_finished_is_shown_as_far_as_it_is(tmp_path):
    page = Page(report_on(write_run(tmp_path / "run", finished=False)))
    assert "not finished" in page.texts
    assert "0.050000" in page.texts
    assert "img" not in page.tags
    assert "table" in page.tags


def test_losses_that_are_no_numbers_leave_a_gap(tmp_path):
    page = Page(report_on(write_run(tmp_path / "run", loss=None)))
    assert not any(text.startswith("run, epoch 2:") for text in page.texts)
    folder = write_run(tmp_path / "none", finished=False)
    (folder / "metrics.jsonl").write_text("")
    Page(report_on(folder))


def test_names_and_settings_cannot_write_html(tmp_path):
    evil = "<script>alert(1)</script>\"'&"
    folder = write_run(tmp_path / evil.replace("/", "_"), data_dir=evil, versions={evil: evil})
    page = Page(report_on(folder))
    assert "script" not in page.tags
    assert evil in page.texts


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("config.json", "{", "config.json: expected JSON"),
        ("config.json", "[]", "config.json: expected a JSON object"),
        ("metrics.jsonl", "{}\n", "metrics.jsonl: expected an object with phase, epoch"),
        ("metrics.jsonl", EPOCH.replace("0.5", '"low"'), "expected an object with phase, epoch"),
        ("metrics.jsonl", EPOCH.replace("}", ', "health": {"0": 1}}'), "metrics.jsonl: health: expected numbers by name"),
        ("summary.json", "3", "summary.json: expected a JSON object"),
        ("summary.json", '{"mse": "small"}', "summary.json: mse: expected a number, or"),
        ("summary.json", '{"confusion": [[1], [2]]}', "summary.json: confusion: expected"),
        ("summary.json", '{"code_histogram": {"edges": 1}}', "summary.json: code_histogram: expected"),
        ("summary.json", '{"class_accuracy": [1]}', "summary.json: class_accuracy: expected"),
        (checkpoint.FILE, "12345678", "expected 2 to 0 bytes"),
    ],
)  # fmt: skip
def test_a_damaged_folder_is_one_line(tmp_path, capsys, name, text, message):
    folder = write_run(tmp_path / "run")
    (folder / name).write_text(text)
    assert main(["report", str(folder)]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (folder / "report.html").exists()


def test_the_command_says_where_it_wrote(tmp_path, monkeypatch, capsys):
    one, two = write_run(tmp_path / "one"), write_run(tmp_path / "two")
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(one)]) == 0
    assert main(["report", str(one), str(two)]) == 0
    assert main(["report", str(one), str(two), "--out", "both.html"]) == 0
    assert capsys.readouterr().out.splitlines() == [str(one / "report.html"), "report.html", "both.html"]
    assert (tmp_path / "both.html").read_text() == (tmp_path / "report.html").read_text()


def test_the_same_folder_gives_the_same_page(tmp_path):
    folder = write_run(tmp_path / "run")
    for name in "ab":
        write_report([folder], tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_run(folder).summary["mse"] == 0.0512347


# Images


def with_opacity(content):
    return np.rint(mpimg.imread(io.BytesIO(content), format="png") * 255).astype(int)


def decoded(content):
    return with_opacity(content)[..., :3]


def test_a_png_has_the_colours_it_was_given():
    rng = np.random.default_rng(1)
    palette = rng.integers(0, 256, (64, 4))
    indices = rng.integers(0, 64, (5, 7)).astype(np.uint8)
    assert np.array_equal(with_opacity(png_images.png(indices, palette)), palette[indices])
    assert base64.b64decode(png_images.data_uri(b"abc").partition(",")[2]) == b"abc"


def test_weights_are_blue_below_zero_as_the_page_at_zero_and_red_above():
    units = np.zeros((4, 28, 28))
    units[0], units[1], units[2, 0, 0], units[3, 0, 0], units[2, 27, 27] = -2.0, 2.0, 5.0, np.nan, -1.0
    image = side_by_side(units, columns=2, gap=2, fill=np.nan)
    picture = with_opacity(png_images.weight_tiles(image, 2.0))
    zoom = picture.shape[1] // (28 + 2 + 28)
    picture = picture[::zoom, ::zoom]
    assert picture.shape == (58, 58, 4)
    blue, red = [*palette.rgb(palette.NEGATIVE), 255], [*palette.rgb(palette.POSITIVE), 255]
    assert picture[0, 0].tolist() == blue
    assert picture[0, 30].tolist() == red
    assert picture[40, 10, 3] == 0
    assert picture[30, 0].tolist() == red  # a value beyond the limit has the limit's colour
    assert picture[57, 27, :3].tolist() == blue[:3] and 120 <= picture[57, 27, 3] <= 136
    assert picture[30, 30].tolist() == picture[28, 0].tolist() == list(palette.GAP)
    assert with_opacity(png_images.weight_tiles(image * 0, 0.0))[0, 0, 3] == 0


def test_a_grid_goes_from_black_to_white_and_grey_where_there_is_no_number():
    values = np.array([[0.0, 0.5, 1.0, np.nan], [-np.inf, np.inf, 0.25, 0.75]])
    assert decoded(png_images.grid(values))[..., 0].tolist() == [[0, 127, 255, 128], [128, 128, 65, 189]]


def test_a_strip_shows_the_images_from_black_to_white():
    values = np.zeros((2, 784))
    values[1] = 1.0
    values[0, 0] = 0.5
    picture = decoded(png_images.strip(values))
    zoom = picture.shape[1] // 58
    picture = picture[::zoom, ::zoom, 0]
    assert picture[0, 0] == 127
    assert picture[5, 5] == 0
    assert picture[5, 35] == 255


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (0.0067, 0.074), (86.7, 92.5), (1, 20), (-3, 5), (1e-9, 2e-9), (5, 5), (0, 0)]
)
def test_ticks_are_round_few_and_around_the_values(low, high):
    ticks = svg_charts.nice_ticks(low, high)
    steps = np.diff(ticks)
    assert ticks[0] <= low <= high <= ticks[-1]
    assert 2 <= len(ticks) <= 12
    assert np.allclose(steps, steps[0])
    assert float(f"{steps[0]:.1g}") == pytest.approx(steps[0])
