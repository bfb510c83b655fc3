"""Arrays as small PNG images inside the page: digits in grey, weights from blue over white to red."""

import base64
import struct
import zlib
from typing import Any

import numpy as np

from minigrad.experiments.config import SIDE
from minigrad.experiments.tiled_images import side_by_side

SHARP = 900  # pixels of width; a browser would blur a smaller image when it enlarges it
LEVELS = 64  # of a weight's colour: as many as an eye tells apart; 256 would double the size of the file
GAP_COLOR = (128, 128, 128)


def png(indices: Any, palette: Any) -> bytes:
    """Return a PNG file of palette indices, (height, width) bytes, and their colours, (at most 256, 3) bytes."""
    height, width = indices.shape
    rows = np.pad(indices, ((0, 0), (1, 0)))  # each row begins with the number of its filter, 0
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", palette.astype(np.uint8).tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes(), 6)),
        (b"IEND", b""),
    ]
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def data_uri(content: bytes) -> str:
    """Return a PNG file as the address of an image."""
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")


def strip(images: Any) -> bytes:
    """Return a PNG file of images of values 0 to 1, (n, 784), next to each other, on black to white."""
    grey = np.clip(np.nan_to_num(images.reshape(len(images), SIDE, SIDE)), 0, 1)
    indices = side_by_side(np.rint(grey * 254).astype(np.uint8), columns=len(images), gap=2, fill=255)
    return png(_sharp(indices), grey_palette(256))


def weight_tiles(units: Any, limit: float, columns: int) -> bytes:
    """Return a PNG file with a tile for each unit of (units, side, side) weights: -limit is blue, 0 white, +limit red, NaN grey."""
    place = np.clip(units / limit, -1, 1) if limit else np.zeros_like(units)
    middle = (LEVELS - 2) // 2  # an odd number of colours, so that 0 has one of its own
    indices = np.where(np.isfinite(place), np.rint((place + 1) * middle), LEVELS - 1).astype(np.uint8)
    gap = max(1, units.shape[1] // 14)
    return png(_sharp(side_by_side(indices, columns=columns, gap=gap, fill=LEVELS - 1)), diverging_palette())


def grid(image: Any) -> bytes:
    """Return a PNG file of an image of values 0 to 1, (height, width), on black to white, NaN grey."""
    indices = np.where(np.isfinite(image), np.rint(image * (LEVELS - 2)), LEVELS - 1).astype(np.uint8)
    return png(indices, grey_palette(LEVELS))


def grey_palette(levels: int) -> Any:
    """Return `levels` colours: from black to white, and the gap's grey as the last."""
    shades = np.arange(levels)[:, None].repeat(3, axis=1) * 255 // (levels - 2)
    shades[-1] = GAP_COLOR
    return shades


def diverging_palette() -> Any:
    """Return LEVELS colours: from blue over white to red, and the gap's grey as the last."""
    place = np.linspace(-1, 1, LEVELS - 1)[:, None]
    ends = np.where(place < 0, [[33, 102, 172]], [[178, 24, 43]])
    colours = 255 + (ends - 255) * np.abs(place) ** 0.8
    return np.vstack([np.rint(colours), [GAP_COLOR]]).astype(np.uint8)


def _sharp(image: Any) -> Any:
    zoom = max(1, SHARP // image.shape[1])
    return image.repeat(zoom, axis=0).repeat(zoom, axis=1)
