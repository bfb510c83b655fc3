"""Pieces of HTML that several sections are made of."""

from html import escape

from minigrad.experiments.report.png_images import data_uri
from minigrad.experiments.report.run_reader import RunRecord


def run_name(run: RunRecord) -> str:
    """Return the name of a run as a heading, beside its colour."""
    return f'<h3><span class="swatch {run.style}"></span>{escape(run.name)}</h3>'


def image(caption: str, content: bytes) -> str:
    """Return a PNG file as an image with a caption."""
    text = escape(caption, quote=True)
    return f'<figcaption>{text}</figcaption><img alt="{text}" src="{data_uri(content)}">'


def figure(caption: str, content: str) -> str:
    """Return `content` with a caption, or "" if there is none."""
    return f"<figure><figcaption>{escape(caption)}</figcaption>{content}</figure>" if content else ""


def grid_of(style: str, items: list[str]) -> str:
    """Return `items` side by side, as many as fit in a row."""
    items = [item for item in items if item]
    return f'<div class="{style}">\n' + "\n".join(items) + "\n</div>" if items else ""
