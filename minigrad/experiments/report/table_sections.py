"""The sections of the report with tables, with a column for each run and a row for each number that is compared."""

import math
from html import escape
from typing import Any

from minigrad.experiments.file_checks import is_count
from minigrad.experiments.metrics import CURVES, curves_of, first_and_last
from minigrad.experiments.report.headline import diverged, is_bad, remark, sentence
from minigrad.experiments.report.run_reader import LectureRecord, RunRecord

FIGURES = [
    ("epochs", "epochs", "{}"),
    ("mean-squared error, first", "first_mse", "{:.6f}"),
    ("mean-squared error, last", "mse", "{:.6f}"),
    ("train error, first", "first_train_error", "{:.6f}"),
    ("train error, last", "train_error", "{:.6f}"),
    ("test accuracy, first", "first_test_accuracy", "{:.2f} %"),
    ("test accuracy, last", "test_accuracy", "{:.2f} %"),
    ("time", "seconds", "{:.1f} s"),
]
SPARSITY = [
    ("mean |code|", "mean_abs_code", "{:.4f}"),
    ("share of the code below 0.01", "share_of_code_below_0.01", "{:.2%}"),
    ("dead units (never above 0.01)", "dead_units", "{:d}"),
    ("share of decoder weights below 0.001", "share_of_decoder_weights_below_0.001", "{:.2%}"),
]
EPOCH = [("loss", "loss", "{:.6f}"), ("test accuracy", "test_accuracy", "{:.2f} %"), ("time", "seconds", "{:.1f} s")]


def legend(runs: list[RunRecord], lectures: list[LectureRecord]) -> str:
    """Return a list of the runs with their colours and the settings in which they differ, and what each of several runs reached."""
    tables = {lecture.name: lecture for lecture in lectures}
    different = {lecture.name: _differing([run for run in runs if run.config["lecture"] == lecture.name]) for lecture in lectures}
    items = []
    for run in runs:
        says = ", ".join(f"{key} {_value(run.config.get(key))}" for key in different[run.config["lecture"]])
        text = escape(run.name) + (f' <span class="faint">({escape(says)})</span>' if says else "")
        if len(runs) > 1:
            text += _says(run, tables[run.config["lecture"]])
        elif not run.summary and not diverged(run):
            text += ' <span class="faint">not finished</span>'
        items.append(f'<li><span class="swatch {run.style}"></span>{text}</li>')
    for lecture in lectures:
        if "source" in lecture.tables:
            items.append(f'<li><span class="swatch {lecture.style}"></span>{escape(lecture.tables["source"])}</li>')
    return f'<ul class="legend{" long" if len(runs) > 1 else ""}">{"".join(items)}</ul>'


def _says(run: RunRecord, lecture: LectureRecord) -> str:
    style = ' class="alarm"' if is_bad(run) else ""
    more = remark(run, lecture)
    note = f' <span class="faint">{escape(more)}</span>' if more else ""
    return f"<div{style}>{escape(sentence(run, lecture))}.{note}</div>"


def key_figures(runs: list[RunRecord], lectures: list[LectureRecord]) -> str:
    """Return a table of the first and last numbers of each run, and of each lecture."""
    headings = [*(run.name for run in runs), *(f"the {lecture.label}" for lecture in lectures)]
    columns = [*(_figures_so_far(run) for run in runs), *(lecture_figures(lecture, runs) for lecture in lectures)]
    return _compare(headings, FIGURES, columns)


def lecture_figures(lecture: LectureRecord, runs: list[RunRecord]) -> dict[str, Any]:
    """Return the numbers that a lecture printed, under the names of a summary, up to the last epoch that one of its runs is to have."""
    curves, configs = {}, [run.config for run in runs if run.config["lecture"] == lecture.name]
    for name, phase, _, in_tables, _ in CURVES:
        setting = "epochs" if phase == "pretrain" else "finetune_epochs"
        epochs = [config[setting] for config in configs if is_count(config.get(setting))]
        curves[name] = lecture.tables.get(in_tables, [])[: max(epochs, default=None)]
    return _ends(curves)


