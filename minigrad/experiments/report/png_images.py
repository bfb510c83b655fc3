"""Arrays as small PNG images inside the page: digits in grey, weights from blue over white to red."""

import base64
import struct
import zlib
from typing import Any

import numpy as np

from minigrad.experiments.config import SIDE
from minigrad.experiments.tiled_images import side_by_side

SHARP = 900  # pixels of width; a browser would blur a smaller image when it enlarges it
LEVELS = 64  # colours of a weight: as many as an eye tells apart (256 would double the file), of which one is for gaps
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
    return _drawn(_sharp(side_by_side(grey, columns=len(images), gap=2, fill=np.nan)), grey_palette(256))


def weight_tiles(image: Any, limit: float) -> bytes:
    """Return a PNG file of weights, (height, width): -limit is blue, 0 white, +limit red, NaN grey."""
    place = np.clip(image / (limit or 1.0), -1, 1)
    return _drawn(_sharp((place + 1) / 2), diverging_palette())


def grid(image: Any) -> bytes:
    """Return a PNG file of an image of values 0 to 1, (height, width), on black to white, NaN grey."""
    return _drawn(image, grey_palette(LEVELS))


def grey_palette(levels: int) -> Any:
    """Return `levels` colours: from black to white, and the gap's grey as the last."""
    shades = np.arange(levels)[:, None].repeat(3, axis=1) * 255 // (levels - 2)
    shades[-1] = GAP_COLOR
    return shades


def diverging_palette() -> Any:
    """Return LEVELS colours: from blue over white to red, and the gap's grey as the last."""
    place = np.linspace(-1, 1, LEVELS - 1)[:, None]  # an odd number, so that 0 is white
    ends = np.where(place < 0, [[33, 102, 172]], [[178, 24, 43]])
    colours = 255 + (ends - 255) * np.abs(place) ** 0.8
    return np.vstack([np.rint(colours), [GAP_COLOR]]).astype(np.uint8)


def _drawn(image: Any, palette: Any) -> bytes:
    """Return a PNG file of an image of values 0 to 1 in the palette's colours; the last of these is for what is no finite number."""
    last = len(palette) - 1
    indices = np.where(np.isfinite(image), np.rint(image * (last - 1)), last)
    return png(indices.astype(np.uint8), palette)


def _sharp(image: Any) -> Any:
    zoom = max(1, SHARP // image.shape[1])
    return image.repeat(zoom, axis=0).repeat(zoom, axis=1)
