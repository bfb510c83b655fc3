"""Texts for SVG: escaped, measured without a font, and shortened to fit."""

from __future__ import annotations

import html
import re

# the widths of letters in DejaVu Sans, which is wider than most fonts, in units of the font's size
_NARROW = dict.fromkeys("iljI|'", 0.32) | dict.fromkeys(" .,:;!()[]ft/r-", 0.42)
_WIDE = dict.fromkeys("mwMW@%—…→", 0.95) | dict.fromkeys("×+=<>~#±", 0.84)
MONOSPACED = 0.605
BOLD = 1.1
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escaped(text: str) -> str:
    """Return a text as XML, with a sign of replacement for characters that XML cannot hold."""
    return html.escape(_NOT_IN_XML.sub("\ufffd", text))


def width(text: str, size: float, *, bold: bool = False, monospaced: bool = False) -> float:
    """Return about how wide a text is in a font of this size; rather too much than too little."""
    if monospaced:
        return size * sum(MONOSPACED if ord(c) < 0x2E80 else 1.0 for c in text)
    return size * (BOLD if bold else 1.0) * sum(_width(c) for c in text)


def _width(c: str) -> float:
    if c in _NARROW:
        return _NARROW[c]
    if c in _WIDE:
        return _WIDE[c]
    return 0.64 if c.islower() or c.isdigit() or c == "_" else 0.75 if ord(c) < 0x2E80 else 1.05


def shortened(text: str, room: float, size: float, *, bold: bool = False, monospaced: bool = False, at_end: bool = False) -> str:
    """Return a text that fits into so much room, with "…" for what is too much: its middle, or its end."""
    kept = len(text)
    shown = text
    while kept > 1 and width(shown, size, bold=bold, monospaced=monospaced) > room:
        kept -= 1
        first = kept if at_end else kept - kept * 3 // 5  # the end of a path says more than its beginning
        shown = text[:first] + "…" + text[len(text) - (kept - first):]
    return shown


def number(x: float, digits: int = 3) -> str:
    """Return a number with a few digits, as in "0.314" or "3.14e-5"."""
    text = f"{x:.{digits - 1}e}" if 0 < abs(x) < 1e-3 else f"{x:.{digits}g}"
    return text.replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def count(n: int) -> str:
    """Return a count in at most four characters: "784", "12k", "3M"."""
    for unit, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if n >= unit:
            return f"{n // unit}{letter}"
    return str(n)
