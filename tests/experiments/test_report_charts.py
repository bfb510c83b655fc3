"""The report's charts: text of one size, axes that hold every value, strips of differences, and the health of the layers."""

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.experiments import metrics, plots
from minigrad.experiments.config import CLASSES
from minigrad.experiments.lecture_tables import load_lecture_tables
from minigrad.experiments.report import RunRecord
from minigrad.experiments.report.class_section import confusion_table
from minigrad.experiments.report.curve_section import curves
from minigrad.experiments.report.health_section import health
from minigrad.experiments.report.run_reader import lectures_of
from minigrad.experiments.report.scales import SMALLEST, linear_axis, logarithmic_axis, tick_label
from minigrad.experiments.report.svg_charts import Frame, Series, dot_chart, line_chart

NUMBERS = st.floats(-metrics.LARGEST, metrics.LARGEST) | st.integers(-(2**64), 2**64)


def run_of(*entries, lecture="denoising", name="run", style="run0"):
    """Return a run with (phase, epoch, loss, test accuracy, health) as its metrics."""
    keys = ("phase", "epoch", "loss", "test_accuracy", "health")
    return RunRecord(name, {"lecture": lecture}, [{**dict(zip(keys, entry)), "seconds": 1.0} for entry in entries], style=style)


def svgs(html):
    """Return the charts in a piece of HTML as trees."""
    return [ElementTree.fromstring(svg) for svg in re.findall(r'<svg class="chart".*?</svg>(?=<figcaption>|</figure>|$)', html)]


def texts(chart):
    return [element.text for element in chart.iter("text")]


# Charts


def test_no_text_is_scaled_with_the_width_of_the_page():
    line, dots = Series("a", "run0", [(1, 0.5), (2, None), (3, 2.0)], end=4.0), Series("l", "lecture lecture0", [(0, 1.0)])
    for html in (line_chart("title", [line, dots]), dot_chart("title", ["row"], [dots])):
        (chart,) = svgs(html)
        assert texts(chart) and "viewBox" not in chart.attrib and "width" not in chart.attrib
        for part in chart.iter():
            assert "viewBox" not in part.attrib or not [*part.iter("text"), *part.iter("circle")]
        places = [part.get(key) for part in chart.iter() if part is not chart for key in ("x", "cx", "x1", "x2") if key in part.attrib]
        assert all(place.endswith("%") or place in ("0", "-8") for place in places)


@given(st.lists(st.tuples(NUMBERS, NUMBERS | st.none()), max_size=4), st.booleans())
def test_every_number_is_drawn_inside_of_the_chart(points, logarithmic):
    html = line_chart("title", [Series("a", "run0", points)], Frame(logarithmic=logarithmic))
    drawn = [point for point in points if point[1] is not None]
    assert bool(html) == bool(drawn)
    for chart in svgs(html):
        circles = list(chart.iter("circle"))
        assert len(circles) == len(drawn)
        assert all(0 <= float(part.get("cy")) <= 190 and 0 <= float(part.get("cx")[:-1]) <= 100 for part in circles)


@given(st.lists(st.floats(SMALLEST, metrics.LARGEST), min_size=1, max_size=5), st.integers(2, 6))
def test_logarithmic_axes_have_few_ticks_around_the_values(values, count):
    axis = logarithmic_axis(values, count)
    low, high = axis.ticks[0], axis.ticks[-1]
    assert 2 <= len(axis.ticks) <= count + 1 and low <= min(values) * (1 + 1e-9) and high >= max(values) * (1 - 1e-9)
    assert axis.place(low) == 0 and axis.place(high) == 1
    assert axis.place(math.sqrt(low) * math.sqrt(high)) == pytest.approx(0.5)
    assert all(float(f"{tick:.0e}") == tick for tick in axis.ticks)


def test_what_a_logarithmic_axis_cannot_show_stands_at_its_beginning():
    axis = logarithmic_axis([0.0, -1.0, 5e-324, 2.0, 30.0])
    assert axis.ticks == [2.0, 5.0, 10.0, 20.0, 50.0]
    assert axis.place(0.0) == axis.place(-1.0) == 0 and axis.place(1e9) == 1
    assert logarithmic_axis([0.0, math.nan]).ticks == logarithmic_axis([]).ticks == [1.0, 2.0]


