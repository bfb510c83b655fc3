"""Arrays as small PNG images inside the page: digits in grey, weights from blue over the page's own colour to red."""

import base64
import struct
import zlib
from typing import Any

import numpy as np

from minigrad.experiments.config import SIDE
from minigrad.experiments.palette import LEVELS, grey_colours, weight_colours
from minigrad.experiments.tiled_images import side_by_side

SHARP = 900  # pixels of width; a browser would blur a smaller image when it enlarges it


def png(indices: Any, palette: Any) -> bytes:
    """Return a PNG file of palette indices, (height, width) bytes, and their colours, (at most 256, 4) bytes, with opacity."""
    height, width = indices.shape
    rows = np.pad(indices, ((0, 0), (1, 0)))  # each row begins with the number of its filter, 0
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", palette[:, :3].astype(np.uint8).tobytes()),
        (b"tRNS", palette[:, 3].astype(np.uint8).tobytes()),
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
    return _drawn(_sharp(side_by_side(grey, columns=len(images), gap=2, fill=np.nan)), grey_colours(256))


def weight_tiles(image: Any, limit: float) -> bytes:
    """Return a PNG file of weights, (height, width): -limit is blue, 0 transparent, +limit red, NaN grey."""
    place = np.clip(image / (limit or 1.0), -1, 1)
    return _drawn(_sharp((place + 1) / 2), weight_colours())


def grid(image: Any) -> bytes:
    """Return a PNG file of an image of values 0 to 1, (height, width), on black to white, NaN grey."""
    return _drawn(image, grey_colours(LEVELS))


def _drawn(image: Any, palette: Any) -> bytes:
    """Return a PNG file of an image of values 0 to 1 in the palette's colours; the last of these is for what is no finite number."""
    last = len(palette) - 1
    indices = np.where(np.isfinite(image), np.rint(image * (last - 1)), last)
    return png(indices.astype(np.uint8), palette)


def _sharp(image: Any) -> Any:
    zoom = max(1, SHARP // image.shape[1])
    return image.repeat(zoom, axis=0).repeat(zoom, axis=1)
