"""The pictures of a run as PNG files: digits, reconstructions, weights, curves, accuracies and confusion."""

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.experiments.config import CLASSES, PHASE_NAMES, SIDE, Config
from minigrad.experiments.lecture_tables import load_lecture_tables
from minigrad.experiments.metrics import CURVES, LARGEST, curve, is_drawable
from minigrad.experiments.tiled_images import change, color_limit, make_grid, side_by_side, tiles
from minigrad.serialization.atomic import replace_file

RUN_COLOR, LECTURE_COLOR = "#0b62a4", "#d1495b"
DPI = 120
TITLES = {"denoising": "Lecture 20", "autoencoder": "Lecture 12"}
TILES = {
    "encoder": "a tile is what one hidden unit sees",
    "decoder": "a tile is what one hidden unit draws",
    "classifier": "a tile is a class, 0–4 above 5–9; a pixel is a hidden unit",
}


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
        heading = f"{title}: {layer} weights before and after {PHASE_NAMES[phase]}; {TILES[layer]}"
        size = (11, 2.7) if layer == "classifier" else (16, 5.9)
        before = snapshots[f"{phase} {layer} before"]
        save(out / f"{phase}_{layer}.png", size, weight_change, heading, layer, before, snapshots[key])
    heading = f"{title}: decoder weights before pretraining, after it, and the difference; a tile has the weights of one output pixel"
    decoders = (snapshots[f"pretrain decoder {moment}"] for moment in ("before", "after"))
    save(out / "pretrain_decoder_pixels.png", (8, 8), grids, heading, *decoders)
    save(out / "curves.png", (11, 3.6), curves, title, engine, run.metrics, printed)
    accuracy = summary["class_accuracy"]
    save(out / "class_accuracy.png", (8, 3.8), class_accuracy, title, engine, accuracy, printed)
    save(out / "confusion.png", (6.2, 5.4), confusion, title, summary["confusion"])


def save(path: Path, size: tuple[float, float], draw: Callable[..., None], *arguments: Any) -> None:
    """Write a picture of `size` inches that `draw(figure, *arguments)` draws, without a window and without the user's matplotlibrc."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    content = io.BytesIO()
    with matplotlib.rc_context(), np.errstate(all="ignore"):  # the weights of a run that diverged may not be finite
        matplotlib.rcdefaults()
        figure = Figure(figsize=size, dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure, *arguments)
        figure.savefig(content, format="png")
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
    """Draw weights before and after, and their difference, on one colour scale on which 0 is white."""
    large = 3 if figure.get_figwidth() > 12 else 0  # larger text, which can be read when the picture is shrunk
    figure.suptitle(heading, fontsize=11 + large)
    panels = change(before, after)
    limit = min(color_limit(panels), LARGEST) or 1.0
    grid = figure.subplots(1, 3)
    for axes, (name, weight) in zip(grid, panels.items()):
        image = axes.imshow(tiles(weight, layer), cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
        axes.set_facecolor("#888888")
        axes.set_title(f"{name} (largest {np.abs(weight).max():.3g})", fontsize=10 + large)
        axes.set(xticks=[], yticks=[])
    bar = figure.colorbar(image, ax=grid, extend="both", pad=0.01)
    bar.ax.tick_params(labelsize=8 + large)
    bar.set_label("weight", fontsize=9 + large)


def grids(figure: Any, heading: str, before: Any, after: Any) -> None:
    """Draw weights before and after, and their difference, each as `make_grid` shows it, without scaling, which would blur them."""
    panels = np.stack([make_grid(weight) for weight in change(before, after).values()])
    zoom = max(1, 500 // panels.shape[2])
    image = side_by_side(panels.repeat(zoom, axis=1).repeat(zoom, axis=2), columns=3, gap=16, fill=1)
    figure.set_layout_engine("none")
    figure.set_size_inches((image.shape[1] + 32) / DPI, (image.shape[0] + 64) / DPI)
    figure.suptitle(heading, fontsize=11)
    figure.figimage(image, 16, 16, cmap="gray", vmin=0, vmax=1, origin="upper")


def curves(figure: Any, title: str, engine: str, metrics: list[dict[str, Any]], printed: dict[str, Any]) -> None:
    """Draw loss and accuracy by epoch, with what the lecture printed."""
    figure.suptitle(f"{title}: training", fontsize=11)
    for axes, (_, phase, key, in_tables, name) in zip(figure.subplots(1, 3), CURVES):
        points = curve(metrics, phase, key)
        values = [value if is_drawable(value) else math.nan for _, value in points]  # NaN leaves a gap
        axes.plot([epoch for epoch, _ in points], values, "o-", color=RUN_COLOR, ms=4, label=engine)
        in_lecture = printed[in_tables]
        axes.plot(range(1, len(in_lecture) + 1), in_lecture, "x--", color=LECTURE_COLOR, lw=1, ms=4, label="lecture, printed")
        axes.set_title(name, fontsize=10)
        axes.set_xlabel("epoch", fontsize=9)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=9)


def class_accuracy(figure: Any, title: str, engine: str, measured: dict[str, float], printed: dict[str, Any]) -> None:
    """Draw the accuracy of each class, beside the lecture's where the lecture printed it."""
    figure.suptitle(f"{title}: test accuracy by class, %", fontsize=11)
    axes, in_lecture = figure.subplots(), printed.get("class_accuracy")
    place = np.array([CLASSES.index(name) for name in measured])
    bars = [(engine, RUN_COLOR, measured)] + ([("lecture, printed", LECTURE_COLOR, in_lecture)] if in_lecture else [])
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
    """Draw a table of how many images of each class are taken for each class; the colour is their share of the class."""
    figure.suptitle(f"{title}: what the test images are taken for", fontsize=11)
    table, axes = np.array(counts), figure.subplots()
    share = 100 * table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(share, np.nan)  # no colour for correct answers, so that the mistakes stand out
    limit = float(np.nanmax(share)) or 1.0
    image = axes.imshow(share, cmap="Reds", vmin=0, vmax=limit)
    for (row, column), count in np.ndenumerate(table):
        color = "white" if share[row, column] > 0.6 * limit else "black"
        weight = "bold" if row == column else "normal"
        axes.text(column, row, count, ha="center", va="center", fontsize=8, weight=weight, color=color)
    axes.set_facecolor("#e4efe4")
    axes.set_xticks(range(len(CLASSES)), CLASSES, rotation=45, ha="right", fontsize=9)
    axes.set_yticks(range(len(CLASSES)), CLASSES, fontsize=9)
    axes.set(xlabel="taken for", ylabel="is")
    figure.colorbar(image, ax=axes, label="mistakes, % of the class", shrink=0.85)
