"""The sections of the report with reconstructions of test images, and with how the sizes of the hidden values are spread."""

import numpy as np

from minigrad.experiments.report.layout import figure, grid_of, image, run_name
from minigrad.experiments.report.png_images import strip
from minigrad.experiments.report.run_reader import RunRecord
from minigrad.experiments.report.svg_charts import Frame, Series, line_chart

ROWS = [("original", "Test images"), ("noisy", "What the network saw"), ("reconstruction", "What it made of it")]


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
                parts.append(image(caption, strip(run.snapshots[key])))
        columns.append(f"<figure>{run_name(run)}{''.join(parts)}</figure>")
    return grid_of("columns", columns)


def code_histogram(runs: list[RunRecord]) -> str:
    """Return a chart of how the sizes of the hidden values are spread."""
    series = []
    for run in runs:
        edges, shares = (run.summary.get("code_histogram", {}).get(key, []) for key in ("edges", "shares"))
        points = [(low / 2 + high / 2, 100 * y) for low, high, y in zip(edges, edges[1:], shares)]
        series.append(Series(run.name, run.style, points))
    title = "Sizes of the hidden values: % of them in each of 25 equal bins from 0 to the run's largest"
    chart = line_chart(title, [line for line in series if line.points], Frame(x_name="|code|"))
    return grid_of("columns", [figure(title, chart)])
