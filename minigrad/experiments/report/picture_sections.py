"""The sections of the report with pictures: curves, reconstructions, weights as tiles, accuracy by class, confusion."""

from html import escape

import numpy as np

from minigrad.experiments.config import CLASSES, PHASE_NAMES
from minigrad.experiments.file_checks import LAYERS
from minigrad.experiments.metrics import CURVES, curve
from minigrad.experiments.report.png_images import data_uri, grid, strip, weight_tiles
from minigrad.experiments.report.run_reader import LectureRecord, RunRecord
from minigrad.experiments.report.svg_charts import Series, dot_chart, line_chart
from minigrad.experiments.tiled_images import change, color_limit, make_grid, tiles

ROWS = [("original", "Test images"), ("noisy", "What the network saw"), ("reconstruction", "What it made of it")]
DECODER = "pretrain decoder"
TILES = 100  # units of a layer that are shown


def curves(runs: list[RunRecord], lectures: list[LectureRecord]) -> str:
    """Return charts of loss and accuracy by epoch, with dashed lines for what a lecture printed."""
    figures = []
    for _, phase, key, printed, title in CURVES:
        series = [Series(run.name, run.style, curve(run.metrics, phase, key)) for run in runs]
        series += [Series(lecture.label, lecture.style, list(enumerate(lecture.tables.get(printed, []), start=1))) for lecture in lectures]
        figures.append(_figure(title, line_chart(title, [line for line in series if line.points])))
    return _grid("columns", figures)


def reconstructions(runs: list[RunRecord]) -> str:
    """Return for each run a row of test images, a row of their noisy copies, and a row of what the network made of these."""
    columns = []
    for run in runs:
        if "reconstruction" not in run.snapshots:
            continue
        parts = []
        for key, caption in ROWS:
            same = np.array_equal(run.snapshots[key], run.snapshots["original"])
            if key == "original" or not same:
                parts.append(_image(caption, strip(run.snapshots[key])))
        columns.append(f"<figure>{_run_name(run)}{''.join(parts)}</figure>")
    return _grid("columns", columns)


def weights(runs: list[RunRecord]) -> str:
    """Return for each layer and run the weights of some units before and after, and their difference, on one colour scale."""
    parts = []
    for key in LAYERS:
        rows = [_weight_row(run, key) for run in runs if f"{key} after" in run.snapshots]
        if rows:
            phase, layer = key.split()
            as_in_lecture = _decoder_grids(runs) if key == DECODER else ""
            parts.append(f"<h3>{layer.capitalize()}, {PHASE_NAMES[phase]}</h3>" + "".join(rows) + as_in_lecture)
    note = (
        f"A tile shows the weights of one hidden unit, of which the first {TILES} are shown; in a classifier those of one class, 0–4 above "
        "5–9. Blue is negative, red positive; the three pictures of a row have one colour scale, which clips the largest 0.5 %."
    )
    return f'<p class="faint">{note}</p>' + "".join(parts) if parts else ""


def _decoder_grids(runs: list[RunRecord]) -> str:
    """Return the weights of the pretraining's decoder as lecture 20 shows them."""
    rows = []
    for run in runs:
        if f"{DECODER} after" in run.snapshots:
            panels = change(run.snapshots[f"{DECODER} before"], run.snapshots[f"{DECODER} after"])
            images = [f"<figure>{_image(name, grid(make_grid(weight)))}</figure>" for name, weight in panels.items()]
            rows.append(_run_name(run) + _grid("threes", images))
    note = (
        "A tile shows the weights of one output pixel, one for each hidden unit. Black is the smallest weight of a picture, white the "
        "largest (torchvision's make_grid with nrow=20 and normalize=True)."
    )
    return f'<h3>Decoder, pretraining, as lecture 20 shows it</h3><p class="faint">{note}</p>' + "".join(rows)


