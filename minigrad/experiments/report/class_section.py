"""The section of the report on the ten classes: how many images of each are classified correctly, and what the others are taken for."""


from minigrad.experiments.config import CLASSES
from minigrad.experiments.palette import strength
from minigrad.experiments.report.layout import figure, grid_of, run_name
from minigrad.experiments.report.run_reader import LectureRecord, RunRecord
from minigrad.experiments.report.svg_charts import Series, dot_chart


def classes(runs: list[RunRecord], lectures: list[LectureRecord]) -> str:
    """Return the accuracies by class as dots, and beside them for each run what the images of each class are taken for."""
    chart = class_accuracy(runs, lectures)
    tables = [
        f"<figure>{run_name(run)}{confusion_table(run.summary['confusion'])}</figure>" for run in runs if run.summary.get("confusion")
    ]
    note = (
        "In the table a row is what an image is, a column what it is taken for; the numbers are images, and the last column is the share "
        "that is right. Right answers are green, mistakes orange, the stronger the larger their share of the row. A class of which no "
        "image is recognized has a red 0."
    )
    return (f'<p class="faint">{note}</p>' if tables else "") + grid_of("pairs", [chart, *tables])


def class_accuracy(runs: list[RunRecord], lectures: list[LectureRecord]) -> str:
    """Return a chart with a dot for each class and run, and for each class and lecture."""
    series = [_by_class(run.name, run.style, run.summary.get("class_accuracy", {})) for run in runs]
    series += [_by_class(lecture.label, lecture.style, lecture.tables.get("class_accuracy", {})) for lecture in lectures]
    title = "Test accuracy by class, %"
    return figure(title, dot_chart(title, list(CLASSES), [s for s in series if s.points]))


def _by_class(name: str, style: str, accuracies: dict[str, float]) -> Series:
    return Series(name, style, [(CLASSES.index(key), value) for key, value in accuracies.items() if key in CLASSES])


def confusion_table(counts: list[list[int]]) -> str:
    """Return counts as a table: the larger its share of the row, the stronger the colour of a cell."""
    head = "".join(f"<th>{j}</th>" for j in range(len(counts)))
    body = "\n".join(_confusion_row(i, row) for i, row in enumerate(counts))
    return f'<table class="confusion"><thead><tr><th></th>{head}<th>right, %</th></tr></thead><tbody>\n{body}\n</tbody></table>'


def _confusion_row(i: int, row: list[int]) -> str:
    total, cells = sum(row), []
    for j, count in enumerate(row):
        style = "none" if not total or (not count and i != j) else "wrong" if i != j else "right" if count else "missed"
        colour = f' style="--share:{strength(count, total, right=i == j):.2f}"' if count else ""
        cells.append(f'<td class="{style}"{colour}>{count}</td>')
    right = f"{100 * row[i] / total:.1f}" if total else "–"
    return f'<tr><th>{i}</th>{"".join(cells)}<td class="share">{right}</td></tr>'
