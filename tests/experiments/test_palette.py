"""The colours of pictures and reports can be seen on white and on black."""

import numpy as np
import pytest

from minigrad.experiments import palette

BACKGROUNDS = ["#ffffff", "#f3f5f8", "#12161c", "#1a2028"]  # of the report and of its figures, light and dark


def luminance(colour):
    """Return the relative luminance of WCAG 2."""
    parts = np.array(palette.rgb(colour)) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("colour", [*palette.RUNS, *palette.LECTURES, palette.TEXT, palette.ALARM, palette.NEGATIVE, palette.POSITIVE])
def test_lines_and_text_can_be_seen_on_every_background(colour, background):
    assert contrast(colour, background) > 3


def test_weights_fade_into_the_background():
    colours = palette.weight_colours().astype(int)
    assert colours.shape == (palette.LEVELS, 4) and colours[-1].tolist() == list(palette.GAP)
    opacity = colours[:-1, 3]
    assert opacity[0] == opacity[-1] == 255 and (opacity == 0).sum() == 1
    assert (np.diff(opacity[: opacity.argmin() + 1]) < 0).all() and (np.diff(opacity[opacity.argmin() :]) > 0).all()


def test_counts_can_be_read_on_their_colours():
    for count in (1, 30, 1000):
        for right in (True, False):
            *parts, opacity = palette.confusion_colour(count, 1000, right=right)
            assert contrast(palette.INK, "#" + "".join(f"{round(255 * part):02x}" for part in parts)) > 4.5 and opacity == 1
    assert palette.confusion_colour(0, 1000, right=True)[3] == palette.confusion_colour(0, 0, right=False)[3] == 0
    assert palette.strength(1, 10_000, right=False) > 0.1 and palette.strength(1000, 1000, right=False) == 0.9