def _weight_row(run: RunRecord, key: str) -> str:
    layer = key.split()[1]
    shown = np.s_[:, :TILES] if layer == "decoder" else np.s_[:TILES]
    panels = change(*(run.snapshots[f"{key} {moment}"][shown] for moment in ("before", "after")))
    limit = color_limit(panels)
    images = [_image(name, weight_tiles(tiles(weight, layer), limit)) for name, weight in panels.items()]
    scale = f'<div class="scale">−{limit:.3g}<i></i>+{limit:.3g}</div>'
    return _run_name(run) + scale + _grid("threes", [f"<figure>{image}</figure>" for image in images])


def class_accuracy(runs: list[RunRecord], lectures: list[LectureRecord]) -> str:
    """Return a chart with a dot for each class and run, and for each class and lecture."""
    series = [_by_class(run.name, run.style, run.summary.get("class_accuracy", {})) for run in runs]
    series += [_by_class(lecture.label, lecture.style, lecture.tables.get("class_accuracy", {})) for lecture in lectures]
    title = "Test accuracy by class, %"
    return _grid("columns", [_figure(title, dot_chart(title, list(CLASSES), [s for s in series if s.points]))])


def _by_class(name: str, style: str, accuracies: dict[str, float]) -> Series:
    return Series(name, style, [(CLASSES.index(key), value) for key, value in accuracies.items() if key in CLASSES])


def code_histogram(runs: list[RunRecord]) -> str:
    """Return a chart of how the sizes of the hidden values are spread."""
    series = []
    for run in runs:
        edges, shares = (run.summary.get("code_histogram", {}).get(key, []) for key in ("edges", "shares"))
        points = [(low / 2 + high / 2, 100 * y) for low, high, y in zip(edges, edges[1:], shares)]
        series.append(Series(run.name, run.style, points))
    title = "Sizes of the hidden values: % of them in each of 25 equal bins from 0 to the run's largest"
    chart = line_chart(title, [line for line in series if line.points], x_name="|code|")
    return _grid("columns", [_figure(title, chart)])


def confusions(runs: list[RunRecord]) -> str:
    """Return a table for each run: rows are what an image is, columns what it is taken for."""
    tables = [
        f"<figure>{_run_name(run)}{confusion_table(run.summary['confusion'])}</figure>"
        for run in runs
        if run.summary.get("confusion")
    ]
    note = '<p class="faint">Rows: what the image is. Columns: what it is taken for. Numbers of images.</p>'
    return note + _grid("columns", tables) if tables else ""


def confusion_table(counts: list[list[int]]) -> str:
    """Return counts as a table; the darker a mistake, the larger its share of the row."""
    rows = []
    for i, row in enumerate(counts):
        cells = []
        for j, count in enumerate(row):
            share = count / max(1, sum(row))
            style = "right" if i == j else "wrong" if count else "none"
            colour = f' style="--share:{min(0.9, 0.08 + 8 * share):.2f}"' if style == "wrong" else ""
            cells.append(f'<td class="{style}"{colour}>{count}</td>')
        rows.append(f"<tr><th>{i}</th>{''.join(cells)}</tr>")
    head = "".join(f"<th>{j}</th>" for j in range(len(counts)))
    body = "\n".join(rows)
    return f'<table class="confusion"><thead><tr><th></th>{head}</tr></thead><tbody>\n{body}\n</tbody></table>'


def _run_name(run: RunRecord) -> str:
    return f'<h3><span class="swatch {run.style}"></span>{escape(run.name)}</h3>'


def _image(caption: str, content: bytes) -> str:
    text = escape(caption, quote=True)
    return f'<figcaption>{text}</figcaption><img alt="{text}" src="{data_uri(content)}">'


def _figure(caption: str, content: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{content}</figure>" if content else ""


def _grid(style: str, items: list[str]) -> str:
    items = [item for item in items if item]
    return f'<div class="{style}">\n' + "\n".join(items) + "\n</div>" if items else ""
