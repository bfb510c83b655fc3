"""The colours of pictures and reports, each of which can be seen on white and on black: a picture has no background of its own."""

from typing import Any

import numpy as np

RUNS = ("#2b7fc7", "#d0611c", "#2a8f4c", "#8a63e0", "#a77d10", "#118a9c")  # one for each run that is compared
LECTURES = ("#7b8591", "#b0628d")
TEXT = "#767e88"  # of a picture; a page has darker text, or lighter text on black
NEGATIVE, POSITIVE = "#2f7ed8", "#e0483f"  # weights
RIGHT, WRONG = "#2a8f4c", "#e8772e"  # answers of the classifier
PAPER, INK = "#f3f5f8", "#1c2430"  # behind and on these in a picture
ALARM = "#d6353f"  # what went wrong, in a picture
GAP = (128, 128, 128, 110)  # what lies between tiles, and numbers that are not finite: red, green, blue and opacity, 0 to 255
LEVELS = 64  # colours of a weight: as many as an eye tells apart (256 would double a file), of which one is for gaps


def rgb(colour: str) -> tuple[int, int, int]:
    """Return the red, green and blue, 0 to 255, of a colour such as "#2b7fc7"."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def strength(count: int, total: int, *, right: bool) -> float:
    """Return how opaque the colour of `count` answers of `total` is, 0 to 1: even one answer can be seen, none has no colour."""
    share = count / max(1, total)
    return 0.0 if not count else 0.1 + 0.35 * share if right else min(0.9, 0.12 + 8 * share)


def confusion_colour(count: int, total: int, *, right: bool) -> Any:
    """Return the colour of `count` answers of `total`, right ones or wrong ones, on PAPER: red, green, blue and opacity, 0 to 1.

    It is transparent if there are none.
    """
    share = strength(count, total, right=right)
    mixed = share * np.array(rgb(RIGHT if right else WRONG)) + (1 - share) * np.array(rgb(PAPER))
    return np.append(mixed / 255, float(count > 0))


def weight_colours() -> Any:
    """Return LEVELS colours, (LEVELS, 4) bytes: opaque NEGATIVE, ever more transparent up to the middle, then up to opaque POSITIVE.

    The last is GAP. What is in the middle, a weight of 0, has the colour of the background.
    """
    place = np.linspace(-1, 1, LEVELS - 1)[:, None]  # an odd number, so that 0 is among them
    hue = np.where(place < 0, [rgb(NEGATIVE)], [rgb(POSITIVE)])
    return np.vstack([np.hstack([hue, np.rint(255 * np.abs(place))]), [GAP]]).astype(np.uint8)


def grey_colours(levels: int) -> Any:
    """Return `levels` colours, (levels, 4) bytes, from black to white; the last is GAP."""
    shades = np.arange(levels)[:, None] * 255 // (levels - 2)
    shades = np.hstack([shades, shades, shades, np.full_like(shades, 255)])
    shades[-1] = GAP
    return shades.astype(np.uint8)


def style_sheet() -> str:
    """Return the colours as variables of a style sheet: --run0, --lecture0, --negative and so on, each as "red green blue"."""
    named = {f"run{i}": colour for i, colour in enumerate(RUNS)} | {f"lecture{i}": colour for i, colour in enumerate(LECTURES)}
    named |= {"negative": NEGATIVE, "positive": POSITIVE, "right": RIGHT, "wrong": WRONG}
    return " ".join("--{}: {} {} {};".format(name, *rgb(colour)) for name, colour in named.items())
