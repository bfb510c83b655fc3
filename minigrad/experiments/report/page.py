"""The page: all sections of the report together in one HTML file."""

import re
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

from minigrad.experiments import palette
from minigrad.experiments.report.class_section import classes
from minigrad.experiments.report.curve_section import curves
from minigrad.experiments.report.headline import headline
from minigrad.experiments.report.health_section import health
from minigrad.experiments.report.picture_sections import code_histogram, reconstructions
from minigrad.experiments.report.run_reader import RunRecord, lectures_of, read_runs
from minigrad.experiments.report.table_sections import epochs, key_figures, legend, settings, sparsity
from minigrad.experiments.report.weight_section import weights
from minigrad.serialization.atomic import replace_text

TITLES = {"denoising": "Lecture 20: a denoising autoencoder", "autoencoder": "Lecture 12: an autoencoder"}
FORBIDDEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # control characters but tabs and line ends; non-characters


def write_report(folders: list[Path], path: Path) -> None:
    """Write the report on the runs in `folders` to `path`, one HTML file."""
    replace_text(path, render(read_runs(folders)))


def harmless(html: str) -> str:
    """Return `html` with a backslash sequence for each character that HTML does not allow, half surrogates and control characters."""
    return FORBIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), html)


def render(runs: list[RunRecord]) -> str:
    """Return the report as HTML; the same runs always give the same text."""
    lectures = lectures_of(runs)
    sections = [
        ("Key figures", key_figures(runs, lectures)),
        ("Training curves", curves(runs, lectures)),
        ("Health of the gradients", health(runs)),
        ("Accuracy by class, and what the test images are taken for", classes(runs, lectures)),
        ("Reconstructions of test images", reconstructions(runs)),
        ("How sparse the code is", sparsity(runs) + code_histogram(runs)),
        ("Weights before and after", weights(runs)),
        ("Settings and versions", settings(runs)),
        ("Epoch by epoch", epochs(runs)),
    ]
    body = "\n".join(f"<section>\n<h2>{name}</h2>\n{content}\n</section>" for name, content in sections if content)
    title = escape("; ".join(TITLES.get(lecture.name, lecture.name) for lecture in lectures))
    summary = headline(runs, lectures) + legend(runs, lectures)
    page = Template(_resource("page.html"))
    return harmless(page.substitute(title=title, style=style_sheet(), summary=summary, sections=body))


def style_sheet() -> str:
    """Return the page's style sheet, with the palette's colours as variables."""
    return f":root {{ {palette.style_sheet()} }}\n" + _resource("style.css")


def _resource(name: str) -> str:
    return resources.files("minigrad.experiments.report").joinpath(name).read_text(encoding="utf-8")
