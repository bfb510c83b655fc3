"""Make and read IDX files by the format's description, independently of the package."""

import struct

import numpy as np

CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def header(dtype, shape):
    return struct.pack(">HBB", 0, CODES[dtype], len(shape)) + struct.pack(f">{len(shape)}I", *shape)


def idx(array):
    return header(array.dtype.name, array.shape) + array.astype(array.dtype.newbyteorder(">")).tobytes()


def parse(content):
    """Return the array of a raw IDX file, or None if the content is not such a file."""
    if (
        len(content) < 4
        or content[:2] != b"\0\0"
        or content[2] not in CODES.values()
        or not 1 <= content[3] <= 64
    ):
        return None
    dtype = np.dtype({code: name for name, code in CODES.items()}[content[2]])
    body = 4 + 4 * content[3]
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, body, 4)]
    size, room = dtype.itemsize, dtype.itemsize
    for n in shape:
        size *= n
        room *= n or 1
    if len(content) != body + size or room >= 2**63:
        return None
    return np.frombuffer(content, dtype.newbyteorder(">"), offset=body).astype(dtype).reshape(shape)


def same(a, b):
    """Return whether two arrays are equal in every bit, NaN included."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