def test_ticks_are_written_as_people_write_them():
    assert [tick_label(tick) for tick in (1e-5, 0.001, 0.5, 1000.0, 1e6, -0.25, 2.5e-7)] == [
        "10⁻⁵", "0.001", "0.5", "1000", "10⁶", "−0.25", "2.5e−07"]  # fmt: skip
    assert linear_axis([0.0067, 0.074]).ticks[0] == 0.0


# Training curves


def printed(lecture="denoising"):
    """Return the entries of a run that measured what its lecture printed."""
    table = load_lecture_tables()[lecture]
    pretrain = [("pretrain", epoch, loss, None) for epoch, loss in enumerate(table["autoencoder_mse"], start=1)]
    pairs = zip(table["train_error"], table["test_accuracy"], strict=True)
    return pretrain + [("finetune", epoch, *pair) for epoch, pair in enumerate(pairs, start=1)]


def test_curves_that_coincide_have_a_strip_of_their_difference():
    near = [(phase, epoch, loss * 1.02, accuracy and accuracy + 0.25) for phase, epoch, loss, accuracy in printed()]
    far = [(phase, epoch, loss * 4, accuracy and accuracy / 2) for phase, epoch, loss, accuracy in printed()]
    runs = [run_of(*near, name="near"), run_of(*far, name="far", style="run1")]
    html = curves(runs, lectures_of(runs))
    assert html.count("Difference from the lecture, %") == 2 * 2  # a caption and a name for those who do not see the chart
    assert html.count("Difference from the lecture, percentage points") == 2
    assert "near − lecture, epoch 20: 2<" in html and "near − lecture, epoch 10: 0.25<" in html
    assert "far − lecture" not in html
    assert "Mean-squared error of the pretraining, log axis" in html and "Test accuracy, %, log axis" not in html


def test_runs_are_compared_with_their_own_lecture_or_with_the_first_run():
    both = [run_of(*printed(), name="one"), run_of(*printed("autoencoder"), lecture="autoencoder", name="two")]
    html = curves(both, lectures_of(both))
    assert "one − lecture (denoising), epoch 20: 0<" in html and "two − lecture (autoencoder), epoch 30: 0<" in html
    assert "one − lecture (autoencoder)" not in html and "two − lecture (denoising)" not in html
    unknown = [run_of(*printed(), name=name, lecture="lecture 99") for name in ("first", "<second>")]
    html = curves(unknown, lectures_of(unknown))
    assert "Difference from first, %" in html and "&lt;second&gt; − first, epoch 20: 0<" in html


def test_a_cross_shows_where_a_run_diverged():
    run = run_of(("pretrain", 1, 0.5, None), ("pretrain", 2, None, None))
    html = curves([run], lectures_of([run]))
    assert html.count("✕") == 1 and "<title>run: diverged in epoch 2</title>" in html


def test_values_of_a_decade_and_more_have_a_logarithmic_axis():
    assert metrics.spans_a_decade([0.0067, 0.074]) and not metrics.spans_a_decade([0.3, 1.1])
    assert not metrics.spans_a_decade([0.0, 1.0]) and not metrics.spans_a_decade([]) and metrics.spans_a_decade([5e-324, 1e300])
    points = [(1, 10.0), (2, None), (3, 5.0), (4, 1.0)]
    assert metrics.differences(points, [(1, 8.0), (2, 1.0), (3, 0.0)], relative=True) == [(1, 25.0), (3, None)]
    assert metrics.differences(points, [(1, 8.0), (2, 1.0), (3, 0.0)], relative=False) == [(1, 2.0), (3, 5.0)]