def sparsity(runs: list[RunRecord]) -> str:
    """Return a table of how many of the hidden values, and of the decoder's weights, are near zero."""
    columns = [run.summary.get("sparsity", {}) for run in runs]
    if not any(columns):
        return ""
    note = "On the clean test images, after the pretraining."
    return f'<p class="faint">{note}</p>' + _compare([run.name for run in runs], SPARSITY, columns)


def settings(runs: list[RunRecord]) -> str:
    """Return a table of settings and versions; rows in which the runs differ stand out."""
    rows = _settings(runs)
    versions = [run.config.get("versions", {}) for run in runs]
    packages = dict.fromkeys(name for found in versions for name in found)
    rows |= {f"version of {name}": [_value(found.get(name)) for found in versions] for name in packages}
    body = []
    for key, values in rows.items():
        cells = "".join(f'<td class="word">{escape(value)}</td>' for value in values)
        style = ' class="differs"' if len(set(values)) > 1 else ""
        body.append(f"<tr{style}><th>{escape(key)}</th>{cells}</tr>")
    return _table([run.name for run in runs], body)


def epochs(runs: list[RunRecord]) -> str:
    """Return every number behind the curves, in tables that a reader can unfold."""
    parts = []
    for run in runs:
        body = [_row(f"{entry['phase']} {entry['epoch']}", [(form, entry[key]) for _, key, form in EPOCH]) for entry in run.metrics]
        table = _table([name for name, _, _ in EPOCH], body)
        parts.append(f"<details><summary>{escape(run.name)}: {len(body)} epochs</summary>{table}</details>")
    return "\n".join(parts)


def _figures_so_far(run: RunRecord) -> dict[str, Any]:
    so_far = _ends(curves_of(run.metrics))
    return {**so_far, **run.summary, "epochs": so_far["epochs"]}


def _ends(curves: dict[str, list[Any]]) -> dict[str, Any]:
    """Return the first and last values of three curves, and how many epochs they have: of pretraining + of fine-tuning."""
    return {**first_and_last(curves), "epochs": f"{len(curves['mse'])} + {len(curves['train_error'])}"}


def _compare(headings: list[str], rows: list[tuple[str, str, str]], columns: list[dict[str, Any]]) -> str:
    body = [_row(name, [(form, column.get(key)) for column in columns]) for name, key, form in rows]
    return _table(headings, body)


def _row(heading: str, cells: list[tuple[str, Any]]) -> str:
    numbers = "".join(f"<td>{_format(form, value)}</td>" for form, value in cells)
    return f"<tr><th>{escape(heading)}</th>{numbers}</tr>"


def _table(headings: list[str], body: list[str]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    rows = "\n".join(body)
    table = f"<table><thead><tr><th></th>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _format(form: str, value: Any) -> str:
    """Return a number as text, in scientific notation from 10,000,000 on: a long number would push its neighbours out of sight."""
    if isinstance(value, float | int) and 1e7 <= abs(value) < math.inf:
        form = "{:.3e}" + form.rpartition("}")[2]
    return "–" if value is None else escape(form.format(value).replace("%", " %").replace("  ", " "))


def _value(value: Any) -> str:
    return "–" if value is None else str(value)


def _differing(runs: list[RunRecord]) -> list[str]:
    """Return the settings in which runs differ."""
    return [key for key, values in _settings(runs).items() if len(set(values)) > 1]


def _settings(runs: list[RunRecord]) -> dict[str, list[str]]:
    """Return for each setting its value in each run, as text."""
    keys = dict.fromkeys(key for run in runs for key in run.config if key != "versions")
    return {key: [_value(run.config.get(key)) for run in runs] for key in keys}
