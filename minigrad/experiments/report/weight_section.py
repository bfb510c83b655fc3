"""The section of the report on the weights: those before and after each phase as tiles, with the scale of their colours."""

from typing import Any

import numpy as np

from minigrad.experiments.config import PHASE_NAMES
from minigrad.experiments.file_checks import LAYERS
from minigrad.experiments.report.layout import grid_of, image, run_name
from minigrad.experiments.report.png_images import grid, weight_tiles
from minigrad.experiments.report.run_reader import RunRecord
from minigrad.experiments.tiled_images import TILE_MEANING, change, color_limit, grid_limits, make_grid, tiles

DECODER = "pretrain decoder"
TILES = 100  # units of a layer that are shown


def weights(runs: list[RunRecord]) -> str:
    """Return for each layer and run the weights of some units before and after, and their difference, on one colour scale."""
    parts = []
    for key in LAYERS:
        rows = [_weight_row(run, key) for run in runs if f"{key} after" in run.snapshots]
        if rows:
            phase, layer = key.split()
            meaning = f'<p class="faint">{TILE_MEANING[layer].capitalize()}.{_selection(layer)}</p>'
            as_in_lecture = _decoder_grids(runs) if key == DECODER else ""
            parts.append(f"<h3>{layer.capitalize()}, {PHASE_NAMES[phase]}</h3>{meaning}" + "".join(rows) + as_in_lecture)
    note = (
        "Red is a positive weight, blue a negative one, and the colour of the background is 0. The three pictures of a row have one scale, "
        "which stands above them; it ends where 99.5 % of the weights are smaller, and larger ones have its last colour."
    )
    return f'<p class="faint">{note}</p>' + "".join(parts) if parts else ""


def _selection(layer: str) -> str:
    return "" if layer == "classifier" else f" The first {TILES} units are shown."


def _weight_row(run: RunRecord, key: str) -> str:
    layer = key.split()[1]
    shown = np.s_[:, :TILES] if layer == "decoder" else np.s_[:TILES]
    panels = change(*(run.snapshots[f"{key} {moment}"][shown] for moment in ("before", "after")))
    limit = color_limit(panels)
    images = [_figure(f"{name}, {_largest(weight)}", weight_tiles(tiles(weight, layer), limit)) for name, weight in panels.items()]
    return run_name(run) + _scale("weights", f"−{limit:.3g}", "0", f"+{limit:.3g}") + grid_of("threes", images)


def _decoder_grids(runs: list[RunRecord]) -> str:
    """Return the weights of the pretraining's decoder as lecture 20 shows them."""
    rows = []
    for run in runs:
        if f"{DECODER} after" in run.snapshots:
            panels = change(run.snapshots[f"{DECODER} before"], run.snapshots[f"{DECODER} after"])
            images = [_figure(name, grid(make_grid(weight)), _grey_scale(weight)) for name, weight in panels.items()]
            rows.append(run_name(run) + grid_of("threes", images))
    note = (
        "A tile shows the weights of one output pixel, one for each hidden unit. Black is the smallest weight of a picture, white the "
        "largest (torchvision's make_grid with nrow=20 and normalize=True), so the same grey is another weight in each picture."
    )
    return f'<h3>Decoder, pretraining, as lecture 20 shows it</h3><p class="faint">{note}</p>' + "".join(rows)


def _figure(caption: str, content: bytes, scale: str = "") -> str:
    return f'<figure>{image(caption, content)}{scale}</figure>'


def _grey_scale(weight: Any) -> str:
    low, high = (f"{limit:.3g}".replace("-", "−") for limit in grid_limits(weight))
    return _scale("greys", low, "", high)


def _scale(style: str, *labels: str) -> str:
    """Return a bar of colours, and below it what its left end, its middle and its right end stand for."""
    return f'<div class="scale {style}"><i></i>{"".join(f"<span>{label}</span>" for label in labels)}</div>'


def _largest(weight: Any) -> str:
    finite = np.abs(weight[np.isfinite(weight)])
    return f"largest {finite.max():.3g}" if finite.size else "no finite number"
