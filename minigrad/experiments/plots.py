"""The pictures of a run as PNG files: digits, reconstructions, weights, curves, accuracies and confusion."""

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.experiments.config import CLASSES, PHASE_NAMES, SIDE, Config
from minigrad.experiments.lecture_tables import load_lecture_tables
from minigrad.experiments.metrics import CURVES, LARGEST, Point, coincide, curve, differences, is_drawable, spans_a_decade
from minigrad.experiments.palette import ALARM, GAP, INK, LECTURES, RUNS, TEXT, confusion_colour, weight_colours
from minigrad.experiments.report.scales import logarithmic_axis, tick_label
from minigrad.experiments.tiled_images import TILE_MEANING, change, color_limit, make_grid, side_by_side, tiles
from minigrad.serialization.atomic import replace_file

DPI = 120
COLOURED = ("text.color", "axes.titlecolor", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
TITLES = {"denoising": "Lecture 20", "autoencoder": "Lecture 12"}


def draw_all(out: Path, engine: str, run: Any, data: Any, summary: dict[str, Any]) -> None:
    """Write every picture of a finished run to the folder `out`; `engine` names the library that computed it."""
    snapshots = {name: tensor.numpy() for name, tensor in run.snapshots.items()}
    title, printed = TITLES[run.config.lecture], load_lecture_tables()[run.config.lecture]
    images, labels = data.train_images[:10].cpu().numpy(), data.train_labels[:10].tolist()
    save(out / "digits.png", (8, 1.35), digits, images, labels)
    size = (8, 3.2 if run.config.has_noise else 2.3)
    save(out / "reconstructions.png", size, reconstructions, snapshots, run.config)
    for key in [key for key in snapshots if key.endswith(" after")]:
        phase, layer, _ = key.split()
        heading = f"{title}: {layer} weights before and after {PHASE_NAMES[phase]}\n{TILE_MEANING[layer]}"
        size = (11, 2.9) if layer == "classifier" else (16, 6.1)
        before = snapshots[f"{phase} {layer} before"]
        save(out / f"{phase}_{layer}.png", size, weight_change, heading, layer, before, snapshots[key])
    heading = f"{title}: decoder weights before pretraining, after it, and the difference; a tile has the weights of one output pixel"
    decoders = (snapshots[f"pretrain decoder {moment}"] for moment in ("before", "after"))
    save(out / "pretrain_decoder_pixels.png", (8, 8), grids, heading, *decoders)
    save(out / "curves.png", (11, 4.4), curves, title, engine, run.metrics, printed)
    accuracy = summary["class_accuracy"]
    save(out / "class_accuracy.png", (8, 3.8), class_accuracy, title, engine, accuracy, printed)
    save(out / "confusion.png", (6.2, 5.4), confusion, title, summary["confusion"])


def save(path: Path, size: tuple[float, float], draw: Callable[..., None], *arguments: Any) -> None:
    """Write a picture of `size` inches that `draw(figure, *arguments)` draws, without a window and without the user's matplotlibrc.

    It has no background, so that it can stand on a white page and on a black one.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    content = io.BytesIO()
    with matplotlib.rc_context(), np.errstate(all="ignore"):  # the weights of a run that diverged may not be finite
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**dict.fromkeys(COLOURED, TEXT), "legend.frameon": False})
        figure = Figure(figsize=size, dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure, *arguments)
        figure.savefig(content, format="png", transparent=True)
    replace_file(path, [content.getvalue()])


def digits(figure: Any, images: Any, labels: list[int]) -> None:
    """Draw the first training images, each with its label above it."""
    figure.suptitle("The first training images and their labels", fontsize=11)
    for axes, image, label in zip(figure.subplots(1, len(images), squeeze=False)[0], images, labels):
        show_image(axes, image)
        axes.set_title(str(label), fontsize=11)


def reconstructions(figure: Any, snapshots: dict[str, Any], config: Config) -> None:
    """Draw rows of test images: the originals, their noisy copies, if the network saw such, and what it made of them."""
    rows, noise = ["original", "reconstruction"], "no noise"
    if config.has_noise:
        rows.insert(1, "noisy")
        noise = f"noise of mean {config.noise_mean:g} and deviation {config.noise_std:g}"
    moment = f"test images after {config.epochs} epochs of pretraining"
    figure.suptitle(f"{TITLES[config.lecture]}: {moment}, {noise}", fontsize=11)
    for name, line in zip(rows, figure.subplots(len(rows), len(snapshots["original"]), squeeze=False)):
        for axes, image in zip(line, snapshots[name]):
            show_image(axes, image)
        line[0].set_ylabel(name, fontsize=9)


def show_image(axes: Any, image: Any) -> None:
    """Draw one digit, black to white, without ticks."""
    axes.imshow(image.reshape(SIDE, SIDE), cmap="gray", vmin=0, vmax=255 if image.dtype == np.uint8 else 1)
    axes.set(xticks=[], yticks=[])


def weight_change(figure: Any, heading: str, layer: str, before: Any, after: Any) -> None:
    """Draw weights before and after, and their difference, on one colour scale on which 0 is transparent."""
    from matplotlib.colors import ListedColormap

    large = 3 if figure.get_figwidth() > 12 else 0  # larger text, which can be read when the picture is shrunk
    figure.suptitle(heading, fontsize=11 + large)
    panels = change(before, after)
    limit = min(color_limit(panels), LARGEST) or 1.0
    grid = figure.subplots(1, 3)
    colours = ListedColormap(weight_colours()[:-1] / 255).with_extremes(bad=tuple(part / 255 for part in GAP))
    for axes, (name, weight) in zip(grid, panels.items()):
        image = axes.imshow(tiles(weight, layer), cmap=colours, vmin=-limit, vmax=limit, interpolation="nearest")
        axes.set_title(f"{name} (largest {np.abs(weight).max():.3g})", fontsize=10 + large)
        axes.set(xticks=[], yticks=[])
    bar = figure.colorbar(image, ax=grid, extend="both", pad=0.01)
    bar.ax.tick_params(labelsize=8 + large)
    bar.set_label("weight", fontsize=9 + large)


def grids(figure: Any, heading: str, before: Any, after: Any) -> None:
    """Draw weights before and after, and their difference, each as `make_grid` shows it, without scaling, which would blur them."""
    panels = np.stack([make_grid(weight) for weight in change(before, after).values()])
    zoom = max(1, 500 // panels.shape[2])
    image = side_by_side(panels.repeat(zoom, axis=1).repeat(zoom, axis=2), columns=3, gap=16, fill=np.nan)
    figure.set_layout_engine("none")
    figure.set_size_inches((image.shape[1] + 32) / DPI, (image.shape[0] + 64) / DPI)
    figure.suptitle(heading, fontsize=11)
    figure.figimage(image, 16, 16, cmap="gray", vmin=0, vmax=1, origin="upper")


def curves(figure: Any, title: str, engine: str, metrics: list[dict[str, Any]], printed: dict[str, Any]) -> None:
    """Draw loss and accuracy by epoch, with what the lecture printed; below, the difference of the two where they nearly coincide."""
    figure.suptitle(f"{title}: training", fontsize=11)
    panels = figure.subplots(2, 3, height_ratios=(3, 1))
    for (above, below), (_, phase, key, in_tables, name) in zip(panels.T, CURVES):
        points, in_lecture = curve(metrics, phase, key), list(enumerate(printed[in_tables], start=1))
        values = [value for _, value in points + in_lecture if is_drawable(value)]
        plot(above, points, "o-", color=RUNS[0], ms=4, label=engine)
        plot(above, in_lecture, "D--", color=LECTURES[0], lw=1, ms=3, label="lecture, printed")
        above.set_title(name, fontsize=10)
        above.legend(fontsize=9)
        if key == "loss" and spans_a_decade(values):
            ticks = logarithmic_axis(values).ticks
            above.set_yscale("log")
            above.set_ylim(ticks[0], ticks[-1])
            above.set_yticks(ticks, [tick_label(tick) for tick in ticks])
            above.minorticks_off()
        if coincide(points, in_lecture, values):
            plot(below, differences(points, in_lecture, relative=key == "loss"), "o-", color=RUNS[0], ms=3, lw=1)
            below.axhline(0, color=LECTURES[0], lw=1, ls="--")
            below.set_ylabel("difference, %" if key == "loss" else "difference", fontsize=8)
            below.set_xlim(above.get_xlim())
        else:
            below.remove()
        for axes in (above, below):
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(alpha=0.3)
            axes.tick_params(labelsize=8)
        above.set_xlabel("epoch", fontsize=9)


def plot(axes: Any, points: Sequence[Point], style: str, **options: Any) -> None:
    """Draw points as a line, with a gap where there is no number."""
    axes.plot([x for x, _ in points], [y if is_drawable(y) else math.nan for _, y in points], style, **options)


def class_accuracy(figure: Any, title: str, engine: str, measured: dict[str, float], printed: dict[str, Any]) -> None:
    """Draw the accuracy of each class, beside the lecture's where the lecture printed it."""
    figure.suptitle(f"{title}: test accuracy by class, %", fontsize=11)
    axes, in_lecture = figure.subplots(), printed.get("class_accuracy")
    place = np.array([CLASSES.index(name) for name in measured])
    bars = [(engine, RUNS[0], measured)] + ([("lecture, printed", LECTURES[0], in_lecture)] if in_lecture else [])
    width = 0.8 / len(bars)
    for i, (label, color, accuracy) in enumerate(bars):
        values = [accuracy[name] for name in measured]
        drawn = axes.bar(place + width * (i - (len(bars) - 1) / 2), values, width, color=color, label=label)
        axes.bar_label(drawn, fmt="%.1f", fontsize=7)
    lowest = min(accuracy[name] for _, _, accuracy in bars for name in measured)
    bottom = max(0, 10 * (lowest // 10) - 10)
    axes.set_ylim(bottom, 100 + 0.05 * (100 - bottom))  # room for the number above a high bar
    axes.set_xticks(place, list(measured), fontsize=9)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    figure.legend(fontsize=9, loc="outside lower center", ncols=2)


def confusion(figure: Any, title: str, counts: list[list[int]]) -> None:
    """Draw a table of how many images of each class are taken for each class; the stronger a colour, the larger the share of the class."""
    figure.suptitle(f"{title}: what the test images are taken for", fontsize=11)
    axes = figure.subplots()
    shown = [[confusion_colour(count, sum(row), right=i == j) for j, count in enumerate(row)] for i, row in enumerate(counts)]
    axes.imshow(np.array(shown))
    for (row, column), count in np.ndenumerate(np.array(counts, dtype=object)):
        colour = INK if count else ALARM if row == column and any(counts[row]) else TEXT
        weight = "bold" if row == column else "normal"
        axes.text(column, row, count, ha="center", va="center", fontsize=8, weight=weight, color=colour)
    axes.set_xticks(range(len(CLASSES)), CLASSES, rotation=45, ha="right", fontsize=9)
    axes.set_yticks(range(len(CLASSES)), CLASSES, fontsize=9)
    axes.set(xlabel="taken for", ylabel="is")
    shares = [f"{100 * row[i] / max(1, sum(row)):.1f}" for i, row in enumerate(counts)]
    right = axes.secondary_yaxis("right")
    right.set_yticks(range(len(CLASSES)), shares, fontsize=9)
    right.set_ylabel("right, % of the class", fontsize=9)
    right.tick_params(length=0)