def test_the_picture_has_the_same_strips_as_the_report():
    from matplotlib.figure import Figure

    near = run_of(*((phase, epoch, loss * 1.02, accuracy) for phase, epoch, loss, accuracy in printed()))
    figure = Figure()
    plots.curves(figure, "", "minigrad", near.metrics, load_lecture_tables()["denoising"])
    above, strips = figure.axes[:3], figure.axes[3:]
    assert [axes.get_yscale() for axes in above] == ["log", "linear", "linear"] and len(strips) == 3
    assert strips[0].lines[0].get_ydata().tolist() == pytest.approx([2.0] * 20)


# Accuracy by class


def test_only_right_answers_are_green_and_a_class_without_any_is_red():
    counts = [[0] * len(CLASSES) for _ in CLASSES]
    counts[0][0], counts[1][1], counts[1][2], counts[2][7] = 5, 3, 1, 4
    rows = confusion_table(counts).split("<tr>")[2:]
    classes = [re.findall(r'<td class="(\w+)"', row) for row in rows]
    assert [row[i] for i, row in enumerate(classes)] == ["right", "right", "missed"] + ["none"] * 7
    assert classes[1][2] == classes[2][7] == "wrong" and classes[2].count("none") == 8
    assert [row.rpartition('share">')[2].partition("<")[0] for row in rows[:4]] == ["100.0", "75.0", "0.0", "–"]


# The health of the layers


def layer(ratio=1e-3, gradient=0.1, weight=10.0):
    return {"gradient_norm": gradient, "weight_norm": weight, "update_ratio": ratio}


def watched(**changes):
    before = {"encoder.0": layer(), "encoder.1": {"saturated": 0.25}, "decoder.0": layer(gradient=1e-6)}
    after = {"0.0": layer(), "0.1": {"saturated": 0.75}, "classifier.0": layer(ratio=0.5)}
    entries = [("pretrain", 1, 0.5, None, before), ("pretrain", 2, 0.4, None, before), ("finetune", 1, 1.0, 90.0, after)]
    return run_of(*entries, **changes)


def test_a_run_that_was_not_watched_has_no_such_section():
    assert health([run_of(("pretrain", 1, 0.5, None))]) == health([]) == ""


def test_each_layer_and_quantity_has_a_chart_over_both_phases():
    html = health([watched()])
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", html)
    assert captions == ["encoder.0", "decoder.0", "classifier.0"] * 3 + ["encoder.1"]
    charts = svgs(html)
    assert len(charts) == 10 and all(chart.get("height") == "76" for chart in charts)
    epochs = [title.text for title in charts[-1].iter("title")]
    assert epochs == ["run, epoch 1: 25", "run, epoch 2: 25", "run, epoch 3: 75"]
    assert {tuple(texts(chart)) for chart in charts[:3]} == {tuple(texts(charts[0]))}  # one scale for the layers of a quantity
    assert texts(charts[0])[:4] == ["10⁻⁶", "10⁻⁴", "0.01", "1"]
    for heading in ("Norm of the gradient", "Norm of a step divided by the norm of the weights", "Norm of the weights", "Saturated"):
        assert f"<h3>{heading}" in html
    assert "About 10⁻³ is usual" in html and "Dead units" not in html


def test_what_stands_out_is_said_in_words():
    html = health([watched()])
    assert "<li>Epoch 1 of the fine-tuning: encoder.1: 75 % of the outputs are saturated; classifier.0: a step changes" in html
    assert "<li>two, epoch 1 of the fine-tuning" in health([watched(name="one"), watched(name="two")])


@pytest.mark.parametrize("value", [None, 0, 5e-324, 1e308, -1.0, 2**64, math.inf], ids=str)
def test_numbers_of_any_size_are_shown_or_left_out(value):
    layers = {"<b>": layer(value, value, value), "b": {"dead": value, "unknown": value}, "c": {}}
    run = run_of(("pretrain", 2**64, 0.5, None, layers), ("finetune", 1, 0.5, 1.0, {"0.": {"saturated": value}}))
    html = health([run])
    assert "<b>" not in html and "unknown" not in html
    for chart in svgs(html):
        assert all(0 <= float(part.get("cy")) <= 76 for part in chart.iter("circle"))
    if value == 0:
        assert "None in any epoch." in html
