"""Draw the graph of a loss as SVG: each node with heat maps of its value and its gradient."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from ...autograd.graph import Tensor
from ..backward_steps import Steps
from ..names import Names
from .boxes import Box, Graph, graph_of
from .folding import fold as folded
from .folding import newest
from .frames import framed
from .layout import laid_out
from .svg import size, svg
from .texts import escaped

if TYPE_CHECKING:
    from ..._tensor import Tensor as PublicTensor

LIMIT = 120  # boxes of nodes


class Picture:
    """A graph as an SVG: a notebook shows it, `save` writes it.

    svg: the text of the SVG element. It needs no other file, no fonts and no JavaScript, and is light or dark as the reader's system is.
    """

    def __init__(self, svg: str, title: str) -> None:
        self.svg, self._title = svg, title

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file whose name ends in .svg, or in .html for a page of its own."""
        kind = os.path.splitext(os.fspath(path))[1].lower()
        if kind not in (".svg", ".html"):
            raise ValueError(f"save: a picture is written as .svg or .html, not as {kind or 'a file without an ending'}: {os.fspath(path)}")
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(self.svg if kind == ".svg" else _page(self))

    def _repr_svg_(self) -> str:
        """Return the SVG, for notebooks that show no HTML."""
        return self.svg

    def _repr_html_(self) -> str:
        """Return the SVG in its full size, in an element that scrolls."""
        return f'<div style="overflow-x:auto;max-width:100%">\n{self.svg}</div>\n'

    def __repr__(self) -> str:
        return f"<Picture: {self._title}; save it with .save('graph.svg')>"


def _page(picture: Picture) -> str:
    dark = "@media(prefers-color-scheme:dark){body{background:#12161c}}"
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{escaped(picture._title)}</title><style>body{{margin:8px}}{dark}</style></head>\n<body>\n"
            f"{picture._repr_html_()}</body></html>\n")


def draw(loss: PublicTensor, gradient: Any = None, *, fold: bool = True, limit: int = LIMIT) -> Picture:
    """Return a picture of the graph of `loss`, with each value and the gradient that a backward pass gives it.

    gradient: the gradient to start with, of loss's shape; it may be left out for a tensor of one element (1 is taken).
    fold: whether long chains of operations of one argument become one box.
    limit: how many boxes of operations are drawn at most, those nearest to the loss; one box stands for all others.

    Boxes bear the names of the caller's variables and parameters. Record the graph inside `mg.inspect.lines()` and they are framed by
    module, and their tooltips tell the source lines. `.grad` and the graph stay as they are; hooks run, as in `backward`.
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"draw: expected a Tensor that requires a gradient, such as a loss, not {type(loss).__name__}")
    if limit < 1:
        raise ValueError(f"draw: limit must be at least 1, not {limit}")
    graph = _graph(Steps(loss, gradient, names=Names(sys._getframe(1)), caller="draw"), fold, limit)
    root = next(box for box in reversed(graph.boxes) if box.computed)
    title = _title(loss, root, graph)
    return Picture(svg(graph, laid_out(graph, framed(graph), size), root, title), title)


def _graph(steps: Steps, fold: bool, limit: int) -> Graph:
    """Return the graph to draw, with its chains folded and no more than `limit` boxes of nodes."""
    graph = graph_of(steps)
    return newest(folded(graph, limit) if fold else graph, limit)


def _title(loss: Any, root: Box, graph: Graph) -> str:
    value = f" = {loss.item():.5g}" if loss.array.size == 1 else f" ({'×'.join(map(str, loss.shape))})"
    nodes = "1 node" if graph.nodes == 1 else f"{graph.nodes:,} nodes"
    leaves = "" if graph.leaves is None else " and 1 leaf" if graph.leaves == 1 else f" and {graph.leaves:,} leaves"
    return f"{root.title}{value}: {nodes}{leaves}"
