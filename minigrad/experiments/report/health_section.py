"""The section of the report on the health of the gradients: small charts, one for each layer and quantity that `--watch` measured."""

import math
from html import escape
from typing import Any

from minigrad.experiments.config import PHASE_NAMES, PHASES
from minigrad.experiments.metrics import is_drawable
from minigrad.experiments.report.layout import figure, grid_of
from minigrad.experiments.report.run_reader import RunRecord
from minigrad.experiments.report.scales import Axis, logarithmic_axis
from minigrad.experiments.report.svg_charts import Frame, Series, drawable, line_chart
from minigrad.inspect.health import concerns

HEIGHT = 76  # of a small chart, in pixels
USUAL = (1e-12, 1e6)  # a number that is not between these, as those of a run that diverges, does not widen the axis of the others
PERCENT = Axis([0.0, 50.0, 100.0])
QUANTITIES = {  # key in the metrics: heading, and how to read it
    "gradient_norm": (
        "Norm of the gradient",
        "It may fall slowly as the training settles. A gradient that is smaller by powers of ten the farther a layer is from the loss "
        "vanishes; one that grows from epoch to epoch explodes.",
    ),
    "update_ratio": (
        "Norm of a step divided by the norm of the weights",
        "About 10⁻³ is usual: far above it the rate is so large that steps overshoot, far below it the layer hardly learns.",
    ),
    "weight_norm": ("Norm of the weights", "It should settle; a norm that keeps growing asks for a smaller rate or for weight decay."),
    "dead": ("Dead units, %", "A unit of a ReLU is dead if it gave 0 for each image: no gradient reaches its weights, so it stays so."),
    "saturated": (
        "Saturated values, %",
        "A value of a Tanh or a Sigmoid is saturated if it is so near the activation's bounds that next to no gradient passes.",
    ),
}
SHARES = ("dead", "saturated")


Epochs = list[tuple[float, dict[str, dict[str, float]]]]  # number of the epoch, counted through both phases, and numbers by layer


def health(runs: list[RunRecord]) -> str:
    """Return what stands out, and for each quantity a small chart for each layer; "" where no run was watched."""
    begin = max((entry["epoch"] for run in runs for entry in run.metrics if entry["phase"] == "pretrain"), default=0)
    seen = [(run, epochs_of(run, begin)) for run in runs]
    names = list(dict.fromkeys(name for _, epochs in seen for _, layers in epochs for name in layers))
    parts = []
    for quantity, (heading, advice) in QUANTITIES.items():
        layers = {name: [Series(run.name, run.style, _points(epochs, name, quantity)) for run, epochs in seen] for name in names}
        charts = _charts(layers, quantity, begin)
        if charts:
            parts.append(f'<h3>{heading}</h3>\n<p class="faint">{advice}</p>\n{charts}')
    note = (
        "One chart for each layer, from the steps that were watched. The epochs of the fine-tuning follow those of the pretraining, after "
        "the vertical line. A number that is beyond an axis stands at its end."
    )
    return what_stands_out(runs) + (f'<p class="faint">{note}</p>\n' + "\n".join(parts) if parts else "")


def what_stands_out(runs: list[RunRecord]) -> str:
    """Return a list of what stands out in the last watched epoch of each phase of each run, such as layers with many dead units."""
    items = []
    for run in runs:
        for phase, name in PHASE_NAMES.items():
            watched = [entry for entry in run.metrics if entry["phase"] == phase and entry.get("health")]
            found = concerns(layers_of(watched[-1])) if watched else []
            if found:
                which = f"{run.name}, epoch" if len(runs) > 1 else "Epoch"
                text = f"{which} {watched[-1]['epoch']} of the {name}: {'; '.join(found)}."
                items.append(f"<li>{escape(text)}</li>")
    return f'<ul class="concerns">{"".join(items)}</ul>\n' if items else ""


def epochs_of(run: RunRecord, begin: float) -> Epochs:
    """Return the health of a run's layers by epoch; the epochs of the fine-tuning count from `begin` on, after an empty one."""
    epochs: Epochs = []
    for phase, before in zip(PHASES, (0, begin), strict=True):
        epochs += [(before + entry["epoch"], layers_of(entry)) for entry in run.metrics if entry["phase"] == phase]
        epochs.append((begin + 0.5, {}))
    return epochs


def layers_of(entry: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return the health of the layers in an epoch by their paths in the autoencoder; NaN stands for a number that was not finite.

    In the fine-tuning the network is a classifier, whose first part, called "0", is the encoder.
    """
    layers: dict[str, dict[str, float]] = {}
    for name, numbers in (entry.get("health") or {}).items():
        path = f"encoder{name[1:]}" if entry["phase"] == "finetune" and name.startswith("0.") else name
        layers[path] = {key: math.nan if value is None else value for key, value in numbers.items()}
    return layers


def _points(epochs: Epochs, layer: str, quantity: str) -> list[tuple[float, float | None]]:
    factor = 100 if quantity in SHARES else 1
    values = [(epoch, layers.get(layer, {}).get(quantity)) for epoch, layers in epochs]
    return [(epoch, factor * value if is_drawable(value) else None) for epoch, value in values]


def _charts(layers: dict[str, list[Series]], quantity: str, begin: float) -> str:
    """Return the charts of all layers that have this quantity, which have the same axes."""
    drawn = [point for series in layers.values() for point in drawable(series)]
    if not drawn:
        return ""
    if quantity in SHARES and not any(y for _, y in drawn):
        return "<p>None in any epoch.</p>"
    last = max(x for x, _ in drawn)
    values = [y for _, y in drawn if USUAL[0] <= y <= USUAL[1]]
    axis = PERCENT if quantity in SHARES else logarithmic_axis(values or [y for _, y in drawn], count=4)
    frame = Frame(HEIGHT, x_axis=_epoch_axis(begin, last), y_axis=axis, divider=begin + 0.5 if 0 < begin < last else None)
    title = QUANTITIES[quantity][0]
    return grid_of("small", [figure(name, line_chart(f"{title}, {name}", series, frame)) for name, series in layers.items()])


def _epoch_axis(begin: float, last: float) -> Axis:
    """Return an axis with ticks at the first epoch, the last, and the last of the pretraining where there is room for it."""
    gap = 0.15 * (last - 1)
    return Axis([1.0, begin, last] if 1 + gap < begin < last - gap else [1.0, last] if last > 1 else [1.0])
