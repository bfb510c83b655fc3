"""The section of the report with the training curves, and how far a run's curve lies from the lecture's where the two nearly coincide."""

from html import escape

from minigrad.experiments.metrics import CURVES, coincide, curve, differences, spans_a_decade
from minigrad.experiments.report.headline import diverged
from minigrad.experiments.report.layout import figure, grid_of
from minigrad.experiments.report.run_reader import LectureRecord, RunRecord
from minigrad.experiments.report.svg_charts import Frame, Series, drawable, line_chart


def curves(runs: list[RunRecord], lectures: list[LectureRecord]) -> str:
    """Return charts of loss and accuracy by epoch, with dashed lines for what a lecture printed, and strips of the differences."""
    figures = []
    for _, phase, key, printed, title in CURVES:
        by_lecture = {
            lecture.name: [
                Series(lecture.label, lecture.style, list(enumerate(lecture.tables.get(printed, []), start=1))),
                *(_series(run, phase, key) for run in runs if run.config["lecture"] == lecture.name),
            ]
            for lecture in lectures
        }
        series = [line for lines in by_lecture.values() for line in reversed(lines) if line.points]
        logarithmic = key == "loss" and spans_a_decade([y for _, y in drawable(series)])
        chart = line_chart(title, series, Frame(logarithmic=logarithmic))
        strips = [difference_strip(title, lines, series, relative=key == "loss") for lines in by_lecture.values()]
        figures.append(figure(f"{title}, log axis" if logarithmic else title, chart + "".join(strips)))
    return grid_of("columns", figures)


def difference_strip(title: str, lines: list[Series], series: list[Series], *, relative: bool) -> str:
    """Return a chart of how far the curves of runs lie from their lecture's; "" unless some nearly coincide in a chart of `series`.

    The lecture's is the first of `lines`; where it has no points, the runs are compared with the first of them.
    """
    reference, *others = [line for line in lines if line.points] or lines
    name = f"the {reference.name}" if reference is lines[0] else reference.name
    caption = f"Difference from {name}, {'%' if relative else 'percentage points'}"
    values = [y for _, y in drawable(series)]
    strips = [
        Series(f"{line.name} − {reference.name}", line.style, differences(line.points, reference.points, relative=relative))
        for line in others
        if coincide(line.points, reference.points, values)
    ]
    last = max((x for x, _ in drawable(series)), default=1)
    chart = line_chart(f"{title}: {caption}", strips, Frame(height=64, ticks=3, last=last, with_zero=True))
    return f"<figcaption>{escape(caption)}</figcaption>{chart}" if chart else ""


def _series(run: RunRecord, phase: str, key: str) -> Series:
    """Return a run's curve, which ends in a cross if the run diverged in this phase."""
    entry = diverged(run)
    end = entry["epoch"] if entry and entry["phase"] == phase else None
    return Series(run.name, run.style, curve(run.metrics, phase, key), end)
